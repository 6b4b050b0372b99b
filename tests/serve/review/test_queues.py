"""Queues: order, filters, who gets what, and that no query walks through everything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, select, text

from claimwire.data.errors import InputError
from claimwire.serve.review import queues
from claimwire.serve.review.chain import verify_chain
from claimwire.serve.review.decisions import undo
from claimwire.serve.review.queues import (
    ContextSentence,
    Filter,
    QueueName,
    facets,
    item,
    next_items,
    queue_sizes,
)
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.tables import DONE, AssignmentRow, QueueRow, SentenceRow, now

from .store_support import FIRST, LABELS, TEXTS, article, decide, load, many, tagged


@pytest.fixture
def desk(store: ReviewStore) -> ReviewStore:
    """A desk with an article of six sentences, numbered from 1, ever less confident."""
    load(store, *article(title="Depot struck", theatre="africa", source="wire"), random_share=0)
    return store


def ids(
    store: ReviewStore, queue: str = "all", reviewer: str = "ann", count: int = 99, **fields: Any
) -> list[int]:
    flt = Filter(QueueName(queue), **fields)
    return [found.sentence_id for found in next_items(store, flt, reviewer, count=count)]


def let_time_pass(monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
    def later(more: timedelta = timedelta()) -> str:
        return now(more + timedelta(hours=hours))

    monkeypatch.setattr(queues, "now", later)


def test_an_item_is_all_that_a_reviewer_may_see(desk: ReviewStore) -> None:
    found = item(desk, 4)
    assert (found.sentence_id, found.text, found.position) == (4, TEXTS[3], 3)
    assert (found.article_id, found.article_key) == (1, "a1")
    assert (found.title, found.theatre, found.source) == ("Depot struck", "africa", "wire")
    assert found.before == tuple(ContextSentence(n + 1, n, TEXTS[n]) for n in (0, 1, 2))
    assert found.after == tuple(ContextSentence(n + 1, n, TEXTS[n]) for n in (4, 5))
    assert (found.stratum, found.skips) == ("rest", ())
    prediction = found.prediction
    assert prediction is not None
    assert (prediction.release, prediction.label) == (FIRST, LABELS[3])
    assert prediction.labels == (LABELS[3],)
    assert (prediction.confidence, prediction.needs_review) == (0.6, False)
    assert prediction.scores[LABELS[3]] == 0.6
    assert set(prediction.scores) == set(LABELS)


def test_context_stays_within_the_article_and_within_reach(store: ReviewStore) -> None:
    load(store, *many(3))
    found = item(store, 15)
    assert [s.sentence_id for s in found.before] == [12, 13, 14]
    assert [s.sentence_id for s in found.after] == [16, 17, 18]
    assert [s.sentence_id for s in item(store, 11).before] == []
    assert [s.sentence_id for s in item(store, 20).after] == []


def test_an_unknown_sentence_is_refused(desk: ReviewStore) -> None:
    for number in (0, -1, 7, 2**70):
        with pytest.raises(InputError, match="expected a sentence of this database, found"):
            item(desk, number)


def test_the_least_confident_come_first(desk: ReviewStore) -> None:
    assert ids(desk, "uncertain") == [6, 5, 4, 3, 2, 1]
    assert ids(desk, "uncertain", count=2) == [6, 5]


def test_equals_come_in_an_order_that_no_import_changes(
    store: ReviewStore, sqlite_store: ReviewStore
) -> None:
    records = [tagged(f"Sentence {n}.", confidence=0.5) for n in range(30)]
    load(store, *records, random_share=1)
    load(sqlite_store, *reversed(records), random_share=1)
    for queue in (QueueName.UNCERTAIN, QueueName.RANDOM):
        texts = [
            [found.text for found in next_items(each, Filter(queue), "ann", count=30)]
            for each in (store, sqlite_store)
        ]
        assert texts[0] == texts[1]
        assert texts[0] != sorted(texts[0])


def test_flagged_are_those_that_the_release_flagged(desk: ReviewStore) -> None:
    assert ids(desk, "flagged") == [6]
    assert queue_sizes(desk)[QueueName.FLAGGED] == (1, 0)


def test_noise_comes_worst_first(store: ReviewStore) -> None:
    records = article()
    for record, noise in zip(records, (0.2, 0.9, None, 0.0, 0.5, None), strict=True):
        record["noise"] = noise
    load(store, *records)
    assert ids(store, "noise") == [2, 5, 1]


def test_the_random_stratum_is_a_queue(store: ReviewStore) -> None:
    load(store, *many(20), random_share=0.3)
    with store.read() as session:
        drawn = session.scalars(
            select(SentenceRow.id).filter_by(stratum="random").order_by(SentenceRow.digest)
        ).all()
    assert ids(store, "random", count=999) == drawn
    assert queue_sizes(store)[QueueName.RANDOM] == (len(drawn), 0)


def test_all_come_as_they_were_imported(desk: ReviewStore) -> None:
    assert ids(desk) == [1, 2, 3, 4, 5, 6]


def test_sentences_without_a_prediction_are_not_uncertain(store: ReviewStore) -> None:
    load(store, {"text": "Nobody has tagged this one."})
    assert ids(store, "uncertain") == []
    assert item(store, 1).prediction is None
    assert ids(store) == [1]


def test_filters_leave_the_rest_out(desk: ReviewStore) -> None:
    load(desk, tagged("Another one.", theatre="gulf-yemen", source="other"))
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({"label": "attack_claim"}, [1, 5]),
        ({"label": "no such label"}, []),
        ({"theatre": "africa"}, [1, 2, 3, 4, 5, 6]),
        ({"theatre": "gulf-yemen"}, [7]),
        ({"source": "wire", "label": "background"}, [4]),
        ({"source": "other"}, [7]),
        ({"source": "o\0ther\ud800"}, []),
    ]
    for fields, expected in cases:
        assert ids(desk, **fields) == expected
        sizes = queue_sizes(desk, Filter(QueueName.ALL, **fields))
        assert sizes[QueueName.ALL] == (len(expected), 0)


FOUND = [
    ("MARESK", [1]),
    ("the", [1, 2, 3, 4, 5]),
    ("  port handles ", [4]),
    ("country's grain", [4]),  # the text has a curly one
    ("ÉCOLE", [7]),
    ("strasse", [7]),
    ("100%", [7]),
    ("%", [7]),
    ("_", []),
    ("\\", []),
    ("'; DROP TABLE decisions; --", []),
    ("no such words", []),
    ("a\0\ud800", []),
    ("   ", [1, 2, 3, 4, 5, 6, 7]),
]


def test_search_finds_words_in_any_case(desk: ReviewStore) -> None:
    load(desk, tagged("100% of a school (école) in a STRAẞE was hit."))
    for words, expected in FOUND:
        assert ids(desk, search=words) == expected, words
        uncertain = ids(desk, "uncertain", search=words)
        assert sorted(uncertain) == expected
        assert ids(desk, "uncertain", search=words, count=1) == uncertain[:1]
        sizes = queue_sizes(desk, Filter(QueueName.RANDOM, search=words))
        assert sizes[QueueName.ALL] == (len(expected), 0)


def test_what_is_judged_comes_to_nobody(desk: ReviewStore) -> None:
    decide(desk, "ann", 1)
    decide(desk, "bob", 2, kind="not_a_sentence")
    for reviewer in ("ann", "bob", "cem"):
        # Each gives back what it got, so that the next one may have it.
        assert ids(desk, reviewer=reviewer) == [3, 4, 5, 6]
        release_all(desk)
    undo(desk, "ann", 1, "u")
    assert ids(desk, reviewer="cem") == [3, 4, 5, 6]  # the first is on ann's screen again
    release_all(desk)
    assert ids(desk, reviewer="cem") == [1, 3, 4, 5, 6]


def release_all(store: ReviewStore) -> None:
    with store.write() as session:
        session.execute(text("DELETE FROM assignments"))


def test_two_reviewers_get_different_sentences(desk: ReviewStore) -> None:
    assert ids(desk, count=2) == [1, 2]
    assert ids(desk, reviewer="bob", count=2) == [3, 4]
    assert ids(desk, count=2) == [1, 2]  # the same again until they are judged
    decide(desk, "ann", 1)
    assert ids(desk, count=2) == [2, 5]
    assert ids(desk, reviewer="cem") == [6]
    assert ids(desk, reviewer="dee") == []


def test_what_is_on_the_screen_can_be_left_out(desk: ReviewStore) -> None:
    found = next_items(desk, Filter(QueueName.ALL), "ann", exclude=[1, 2, 4, -1, 2**70])
    assert [each.sentence_id for each in found] == [3, 5, 6]


@pytest.mark.parametrize("count", [0, -1])
def test_nothing_is_given_where_nothing_is_asked_for(desk: ReviewStore, count: int) -> None:
    assert ids(desk, count=count) == []


def test_an_assignment_expires(desk: ReviewStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ids(desk) == [1, 2, 3, 4, 5, 6]
    let_time_pass(monkeypatch, 0.24)
    assert ids(desk, reviewer="bob") == []
    let_time_pass(monkeypatch, 0.26)
    assert ids(desk, reviewer="bob") == [1, 2, 3, 4, 5, 6]
    assert ids(desk, reviewer="ann") == []
    with desk.read() as session:
        assert set(session.scalars(select(AssignmentRow.reviewer))) == {"bob"}


def test_asking_again_keeps_it_for_longer(
    desk: ReviewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids(desk)
    let_time_pass(monkeypatch, 0.2)
    ids(desk)
    let_time_pass(monkeypatch, 0.3)
    assert ids(desk, reviewer="bob") == []


def test_a_skip_hides_a_sentence_from_who_skipped_it_for_a_day(
    desk: ReviewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(desk, "ann", 2, kind="skip", reason="which drone?")
    assert ids(desk) == [1, 3, 4, 5, 6]
    let_time_pass(monkeypatch, 0.02)
    assert ids(desk, reviewer="bob") == [2]
    release_all(desk)
    let_time_pass(monkeypatch, 23.9)
    assert 2 not in ids(desk)
    let_time_pass(monkeypatch, 24.1)
    assert 2 in ids(desk)


def test_a_skip_undone_in_time_finds_its_sentence_with_nobody(
    desk: ReviewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip = decide(desk, "ann", 2, kind="skip")
    assert ids(desk, reviewer="bob") == [1, 3, 4, 5, 6]
    undo(desk, "ann", skip.id, "u")
    let_time_pass(monkeypatch, 0.02)
    assert 2 not in ids(desk, reviewer="bob")  # it is on ann's screen again
    decide(desk, "ann", 2)
    release_all(desk)
    assert 2 not in ids(desk, reviewer="bob")


@pytest.mark.parametrize("is_judged", [False, True])
def test_a_skip_undone_late_costs_a_verdict_more_and_refuses_none(
    desk: ReviewStore, monkeypatch: pytest.MonkeyPatch, is_judged: bool
) -> None:
    skip = decide(desk, "ann", 2, kind="skip")
    let_time_pass(monkeypatch, 0.02)
    assert ids(desk, reviewer="bob", count=2) == [1, 2]
    if is_judged:
        decide(desk, "bob", 2)
    undo(desk, "ann", skip.id, "u")
    decide(desk, "ann", 2)
    if not is_judged:
        decide(desk, "bob", 2)
    with desk.read() as session:
        row = session.get_one(QueueRow, 2)
    assert (row.judgements, row.needed, row.stage, row.is_disputed) == (2, 1, DONE, False)
    assert verify_chain(desk).problems == ()


def test_the_queue_of_skipped_ones_lists_them_all(desk: ReviewStore) -> None:
    decide(desk, "ann", 3, kind="skip", reason="which drone?")
    decide(desk, "ann", 2, kind="skip", reason="long")
    decide(desk, "bob", 3, kind="skip", reason="and whose?")
    assert ids(desk, "skipped") == [2, 3]  # the one skipped the longest ago first
    assert item(desk, 3).skips == ("ann: which drone?", "bob: and whose?")
    assert queue_sizes(desk)[QueueName.SKIPPED] == (2, 0)
    decide(desk, "cem", 3)
    assert queue_sizes(desk)[QueueName.SKIPPED] == (1, 1)
    undo(desk, "ann", 2, "u")
    assert queue_sizes(desk)[QueueName.SKIPPED] == (0, 1)
    assert item(desk, 2).skips == ()


def test_a_skip_leaves_the_random_stratum_open(store: ReviewStore) -> None:
    load(store, *article(), random_share=1)
    decide(store, "ann", 1, kind="skip")
    decide(store, "ann", 2)
    assert queue_sizes(store)[QueueName.RANDOM] == (5, 1)


def test_sizes_count_what_is_open_and_what_is_done(desk: ReviewStore) -> None:
    load(desk, tagged("Another one.", noise=0.5), random_share=1)
    decide(desk, "ann", 6)
    decide(desk, "bob", 6)
    decide(desk, "ann", 5, kind="skip")
    decide(desk, "ann", 7, kind="not_a_sentence")
    expected = {
        QueueName.RANDOM: (0, 1),
        QueueName.UNCERTAIN: (5, 2),
        QueueName.FLAGGED: (0, 1),
        QueueName.NOISE: (0, 1),
        QueueName.SKIPPED: (1, 0),
        QueueName.ALL: (5, 2),
    }
    assert queue_sizes(desk) == expected
    assert queue_sizes(desk, Filter(QueueName.NOISE)) == expected
    found = queue_sizes(desk, Filter(QueueName.ALL, theatre="africa"))
    assert found[QueueName.ALL] == (5, 1)
    assert found[QueueName.NOISE] == (0, 0)


def test_sizes_and_facets_of_an_empty_desk(store: ReviewStore) -> None:
    assert set(queue_sizes(store).values()) == {(0, 0)}
    assert facets(store) == {"theatres": [], "sources": [], "releases": []}
    assert ids(store) == []


def test_facets_are_what_there_is(desk: ReviewStore) -> None:
    load(desk, tagged("One.", theatre="gulf-yemen"), tagged("Two.", theatre="africa", source="b"))
    assert facets(desk) == {
        "theatres": ["africa", "gulf-yemen"],
        "sources": ["b", "wire"],
        "releases": [FIRST],
    }


def test_a_reviewer_has_a_name(desk: ReviewStore) -> None:
    for name in ("", " ", "a\0b", "n" * 101):
        with pytest.raises(InputError, match="reviewer: expected"):
            ids(desk, reviewer=name)


@contextmanager
def plans(store: ReviewStore) -> Iterator[list[str]]:
    """Collect how SQLite means to answer each query of the queues, by its own account."""
    found: list[str] = []

    def explain(
        connection: Connection, cursor: Any, statement: str, parameters: Any, *_: object
    ) -> None:
        if statement.startswith("SELECT") and "FROM queue_rows" in statement:
            driver = connection.connection.driver_connection
            assert driver is not None
            rows = driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            found.append("\n".join(row[3] for row in rows))

    event.listen(store.engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        event.remove(store.engine, "before_cursor_execute", explain)


@pytest.mark.parametrize("queue", list(QueueName))
@pytest.mark.parametrize("field", [None, "label", "theatre", "source", "search"])
def test_next_items_come_from_an_index_in_order(
    sqlite_store: ReviewStore, queue: QueueName, field: str | None
) -> None:
    """Neither a walk through the table nor a sort of everything, whatever is asked for."""
    load(sqlite_store, *many(60, theatre="africa", source="wire"))
    values = {"label": LABELS[3], "theatre": "africa", "source": "wire", "search": "drones"}
    flt = Filter(queue, **({} if field is None else {field: values[field]}))
    with plans(sqlite_store) as found:
        next_items(sqlite_store, flt, "ann")
    [plan] = found
    if field is None:
        assert "TEMP B-TREE" not in plan
    if field is None or queue is not QueueName.ALL:  # a walk through the table is in order, there
        assert "SEARCH queue_rows USING" in plan


def test_sizes_come_from_indices(sqlite_store: ReviewStore) -> None:
    load(sqlite_store, *many(60))
    with plans(sqlite_store) as found:
        queue_sizes(sqlite_store)
    [plan] = found
    assert "SCAN queue_rows" not in plan
    assert plan.count("USING COVERING INDEX") == 12
