"""Whether a text is English, as far as its letters and its commonest words tell.

The model reads English only; on other languages its labels mean nothing. So texts that are not
English are flagged, never dropped. A few word lists do that without another dependency; how often
they are right is measured in ``tests/serve/test_language.py``.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

READ: Final = 5_000
"""Characters looked at, from the beginning."""

LATIN_SHARE: Final = 0.6
"""Least share of Latin letters: names and quotations in another script stay well above it."""

SOME_WORDS: Final = 7
"""Words from which an English text has at least one function word; a headline can do without."""

PROSE_WORDS: Final = 20
"""Words from which English prose has its usual share of function words."""

ENGLISH_SHARE: Final = 0.12
"""Least share of English function words in prose; English has about a third, languages whose words
are not listed here a few in a hundred."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENGLISH: Final = _words(
    "the of and to in that for is on was with as it at by his he from be are were "
    "an this had not have has which they their but or been who said its one after "
    "will when more two she her would could there all into other than no if about "
    "out up over under against before between during while also where what who "
    "whose him them these those some any you we our us my your do does did can may "
    "might should must near killed saying since until through because "
)
_OTHER: Final = _words(
    # Common in another language that is written in Latin letters, and no English word; parts of
    # names in English reporting (al, bin, la, da) are left out.
    "que el los las una por con para del como pero sus fue han este esta desde "
    "hasta sobre según ayer más también está "  # Spanish
    "les des une et est dans pour qui sur au aux ont été par pas sont avec cette "
    "ces selon l qu leur deux mais "  # French
    "der das und den dem ein eine einen einer ist nicht von mit sich auf für im zu "
    "wurde wurden nach sie auch aus bei hat haben wie über zwei "  # German
    "che è per della dei nel nella sono gli alla dal si anche stato "  # Italian
    "os uma com não na dos das ao foi em mais pelo pela são segundo "  # Portuguese
    "het een en van niet zijn dat met voor werd door ook bij naar uit zich heeft "  # Dutch
    "na nie się jest przez po od że oraz został jak dla tym ale "  # Polish
    "ve bir bu için ile de olarak olan sonra kadar daha gibi tarafından iki "  # Turkish
    "yang dan dengan untuk pada ini itu dari dalam tidak oleh akan telah mereka "  # Indonesian
    "och att som är av inte med till har den det på för ett blev og ikke til af var "
    "ble jeg "  # Scandinavian
    "și în cu nu că este din pe au fost pentru care mai "  # Romanian
    "je na že byl jsou jako po ale při který "  # Czech, Slovak
    "je na su za od iz koji nije bio kako "  # Bosnian, Croatian, Serbian
    "az és hogy nem egy volt meg ki "  # Hungarian
    "ja ei että oli ovat mutta kun "  # Finnish
    "và của là có được trong đã các cho với không người "  # Vietnamese
    "wa na kwa katika ni za cha baada kuwa watu alisema "  # Swahili
    "ay iyo ka ku oo waa uu soo ayaa "  # Somali
    "na ta sun cewa wani don "  # Hausa
)
_WORD: Final = re.compile(r"[^\W\d_]+")
_LATIN: Final = re.compile("[A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff]")
_LETTER: Final = re.compile(r"[^\W\d_]")


def looks_english(text: str) -> bool:
    """Say whether a text may be English.

    Args:
        text: an article or a sentence; its first :data:`READ` characters are looked at.

    Returns:
        False where many letters are of another script, where common words of other languages
        outnumber the English ones, or where English function words are too few for the length.
        True for everything else, also for what is too short to tell.
    """
    head = text[:READ]
    letters = len(_LETTER.findall(head))
    if not letters:
        return True
    if len(_LATIN.findall(head)) < LATIN_SHARE * letters:
        return False
    words = [match.group().lower() for match in islice(_WORD.finditer(head), READ)]
    english = sum(word in _ENGLISH for word in words)
    other = sum(word in _OTHER for word in words)
    if other > english and other >= 2:
        return False
    if len(words) >= PROSE_WORDS:
        return english >= ENGLISH_SHARE * len(words)
    return english > 0 or len(words) < SOME_WORDS
