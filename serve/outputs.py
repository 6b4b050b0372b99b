"""Results out: JSON Lines and CSV, and files that appear whole or not at all."""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from claimwire.data.errors import InputError
from claimwire.serve.records import json_line, replace_lone_surrogates
from claimwire.serve.reports import Tally
from claimwire.serve.rows import Recorder, Row


class Format(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"


FORMAT_OF_SUFFIX: Final = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".csv": Format.CSV,
    ".txt": Format.TABLE,
    "": Format.TABLE,
}


def choose_format(asked: str | None, output: Path | None) -> Format:
    """Return the format asked for, else the one of the output's suffix, else the table.

    Raises:
        InputError: an unknown format, or a suffix that says nothing known.
    """
    known = ", ".join(Format)
    if asked is not None:
        if asked not in set(Format):
            raise InputError(f"--format: expected one of {known}, found {asked!r}")
        return Format(asked)
    suffix = output.suffix.lower() if output is not None else ""
    if suffix not in FORMAT_OF_SUFFIX:
        raise InputError(
            f"{output}: expected a suffix that tells the format (.jsonl, .csv, .txt), found "
            f"{suffix!r}: give --format, one of {known}"
        )
    return FORMAT_OF_SUFFIX[suffix]


def errors_path(output: Path) -> Path:
    """Return where failures go: ``OUT.errors.jsonl`` for ``OUT.jsonl``, ``OUT.csv`` or ``OUT``."""
    suffix = output.suffix if output.suffix.lower() in FORMAT_OF_SUFFIX else ""
    return output.with_name(output.name.removesuffix(suffix) + ".errors.jsonl")


def partial_path(output: Path) -> Path:
    """Return the name under which an output is written until it is whole."""
    return output.with_name(output.name + ".partial")


def is_replaceable(output: Path) -> bool:
    """Whether an output is, or will be, a regular file; a device or pipe is written directly."""
    return output.is_file() or not output.exists()


@contextmanager
def open_output(output: Path | None) -> Iterator[BinaryIO]:
    """Open standard output (None), or a file that takes its name only when it is whole.

    Where the block fails, a file of that name keeps its old content and ``OUT.partial`` stays.

    Raises:
        BrokenPipeError: standard output was closed by its reader.
        InputError: it cannot be written for another reason.
    """
    try:
        with _standard_output() if output is None else _file(output) as stream:
            yield stream
    except BrokenPipeError:
        raise
    except OSError as error:
        name = error.filename or output or "standard output"
        raise InputError(
            f"{name}: expected to write there, found: {error.strerror or error}: "
            "check the folder, its permissions and the free space"
        ) from error


@contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except OSError:
        # What is still buffered would fail once more, aloud, at the end of the interpreter.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


@contextmanager
def _file(output: Path) -> Iterator[BinaryIO]:
    if not is_replaceable(output):
        with output.open("wb") as stream:
            yield stream
        return
    target = output.resolve()  # a symbolic link stays: the file behind it is replaced
    path = partial_path(target)
    with path.open("wb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())
    path.replace(target)


class Writer(Protocol):
    """Takes rows one by one."""

    def write(self, row: Row) -> None:
        """Take one row."""

    def finish(self, tally: Tally) -> None:
        """Write what comes after the last row."""

    def close(self) -> None:
        """Let go of what the writer holds, whether it has finished or not; not of the stream."""


class TextStream:
    """Text into a stream of bytes, as UTF-8 whatever the locale says.

    Unlike :class:`io.TextIOWrapper` it does not own the stream, and so never closes it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text; halves of surrogate pairs become question marks."""
        self._stream.write(text.encode("utf-8", "replace"))
        return len(text)


class JsonlWriter:
    """Writes one JSON object a line, as rows come."""

    def __init__(self, stream: BinaryIO, recorder: Recorder) -> None:
        self._stream = stream
        self._recorder = recorder

    def write(self, row: Row) -> None:
        """Write one line."""
        self._stream.write(json_line(self._recorder.record(row)))

    def finish(self, tally: Tally) -> None:
        """Nothing follows the last line."""

    def close(self) -> None:
        """Nothing is held."""


class CsvWriter:
    """Writes CSV (RFC 4180, UTF-8, with a header).

    The columns are known only when the last row is (input fields travel along), so rows wait in
    a temporary file. An object or list in a cell is JSON text; null and a missing field are empty.
    """

    def __init__(self, stream: BinaryIO, recorder: Recorder) -> None:
        self._stream = stream
        self._recorder = recorder
        self._columns: dict[str, None] = {}
        self._waiting = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()

    def write(self, row: Row) -> None:
        """Take one row."""
        record = self._recorder.flat_record(row)
        self._columns.update(dict.fromkeys(record))
        self._waiting.write(json_line(record))

    def finish(self, tally: Tally) -> None:
        """Write the header and all rows."""
        writer = csv.writer(TextStream(self._stream))
        if self._columns:
            writer.writerow([_cell(name) for name in self._columns])
        self._waiting.seek(0)
        for line in self._waiting:
            record = json.loads(line)
            writer.writerow([_cell(record.get(name)) for name in self._columns])

    def close(self) -> None:
        """Drop the temporary file."""
        self._waiting.close()


def _cell(value: object) -> str:
    """Return a value as a cell."""
    match value:
        case None:
            return ""
        case str():
            return replace_lone_surrogates(value)[0]
        case _:
            return json.dumps(value, ensure_ascii=False)
