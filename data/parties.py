"""The parties of a document: names as they stand in its text, and the side each belongs to.

``{"Kyiv": "ukraine", "Ukrainian": "ukraine", "Moscow": "russia"}``: several names stand for one
side, so that it can be seen which side a sentence is about, however it is called there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

SIDE: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
"""A side is a slug, the same in every document of a conflict: ``ukraine``, ``al-shabaab``."""


def stands_in(name: str, texts: Iterable[str]) -> bool:
    """Return whether ``name`` stands in one of ``texts`` as it is written, or with a plural s."""
    pattern = _pattern([name])
    return any(pattern.search(text) for text in texts)


def _pattern(names: Iterable[str]) -> re.Pattern[str]:
    # The longest first: "South Sudan" is not Sudan, "Russian-backed militia" not Russia.
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest_first)) or '(?!)'})s?(?!\w)")


class Parties:
    """Finds the sides that sentences of one document name.

    Args:
        sides: side by name.
    """

    def __init__(self, sides: Mapping[str, str]) -> None:
        self._sides = sides
        self._pattern = _pattern(sides)

    def named(self, text: str) -> list[str]:
        """Return the side of each name in ``text``, in order, as often as it is named.

        A plural in s counts, since the list may hold "Houthi" and the sentence "Houthis".
        """
        return [self._sides[match[1]] for match in self._pattern.finditer(text)]
