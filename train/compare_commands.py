"""What ``claimwire compare`` does: prints to standard output, returns the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from claimwire.data.labels import LABELS, Label
from claimwire.model.references import resolve_release
from claimwire.model.release import load_release
from claimwire.model.runtime import Runtime
from claimwire.train.compare import (
    FEWEST_DOCUMENTS,
    KINDS,
    ChangedSentence,
    Comparison,
    Difference,
    Kind,
    Metric,
    Verdict,
    compare_releases,
)
from claimwire.train.evaluate import read_dataset

_METRIC_NAMES: Final[dict[Metric, str]] = {
    "primary_macro_f1": "primary macro-F1",
    "label_set_macro_f1": "label-set macro-F1",
    "accuracy": "accuracy",
    "ece": "ECE (less is better)",
}
_KIND_TITLES: Final[dict[Kind, str]] = {
    "fixed": "fixed: only B is right",
    "broken": "broken: only A is right",
    "both_wrong": "changed, but both are wrong",
    "further_labels": "same first label, other further labels",
}
_STYLES: Final[dict[Verdict, str]] = {"better": "bold green", "worse": "bold red", "undecided": ""}
_SHORT: Final = dict(zip(LABELS, ("attack", "interc.", "attrib.", "backgr."), strict=True))


def compare(
    a: str | None, b: str | None, dataset: Path, output_format: str, most_shown: int = 20
) -> int:
    """Compare release B with release A on labelled sentences; print tables or one JSON object.

    Args:
        a: reference of the release to measure against; None: the shipped one.
        b: reference of the release that is judged; None: the shipped one.
        dataset: labelled sentences, a JSON Lines file or a folder of them.
        output_format: ``table`` or ``json``.
        most_shown: changed sentences of each kind in the tables, those that B is surest of; JSON
            has them all.

    Returns:
        0, whatever the verdict: it is an answer, not a failure.

    Raises:
        InputError: there is no such data set.
        CorpusError: a record breaks the contract.
        ReleaseError: a release cannot be found or read.
        TrackingError: a registry is named and cannot be used.
    """
    records = read_dataset(dataset)
    release_a, release_b = (load_release(resolve_release(reference)) for reference in (a, b))
    with Console(stderr=True).status(f"tagging {len(records):,} sentences twice"):
        comparison = compare_releases(records, Runtime(release_a), Runtime(release_b))
    console = Console()
    if output_format == "json":
        content = {
            "a": release_a.id,
            "b": release_b.id,
            "dataset": str(dataset),
            **comparison.to_json(),
        }
        console.out(json.dumps(content, indent=1), highlight=False)
        return 0
    console.print(Text(f"A  {release_a.id}\nB  {release_b.id}\non {dataset}"), soft_wrap=True)
    print_comparison(console, comparison, most_shown)
    return 0


def print_comparison(console: Console, comparison: Comparison, most_shown: int = 20) -> None:
    """Print the differences, the verdict, and the changed sentences, ``most_shown`` of a kind."""
    console.print(_differences_table(comparison))
    console.print(Text(_summary(comparison)))
    for kind in KINDS:
        sentences = sorted(comparison.of_kind(kind), key=lambda each: -each.confidence_b)
        if shown := sentences[: max(most_shown, 0)]:
            console.print()
            console.print(_sentences_table(kind, shown, len(sentences)))


def _differences_table(comparison: Comparison) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("")
    for heading in ("A", "B", "B - A"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("95% interval", no_wrap=True)
    table.add_column("B is", no_wrap=True)
    for name, difference in comparison.metrics.items():
        table.add_row(*_cells(_METRIC_NAMES[name], difference))
    table.add_section()
    for label, difference in comparison.per_label.items():
        table.add_row(*_cells(f"F1 {label}", difference))
    return table


def _cells(name: str, found: Difference) -> Iterable[Text]:
    low, high = found.interval
    yield Text(name)
    yield Text(f"{found.a:.3f}")
    yield Text(f"{found.b:.3f}")
    yield Text(f"{found.difference:+z.3f}")
    yield Text(f"{low:+z.3f} to {high:+z.3f}")
    yield Text(found.verdict, style=_STYLES[found.verdict])


def _summary(comparison: Comparison) -> str:
    counts = {kind: len(comparison.of_kind(kind)) for kind in KINDS}
    lines = [
        f"By primary macro-F1, {_VERDICTS[comparison.verdict]}.",
        f"{comparison.n:,} sentences of {comparison.documents:,} documents, drawn "
        f"{comparison.resamples:,} times for the intervals.",
        f"{counts['fixed']:,} fixed, {counts['broken']:,} broken, {counts['both_wrong']:,} changed "
        f"but both wrong, {counts['further_labels']:,} changed in further labels only, "
        f"{comparison.n - len(comparison.changed):,} unchanged.",
    ]
    if comparison.documents < FEWEST_DOCUMENTS:
        lines.append(
            f"Fewer than {FEWEST_DOCUMENTS} documents decide nothing: compare on more, or give "
            "the records their doc_id."
        )
    return "\n".join(lines)


_VERDICTS: Final[dict[Verdict, str]] = {
    "better": "B is better than A",
    "worse": "B is worse than A",
    "undecided": "it is undecided which is better",
}


def _sentences_table(kind: Kind, shown: Sequence[ChangedSentence], total: int) -> Table:
    title = f"{_KIND_TITLES[kind]} ({len(shown):,} of {total:,})"
    table = Table(
        title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 1, 0)
    )
    table.add_column("sentence", ratio=1, overflow="fold")
    for heading in ("gold", "A", "B"):
        table.add_column(heading, no_wrap=True)
    for each in shown:
        table.add_row(
            Text(_printable(each.text)),
            _labels(each.gold),
            _labels(each.labels_a, each.confidence_a),
            _labels(each.labels_b, each.confidence_b),
        )
    return table


def _labels(labels: Sequence[Label], confidence: float | None = None) -> Text:
    lines = [_SHORT[label] for label in labels]
    return Text("\n".join(lines if confidence is None else [*lines, f"{confidence:.2f}"]))


def _printable(text: str) -> str:
    """Return text without characters that steer a terminal, each a space instead."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
