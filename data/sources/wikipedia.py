"""Wikipedia articles as Markdown files, one paragraph a line, with a YAML header."""

from __future__ import annotations

from collections.abc import Iterator

from claimwire.data.sources.article import Article
from claimwire.data.sources.markdown import plain, without_front_matter


def articles(raw: bytes) -> Iterator[Article]:
    """Yield the one article of a file.

    Args:
        raw: Markdown, UTF-8.

    Raises:
        UnicodeDecodeError: the file is not UTF-8.
    """
    text = without_front_matter(raw.decode("utf-8").replace("\r\n", "\n"))
    text = plain(text).replace("<", "")  # what is left over is the stump of a broken tag
    lines = (line.strip() for line in text.split("\n"))
    yield Article("\n\n".join(line for line in lines if line))
