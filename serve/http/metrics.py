"""What the service counts, in a registry of its own, as Prometheus text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from claimwire import __version__
from claimwire.data.labels import LABELS

if TYPE_CHECKING:
    from claimwire.serve.tagger import TaggedSentence

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SENTENCES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """Counters of one application.

    Args:
        model: identity of the release.
    """

    def __init__(self, model: str) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "claimwire_http_requests",
            "Requests answered, by path, method and status.",
            ["path", "method", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "claimwire_http_request_seconds",
            "Seconds from a request's arrival to the end of its answer.",
            ["path"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.in_progress = self._gauge(
            "claimwire_http_requests_in_progress", "Requests to /v1 that are not answered yet."
        )
        self._batches = Histogram(
            "claimwire_batch_sentences",
            "Sentences that the model was given at once.",
            buckets=_SENTENCES,
            registry=self.registry,
        )
        self._batch_seconds = Histogram(
            "claimwire_batch_seconds",
            "Seconds of one batch in the model.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._sentences = Counter(
            "claimwire_sentences", "Sentences tagged.", registry=self.registry
        )
        self._labels = Counter(
            "claimwire_sentences_by_label",
            "Sentences tagged, by primary label.",
            ["label"],
            registry=self.registry,
        )
        self._reviews = Counter(
            "claimwire_sentences_for_review",
            "Sentences tagged that ask for a review.",
            registry=self.registry,
        )
        self._review_share = self._gauge(
            "claimwire_review_share", "Share of all sentences tagged that ask for a review, 0 to 1."
        )
        self._tagged = self._for_review = 0
        for label in LABELS:
            self._labels.labels(label.value)
        info = Gauge("claimwire_info", "Always 1.", ["version", "model"], registry=self.registry)
        info.labels(__version__, model).set(1)
        ProcessCollector(registry=self.registry)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(name, meaning, registry=self.registry)

    def watch_queue(self, sentences: Callable[[], int], requests: Callable[[], int]) -> None:
        """Show the queue's lengths, asked for when the metrics are."""
        waiting = self._gauge("claimwire_queue_sentences", "Sentences waiting for the model.")
        waiting.set_function(sentences)
        admitted = self._gauge("claimwire_queue_requests", "Requests at work or waiting.")
        admitted.set_function(requests)

    def answered(self, path: str, method: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self._requests.labels(path, method, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def batch(self, sentences: int, seconds: float) -> None:
        """Count a batch."""
        self._batches.observe(sentences)
        self._batch_seconds.observe(seconds)

    def tagged(self, sentences: Sequence[TaggedSentence]) -> None:
        """Count the sentences of an answer; called from the event loop alone."""
        for sentence in sentences:
            self._labels.labels(sentence.label.value).inc()
        self._tagged += len(sentences)
        reviews = sum(sentence.needs_review for sentence in sentences)
        self._for_review += reviews
        self._sentences.inc(len(sentences))
        self._reviews.inc(reviews)
        if self._tagged:
            self._review_share.set(self._for_review / self._tagged)

    def render(self) -> bytes:
        """Return everything as Prometheus text, format 0.0.4."""
        return generate_latest(self.registry)
