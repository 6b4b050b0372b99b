"""Importing: what is kept, that a repetition changes nothing, and what is refused."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from claimwire.data.errors import InputError
from claimwire.serve.review.chain import verify_chain
from claimwire.serve.review.decisions import effective_decisions
from claimwire.serve.review.hashes import sha256_hex
from claimwire.serve.review.importing import BATCH_SENTENCES, ImportReport, import_records
from claimwire.serve.review.queues import Filter, QueueName, facets, item, next_items
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.tables import (
    ArticleRow,
    PredictionRow,
    QueueRow,
    ReleaseRow,
    SentenceRow,
)

from .store_support import FIRST, SECOND, TEXTS, article, contents, decide, load, many, tagged


def strata(store: ReviewStore) -> dict[str, str]:
    with store.read() as session:
        rows = session.execute(select(SentenceRow.text, SentenceRow.stratum))
        return {row.text: row.stratum for row in rows}


def problems_of(store: ReviewStore, *records: Any) -> tuple[str, ...]:
    return import_records(store, records).problems


def test_an_article_is_kept_with_everything_that_is_known_of_it(store: ReviewStore) -> None:
    records = article(title="Depot struck", theatre="gulf-yemen", source="wire")
    records[2] |= {"noise": 0.75, "truncated": True}
    report = import_records(store, records, random_share=0)
    assert report == ImportReport(1, 6, 6, 0, 0, report.doubly, ())
    with store.read() as session:
        kept = session.scalars(select(ArticleRow)).one()
        sentence = session.get_one(SentenceRow, 3)
        prediction = session.scalars(select(PredictionRow).filter_by(sentence_id=3)).one()
        queued = session.get_one(QueueRow, 3)
        assert session.scalars(select(ReleaseRow.name)).all() == [FIRST]
    assert (kept.key, kept.title, kept.theatre, kept.source) == (
        *("a1", "Depot struck", "gulf-yemen"),
        "wire",
    )
    assert (sentence.article_id, sentence.position, sentence.text) == (kept.id, 2, TEXTS[2])
    assert (sentence.start, sentence.end) == (records[2]["start"], records[2]["end"])
    assert (sentence.digest, sentence.noise) == (sha256_hex(TEXTS[2]), 0.75)
    assert (sentence.stratum, sentence.draw_share) == ("rest", 0)
    for name in ("label", "labels", "scores", "confidence", "needs_review", "truncated"):
        assert getattr(prediction, name) == records[2][name], name
    assert (queued.prediction_id, queued.label, queued.confidence, queued.needs_review) == (
        *(prediction.id, prediction.label),
        *(prediction.confidence, prediction.needs_review),
    )
    assert (queued.theatre, queued.source, queued.noise) == ("gulf-yemen", "wire", 0.75)
    assert sentence.digest.startswith(queued.digest)


@pytest.mark.parametrize("unit", ["article", "sentence"])
def test_the_records_of_the_tagger_fit(
    sqlite_store: ReviewStore, run_tag: Callable[..., Any], tmp_path: Path, unit: str
) -> None:
    texts = [" ".join(TEXTS)] if unit == "article" else list(TEXTS)
    records = [{"id": f"r{n}", "text": words, "theatre": "africa"} for n, words in enumerate(texts)]
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    out = run_tag(path, unit=unit).records
    report = load(sqlite_store, *out)
    assert report.sentences == report.predictions == len(out) == len(TEXTS)
    assert report.articles == len(texts)
    found = item(sqlite_store, 2)
    assert (found.text, found.theatre) == (TEXTS[1], "africa")
    assert found.prediction is not None
    assert found.prediction.release == out[1]["model"]
    assert list(found.prediction.labels) == out[1]["labels"]


def test_sentences_without_an_article_are_articles_of_their_own(store: ReviewStore) -> None:
    report = load(
        store,
        tagged(TEXTS[0], id="s-1", theatre="africa"),
        tagged(TEXTS[1], id=2),
        tagged(TEXTS[2]),
        tagged(TEXTS[2]),  # the same sentence once more, without a name to tell them apart
        tagged(TEXTS[2], id="s-3"),
    )
    assert (report.articles, report.sentences, report.already_there) == (4, 4, 1)
    with store.read() as session:
        keys = session.scalars(select(ArticleRow.key).order_by(ArticleRow.id)).all()
    assert keys == ["s-1", "2", f"sentence {sha256_hex(TEXTS[2])[:12]}", "s-3"]
    assert item(store, 1).before == item(store, 1).after == ()
    assert item(store, 1).theatre == "africa"


def test_an_import_twice_changes_nothing(store: ReviewStore) -> None:
    records = [*many(70), *article(theatre="africa", noise=0.5), tagged("Alone.", title="t")]
    first = load(store, *records)
    assert first.sentences == 707
    decide(store, "ann", 3)
    before = contents(store)
    again = load(store, *records)
    assert again == ImportReport(0, 0, 0, 707, 0, 0, ())
    assert contents(store) == before
    shuffled = [records[700:], records[:300], records[300:700]]
    load(store, *[record for part in shuffled for record in part])
    assert contents(store) == before


def test_a_new_release_adds_its_predictions(store: ReviewStore) -> None:
    load(store, *article())
    decide(store, "ann", 1)
    report = load(store, *article(model=SECOND))
    assert report == ImportReport(0, 0, 6, 6, 0, 0, ())
    assert load(store, *article(model=SECOND)).predictions == 0
    assert facets(store)["releases"] == [FIRST, SECOND]
    found = item(store, 2).prediction
    assert found is not None
    assert found.release == SECOND
    assert [decision.release for decision in effective_decisions(store)] == [FIRST]
    assert verify_chain(store).problems == ()


def test_the_release_imported_last_is_current_whatever_comes_again(store: ReviewStore) -> None:
    load(store, *article("a1"))
    load(store, *article("a1", model=SECOND), *article("a2", model=SECOND))
    load(store, *article("a2"), *article("a3"))  # FIRST again: known before SECOND
    current: dict[str, set[str]] = {}
    with store.read() as session:
        for key, release in session.execute(
            select(ArticleRow.key, ReleaseRow.name)
            .join(SentenceRow, SentenceRow.article_id == ArticleRow.id)
            .join(QueueRow, QueueRow.sentence_id == SentenceRow.id)
            .join(ReleaseRow, ReleaseRow.id == QueueRow.release_id)
        ):
            current.setdefault(key, set()).add(release)
    assert current == {"a1": {SECOND}, "a2": {SECOND}, "a3": {FIRST}}


def test_two_releases_in_one_stream(store: ReviewStore) -> None:
    report = load(store, *article(), *article(model=SECOND))
    assert (report.sentences, report.predictions, report.already_there) == (6, 12, 6)
    assert facets(store)["releases"] == [FIRST, SECOND]


def test_a_release_that_says_something_else_is_told(store: ReviewStore) -> None:
    load(store, *article())
    other = article()
    other[1] |= {"label": "background", "labels": ["background"]}
    [problem] = problems_of(store, *other)
    assert f"sentence 2: expected {FIRST} to say what it said before" in problem
    found = item(store, 2).prediction
    assert found is not None
    assert found.label == "interception_claim"


def test_what_was_not_known_is_filled_in(store: ReviewStore) -> None:
    load(store, *article(theatre="africa"))
    load(store, *article(theatre="other", source="wire", title="Depot struck", noise=0.5))
    found = item(store, 1)
    assert (found.theatre, found.source, found.title) == ("africa", "wire", "Depot struck")
    assert len(next_items(store, Filter(QueueName.NOISE, source="wire"), "ann")) == 3
    load(store, *article(noise=0.25))
    load(store, *article())
    with store.read() as session:
        assert set(session.scalars(select(SentenceRow.noise))) == {0.25}
        assert set(session.scalars(select(QueueRow.noise))) == {0.25}


def test_articles_with_the_same_name_and_other_text_are_two(store: ReviewStore) -> None:
    report = load(store, *article("1"), *article("1", TEXTS[:3]), *article("1", TEXTS[3:]))
    assert (report.articles, report.sentences) == (3, 12)
    assert [s.position for s in item(store, 10).after] == [1, 2]


def test_texts_that_join_to_the_same_text_are_not_the_same(store: ReviewStore) -> None:
    report = load(
        store, *article("k", ("a\nb",)), *article("k", ("a", "b")), *article("bk", ("a\n",))
    )
    assert (report.articles, report.sentences) == (3, 4)


def test_an_article_may_come_in_part(store: ReviewStore) -> None:
    load(store, *(article()[index] for index in (1, 2, 5)))
    found = item(store, 2)
    assert found.position == 2
    assert [s.position for s in found.before] == [1]
    assert [s.position for s in found.after] == [5]


def test_the_random_stratum_depends_on_the_text_alone(
    store: ReviewStore, sqlite_store: ReviewStore
) -> None:
    records = list(many(60))
    load(store, *records, random_share=0.2)
    drawn = strata(store)
    assert 60 <= list(drawn.values()).count("random") <= 180  # 120 of 600 are to be expected
    random.Random(7).shuffle(records)
    alone = [{k: v for k, v in r.items() if k != "article_id"} for r in records]
    load(sqlite_store, *alone, random_share=0.2)
    assert strata(sqlite_store) == drawn


def test_a_second_import_never_moves_a_sentence(store: ReviewStore) -> None:
    load(store, *many(20), random_share=0.1)
    before = strata(store)
    report = load(store, *many(30), random_share=0.9, seed=99)
    after = strata(store)
    assert {text: after[text] for text in before} == before
    new = [after[text] for text in after if text not in before]
    assert report.random_stratum == new.count("random") > 60
    with store.read() as session:
        shares = select(SentenceRow.draw_share).distinct().order_by(SentenceRow.draw_share)
        assert session.scalars(shares).all() == [0.1, 0.9]


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (1.0, 6)])
def test_a_share_of_none_or_all(store: ReviewStore, share: float, expected: int) -> None:
    assert load(store, *article(), random_share=share).random_stratum == expected


def test_the_draw_is_independent_of_the_order_within_the_stratum(sqlite_store: ReviewStore) -> None:
    """Sentences come in order of their digest: early ones must not be drawn more often."""
    load(sqlite_store, *many(100), random_share=0.5)
    with sqlite_store.read() as session:
        ordered = session.scalars(select(SentenceRow.stratum).order_by(SentenceRow.digest)).all()
    assert abs(ordered[:500].count("random") - ordered[500:].count("random")) < 100


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_a_share_out_of_range_is_refused(sqlite_store: ReviewStore, share: float) -> None:
    with pytest.raises(InputError, match="random_share: expected a number from 0 to 1"):
        import_records(sqlite_store, [], random_share=share)


def test_nothing_to_import_is_nothing_done(store: ReviewStore) -> None:
    assert import_records(store, []) == ImportReport(0, 0, 0, 0, 0, 0, ())


def test_progress_is_told_after_each_batch(sqlite_store: ReviewStore) -> None:
    told: list[int] = []
    import_records(sqlite_store, many(120), progress=told.append)
    assert told == [BATCH_SENTENCES, 2 * BATCH_SENTENCES, 1200]


def test_records_are_streamed(sqlite_store: ReviewStore) -> None:
    """A batch is stored before many more records were asked for."""
    asked = 0

    def records() -> Any:
        nonlocal asked
        for record in many(300):
            asked += 1
            yield record

    ahead: list[int] = []
    import_records(sqlite_store, records(), progress=lambda done: ahead.append(asked - done))
    assert max(ahead) <= 20


def test_what_was_stored_before_an_error_stays(sqlite_store: ReviewStore) -> None:
    def records() -> Any:
        yield from many(55)
        raise InputError("line 551: expected one JSON object a line")

    with pytest.raises(InputError, match="line 551"):
        import_records(sqlite_store, records())
    assert import_records(sqlite_store, many(55)).already_there == BATCH_SENTENCES


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"text": None}, "expected a string in the field 'text', found null"),
    ({"text": "  "}, "found a blank string"),
    ({"text": "a\0b"}, "text: expected text, found a NUL"),
    ({"text": "a\ud800b"}, "text: expected text, found a NUL or half a surrogate pair"),
    ({"article_id": ["a"]}, "in 'article_id', found a list"),
    ({"article_id": " "}, "in 'article_id', found a blank string"),
    ({"sentence_index": None}, "'sentence_index': expected a whole number"),
    (
        {"sentence_index": -1},
        "'sentence_index': expected a whole number of 0 or more, found -1",
    ),
    ({"sentence_index": True}, "'sentence_index': expected a whole number"),
    ({"start": "0"}, "'start': expected a whole number of 0 or more, found a string"),
    ({"end": 2**31}, "'end': expected a whole number"),
    ({"model": None}, "in 'model', found null"),
    ({"model": " "}, "in 'model', found a blank string"),
    ({"labels": "background"}, "expected a list of labels in 'labels'"),
    ({"labels": []}, "'labels': no label"),
    ({"labels": ["war"]}, "'labels': unknown label 'war'"),
    ({"label": "background"}, "expected 'label' to be the first of ['attack_claim']"),
    ({"scores": None}, "in 'scores', found null"),
    ({"scores": {"attack_claim": 1.0}}, "in 'scores', found ['attack_claim']"),
    ({"confidence": 1.5}, "'confidence': expected a number from 0 to 1, found 1.5"),
    ({"noise": "much"}, "'noise': expected a number from 0 to 1, found a string"),
    ({"noise": math.nan}, "'noise': expected a number from 0 to 1, found nan"),
    ({"noise": math.inf}, "'noise': expected a number from 0 to 1, found inf"),
    ({"noise": 10**400}, "'noise': expected a number from 0 to 1, found 1000"),
]


def test_a_record_that_cannot_be_used_is_told_and_the_rest_imported(store: ReviewStore) -> None:
    for number, (fields, named) in enumerate(WRONG):
        bad = {**article("bad", TEXTS[:1])[0], **fields}
        good = [article(f"{key}-{number}", TEXTS[:2]) for key in ("before", "after")]
        report = import_records(store, [*good[0], bad, *good[1]])
        [problem] = report.problems
        assert problem.startswith("record 3: ")
        assert named in problem
        assert report.sentences == 4


def test_many_problems_are_counted(sqlite_store: ReviewStore) -> None:
    problems = problems_of(sqlite_store, *({"text": ""} for _ in range(130)))
    assert len(problems) == 101
    assert problems[-1] == "... and 30 more"


def test_odd_texts_come_through_whole(store: ReviewStore) -> None:
    texts = ("‮gnihtemos‬ <script>alert(1)</script>", "\t two\r\nlines ", "𝔵" * 3000, "' OR 1=1; --")
    load(store, *article("‘key’", texts, title="<b>", theatre="' OR 1=1"))
    assert [item(store, number).text for number in (1, 2, 3, 4)] == list(texts)
    assert (item(store, 1).article_key, item(store, 1).title) == ("‘key’", "<b>")
    assert facets(store)["theatres"] == ["' OR 1=1"]
