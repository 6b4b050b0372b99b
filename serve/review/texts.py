"""Texts as the databases can keep them, and as searches compare them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from claimwire.data.errors import InputError

_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
"""PostgreSQL keeps no NUL, and UTF-8 has no bytes for half a surrogate pair."""

_QUOTES: Final = str.maketrans("‘’“”", "''\"\"")


def require_storable(name: str, text: str) -> str:
    """Return a text that both databases can keep.

    Raises:
        InputError: there is a NUL or half a surrogate pair in it.
    """
    if _UNSTORABLE.search(text):
        raise InputError(
            f"{name}: expected text, found a NUL or half a surrogate pair in it: remove it"
        )
    return text


def storable(text: str) -> str:
    """Return a text with U+FFFD for what no database keeps: it finds nothing, and does no harm."""
    return _UNSTORABLE.sub("\ufffd", text)


def folded(text: str) -> str:
    """Return a text as searches compare it: case folded, quotation marks straight."""
    return unicodedata.normalize("NFC", text).casefold().translate(_QUOTES)
