"""What stands glued before a sentence: datelines, time stamps, speakers, bullets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache

from claimwire.data.junk_rules import CLOCK, DATE

_PLACE = r"[A-Z\u00c0-\u00de][A-Z\u00c0-\u00de.'’/ -]{2,40}"
_NAME = r"[A-Z][\w.'’-]{1,24}(?: [A-Z][\w.'’-]{1,24}){0,3}"
_CITY = r"[A-Z][\w.'’-]{1,24}(?: [A-Z][\w.'’-]{1,24})?"  # three words and "(ABC)": a party
_DAY = (
    r"(?:(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.? \d{1,2}"
    r"|\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
    r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6})(?:,? \d{4})?"
)
_AGENCY = r"\([A-Z][\w.&' /-]{1,40}\)"
_DASH = r"(?:\.?\s?(?:--|[—–])|\s-|\.-)"
_BEFORE_PROSE = r"(?:\s+(?=[\"“‘'«(\[]?[A-Z0-9\u00c0-\u00de])|(?<=—)(?=[\"“‘]?[A-Z][a-z]))"
_NOT_PLACES = (
    "BREAKING|UPDATE|URGENT|WARNING|NOTE|EXCLUSIVE|WATCH|LIVE|ANALYSIS|OPINION|JUST IN|ALERT"
    "|CORRECTION|CLARIFICATION|FACTBOX|TIMELINE|EXPLAINER"
)


@cache
def _prefixes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return the rules, compiled at first use; each is anchored at the start and bounded."""
    rules = (
        (
            "list marker",
            r"(?:[-*•·▪◦>]|\#{1,6}|\(?\d{1,3}\)|\(?[a-z]\)|[IVX]{2,5}[.)]|\d{1,2}/"
            r"|\d{1,3} \|)\s+(?=\S)"
            r"|\d{1,3}\.\s+(?=[\"“‘'«]?[A-Z])",
        ),
        (
            "metadata",
            rf"(?i:(?:date|published|posted|updated|last updated)(?: on)?\s?:?\s{DATE}"
            rf"(?:[\s,|–-]{{1,3}}(?:at )?{CLOCK})?)(?:\s?[|–—-])?\s+(?=[\"“‘'«]?[A-Z])",
        ),
        (
            "metadata",
            r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?Z?)?(?:\s?[|:–—-])?\s+(?=[\"“‘'«]?[A-Z])",
        ),
        (
            "time stamp",
            rf"(?:\[(?i:{CLOCK})\]|(?i:{CLOCK})\s?[—–|:-]|\d{{1,2}}:\d\d(?:\s(?:GMT|UTC))?)"
            r"\s+(?=[\"“‘'«]?[A-Z])",
        ),
        (
            "advert",
            r"(?:ADVERTISEMENT|Advertisement|\[(?i:ad|advertisement)\])\s+(?=[\"“‘'«]?[A-Z])",
        ),
        ("wire mark", r"(?:UPDATE|WRAPUP|CORRECTED|REFILE|RPT|PRECIOUS)\s?\d{0,2}-"),
        ("share", r"RT @\w{1,40}:\s+"),
        (
            "dateline",
            rf"(?!(?:{_NOT_PLACES})\b){_PLACE}(?:, {_NAME}){{0,2}}(?:, {_DAY})?(?:,? {_AGENCY})?"
            rf"{_DASH}{_BEFORE_PROSE}",
        ),
        (
            "dateline",
            rf"(?!(?:On|In|At|By|From|Since|After|Until|Late|Early)\b){_NAME}(?:, {_NAME})?"
            rf",? {_DAY},?(?: {_AGENCY})?{_DASH}{_BEFORE_PROSE}",
        ),
        ("dateline", rf"{_CITY}(?:, {_CITY})?,? {_AGENCY}{_DASH}{_BEFORE_PROSE}"),
        ("dateline", rf"{_NAME}, {_DAY}, [A-Z]{{2,12}}\s?{_DASH}{_BEFORE_PROSE}"),
        ("dateline", rf"{_AGENCY}{_DASH}{_BEFORE_PROSE}"),
        ("dateline", rf"{_DAY}[.:]?(?:(?<=[.:])|\s?[–—])\s+(?=[\"“‘'«]?[A-Z])"),
    )
    return tuple((reason, re.compile(pattern)) for reason, pattern in rules)


_CITY_COLON = re.compile(rf"(?!(?:{_NOT_PLACES})\b){_PLACE}(?:, {_NAME})?:\s+(?=[\"“‘'«]?[A-Z])")
_LABEL = re.compile(
    r"([QA](?=\.\s|\s{2})|(?:[A-Z][A-Z.'’ -]{1,40}"
    r"|[A-Z][\w.'’-]{1,20}(?: [A-Z][\w.'’-]{1,20}){0,3}|Q|A)"
    r"(?: \([^()]{1,40}\))?(?=:)).?\s+(?=\S)"
)


def speaker_labels(lines: Iterable[str]) -> frozenset[str]:
    """Find the names that a transcript puts before what is said.

    Args:
        lines: the lines of an article.

    Returns:
        Labels such as ``"HOST"`` or ``"Q"``; empty unless two different ones come back often
        enough to be a conversation.
    """
    counted = Counter(found[1] for line in lines if (found := _LABEL.match(line)))
    returning = {label for label, times in counted.items() if times > 1}
    if not returning or counted.total() < 3 or (len(counted) < 2 and "Q" not in counted):
        return frozenset()
    return frozenset(counted if all(map(str.isupper, counted)) else returning)


_SUFFIX = re.compile(
    rf"\s(?i:(?:published|posted|updated|last updated)(?: on| at)?\s?:?\s{DATE}"
    rf"(?:[\s,|–-]{{1,3}}(?:at )?{CLOCK})?)\.?$"
)


def suffix(text: str) -> int:
    """Return how many characters of metadata ("Updated: 4 May 2023") end a text; 0 if none."""
    found = _SUFFIX.search(text[-90:])
    return len(found[0]) if found and len(found[0]) < len(text) else 0


def prefix(text: str, labels: frozenset[str], *, opening: bool) -> tuple[int, str] | None:
    """Find what is glued before a sentence.

    Args:
        text: the text from the possible prefix on; only its beginning is read.
        labels: the article's speaker labels.
        opening: whether this is among the article's first paragraphs, where a bare "CITY:" is a
            dateline.

    Returns:
        ``(length, reason)`` with the white space that follows included, or None. Never all of
        ``text``.
    """
    head = text[:240]
    label = _LABEL.match(head)
    if label and label[1] in labels:
        return label.end(), "speaker"
    for reason, rule in _prefixes():
        found = rule.match(head)
        if found and found.end() < len(text):
            return found.end(), reason
    city = _CITY_COLON.match(head) if opening else None
    return (city.end(), "label") if city else None
