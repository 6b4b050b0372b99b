"""The tagger: articles or sentences in, tagged sentences out.

:class:`Tagger` joins the splitter (``data``) and the runtime with its decision rule (``model``).
It holds a bounded number of sentences at a time, keeps their order, and gives the same result
whatever else is tagged beside a sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeVar

from claimwire.data.errors import InputError
from claimwire.data.segment import Span, segment

if TYPE_CHECKING:
    from claimwire.data.labels import Label
    from claimwire.model.decision import Decision
    from claimwire.model.release import Release
    from claimwire.serve.explain import Explanation

Key = TypeVar("Key")
Entry = TypeVar("Entry")

BATCH_SENTENCES: Final = 512
"""Sentences handed to the runtime at once: enough to sort by length, small enough to stay flat."""

BATCH_ARTICLES: Final = 512
"""Articles held back by :meth:`Tagger.tag_many` at most, so that empty ones cannot pile up."""

SCORE_DECIMALS: Final = 4
"""Decimals of probabilities in records: finer than the calibration can tell apart."""


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """One sentence and what it claims.

    Attributes:
        start: first code point of the sentence in its article.
        end: code point after its last; ``article[start:end] == text``.
        text: the sentence as it stands in the article.
        label: the primary label, ``labels[0]``.
        labels: the claims that reach their threshold, the primary one first, or background alone.
        scores: calibrated probability in [0, 1] of each of the four labels.
        confidence: calibrated probability of ``label``.
        needs_review: true where ``confidence`` is under the release's review threshold or the
            sentence was truncated.
        truncated: true where the model read only the beginning of the sentence.
    """

    start: int
    end: int
    text: str
    label: Label
    labels: tuple[Label, ...]
    scores: dict[Label, float]
    confidence: float
    needs_review: bool
    truncated: bool

    @classmethod
    def of(cls, span: Span, decision: Decision) -> Self:
        """Join a span of text with the decision on it."""
        return cls(
            start=span.start,
            end=span.end,
            text=span.text,
            label=decision.label,
            labels=decision.labels,
            scores=decision.scores,
            confidence=decision.confidence,
            needs_review=decision.needs_review,
            truncated=decision.truncated,
        )

    def to_record(self) -> dict[str, object]:
        """Return plain JSON values, probabilities rounded to :data:`SCORE_DECIMALS` decimals."""
        return {"start": self.start, "end": self.end, "text": self.text, **self.verdict()}

    def verdict(self) -> dict[str, object]:
        """Return the output fields of :meth:`to_record` without the text and its place."""
        return {
            "label": self.label.value,
            "labels": [label.value for label in self.labels],
            "scores": {
                label.value: round(float(score), SCORE_DECIMALS)
                for label, score in self.scores.items()
            },
            "confidence": round(float(self.confidence), SCORE_DECIMALS),
            "needs_review": bool(self.needs_review),
            "truncated": bool(self.truncated),
        }


class Tagger:
    """Tags the sentences of conflict reporting with the claims they make.

    Args:
        release: the release to serve.
        threads: processor threads of the runtime; None lets the runtime choose.

    Example:
        >>> tagger = Tagger.load()                                         # doctest: +SKIP
        >>> [(s.label, s.confidence) for s in tagger.tag("Two drones hit the base.")]
    """

    def __init__(self, release: Release, *, threads: int | None = None) -> None:
        from claimwire.model.runtime import Runtime

        self._release = release
        self._runtime = Runtime(release, threads=threads)

    @classmethod
    def load(cls, ref: str | Path | None = None, *, threads: int | None = None) -> Self:
        """Load the release that ``ref`` names.

        Args:
            ref: None for the release shipped in the package, a release directory, or a registered
                model such as ``"models:/claimwire@champion"``.
            threads: processor threads of the runtime; None lets the runtime choose.

        Raises:
            ReleaseError: there is no such release, or it does not fit this version.
            ReleaseIntegrityError: its files are not the ones that were written.
            InputError: ``threads`` is below 1.
        """
        from claimwire.model.references import resolve_release
        from claimwire.model.release import load_release

        return cls(load_release(resolve_release(ref)), threads=threads)

    @property
    def model(self) -> str:
        """Name, version and short digest of the release that is served."""
        return self._release.id

    def tag(self, article: str) -> list[TaggedSentence]:
        """Split an article into its prose sentences and tag them, in the order of the article.

        Raises:
            InputError: ``article`` is not a str.
        """
        spans = segment(_checked(article, "article")).sentences
        return [tagged for _, tagged in self.tag_spans((None, span) for span in spans)]

    def tag_sentences(self, sentences: Iterable[str]) -> list[TaggedSentence]:
        """Tag sentences that are already split: one result for each, in order.

        Each result has ``start`` 0 and ``end`` the length of its sentence.

        Raises:
            InputError: a sentence is not a str, or one str was given in place of several.
        """
        texts = _checked_all(sentences, "sentence", "tag_sentences([text])")
        spans = ((None, Span(0, len(text), text)) for text in texts)
        return [tagged for _, tagged in self.tag_spans(spans)]

    def tag_many(self, articles: Iterable[str]) -> Iterator[list[TaggedSentence]]:
        """Tag a stream of articles: one list for each, in order, lazily.

        Sentences of several articles are batched together; at most :data:`BATCH_ARTICLES`
        articles, or those whose sentences fill one batch, are read ahead. Where ``articles``
        raises, the results of those before come first.

        Raises:
            InputError: an article is not a str (when the stream comes to it), or one str was
                given in place of several (at once).
        """
        return self._tag_groups(_checked_all(articles, "article", "tag(text)"))

    def _tag_groups(self, texts: Iterable[str]) -> Iterator[list[TaggedSentence]]:
        split = (segment(text).sentences for text in texts)
        for group in _groups(((spans, len(spans)) for spans in split), BATCH_ARTICLES):
            spans = ((None, span) for sentences in group for span in sentences)
            tagged = (sentence for _, sentence in self.tag_spans(spans))
            for sentences in group:
                yield list(islice(tagged, len(sentences)))

    def tag_spans(
        self, keyed_spans: Iterable[tuple[Key, Span]]
    ) -> Iterator[tuple[Key, TaggedSentence]]:
        """Tag a stream of spans; each comes back in order with the key that it was given.

        At most :data:`BATCH_SENTENCES` spans are held at a time. Where the stream raises, what it
        gave before comes first.
        """
        for batch in _groups(((entry, 1) for entry in keyed_spans), BATCH_SENTENCES):
            decisions = self.decide([span.text for _, span in batch])
            for (key, span), decision in zip(batch, decisions, strict=True):
                yield key, TaggedSentence.of(span, decision)

    def decide(self, sentences: Sequence[str]) -> list[Decision]:
        """Return the decision on each sentence, in order; all of them are in hand at once."""
        return self._runtime.predict(sentences)

    def explain(self, sentence: str, label: Label | str | None = None) -> Explanation:
        """Tell which words a label of a sentence rests on, by leaving each of them out.

        Args:
            sentence: one sentence; it is not split.
            label: the label to explain; None for the primary one.

        Raises:
            InputError: ``sentence`` is not a str, or there is no such label.
        """
        from claimwire.serve.explain import explain, known_label

        text = _checked(sentence, "sentence")
        return explain(self._runtime, text, None if label is None else known_label(label))


def _groups(weighed: Iterable[tuple[Entry, int]], most_entries: int) -> Iterator[list[Entry]]:
    """Gather entries until there are ``most_entries``, or they weigh as much as a batch.

    Where the stream raises, the entries before come first: they are whole.
    """
    group: list[Entry] = []
    weight = 0
    try:
        for entry, its_weight in weighed:
            group.append(entry)
            weight += its_weight
            if weight >= BATCH_SENTENCES or len(group) >= most_entries:
                full, group, weight = group, [], 0
                yield full
    except Exception:
        if group:
            yield group
        raise
    if group:
        yield group


def _checked(text: str, what: str) -> str:
    """Return ``text`` where it is a str; ``what`` names it in the message where it is not."""
    if isinstance(text, str):
        return text
    advice = "decode it first, such as with .decode('utf-8')"
    if not isinstance(text, bytes | bytearray):
        advice = "pass the text itself"
    raise InputError(f"{what}: expected text (str), found {type(text).__name__}: {advice}")


def _checked_all(texts: Iterable[str], what: str, single: str) -> Iterator[str]:
    """Return the texts one by one, each checked; refuse one text in place of several at once."""
    if isinstance(texts, str | bytes):
        raise InputError(
            f"expected several texts, such as a list, found one {type(texts).__name__}: "
            f"call {single} for a single one"
        )
    if not isinstance(texts, Iterable):
        raise InputError(
            f"expected several texts, such as a list, found {type(texts).__name__}: "
            "pass a list of str"
        )
    return (_checked(text, f"{what} {number}") for number, text in enumerate(texts, start=1))
