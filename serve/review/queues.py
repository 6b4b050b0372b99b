"""Queues: which sentence a reviewer sees next, and how many are open."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, or_, select
from sqlalchemy.orm import Session

from claimwire.data.errors import InputError
from claimwire.serve.review.filters import (
    Filter,
    QueueName,
    counts_of,
    filter_conditions,
    first_of,
    order_of,
    queue_conditions,
)
from claimwire.serve.review.items import ContextSentence, Item, Prediction, read_items
from claimwire.serve.review.new_decision import check_name
from claimwire.serve.review.store import Lock, ReviewStore
from claimwire.serve.review.tables import (
    FRESH,
    HALF_DONE,
    VERDICT_KINDS,
    ArticleRow,
    AssignmentRow,
    QueueRow,
    ReleaseRow,
    StandingRow,
    UserRow,
    can_sign_in,
    is_id,
    now,
)

__all__ = [
    "ContextSentence",
    "Filter",
    "Item",
    "Prediction",
    "QueueName",
    "facets",
    "item",
    "next_items",
    "queue_sizes",
]

ASSIGNED_FOR: Final = timedelta(minutes=15)
"""How long a sentence is kept for the reviewer who got it."""

SKIP_HIDES_FOR: Final = timedelta(hours=24)
"""How long a skipped sentence is kept from the reviewer who skipped it."""

SKIP_RESTS_FOR: Final = timedelta(minutes=1)
"""How long it is kept from everybody else, so that an undo finds it with nobody."""


def next_items(
    store: ReviewStore,
    flt: Filter,
    reviewer: str,
    *,
    count: int = 3,
    exclude: Collection[int] = (),
    double: bool | None = None,
) -> list[Item]:
    """Return the next open sentences of a queue, and keep them for the reviewer for 15 minutes.

    Sentences kept for another reviewer are left out. So are, except in the queue of skipped ones,
    those that this reviewer skipped within 24 hours and anybody within a minute. Where two judge a
    sentence, it is open to the second one until both have.

    Args:
        store: where from.
        flt: the queue and what else must apply.
        reviewer: who will judge them; the same sentences come again until they are judged.
        count: how many at most.
        exclude: ids of sentences to leave out, such as those on the screen.
        double: whether some sentences take two reviewers; None: where several may sign in.
    """
    check_name("reviewer", reviewer)
    with store.write(Lock.ASSIGN) as session:
        conditions = [
            *queue_conditions(flt.queue),
            *filter_conditions(store, flt),
            ~kept_for_another(reviewer),
        ]
        if flt.queue is not QueueName.SKIPPED:
            conditions += [~_skipped_lately(reviewer), ~_skipped_just_now()]
        if exclude:
            left_out = [number for number in exclude if is_id(number)]
            conditions.append(QueueRow.sentence_id.not_in(left_out))
        open_now = [[QueueRow.stage == FRESH, *conditions]]
        if judges_twice(session) if double is None else double:
            lacks_mine = [QueueRow.stage == HALF_DONE, ~judged_by(reviewer)]
            open_now.append([*lacks_mine, *conditions])
        query = first_of(open_now, order_of(flt.queue), max(count, 0))
        ids = session.scalars(query).all()
        assign(session, ids, reviewer)
        return read_items(session, ids)


def item(store: ReviewStore, sentence_id: int) -> Item:
    """Return a sentence by its id.

    Raises:
        InputError: there is no such sentence.
    """
    with store.read() as session:
        found = read_items(session, [sentence_id]) if is_id(sentence_id) else []
    if not found:
        raise InputError(
            f"expected a sentence of this database, found {sentence_id}, which is none of its ids"
        )
    return found[0]


def queue_sizes(
    store: ReviewStore,
    flt: Filter | None = None,
    *,
    reviewer: str | None = None,
    double: bool | None = None,
) -> dict[QueueName, tuple[int, int]]:
    """Return for each queue how many sentences are open and how many are done.

    Args:
        store: where from.
        flt: what must apply; its queue does not count.
        reviewer: count as open what is open to this one; None: what is to anybody.
        double: see :func:`next_items`.
    """
    conditions = [] if flt is None else filter_conditions(store, flt)
    with store.read() as session:
        twice = judges_twice(session) if double is None else double
        wanted = [[QueueRow.stage == FRESH], [QueueRow.stage > FRESH]]
        if twice:
            mine = [] if reviewer is None else [~judged_by(reviewer)]
            wanted.append([QueueRow.stage == HALF_DONE, *mine])
        parts = [[*part, *queue_conditions(queue)] for queue in QueueName for part in wanted]
        found = iter(session.execute(counts_of(parts, conditions)).one())
    sizes = {}
    for queue in QueueName:
        fresh, begun, half = next(found), next(found), next(found) if twice else 0
        sizes[queue] = fresh + half, begun - half
    return sizes


def judges_twice(session: Session) -> bool:
    """Whether a second verdict can come: at least two may sign in."""
    able = select(func.count()).select_from(UserRow).where(can_sign_in())
    return (session.scalar(able) or 0) > 1


def facets(store: ReviewStore) -> dict[str, list[str]]:
    """Return what can be filtered by: ``theatres``, ``sources`` and ``releases`` in use."""
    with store.read() as session:
        return {
            "theatres": _distinct(session, ArticleRow.theatre),
            "sources": _distinct(session, ArticleRow.source),
            "releases": list(session.scalars(select(ReleaseRow.name).order_by(ReleaseRow.id))),
        }


def _distinct(session: Session, column: Any) -> list[str]:
    return list(
        session.scalars(select(column).where(column.is_not(None)).distinct().order_by(column))
    )


def kept_for_another(reviewer: str) -> ColumnElement[bool]:
    """Return the condition on a queue's row that somebody else has it on the screen."""
    return exists().where(
        AssignmentRow.sentence_id == QueueRow.sentence_id,
        AssignmentRow.reviewer != reviewer,
        AssignmentRow.expires_at > now(),
    )


def judged_by(reviewer: str) -> ColumnElement[bool]:
    """Return the condition on a queue's row that a verdict of this reviewer stands."""
    return exists().where(
        StandingRow.sentence_id == QueueRow.sentence_id,
        StandingRow.reviewer == reviewer,
        StandingRow.kind.in_(VERDICT_KINDS),
    )


def _skipped_lately(reviewer: str) -> ColumnElement[bool]:
    return exists().where(
        StandingRow.sentence_id == QueueRow.sentence_id,
        StandingRow.reviewer == reviewer,
        StandingRow.kind == "skip",
        StandingRow.decided_at > now(-SKIP_HIDES_FOR),
    )


def _skipped_just_now() -> ColumnElement[bool]:
    # Not a plain comparison, for which the queue would be read off the wrong index.
    return func.coalesce(QueueRow.skipped_at, "") > now(-SKIP_RESTS_FOR)


def assign(session: Session, ids: Sequence[int], reviewer: str) -> None:
    """Keep sentences for a reviewer for :data:`ASSIGNED_FOR`."""
    if not ids:
        return
    mine = and_(AssignmentRow.sentence_id.in_(ids), AssignmentRow.reviewer == reviewer)
    session.execute(delete(AssignmentRow).where(or_(mine, AssignmentRow.expires_at <= now())))
    until = now(ASSIGNED_FOR)
    session.execute(
        insert(AssignmentRow),
        [{"sentence_id": id_, "reviewer": reviewer, "expires_at": until} for id_ in ids],
    )
