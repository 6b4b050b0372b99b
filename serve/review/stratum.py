"""The random stratum: which of its judged sentences count, and which are not counted yet.

The stratum is a random sample of what was imported, in a random order of its own. A judged sentence
counts in its turn: once what stands before it in that order, and was there when it was judged, is
judged too. One that was judged before its turn, through another queue or a filter, was chosen for
what it is, and a sample of such is no sample of production.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Text, func, select, type_coerce
from sqlalchemy.orm import Session

from claimwire.serve.review.outcomes import Outcome, outcomes, parsed_labels
from claimwire.serve.review.tables import (
    FRESH,
    VERDICT_KINDS,
    DecisionRow,
    PredictionRow,
    QueueRow,
    SentenceRow,
    StandingRow,
)

OPEN_TOLERATED: Final = 0.05
"""Share of what stands before a sentence that may be open (skipped, or on somebody's screen)."""

FEW_OPEN: Final = 3
"""So many open ones are tolerated, however few stand before a sentence."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A judged sentence of the stratum.

    Attributes:
        sentence_id: the sentence.
        weight: how many sentences it stands for, one over the share of its draw.
        judged_at: time of the first verdict, as text in whose order times come.
        kind: of the outcome.
        labels: of it.
        mode: of the decision that says so, ``blind`` or ``open``.
    """

    sentence_id: int
    weight: float
    judged_at: str
    kind: str
    labels: tuple[str, ...]
    mode: str


@dataclass(frozen=True, slots=True)
class Stratum:
    """The random stratum at one moment.

    Attributes:
        judged: the judged sentences that count, in the stratum's order.
        out_of_turn: judged sentences that do not count yet.
        disputed: judged sentences that wait for an adjudicator. They hold up the count as open ones
            do: what is hard may not be left out.
        open: sentences without a verdict, the skipped ones among them.
        skipped: those of them that somebody's skip stands on.
    """

    judged: tuple[Counted, ...]
    out_of_turn: int
    disputed: int
    open: int
    skipped: int


def read_stratum(session: Session, known: Iterable[Outcome] | None = None) -> Stratum:
    """Return the random stratum as it is now.

    Args:
        session: where from.
        known: the outcomes of all sentences, where they were read already.
    """
    order = _order(session)
    found = {
        each.sentence_id: each
        for each in _counted(session, outcomes(session) if known is None else known)
    }
    verdicts = {number: each for number, each in found.items() if each.kind != "open"}
    judged = tuple(_judged_in_turn(order, verdicts))
    return Stratum(
        judged=judged,
        out_of_turn=len(verdicts) - len(judged),
        disputed=len(found) - len(verdicts),
        open=len(order) - len(found),
        skipped=_skipped(session),
    )


def predicted_labels(session: Session, release_id: int | None) -> dict[int, tuple[str, ...]]:
    """Return the labels that a release gives the sentences of the stratum, by sentence."""
    query = (
        select(PredictionRow.sentence_id, type_coerce(PredictionRow.labels, Text))
        .join(QueueRow, QueueRow.sentence_id == PredictionRow.sentence_id)
        .where(QueueRow.stratum == "random", PredictionRow.release_id == release_id)
    )
    return {number: parsed_labels(labels) for number, labels in session.execute(query)}


def _order(session: Session) -> list[tuple[int, str]]:
    """Return ids and times of import of the stratum in its order, which is that of its queue."""
    query = (
        select(QueueRow.sentence_id, SentenceRow.created_at)
        .join(SentenceRow, SentenceRow.id == QueueRow.sentence_id)
        .where(QueueRow.stratum == "random")
        .order_by(QueueRow.digest, QueueRow.sentence_id)
    )
    return [(number, imported_at) for number, imported_at in session.execute(query)]


def _counted(session: Session, found: Iterable[Outcome]) -> Iterator[Counted]:
    """Yield the judged sentences of the stratum, each with its outcome."""
    first = (
        select(DecisionRow.sentence_id, func.min(DecisionRow.created_at))
        .join(QueueRow, QueueRow.sentence_id == DecisionRow.sentence_id)
        .where(DecisionRow.kind.in_(VERDICT_KINDS), QueueRow.stratum == "random")
        .group_by(DecisionRow.sentence_id)
    )
    judged_at = dict(session.execute(first).all())
    query = (
        select(SentenceRow.id, SentenceRow.draw_share)
        .join(QueueRow, QueueRow.sentence_id == SentenceRow.id)
        .where(QueueRow.stratum == "random", QueueRow.stage != FRESH)
    )
    share = dict(session.execute(query).all())
    modes = (
        select(DecisionRow.id, DecisionRow.mode)
        .join(QueueRow, QueueRow.sentence_id == DecisionRow.sentence_id)
        .where(QueueRow.stratum == "random")
    )
    mode = dict(session.execute(modes).all())
    for each in found:
        number = each.sentence_id
        if number in share:
            said = each.decision or each.verdicts[-1].id
            yield Counted(
                number, 1 / share[number], judged_at[number], each.kind, each.labels, mode[said]
            )


def _skipped(session: Session) -> int:
    """Return how many open sentences of the stratum a standing skip is on."""
    query = (
        select(func.count(StandingRow.sentence_id.distinct()))
        .join(QueueRow, QueueRow.sentence_id == StandingRow.sentence_id)
        .where(QueueRow.stratum == "random", QueueRow.judgements == 0, StandingRow.kind == "skip")
    )
    return session.scalar(query) or 0


def _judged_in_turn(
    order: Iterable[tuple[int, str]], verdicts: Mapping[int, Counted]
) -> Iterator[Counted]:
    """Yield the judged sentences that count."""
    imported: list[str] = []
    still_open: list[str] = []
    for number, imported_at in order:
        insort(imported, imported_at)
        each = verdicts.get(number)
        if each is None:
            insort(still_open, imported_at)
            continue
        before = bisect_left(imported, each.judged_at)
        if bisect_left(still_open, each.judged_at) <= max(FEW_OPEN, OPEN_TOLERATED * before):
            yield each
