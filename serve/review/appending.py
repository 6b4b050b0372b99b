"""Appending to the chain, and writing down what follows from it; the caller holds its lock."""

from __future__ import annotations

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from claimwire.data.errors import InputError
from claimwire.data.labels import GUIDELINES_VERSION
from claimwire.serve.review.decision_view import DecisionView, view_of
from claimwire.serve.review.hashes import GENESIS, decision_hash
from claimwire.serve.review.new_decision import NewDecision
from claimwire.serve.review.outcomes import differ
from claimwire.serve.review.standing import adjudication, stage, standing
from claimwire.serve.review.tables import (
    VERDICT_KINDS,
    AssignmentRow,
    DecisionRow,
    PredictionRow,
    QueueRow,
    ReleaseRow,
    SentenceRow,
    SettingRow,
    StandingRow,
    is_id,
    now,
)


def stored_under(session: Session, client_key: str) -> DecisionRow | None:
    """Return the decision that has a client key, None for none."""
    return session.scalars(
        select(DecisionRow).where(DecisionRow.client_key == client_key)
    ).one_or_none()


def same(
    stored: DecisionRow, reviewer: str, decision: NewDecision, revises: int | None = None
) -> DecisionView:
    """Return the stored decision where it is the one that was sent again.

    Raises:
        InputError: it is another one.
    """
    revises = revises or decision.revises
    sent = NewDecision(
        stored.sentence_id,
        stored.kind,
        stored.client_key,
        tuple(stored.labels),
        stored.hard,
        stored.note,
        stored.reason,
        stored.mode,
        decision.revises,
    )
    if sent != decision or stored.reviewer != reviewer or revises not in (None, stored.revises):
        raise InputError(
            f"client_key: expected a new key for each decision, found {stored.client_key!r}, which "
            f"decision {stored.id} has: make another"
        )
    return view_of(stored)


def append(
    session: Session, reviewer: str, decision: NewDecision, revises: int | None
) -> DecisionView:
    """Append a decision that was checked.

    Args:
        session: of the transaction that holds the chain's lock.
        reviewer: whose decision it is.
        decision: what was decided.
        revises: the decision that it replaces or undoes.

    Raises:
        InputError: the sentence is unknown.
    """
    last = session.execute(
        select(DecisionRow.id, DecisionRow.hash).order_by(DecisionRow.id.desc()).limit(1)
    ).one_or_none()
    release, predicted, digest = _judged(session, decision.sentence_id)
    guideline = session.get(SettingRow, "guideline_version")
    fields = {
        "id": 1 if last is None else last.id + 1,
        "sentence_id": decision.sentence_id,
        "reviewer": reviewer,
        "kind": decision.kind,
        "labels": list(decision.labels),
        "hard": decision.hard,
        "note": decision.note,
        "reason": decision.reason,
        "mode": decision.mode,
        "release": release,
        "predicted": predicted,
        "sentence_digest": digest,
        "guideline": GUIDELINES_VERSION if guideline is None else guideline.value,
        "revises": revises,
        "client_key": decision.client_key,
        "created_at": now(),
        "previous_hash": GENESIS if last is None else last.hash,
    }
    row = DecisionRow(**fields, hash=decision_hash(fields))
    session.add(row)
    session.flush()
    _derive(session, decision.sentence_id, reviewer)
    return view_of(row)


def _judged(session: Session, sentence_id: int) -> tuple[str, list[str], str]:
    """Return what was current of a sentence: release, its labels, and the text's digest."""
    found = None
    if is_id(sentence_id):
        found = session.execute(
            select(ReleaseRow.name, PredictionRow.labels, SentenceRow.digest)
            .select_from(SentenceRow)
            .join(QueueRow, QueueRow.sentence_id == SentenceRow.id)
            .outerjoin(PredictionRow, PredictionRow.id == QueueRow.prediction_id)
            .outerjoin(ReleaseRow, ReleaseRow.id == PredictionRow.release_id)
            .where(SentenceRow.id == sentence_id)
        ).one_or_none()
    if found is None:
        raise InputError(
            f"sentence_id: expected a sentence of this database, found {sentence_id}: "
            "import it first"
        )
    release, predicted, digest = found
    return release or "", predicted or [], digest


def of_sentence(session: Session, sentence_id: int) -> list[DecisionRow]:
    """Return every decision on a sentence, oldest first."""
    return list(
        session.scalars(
            select(DecisionRow)
            .where(DecisionRow.sentence_id == sentence_id)
            .order_by(DecisionRow.id)
        )
    )


def _derive(session: Session, sentence_id: int, reviewer: str) -> None:
    """Write down what follows from a sentence's decisions, after one of the reviewer's."""
    decisions = of_sentence(session, sentence_id)
    stands = standing(decisions)
    mine = (StandingRow.sentence_id == sentence_id) & (StandingRow.reviewer == reviewer)
    session.execute(delete(StandingRow).where(mine))
    if reviewer in stands:
        row = stands[reviewer]
        session.execute(
            insert(StandingRow).values(
                sentence_id=sentence_id,
                reviewer=reviewer,
                decision_id=row.id,
                kind=row.kind,
                decided_at=row.created_at,
            )
        )
    _derive_queue(session, sentence_id, decisions, stands)
    session.execute(
        delete(AssignmentRow).where(
            AssignmentRow.sentence_id == sentence_id, AssignmentRow.reviewer == reviewer
        )
    )


def _derive_queue(
    session: Session,
    sentence_id: int,
    decisions: list[DecisionRow],
    stands: dict[str, DecisionRow],
) -> None:
    undone = {row.revises for row in decisions if row.kind == "undo"}
    skips = [row.created_at for row in decisions if row.kind == "skip" and row.id not in undone]
    verdicts = [row.labels for row in stands.values() if row.kind in VERDICT_KINDS]
    settled = adjudication(decisions)
    needed = session.scalar(select(QueueRow.needed).where(QueueRow.sentence_id == sentence_id))
    session.execute(
        update(QueueRow)
        .where(QueueRow.sentence_id == sentence_id)
        .values(
            judgements=len(verdicts),
            stage=stage(len(verdicts), needed or 1, is_adjudicated=settled is not None),
            adjudication_id=None if settled is None else settled.id,
            is_disputed=settled is None and differ(verdicts),
            skipped_at=max(skips, default=None),
        )
    )
