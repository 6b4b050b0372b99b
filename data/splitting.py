"""Where sentences end: sentencex proposes, a small layer for conflict reporting decides.

sentencex finds nearly every true boundary in a line of prose and proposes too many: after
"160 km.", "Approx.", "5 p.m." and "Brig.". It also keeps a quotation or a bracket whole, however
many sentences it holds. So quotation marks and brackets are blanked out (one space a character, so
that offsets stay) before it sees the text, and each proposal is then confirmed or refused by
:func:`_ends_sentence`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

BLOCK = 4_000
"""Characters given to sentencex at once; its time grows with the square of a block's length."""

_CLOSERS = frozenset("\"'”’»)]}*_")
_QUOTES = frozenset("\"'”’»")
_OPENERS = frozenset("\"'“‘«„([{*_¿¡—–- ")
_MARKS = _CLOSERS | _OPENERS

_OTHER_SPACE = re.compile(r"[^\S ]")
_MASKED = re.compile(r"""["“”„«»()\[\]{}*_\ud800-\udfff]|(?<!\w)['‘’]|['’](?!\w)""")
"""Blanked before sentencex sees the text; lone surrogates too, which no encoding holds."""
_NOTE = re.compile(r"\[\^?\w{1,4}\]")
_NOTES = re.compile(r"(?:\[\^?\w{1,4}\])+")
_DECLINED = re.compile(r"(?:\b(?:May|may|me|ok|OK)\.|\.\.\.|…) +(?=\w)")
"""Ends that sentencex takes for abbreviations (Maine, Oklahoma, May) or leaves open."""
_LETTERED = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
_ARTICLE_NAME = re.compile(r"(?:al|el|as|ar|an|ash)-[A-Z]")
_SPEAKER = re.compile(
    r"(?:[A-Z][\w.'’-]{0,30} ){1,3}"
    r"(?:said|says|asked|asks|told|wrote|added|replied|shouted|cried|warned)\b"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TITLES = _words(
    "gen lt col maj capt cpt sgt cpl pvt spc brig adm cmdr cdr cmd comdr supt insp dr mr mrs ms mx"
    " prof sen rep gov pres rev hon amb st ste mt messrs mme approx ca cf e.g i.e viz vs incl"
    " ed eds alh engr barr asst assoc comm pte l/cpl w/o"
)
_NUMBERED = _words(
    "no nos art arts sec secs fig figs vol vols para paras p pp ch chap op pt ref res"
    " jan feb mar apr jun jul aug sep sept oct nov dec"
)
_UNITS = _words("km m mm cm ft mi lb lbs kg nm yd yds hr hrs min mins sq cu kt kts")
_SOFT = _words(
    "inc ltd co corp bros jr sr ave blvd rd bn bde div regt bty hq dept univ govt natl intl assn"
    " ph.d gmbh al"
)
_HOURS = _words("a.m p.m am pm")
_AFTER_HOURS = _words(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june"
    " july august september october november december gmt utc est edt cet cest bst msk ist local"
)
_SHORT_WORDS = _words("no he we it so me us do go is ok up at on in to my by hi oh")
_STARTERS = _words(
    "the a an this that these those it its he she his her they their we our you your i in on at by"
    " for from with without after before when while as if but and or so yet no not there here then"
    " some many most one two three four five six seven eight nine ten several both all another each"
    " every such since during according what who whose why how where which meanwhile however also"
    " still despite among although though because until under over neither nobody none nothing"
    " officials police residents witnesses to of is was were are has have only even between against"
    " last next earlier later"
)


def split(text: str) -> list[tuple[int, int]]:
    """Split one paragraph into sentences.

    Args:
        text: prose of one paragraph, of any length; line breaks in it count as spaces.

    Returns:
        ``(start, end)`` code-point offsets in order, without overlap, never beginning or ending
        with white space, and holding every character of ``text`` that is not white space.
    """
    # Not the spaces themselves: between its matches re.sub keeps a string for every word.
    blank = _OTHER_SPACE.sub(" ", text)
    casual = blank.lstrip()[:1].islower()
    spans: list[tuple[int, int]] = []
    start = _skip_spaces(blank, 0)
    for proposal in _proposals(blank):
        if proposal <= start:
            continue
        stop, after = _closed(blank, start, proposal)
        if after >= len(blank):
            break
        if _has_words(blank, start, stop) and _ends_sentence(
            blank, start, stop, after, casual=casual
        ):
            spans.append((start, stop))
            start = after
    end = len(blank.rstrip())
    if spans and end - start <= len("[...]") and not _has_words(blank, start, end):
        spans[-1] = (spans[-1][0], end)  # an omission mark or a lost full stop
    elif start < end:
        spans.append((start, end))
    return spans


def _proposals(blank: str) -> Iterator[int]:
    """Yield sentencex's boundaries over text of any length, block by block."""
    from sentencex import get_sentence_boundaries

    plain = _MASKED.sub(" ", _NOTE.sub(lambda note: " " * len(note[0]), blank))
    position, length = 0, len(plain)
    while position < length:
        end = min(length, position + BLOCK)
        if end < length:
            cut = plain.rfind(" ", position, end) + 1
            end = cut if cut > position else end
        bounds = [
            position + int(found["end_index"])
            for found in get_sentence_boundaries("en", plain[position:end])
        ]
        if end < length:  # the block's own end is no boundary of the text
            bounds = [bound for bound in bounds if bound < end]
        declined = (found.end() + position for found in _DECLINED.finditer(plain, position, end))
        yield from sorted({*bounds, *(bound for bound in declined if bound < end)})
        position = bounds[-1] if bounds and end < length else end


def _has_words(blank: str, start: int, stop: int) -> bool:
    return any(map(str.isalnum, blank[start : min(stop, start + 80)]))


def _skip_spaces(blank: str, position: int) -> int:
    while position < len(blank) and blank[position] == " ":
        position += 1
    return position


def _closed(blank: str, start: int, proposal: int) -> tuple[int, int]:
    """Return where a sentence really ends and the next one begins.

    The end takes in closing quotation marks, brackets, emphasis and note references.
    """
    stop = proposal
    while stop > start and blank[stop - 1] in _MARKS:
        stop -= 1
    while stop < len(blank):
        if blank[stop] in _CLOSERS:
            stop += 1
        elif blank[stop] == "[" and (notes := _NOTES.match(blank, stop)):
            stop = notes.end()
        else:
            break
    after = _skip_spaces(blank, stop)
    if after > stop and blank[after : after + 1] in ("”", "»"):  # « Il a dit cela. »
        stop = after + 1
        after = _skip_spaces(blank, stop)
    return stop, after


def _ends_sentence(blank: str, start: int, stop: int, after: int, *, casual: bool) -> bool:
    """Say whether a sentence ends at ``stop`` and another begins at ``after``."""
    core = stop
    while core > start and blank[core - 1] in _CLOSERS:
        core -= 1
    quoted = any(mark in _QUOTES for mark in blank[core:stop])
    token = blank[max(start, blank.rfind(" ", max(start, core - 60), core) + 1) : core]
    token = token.lstrip("\"'“‘«„([{*_")
    following = after
    while following < len(blank) - 1 and blank[following] in _OPENERS:
        following += 1
    ahead = blank[following : following + 120]
    if after == stop and not quoted:
        return _glued(blank, token, core, ahead)
    if start + len(token) >= core and re.fullmatch(r"\(?(?:\d{1,3}|[IVX]{2,5})\.", token):
        return False  # a list number belongs to its item
    if token.endswith("...") or token.endswith("…"):
        return not ahead[:1].islower()
    if token.endswith("."):
        decided = _after_full_stop(token[:-1], ahead, bracket=blank[after] == "(")
        if decided is not None and not (decided is False and quoted):
            return decided
    if ahead[:1].islower():
        return casual or bool(_ARTICLE_NAME.match(ahead))
    return not (quoted and token[-1:] in ("?", "!") and _SPEAKER.match(ahead))


def _glued(blank: str, token: str, core: int, ahead: str) -> bool:
    """Decide a boundary without a space: "killed.The army", not "www.site.Com"."""
    if token[-1:] not in (".", "!", "?"):
        return True  # the full stops of scripts that write without spaces
    if any(sign in token for sign in ("/", "@", "www.")):
        return False
    before = blank[max(0, core - 3) : core - 1]
    words = ahead.split(" ", 1)
    return (
        len(before) == 2
        and before.isalpha()
        and before.islower()
        and len(words) > 1
        and words[0][:1].isupper()
        and words[0][1:].islower()
    )


def _after_full_stop(token: str, ahead: str, *, bracket: bool) -> bool | None:
    """Decide by the word before a full stop; None where it is no known abbreviation."""
    word = token.casefold()
    next_word = re.split(r"[^\w-]", ahead, maxsplit=1)[0].casefold()
    if word in _TITLES:
        return False
    if word in _NUMBERED and (ahead[:1].isdigit() or re.match(r"[IVXLC]+\b", ahead)):
        return False
    if word in _HOURS:
        return next_word not in _AFTER_HOURS and not ahead[:1].islower()
    if word in _UNITS:
        return not (bracket or ahead[:1].islower())
    clipped = len(token) == 2 and token.istitle() and word not in _SHORT_WORDS
    if word in _SOFT or clipped or _LETTERED.fullmatch(token):
        return next_word in _STARTERS and not ahead[:1].islower()
    return None
