"""Sentences of the public sources that nobody has labelled: what a teacher is asked about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from claimwire.data.segment import segment
from claimwire.data.sources.article import Article
from claimwire.data.standoff_labels import Labelling, sentence_digest

FEWEST_WORDS: Final = 3
"""Shorter pieces are headings and leftovers."""


def unlabelled_sentences(
    source: str,
    articles: Iterable[Article],
    of_file: Sequence[Labelling],
    labelled: set[str],
    held_out: set[tuple[str, str]],
) -> Iterator[dict[str, Any]]:
    """Yield ``{"id", "text", "source", "doc_id"}`` for sentences without a label.

    Args:
        source: name of the source.
        articles: of one file.
        of_file: the labellings of that file, one or more.
        labelled: digests of every labelled sentence, of all files.
        held_out: source and document of validation and test: nothing of theirs is yielded.
    """
    for article in articles:
        doc_id = article.doc_id or of_file[0].doc_id
        if (source, doc_id) in held_out:
            continue
        for text in _sentences(article):
            digest = sentence_digest(text)
            if digest not in labelled and len(text.split()) >= FEWEST_WORDS:
                yield {"id": digest, "text": text, "source": source, "doc_id": doc_id}


def _sentences(article: Article) -> list[str]:
    if article.is_sentence:
        return [article.text]
    return [" ".join(span.text.split()) for span in segment(article.text).sentences]
