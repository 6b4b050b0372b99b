"""Lines of bytes: put together, and looked at to tell what they are."""

from __future__ import annotations

import json
from collections.abc import Iterator

from claimwire.data.decode import decode_utf8
from claimwire.serve.opening import MOST_BYTES, CutLine


def joined(lines: Iterator[bytes]) -> bytes | None:
    """Return an article as a whole, None where it is too long for that."""
    taken: list[bytes] = []
    size = 0
    for line in lines:
        size += len(line)
        if size > MOST_BYTES or isinstance(line, CutLine):
            return None
        taken.append(line)
    return b"".join(taken)


def through_first_text(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Take lines up to and with the first that is not blank."""
    for line in lines:
        yield line
        if decode_utf8(line).text.strip():
            return


def is_json_object(line: bytes) -> bool:
    """Say whether a line holds one JSON object."""
    text = decode_utf8(line).text.strip()
    if not text.startswith("{"):
        return False
    try:
        # A number too long for int() is still JSON: the reader refuses its line alone.
        return isinstance(json.loads(text, parse_int=str), dict)
    except (ValueError, RecursionError):
        return False
