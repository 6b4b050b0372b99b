"""Decisions: what is stored, what is refused, undo and revision."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from claimwire.data.errors import InputError
from claimwire.data.labels import GUIDELINES_VERSION
from claimwire.serve.review.chain import GENESIS, verify_chain
from claimwire.serve.review.decisions import (
    DecisionView,
    NewDecision,
    effective_decisions,
    history,
    recent,
    record_decision,
    undo,
)
from claimwire.serve.review.queues import QueueName, queue_sizes
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.tables import DecisionRow, QueueRow

from .store_support import FIRST, SECOND, article, count_decisions, decide, load, tagged


@pytest.fixture
def desk(store: ReviewStore) -> ReviewStore:
    """A desk with an article of six sentences, numbered from 1."""
    load(store, *article())
    return store


def standing_ids(store: ReviewStore) -> list[int]:
    return [decision.id for decision in effective_decisions(store)]


def test_a_decision_keeps_what_was_said_and_seen(desk: ReviewStore) -> None:
    before = datetime.now(UTC)
    sent = NewDecision(
        2,
        "label",
        "key-1",
        ("attack_claim", "interception_claim"),
        hard=True,
        note="both, “clearly”",
        mode="open",
    )
    stored = record_decision(desk, "Ann Ó Briain", sent)
    assert stored == DecisionView(
        id=1,
        sentence_id=2,
        reviewer="Ann Ó Briain",
        kind="label",
        labels=("attack_claim", "interception_claim"),
        hard=True,
        note="both, “clearly”",
        reason="",
        mode="open",
        release=FIRST,
        predicted=("interception_claim",),
        revises=None,
        created_at=stored.created_at,
        hash=stored.hash,
    )
    assert before <= datetime.fromisoformat(stored.created_at) <= datetime.now(UTC)
    assert history(desk, 2) == [stored]
    with desk.read() as session:
        row = session.get_one(DecisionRow, 1)
        assert row.previous_hash == GENESIS
        assert row.guideline == GUIDELINES_VERSION
        assert row.client_key == "key-1"
    following = decide(desk, "bob", 2)
    with desk.read() as session:
        assert session.get_one(DecisionRow, following.id).previous_hash == stored.hash


def test_the_guidelines_may_be_the_teams_own(desk: ReviewStore) -> None:
    desk.put_setting("guideline_version", "our own 4")
    decide(desk)
    with desk.read() as session:
        assert session.get_one(DecisionRow, 1).guideline == "our own 4"


def test_the_prediction_is_the_one_of_the_release_imported_last(desk: ReviewStore) -> None:
    load(desk, *article(model=SECOND))
    assert decide(desk).release == SECOND


def test_a_sentence_without_a_prediction_can_be_judged(store: ReviewStore) -> None:
    load(store, {"text": "Nobody has tagged this one."})
    stored = decide(store)
    assert (stored.release, stored.predicted) == ("", ())
    assert verify_chain(store).problems == ()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"labels": ()}, "labels: no label"),
    ({"labels": ("attack",)}, "labels: unknown label 'attack'"),
    ({"labels": ("attack_claim", "attack_claim")}, "labels: a label stands twice"),
    ({"labels": ("attack_claim", "background")}, "labels: 'background' stands beside a claim"),
    ({"kind": "skip"}, "labels: expected none with a skip"),
    ({"kind": "not_a_sentence"}, "labels: expected none with a not_a_sentence"),
    ({"kind": "skip", "labels": ()}, "reason: expected why it is skipped"),
    ({"kind": "skip", "labels": (), "reason": " \n"}, "reason: expected why it is skipped"),
    ({"kind": "undo", "labels": ()}, "kind: expected label or skip or not_a_sentence"),
    ({"kind": "delete"}, "kind: expected label or skip or not_a_sentence, found 'delete'"),
    ({"mode": "half"}, "mode: expected blind or open"),
    ({"note": "x" * 2001}, "note: expected at most 2,000 characters, found '2,001'"),
    ({"reason": "x" * 2001}, "reason: expected at most 2,000 characters"),
    ({"note": "a\0b"}, "note: expected text, found a NUL"),
    ({"reason": "a\ud800b"}, "reason: expected text, found a NUL or half a surrogate"),
    ({"client_key": ""}, "client_key: expected 1 to 100 characters"),
    ({"client_key": "k" * 101}, "client_key: expected 1 to 100 characters"),
    ({"client_key": "\0"}, "client_key: expected text, found a NUL"),
    ({"sentence_id": 7}, "sentence_id: expected a sentence of this database, found 7"),
    ({"sentence_id": 0}, "sentence_id: expected a sentence of this database, found 0"),
    ({"sentence_id": 2**70}, "sentence_id: expected a sentence of this database"),
    ({"revises": 1}, "revises: expected a decision of ann's own on this sentence, found 1"),
    ({"revises": 2**70}, "revises: expected a decision of ann's own on this sentence"),
]


def test_a_decision_that_does_not_hold_together_is_refused(desk: ReviewStore) -> None:
    good = NewDecision(1, "label", "key", ("attack_claim",))
    for fields, named in WRONG:
        with pytest.raises(InputError) as caught:
            record_decision(desk, "ann", replace(good, **fields))
        assert named in str(caught.value)
    assert count_decisions(desk) == 0


def test_a_reviewer_has_a_name(desk: ReviewStore) -> None:
    for name in ("", "  ", "n" * 101, "a\0b"):
        with pytest.raises(InputError, match="reviewer: expected"):
            decide(desk, name)


def test_the_longest_texts_are_kept_whole(desk: ReviewStore) -> None:
    stored = decide(desk, "n" * 100, kind="skip", note="ø" * 2000, reason="𝔵" * 2000)
    assert history(desk, 1)[0].note == "ø" * 2000
    assert history(desk, 1)[0].reason == "𝔵" * 2000
    assert verify_chain(desk).head == stored.hash


def test_a_decision_sent_again_is_stored_once(desk: ReviewStore) -> None:
    sent = NewDecision(1, "label", "key", ("attack_claim",), note="n")
    first = record_decision(desk, "ann", sent)
    decide(desk, "bob", 1)
    assert record_decision(desk, "ann", sent) == first
    undo(desk, "ann", first.id, "undo-key")
    assert record_decision(desk, "ann", sent) == first  # even though it stands no longer
    assert count_decisions(desk) == 3


def test_a_key_used_for_another_decision_is_refused(desk: ReviewStore) -> None:
    sent = NewDecision(1, "label", "key", ("attack_claim",))
    record_decision(desk, "ann", sent)
    others: list[dict[str, Any]] = [
        {"labels": ("background",)},
        {"sentence_id": 2},
        {"hard": True},
        {"note": "other"},
        {"mode": "open"},
        {"kind": "not_a_sentence", "labels": ()},
        {"revises": 9},
    ]
    for fields in others:
        with pytest.raises(InputError, match="'key', which decision 1 has"):
            record_decision(desk, "ann", replace(sent, **fields))
    with pytest.raises(InputError, match="'key', which decision 1 has"):
        record_decision(desk, "bob", sent)
    assert count_decisions(desk) == 1


def test_a_revision_replaces_what_stood(desk: ReviewStore) -> None:
    first = decide(desk, "ann", 1, "attack_claim")
    second = decide(desk, "ann", 1, "background")
    third = decide(desk, "ann", 1, kind="skip", revises=second.id)
    assert [first.revises, second.revises, third.revises] == [None, first.id, second.id]
    assert standing_ids(desk) == [third.id]
    assert [decision.id for decision in history(desk, 1)] == [1, 2, 3]


def test_two_tabs_lose_nothing(desk: ReviewStore) -> None:
    first = decide(desk, "ann", 1)
    second = decide(desk, "ann", 1, "background", revises=first.id)
    late = decide(desk, "ann", 1, "interception_claim", revises=first.id)  # from the other tab
    assert standing_ids(desk) == [late.id]
    assert [decision.id for decision in history(desk, 1)] == [first.id, second.id, late.id]


def test_only_ones_own_decisions_on_the_sentence_are_revised(desk: ReviewStore) -> None:
    others = decide(desk, "bob", 1)
    elsewhere = decide(desk, "ann", 2)
    undone = decide(desk, "ann", 1)
    undoing = undo(desk, "ann", undone.id, "u")
    for revises in (others.id, elsewhere.id, undoing.id):
        with pytest.raises(InputError, match="revises: expected a decision of ann's own"):
            decide(desk, "ann", 1, revises=revises)
    assert decide(desk, "ann", 1, revises=undone.id).revises == undone.id


def test_undo_brings_back_what_stood_before(desk: ReviewStore) -> None:
    first = decide(desk, "ann", 1, "attack_claim")
    second = decide(desk, "ann", 1, "background", mode="open")
    undone = undo(desk, "ann", second.id, "undo-1")
    assert (undone.kind, undone.revises, undone.labels) == ("undo", second.id, ())
    assert undone.mode == "open"
    assert standing_ids(desk) == [first.id]
    undo(desk, "ann", first.id, "undo-2")
    assert standing_ids(desk) == []
    assert queue_sizes(desk)[QueueName.ALL] == (6, 0)
    third = decide(desk, "ann", 1)
    assert standing_ids(desk) == [third.id]
    assert verify_chain(desk).problems == ()


def test_undo_sent_again_is_stored_once(desk: ReviewStore) -> None:
    stored = undo(desk, "ann", decide(desk).id, "undo-key")
    assert undo(desk, "ann", 1, "undo-key") == stored
    decide(desk, "ann", 2)
    with pytest.raises(InputError, match="'undo-key', which decision 2 has"):
        undo(desk, "ann", 3, "undo-key")
    assert count_decisions(desk) == 3


def test_undo_takes_only_ones_own_decisions_that_stand(desk: ReviewStore) -> None:
    decide(desk, "bob", 1)
    for number in (1, 0, -1, 99, 2**70):
        with pytest.raises(InputError, match="undo: expected a decision of ann's own"):
            undo(desk, "ann", number, "u")
    replaced = decide(desk, "ann", 1)
    undone = decide(desk, "ann", 1)
    undoing = undo(desk, "ann", undone.id, "u1")
    again = decide(desk, "ann", 1)
    for number in (undone.id, undoing.id, replaced.id):
        with pytest.raises(InputError, match="undo: expected a decision that stands"):
            undo(desk, "ann", number, "u2")
    assert standing_ids(desk) == [1, again.id]


def test_recent_gives_what_one_can_undo(desk: ReviewStore) -> None:
    for sentence in range(1, 5):
        decide(desk, "ann", sentence)
    decide(desk, "bob", 1)
    undo(desk, "ann", 4, "u")
    revised = decide(desk, "ann", 1, "background")
    assert [decision.id for decision in recent(desk, "ann")] == [revised.id, 3, 2]
    assert [decision.id for decision in recent(desk, "ann", 2)] == [revised.id, 3]
    assert recent(desk, "nobody") == []


def test_effective_decisions_go_on_from_a_number(desk: ReviewStore) -> None:
    for sentence in range(1, 7):
        decide(desk, "ann", sentence, kind="skip" if sentence == 3 else "label")
    assert standing_ids(desk) == [1, 2, 3, 4, 5, 6]
    assert [d.id for d in effective_decisions(desk, since_id=4)] == [5, 6]
    assert next(effective_decisions(desk, since_id=2)).kind == "skip"


def test_history_of_an_unknown_sentence_is_empty(desk: ReviewStore) -> None:
    assert history(desk, 99) == history(desk, 0) == history(desk, 2**70) == []


def test_the_database_refuses_changes(desk: ReviewStore) -> None:
    decide(desk)
    decide(desk)
    for statement in (
        "UPDATE decisions SET note = 'x'",
        "UPDATE decisions SET note = note",
        "UPDATE decisions SET note = 'x' WHERE id = 2",
        "DELETE FROM decisions",
        "DELETE FROM decisions WHERE id = 2",
    ):
        with pytest.raises(DBAPIError, match="decisions are append-only"), desk.write() as session:
            session.execute(text(statement))
    assert verify_chain(desk).problems == ()
    assert count_decisions(desk) == 2


_COPY = """
    INTO decisions SELECT {id}, sentence_id, reviewer, kind, labels, hard, 'changed', reason, mode,
    release, predicted, sentence_digest, guideline, revises, {key}, created_at, previous_hash,
    {hash} FROM decisions WHERE id = 1
"""


def test_no_row_is_put_in_place_of_another(desk: ReviewStore) -> None:
    decide(desk)
    decide(desk)
    verb = "INSERT OR REPLACE" if desk.is_sqlite else "INSERT"
    for number, key, digest in (
        ("1", "client_key", "hash"),
        ("3", "client_key", "'h'"),
        ("3", "'k'", "hash"),
        ("9", "'k'", "'h'"),
    ):
        with desk.engine.connect() as connection:
            if desk.is_sqlite:  # as a connection of another program has it
                connection.exec_driver_sql("PRAGMA recursive_triggers = OFF")
            with pytest.raises(DBAPIError):
                connection.execute(text(verb + _COPY.format(id=number, key=key, hash=digest)))
    assert verify_chain(desk).problems == ()
    assert count_decisions(desk) == 2


def test_postgresql_refuses_to_empty_the_table(desk: ReviewStore) -> None:
    if desk.is_sqlite:
        pytest.skip("SQLite has no TRUNCATE")
    decide(desk)
    with pytest.raises(DBAPIError, match="append-only: no truncate"), desk.write() as session:
        session.execute(text("TRUNCATE decisions CASCADE"))
    assert count_decisions(desk) == 1


class Model:
    """What stands, told the simplest way: the whole story again for each question."""

    def __init__(self) -> None:
        self.events: list[tuple[int, str, int, str, int | None]] = []

    def standing(self) -> set[int]:
        undone = {target for _, _, _, kind, target in self.events if kind == "undo"}
        last: dict[tuple[str, int], int] = {}
        for number, reviewer, sentence, kind, _ in self.events:
            if kind != "undo" and number not in undone:
                last[reviewer, sentence] = number
        return set(last.values())

    def judged(self) -> int:
        standing = self.standing()
        return len(
            {event[2] for event in self.events if event[0] in standing and event[3] != "skip"}
        )


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob"]),
        st.sampled_from([0, 1]),
        st.sampled_from(["label", "skip", "not_a_sentence", "undo", "undo"]),
    ),
    max_size=12,
)


@given(ACTIONS)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_what_stands_is_what_a_simple_model_says(
    sqlite_store: ReviewStore, actions: list[tuple[str, int, str]]
) -> None:
    model = Model()
    first = count_sentences(sqlite_store) + 1
    load(sqlite_store, tagged(f"Sentence {first}."), tagged(f"Sentence {first + 1}."))
    for reviewer, place, kind in actions:
        sentence = first + place
        mine = {e[0] for e in model.events if e[1] == reviewer and e[2] == sentence}
        target = next(iter(mine & model.standing()), None)
        if kind != "undo":
            stored = decide(sqlite_store, reviewer, sentence, kind=kind)
        elif target is not None:
            stored = undo(sqlite_store, reviewer, target, str(uuid4()))
        else:
            continue
        event = (stored.id, reviewer, sentence, kind, target if kind == "undo" else None)
        model.events.append(event)
    standing = [d for d in effective_decisions(sqlite_store) if d.sentence_id >= first]
    assert {decision.id for decision in standing} == model.standing()
    with sqlite_store.read() as session:
        judged = session.scalars(
            select(QueueRow.sentence_id).where(
                QueueRow.judgements > 0, QueueRow.sentence_id >= first
            )
        ).all()
    assert len(judged) == model.judged()
    assert verify_chain(sqlite_store).problems == ()


def count_sentences(store: ReviewStore) -> int:
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(QueueRow)) or 0
