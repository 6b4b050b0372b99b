"""The outcome of each sentence: what its reviewers, or an adjudicator, found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, Text, or_, select, type_coerce
from sqlalchemy.orm import Session

from claimwire.serve.review.tables import (
    ADJUDICATE,
    VERDICT_KINDS,
    DecisionRow,
    QueueRow,
    StandingRow,
)

NOT_A_SENTENCE = "not_a_sentence"


class GivenVerdict(NamedTuple):
    """A standing verdict, or an adjudication.

    Attributes:
        reviewer: whose it is.
        labels: labels given, primary first; empty for *not a sentence*.
        kind: ``label``, ``not_a_sentence`` or ``adjudicate``.
        decided_at: when.
        id: of the decision.
    """

    reviewer: str
    labels: tuple[str, ...]
    kind: str
    decided_at: str
    id: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is held of a sentence.

    Attributes:
        sentence_id: the sentence.
        kind: ``label``, ``not_a_sentence``, or ``open`` while reviewers disagree.
        labels: primary first; empty unless the kind is ``label``.
        how: ``single``: one reviewer's verdict; ``agreed``: of several who say the same;
            ``adjudicated``; ``disputed``: they differ, and it waits for an adjudicator.
        verdicts: standing verdicts, in order of the decisions; at least one unless adjudicated.
        decision: the decision that says so, the last verdict where several agree; None while open.
    """

    sentence_id: int
    kind: Literal["label", "not_a_sentence", "open"]
    labels: tuple[str, ...]
    how: Literal["single", "agreed", "adjudicated", "disputed"]
    verdicts: tuple[GivenVerdict, ...]
    decision: int | None


def agree(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two answers are the same: the same labels, and the same primary one.

    Args:
        one: labels, primary first; none for *not a sentence*.
        other: likewise.
    """
    return list(one[:1]) == list(other[:1]) and set(one) == set(other)


def differ(answers: Sequence[Sequence[str]]) -> bool:
    """Whether not all answers are the same."""
    return any(not agree(answers[0], other) for other in answers[1:])


def outcome_of(
    sentence_id: int, verdicts: Sequence[GivenVerdict], adjudication: GivenVerdict | None = None
) -> Outcome:
    """Return the outcome of a sentence.

    Args:
        sentence_id: the sentence.
        verdicts: the standing verdicts; at least one unless there is an adjudication.
        adjudication: the adjudication that stands.
    """
    given = tuple(verdicts)
    if adjudication is None and differ([each.labels for each in given]):
        return Outcome(sentence_id, "open", (), "disputed", given, None)
    said = adjudication or given[-1]
    how: Literal["single", "agreed", "adjudicated"] = "agreed" if len(given) > 1 else "single"
    return Outcome(
        sentence_id,
        "label" if said.labels else "not_a_sentence",
        said.labels,
        how if adjudication is None else "adjudicated",
        given,
        said.id,
    )


def outcomes(session: Session) -> Iterator[Outcome]:
    """Yield the outcome of every sentence on which a verdict or an adjudication stands, by id."""
    query = (
        select(
            DecisionRow.sentence_id,
            DecisionRow.reviewer,
            type_coerce(DecisionRow.labels, Text).label("labels"),
            DecisionRow.kind,
            DecisionRow.created_at,
            DecisionRow.id,
        )
        .where(counts())
        .order_by(DecisionRow.sentence_id, DecisionRow.id)
        .execution_options(yield_per=1_000)
    )
    for sentence_id, rows in groupby(session.execute(query), key=lambda row: row.sentence_id):
        verdicts, adjudication = [], None
        for row in rows:
            given = GivenVerdict(
                row.reviewer, parsed_labels(row.labels), row.kind, row.created_at, row.id
            )
            if row.kind == ADJUDICATE:
                adjudication = given
            else:
                verdicts.append(given)
        yield outcome_of(sentence_id, verdicts, adjudication)


@lru_cache(maxsize=1_024)
def parsed_labels(text: str) -> tuple[str, ...]:
    """Return labels kept as JSON; there are few different ones, so each is read once."""
    return tuple(json.loads(text))


def counts() -> ColumnElement[bool]:
    """Return the condition on decisions: a verdict or an adjudication that stands."""
    verdicts = select(StandingRow.decision_id).where(StandingRow.kind.in_(VERDICT_KINDS))
    adjudications = select(QueueRow.adjudication_id).where(QueueRow.adjudication_id.is_not(None))
    return or_(DecisionRow.id.in_(verdicts), DecisionRow.id.in_(adjudications))
