"""What ``claimwire corpus check`` and ``claimwire corpus stats`` do.

Each function prints to standard output and returns the exit code.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from claimwire.data.balance import TOLERANCE as BALANCE_TOLERANCE
from claimwire.data.card_tables import KEY
from claimwire.data.checks import (
    WITHIN_SPLIT_TOLERANCE,
    Problem,
    Rule,
    check_corpus,
)
from claimwire.data.composed_checks import CheckOptions, DocumentFindings, check_documents
from claimwire.data.corpus import Example, corpus_digest, load_examples
from claimwire.data.errors import ConfigError, CorpusError
from claimwire.data.jsonlines import did_you_mean
from claimwire.data.printing import print_line
from claimwire.data.stats import corpus_stats
from claimwire.data.stats_commands import card_tables, markdown, rich_table
from claimwire.data.templates import TOLERANCE as TEMPLATE_TOLERANCE

MOST_PROBLEMS_LISTED: Final = 20
"""Findings of one rule that are listed in full."""

_FORMATS: Final = ("table", "json", "markdown")
_ALLOWED: Final[dict[Rule, str]] = {
    Rule.WITHIN: f"{WITHIN_SPLIT_TOLERANCE:.1%} of a split",
    Rule.SHORT: "any number",
    Rule.TEMPLATES: f"under {TEMPLATE_TOLERANCE:.0%}",
    Rule.BALANCE: f"{100 * BALANCE_TOLERANCE:.0f} above chance",
}


def check(corpus: Path | None, extra: list[Path], options: CheckOptions | None = None) -> int:
    """Check a corpus, alone or together with extra files, and print a report.

    Args:
        corpus: the corpus directory; None: the one that ships with claimwire.
        extra: files of records or documents that training would add.
        options: what the documents of the corpus are checked against.

    Returns:
        0 where every rule holds, 1 where one fails.

    Raises:
        InputError: a file or directory does not exist or cannot be read.
        CorpusError: the annotations break their format.
        MissingExtraError: datasketch, of the extra [train], is not installed.
    """
    console = Console()
    try:
        examples = load_examples(corpus, extra)
    except CorpusError as error:
        print_line(console, f"FAILED  {Rule.SCHEMA}", "bold red")
        for message in str(error).splitlines():
            print_line(console, f"  {message}")
        print_line(console, "Duplicates are looked for once every line holds.")
        return 1
    documents = check_documents(corpus, options or CheckOptions())
    problems = [*check_corpus(examples), *documents.problems]
    console.print(_check_table(problems, documents))
    for rule, reason in documents.left_out.items():
        print_line(console, f"{rule.value}: not looked at, because {reason}")
    for rule in Rule:
        _list_problems(console, [problem for problem in problems if problem.rule is rule])
    failed = [rule.value for rule in Rule if any(p.fails and p.rule is rule for p in problems)]
    counted = f"{len(examples):,} sentences in {_documents(examples):,} documents"
    if failed:
        print_line(console, f"FAILED  {counted}: {'; '.join(failed)}", "bold red")
        return 1
    print_line(console, f"ok  {counted}: every rule holds", "bold green")
    return 0


def stats(corpus: Path | None, extra: list[Path], output_format: str) -> int:
    """Print the counts of a corpus, alone or together with extra files.

    Args:
        corpus: the corpus directory; None: the one that ships with claimwire.
        extra: files of records or documents that training would add.
        output_format: ``table``; ``json`` for one object on one line; ``markdown`` for the tables
            as ``docs/data-card.md`` has them.

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
    examples = load_examples(corpus, extra)
    counted = corpus_stats(examples)
    digest = corpus_digest(corpus, extra)
    console = Console()
    if output_format == "json":
        whole = {"digest": digest, **counted.as_json()}
        print_line(console, json.dumps(whole, ensure_ascii=False))
        return 0
    tables = card_tables(corpus, examples, counted)
    if output_format == "markdown":
        console.out(markdown(tables, KEY), highlight=False)
        return 0
    for table in tables:
        console.print(rich_table(table))
    print_line(console, f"\n{KEY}")
    print_line(console, f"digest {digest}")
    return 0


def _documents(examples: Sequence[Example]) -> int:
    return len({example.document_key for example in examples} - {None})


def _check_table(problems: Sequence[Problem], documents: DocumentFindings) -> Table:
    """Return one row a rule: the result, what was found and what is allowed."""
    found = Counter(problem.rule for problem in problems if problem.where)
    failed = {problem.rule for problem in problems if problem.fails}
    table = Table(title="Corpus check")
    table.add_column("rule")
    table.add_column("result")
    table.add_column("found", justify="right")
    table.add_column("allowed", justify="right")
    for rule in Rule:
        if rule in documents.left_out:
            table.add_row(rule.value, "-", "-", _ALLOWED.get(rule, "0"))
            continue
        result = Text("FAILED", "bold red") if rule in failed else Text("ok", "green")
        counted = documents.measured.get(rule, f"{found[rule]:,}")
        table.add_row(rule.value, result, counted, _ALLOWED.get(rule, "0"))
    return table


def _list_problems(console: Console, problems: Sequence[Problem]) -> None:
    """List the findings of one rule, failures first, with their positions."""
    if not problems:
        return
    print_line(console, f"\n{problems[0].rule}", "bold")
    for problem in problems[:MOST_PROBLEMS_LISTED]:
        print_line(console, f"  {'FAILED' if problem.fails else 'note'}  {problem.message}")
        for place in problem.where:
            print_line(console, f"      {place}")
    if len(problems) > MOST_PROBLEMS_LISTED:
        print_line(console, f"  ... and {len(problems) - MOST_PROBLEMS_LISTED:,} more")
