"""What ``claimwire corpus check`` and ``claimwire corpus stats`` do.

Each function prints to standard output and returns the exit code.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from claimwire.data.checks import (
    WITHIN_SPLIT_TOLERANCE,
    Problem,
    Rule,
    check_corpus,
)
from claimwire.data.corpus import SPLITS, Example, corpus_digest, load_examples
from claimwire.data.errors import ConfigError, CorpusError
from claimwire.data.jsonlines import did_you_mean
from claimwire.data.labels import LABELS
from claimwire.data.stats import CorpusStats, Counts, corpus_stats

MOST_PROBLEMS_LISTED: Final = 20
"""Findings of one rule that are listed in full."""

_FORMATS: Final = ("table", "json")
_LABEL_HEADINGS: Final = ("att", "int", "attr", "bg")
_ALLOWED: Final[dict[Rule, str]] = {
    Rule.WITHIN: f"{WITHIN_SPLIT_TOLERANCE:.1%} of a split",
    Rule.SHORT: "any number",
}


def check(corpus: Path | None, extra: list[Path]) -> int:
    """Check a corpus, alone or together with extra files, and print a report.

    Args:
        corpus: the corpus directory; None: the one that ships with claimwire.
        extra: files of records or documents that training would add.

    Returns:
        0 where every rule holds, 1 where one fails.

    Raises:
        InputError: a file or directory does not exist or cannot be read.
        MissingExtraError: datasketch, of the extra [train], is not installed.
    """
    console = Console()
    try:
        examples = load_examples(corpus, extra)
    except CorpusError as error:
        _line(console, f"FAILED  {Rule.SCHEMA}", "bold red")
        for message in str(error).splitlines():
            _line(console, f"  {message}")
        _line(console, "Duplicates are looked for once every line holds.")
        return 1
    problems = check_corpus(examples)
    console.print(_check_table(problems))
    for rule in Rule:
        _list_problems(console, [problem for problem in problems if problem.rule is rule])
    failed = [rule.value for rule in Rule if any(p.fails and p.rule is rule for p in problems)]
    counted = f"{len(examples):,} sentences in {_documents(examples):,} documents"
    if failed:
        _line(console, f"FAILED  {counted}: {'; '.join(failed)}", "bold red")
        return 1
    _line(console, f"ok  {counted}: every rule holds", "bold green")
    return 0


def stats(corpus: Path | None, extra: list[Path], output_format: str) -> int:
    """Print the counts of a corpus, alone or together with extra files.

    Args:
        corpus: the corpus directory; None: the one that ships with claimwire.
        extra: files of records or documents that training would add.
        output_format: ``table``, or ``json`` for one object on one line.

    Returns:
        0.

    Raises:
        ConfigError: the format is unknown.
        InputError: a file or directory does not exist or cannot be read.
        CorpusError: something breaks the corpus contract.
    """
    if output_format not in _FORMATS:
        raise ConfigError(
            f"--format: expected one of {', '.join(_FORMATS)}, found {output_format!r}"
            f"{did_you_mean(output_format, _FORMATS)}"
        )
    counted = corpus_stats(load_examples(corpus, extra))
    digest = corpus_digest(corpus, extra)
    console = Console()
    if output_format == "json":
        whole = {"digest": digest, **counted.as_json()}
        _line(console, json.dumps(whole, ensure_ascii=False))
        return 0
    _print_tables(console, counted)
    headings = ", ".join(f"{h} {label}" for h, label in zip(_LABEL_HEADINGS, LABELS, strict=True))
    _line(console, f"\ndocs: documents; sent: sentences; {headings};")
    _line(console, "two: with two or more labels; hard: marked hard; words: words a sentence")
    _line(console, f"digest {digest}")
    return 0


def _line(console: Console, text: str, style: str = "") -> None:
    """Print one line as it is: no markup, no wrapping, whatever the sentence holds."""
    console.print(Text(text, style=style), soft_wrap=True)


def _documents(examples: Sequence[Example]) -> int:
    return len({example.document_key for example in examples} - {None})


def _check_table(problems: Sequence[Problem]) -> Table:
    """Return one row a rule: the result, what was found and what is allowed."""
    found = Counter(problem.rule for problem in problems if problem.where)
    failed = {problem.rule for problem in problems if problem.fails}
    table = Table(title="Corpus check")
    table.add_column("rule")
    table.add_column("result")
    table.add_column("found", justify="right")
    table.add_column("allowed", justify="right")
    for rule in Rule:
        result = Text("FAILED", "bold red") if rule in failed else Text("ok", "green")
        table.add_row(rule.value, result, f"{found[rule]:,}", _ALLOWED.get(rule, "0"))
    return table


def _list_problems(console: Console, problems: Sequence[Problem]) -> None:
    """List the findings of one rule, failures first, with their positions."""
    if not problems:
        return
    _line(console, f"\n{problems[0].rule}", "bold")
    for problem in problems[:MOST_PROBLEMS_LISTED]:
        _line(console, f"  {'FAILED' if problem.fails else 'note'}  {problem.message}")
        for place in problem.where:
            _line(console, f"      {place}")
    if len(problems) > MOST_PROBLEMS_LISTED:
        _line(console, f"  ... and {len(problems) - MOST_PROBLEMS_LISTED:,} more")


def _print_tables(console: Console, counted: CorpusStats) -> None:
    """Print the tables by split, theatre, genre and, where there are several, source."""
    console.print(_count_table("By split", {**counted.splits, "all": counted.total}, False))
    console.print(_count_table("By theatre", counted.theatres, True))
    console.print(_count_table("By genre", counted.genres, True))
    if len(counted.sources) > 1:
        console.print(_count_table("By source", counted.sources, True))


def _count_table(title: str, groups: Mapping[str, Counts], show_splits: bool) -> Table:
    """Return one row a group; a sentence with two labels counts under both."""
    table = Table(
        title=f"\n{title}", title_justify="left", box=None, padding=(0, 0, 0, 1), pad_edge=False
    )
    table.add_column(title.removeprefix("By "), no_wrap=True)
    splits = ("train", "val", "test") if show_splits else ()
    for heading in ("docs", "sent", *splits, *_LABEL_HEADINGS, "two", "hard", "words"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, counts in groups.items():
        table.add_row(
            Text(name),
            str(counts.documents),
            str(counts.sentences),
            *(str(counts.by_split[split]) for split in SPLITS if show_splits),
            *(str(counts.labels[label]) for label in LABELS),
            f"{counts.two_label_share:.0%}",
            f"{counts.hard_share:.0%}",
            f"{counts.mean_words:.1f}",
        )
    return table
