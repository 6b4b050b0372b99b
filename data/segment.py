"""Article text to prose sentences with exact offsets; everything else is named, not lost.

The article is never rewritten. Machine text is blanked out in a copy of the same length, lines that
are page furniture are set aside with a reason, typesetting's line breaks count as spaces, prefixes
such as datelines are cut off, and what remains is split. So every offset is a code-point offset of
the article itself, ``article[start:end] == text`` holds for all spans, and
every character that is not white space lies in exactly one span.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from claimwire.data.junk import ends_box, junk, opens_box
from claimwire.data.markup import Cut, mask
from claimwire.data.prefixes import prefix, speaker_labels, suffix
from claimwire.data.splitting import split
from claimwire.data.wrapping import Line, goes_on, paragraphs, wrap_width

OPENING = 3
"""Sentences; a dateline in the form "CITY:" is only looked for before this many."""

_INVISIBLE = "\x00\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u202a\u202b\u202c\u202d\u202e\ufeff"
_LINK = re.compile(r"(?:https?://|www\.|pic\.[a-z]{2,12}[./])\S*")
_KEY = re.compile(r"[\w-]{1,40}\s*:")
_FRONT_MATTER = 40


@dataclass(frozen=True, slots=True)
class Span:
    """A sentence: code-point offsets into the article, and ``article[start:end]``."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Removed:
    """A stretch of the article that is no sentence, and why (such as ``"advert"``)."""

    start: int
    end: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Segmentation:
    """All sentences and all removed stretches of an article, each in order of their offsets."""

    sentences: tuple[Span, ...]
    removed: tuple[Removed, ...]


@dataclass
class _Draft:
    """The work on one article: its masked text, its manner, and what has been decided so far."""

    text: str
    labels: frozenset[str]
    width: int
    sentences: list[tuple[int, int]] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)


def segment(article: str) -> Segmentation:
    """Split an article into its prose sentences.

    Args:
        article: decoded text of any length, with or without markup left in it.

    Returns:
        The sentences and what was taken out. Spans of both kinds are ordered, never overlap, and
        together hold every character that is not white space; no sentence begins or ends with
        white space. The same article always gives the same result; no text raises.
    """
    masked, cuts = mask(article)
    lines = _lines(masked)
    labels = speaker_labels(line.text for line in lines)
    draft = _Draft(masked, labels, wrap_width(lines))
    block: list[Line] = []
    in_box = False
    for line in lines[_front_matter(lines, draft) :]:
        reason = junk(line.text) if line.text else None
        if reason and block and goes_on(block[-1].text, line.text):
            reason = None
        in_box = bool(line.text) and (opens_box(line.text) or (in_box and not ends_box(line.text)))
        reason = reason or ("link list" if in_box else None)
        if line.text and not reason:
            block.append(line)
            continue
        _flush(block, draft)
        if reason:
            draft.cuts.append(Cut(line.start, line.end, reason))
    _flush(block, draft)
    return _finished(article, draft, cuts)


def _lines(text: str) -> list[Line]:
    lines: list[Line] = []
    position = 0
    for raw in text.splitlines(keepends=True):
        stripped = raw.strip()
        start = position + (len(raw) - len(raw.lstrip()) if stripped else 0)
        lines.append(Line(start, start + len(stripped), stripped))
        position += len(raw)
    return lines


def _front_matter(lines: list[Line], draft: _Draft) -> int:
    """Cut off a YAML header and return how many lines it takes."""
    if len(lines) < 2 or lines[0].text != "---" or not _KEY.match(lines[1].text):
        return 0
    for count, line in enumerate(lines[1:_FRONT_MATTER], start=1):
        if line.text == "---":
            draft.cuts.append(Cut(lines[0].start, line.end, "metadata"))
            return count + 1
    return 0


def _flush(block: list[Line], draft: _Draft) -> None:
    """Take up the paragraphs of a block of adjacent lines, and empty the block."""
    for start, end in paragraphs(block, draft.width):
        reason = junk(draft.text[start:end]) if len(block) > 1 else None
        if reason:
            draft.cuts.append(Cut(start, end, reason))
            continue
        start = _without_prefixes(start, end, draft)
        for first, last in split(draft.text[start:end]):
            _take_up(start + first, start + last, draft)
    block.clear()


def _without_prefixes(start: int, end: int, draft: _Draft) -> int:
    """Cut off what stands before the prose at ``start`` and return where the prose begins."""
    opening = len(draft.sentences) < OPENING
    while found := prefix(draft.text[start : min(end, start + 300)], draft.labels, opening=opening):
        length, reason = found
        draft.cuts.append(Cut(start, start + length, reason))
        start += length
    return start


def _take_up(start: int, end: int, draft: _Draft) -> None:
    """Decide whether one split unit is a sentence, without what is glued to its ends."""
    reason = junk(draft.text[start:end])
    if reason:
        draft.cuts.append(Cut(start, end, reason))
        return
    start = _without_prefixes(start, end, draft)
    stop = _without_links(draft.text, start, end)
    if stop < end:
        draft.cuts.append(Cut(stop, end, "link"))
    if extra := suffix(draft.text[start:stop]):
        draft.cuts.append(Cut(stop - extra, stop, "metadata"))
        stop -= extra
    while start < stop and _is_edge(draft.text[start]):
        start += 1
    while stop > start and _is_edge(draft.text[stop - 1]):
        stop -= 1
    if start == stop:
        return
    if reason := junk(draft.text[start:stop]):
        draft.cuts.append(Cut(start, stop, reason))
    else:
        draft.sentences.append((start, stop))


def _is_edge(character: str) -> bool:
    return character in _INVISIBLE or character.isspace()


def _without_links(text: str, start: int, end: int) -> int:
    """Return where a sentence ends once the bare links behind it are left off."""
    kept = end
    while True:
        cut = kept
        while cut > start and not text[cut - 1].isspace():
            cut -= 1
        if cut == start or not _LINK.fullmatch(text, cut, kept):
            return kept
        kept = cut
        while kept > start and text[kept - 1].isspace():
            kept -= 1


def _finished(article: str, draft: _Draft, masked: list[Cut]) -> Segmentation:
    sentences = tuple(Span(start, end, article[start:end]) for start, end in draft.sentences)
    taken = sorted([*draft.sentences, *((cut.start, cut.end) for cut in draft.cuts)])
    cuts = [*draft.cuts, *_outside(masked, taken)]
    cuts += _gaps(article, sorted([*draft.sentences, *((cut.start, cut.end) for cut in cuts)]))
    return Segmentation(sentences, tuple(_named(article, sorted(cuts))))


def _outside(cuts: list[Cut], taken: list[tuple[int, int]]) -> Iterator[Cut]:
    """Yield the cuts that lie in no other span and in no earlier cut."""
    position = index = 0
    for cut in cuts:
        while index < len(taken) and taken[index][1] <= cut.start:
            index += 1
        inside = index < len(taken) and taken[index][0] < cut.end
        if not inside and cut.start >= position:
            yield cut
            position = cut.end


def _gaps(article: str, taken: list[tuple[int, int]]) -> Iterator[Cut]:
    """Yield what no rule took up: marks beside a sentence, invisible characters."""
    position = 0
    for start, end in [*taken, (len(article), len(article))]:
        if start > position and article[position:start].strip():
            yield Cut(position, start, "stray mark")
        position = max(position, end)


def _named(article: str, cuts: list[Cut]) -> Iterator[Removed]:
    for start, end, reason in cuts:
        text = article[start:end]
        first = start + len(text) - len(text.lstrip())
        kept = text.strip()
        if kept:
            yield Removed(first, first + len(kept), kept, reason)
