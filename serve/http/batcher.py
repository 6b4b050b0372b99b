"""One thread that owns the tagger, and the queue before it.

Requests that arrive together are batched together. A batch takes a share of each waiting request
in turn, so that a short request is not held up by a long one. A batch that fails is tried again
request by request, so that only the one at fault fails.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from claimwire.data.segment import Span
    from claimwire.serve.tagger import TaggedSentence, Tagger

SHARE: Final = 32
"""Sentences that one request adds to a batch before the next request has its turn."""

LONGEST_RETRY_SECONDS: Final = 60

logger = logging.getLogger(__name__)


class QueueFullError(Exception):
    """The queue takes no more sentences for now."""


class ClosedError(Exception):
    """The batcher is closing and takes nothing new."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Limits of batches and of the queue before them.

    Attributes:
        sentences: most sentences in one batch.
        characters: most characters in one batch (a longer sentence runs alone).
        wait_seconds: how long an idle tagger waits for company after an arrival.
        waiting: most sentences in the queue.
    """

    sentences: int
    characters: int
    wait_seconds: float
    waiting: int


@dataclass(eq=False, slots=True)
class _Job:
    """The sentences of one request: the first ``taken`` are in a batch or done."""

    spans: Sequence[Span]
    future: Future[list[TaggedSentence]] = field(default_factory=Future)
    tagged: list[TaggedSentence] = field(default_factory=list)
    taken: int = 0

    @property
    def left(self) -> int:
        return len(self.spans) - self.taken


_Batch = list[tuple[_Job, "Span"]]


class Batcher:
    """Tags the sentences of many requests in common batches.

    Args:
        tagger: used by the worker thread alone.
        limits: sizes of batches and of the queue.
        on_batch: told the number of sentences and the seconds of each batch.
    """

    def __init__(
        self,
        tagger: Tagger,
        limits: BatchLimits,
        on_batch: Callable[[int, float], None] = lambda sentences, seconds: None,
    ) -> None:
        self._tagger = tagger
        self._limits = limits
        self._on_batch = on_batch
        self._jobs: deque[_Job] = deque()
        self._waiting = 0
        self._closing = False
        self._changed = threading.Condition()
        self._seconds_per_sentence = 0.0
        # A daemon, so that a second Ctrl-C ends the process whatever the thread is doing.
        self._thread = threading.Thread(target=self._work, name="claimwire-tagger", daemon=True)

    def start(self) -> None:
        """Start the worker thread."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the worker thread is running."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Sentences that are in no batch yet."""
        return self._waiting

    def submit(self, spans: Sequence[Span]) -> Future[list[TaggedSentence]]:
        """Queue the sentences of one request; the future gives a result for each, in order.

        Cancelling the future takes what is left of them out of the queue.

        Raises:
            QueueFullError: they do not fit into the queue now.
            ClosedError: the batcher is closing.
        """
        job = _Job(spans)
        if not spans:
            job.future.set_result([])
            return job.future
        with self._changed:
            if self._closing:
                raise ClosedError
            if self._waiting + len(spans) > self._limits.waiting:
                raise QueueFullError
            self._jobs.append(job)
            self._waiting += len(spans)
            self._changed.notify_all()
        return job.future

    def close(self) -> None:
        """Take nothing new, finish what was accepted, and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def retry_after(self) -> int:
        """Return in how many seconds what is waiting now will be done, 1 to 60."""
        seconds = math.ceil(self._waiting * self._seconds_per_sentence)
        return min(max(seconds, 1), LONGEST_RETRY_SECONDS)

    def _work(self) -> None:
        while True:
            with self._changed:
                was_idle = not self._jobs
                self._changed.wait_for(lambda: self._jobs or self._closing)
                if not self._jobs:
                    return
                if was_idle:  # after a batch there was time enough to gather
                    self._changed.wait_for(self._need_not_wait, self._limits.wait_seconds)
                batch = self._take()
            if batch:
                self._timed(batch)

    def _need_not_wait(self) -> bool:
        return self._closing or self._waiting >= self._limits.sentences

    def _take(self) -> _Batch:
        """Take a batch out of the queue, a share of each request in turn."""
        batch: _Batch = []
        room = self._limits.characters
        while self._jobs and room > 0 and len(batch) < self._limits.sentences:
            job = self._jobs.popleft()
            if job.future.done():  # given up, or failed
                self._waiting -= job.left
                continue
            most = min(SHARE, self._limits.sentences - len(batch))
            taken_before = job.taken
            for span in job.spans[job.taken : job.taken + most]:
                room -= len(span.text)
                if room < 0 and batch:
                    break
                batch.append((job, span))
                job.taken += 1
                self._waiting -= 1
            if job.taken == taken_before:  # no room this time: the first of the next batch
                self._jobs.appendleft(job)
            elif job.left:
                self._jobs.append(job)
        return batch

    def _timed(self, batch: _Batch) -> None:
        started = time.perf_counter()
        self._run(batch)
        seconds = time.perf_counter() - started
        rate = seconds / len(batch)
        known = self._seconds_per_sentence
        self._seconds_per_sentence = 0.8 * known + 0.2 * rate if known else rate
        self._on_batch(len(batch), seconds)

    def _run(self, batch: _Batch) -> None:
        jobs = list(dict.fromkeys(job for job, _ in batch))
        try:
            done = list(self._tagger.tag_spans(batch))
        except Exception as error:  # noqa: BLE001 whatever it is belongs to the request, not here
            if len(jobs) > 1:
                logger.warning("a batch of %d requests failed; each is tried alone", len(jobs))
                for job in jobs:
                    self._run([entry for entry in batch if entry[0] is job])
            elif jobs[0].future.set_running_or_notify_cancel():
                jobs[0].future.set_exception(error)
            return
        for job, tagged in done:
            job.tagged.append(tagged)
        for job in jobs:
            if len(job.tagged) == len(job.spans) and job.future.set_running_or_notify_cancel():
                job.future.set_result(job.tagged)
