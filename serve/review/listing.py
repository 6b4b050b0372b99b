"""The sentences behind a figure: which are wanted, and which of them a visitor may see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from claimwire.serve.review.adjudicating import ADJUDICATORS
from claimwire.serve.review.dashboard import Board, Sample
from claimwire.serve.review.facts import Judged, Verdict
from claimwire.serve.review.outcomes import NOT_A_SENTENCE, differ
from claimwire.serve.review.weeks import utc_day

DISPUTED: Final = "disputed"
"""In place of a label judged: the reviewers disagree."""

SOME: Final = "some"
"""In place of a label predicted or judged: any label at all."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which judged sentences: those to which all that is given applies.

    Attributes:
        sample: ``random``: those that the estimates rest on; ``all``.
        predicted: label that the release gives, or ``some``.
        judged: label that the reviewers give, ``some``, ``not_a_sentence`` or ``disputed``.
        any_label: whether the two labels above may be any of those given, not the primary one.
        week: of the article.
        queue: the queue that holds the sentence.
        complete: whether it must have all the verdicts that it takes.
        reviewer: who judged it.
        other: who judged it as well.
        several: whether at least two must have judged it.
        differ: whether these (the two named, or else all) disagreed on their own; None: either.
        since: first day of the verdict, of the reviewer named or of anybody.
        until: last day of it.
    """

    sample: Sample = "all"
    predicted: str | None = None
    judged: str | None = None
    any_label: bool = False
    week: str | None = None
    queue: str | None = None
    complete: bool = False
    reviewer: str | None = None
    other: str | None = None
    several: bool = False
    differ: bool | None = None
    since: str | None = None
    until: str | None = None

    def applies_to(self, each: Judged) -> bool:
        """Whether a sentence is wanted, the sample aside."""
        return (
            (self.week is None or each.week == self.week)
            and (self.queue is None or self.queue in each.queues)
            and (each.is_complete or not self.complete)
            and self._is_given(self.predicted, each.predicted)
            and self._is_judged(each)
            and self._is_by(each)
            and self._is_of_days(each)
        )

    def _is_given(self, label: str | None, labels: tuple[str, ...]) -> bool:
        if label in (None, SOME):
            return label is None or bool(labels)
        return label in (labels if self.any_label else labels[:1])

    def _is_judged(self, each: Judged) -> bool:
        if self.judged is None:
            return True
        if each.outcome is None:
            return self.judged == DISPUTED
        if not each.outcome.labels:
            return self.judged == NOT_A_SENTENCE
        return self._is_given(self.judged, each.outcome.labels)

    def _is_by(self, each: Judged) -> bool:
        verdicts = each.verdicts
        for name in (self.reviewer, self.other):
            if name is not None and each.verdict_of(name) is None:
                return False
        if self.several and len(verdicts) < 2:
            return False
        if self.differ is None:
            return True
        if self.reviewer is not None and self.other is not None:
            verdicts = tuple(v for v in verdicts if v.reviewer in (self.reviewer, self.other))
        return self.differ == differ([verdict.independent.labels for verdict in verdicts])

    def _is_of_days(self, each: Judged) -> bool:
        if self.since is None and self.until is None:
            return True
        return any(
            (self.since or "") <= utc_day(verdict.decided_at) <= (self.until or "9")
            for verdict in each.verdicts
            if self.reviewer in (None, verdict.reviewer)
        )


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever looks at a list.

    Attributes:
        name: the reviewer.
        role: reviewer, adjudicator or admin.
    """

    name: str
    role: str

    def may_see(self, each: Judged) -> bool:
        """Whether they may see what others said of a sentence.

        A reviewer may after their own verdict; adjudicators and admins may once it is complete.
        """
        if each.verdict_of(self.name) is not None:
            return True
        return each.is_complete and self.role in ADJUDICATORS

    def knows_names(self, each: Judged) -> bool:
        """Whether they are told whose answers those are.

        Whoever may still have to adjudicate a sentence shall weigh answers, not names.
        """
        return each.outcome is not None or each.verdict_of(self.name) is not None

    def verdicts(self, each: Judged) -> tuple[Verdict, ...]:
        """Return the verdicts on a sentence in an order that gives no name away."""
        if self.knows_names(each):
            return each.verdicts
        return tuple(sorted(each.verdicts, key=lambda verdict: verdict.answer))


def listed(board: Board, wanted: Wanted, viewer: Viewer) -> Iterator[Judged]:
    """Yield the sentences that are wanted and that a viewer may see, by id."""
    for each in board.sentences:
        if wanted.sample == "random" and each.sentence_id not in board.sampled:
            continue
        if viewer.may_see(each) and wanted.applies_to(each):
            yield each


def page_of(
    board: Board, wanted: Wanted, viewer: Viewer, *, after: int = 0, count: int = 50
) -> tuple[list[Judged], int, bool]:
    """Return some of the sentences listed.

    Args:
        board: the figures.
        wanted: which sentences.
        viewer: who looks.
        after: the id that the page begins after.
        count: most sentences on it.

    Returns:
        the sentences, how many are listed on all pages together, and whether more follow.
    """
    everything = list(listed(board, wanted, viewer))
    rest = [each for each in everything if each.sentence_id > after]
    return list(islice(rest, count)), len(everything), len(rest) > count
