"""What ``claimwire corpus agreement`` does: prints to standard output, returns the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from claimwire.data.agreement import Agreement, agreement, composed_agreement
from claimwire.data.annotations import BLIND, annotations_folder, read_all_annotations
from claimwire.data.errors import InputError
from claimwire.data.labels import LABELS
from claimwire.data.standoff_labels import Labelling, read_labels, standoff_folder

HEADINGS = ("of", "count", "same", "primary", "attack", "interc.", "attrib.", "backgr.")
"""The labels in the order of LABELS, short enough for 80 columns."""


def corpus_agreement(
    labels: Path | None, output_format: str, annotations: Path | None = None
) -> int:
    """Print Krippendorff's alpha of the blind passes, for all, each split and each round.

    Args:
        labels: stand-off labels; None: those of the repository.
        output_format: ``table`` or ``json``.
        annotations: folder of composed annotations; None: those of the repository, but none where
            ``labels`` names a file.

    Raises:
        InputError: there are no labels here, or none were given twice.
        CorpusError: the labels break their format.
    """
    groups = agreement_groups(labels, annotations)
    console = Console()
    if output_format == "json":
        content = {name: asdict(found) for name, found in groups.items()}
        console.out(json.dumps(content, indent=1), highlight=False)
    else:
        console.print(_table(groups))
    return 0


def agreement_groups(
    labels: Path | None = None, annotations: Path | None = None
) -> dict[str, Agreement]:
    """Return the agreement of each group of sentences that was labelled twice, by its name.

    Raises:
        InputError: see :func:`corpus_agreement`.
        CorpusError: the labels break their format.
    """
    path = labels or standoff_folder() / "labels.jsonl"
    if not path.is_file():
        raise InputError(
            f"{path}: expected stand-off labels, found none: run this in a clone of the "
            "repository, or name the file with --labels"
        )
    found = {name: agreement(chosen) for name, chosen in _groups(read_labels(path).labellings)}
    if annotations is not None or labels is None:
        found |= _composed(annotations or annotations_folder())
    groups = {name: each for name, each in found.items() if each.sentences}
    if not groups:
        raise InputError(
            f"{path}: expected sentences labelled by both blind passes, found none: add the labels "
            "of a second pass (docs/real-text.md)"
        )
    return groups


def _groups(labellings: Sequence[Labelling]) -> Iterator[tuple[str, list[Labelling]]]:
    yield "all", list(labellings)
    for split in ("train", "validation", "test"):
        yield split, [each for each in labellings if each.split == split]
    for number in sorted({each.round for each in labellings}):
        yield f"round {number}", [each for each in labellings if each.round == number]


def _composed(folder: Path) -> dict[str, Agreement]:
    """Return the agreement on composed sentences; where there was one blind pass, with the author.

    The author knew the document, so that the two are no equals: the name says so.
    """
    groups = {}
    for split, annotated in read_all_annotations(folder).items():
        groups[f"composed {split}"] = composed_agreement(annotated, BLIND)
        once = [each for each in annotated if each.first is not None and each.second is None]
        groups[f"{split}, with author"] = composed_agreement(once, ("author", "first"))
    return groups


def agreement_row(name: str, found: Agreement) -> list[str]:
    """Return the cells of one group, in the order of HEADINGS."""
    alphas = (found.primary, *(found.per_label[label] for label in LABELS))
    shown = ("-" if alpha is None else f"{alpha:.3f}" for alpha in alphas)
    return [name, f"{found.sentences:,}", f"{found.same / found.sentences:.1%}", *shown]


def _table(groups: dict[str, Agreement]) -> Table:
    table = Table(
        padding=(0, 1, 0, 0),
        title="Krippendorff's alpha of two blind passes",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column(HEADINGS[0], no_wrap=True)
    for heading in HEADINGS[1:]:
        table.add_column(heading, justify="right")
    for name, found in groups.items():
        table.add_row(*agreement_row(name, found))
    return table
