"""Going on after an interruption: the rows of ``OUT.partial`` are taken over, and checked.

The inputs are read and split once more from their beginning, which takes a small part of the time
that tagging takes; only the model's decisions come out of the file. Each row is compared with the
one in the file, byte by byte, so that other inputs, options or another model are noticed. A batch
that the interrupted run did not finish is tagged again as a whole, with the same sentences in it,
and those of its rows that are there are compared in all but the model's decisions.
Hence the bytes of the end result are those of an uninterrupted run.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from claimwire.data.errors import InputError
from claimwire.data.segment import Span
from claimwire.model.decision import Decision
from claimwire.serve.reports import Tally, plural, say
from claimwire.serve.rows import Recorder, Row
from claimwire.serve.tagger import TaggedSentence


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
        self._unfinished: deque[bytes] = deque()
        self._end = 0
        self._taken = 0
        self._is_over = False

    def recorded(self, count: int) -> list[Decision] | None:
        """Return the decisions of the next rows, so many, where all of them are in the file.

        Where not, those that are there are compared as they are written, and what comes after
        them, a line without its end, is cut off.
        """
        if self._is_over:
            return None
        start = self._stream.tell()
        lines = [self._stream.readline() for _ in range(count)]
        if not lines[-1].endswith(b"\n"):
            self._unfinished.extend(line for line in lines if line.endswith(b"\n"))
            self._end = start + sum(map(len, self._unfinished))
            self._is_over = True
            if not self._unfinished:
                self._go_on()
            return None
        self._there.extend(lines)
        return [self._decision(line) for line in lines]

    def write(self, row: Row) -> None:
        """Write one row, or compare it with the one that is there."""
        if self._unfinished:
            line = self._unfinished.popleft()
            self._compare(_decided(row, self._decision(line)), line)
            if not self._unfinished:
                self._go_on()
        elif self._there:
            self._compare(row, self._there.popleft())
        else:
            self._stream.write(self._recorder.line(row))

    def finish(self, tally: Tally) -> None:
        """Refuse a file with more in it than the inputs give."""
        if not self._is_over and self._stream.read(1):
            raise self._foreign()

    def _compare(self, row: Row, line: bytes) -> None:
        if self._recorder.line(row) != line:
            raise self._foreign()
        self._taken += 1

    def _go_on(self) -> None:
        self._stream.seek(self._end)
        self._stream.truncate()
        say(f"note: {plural(self._taken, 'row')} were there already; going on after them")

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


def _decided(row: Row, decision: Decision) -> Row:
    """Return the row with another decision."""
    span = Span(row.tagged.start, row.tagged.end, row.tagged.text)
    return replace(row, tagged=TaggedSentence.of(span, decision))
