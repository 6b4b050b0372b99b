"""JSON Lines files read line by line, every fault kept with its line instead of raised at once.

Lines end in a line feed only: U+2028 and its kind may stand inside a JSON string.
"""

from __future__ import annotations

import codecs
import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from claimwire.data.errors import CorpusError, InputError

MOST_FAULTS_LISTED: Final = 20
_FOUND_LENGTH: Final = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a file.

    Attributes:
        file: the file, as its reader was given it.
        line: line number from 1, or None where the whole file is meant.
        field: path of the field, such as ``sentences[3].labels``; empty for the whole line.
        message: what was expected, what was found and what to do.
    """

    file: str
    line: int | None
    field: str
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.field, self.message) if part)


@dataclass(frozen=True, slots=True)
class JsonLine:
    """One line that holds a JSON object: its number from 1, and the object."""

    number: int
    value: dict[str, object]


class _RepeatedKeyError(ValueError):
    """A JSON object bears the same key twice; the argument is the key."""


def read_json_lines(path: Path) -> tuple[list[JsonLine], list[Fault]]:
    """Read the objects of a JSON Lines file; blank lines and a leading BOM are skipped.

    Args:
        path: the file, UTF-8.

    Returns:
        The lines that hold an object, in order, and the faults of the others.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(
            f"{path}: expected a JSON Lines file, found no file: check the path"
        ) from None
    except IsADirectoryError:
        raise InputError(
            f"{path}: expected a JSON Lines file, found a directory: name a file in it"
        ) from None
    except OSError as error:
        raise InputError(
            f"{path}: the file cannot be read ({error.strerror}): check its permissions"
        ) from error
    lines: list[JsonLine] = []
    faults: list[Fault] = []
    for number, line in enumerate(raw.removeprefix(codecs.BOM_UTF8).split(b"\n"), start=1):
        if not line.strip():
            continue
        parsed = _parse(line)
        if isinstance(parsed, str):
            faults.append(Fault(str(path), number, "", parsed))
        else:
            lines.append(JsonLine(number, parsed))
    return lines, faults


def _parse(line: bytes) -> dict[str, object] | str:
    """Return the object that ``line`` holds, or what is wrong with it."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        return (
            f"expected UTF-8, found byte 0x{line[error.start]:02x} at byte {error.start + 1} "
            "of the line: save the file as UTF-8"
        )
    try:
        value = json.loads(text, object_pairs_hook=_object_of_distinct_keys)
    except _RepeatedKeyError as error:
        return f"the key {error.args[0]!r} stands twice in one object: keep one of them"
    except json.JSONDecodeError as error:
        return (
            f"malformed JSON at column {error.colno} ({error.msg}): "
            "expected one whole JSON object on the line; mend or remove the line"
        )
    except (ValueError, RecursionError):
        return "malformed JSON (a number or a nesting without bounds): mend or remove the line"
    if not isinstance(value, dict):
        return f"expected a JSON object, found {describe_value(value)}: write one object a line"
    return value


def _object_of_distinct_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Build an object, refusing a repeated key (json would silently keep the last value)."""
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _RepeatedKeyError(key)
            seen.add(key)
    return value


def describe_value(value: object) -> str:
    """Return the JSON kind of ``value`` and the start of it, such as ``the number 5``."""
    if value is None:
        return "null"
    shown = json.dumps(value, default=str)
    shown = shown if len(shown) <= _FOUND_LENGTH else shown[:_FOUND_LENGTH] + "..."
    kinds: list[tuple[type, str]] = [
        (bool, "the truth value"),
        (str, "the string"),
        (dict, "the object"),
        (list, "the list"),
    ]
    kind = next((name for type_, name in kinds if isinstance(value, type_)), "the number")
    return f"{kind} {shown}"


def did_you_mean(found: object, known: Iterable[str]) -> str:
    """Return ``"; did you mean X?"`` for the nearest of ``known``, or nothing."""
    nearest = difflib.get_close_matches(str(found), list(known), n=1, cutoff=0.6)
    return f"; did you mean {nearest[0]}?" if nearest else ""


def raise_for_faults(faults: Sequence[Fault]) -> None:
    """Raise one error that lists the faults, the first twenty in full; do nothing without any.

    Raises:
        CorpusError: there is at least one fault.
    """
    if not faults:
        return
    listed = [str(fault) for fault in faults[:MOST_FAULTS_LISTED]]
    more = len(faults) - len(listed)
    if more:
        listed.append(f"... and {more:,} more: mend these first")
    raise CorpusError("\n".join(listed))
