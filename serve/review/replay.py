"""Judged sentences tagged anew: which audited errors a release mends, and which it makes.

A sentence is *right* where the labels given are those of its outcome, as sets; those on which
reviewers disagree are left out. What was predicted before is what stood there when it was judged,
as the decision keeps it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from math import comb
from typing import Any, Final

from claimwire.data.duplicates import normalise
from claimwire.data.labels import LABELS
from claimwire.model.decision import Decision
from claimwire.serve.review.judged import Entry, settled
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.tagger import BATCH_SENTENCES, SCORE_DECIMALS, Tagger


class ReplayOutcome(StrEnum):
    """What became of a sentence, or of one label of it."""

    FIXED = "fixed"
    BROKEN = "broken"
    STILL_WRONG = "still_wrong"
    STILL_RIGHT = "still_right"

    @classmethod
    def of(cls, *, was_right: bool, is_right: bool) -> ReplayOutcome:
        """Return the outcome of a change, or of none."""
        if was_right:
            return cls.STILL_RIGHT if is_right else cls.BROKEN
        return cls.FIXED if is_right else cls.STILL_WRONG


MEANING: Final = {
    ReplayOutcome.FIXED: "was wrong, is right",
    ReplayOutcome.BROKEN: "was right, is wrong",
    ReplayOutcome.STILL_WRONG: "was wrong, is wrong",
    ReplayOutcome.STILL_RIGHT: "was right, is right",
}
"""The outcomes in words."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A judged sentence under the release of then and the one of now.

    Attributes:
        name: its name, as in exports.
        decision: the decision that says what is right.
        text: the sentence.
        article: the key of its article.
        stratum: ``random`` or ``rest``.
        labels: what is right, primary first.
        release: the release of then.
        before: what it said.
        now: what the release of now says.
        outcome: what became of it.
        trained_on: whether the release was trained on it, as far as was told.
    """

    name: str
    decision: int
    text: str
    article: str
    stratum: str
    labels: tuple[str, ...]
    release: str
    before: tuple[str, ...]
    now: Decision
    outcome: ReplayOutcome
    trained_on: bool

    def to_json(self) -> dict[str, Any]:
        """Return the line of the list of sentences."""
        return {
            "id": self.name,
            "decision": self.decision,
            "text": self.text,
            "article": self.article,
            "stratum": self.stratum,
            "outcome": self.outcome.value,
            "labels": list(self.labels),
            "before": list(self.before),
            "now": [label.value for label in self.now.labels],
            "scores": {
                label.value: round(float(score), SCORE_DECIMALS)
                for label, score in self.now.scores.items()
            },
            "release_before": self.release,
            "trained_on": self.trained_on,
        }


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """Outcome of a replay.

    Attributes:
        release: the release of now.
        sentences: the judged sentences, by sentence.
        unpredicted: judged sentences without a prediction when they were judged; not among them.
        disputed: judged sentences that wait for an adjudicator; not among them.
    """

    release: str
    sentences: tuple[Replayed, ...]
    unpredicted: int
    disputed: int

    def counts(self, sentences: Iterable[Replayed] | None = None) -> dict[ReplayOutcome, int]:
        """Return how many sentences (None: all) had each outcome."""
        found = Counter(each.outcome for each in self._some(sentences))
        return {outcome: found[outcome] for outcome in ReplayOutcome}

    def by_label(self) -> dict[str, dict[ReplayOutcome, int]]:
        """Return, for each label, how many sentences had it right or wrong then and now.

        A label is right in a sentence where it is given and belongs there, or neither; sentences
        that it never had to do with are not counted.
        """
        table = {label.value: dict.fromkeys(ReplayOutcome, 0) for label in LABELS}
        for each in self.sentences:
            for label, counts in table.items():
                true = label in each.labels
                was_right = (label in each.before) == true
                is_right = (label in each.now.labels) == true
                # Where it was never given and does not belong, there is nothing to tell.
                if true or not (was_right and is_right):
                    counts[ReplayOutcome.of(was_right=was_right, is_right=is_right)] += 1
        return table

    def with_outcome(self, outcome: ReplayOutcome) -> list[Replayed]:
        """Return the sentences with an outcome."""
        return [each for each in self.sentences if each.outcome is outcome]

    @property
    def unseen(self) -> list[Replayed]:
        """The sentences that the release was not trained on, as far as was told."""
        return [each for each in self.sentences if not each.trained_on]

    @property
    def random(self) -> list[Replayed]:
        """Those of the random stratum among them: a sample of production."""
        return [each for each in self.unseen if each.stratum == "random"]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as one JSON object."""
        parts = {"all": self.sentences, "not_trained_on": self.unseen, "random": self.random}
        return {
            "release": self.release,
            "sentences": len(self.sentences),
            "unpredicted": self.unpredicted,
            "disputed": self.disputed,
            "outcomes": {name: _plain(self.counts(some)) for name, some in parts.items()},
            "p_value": {name: sign_test(self.counts(some)) for name, some in parts.items()},
            "by_label": {label: _plain(counts) for label, counts in self.by_label().items()},
        }

    def _some(self, sentences: Iterable[Replayed] | None) -> Iterable[Replayed]:
        return self.sentences if sentences is None else sentences


def replay(store: ReviewStore, tagger: Tagger, *, trained_on: Collection[str] = ()) -> ReplayReport:
    """Tag every judged sentence again and compare.

    Sentences without a verdict, found to be none, or waiting for an adjudicator are left out.

    Args:
        store: the review desk's database.
        tagger: the release of now.
        trained_on: texts that it was trained on: for those a mended error is no news.
    """
    known = {normalise(text) for text in trained_on}
    states: Counter[str] = Counter()
    judged = _labelled(store, states)
    replayed: list[Replayed] = []
    unpredicted = 0
    while batch := list(islice(judged, BATCH_SENTENCES)):
        predicted = [entry for entry in batch if entry.decision.predicted]
        unpredicted += len(batch) - len(predicted)
        replayed += _tagged_anew(predicted, tagger, known)
    return ReplayReport(tagger.model, tuple(replayed), unpredicted, states["open"])


def _labelled(store: ReviewStore, states: Counter[str]) -> Iterator[Entry]:
    """Yield what says the labels of each sentence that has any, and count all by their state."""
    for each in settled(store):
        states[each.state] += 1
        if each.state == "label":
            yield each.entry


def _tagged_anew(
    entries: list[Entry], tagger: Tagger, known: Collection[str]
) -> Iterator[Replayed]:
    decisions = tagger.decide([entry.sentence.text for entry in entries])
    for entry, now in zip(entries, decisions, strict=True):
        decision, true = entry.decision, set(entry.decision.labels)
        yield Replayed(
            name=entry.name,
            decision=decision.id,
            text=entry.sentence.text,
            article=entry.article.key,
            stratum=entry.sentence.stratum,
            labels=tuple(decision.labels),
            release=decision.release,
            before=tuple(decision.predicted),
            now=now,
            outcome=ReplayOutcome.of(
                was_right=set(decision.predicted) == true, is_right=set(now.labels) == true
            ),
            trained_on=normalise(entry.sentence.text) in known,
        )


def sign_test(counts: dict[ReplayOutcome, int]) -> float:
    """Return how likely fixed and broken would differ so much by chance (exact, two-sided).

    This is McNemar's test (1947) in its exact form: 0-1, and 1.0 where nothing changed.
    """
    fixed, broken = counts[ReplayOutcome.FIXED], counts[ReplayOutcome.BROKEN]
    n, fewer = fixed + broken, min(fixed, broken)
    tail = sum(comb(n, k) for k in range(fewer + 1))
    # Whole numbers are divided at the end: a power of 1/2 would be nothing for many sentences.
    return min(1.0, 2 * tail / 2**n) if n else 1.0


def _plain(counts: dict[ReplayOutcome, int]) -> dict[str, int]:
    return {outcome.value: count for outcome, count in counts.items()}
