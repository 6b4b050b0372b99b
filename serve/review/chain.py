"""The chain of decisions: each one's hash covers the hash before it, so no change goes unnoticed.

Whoever rewrites the whole chain with new hashes, or cuts its end off and mends what follows from
it, can only be told by a head noted down elsewhere: :func:`verify_chain` takes one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from claimwire.serve.review.hashes import GENESIS, decision_hash, sha256_hex
from claimwire.serve.review.outcomes import differ
from claimwire.serve.review.problems import Problems
from claimwire.serve.review.standing import adjudication, stage, standing
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.stored import hashed_values, stored_decisions, undecoded
from claimwire.serve.review.tables import VERDICT_KINDS, QueueRow, StandingRow

__all__ = ["GENESIS", "TRIGGERS", "ChainReport", "verify_chain"]

TRIGGERS: Final = {
    "sqlite": ("decisions_no_update", "decisions_no_delete", "decisions_in_order"),
    "postgresql": (
        *("decisions_no_update", "decisions_no_delete", "decisions_in_order"),
        "decisions_no_truncate",
    ),
}
"""What keeps the table append-only."""

_TRIGGERS_THERE: Final = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": (
        "SELECT tgname FROM pg_trigger "
        "WHERE tgrelid = CAST('decisions' AS regclass) AND tgenabled <> 'D'"
    ),
}


@dataclass(frozen=True)
class ChainReport:
    """What the verification found.

    Attributes:
        decisions: number of decisions.
        head: hash of the last one; 64 zeros where there is none.
        problems: what was changed, by the decision's number; empty where nothing was.
    """

    decisions: int
    head: str
    problems: tuple[str, ...]


def verify_chain(
    store: ReviewStore, *, expected_head: str | None = None, expected_count: int | None = None
) -> ChainReport:
    """Recompute every hash, and compare the decisions with what was judged.

    Checked are: each decision's hash and the one before it, numbers without a gap, the text of
    each judged sentence, the prediction that was current, which decisions stand, and the triggers
    that refuse changes.

    Args:
        store: the database.
        expected_head: a head noted down earlier, which the chain must still contain.
        expected_count: the number of decisions at that time: the head must be that decision's,
            and there must be so many of them still.
    """
    with store.read() as session, undecoded(session):
        walk = _Walk()
        try:
            for found in stored_decisions(session):
                walk.step(*found)
            walk.compare_derived(session)
            walk.look_for_triggers(session)
        except DatabaseError as error:
            walk.problems.add(
                f"after decision {walk.count}: expected a row, found the database damaged "
                f"({error.orig}): restore a backup"
            )
    walk.compare_noted(expected_head, expected_count)
    return ChainReport(walk.count, walk.head, walk.problems.all())


@dataclass(frozen=True, slots=True)
class _Link:
    id: int
    reviewer: str
    kind: str
    revises: int | None
    labels: tuple[str, ...]


class _Walk:
    """Goes along the chain, and keeps what it needs to compare."""

    def __init__(self) -> None:
        self.problems = Problems()
        self.count = 0
        self.head = GENESIS
        self._last_id = 0
        self._hashes: dict[str, int] = {}
        self._links: dict[int, list[_Link]] = {}

    def step(
        self,
        stored: dict[str, Any],
        sentence: tuple[str, str] | None,
        predicted: str | None,
    ) -> None:
        """Check the next decision.

        Args:
            stored: its fields as the database has them.
            sentence: text and digest of its sentence.
            predicted: the labels that its release predicted, in canonical JSON.
        """
        name = f"decision {stored['id']}"
        if stored["id"] != self._last_id + 1:
            self.problems.add(
                f"{name}: expected number {self._last_id + 1}, found a gap: decisions are missing"
            )
        if stored["previous_hash"] != self.head:
            self.problems.add(
                f"{name}: expected the hash of the decision before it, {self.head[:12]}, found "
                f"{str(stored['previous_hash'])[:12]}: one of the two was changed"
            )
        if stored["hash"] != decision_hash(hashed_values(stored)):
            self.problems.add(f"{name}: expected the fields that were hashed, found others")
        self._compare_sentence(name, stored, sentence)
        self._compare_prediction(name, stored, predicted)
        self._keep(stored)

    def _keep(self, stored: dict[str, Any]) -> None:
        self.count += 1
        self.head, self._last_id = str(stored["hash"]), stored["id"]
        self._hashes[self.head] = self.count
        number, reviewer = stored["id"], stored["reviewer"]
        labels = _labels(stored["labels"])
        link = _Link(number, reviewer, stored["kind"], stored["revises"], labels)
        self._links.setdefault(stored["sentence_id"], []).append(link)

    def _compare_sentence(
        self, name: str, stored: dict[str, Any], sentence: tuple[str, str] | None
    ) -> None:
        if sentence is None:
            self.problems.add(f"{name}: expected sentence {stored['sentence_id']}, found none")
        elif {sentence[1], sha256_hex(str(sentence[0]))} != {stored["sentence_digest"]}:
            self.problems.add(
                f"{name}: expected the text that was judged as sentence {stored['sentence_id']}, "
                "found another text or digest"
            )

    def _compare_prediction(self, name: str, stored: dict[str, Any], predicted: str | None) -> None:
        if stored["predicted"] != (predicted if stored["release"] else "[]"):
            self.problems.add(
                f"{name}: expected the labels that {stored['release'] or 'no release'} predicted, "
                f"{predicted or 'none'}, found {stored['predicted']}"
            )

    def compare_derived(self, session: Session) -> None:
        """Compare the derived tables with what follows from the chain."""
        expected = {
            (sentence_id, reviewer): link.id
            for sentence_id, links in self._links.items()
            for reviewer, link in standing(links).items()
        }
        rows = session.execute(
            select(StandingRow.sentence_id, StandingRow.reviewer, StandingRow.decision_id)
        )
        found = {(sentence_id, reviewer): decision for sentence_id, reviewer, decision in rows}
        for place in sorted(expected.keys() | found.keys(), key=str):
            if expected.get(place) != found.get(place):
                self.problems.add(
                    f"sentence {place[0]}: expected decision {expected.get(place, 'none')} of "
                    f"{place[1]} to stand, found {found.get(place, 'none')}: decisions are missing "
                    "or were changed"
                )
        self._compare_queues(session)

    def _compare_queues(self, session: Session) -> None:
        for row in session.execute(_QUEUES.order_by(QueueRow.sentence_id)):
            links = self._links.pop(row.sentence_id, [])
            stands = standing(links).values()
            settled = adjudication(links)
            verdicts = [link.labels for link in stands if link.kind in VERDICT_KINDS]
            expected = (
                len(verdicts),
                stage(len(verdicts), row.needed, is_adjudicated=settled is not None),
                None if settled is None else settled.id,
                settled is None and differ(verdicts),
            )
            found = (row.judgements, row.stage, row.adjudication_id, bool(row.is_disputed))
            if found != expected:
                self.problems.add(
                    f"sentence {row.sentence_id}: expected {_queue_words(*expected)}, found "
                    f"{_queue_words(*found)} in its queue's row"
                )
        for sentence_id in self._links:
            self.problems.add(f"sentence {sentence_id}: expected its queue's row, found none")

    def look_for_triggers(self, session: Session) -> None:
        """Say which triggers are missing."""
        dialect = session.connection().dialect.name
        there = set(session.scalars(text(_TRIGGERS_THERE[dialect])))
        for name in TRIGGERS[dialect]:
            if name not in there:
                self.problems.add(
                    f"expected the trigger {name}, which keeps decisions append-only, found none: "
                    "somebody removed it"
                )

    def compare_noted(self, head: str | None, count: int | None) -> None:
        """Compare the chain with a head and a count noted down earlier."""
        if count is not None and self.count < count:
            self.problems.add(
                f"expected at least {count} decisions, found {self.count}: the end was cut off"
            )
        if head is None:
            return
        head = head.strip().lower()
        at = 0 if head == GENESIS and (count == 0 or self.count == 0) else self._hashes.get(head)
        if at is None:
            self.problems.add(
                f"expected the noted head {head[:12]} in the chain, found no such decision: the "
                "chain was rewritten or its end was cut off"
            )
        elif count is not None and at != count:
            self.problems.add(
                f"expected the noted head {head[:12]} at decision {count}, found it at {at}"
            )


_QUEUES: Final = select(
    QueueRow.sentence_id,
    QueueRow.judgements,
    QueueRow.needed,
    QueueRow.stage,
    QueueRow.adjudication_id,
    QueueRow.is_disputed,
)


def _queue_words(judgements: int, at: int, settled: int | None, is_disputed: bool) -> str:
    parts = [f"{judgements} verdicts", f"stage {at}"]
    if settled is not None:
        parts.append(f"adjudication {settled}")
    return ", ".join([*parts, *["a disagreement"] * is_disputed])


def _labels(stored: object) -> tuple[str, ...]:
    """Return labels as they are stored; what is none is told by its hash."""
    try:
        found = json.loads(str(stored))
    except ValueError:
        return ()
    return tuple(map(str, found)) if isinstance(found, list) else ()
