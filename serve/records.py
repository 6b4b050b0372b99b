"""One line of JSON Lines: reading it strictly, and keeping its fields beside the output's.

Strict means that nothing can get lost or change on the way through: a key that stands twice, NaN,
or a number that no double can hold is refused with the reason instead of being passed on altered.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final

from claimwire.data.errors import InputError

_LONE_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_SHOWN_KEYS: Final = 8
_SHOWN_CHARACTERS: Final = 60


def parse_record(line: str) -> dict[str, object]:
    """Read one line as a JSON object.

    Raises:
        InputError: the line is not JSON, not an object, or holds what JSON Lines out cannot
            give back unchanged (a key twice, NaN, Infinity, a number beyond a double).
    """
    try:
        value = json.loads(
            line,
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
        )
    except json.JSONDecodeError as error:
        raise InputError(
            f"expected one JSON object a line, found malformed JSON ({error.msg} at column "
            f"{error.colno}: {_shown(line)}): mend or remove the line"
        ) from None
    except RecursionError:
        raise InputError(
            "expected a JSON object, found one nested too deeply to read: flatten it"
        ) from None
    except ValueError:  # the one that json passes on from int(): too many digits
        raise InputError(
            "expected numbers of a usual size, found a whole number of thousands of digits: "
            "write it as a string"
        ) from None
    if not isinstance(value, dict):
        raise InputError(
            f"expected one JSON object a line, found {json_kind(value)}: "
            'write {"text": ...} on each line'
        )
    return value


def text_of(record: Mapping[str, object], text_field: str) -> str:
    """Return the text to tag.

    Raises:
        InputError: the field is missing, null, not a string, or blank.
    """
    if text_field not in record:
        found = ", ".join(repr(key) for key in list(record)[:_SHOWN_KEYS]) or "no field at all"
        if len(record) > _SHOWN_KEYS:
            found += f" and {len(record) - _SHOWN_KEYS} more"
        raise InputError(
            f"expected a string in the field {text_field!r}, found no such field (there is "
            f"{found}): add it, or name the field with --text-field"
        )
    text = record[text_field]
    if not isinstance(text, str):
        raise InputError(
            f"expected a string in the field {text_field!r}, found {json_kind(text)}: "
            "give the text, or leave the record out"
        )
    if not text.strip():
        raise InputError(
            f"expected text in the field {text_field!r}, found a blank string: "
            "give the text, or leave the record out"
        )
    return text


def travelling(fields: Mapping[str, object], output_names: Collection[str]) -> dict[str, object]:
    """Return the input fields under names that leave the output's fields alone.

    A field that bears an output field's name becomes ``input_NAME``; ``input_`` is put before
    it again while that name belongs to another field. No field is lost, order is kept.
    """
    taken = set(output_names) | set(fields)
    renamed: dict[str, object] = {}
    for name, value in fields.items():
        new_name = name
        if name in output_names:
            while new_name in taken:
                new_name = f"input_{new_name}"
            taken.add(new_name)
        renamed[new_name] = value
    return renamed


def replace_lone_surrogates(text: str) -> tuple[str, int]:
    """Put U+FFFD for each half of a surrogate pair (JSON can smuggle them in); count them."""
    return _LONE_SURROGATES.subn("\ufffd", text)


def json_line(record: Mapping[str, object]) -> bytes:
    """Return one line of JSON Lines in UTF-8, its newline included."""
    line = json.dumps(record, ensure_ascii=False, allow_nan=False)
    try:
        return line.encode() + b"\n"
    except UnicodeEncodeError:  # lone surrogates in a travelling field: escapes carry them
        return json.dumps(record, allow_nan=False).encode("ascii") + b"\n"


def json_kind(value: object) -> str:
    """Name the kind of a JSON value as a user would."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) < len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise InputError(
            f"expected each key once, found {twice!r} more than once in an object: keep one"
        )
    return record


def _refuse_constant(name: str) -> float:
    raise InputError(f"expected JSON, found {name}, which JSON does not have: write null")


def _finite_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise InputError(
            f"expected a number that a double can hold, found {_shown(digits)}: "
            "write it as a string"
        )
    return number


def _shown(text: str) -> str:
    """Return the beginning of a line, quoted, for a message."""
    text = text.strip()
    if len(text) > _SHOWN_CHARACTERS:
        return repr(text[:_SHOWN_CHARACTERS]) + "..."
    return repr(text)
