"""Decisions as they are given out: everything but what the chain alone needs."""

from __future__ import annotations

from dataclasses import dataclass

from claimwire.serve.review.tables import DecisionRow


@dataclass(frozen=True)
class DecisionView:
    """A decision that was recorded; the fields are those of
    :class:`~claimwire.serve.review.tables.DecisionRow`.
    """

    id: int
    sentence_id: int
    reviewer: str
    kind: str
    labels: tuple[str, ...]
    hard: bool
    note: str
    reason: str
    mode: str
    release: str
    predicted: tuple[str, ...]
    revises: int | None
    created_at: str
    hash: str


def view_of(row: DecisionRow) -> DecisionView:
    """Return a stored decision as it is given out."""
    return DecisionView(
        id=row.id,
        sentence_id=row.sentence_id,
        reviewer=row.reviewer,
        kind=row.kind,
        labels=tuple(row.labels),
        hard=row.hard,
        note=row.note,
        reason=row.reason,
        mode=row.mode,
        release=row.release,
        predicted=tuple(row.predicted),
        revises=row.revises,
        created_at=row.created_at,
        hash=row.hash,
    )
