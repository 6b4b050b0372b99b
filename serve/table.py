"""Results for people: each sentence with its label and probabilities, row by row.

::

    article.txt: 22 sentences

       #  label                    prob.  attack  interc.  attrib.  backgr.
       1  attack_claim              0.93    0.93     0.02     0.11     0.05
          On Sunday, rockets were reportedly fired at US forces.
       2  attribution_inference     0.41    0.12     0.02     0.41     0.40  review
          ...

A row has the same columns whatever the other rows are, so rows are printed as they come. On a
terminal labels are coloured and sentences are wrapped; elsewhere a sentence is one line, uncut.
"""

from __future__ import annotations

import io
import sys
from typing import BinaryIO, Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from claimwire.data.labels import LABELS, Label
from claimwire.serve.convert import TextStream
from claimwire.serve.reports import Tally, place_of, plural, printable, removed_lines
from claimwire.serve.rows import Job, Recorder, Row

STYLES: Final = {
    Label.ATTACK_CLAIM: "bold red",
    Label.INTERCEPTION_CLAIM: "bold cyan",
    Label.ATTRIBUTION_INFERENCE: "bold yellow",
    Label.BACKGROUND: "dim",
}
SHORT_NAMES: Final = {
    Label.ATTACK_CLAIM: "attack",
    Label.INTERCEPTION_CLAIM: "interc.",
    Label.ATTRIBUTION_INFERENCE: "attrib.",
    Label.BACKGROUND: "backgr.",
}
_NUMBER: Final = 4
_LABEL: Final = max(len(label.value) for label in LABELS) + 2
_SCORE: Final = 9
_INDENT: Final = _NUMBER + 2


class TableWriter:
    """Prints rows for people.

    Args:
        stream: where a plain table goes.
        recorder: knows the model's identity.
        show_removed: list after each article what was taken out of it.
        on_terminal: write to standard output, a terminal, instead: coloured and wrapped.
    """

    def __init__(
        self,
        stream: BinaryIO,
        recorder: Recorder,
        *,
        show_removed: bool = False,
        on_terminal: bool = False,
    ) -> None:
        self._recorder = recorder
        self._show_removed = show_removed
        self._job: Job | None = None
        self._file: str | None = None
        # Bytes in UTF-8 whatever the locale says, so that the same input gives the same bytes.
        self._plain = TextStream(stream)
        self._terminal = _console() if on_terminal else None

    def write(self, row: Row) -> None:
        """Print one row, and before the first one of an article its heading."""
        if row.job is not self._job:
            self._heading(row.job)
        self._job = row.job
        self._print(_numbers(row))
        for label in row.tagged.labels[1:]:
            self._print(_second_label(row, label))
        self._sentence(row)
        if self._show_removed and row.is_last:
            for line in removed_lines(row.job):
                self._print(Text(printable(line), style="dim"))

    def finish(self, tally: Tally) -> None:
        """Print the counts and which model made them."""
        self._print(Text())
        self._print(Text(tally.summary()))
        self._print(Text(f"model: {self._recorder.model}"))

    def close(self) -> None:
        """Nothing is held."""

    def _heading(self, job: Job) -> None:
        """Print the heading of an article, or of a file of single sentences."""
        if job.item.is_sentence:
            if job.item.file == self._file:
                return
            heading = job.item.file
        else:
            heading = f"{_name(job)}: {plural(job.sentences, 'sentence')}"
        if self._file is not None:
            self._print(Text())
        self._file = job.item.file
        marks = _marks(job)
        self._print(Text(printable(heading), style="bold") + Text(marks, style="bold magenta"))
        self._print(Text())
        names = "".join(SHORT_NAMES[label].rjust(_SCORE) for label in LABELS)
        head = f"{'#':>{_NUMBER}}  {'label':<{_LABEL}}{'prob.':>6}{names}"
        self._print(Text(head, style="dim"))

    def _sentence(self, row: Row) -> None:
        text = Text(printable(row.tagged.text))
        if self._terminal is not None:
            self._terminal.print(Padding(text, (0, 0, 0, _INDENT)))
        else:
            self._print(Text(" " * _INDENT) + text)

    def _print(self, text: Text) -> None:
        """Print one line, never cut; a narrow terminal wraps it."""
        if self._terminal is not None:
            self._terminal.print(text, soft_wrap=True)
        else:
            self._plain.write(f"{text.plain}\n")


def _console() -> Console:
    """Return standard output as a terminal that shows what its encoding lacks as ``?``."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Console(highlight=False, markup=False, emoji=False)


def _name(job: Job) -> str:
    """Return what an article is called: its place, and its id where that says more."""
    place = place_of(job.item)
    article_id = str(job.item.article_id)
    return (
        place
        if job.item.line is None or article_id == str(job.item.line)
        else (f"{place} ({article_id})")
    )


def _marks(job: Job) -> str:
    """Return what is to be known of an article before its sentences are read."""
    if job.item.is_sentence:
        return ""
    marks = ("" if job.english else "not English", "repeated" if job.repeated else "")
    return "".join(f"  {mark}" for mark in marks if mark)


def _numbers(row: Row) -> Text:
    """Return the line with label and probabilities."""
    tagged = row.tagged
    item = row.job.item
    number = item.line if item.is_sentence and item.line is not None else row.index + 1
    text = Text(f"{number:>{_NUMBER}}  ")
    text.append(f"{tagged.label.value:<{_LABEL}}", style=STYLES[tagged.label])
    text.append(f"{tagged.confidence:>6.2f}", style="bold")
    for label in LABELS:
        style = "" if label in tagged.labels else "dim"
        text.append(f"{tagged.scores[label]:>{_SCORE}.2f}", style=style)
    if tagged.needs_review:
        text.append("  review", style="bold magenta")
    if tagged.truncated:
        text.append("  truncated", style="bold magenta")
    if item.is_sentence and not row.job.english:
        text.append("  not English", style="bold magenta")
    return text


def _second_label(row: Row, label: Label) -> Text:
    """Return the line of a claim that the sentence makes besides its primary one."""
    text = Text(" " * _INDENT)
    text.append(f"{'+ ' + label.value:<{_LABEL}}", style=STYLES[label])
    text.append(f"{row.tagged.scores[label]:>6.2f}")
    return text
