"""Lines that are not prose: which ones, and why.

Every rule judges a whole line (or a whole sentence, where a page was flattened into one line), is
anchored at both ends, and knows only what web pages, agencies and PDF files print around articles.
A sentence that merely mentions a cookie or a subscription is prose and stays.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from claimwire.data.junk_phrases import PHRASES
from claimwire.data.junk_rules import RULES

LONGEST = 320
"""Characters; furniture of a page is short, and a longer line is prose."""

SHORT = 48
"""Characters; up to here every rule is tried, beyond it only lines with a telling sign or word."""

_PROSE = re.compile(
    r"\b(?:said|says|told|tells|reported|according|wrote|announced|accused|warned|claimed|denied)\b"
    r"|[“”«»]|\"\w"
)
_FUZZY = frozenset({"subscription", "consent", "share", "editorial note", "rights"})
_SAID_WITH_STOP = frozenset({"rights", "subscription", "advert", "wire mark"})
_STOPS = (".", "!", "?", '"', "”", "’")
_SEPARATORS = re.compile(r"\s?[|·•›»]\s?|\s>\s|\s/\s")
_WORD = re.compile(r"[^\W_]")
_SIGNS = re.compile(r"[\[\](){}|@#©:/»>→_]")
_OPENING_WORDS = frozenset(
    re.findall(
        r"\S+",
        """ad alert already article audio be by click comments contact copyright do donate
        duration end found list see select spotted
        download editing enable enter first follow from get got have javascript join last log
        may media no notify on originally our photo photograph photographs photography photos
        please posted published register reporting required save send share sign story
        subscribe support tap the this unauthorised unauthorized unsubscribe updated video was
        we we're what with words writing written you your""",
    )
)
_BOXES = frozenset(
    [
        "most read",
        "most popular",
        "most viewed",
        "more stories",
        "more news",
        "trending now",
        "recommended stories",
        "related articles",
        "related stories",
        "related content",
        "related posts",
        "related news",
        "you may also like",
        "recent posts",
        "top stories",
        "latest news",
    ]
)
_KICKER = re.compile(r"[A-Z]{3,14}(?: [A-Z]{3,14})?")
_EDGES = " \t.…:!?»›→>|–—-*_[]()#•·\u00a0"


@cache
def _phrases() -> dict[str, str]:
    return {
        " ".join(phrase.split()): reason
        for reason, listed in PHRASES.items()
        for phrase in listed.split("|")
    }


@cache
def _rules() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((reason, re.compile(rf"(?:{pattern})[\s.!…→»]*")) for reason, pattern in RULES)


def junk(line: str) -> str | None:
    """Say why a line is not prose.

    Args:
        line: a line, paragraph or sentence without white space at its ends.

    Returns:
        A short reason such as ``"advert"``, or None where the line may be prose.
    """
    if len(line) > LONGEST:
        return None if _WORD.search(line) else "no words"
    return _judged(line)


@lru_cache(maxsize=4096)  # a line is judged again as paragraph and as sentence
def _judged(line: str) -> str | None:
    if not _WORD.search(line):
        return "no words"
    line = " ".join(line.split())
    plain = " ".join(line.replace("’", "'").casefold().strip(_EDGES).split())
    listed = _phrases().get(plain)
    if listed is not None and (listed in _SAID_WITH_STOP or _is_label(line)):
        return listed
    if _is_menu(line) or _KICKER.fullmatch(line):
        return "navigation"
    if not _may_be_junk(line, plain):
        return None
    for reason, rule in _rules():
        if rule.fullmatch(line) and not (reason in _FUZZY and _PROSE.search(line)):
            return reason
    return None


def _is_label(line: str) -> bool:
    """Say whether a phrase stands as buttons and headings do: "I agree", not "I agree."."""
    return not line.endswith(_STOPS) or line.endswith("...")


def _may_be_junk(line: str, plain: str) -> bool:
    """Say whether any rule could match; most prose is let through here, without trying them all."""
    return (
        len(line) <= SHORT
        or plain.split(maxsplit=1)[0] in _OPENING_WORDS
        or "reserved" in plain
        or bool(_SIGNS.search(line))
    )


def opens_box(line: str) -> bool:
    """Say whether a line heads a box of links, such as "Most read"; links follow line by line."""
    return line.casefold().strip(_EDGES) in _BOXES


def ends_box(line: str) -> bool:
    """Say whether a line below such a heading is prose again."""
    return len(line) > 160 or line.endswith((".", '."', ".”", "!", ":"))


def _is_menu(line: str) -> bool:
    """Say whether a line is a row of links: "Home | World | Sport", "» Home » News"."""
    parts = [part for part in _SEPARATORS.split(line) if part]
    if len(parts) < 2 or len(line) > 200 or any(len(part.split()) > 4 for part in parts):
        return False
    if any(part.endswith((".", "!", "?", ",")) for part in parts):
        return False
    known = sum(part.strip(_EDGES).casefold() in _phrases() for part in parts)
    return known >= 1 or len(parts) >= 3
