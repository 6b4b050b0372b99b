"""The stream from inputs to rows: read, split, tag, with a bounded number of sentences in hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from claimwire.data.segment import Segmentation, Span, segment
from claimwire.model.decision import Decision
from claimwire.serve.cache import Known
from claimwire.serve.items import Failure, Item, Note, Work
from claimwire.serve.language import looks_english
from claimwire.serve.reports import Reports
from claimwire.serve.rows import Job, Row
from claimwire.serve.tagger import BATCH_SENTENCES, TaggedSentence, Tagger

Place = tuple[Job, int]
"""An item and the number of a sentence in it, from 0."""

Recorded = Callable[[int], Sequence[Decision] | None]
"""Gives the decisions on the next rows, so many, that an interrupted run has made; None from the
first batch on that it did not finish."""

_NO_SENTENCE = "no sentence found: all of it was taken for something other than prose " + (
    "(--show-removed lists what)"
)


def tag_stream(
    work: Iterable[Work],
    tagger: Tagger,
    reports: Reports,
    on_split: Callable[[Job], None] = lambda job: None,
    recorded: Recorded = lambda count: None,
) -> Iterator[Row]:
    """Tag everything in ``work``, in order; failures and notes go to ``reports``.

    Args:
        work: what the reader gives.
        tagger: tags the sentences.
        reports: takes failures and notes as the stream comes to them.
        on_split: called for each item after it was split, before any of its rows.
        recorded: what an interrupted run has done already. Scores may depend in the fourth
            decimal on what is tagged together, so this goes by the same batches.
    """
    known = Known()
    spans = _spans(work, known, reports, on_split)
    while batch := list(islice(spans, BATCH_SENTENCES)):
        decisions = known.decide(
            [span.text for _, span in batch], tagger.decide, recorded(len(batch))
        )
        for ((job, index), span), decision in zip(batch, decisions, strict=True):
            yield Row(job, index, TaggedSentence.of(span, decision))


def _spans(
    work: Iterable[Work], known: Known, reports: Reports, on_split: Callable[[Job], None]
) -> Iterator[tuple[Place, Span]]:
    for entry in work:
        match entry:
            case Failure():
                reports.failure(entry)
            case Note():
                reports.note(entry)
            case Item():
                job, spans = _split(entry, known)
                on_split(job)
                if not job.english:
                    reports.foreign(entry)
                if not spans:
                    reports.note(Note(entry.file, entry.line, _NO_SENTENCE))
                for index, span in enumerate(spans):
                    yield (job, index), span


def _split(item: Item, known: Known) -> tuple[Job, Sequence[Span]]:
    """Split an article; a single sentence stays whole."""
    if item.is_sentence:
        split = Segmentation(sentences=(Span(0, len(item.text), item.text),), removed=())
    else:
        split = segment(item.text)
    job = Job(
        item,
        len(split.sentences),
        split.removed,
        english=looks_english(item.text),
        repeated=known.is_repeated(item.text),
    )
    return job, split.sentences
