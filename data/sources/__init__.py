"""Where the labelled real sentences come from: one small module a source.

Each module has ``articles(raw)``, which turns the bytes of one file into clean text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from claimwire.data.sources import voa_gmb, white_house, wikinews, wikipedia
from claimwire.data.sources.article import Article

__all__ = ["READERS", "Article"]

READERS: Final[dict[str, Callable[[bytes], Iterator[Article]]]] = {
    "wikinews": wikinews.articles,
    "wikipedia": wikipedia.articles,
    "voa-gmb": voa_gmb.articles,
    "white-house": white_house.articles,
}
"""The reader of each source, by the source's name in the labels."""
