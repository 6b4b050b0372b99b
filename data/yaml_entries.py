"""Strict reading of a YAML file that holds one list of mappings, each with its number and line.

YAML itself keeps the last of two equal keys and says nothing; here that is a fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claimwire.data.errors import InputError, MissingExtraError
from claimwire.data.jsonlines import Fault, describe_value


@dataclass(frozen=True, slots=True)
class Entry:
    """One mapping of the list: its number from 1, the line (from 1) it starts on, its content."""

    number: int
    line: int
    value: dict[str, object]


def read_entries(path: Path, kind: str) -> tuple[list[Entry], list[Fault]]:
    """Read the mappings of a YAML list.

    Args:
        path: the file, UTF-8.
        kind: what one entry is, for messages, such as ``"case"``.

    Returns:
        The entries that are mappings with distinct keys, in order, and the faults of the others.

    Raises:
        InputError: there is no such file, or it cannot be read.
        MissingExtraError: PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError as error:
        raise MissingExtraError("train", f"reading {path.name}") from error
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path}: expected a readable YAML file, found none ({error.strerror}): check the path"
        ) from error
    except UnicodeDecodeError as error:
        message = f"expected UTF-8, found byte {error.start + 1} to be no part of it: save as UTF-8"
        return [], [Fault(str(path), None, "", message)]
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is None or not isinstance(root, yaml.SequenceNode) or not root.value:
            message = f"expected a YAML list with at least one {kind}, found none: add one"
            return [], [Fault(str(path), None, "", message)]
        return _entries(path, kind, loader, root)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        message = f"expected valid YAML, found: {getattr(error, 'problem', None) or error}: mend it"
        return [], [Fault(str(path), mark.line + 1 if mark else None, "", message)]


def _entries(path: Path, kind: str, loader: Any, root: Any) -> tuple[list[Entry], list[Fault]]:
    entries: list[Entry] = []
    faults: list[Fault] = []
    for number, node in enumerate(root.value, start=1):
        line = node.start_mark.line + 1
        value = loader.construct_object(node, deep=True)
        message = _fault_of(value, node)
        if message:
            faults.append(Fault(str(path), line, f"{kind} {number}", message))
        else:
            entries.append(Entry(number, line, value))
    return entries, faults


def _fault_of(value: object, node: Any) -> str | None:
    """Return what is wrong with one entry as such, or None."""
    if not isinstance(value, dict):
        return f"expected a mapping of fields, found {describe_value(value)}: see its neighbours"
    keys = [key.value for key, _ in node.value]
    twice = sorted({str(key) for key in keys if keys.count(key) > 1})
    if twice:
        return f"the field {twice[0]!r} stands twice: keep one of them"
    if not all(isinstance(key, str) for key in value):
        return "expected field names in letters: put quotes around them or correct them"
    return None
