from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwire.data.errors import InputError
from claimwire.data.labels import LABELS, Label
from claimwire.data.segment import Span
from claimwire.model.release import load_release
from claimwire.serve.tagger import BATCH_SENTENCES, TaggedSentence, Tagger

from .conftest import ARTICLE, ARTICLE_SENTENCES


def test_an_article_gives_its_sentences_in_order_with_exact_offsets(tagger: Tagger) -> None:
    tagged = tagger.tag(ARTICLE)
    assert [sentence.text for sentence in tagged] == ARTICLE_SENTENCES
    assert all(ARTICLE[sentence.start : sentence.end] == sentence.text for sentence in tagged)


def test_a_tagged_sentence_keeps_the_decision_rule(tagger: Tagger) -> None:
    for sentence in tagger.tag(ARTICLE):
        assert list(sentence.scores) == list(LABELS)
        assert all(0 <= score <= 1 for score in sentence.scores.values())
        assert sentence.label == sentence.labels[0]
        assert sentence.confidence == sentence.scores[sentence.label]


def test_the_model_is_the_identity_of_the_release(tagger: Tagger, tiny_release: Path) -> None:
    assert tagger.model == load_release(tiny_release).id


def test_nothing_gives_nothing(tagger: Tagger) -> None:
    assert tagger.tag("") == []
    assert tagger.tag_sentences([]) == []
    assert list(tagger.tag_many([])) == []
    assert list(tagger.tag_many(["", " \n"])) == [[], []]


def test_each_sentence_gives_one_result_even_where_it_looks_like_several(tagger: Tagger) -> None:
    sentences = ["A shell fell. Nobody was hurt.", "", "A shell fell. Nobody was hurt.", " x "]
    tagged = tagger.tag_sentences(sentences)
    assert [sentence.text for sentence in tagged] == sentences
    assert [(sentence.start, sentence.end) for sentence in tagged] == [
        (0, len(sentence)) for sentence in sentences
    ]
    assert tagged[0] == tagged[2]


def test_a_long_sentence_is_marked_as_truncated_and_for_review(tagger: Tagger) -> None:
    [tagged] = tagger.tag_sentences(["A rocket hit the northern depot again. " * 2_000])
    assert tagged.truncated
    assert tagged.needs_review


def test_a_stream_of_articles_gives_a_list_for_each_in_order(tagger: Tagger) -> None:
    numbered = [f"Shell number {number} fell. It hit a barn." for number in range(400)]
    articles = [text for article in numbered for text in (article, "")]
    streamed = list(tagger.tag_many(articles))
    assert len(streamed) == len(articles)
    assert [[s.text for s in sentences] for sentences in streamed[:4]] == [
        ["Shell number 0 fell.", "It hit a barn."],
        [],
        ["Shell number 1 fell.", "It hit a barn."],
        [],
    ]
    assert streamed[798][0].text == "Shell number 399 fell."
    assert_same(streamed[400], tagger.tag(articles[400]))


def test_a_stream_is_read_ahead_by_a_bounded_number_of_articles(tagger: Tagger) -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield "A shell fell. It hit a barn."

    stream = tagger.tag_many(endless())
    for _ in range(10):
        assert len(next(stream)) == 2
    assert taken == BATCH_SENTENCES / 2


def test_what_came_before_a_broken_stream_is_not_lost(tagger: Tagger) -> None:
    def breaking() -> Iterator[str]:
        yield from ["Shell one fell.", "Shell two fell. It hit a barn."]
        raise RuntimeError("the source went away")

    given: list[int] = []
    with pytest.raises(RuntimeError, match="the source went away"):
        given.extend(len(sentences) for sentences in tagger.tag_many(breaking()))
    assert given == [1, 2]
    spans = ((text, Span(0, len(text), text)) for text in breaking())
    keys: list[str] = []
    with pytest.raises(RuntimeError, match="the source went away"):
        keys.extend(key for key, _ in tagger.tag_spans(spans))
    assert len(keys) == 2


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_below_one_are_refused(tiny_release: Path, threads: int) -> None:
    with pytest.raises(InputError, match=f"threads: expected 1 or more, or None, found {threads}"):
        Tagger.load(tiny_release, threads=threads)


def test_results_do_not_depend_on_batch_mates(tagger: Tagger) -> None:
    alone = [tagger.tag_sentences([sentence])[0] for sentence in ARTICLE_SENTENCES]
    crowd = [*ARTICLE_SENTENCES, "x " * 30, *["A shell fell."] * 600]
    assert_same(tagger.tag_sentences(crowd)[: len(alone)], alone)
    assert tagger.tag_sentences(crowd) == tagger.tag_sentences(crowd)


def assert_same(found: list[TaggedSentence], expected: list[TaggedSentence]) -> None:
    """Same sentences and labels; scores within 1e-3."""
    assert [s.text for s in found] == [s.text for s in expected]
    assert [s.labels for s in found] == [s.labels for s in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-3)


def test_a_record_holds_plain_json_values_rounded_to_four_decimals() -> None:
    sentence = TaggedSentence(
        start=3,
        end=8,
        text="A hit",
        label=Label.ATTACK_CLAIM,
        labels=(Label.ATTACK_CLAIM, Label.ATTRIBUTION_INFERENCE),
        scores=dict(zip(LABELS, (0.123456, 1.0, 0.00004, 0.99999), strict=True)),
        confidence=0.123456,
        needs_review=True,
        truncated=False,
    )
    record = sentence.to_record()
    assert record == {
        "start": 3,
        "end": 8,
        "text": "A hit",
        "label": "attack_claim",
        "labels": ["attack_claim", "attribution_inference"],
        "scores": {
            "attack_claim": 0.1235,
            "interception_claim": 1.0,
            "attribution_inference": 0.0,
            "background": 1.0,
        },
        "confidence": 0.1235,
        "needs_review": True,
        "truncated": False,
    }
    assert json.loads(json.dumps(record)) == record
    assert type(record["label"]) is str


@pytest.mark.parametrize(
    ("wrong", "found", "advice"),
    [(None, "NoneType", "pass the text"), (7, "int", "pass the text"), (b"x", "bytes", "decode")],
)
def test_what_is_not_text_is_refused(tagger: Tagger, wrong: Any, found: str, advice: str) -> None:
    with pytest.raises(InputError, match=f"article: expected text.*found {found}: {advice}"):
        tagger.tag(wrong)
    with pytest.raises(InputError, match=f"sentence 2: expected text.*found {found}: {advice}"):
        tagger.tag_sentences(["A shell fell.", wrong])
    with pytest.raises(InputError, match=f"article 2: expected text.*found {found}: {advice}"):
        list(tagger.tag_many(["A shell fell.", wrong]))


def test_one_text_in_place_of_several_is_refused_at_once(tagger: Tagger) -> None:
    with pytest.raises(InputError, match=r"found one str: call tag_sentences\(\[text\]\)"):
        tagger.tag_sentences("A shell fell.")
    with pytest.raises(InputError, match=r"found one str: call tag\(text\)"):
        tagger.tag_many("A shell fell.")
    with pytest.raises(InputError, match="found NoneType: pass a list of str"):
        tagger.tag_many(cast("list[str]", None))


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), max_size=300))
def test_any_text_can_be_tagged(tagger: Tagger, article: str) -> None:
    for sentence in tagger.tag(article):
        assert article[sentence.start : sentence.end] == sentence.text
    [whole] = tagger.tag_sentences([article])
    assert whole.text == article
