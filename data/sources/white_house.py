"""Statements and transcripts of the White House as Markdown, wrapped at 72 columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from claimwire.data.sources.article import Article
from claimwire.data.sources.markdown import plain, unwrapped, without_front_matter

_STAGE_NOTE: Final = re.compile(
    r"\s*\((?:inaudible|applause|laughter|crosstalk|laughs)\.?\)", re.IGNORECASE
)


def articles(raw: bytes) -> Iterator[Article]:
    """Yield the one statement or transcript of a file.

    The stenographer's notes, such as "(laughter)", go. Speakers' names stay: segmentation cuts
    them off.

    Args:
        raw: Markdown, UTF-8.

    Raises:
        UnicodeDecodeError: the file is not UTF-8.
    """
    text = without_front_matter(raw.decode("utf-8").replace("\r\n", "\n"))
    yield Article(_STAGE_NOTE.sub("", unwrapped(plain(text))))
