"""Going on after an interruption: the rows of ``OUT.partial`` are taken over, and checked.

The inputs are read and split once more from their beginning, which takes a small part of the time
that tagging takes; only the model's decisions come out of the file. Each row is compared with the
one in the file, byte by byte, so that other inputs, options or another model are noticed. A batch
that the interrupted run did not finish is tagged again as a whole, with the same sentences in it.
Hence the bytes of the end result are those of an uninterrupted run.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import BinaryIO

from claimwire.data.errors import InputError
from claimwire.model.decision import Decision
from claimwire.serve.reports import Tally, plural, say
from claimwire.serve.rows import Recorder, Row


class ResumedWriter:
    """Writes rows as JSON Lines after those that are there.

    Args:
        stream: the file of the interrupted run, to read and write; its position is its beginning.
        recorder: makes the lines.
        output: names the output in messages.
    """

    def __init__(self, stream: BinaryIO, recorder: Recorder, output: Path) -> None:
        self._stream = stream
        self._recorder = recorder
        self._output = output
        self._there: deque[bytes] = deque()
        self._taken = 0
        self._is_over = False

    def recorded(self, count: int) -> list[Decision] | None:
        """Return the decisions of the next rows, so many, where all of them are in the file.

        Where not, the file is cut off before the first of them.
        """
        if self._is_over:
            return None
        start = self._stream.tell()
        lines = [self._stream.readline() for _ in range(count)]
        if not lines[-1].endswith(b"\n"):
            self._stream.seek(start)
            self._stream.truncate()
            self._is_over = True
            say(f"note: {plural(self._taken, 'row')} were there already; going on after them")
            return None
        self._there.extend(lines)
        return [self._decision(line) for line in lines]

    def write(self, row: Row) -> None:
        """Write one row, or compare it with the one that is there."""
        line = self._recorder.line(row)
        if not self._there:
            self._stream.write(line)
            return
        if self._there.popleft() != line:
            raise self._foreign()
        self._taken += 1

    def finish(self, tally: Tally) -> None:
        """Refuse a file with more in it than the inputs give."""
        if not self._is_over and self._stream.read(1):
            raise self._foreign()

    def close(self) -> None:
        """Nothing is held."""

    def _decision(self, line: bytes) -> Decision:
        try:
            return self._recorder.decision(line)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise self._foreign() from error

    def _foreign(self) -> InputError:
        return InputError(
            f"{self._output}.partial: expected what this command had written before, found "
            f"something else from row {self._taken + 1} on: give the same inputs, options and "
            "model as then, or leave out --resume to begin again"
        )
