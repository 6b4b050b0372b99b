"""What ``claimwire corpus suspects`` does: prints or writes, returns the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from claimwire.data.corpus import load_examples
from claimwire.data.errors import ConfigError, InputError
from claimwire.data.jsonlines import did_you_mean
from claimwire.model.released_network import is_released
from claimwire.train.suspects import Suspect, SuspectReport, require_enough, suspects_of

FORMATS: Final = ("table", "jsonl")
_LINES_SUFFIXES: Final = (".jsonl", ".ndjson")
_FILE_WIDTH: Final = 120
"""Columns of a table in a file, where no terminal says how wide it is."""
_INDENT: Final = 6
_LABEL_WIDTH: Final = 28


@dataclass(frozen=True, slots=True)
class SuspectOptions:
    """The options of ``claimwire corpus suspects``.

    Attributes:
        base: the frozen encoder, as ``model.base`` of a configuration.
        top: most suspects that are shown or written, the worst; 0: all.
        output_format: ``table`` or ``jsonl``; None: by the suffix of ``output``, else a table.
        output: file to write, whole or not at all; None: standard output.
        seed: of the folds.
    """

    base: str = "packaged:minilm"
    top: int = 50
    output_format: str | None = None
    output: Path | None = None
    seed: int = 13


def corpus_suspects(corpus: Path | None, extra: Sequence[Path], options: SuspectOptions) -> int:
    """List the sentences whose labels are likely wrong, the worst first, with reasons.

    Args:
        corpus: the corpus directory; None: the one that ships with claimwire.
        extra: files of records or documents to judge together with it.
        options: what to judge with, and what to show where.

    Returns:
        0, however many suspects there are: they are for reading, not a failure.

    Raises:
        ConfigError: an option's value is wrong.
        InputError: a file or directory cannot be read, or the output cannot be written.
        CorpusError: the corpus breaks its contract, or is too small.
        EncoderError: the encoder cannot be had.
        MissingExtraError: the extra [train] is not installed.
    """
    lines = _checked_format(options) == "jsonl"
    if options.output is not None and not options.output.parent.is_dir():
        raise InputError(
            f"{options.output}: expected a folder to write in, found none: make "
            f"{options.output.parent}, or name another with --output"
        )
    if is_released(options.base):
        raise ConfigError(
            f"--base: expected an encoder that saw no labels, found {options.base}: its "
            "training may have seen these; name one such as packaged:claimwire"
        )
    examples = load_examples(corpus, extra)
    require_enough(examples)  # before the libraries load, which takes seconds
    notes = Console(stderr=True)
    report = suspects_of(examples, options.base, notes, options.seed)
    shown = report.suspects[: options.top or None]
    with _console(options.output) as console:
        if lines:
            for suspect in shown:
                console.out(json_line(suspect), highlight=False)
        else:
            print_suspects(console, shown)
    aside = notes if lines or options.output else Console()
    for line in _summary(report, len(shown), options):
        aside.print(Text(line), soft_wrap=True)
    return 0


def json_line(suspect: Suspect) -> str:
    """Return one line of JSON; halves of surrogate pairs become question marks."""
    line = json.dumps(suspect.to_json(), ensure_ascii=False)
    return line.encode("utf-8", "replace").decode("utf-8")


def print_suspects(console: Console, suspects: Sequence[Suspect]) -> None:
    """Print each suspect: labels with probabilities, its text cut to the width, the reasons."""
    if not suspects:
        return
    head = f"{'#':>4}  {'score':>5}  {'given':<{_LABEL_WIDTH}}{'suggested':<{_LABEL_WIDTH}}document"
    _print_cut(console, Text(head, style="dim"))
    for number, suspect in enumerate(suspects, start=1):
        given = f"{suspect.given[0]} {suspect.given_probability:.2f}"
        suggested = f"{suspect.suggested} {suspect.suggested_probability:.2f}"
        row = f"{number:>4}  {suspect.score:>5.2f}  {given:<{_LABEL_WIDTH}}"
        row += f"{suggested:<{_LABEL_WIDTH}}{_printable(suspect.document or '-')}"
        _print_cut(console, Text(row, style="bold"))
        _print_cut(console, Text(" " * _INDENT + _printable(suspect.text)))
        # The first reason is what the row above says.
        notes = Text(_printable("; ".join([suspect.id, *suspect.reasons[1:]])), style="dim")
        for line in notes.wrap(console, console.width - _INDENT):
            console.print(Text(" " * _INDENT) + line, no_wrap=True)


def _summary(report: SuspectReport, shown: int, options: SuspectOptions) -> Iterator[str]:
    found = len(report.suspects)
    most = "" if shown == found else f", the {shown:,} likeliest shown (--top 0: all)"
    yield f"{found:,} suspects among {report.sentences:,} sentences{most}"
    yield (
        f"estimated share of wrong primary labels: {report.noise:.1%}, likely too high: "
        f"{options.base} without fine-tuning agrees with {report.accuracy:.1%} of the labels, and "
        "its own mistakes count as the labels'"
    )
    if options.output is not None:
        yield f"written to {options.output}"


def _checked_format(options: SuspectOptions) -> str:
    """Return ``table`` or ``jsonl``, once the options hold."""
    if options.top < 0:
        raise ConfigError(
            f"--top: expected a number of suspects, or 0 for all, found {options.top}: raise it"
        )
    if options.output_format is None:
        suffix = "" if options.output is None else options.output.suffix.lower()
        return "jsonl" if suffix in _LINES_SUFFIXES else "table"
    if options.output_format not in FORMATS:
        raise ConfigError(
            f"--format: expected one of {', '.join(FORMATS)}, found {options.output_format!r}"
            f"{did_you_mean(options.output_format, FORMATS)}"
        )
    return options.output_format


@contextmanager
def _console(output: Path | None) -> Iterator[Console]:
    """Open standard output (None), or a file that takes its name only when it is whole."""
    if output is None:
        yield Console()
        return
    partial = output.with_name(output.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            yield Console(file=file, width=_FILE_WIDTH)
        partial.replace(output)
    except OSError as error:
        raise InputError(
            f"{output}: expected to write there, found: {error.strerror or error}: check the "
            "folder, its permissions and the free space"
        ) from error


def _print_cut(console: Console, line: Text) -> None:
    """Print one line, cut to the console's width."""
    console.print(line, no_wrap=True, overflow="ellipsis")


def _printable(text: str) -> str:
    """Return text on one line without the characters that could steer a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
