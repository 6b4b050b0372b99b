"""What every source gives: articles of clean text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Article:
    """One text of a source.

    Attributes:
        text: clean prose, paragraphs set apart by blank lines.
        doc_id: the document's name where the file itself tells it, else None.
        is_sentence: the text is one sentence already and is not to be split.
    """

    text: str
    doc_id: str | None = None
    is_sentence: bool = False
