"""The stream from inputs to rows: read, split, tag, with a bounded number of sentences in hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from claimwire.data.segment import Segmentation, Span, segment
from claimwire.serve.items import Failure, Item, Note, Work
from claimwire.serve.reports import Reports
from claimwire.serve.rows import Job, Row
from claimwire.serve.tagger import Tagger

Place = tuple[Job, int]
"""An item and the number of a sentence in it, from 0."""

_NO_SENTENCE = "no sentence found: all of it was taken for something other than prose " + (
    "(--show-removed lists what)"
)


def tag_stream(
    work: Iterable[Work],
    tagger: Tagger,
    reports: Reports,
    on_split: Callable[[Job], None] = lambda job: None,
) -> Iterator[Row]:
    """Tag everything in ``work``, in order; failures and notes go to ``reports``.

    Args:
        work: what the reader gives.
        tagger: tags the sentences.
        reports: takes failures and notes as the stream comes to them.
        on_split: called for each item after it was split, before any of its rows.
    """
    for (job, index), tagged in tagger.tag_spans(_spans(work, reports, on_split)):
        yield Row(job, index, tagged)


def _spans(
    work: Iterable[Work], reports: Reports, on_split: Callable[[Job], None]
) -> Iterator[tuple[Place, Span]]:
    for entry in work:
        match entry:
            case Failure():
                reports.failure(entry)
            case Note():
                reports.note(entry)
            case Item():
                split = _split(entry)
                job = Job(entry, len(split.sentences), split.removed)
                on_split(job)
                if not split.sentences:
                    reports.note(Note(entry.file, entry.line, _NO_SENTENCE))
                for index, span in enumerate(split.sentences):
                    yield (job, index), span


def _split(item: Item) -> Segmentation:
    """Split an article; a single sentence stays whole."""
    if item.is_sentence:
        return Segmentation(sentences=(Span(0, len(item.text), item.text),), removed=())
    return segment(item.text)
