"""The progress bar of long runs, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from claimwire.serve.inputs import Reader
from claimwire.serve.reports import Tally, plural


class _Sentences(ProgressColumn):
    """Counts the sentences tagged so far, and updates the bar with the bytes read."""

    def __init__(self, reader: Reader, tally: Tally) -> None:
        super().__init__()
        self._reader = reader
        self._tally = tally

    def render(self, task: Task) -> Text:
        """Return the count and the speed."""
        task.completed = self._reader.bytes_read
        count = self._tally.labels.total()
        speed = count / task.elapsed if task.elapsed else 0.0
        return Text(f"{plural(count, 'sentence')}, {speed:,.0f}/s")


@contextmanager
def watch(reader: Reader, tally: Tally) -> Iterator[None]:
    """Show a bar of the bytes read and a count of the sentences tagged until the block ends."""
    columns = (_Sentences(reader, tally), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task("", total=reader.total_bytes)
        yield


@contextmanager
def count(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar of things done until the block ends; it gets what to call after each."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=Console(stderr=True), transient=True, redirect_stderr=False
    ) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)
