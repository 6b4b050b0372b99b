"""From a request to its answer: limits, threads, the batcher, and the records."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from claimwire import __version__
from claimwire.data.segment import Segmentation, Span, segment
from claimwire.serve.http import problems
from claimwire.serve.http.batcher import Batcher, BatchLimits, ClosedError, QueueFullError
from claimwire.serve.http.bodies import (
    ARTICLE_TYPES,
    JSON,
    SENTENCE_TYPES,
    Body,
    Text,
    media_type_of,
    read_articles,
    read_body,
    read_sentences,
)
from claimwire.serve.http.metrics import Metrics
from claimwire.serve.http.problems import ProblemError
from claimwire.serve.http.settings import ServeSettings
from claimwire.serve.items import Unit
from claimwire.serve.language import looks_english
from claimwire.serve.rows import Job, Recorder, Row
from claimwire.serve.tagger import TaggedSentence, Tagger

if TYPE_CHECKING:
    from claimwire.model.release import Release

Result = TypeVar("Result")

_FOREIGN = "not English, as far as its words tell: the model reads English only"

READERS = 2
"""Threads that split articles and write answers, beside the one that tags."""


@dataclass(frozen=True, slots=True)
class _Split:
    """A text, its sentences, and whether it is English."""

    text: Text
    segmentation: Segmentation
    english: bool

    @property
    def spans(self) -> tuple[Span, ...]:
        return self.segmentation.sentences


class Service:
    """Everything behind the routes.

    Args:
        release: the release to serve.
        settings: limits.

    Attributes:
        draining: true from the moment that the service is told to stop; nothing new is accepted.
        in_flight: accepted requests that are not answered yet.
        metrics: what is counted.
        batcher: the queue and the thread that tags.
    """

    def __init__(self, release: Release, settings: ServeSettings) -> None:
        self.settings = settings
        self.draining = False
        self.in_flight = 0
        self._release = release
        self._tagger = Tagger(release, threads=settings.threads)
        self.metrics = Metrics(release.id)
        limits = BatchLimits(
            settings.batch_sentences,
            settings.batch_characters,
            settings.batch_wait_ms / 1_000,
            settings.queue_sentences,
        )
        self.batcher = Batcher(self._tagger, limits, self.metrics.batch)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="claimwire-reader")
        self._admitted = 0
        self.metrics.watch_queue(lambda: self.batcher.waiting, lambda: self._admitted)

    def start(self) -> None:
        """Start the worker, after one sentence that finds out whether the model runs."""
        self._tagger.tag_sentences(["Two drones hit the depot."])
        self.batcher.start()

    def close(self) -> None:
        """Finish what was accepted, and end the threads."""
        self.draining = True
        self.batcher.close()
        self._readers.shutdown(cancel_futures=True)

    async def tag(self, request: Request) -> Response:
        """Answer ``POST /v1/tag``."""
        media_type = media_type_of(request, ARTICLE_TYPES)
        most = self.settings.max_articles
        return await self._answer(
            request,
            lambda raw: self._split(read_articles(Body(media_type, raw), most)),
            self._articles,
        )

    async def tag_sentences(self, request: Request) -> Response:
        """Answer ``POST /v1/tag-sentences``."""
        media_type = media_type_of(request, SENTENCE_TYPES)
        return await self._answer(
            request,
            lambda raw: self._split(read_sentences(Body(media_type, raw))),
            self._sentences,
        )

    async def _answer(
        self,
        request: Request,
        read: Callable[[bytes], list[_Split]],
        write: Callable[[list[_Split], list[TaggedSentence]], dict[str, object]],
    ) -> Response:
        """Read, split, tag and write, all within the time limit.

        Raises:
            ProblemError: the request is refused, or its time is over.
        """
        deadline = asyncio.get_running_loop().time() + self.settings.timeout_seconds
        try:
            async with asyncio.timeout_at(deadline):
                raw = await read_body(request, self.settings.max_body_bytes)
        except TimeoutError:
            raise ProblemError(problems.SLOW_BODY, self._late("its whole body")) from None
        try:
            async with asyncio.timeout_at(deadline):
                with self._admission():
                    split = await self._in_thread(lambda: read(raw))
                    tagged = await self._tagged([span for one in split for span in one.spans])
                    content = await self._in_thread(lambda: _encode(write(split, tagged)))
        except TimeoutError:
            raise ProblemError(
                problems.TIMED_OUT, self._late("to be done"), headers=self._retry()
            ) from None
        self.metrics.tagged(tagged)
        return Response(content, media_type=JSON)

    def _late(self, what: str) -> str:
        seconds = self.settings.timeout_seconds
        return f"expected {what} within {seconds:g} seconds, found it late: send less at a time"

    def _retry(self) -> dict[str, str]:
        return {"Retry-After": str(self.batcher.retry_after())}

    @contextmanager
    def _admission(self) -> Iterator[None]:
        if self._admitted >= self.settings.queue_requests:
            raise self._full(f"{self._admitted} requests")
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    def _full(self, found: str) -> ProblemError:
        detail = f"expected room in the queue, found {found} before this one: try again later"
        return ProblemError(problems.QUEUE_FULL, detail, headers=self._retry())

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    async def _tagged(self, spans: Sequence[Span]) -> list[TaggedSentence]:
        try:
            return await asyncio.wrap_future(self.batcher.submit(spans))
        except QueueFullError:
            raise self._full(f"{self.batcher.waiting} sentences") from None
        except ClosedError:
            raise shutting_down() from None

    def _split(self, texts: Sequence[Text]) -> list[_Split]:
        split: list[_Split] = []
        count = 0
        for text in texts:
            item = text.item
            whole = (Span(0, len(item.text), item.text),)
            segmentation = Segmentation(whole, ()) if item.is_sentence else segment(item.text)
            count += len(segmentation.sentences)
            if count > self.settings.max_sentences:
                raise ProblemError(
                    problems.TOO_MANY_SENTENCES,
                    f"expected at most {self.settings.max_sentences} sentences, found {count} or "
                    "more: send them in several requests",
                )
            split.append(_Split(text, segmentation, looks_english(item.text)))
        return split

    def _articles(
        self, split: Sequence[_Split], tagged: Sequence[TaggedSentence]
    ) -> dict[str, object]:
        stream = iter(tagged)
        articles = [
            {
                "article_id": one.text.item.article_id,
                "sentences": self._records(Unit.ARTICLE, one, list(islice(stream, len(one.spans)))),
                "removed": [
                    {"start": r.start, "end": r.end, "text": r.text, "reason": r.reason}
                    for r in one.segmentation.removed
                ],
                "notes": [*one.text.notes, *([] if one.english else [_FOREIGN])],
            }
            for one in split
        ]
        return {"model": self._release.id, "articles": articles}

    def _sentences(
        self, split: Sequence[_Split], tagged: Sequence[TaggedSentence]
    ) -> dict[str, object]:
        records = [
            record
            for one, sentence in zip(split, tagged, strict=True)
            for record in self._records(Unit.SENTENCE, one, [sentence])
        ]
        notes = [note for one in split for note in one.text.notes]
        return {"model": self._release.id, "sentences": records, "notes": notes}

    def _records(
        self, unit: Unit, split: _Split, tagged: Sequence[TaggedSentence]
    ) -> list[dict[str, object]]:
        """Return the records that ``claimwire tag`` would write."""
        recorder = Recorder(unit, self._release.id)
        removed = split.segmentation.removed
        job = Job(split.text.item, len(tagged), removed, english=split.english)
        return [recorder.record(Row(job, index, one)) for index, one in enumerate(tagged)]

    def describe(self) -> dict[str, object]:
        """Return what ``GET /v1/model`` answers."""
        manifest = self._release.manifest
        settings = self.settings
        return {
            "model": self._release.id,
            "name": manifest.name,
            "version": manifest.version,
            "digest": self._release.digest,
            "created": manifest.created,
            "base": manifest.base,
            "precision": manifest.precision,
            "max_length": manifest.max_length,
            "labels": [label.value for label in manifest.labels],
            "thresholds": {label.value: t for label, t in manifest.thresholds.items()},
            "review_threshold": manifest.review_threshold,
            "metrics": manifest.metrics,
            "claimwire": __version__,
            "limits": {
                "max_body_bytes": settings.max_body_bytes,
                "max_articles": settings.max_articles,
                "max_sentences": settings.max_sentences,
                "timeout_seconds": settings.timeout_seconds,
            },
        }


def shutting_down() -> ProblemError:
    """Return the answer to what comes too late."""
    return ProblemError(
        problems.SHUTTING_DOWN,
        "expected a service that accepts requests, found one that is stopping: send it elsewhere",
        headers={"Retry-After": "1", "Connection": "close"},
    )


def _encode(answer: dict[str, object]) -> bytes:
    return json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
