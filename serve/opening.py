"""Opening inputs: files and standard input, gzip taken off, with a count of the bytes read."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO, Final, cast

from claimwire.serve.sources import Source

BUFFER: Final = 65_536
"""Bytes read at once, and looked at to tell what they are."""

MOST_BYTES: Final = 64 * 2**20
"""Most bytes of one text: of a line of records, or of an article that is a file of its own.

A megabyte of gzip can hold a line of a thousand, and a line is in memory as a whole, with what is
made of it some 26 times its size. An article of this size has ten million words."""

GZIP_MAGIC: Final = b"\x1f\x8b"

_CUT: Final = 80
"""Bytes that are left of a line that is too long."""

_TOLD_BY: Final = 16
"""Bytes at the beginning that tell every known binary format."""


class Stream:
    """The bytes of an input, decompressed where they were gzip.

    Attributes:
        head: the beginning, which is still to be read as well.
        zipped: whether it was gzip.
    """

    def __init__(self, handle: io.BufferedIOBase, on_bytes: Callable[[int], None]) -> None:
        plain = io.BufferedReader(_Counted(handle, on_bytes), BUFFER)
        self.zipped = plain.peek(BUFFER).startswith(GZIP_MAGIC)
        # GzipFile's own reader decompresses 8 KiB at a time, so that memory stays flat.
        self._lines = (
            io.BufferedReader(_Unzipped(cast("BinaryIO", plain)), BUFFER) if self.zipped else plain
        )
        self.head = self._lines.peek(BUFFER)

    def __iter__(self) -> Iterator[bytes]:
        """Give the lines, each with its newline; a CutLine for one that is too long."""
        while line := self._lines.readline(MOST_BYTES + 1):
            yield line if len(line) <= MOST_BYTES else self._cut(line)

    def read(self, most: int = -1) -> bytes:
        """Read what is left, or so many bytes of it at most."""
        return self._lines.read(most)

    def _cut(self, line: bytes) -> CutLine:
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = self._lines.readline(BUFFER)
        return CutLine(line[:_CUT])


class CutLine(bytes):
    """The beginning of a line of more than MOST_BYTES; the rest of it is passed over."""


class _Counted(io.RawIOBase):
    """A handle read piece by piece; it belongs to the caller, who closes it."""

    def __init__(self, handle: io.BufferedIOBase, on_bytes: Callable[[int], None]) -> None:
        self._handle = handle
        self._on_bytes = on_bytes
        self._least = _TOLD_BY

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._handle.read1(len(buffer))
        while 0 < len(data) < self._least:  # a pipe may begin with less than tells the format
            more = self._handle.read1(len(buffer) - len(data))
            if not more:
                break
            data += more
        self._least = 0
        buffer[: len(data)] = data
        self._on_bytes(len(data))
        return len(data)


class _Unzipped(io.RawIOBase):
    """Decompressed bytes, as many at a time as are wanted."""

    def __init__(self, zipped: BinaryIO) -> None:
        self._file = gzip.GzipFile(fileobj=zipped)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read1(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def opened(source: Source) -> AbstractContextManager[io.BufferedIOBase]:
    """Open an input; standard input is left open at the end."""
    if source.remote is not None:
        from claimwire.serve.stores import open_remote

        return open_remote(source.remote)
    if source.path is None:
        return nullcontext(cast("io.BufferedIOBase", sys.stdin.buffer))
    return source.path.open("rb")
