"""The batcher: common batches, turns, limits, failures and closing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from claimwire.data.segment import Span
from claimwire.serve.http.batcher import SHARE, Batcher, BatchLimits, ClosedError, QueueFullError
from claimwire.serve.tagger import TaggedSentence, Tagger

from .conftest import ARTICLE_SENTENCES
from .http_support import client_of, make_app, service_of

LIMITS = BatchLimits(sentences=64, characters=100_000, wait_seconds=0.001, waiting=1_000)


def spans(*texts: str) -> list[Span]:
    return [Span(0, len(text), text) for text in texts]


class Recording:
    """A batcher that is not started yet, and the sizes of its batches."""

    def __init__(self, tagger: Tagger, limits: BatchLimits = LIMITS) -> None:
        self.sizes: list[int] = []
        self.batcher = Batcher(tagger, limits, lambda sentences, _: self.sizes.append(sentences))


def same(found: Sequence[TaggedSentence], expected: Sequence[TaggedSentence]) -> bool:
    return [(s.text, s.labels) for s in found] == [(s.text, s.labels) for s in expected] and all(
        one.scores == pytest.approx(other.scores, abs=1e-3)
        for one, other in zip(found, expected, strict=True)
    )


def test_requests_that_wait_together_are_one_batch(tagger: Tagger) -> None:
    recording = Recording(tagger)
    futures = [recording.batcher.submit(spans(text)) for text in ARTICLE_SENTENCES * 5]
    recording.batcher.start()
    results = [future.result() for future in futures]
    recording.batcher.close()
    assert recording.sizes == [20]
    for [found], text in zip(results, ARTICLE_SENTENCES * 5, strict=True):
        assert same([found], tagger.tag_sentences([text]))


def test_a_short_request_does_not_wait_for_a_long_one(tagger: Tagger) -> None:
    recording = Recording(tagger)
    order: list[str] = []
    long = recording.batcher.submit(spans(*(f"Shell {number} fell." for number in range(300))))
    short = recording.batcher.submit(spans("A barn burned."))
    long.add_done_callback(lambda _: order.append("long"))
    short.add_done_callback(lambda _: order.append("short"))
    recording.batcher.start()
    assert [s.text for s in long.result()] == [f"Shell {number} fell." for number in range(300)]
    recording.batcher.close()
    assert order == ["short", "long"]
    assert recording.sizes[0] == 64
    assert sum(recording.sizes) == 301
    assert SHARE < 64


def test_batches_keep_to_their_characters_except_for_one_long_sentence(tagger: Tagger) -> None:
    limits = BatchLimits(sentences=64, characters=100, wait_seconds=0.001, waiting=1_000)
    recording = Recording(tagger, limits)
    futures = [recording.batcher.submit(spans("x" * n)) for n in (60, 60, 500, 30, 30, 30)]
    recording.batcher.start()
    assert [len(future.result()[0].text) for future in futures] == [60, 60, 500, 30, 30, 30]
    recording.batcher.close()
    assert recording.sizes == [1, 1, 1, 3]


def test_a_full_queue_refuses_and_what_was_in_it_is_done(tagger: Tagger) -> None:
    recording = Recording(tagger, BatchLimits(64, 1_000, 0.001, waiting=3))
    batcher = recording.batcher
    accepted = batcher.submit(spans("a b", "c d"))
    with pytest.raises(QueueFullError):
        batcher.submit(spans("e f", "g h"))
    assert batcher.waiting == 2
    assert 1 <= batcher.retry_after() <= 60
    last = batcher.submit(spans("i j"))
    batcher.start()
    assert len(accepted.result()) == 2
    assert len(last.result()) == 1
    batcher.close()
    assert batcher.waiting == 0


def test_closing_finishes_what_was_accepted_and_refuses_more(tagger: Tagger) -> None:
    recording = Recording(tagger)
    futures = [recording.batcher.submit(spans(*["A shell fell."] * 50)) for _ in range(10)]
    recording.batcher.start()
    recording.batcher.close()
    assert all(len(future.result()) == 50 for future in futures)
    assert not recording.batcher.alive
    with pytest.raises(ClosedError):
        recording.batcher.submit(spans("A shell fell."))


def test_no_sentence_needs_no_worker(tagger: Tagger) -> None:
    assert Recording(tagger).batcher.submit([]).result() == []


def test_a_request_that_is_given_up_leaves_the_queue(tagger: Tagger) -> None:
    recording = Recording(tagger)
    given_up = recording.batcher.submit(spans("A shell fell.", "A barn burned."))
    kept = recording.batcher.submit(spans("A bridge fell."))
    assert given_up.cancel()
    recording.batcher.start()
    assert len(kept.result()) == 1
    recording.batcher.close()
    assert recording.sizes == [1]
    assert recording.batcher.waiting == 0


def test_a_request_that_fails_takes_no_other_with_it(tagger: Tagger) -> None:
    recording = Recording(tagger)
    before = recording.batcher.submit(spans("A shell fell."))
    poison = recording.batcher.submit([Span(0, 0, cast("str", _NoText()))])
    after = recording.batcher.submit(spans("A barn burned."))
    recording.batcher.start()
    assert before.result()[0].text == "A shell fell."
    assert after.result()[0].text == "A barn burned."
    with pytest.raises(Exception, match=r"subscriptable|NoText"):
        poison.result()
    assert recording.batcher.alive
    recording.batcher.close()


class _NoText:
    """Something that the queue takes for a text and the model does not."""

    def __len__(self) -> int:
        return 1


def test_http_requests_that_arrive_together_share_a_batch(tiny_release: Path) -> None:
    app = make_app(tiny_release)
    service = service_of(app)

    async def ask_together() -> list[list[dict[str, object]]]:
        async with client_of(app) as client:
            asked = [
                asyncio.create_task(client.post("/v1/tag-sentences", json={"sentences": [text]}))
                for text in ARTICLE_SENTENCES * 3
            ]
            while service.batcher.waiting < len(asked):
                await asyncio.sleep(0)
            service.start()
            return [(await answer).json()["sentences"] for answer in asked]

    together = asyncio.run(ask_together())
    service.close()
    rendered = service.metrics.render().decode()
    assert "claimwire_batch_sentences_count 1.0" in rendered
    assert "claimwire_batch_sentences_sum 12.0" in rendered
    assert together[:4] == together[4:8] == together[8:]
    assert [records[0]["text"] for records in together] == ARTICLE_SENTENCES * 3
