"""Lines into paragraphs: which line breaks are only typesetting.

Text from PDF files and typewriters breaks its lines at a fixed width; web text puts a paragraph on
each line. A break is typesetting where the line above could not have held the next word, or where
the sentence plainly goes on.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

WIDEST = 130
"""Characters; a longer line is a paragraph of its own, not a wrapped one."""
NARROWEST = 36
"""Characters; shorter blocks are lists, verse or headlines."""
GOES_ON = 0.4
"""Share of line starts in lower case from which a block counts as wrapped (in English prose about
three quarters of all words begin so; in lists of headlines hardly any line does)."""

_OPEN_END = re.compile(
    r"(?:[,;\w]-|,|\b(?i:the|a|an|of|to|in|on|at|by|for|from|with|and|or|but|that|which|who|as|its|"
    r"their|his|her|is|was|were|are|had|has|have|be|been|into|near|about|some|than|not)|[—–])$"
)
_ITEM = re.compile(r"(?:[-*•·▪◦>#]|\(?\d{1,3}[.)]|\(?[a-z]\)|[IVX]{2,5}[.)]|\d{1,2}/)\s+\S")
_TITLE_END = re.compile(
    r"\b(?:Gen|Lt|Col|Maj|Capt|Sgt|Brig|Adm|Cmdr|Dr|Mr|Mrs|Ms|Prof|Sen|Rep|Gov|St|No)\.$"
)
_TAIL = re.compile(r"(?:\d{1,4}\.|[—–])")
_TERMINATED = re.compile(r"[.!?…:;][\"'”’»)\]*_]*$")


class Line(NamedTuple):
    """One stripped line of the masked article, with its offsets in code points."""

    start: int
    end: int
    text: str


def goes_on(above: str, below: str) -> bool:
    """Say whether a sentence plainly runs over the break between two adjacent lines."""
    if _ITEM.match(below):
        return False
    if _TITLE_END.search(above[-8:]):
        return True
    if _OPEN_END.search(above[-24:]):
        return not above.endswith(",") or len(above) >= NARROWEST
    if len(above) < NARROWEST or _TERMINATED.search(above[-8:]):
        return False
    capitals = above.isupper() and below.isupper()
    return capitals or below.lstrip("—– ")[:1].islower() or bool(_TAIL.fullmatch(below))


def wrap_width(lines: list[Line]) -> int:
    """Return the width at which a whole article was wrapped, in characters; 0 if it was not."""
    lengths = [len(line.text) for line in lines if line.text]
    pairs = [(a.text, b.text) for a, b in pairwise(lines) if a.text and b.text]
    if len(pairs) < 5 or not NARROWEST <= max(lengths) <= WIDEST:
        return 0
    lower = sum(below[0].islower() for _, below in pairs)
    return max(lengths) if lower >= GOES_ON * len(pairs) else 0


def paragraphs(block: list[Line], article_width: int = 0) -> list[tuple[int, int]]:
    """Group adjacent lines into paragraphs.

    Args:
        block: lines that follow each other without an empty or a removed line between them.
        article_width: what :func:`wrap_width` said about the article; short blocks tell too little.

    Returns:
        ``(start, end)`` of each paragraph, in code points of the article.
    """
    if not block:
        return []
    width = max(len(line.text) for line in block)
    wrapped = _is_wrapped(block, width)
    if article_width:
        width, wrapped = article_width, wrapped or len(block) == 2
    grouped = [(block[0].start, block[0].end)]
    for above, below in pairwise(block):
        if _joined(above.text, below.text, width, wrapped=wrapped):
            grouped[-1] = (grouped[-1][0], below.end)
        else:
            grouped.append((below.start, below.end))
    return grouped


def _is_wrapped(block: list[Line], width: int) -> bool:
    if len(block) < 2 or not NARROWEST <= width <= WIDEST:
        return False
    later = block[1:]
    lower = sum(line.text[:1].islower() or line.text[:1].isdigit() for line in later)
    even = len(later) > 1 and all(len(line.text) >= 0.75 * width for line in block[:-1])
    return lower >= GOES_ON * len(later) or (even and lower > 0)


def _joined(above: str, below: str, width: int, *, wrapped: bool) -> bool:
    if _ITEM.match(below) or len(above) > WIDEST:
        return False
    if not wrapped:
        return goes_on(above, below)
    first_word = below.split(maxsplit=1)[0]
    full = len(above) + 1 + len(first_word) > 0.9 * width
    return full or goes_on(above, below)
