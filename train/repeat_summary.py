"""What several runs of one recipe come to: mean, standard deviation, least and most."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich import box
from rich.table import Table

from claimwire.data.labels import LABELS
from claimwire.train.metrics import Evaluation
from claimwire.train.spread import Spread, spread_chart

SUMMARY_JSON: Final = "summary.json"
SUMMARY_CSV: Final = "summary.csv"
SUMMARY_CHART: Final = "summary.svg"
_HYPHENATED: Final = {
    "interception": "inter-\nception",
    "attribution": "attri-\nbution",
    "background": "back-\nground",
}
Metrics = dict[str, float]
"""Figures by name, as in MLflow."""
CHOSEN_BY: Final = "validation/primary_macro_f1"
"""What the best seed or trial is chosen by. Never a figure of the test set."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """One finished run of several.

    Attributes:
        name: ``seed-13`` or ``fold-2``.
        mlflow_run_id: of the nested run.
        metrics: its figures, named as in MLflow.
        folder: of the run, below the parent's.
    """

    name: str
    mlflow_run_id: str
    metrics: Metrics
    folder: Path


def flat_metrics(evaluations: Mapping[str, Evaluation]) -> Metrics:
    """Return the figures of all sets, each under its set's name."""
    metrics: Metrics = {}
    for name, evaluation in evaluations.items():
        metrics |= evaluation.flat(name)
    return metrics


def summarise(repeats: Sequence[Repeat]) -> dict[str, Spread]:
    """Return the spread of each figure that every run has."""
    shared = [key for key in repeats[0].metrics if all(key in r.metrics for r in repeats)]
    return {key: Spread.of([r.metrics[key] for r in repeats]) for key in shared}


def best_by_validation(repeats: Sequence[Repeat]) -> Repeat:
    """Return the run with the highest validation macro-F1; of equals the first."""
    return max(repeats, key=lambda repeat: repeat.metrics[CHOSEN_BY])


def headline_keys(prefix: str) -> dict[str, str]:
    """Return what the table and the chart show: heading -> metric.

    Args:
        prefix: of the measured set, ``test`` or ``held_out``.
    """
    short = {f"F1 {str(label).split('_')[0]}": f"{prefix}/f1/{label}" for label in LABELS}
    return {
        "validation macro-F1": CHOSEN_BY,
        f"{prefix.replace('_', ' ')} macro-F1": f"{prefix}/primary_macro_f1",
        **short,
        "ECE": f"{prefix}/ece",
    }


def repeat_table(repeats: Sequence[Repeat], prefix: str, best: Repeat | None = None) -> Table:
    """Return a table of at most 80 columns: a row a run, then mean, deviation, least and most.

    Args:
        repeats: one or more.
        prefix: see :func:`headline_keys`.
        best: the run that is registered, which gets a star.
    """
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 0), title_justify="left")
    table.title = f"{len(repeats)} runs, {prefix.replace('_', ' ')} figures beside validation's"
    table.add_column("run", overflow="fold")
    keys = headline_keys(prefix)
    for heading in keys:
        lines = "\n".join(_HYPHENATED.get(word, word) for word in heading.split())
        table.add_column(lines, justify="right", min_width=8)
    for number, repeat in enumerate(repeats, start=1):
        star = " *" if repeat is best else ""
        table.add_row(
            repeat.name + star,
            *(f"{repeat.metrics[key]:.3f}" for key in keys.values()),
            end_section=number == len(repeats),
        )
    spreads = summarise(repeats)
    for name in ("mean", "std", "min", "max"):
        table.add_row(name, *(f"{getattr(spreads[key], name):.3f}" for key in keys.values()))
    return table


def write_summary(repeats: Sequence[Repeat], prefix: str, title: str, folder: Path) -> list[Path]:
    """Write the summary as JSON, as CSV (a row a run) and as a chart; return the files."""
    spreads = summarise(repeats)
    content = {
        "runs": {r.name: {"mlflow_run_id": r.mlflow_run_id, **r.metrics} for r in repeats},
        "metrics": {key: asdict(spread) for key, spread in spreads.items()},
    }
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["run", "mlflow_run_id", *spreads])
    for repeat in repeats:
        values = (repeat.metrics[key] for key in spreads)
        writer.writerow([repeat.name, repeat.mlflow_run_id, *values])
    charted = {
        heading: [repeat.metrics[key] for repeat in repeats]
        for heading, key in headline_keys(prefix).items()
        if heading != "ECE"  # near 0, it would squeeze all the others together
    }
    texts = {
        SUMMARY_JSON: json.dumps(content, indent=1) + "\n",
        SUMMARY_CSV: table.getvalue(),
        SUMMARY_CHART: spread_chart(charted, title),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]
