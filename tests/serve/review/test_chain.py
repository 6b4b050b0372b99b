"""The chain: whatever is changed, taken out or cut off is noticed, and told by its number."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Text, select, text, type_coerce

from claimwire.serve.review.chain import GENESIS, TRIGGERS, ChainReport, verify_chain
from claimwire.serve.review.decisions import undo
from claimwire.serve.review.hashes import decision_hash
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.tables import DecisionRow, JsonText

from .store_support import FIRST, article, count_decisions, decide, load, tamper

FIELDS = [column.key for column in DecisionRow.__table__.columns]
CHANGED = {
    "sentence_id": "3",
    "hard": "{not_hard}",
    "revises": "1",
    "labels": '\'["attack_claim","attribution_inference"]\'',
    "predicted": "'[\"attack_claim\"]'",
    "previous_hash": f"'{'a' * 64}'",
    "hash": f"'{'b' * 64}'",
}
"""What a tamperer writes; any other field gets a word."""


@pytest.fixture
def desk(store: ReviewStore) -> ReviewStore:
    """A desk with five decisions by two reviewers, one of them undone."""
    load(store, *article())
    decide(store, "ann", 1)
    decide(store, "ann", 2, "attack_claim", note="a note")
    decide(store, "bob", 2, kind="skip", reason="which one?")
    undo(store, "ann", 1, "undo")
    decide(store, "ann", 3, "background", hard=True)
    return store


def about(problems: tuple[str, ...]) -> set[str]:
    return {problem.partition(":")[0] for problem in problems}


def test_an_empty_chain_verifies(store: ReviewStore) -> None:
    assert verify_chain(store) == ChainReport(0, GENESIS, ())
    assert verify_chain(store, expected_head=GENESIS, expected_count=0).problems == ()


def test_an_untouched_chain_verifies(desk: ReviewStore) -> None:
    with desk.read() as session:
        last = session.get_one(DecisionRow, 5)
    assert verify_chain(desk) == ChainReport(5, last.hash, ())


def test_a_hash_is_made_the_same_way_for_ever() -> None:
    fields = {
        "id": 7,
        "sentence_id": 3,
        "reviewer": "Ann Ó Briain",
        "kind": "label",
        "labels": ["attack_claim", "attribution_inference"],
        "hard": True,
        "note": "“quoted”\n",
        "reason": "",
        "mode": "blind",
        "release": FIRST,
        "predicted": ["background"],
        "sentence_digest": "c" * 64,
        "guideline": "1.3",
        "revises": None,
        "client_key": "5f0c",
        "created_at": "2026-03-01T09:30:00.000000+00:00",
        "previous_hash": GENESIS,
    }
    expected = "7b0ab6fc707ad23d03995eb1bc22335567626db43a5b416880e100a5a39bc033"
    assert decision_hash(fields) == expected
    assert decision_hash({**fields, "hash": "whatever"}) == expected


def test_a_changed_field_is_noticed_and_its_own_value_is_fine_again(desk: ReviewStore) -> None:
    with desk.read() as session:
        columns = DecisionRow.__table__.columns
        stored = session.execute(select(*map(as_stored, columns)).where(columns["id"] == 2)).one()
    for field, own in zip(FIELDS, stored, strict=True):
        if field == "id":
            continue
        changed = CHANGED.get(field, "'changed'").format(not_hard=1 if desk.is_sqlite else True)
        problems = tamper(desk, f"UPDATE decisions SET {field} = {changed} WHERE id = 2")
        assert "decision 2" in about(problems), field
        if field not in ("hash", "previous_hash"):
            assert any("expected the fields that were hashed" in found for found in problems)
        back = "NULL" if own is None else str(own) if isinstance(own, int) else f"'{own}'"
        assert tamper(desk, f"UPDATE decisions SET {field} = {back} WHERE id = 2") == (), field


def as_stored(column: Any) -> Any:
    return type_coerce(column, Text) if isinstance(column.type, JsonText) else column


def test_a_changed_number_is_noticed(desk: ReviewStore) -> None:
    problems = tamper(desk, "UPDATE decisions SET id = 6 WHERE id = 5")
    assert "decision 6" in about(problems)
    assert any("found a gap" in problem for problem in problems)


def test_json_that_reads_the_same_is_noticed(desk: ReviewStore) -> None:
    for value in ('[ "attack_claim"]', '["attack_claim"] ', '["\\u0061ttack_claim"]', "[", ""):
        problems = tamper(desk, f"UPDATE decisions SET labels = '{value}' WHERE id = 2")
        assert about(problems) == {"decision 2"}, value


def test_a_blank_more_in_the_text_is_noticed(desk: ReviewStore) -> None:
    problems = tamper(desk, "UPDATE sentences SET text = text || ' ' WHERE id = 2")
    assert about(problems) == {"decision 2", "decision 3"}
    assert all("expected the text that was judged" in problem for problem in problems)


def test_text_and_digest_changed_together_are_noticed(desk: ReviewStore) -> None:
    problems = tamper(
        desk,
        "UPDATE sentences SET (text, digest) = (SELECT text, digest FROM sentences "
        "WHERE id = 1) WHERE id = 2",
    )
    assert about(problems) == {"decision 2", "decision 3"}


def test_a_changed_digest_of_a_sentence_is_noticed(desk: ReviewStore) -> None:
    problems = tamper(desk, f"UPDATE sentences SET digest = '{'d' * 64}' WHERE id = 3")
    assert about(problems) == {"decision 5"}


def test_a_missing_sentence_is_noticed(desk: ReviewStore) -> None:
    problems = tamper(desk, "DELETE FROM sentences WHERE id = 3")
    assert problems == ("decision 5: expected sentence 3, found none",)


def test_a_prediction_changed_afterwards_is_noticed(desk: ReviewStore) -> None:
    problems = tamper(
        desk, "UPDATE predictions SET labels = '[\"background\"]' WHERE sentence_id = 1"
    )
    assert about(problems) == {"decision 1", "decision 4"}
    assert all("predicted" in problem for problem in problems)


@pytest.mark.parametrize("number", [1, 3])
def test_a_decision_taken_out_is_noticed(desk: ReviewStore, number: int) -> None:
    problems = tamper(
        desk,
        f"DELETE FROM standing WHERE decision_id = {number}",
        f"DELETE FROM decisions WHERE id = {number}",
    )
    assert f"decision {number + 1}" in about(problems)
    assert any("found a gap" in problem for problem in problems)


def test_an_end_cut_off_is_noticed_by_what_stood(desk: ReviewStore) -> None:
    problems = tamper(desk, "DELETE FROM decisions WHERE id = 5")
    assert any("expected decision none of ann to stand, found 5" in found for found in problems)


def test_an_end_cut_off_with_all_that_follows_is_noticed_by_a_noted_head(
    desk: ReviewStore,
) -> None:
    before = verify_chain(desk)
    problems = tamper(
        desk,
        "DELETE FROM standing WHERE decision_id = 5",
        "UPDATE queue_rows SET judgements = 0, stage = 0 WHERE sentence_id = 3",
        "DELETE FROM decisions WHERE id = 5",
    )
    assert problems == ()  # nothing in the database tells
    assert "end was cut off" in verify_chain(desk, expected_head=before.head).problems[-1]
    assert "found 4: the end was cut off" in verify_chain(desk, expected_count=5).problems[-1]


def test_a_chain_rewritten_with_new_hashes_is_noticed_by_a_noted_head(desk: ReviewStore) -> None:
    noted = verify_chain(desk)
    with desk.read() as session:
        rows = session.scalars(select(DecisionRow).order_by(DecisionRow.id)).all()
    statements = []
    previous = GENESIS
    for row in rows:
        fields: dict[str, Any] = {name: getattr(row, name) for name in FIELDS}
        digest = decision_hash({**fields, "note": "rewritten", "previous_hash": previous})
        statements.append(
            f"UPDATE decisions SET note = 'rewritten', previous_hash = '{previous}', "
            f"hash = '{digest}' WHERE id = {row.id}"
        )
        previous = digest
    assert tamper(desk, *statements) == ()
    problems = verify_chain(desk, expected_head=noted.head, expected_count=5).problems
    assert "the chain was rewritten" in problems[-1]


def test_a_noted_head_stays_good_as_the_chain_grows(desk: ReviewStore) -> None:
    noted = verify_chain(desk)
    decide(desk, "bob", 4)
    for head in (noted.head, f" {noted.head.upper()}\n"):
        assert verify_chain(desk, expected_head=head, expected_count=5).problems == ()
    assert verify_chain(desk, expected_head=noted.head).problems == ()
    assert verify_chain(desk, expected_count=6).problems == ()
    [problem] = verify_chain(desk, expected_head=noted.head, expected_count=6).problems
    assert "at decision 6, found it at 5" in problem
    assert verify_chain(desk, expected_head=GENESIS, expected_count=0).problems == ()
    assert verify_chain(desk, expected_head=GENESIS).problems != ()


def test_what_stands_is_compared(desk: ReviewStore) -> None:
    problems = tamper(desk, "DELETE FROM standing WHERE sentence_id = 2")
    assert about(problems) == {"sentence 2"}
    assert len(problems) == 2


def test_the_queues_verdicts_are_compared(desk: ReviewStore) -> None:
    problems = tamper(
        desk,
        "UPDATE queue_rows SET judgements = 0 WHERE sentence_id = 2",
        "UPDATE queue_rows SET judgements = 2 WHERE sentence_id = 5",
    )
    assert about(problems) == {"sentence 2", "sentence 5"}


@pytest.mark.parametrize("place", range(4))
def test_a_missing_trigger_is_noticed(desk: ReviewStore, place: int) -> None:
    triggers = TRIGGERS[desk.engine.dialect.name]
    if place == len(triggers):
        pytest.skip("SQLite has three")
    on = "" if desk.is_sqlite else " ON decisions"
    with desk.write() as session:
        session.execute(text(f"DROP TRIGGER {triggers[place]}{on}"))
    [problem] = verify_chain(desk).problems
    assert triggers[place] in problem


def test_a_disabled_trigger_is_noticed(desk: ReviewStore) -> None:
    if desk.is_sqlite:
        pytest.skip("SQLite cannot disable one")
    with desk.write() as session:
        session.execute(text("ALTER TABLE decisions DISABLE TRIGGER decisions_no_update"))
    [problem] = verify_chain(desk).problems
    assert "decisions_no_update" in problem


def test_many_problems_are_counted(store: ReviewStore) -> None:
    load(store, *article())
    for number in range(120):
        decide(store, "ann", number % 6 + 1)
    problems = tamper(store, "UPDATE decisions SET note = 'changed'")
    assert len(problems) >= 100
    assert any(problem.startswith("... and ") for problem in problems)


def test_verifying_leaves_the_connection_as_it_was(sqlite_store: ReviewStore) -> None:
    load(sqlite_store, *article())
    decide(sqlite_store)
    verify_chain(sqlite_store)
    with sqlite_store.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        assert driver.text_factory is str
    assert count_decisions(sqlite_store) == 1


def places(data: bytes, part: bytes) -> list[int]:
    found: list[int] = []
    start = data.find(part)
    while start >= 0:
        found += range(start, start + len(part))
        start = data.find(part, start + 1)
    return found


def test_every_byte_of_a_decision_counts(sqlite_store: ReviewStore, tmp_path: Path) -> None:
    """Each byte of the row in the file, changed one by one, whatever becomes of it."""
    load(sqlite_store, *article())
    decide(sqlite_store, "ann", 1, note="first")
    decide(sqlite_store, "ann", 2, note="the note between marks", hard=True)
    decide(sqlite_store, "ann", 3, note="last")
    with sqlite_store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    sqlite_store.close()
    path = tmp_path / "review.db"
    data = path.read_bytes()
    with closing(sqlite3.connect(path)) as other:
        row = other.execute("SELECT * FROM decisions WHERE id = 2").fetchone()
    body = b"".join(_stored(value) for value in row[1:])
    assert data.count(body) == 1
    start = data.find(body)
    header = 2 + len(row)  # how long the record's own description may be: it is tried too
    for place in range(start - header, start + len(body)):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 7
        copy = tmp_path / "copy.db"
        copy.write_bytes(changed)
        with ReviewStore.open(str(copy)) as store:
            assert verify_chain(store).problems, f"byte {place - start}"
        copy.unlink()


def _stored(value: object) -> bytes:
    """Return a value as SQLite's record format has it; 0 and 1 and NULL take no bytes."""
    if isinstance(value, str):
        return value.encode()
    return value.to_bytes(1, "big") if isinstance(value, int) and value > 1 else b""


def test_every_byte_of_a_judged_sentence_counts(sqlite_store: ReviewStore, tmp_path: Path) -> None:
    words = "Zwölf drones, no fewer, struck the depot at Maresk."
    load(sqlite_store, *article(texts=(words,)))
    decide(sqlite_store)
    with sqlite_store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    sqlite_store.close()
    data = (tmp_path / "review.db").read_bytes()
    found = places(data, words.encode())
    assert len(found) == len(words.encode())
    for place in found:
        changed = bytearray(data)
        changed[place] ^= 0x80 if place % 2 else 0x01  # the first of the two is no UTF-8
        copy = tmp_path / "copy.db"
        copy.write_bytes(changed)
        with ReviewStore.open(str(copy)) as store:
            [problem] = verify_chain(store).problems
        assert problem.startswith("decision 1: expected the text that was judged")
        copy.unlink()


def test_a_damaged_page_is_told(sqlite_store: ReviewStore, tmp_path: Path) -> None:
    load(sqlite_store, *article())
    for number in range(60):
        decide(sqlite_store, "ann", number % 6 + 1, note="n" * 1500)
    with sqlite_store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        root = connection.exec_driver_sql(
            "SELECT rootpage FROM sqlite_master WHERE name = 'decisions'"
        ).scalar()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar()
    sqlite_store.close()
    assert isinstance(root, int)
    assert isinstance(size, int)
    path = tmp_path / "review.db"
    data = bytearray(path.read_bytes())
    data[(root - 1) * size : root * size] = bytes(size)
    path.write_bytes(data)
    with ReviewStore.open(str(path)) as store:
        problems = verify_chain(store).problems
    assert any("found the database damaged" in problem for problem in problems)
