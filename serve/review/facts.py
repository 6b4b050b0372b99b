"""Judged sentences as the dashboard counts them: what was predicted, and who said what.

Every figure about judgements and every list of the sentences behind one is taken from the same
facts, so that a number and its list cannot differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, Text, and_, func, select, type_coerce
from sqlalchemy.orm import Session

from claimwire.serve.review.outcomes import (
    GivenVerdict,
    Outcome,
    counts,
    outcome_of,
    parsed_labels,
)
from claimwire.serve.review.queues import QueueName, judges_twice
from claimwire.serve.review.tables import (
    ADJUDICATE,
    DONE,
    FRESH,
    VERDICT_KINDS,
    ArticleRow,
    DecisionRow,
    PredictionRow,
    QueueRow,
    SentenceRow,
)
from claimwire.serve.review.weeks import week_of

_HELD: Final = (
    *(QueueName.RANDOM.value, QueueName.UNCERTAIN.value, QueueName.FLAGGED.value),
    *(QueueName.NOISE.value, QueueName.SKIPPED.value),
)
_ALL: Final = frozenset({QueueName.ALL.value})


class Answer(NamedTuple):
    """What a reviewer said: ``label`` with labels, primary first, or ``not_a_sentence``."""

    kind: str
    labels: tuple[str, ...]

    @property
    def primary(self) -> str:
        """The primary label, ``not_a_sentence`` where there is none."""
        return self.labels[0] if self.labels else self.kind


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one reviewer said of a sentence.

    Attributes:
        decision: number of the decision that stands.
        reviewer: whose it is.
        answer: what stands.
        independent: what the reviewer said last before another's answer could be seen: from their
            own first verdict on, a reviewer sees what others said.
        decided_at: when the one that stands was made.
        is_open: whether it was made with the prediction in sight.
    """

    decision: int
    reviewer: str
    answer: Answer
    independent: Answer
    decided_at: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged sentence.

    Attributes:
        sentence_id: the sentence.
        week: of its article, such as ``2026-W09``.
        predicted: labels that the release gives it, primary first; empty where it has none.
        confidence: of the release; None where it predicted nothing.
        queues: the queues that hold it.
        result: what is held of it.
        is_complete: whether it has all the verdicts that it takes, or an adjudication; where only
            one may sign in, one verdict is all that can come.
        verdicts: of the reviewers, in order of the decisions.
    """

    sentence_id: int
    week: str
    predicted: tuple[str, ...]
    confidence: float | None
    queues: frozenset[str]
    result: Outcome
    is_complete: bool
    verdicts: tuple[Verdict, ...]

    @property
    def outcome(self) -> Answer | None:
        """What the reviewers say, or the adjudicator; None while reviewers disagree."""
        result = self.result
        return None if result.kind == "open" else _answer(result.kind, result.labels)

    def verdict_of(self, reviewer: str) -> Verdict | None:
        """Return what a reviewer said, None for nothing."""
        return next((each for each in self.verdicts if each.reviewer == reviewer), None)


def judged_sentences(session: Session, release_id: int | None) -> list[Judged]:
    """Return every sentence on which a verdict or adjudication stands, by id.

    Args:
        session: where from.
        release_id: whose predictions are given with them.
    """
    found, twice = dict(_outcomes(session)), judges_twice(session)
    judged = []
    for row in session.connection().execute(_sentences(release_id)):
        sentence_id, moment, labels, confidence, is_complete, *held = row
        if sentence_id not in found:
            continue
        outcome, verdicts = found[sentence_id]
        judged.append(
            Judged(
                sentence_id=sentence_id,
                week=week_of(moment),
                predicted=() if labels is None else parsed_labels(labels),
                confidence=confidence,
                queues=_queues(*held),
                result=outcome,
                is_complete=is_complete or not twice,
                verdicts=verdicts,
            )
        )
    return judged


def _sentences(release_id: int | None) -> Select[*tuple[Any, ...]]:
    of_release = and_(
        PredictionRow.sentence_id == SentenceRow.id, PredictionRow.release_id == release_id
    )
    return (
        select(
            SentenceRow.id,
            func.coalesce(ArticleRow.published, ArticleRow.created_at),
            type_coerce(PredictionRow.labels, Text),
            PredictionRow.confidence,
            QueueRow.stage == DONE,
            QueueRow.stratum == "random",
            QueueRow.confidence.is_not(None),
            QueueRow.needs_review,
            func.coalesce(QueueRow.noise, 0) > 0,
            QueueRow.skipped_at.is_not(None),
        )
        .join(ArticleRow, ArticleRow.id == SentenceRow.article_id)
        .join(QueueRow, QueueRow.sentence_id == SentenceRow.id)
        .outerjoin(PredictionRow, of_release)
        .where(QueueRow.stage > FRESH)
        .order_by(SentenceRow.id)
    )


def _outcomes(session: Session) -> Iterator[tuple[int, tuple[Outcome, tuple[Verdict, ...]]]]:
    """Yield, by sentence, its outcome and its standing verdicts."""
    standing = set(session.scalars(select(DecisionRow.id).where(counts())))
    query = (
        select(
            DecisionRow.sentence_id,
            DecisionRow.id,
            DecisionRow.reviewer,
            DecisionRow.kind,
            type_coerce(DecisionRow.labels, Text),
            DecisionRow.created_at,
            DecisionRow.mode == "open",
        )
        .where(DecisionRow.kind.in_((*VERDICT_KINDS, ADJUDICATE)))
        .order_by(DecisionRow.sentence_id, DecisionRow.id)
    )
    rows = session.connection().execute(query)
    for sentence_id, group in groupby(rows, key=itemgetter(0)):
        given, in_sight = [], set()
        for _, number, reviewer, kind, labels, moment, is_open in group:
            given.append(GivenVerdict(reviewer, parsed_labels(labels), kind, moment, number))
            if is_open:
                in_sight.add(number)
        stands = [each for each in given if each.id in standing]
        verdicts = [each for each in stands if each.kind != ADJUDICATE]
        if stands:
            adjudication = next((each for each in stands if each.kind == ADJUDICATE), None)
            outcome = outcome_of(sentence_id, verdicts, adjudication)
            yield sentence_id, (outcome, tuple(_verdicts(verdicts, given, in_sight)))


def _verdicts(
    verdicts: Iterable[GivenVerdict], given: Sequence[GivenVerdict], in_sight: Collection[int]
) -> Iterator[Verdict]:
    for each in verdicts:
        answer = independent = _answer(each.kind, each.labels)
        if len(given) > 1:
            independent = _independent(given, each.reviewer)
        yield Verdict(
            each.id, each.reviewer, answer, independent, each.decided_at, each.id in in_sight
        )


def _independent(given: Iterable[GivenVerdict], reviewer: str) -> Answer:
    """Return a reviewer's last answer before they could see another's, else their first."""
    found: Answer | None = None
    is_seen = False
    for each in given:
        if each.kind == ADJUDICATE:
            continue  # it may be the same person's, at another time
        if each.reviewer != reviewer:
            is_seen = True
        elif found is None or not is_seen:
            found = _answer(each.kind, each.labels)
    assert found is not None
    return found


@lru_cache(maxsize=1_024)
def _answer(kind: str, labels: tuple[str, ...]) -> Answer:
    return Answer(kind, labels)


@lru_cache(maxsize=64)
def _queues(*held: bool) -> frozenset[str]:
    """Return the queues that hold a sentence, told in the order of :data:`_HELD`."""
    return frozenset(queue for queue, is_held in zip(_HELD, held, strict=True) if is_held) | _ALL
