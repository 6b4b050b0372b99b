"""Results out: the formats, and files that appear whole or not at all."""

from __future__ import annotations

import fcntl
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from claimwire.data.errors import InputError
from claimwire.serve.permissions import mode_of, opener, set_mode
from claimwire.serve.reports import Tally, say
from claimwire.serve.rows import Recorder, Row


class Format(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    HTML = "html"


FORMAT_OF_SUFFIX: Final = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".csv": Format.CSV,
    ".parquet": Format.PARQUET,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".txt": Format.TABLE,
    "": Format.TABLE,
}
RESUMABLE: Final = frozenset({Format.JSONL, Format.CSV, Format.PARQUET})
"""Formats whose rows are kept as JSON Lines in ``OUT.partial``, from which a run can go on."""


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
        suffixes = ", ".join(filter(None, FORMAT_OF_SUFFIX))
        raise InputError(
            f"{output}: expected a suffix that tells the format ({suffixes}), found "
            f"{suffix!r}: give --format, one of {known}"
        )
    return FORMAT_OF_SUFFIX[suffix]


def errors_path(output: Path) -> Path:
    """Return where failures go: ``OUT.errors.jsonl`` for ``OUT.jsonl``.

    Of another suffix it is kept, as in ``OUT.csv.errors.jsonl``, and without one it is
    ``OUT.table.errors.jsonl``, so that outputs side by side do not take each other's.
    """
    stem = output.name.removesuffix(".jsonl") if output.suffix else f"{output.name}.table"
    return output.with_name(stem + ".errors.jsonl")


def partial_path(output: Path) -> Path:
    """Return the name under which an output is written until it is whole."""
    return output.with_name(output.name + ".partial")


def converted_path(output: Path) -> Path:
    """Return the name under which rows become CSV or Parquet, until that is whole."""
    return output.with_name(output.name + ".converted")


def is_replaceable(output: Path) -> bool:
    """Whether an output is, or will be, a regular file; a device or pipe is written directly."""
    return output.is_file() or not output.exists()


Convert = Callable[[BinaryIO, BinaryIO], None]
"""Makes of rows as JSON Lines, read from the one stream, a file in the other."""


@contextmanager
def open_output(
    output: Path | None, convert: Convert | None = None, *, resume: bool = False
) -> Iterator[BinaryIO]:
    """Open standard output (None), or a file that takes its name only when it is whole.

    Where the block fails, a file of that name keeps its old content and ``OUT.partial`` stays.

    Args:
        output: the file.
        convert: where given, the block writes rows, and the output is made of them at its end.
        resume: whether the block gets ``OUT.partial`` as it is, if there is one, to go on with.

    Raises:
        BrokenPipeError: standard output was closed by its reader.
        InputError: it cannot be written for another reason.
    """
    try:
        if output is not None and is_replaceable(output):
            with _replaced(output, convert, resume=resume) as stream:
                yield stream
            return
        with _standard_output() if output is None else output.open("wb") as stream:
            if convert is None:
                yield stream
                return
            with tempfile.TemporaryFile() as rows:
                yield rows
                convert(rows, stream)
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
        discard_stdout()
        raise


def discard_stdout() -> None:
    """Drop what is still buffered: it would fail once more, aloud, as the interpreter ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _replaced(output: Path, convert: Convert | None, *, resume: bool) -> Iterator[BinaryIO]:
    target = output.resolve()  # a symbolic link stays: the file behind it is replaced
    path = partial_path(target)
    mode = mode_of(target)
    with _locked(path, mode) as stream:
        if not resume:
            if stream.seek(0, os.SEEK_END):
                say(f"note: {path} of an interrupted run is begun again: --resume goes on from it")
            stream.seek(0)
            stream.truncate()
        yield stream
        _settle(stream)
        if convert is None:
            set_mode(path, mode)
            path.replace(target)
            return
        whole = converted_path(target)
        with open(whole, "wb", opener=opener(mode)) as converted:
            convert(stream, converted)
            _settle(converted)
        set_mode(whole, mode)
        whole.replace(target)
        path.unlink()


@contextmanager
def _locked(path: Path, mode: int | None) -> Iterator[BinaryIO]:
    """Open a file to read and write it, alone: a second writer would spoil it."""
    while True:
        with open(path, "r+b", opener=opener(mode)) as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"{path}: expected to write there alone, found another claimwire that does: "
                    "wait for its end, or choose another name for -o"
                ) from None
            except OSError:  # a file system without locks
                pass
            if _stands_at(stream, path):
                yield stream
                return
        # Between opening and lock another run has finished, and this was its result.


def _stands_at(stream: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _settle(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


class Writer(Protocol):
    """Takes rows one by one."""

    def write(self, row: Row) -> None:
        """Take one row."""

    def finish(self, tally: Tally) -> None:
        """Write what comes after the last row."""

    def close(self) -> None:
        """Let go of what the writer holds, whether it has finished or not; not of the stream."""


class JsonlWriter:
    """Writes one JSON object a line, as rows come.

    Args:
        stream: where the lines go.
        recorder: makes them.
    """

    def __init__(self, stream: BinaryIO, recorder: Recorder) -> None:
        self._stream = stream
        self._recorder = recorder

    def write(self, row: Row) -> None:
        """Write one line."""
        self._stream.write(self._recorder.line(row))

    def finish(self, tally: Tally) -> None:
        """Nothing follows the last line."""

    def close(self) -> None:
        """Nothing is held."""
