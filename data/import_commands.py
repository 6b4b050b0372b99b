"""``claimwire corpus import``: takes records in and says what became of each."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from rich.console import Console

from claimwire.data.corpus_import import (
    REFUSED,
    ImportOptions,
    ImportReport,
    import_records,
    side_file,
)
from claimwire.data.import_copies import Refusal
from claimwire.data.printing import print_line

MOST_REFUSALS_LISTED: Final = 10


def corpus_import(paths: list[Path], options: ImportOptions) -> int:
    """Add the records of files to the output and print what became of them.

    Returns:
        0 where each record was taken or is there already, 1 where some were refused.

    Raises:
        InputError: a file does not exist, cannot be read or written, or is input and output.
        CorpusError: the corpus, an extra file or the output breaks the contract.
        MissingExtraError: datasketch, of the extra [train], is not installed.
    """
    report = import_records(paths, options)
    console = Console()
    for path in report.empty:
        print_line(console, f"note: {path}: empty, nothing to take in")
    for refusal in report.refused[:MOST_REFUSALS_LISTED]:
        print_line(console, _shown(refusal), "yellow")
    if len(report.refused) > MOST_REFUSALS_LISTED:
        print_line(console, f"... and {len(report.refused) - MOST_REFUSALS_LISTED:,} more")
    print_line(console, _summary(report, options.output))
    if report.refused:
        print_line(
            console, f"what was refused, and why, is in {side_file(options.output, REFUSED)}"
        )
    return 1 if report.refused else 0


def _shown(refusal: Refusal) -> str:
    place = refusal.file if refusal.line is None else f"{refusal.file}:{refusal.line}"
    return f"refused: {place}: {refusal.kind}: {refusal.reason}"


def _summary(report: ImportReport, output: Path) -> str:
    """Return the counts in one line."""
    kinds = Counter(refusal.kind for refusal in report.refused)
    parts = [f"{report.added:,} added", f"{report.already_there:,} already there"]
    if report.replaced:
        parts.insert(1, f"{report.replaced:,} replaced")
    if kinds:
        named = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
        parts.append(f"{kinds.total():,} refused ({named})")
    return f"{output}: {', '.join(parts)}; {report.total:,} records in all"
