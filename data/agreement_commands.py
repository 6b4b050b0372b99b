"""What ``claimwire corpus agreement`` does: prints to standard output, returns the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from claimwire.data.agreement import Agreement, agreement
from claimwire.data.errors import InputError
from claimwire.data.labels import LABELS
from claimwire.data.standoff_labels import Labelling, read_labels, standoff_folder


def corpus_agreement(labels: Path | None, output_format: str) -> int:
    """Print Krippendorff's alpha of the blind passes, for all, each split and each round.

    Raises:
        InputError: there are no stand-off labels here, or none were given twice.
        CorpusError: the labels break their format.
    """
    path = labels or standoff_folder() / "labels.jsonl"
    if not path.is_file():
        raise InputError(
            f"{path}: expected stand-off labels, found none: run this in a clone of the "
            "repository, or name the file with --labels"
        )
    groups = {
        name: found
        for name, chosen in _groups(read_labels(path).labellings)
        if (found := agreement(chosen)).sentences
    }
    if not groups:
        raise InputError(
            f"{path}: expected sentences labelled by both blind passes, found none: add the labels "
            "of a second pass (docs/real-text.md)"
        )
    console = Console()
    if output_format == "json":
        content = {name: asdict(found) for name, found in groups.items()}
        console.out(json.dumps(content, indent=1), highlight=False)
    else:
        console.print(_table(groups))
    return 0


def _groups(labellings: Sequence[Labelling]) -> Iterator[tuple[str, list[Labelling]]]:
    yield "all", list(labellings)
    for split in ("train", "validation", "test"):
        yield split, [each for each in labellings if each.split == split]
    for number in sorted({each.round for each in labellings}):
        yield f"round {number}", [each for each in labellings if each.round == number]


def _table(groups: dict[str, Agreement]) -> Table:
    table = Table(
        padding=(0, 1, 0, 0),
        title="Krippendorff's alpha of two blind passes",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("of", no_wrap=True)
    # In the order of LABELS, short enough for 80 columns.
    labels = ("attack", "interc.", "attrib.", "backgr.")
    for heading in ("count", "same", "primary", *labels):
        table.add_column(heading, justify="right")
    for name, found in groups.items():
        alphas = (found.primary, *(found.per_label[label] for label in LABELS))
        table.add_row(
            name,
            f"{found.sentences:,}",
            f"{found.same / found.sentences:.1%}",
            *("-" if alpha is None else f"{alpha:.3f}" for alpha in alphas),
        )
    return table
