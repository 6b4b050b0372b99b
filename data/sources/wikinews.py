"""Wikinews articles in a CSV table with the columns url, date, title and text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from claimwire.data.sources.article import Article


def articles(raw: bytes) -> Iterator[Article]:
    """Yield the articles of a file, in order; ``doc_id`` is the page's name in its address.

    Args:
        raw: the CSV table, UTF-8.

    Raises:
        UnicodeDecodeError: the file is not UTF-8.
        KeyError: the table lacks the column url or text.
    """
    for row in csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")):
        yield Article(row["text"], doc_id=row["url"].rpartition("/wiki/")[2])
