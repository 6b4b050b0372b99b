"""What queues hold and in which order, and the queries that read them off their indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    UnaryExpression,
    and_,
    case,
    func,
    select,
    union_all,
)

from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.tables import QueueRow, SentenceRow
from claimwire.serve.review.texts import folded, storable


class QueueName(StrEnum):
    """What a queue holds, and in which order.

    ``random``: the random stratum, by digest, which is as good as by lot. ``uncertain``: what was
    predicted, the least confident first. ``flagged``: what the release marked for review, the least
    confident first. ``noise``: suspected label noise, the worst first. ``skipped``: what was
    skipped, the longest ago first. ``all``: everything, as it was imported.
    """

    RANDOM = "random"
    UNCERTAIN = "uncertain"
    FLAGGED = "flagged"
    NOISE = "noise"
    SKIPPED = "skipped"
    ALL = "all"


@dataclass(frozen=True)
class Filter:
    """Which sentences: those of a queue to which all that is given applies.

    Attributes:
        queue: the queue.
        label: primary label of the current prediction.
        theatre: of the article.
        source: of the article.
        search: words that the sentence holds, in this order; case and kind of quotation mark do
            not matter.
    """

    queue: QueueName
    label: str | None = None
    theatre: str | None = None
    source: str | None = None
    search: str | None = None


def queue_conditions(queue: QueueName) -> list[ColumnElement[bool]]:
    """Return the conditions on the rows of a queue."""
    match queue:
        case QueueName.RANDOM:
            return [QueueRow.stratum == "random"]
        case QueueName.UNCERTAIN:
            return [QueueRow.confidence.is_not(None)]
        case QueueName.FLAGGED:
            return [QueueRow.needs_review.is_(True)]
        case QueueName.NOISE:
            return [QueueRow.noise > 0]
        case QueueName.SKIPPED:
            return [QueueRow.skipped_at.is_not(None)]
        case QueueName.ALL:
            return []


def order_of(queue: QueueName) -> list[Any]:
    """Return what a queue is ordered by; digests and ids make it the same every time."""
    match queue:
        case QueueName.RANDOM:
            return [QueueRow.digest, QueueRow.sentence_id]
        case QueueName.UNCERTAIN | QueueName.FLAGGED:
            return [QueueRow.confidence, QueueRow.digest, QueueRow.sentence_id]
        case QueueName.NOISE:  # all downwards, as an index can be read backwards
            return [QueueRow.noise.desc(), QueueRow.digest.desc(), QueueRow.sentence_id.desc()]
        case QueueName.SKIPPED:
            return [QueueRow.skipped_at, QueueRow.sentence_id]
        case QueueName.ALL:
            return [QueueRow.sentence_id]


def filter_conditions(store: ReviewStore, flt: Filter) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter, its queue aside."""
    found: list[ColumnElement[bool]] = []
    wanted = {QueueRow.label: flt.label, QueueRow.theatre: flt.theatre, QueueRow.source: flt.source}
    for column, value in wanted.items():
        if value is not None:
            found.append(column == storable(value))
    if flt.search is not None and flt.search.strip():
        find = func.instr if store.is_sqlite else func.strpos
        words = folded(storable(flt.search.strip()))
        matching = select(SentenceRow.id).where(find(SentenceRow.folded, words) > 0)
        # Not a plain IN, which PostgreSQL would answer sentence by sentence: "is true" makes it
        # look for all that match at once.
        found.append(QueueRow.sentence_id.in_(matching).is_(True))
    return found


def first_of(
    parts: Sequence[Sequence[ColumnElement[bool]]], order: Sequence[Any], count: int
) -> Select[int]:
    """Return the query for the first sentences of several parts, each read in order off its index.

    Asked for together, the parts would have to be sorted whole.
    """
    columns = [each.element if isinstance(each, UnaryExpression) else each for each in order]
    names = [f"by_{at}" for at in range(len(order))]
    keys = [column.label(name) for column, name in zip(columns, names, strict=True)]
    queries = [
        select(QueueRow.sentence_id.label("found"), *keys)
        .where(*part)
        .order_by(*order)
        .limit(count)
        .subquery()
        for part in parts
    ]
    if len(queries) == 1:
        return select(queries[0].c.found)
    merged = union_all(*(select(query) for query in queries)).subquery()
    again = [
        merged.c[name].desc() if isinstance(each, UnaryExpression) else merged.c[name]
        for each, name in zip(order, names, strict=True)
    ]
    return select(merged.c.found).order_by(*again).limit(count)


def counts_of(
    parts: Sequence[Sequence[ColumnElement[bool]]], conditions: Sequence[ColumnElement[bool]]
) -> Select[*tuple[Any, ...]]:
    """Return the query for the number of sentences in each part.

    Without conditions each number is read off an index of its own; with some, one walk through the
    table counts all parts.
    """
    if not conditions:
        numbers = (select(func.count()).select_from(QueueRow).where(*part) for part in parts)
        return select(*(number.scalar_subquery() for number in numbers))
    return select(*(func.count(case((and_(*part), 1))) for part in parts)).where(*conditions)
