"""What goes beside the results: failures, notes, what was removed, and the final count."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, Self

from claimwire.data.errors import InputError
from claimwire.data.labels import LABELS
from claimwire.serve.items import Failure, Item, Note
from claimwire.serve.permissions import opener, set_mode
from claimwire.serve.records import json_line
from claimwire.serve.rows import Job, Row

_STEERING: Final = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of writing round."""

SHOWN_FAILURES: Final = 10
"""Failures named on standard error where all of them are in the errors file as well; so many
texts that are not English are named, too."""

_FAILURE_FIELDS: Final = ("file", "line", "reason")
_LONGEST_FAILURE: Final = 65_536

_FOREIGN: Final = (
    "does not look like English, and the model reads nothing else: do not rely on its labels "
    '("english" is false in the records)'
)


class Reports:
    """Tells of failures and notes on standard error, and keeps failures in the errors file.

    Without an errors file every failure is named on standard error. With one the first
    :data:`SHOWN_FAILURES` are; the file, written whole or not at all, holds each with ``file``,
    ``line`` and ``reason``. A file left by an earlier run goes away when nothing failed.

    Args:
        errors_file: keeps the failures.
        mode: its permissions, None for those of any new file.

    Attributes:
        failures: number of failures so far.
        foreigners: number of texts so far that are not English.
    """

    def __init__(self, errors_file: Path | None, mode: int | None = None) -> None:
        self.failures = 0
        self.foreigners = 0
        self._errors_file = errors_file
        self._mode = mode
        self._partial: BinaryIO | None = None

    @property
    def _partial_path(self) -> Path | None:
        if self._errors_file is None:
            return None
        return self._errors_file.with_name(self._errors_file.name + ".partial")

    def failure(self, failure: Failure) -> None:
        """Name something that could not be tagged."""
        self.failures += 1
        if self._errors_file is None or self.failures <= SHOWN_FAILURES:
            say(f"error: {place_of(failure)}: {failure.reason}")
        if self._partial_path is None:
            return
        if self._partial is None:
            self._partial = open(self._partial_path, "wb", opener=opener(self._mode))  # noqa: SIM115
        self._partial.write(failure_line(failure))

    def note(self, note: Note) -> None:
        """Name something that did not fail but should be known."""
        say(note_line(note))

    def foreign(self, item: Item) -> None:
        """Name a text that is not English; beyond :data:`SHOWN_FAILURES` they are only counted."""
        self.foreigners += 1
        if self.foreigners <= SHOWN_FAILURES:
            self.note(Note(item.file, item.line, _FOREIGN, warning=True))

    def removed(self, job: Job) -> None:
        """List what was taken out of an article."""
        for line in removed_lines(job):
            say(line)

    def __enter__(self) -> Self:
        """Begin to collect."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        """Put the errors file in its place, or take a stale one away; keep both after a crash."""
        if self._partial is not None:
            self._partial.close()
        if self.foreigners > SHOWN_FAILURES:
            say(f"warning: {self.foreigners - SHOWN_FAILURES} more do not look like English")
        if kind is None and self._errors_file is not None:
            self._settle(self._errors_file)

    def _settle(self, errors_file: Path) -> None:
        if self._partial is None or self._partial_path is None:
            for stale in (errors_file, self._partial_path):
                if stale is not None:
                    stale.unlink(missing_ok=True)
            return
        set_mode(self._partial_path, self._mode)
        self._partial_path.replace(errors_file)
        if self.failures > SHOWN_FAILURES:
            say(f"error: {self.failures - SHOWN_FAILURES} more failed")
        say(f"what failed, and why, is in {errors_file}")


@dataclass(slots=True)
class Tally:
    """Counts what was tagged, for the summary.

    Attributes:
        texts: articles (or sentences, with ``--unit sentence``) that gave at least one row.
        labels: sentences by their primary label.
        review: sentences that need a review.
        truncated: sentences of which the model read only the beginning.
        repeated: texts that were there before, and so were not tagged again.
        foreign: texts that are not English.
    """

    texts: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    review: int = 0
    truncated: int = 0
    repeated: int = 0
    foreign: int = 0

    def add(self, row: Row) -> None:
        """Count one row."""
        is_first = row.index == 0
        self.texts += is_first
        self.repeated += is_first and row.job.repeated
        self.foreign += is_first and not row.job.english
        self.labels[row.tagged.label.value] += 1
        self.review += row.tagged.needs_review
        self.truncated += row.tagged.truncated

    def include(self, other: Tally) -> None:
        """Add what another part of the run counted."""
        for name in ("texts", "review", "truncated", "repeated", "foreign"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.labels.update(other.labels)

    def summary(self) -> str:
        """Return the counts in one line."""
        total = self.labels.total()
        counts = ", ".join(f"{self.labels[label]} {label.value}" for label in LABELS)
        parts = [f"{plural(total, 'sentence')} in {plural(self.texts, 'text')}: {counts}"]
        if self.review:
            parts.append(f"{self.review} to review")
        if self.truncated:
            parts.append(f"{self.truncated} truncated")
        if self.repeated:
            parts.append(f"{plural(self.repeated, 'repeated text')}")
        if self.foreign:
            parts.append(f"{plural(self.foreign, 'text')} not in English")
        return "; ".join(parts)


def check_errors_file(path: Path) -> None:
    """Refuse to take the place of a file that no earlier run wrote.

    Raises:
        InputError: what stands there is something else than failures.
    """
    if not path.exists():
        return
    fields: object = None
    with suppress(ValueError, RecursionError):
        if path.is_file():
            with path.open("rb") as file:
                first = file.readline(_LONGEST_FAILURE)
            fields = json.loads(first) if first else dict.fromkeys(_FAILURE_FIELDS)
    if not isinstance(fields, dict) or tuple(fields) != _FAILURE_FIELDS:
        raise InputError(
            f"{path}: expected nothing, or what failed in an earlier run, where failures are to "
            "go, found another file: move it away, or choose another name for -o"
        )


def failure_line(failure: Failure) -> bytes:
    """Return a failure as a line of an errors file."""
    values = (failure.file, failure.line, failure.reason)
    return json_line(dict(zip(_FAILURE_FIELDS, values, strict=True)))


def note_line(note: Note) -> str:
    """Return a note as it is shown."""
    kind = "warning" if note.warning else "note"
    return f"{kind}: {place_of(note)}: {note.message}"


def removed_lines(job: Job) -> list[str]:
    """Return a line for each part that was taken out: place, reason and text."""
    return [
        f"removed from {place_of(job.item)} [{part.start}:{part.end}] {part.reason}: "
        f"{' '.join(part.text.split())}"
        for part in job.removed
    ]


def say(message: str) -> None:
    """Write one line on standard error; a closed one is no reason to stop."""
    with suppress(OSError):
        sys.stderr.write(f"claimwire: {printable(message)}\n")


def printable(text: str) -> str:
    """Return text on one line without the characters that could steer a terminal."""
    return _STEERING.sub("\ufffd", " ".join(text.split()))


def plural(count: int, noun: str) -> str:
    """Return the count with its noun, such as ``1 sentence`` or ``2,000 sentences``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def place_of(entry: Failure | Note | Item) -> str:
    """Return where something stands, such as ``news.jsonl:12``."""
    return entry.file if entry.line is None else f"{entry.file}:{entry.line}"
