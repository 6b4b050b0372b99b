"""Disagreements: who may settle which, what they are shown, and what they decide."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from string import ascii_uppercase
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from claimwire.data.errors import InputError
from claimwire.serve.review.appending import append, same, stored_under
from claimwire.serve.review.decision_view import DecisionView, view_of
from claimwire.serve.review.items import Item, read_items
from claimwire.serve.review.new_decision import NewDecision, check_adjudication
from claimwire.serve.review.queues import assign, judged_by, kept_for_another
from claimwire.serve.review.store import Lock, ReviewStore, secret_setting
from claimwire.serve.review.tables import (
    ADJUDICATE,
    VERDICT_KINDS,
    DecisionRow,
    QueueRow,
    StandingRow,
    UserRow,
    can_sign_in,
    is_id,
)

ADJUDICATORS: Final = ("adjudicator", "admin")
"""Roles that may adjudicate."""

_SECRET: Final = "answer_order_secret"  # noqa: S105  # the setting's name


@dataclass(frozen=True)
class AnonymousAnswer:
    """What a reviewer said, without saying who.

    Attributes:
        name: ``A``, ``B``, ... in an order that says nothing and stays the same.
        labels: primary first; empty for *not a sentence*.
        hard: whether the reviewer found it hard.
        note: what they noted.
    """

    name: str
    labels: tuple[str, ...]
    hard: bool
    note: str


@dataclass(frozen=True)
class Dispute:
    """A sentence on which reviewers disagree, with their answers."""

    item: Item
    answers: tuple[AnonymousAnswer, ...]


def next_disputes(
    store: ReviewStore,
    adjudicator: str,
    *,
    count: int = 3,
    exclude: Collection[int] = (),
    alone: bool = False,
) -> list[Dispute]:
    """Return the disagreements to settle next, and keep them for the adjudicator for 15 minutes.

    Args:
        store: where from.
        adjudicator: who will settle them. Those on which they gave a verdict themselves are left
            out, unless nobody else is there who may adjudicate and gave none.
        count: how many at most.
        exclude: ids of sentences to leave out, such as those on the screen.
        alone: whether nobody else is there at all.
    """
    with store.write(Lock.ASSIGN) as session:
        query = (
            select(QueueRow.sentence_id)
            .where(*_open_to(adjudicator, alone), ~kept_for_another(adjudicator))
            .order_by(QueueRow.sentence_id)
            .limit(max(count, 0))
        )
        if exclude:
            left_out = [number for number in exclude if is_id(number)]
            query = query.where(QueueRow.sentence_id.not_in(left_out))
        ids = session.scalars(query).all()
        assign(session, ids, adjudicator)
        return _disputes(session, ids)


def dispute(store: ReviewStore, adjudicator: str, sentence_id: int, *, alone: bool) -> Dispute:
    """Return one disagreement, with the same arguments as :func:`next_disputes`.

    Raises:
        InputError: the sentence waits for no adjudication, or not for this person's.
    """
    with store.write(Lock.ASSIGN) as session:
        _require_open(session, adjudicator, sentence_id, alone)
        return _disputes(session, [sentence_id])[0]


def open_disputes(
    store: ReviewStore, adjudicator: str | None = None, *, alone: bool = False
) -> int:
    """Return how many disagreements wait; for this adjudicator, or None: for anybody."""
    conditions: list[ColumnElement[bool]] = [QueueRow.is_disputed.is_(True)]
    if adjudicator is not None:
        conditions = _open_to(adjudicator, alone)
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(QueueRow).where(*conditions)) or 0


def adjudicate(
    store: ReviewStore, adjudicator: str, decision: NewDecision, *, alone: bool = False
) -> DecisionView:
    """Settle a disagreement: append a decision of kind ``adjudicate``.

    Args:
        store: where to.
        adjudicator: who decides; whoever calls this has seen to it that they may.
        decision: labels, none for *not a sentence*, and a reason; its kind is ``adjudicate``.
        alone: see :func:`next_disputes`.

    Raises:
        InputError: the decision does not hold together, the sentence waits for no adjudication or
            not for this person's, or the client key belongs to another decision.
    """
    if decision.kind != ADJUDICATE or decision.revises is not None:
        raise InputError(f"kind: expected {ADJUDICATE} that revises nothing, found {decision.kind}")
    check_adjudication(adjudicator, decision)
    with store.write(Lock.CHAIN) as session:
        stored = stored_under(session, decision.client_key)
        if stored is not None:
            return same(stored, adjudicator, decision)
        _require_open(session, adjudicator, decision.sentence_id, alone)
        return append(session, adjudicator, decision, None)


def last_adjudication(store: ReviewStore, adjudicator: str) -> DecisionView | None:
    """Return the last adjudication of somebody's that stands, None for none."""
    with store.read() as session:
        row = session.scalars(
            select(DecisionRow)
            .join(QueueRow, QueueRow.adjudication_id == DecisionRow.id)
            .where(DecisionRow.reviewer == adjudicator)
            .order_by(DecisionRow.id.desc())
            .limit(1)
        ).one_or_none()
        return None if row is None else view_of(row)


def _require_open(session: Session, adjudicator: str, sentence_id: int, alone: bool) -> None:
    found = None
    if is_id(sentence_id):
        mine = [QueueRow.sentence_id == sentence_id, *_open_to(adjudicator, alone)]
        found = session.scalar(select(QueueRow.sentence_id).where(*mine))
    if found is None:
        raise InputError(
            f"sentence_id: expected a disagreement that waits for {adjudicator}, found "
            f"{sentence_id}: it is settled or agreed on by now, or {adjudicator} is one of its "
            "reviewers and another adjudicator is there"
        )


def _open_to(adjudicator: str, alone: bool) -> list[ColumnElement[bool]]:
    """Return the conditions on a queue's row that a person may settle it."""
    is_disputed = QueueRow.is_disputed.is_(True)
    if alone:
        return [is_disputed]
    theirs = aliased(StandingRow)
    is_involved = exists().where(
        theirs.sentence_id == QueueRow.sentence_id,
        theirs.reviewer == UserRow.name,
        theirs.kind.in_(VERDICT_KINDS),
    )
    somebody_else = exists().where(
        can_sign_in(),
        UserRow.role.in_(ADJUDICATORS),
        UserRow.name != adjudicator,
        not_(is_involved.correlate(QueueRow, UserRow)),
    )
    return [is_disputed, or_(~judged_by(adjudicator), ~somebody_else.correlate(QueueRow))]


def _disputes(session: Session, ids: Sequence[int]) -> list[Dispute]:
    rows = session.scalars(
        select(DecisionRow)
        .join(StandingRow, StandingRow.decision_id == DecisionRow.id)
        .where(and_(StandingRow.sentence_id.in_(ids), StandingRow.kind.in_(VERDICT_KINDS)))
    )
    secret = secret_setting(session, _SECRET)
    answers: dict[int, list[DecisionRow]] = {}
    for row in sorted(rows, key=lambda row: _lot(secret, row)):
        answers.setdefault(row.sentence_id, []).append(row)
    return [
        Dispute(item, tuple(map(_anonymous, ascii_uppercase, answers[item.sentence_id])))
        for item in read_items(session, ids)
    ]


def _anonymous(name: str, row: DecisionRow) -> AnonymousAnswer:
    return AnonymousAnswer(name, tuple(row.labels), row.hard, row.note)


def _lot(secret: bytes, row: DecisionRow) -> bytes:
    """Return the lot that orders the answers to a sentence: it stays when an answer is revised."""
    return hmac.digest(secret, f"{row.sentence_id}:{row.reviewer}".encode(), sha256)
