"""Decisions: recorded once, never changed; a revision and an undo are decisions of their own."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from claimwire.data.errors import InputError
from claimwire.serve.review.appending import append, of_sentence, same, stored_under
from claimwire.serve.review.decision_view import DecisionView, view_of
from claimwire.serve.review.new_decision import (
    MAX_CHARACTERS,
    MAX_NAME,
    MODES,
    NewDecision,
    check_decision,
    check_name,
    check_revised,
)
from claimwire.serve.review.queues import assign
from claimwire.serve.review.standing import standing
from claimwire.serve.review.store import Lock, ReviewStore
from claimwire.serve.review.tables import (
    ADJUDICATE,
    DecisionRow,
    QueueRow,
    StandingRow,
    is_id,
)

__all__ = [
    "MAX_CHARACTERS",
    "MAX_NAME",
    "MODES",
    "DecisionView",
    "NewDecision",
    "effective_decisions",
    "history",
    "recent",
    "record_decision",
    "standing",
    "undo",
]


def record_decision(store: ReviewStore, reviewer: str, decision: NewDecision) -> DecisionView:
    """Append a decision to the chain.

    Args:
        store: where to.
        reviewer: who decided.
        decision: what; a ``client_key`` known already gives the stored decision back.

    Returns:
        the decision as it is stored, after the transaction was committed.

    Raises:
        InputError: the decision does not hold together, the sentence is unknown, or the client key
            belongs to another decision.
    """
    check_decision(reviewer, decision)
    with store.write(Lock.CHAIN) as session:
        stored = stored_under(session, decision.client_key)
        if stored is not None:
            return same(stored, reviewer, decision)
        return append(session, reviewer, decision, _revised(session, reviewer, decision))


def undo(store: ReviewStore, reviewer: str, decision_id: int, client_key: str) -> DecisionView:
    """Append that a decision is undone; the one that it replaced stands again.

    The sentence is kept for the reviewer as if it had just been given out. Where a skip is undone
    that is older than :data:`~claimwire.serve.review.queues.SKIP_RESTS_FOR`, or somebody took the
    sentence from the queue of skipped ones, another reviewer may have it, or have judged it. No
    verdict is refused for that: the sentence then has one more than it takes.

    Args:
        store: where to.
        reviewer: who undoes it: the one who decided.
        decision_id: the decision, which must stand.
        client_key: see :class:`NewDecision`.

    Raises:
        InputError: there is no such decision, it is another reviewer's, or it does not stand.
    """
    check_name("reviewer", reviewer)
    check_name("client_key", client_key)
    with store.write(Lock.CHAIN, Lock.ASSIGN) as session:
        undone = session.get(DecisionRow, decision_id) if is_id(decision_id) else None
        if undone is None or undone.reviewer != reviewer:
            raise InputError(
                f"undo: expected a decision of {reviewer}'s own, found {decision_id}, which is "
                "none: reload the page"
            )
        decision = NewDecision(undone.sentence_id, "undo", client_key, mode=undone.mode)
        stored = stored_under(session, client_key)
        if stored is not None:
            return same(stored, reviewer, decision, decision_id)
        if not _stands(session, undone):
            raise InputError(
                f"undo: expected a decision that stands, found {decision_id}, which was undone or "
                "replaced since: reload the page"
            )
        appended = append(session, reviewer, decision, decision_id)
        if undone.kind != ADJUDICATE:
            # It is on the reviewer's screen again: nobody else is to judge it meanwhile.
            assign(session, [undone.sentence_id], reviewer)
        return appended


def effective_decisions(store: ReviewStore, *, since_id: int = 0) -> Iterator[DecisionView]:
    """Yield the standing decision of each sentence and reviewer, skips included, in order of id.

    Args:
        store: where from.
        since_id: leave out this one and those before it.
    """
    with store.read() as session:
        rows = session.scalars(
            select(DecisionRow)
            .join(StandingRow, StandingRow.decision_id == DecisionRow.id)
            .where(DecisionRow.id > since_id)
            .order_by(DecisionRow.id)
            .execution_options(yield_per=1_000)
        )
        for row in rows:
            yield view_of(row)


def history(store: ReviewStore, sentence_id: int) -> list[DecisionView]:
    """Return every decision on a sentence, oldest first, undone ones and undos too."""
    if not is_id(sentence_id):
        return []
    with store.read() as session:
        return [view_of(row) for row in of_sentence(session, sentence_id)]


def recent(store: ReviewStore, reviewer: str, count: int = 20) -> list[DecisionView]:
    """Return the last decisions of a reviewer that stand, newest first."""
    with store.read() as session:
        rows = session.scalars(
            select(DecisionRow)
            .join(StandingRow, StandingRow.decision_id == DecisionRow.id)
            .where(StandingRow.reviewer == reviewer)
            .order_by(StandingRow.decision_id.desc())
            .limit(count)
        )
        return [view_of(row) for row in rows]


def _stands(session: Session, decision: DecisionRow) -> bool:
    if decision.kind == ADJUDICATE:
        queue = session.get(QueueRow, decision.sentence_id)
        return queue is not None and queue.adjudication_id == decision.id
    stands = session.get(StandingRow, (decision.sentence_id, decision.reviewer))
    return stands is not None and stands.decision_id == decision.id


def _revised(session: Session, reviewer: str, decision: NewDecision) -> int | None:
    """Return which decision a new one replaces: the one named, else the one that stands."""
    number = decision.revises
    if number is not None:
        found = session.get(DecisionRow, number) if is_id(number) else None
        check_revised(found, reviewer, decision)
        return number
    stands = None
    if is_id(decision.sentence_id):
        stands = session.get(StandingRow, (decision.sentence_id, reviewer))
    return None if stands is None else stands.decision_id
