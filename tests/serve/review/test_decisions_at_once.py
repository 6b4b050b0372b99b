"""Decisions from many processes and threads, and from processes that are killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from claimwire.serve.review.chain import verify_chain
from claimwire.serve.review.decisions import NewDecision, history, record_decision, undo
from claimwire.serve.review.importing import import_records
from claimwire.serve.review.queues import Filter, QueueName, assign, next_items
from claimwire.serve.review.store import Lock, ReviewStore
from claimwire.serve.review.tables import AssignmentRow, DecisionRow

from .store_support import article, contents, count_decisions, decide, load, many

ROOT = Path(__file__).parents[3]


@contextmanager
def worker(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process that waits, its database open, for a line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.serve.review.store_worker", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def said(process: subprocess.Popen[str], lines: int) -> list[int]:
    assert process.stdout is not None
    return [int(process.stdout.readline()) for _ in range(lines)]


def test_processes_that_decide_at_once_lose_nothing(db_url: str) -> None:
    with ReviewStore.open(db_url) as store:
        load(store, *article(texts=tuple(f"Sentence {n} of seven." for n in range(7))))
        with (
            worker("decide", db_url, "ann", "40") as ann,
            worker("decide", db_url, "bob", "40") as bob,
        ):
            begin(ann)
            begin(bob)
            numbers = {}
            for name, process in (("ann", ann), ("bob", bob)):
                out, _ = process.communicate(timeout=300)
                assert process.returncode == 0
                numbers[name] = [int(line) for line in out.split()]
        assert sorted(numbers["ann"] + numbers["bob"]) == list(range(1, 97))
        assert verify_chain(store, expected_count=96).problems == ()
        with store.read() as session:
            rows = session.scalars(select(DecisionRow).order_by(DecisionRow.id)).all()
        for name, mine in numbers.items():
            assert [row.id for row in rows if row.reviewer == name] == mine
            notes = [row.note for row in rows if row.reviewer == name and row.kind == "label"]
            assert notes == [f"{name} {number}" for number in range(40)]


def test_a_killed_process_leaves_a_valid_chain(db_url: str) -> None:
    with ReviewStore.open(db_url) as store:
        load(store, *article(texts=tuple(f"Sentence {n} of seven." for n in range(7))))
        acknowledged = 0
        for kill, decisions in enumerate((1, 4, 9)):
            with worker("decide", db_url, f"ann {kill}", "100000") as process:
                begin(process)
                acknowledged = said(process, decisions)[-1]
                process.kill()
                process.wait()
            report = verify_chain(store, expected_count=acknowledged)
            assert report.problems == ()
            assert report.decisions >= acknowledged
        # The next one goes on where the dead ones stopped.
        assert decide(store, "bob", 1).id == verify_chain(store).decisions == report.decisions + 1


def test_threads_that_decide_at_once_lose_nothing(store: ReviewStore) -> None:
    load(store, *many(4))

    def review(name: str) -> list[int]:
        done = []
        for _ in range(8):
            [item] = next_items(store, Filter(QueueName.UNCERTAIN), name, count=1)
            done.append(item.sentence_id)
            decide(store, name, item.sentence_id)
        return done

    names = ["ann", "bob", "cem", "dee"]
    with ThreadPoolExecutor(len(names)) as pool:
        judged = [sentence for done in pool.map(review, names) for sentence in done]
    assert len(judged) == len(set(judged)) == 32  # nobody was given what another one had
    assert verify_chain(store, expected_count=32).problems == ()


def test_a_decision_sent_many_times_at_once_is_stored_once(store: ReviewStore) -> None:
    load(store, *article())
    sent = NewDecision(1, "label", "the same key", ("attack_claim",))
    with ThreadPoolExecutor(6) as pool:
        stored = list(pool.map(lambda _: record_decision(store, "ann", sent), range(6)))
    assert set(stored) == {stored[0]}
    assert count_decisions(store) == 1


def test_an_undo_waits_for_sentences_that_are_being_given_out(store: ReviewStore) -> None:
    """The same sentence for the same reviewer, asked for from a second tab."""
    load(store, *article())
    skip = decide(store, "ann", 1, kind="skip")
    with ThreadPoolExecutor(1) as pool:
        with store.write(Lock.ASSIGN) as session:
            assign(session, [1], "ann")
            session.flush()
            undone = pool.submit(undo, store, "ann", skip.id, "u")
            time.sleep(0.3)
            assert not undone.done()
        assert undone.result(60).revises == skip.id
    with store.read() as session:
        assert [row.reviewer for row in session.scalars(select(AssignmentRow))] == ["ann"]


def test_reviewers_decide_while_records_are_imported(store: ReviewStore) -> None:
    load(store, *article())

    def review(number: int) -> int:
        return decide(store, "ann", number % 6 + 1).id

    with ThreadPoolExecutor(2) as pool:
        imported = pool.submit(import_records, store, many(150))
        decided = pool.submit(lambda: [review(number) for number in range(20)])
        assert imported.result().sentences == 1500
        assert decided.result() == list(range(1, 21))
    assert verify_chain(store).problems == ()
    assert len(history(store, 1)) == 4


@pytest.mark.parametrize("batches", [1, 2])
def test_an_import_that_is_killed_and_repeated_is_as_one_that_is_not(
    db_url: str, tmp_path: Path, batches: int
) -> None:
    with worker("import", db_url, "200") as process:
        begin(process)
        done = said(process, batches)
        process.kill()
        process.wait()
    with ReviewStore.open(db_url) as store, ReviewStore.open(str(tmp_path / "once.db")) as once:
        report = import_records(store, many(200))
        assert report.already_there >= done[-1] >= 500 * batches
        assert report.already_there + report.sentences == 2000
        import_records(once, many(200))
        left_out = ("created_at", "value")
        assert contents(store, *left_out) == contents(once, *left_out)
