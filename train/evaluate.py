"""A release's decisions against labelled sentences: exactly what would be served, measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from claimwire.data.corpus import Example
from claimwire.data.documents import Record, read_records
from claimwire.data.errors import InputError
from claimwire.model.decision import Decision
from claimwire.model.runtime import Runtime
from claimwire.train.metrics import Evaluation, evaluate_predictions


def evaluate_decisions(examples: Sequence[Example], decisions: Sequence[Decision]) -> Evaluation:
    """Score decisions on the examples they were made for."""
    return evaluate_predictions(
        gold=[example.labels for example in examples],
        predicted=[decision.labels for decision in decisions],
        confidence=[decision.confidence for decision in decisions],
        documents=[str(example.document_key or example.position) for example in examples],
    )


def evaluate_records(records: Sequence[Record], runtime: Runtime) -> Evaluation:
    """Tag the records' texts and score the result.

    A record without ``doc_id`` is a document of its own in the interval.
    """
    decisions = runtime.predict([record.text for record in records])
    return evaluate_predictions(
        gold=[record.labels for record in records],
        predicted=[decision.labels for decision in decisions],
        confidence=[decision.confidence for decision in decisions],
        documents=[record.doc_id or f"sentence {row}" for row, record in enumerate(records)],
    )


def read_dataset(path: Path) -> list[Record]:
    """Return the labelled sentences of a JSON Lines file, or of all those in a folder.

    Raises:
        InputError: there is no such file, or the folder holds none.
        CorpusError: a record breaks the contract.
    """
    if path.is_dir():
        files = sorted(path.rglob("*.jsonl"))
        if not files:
            raise InputError(f"{path}: expected .jsonl files of labelled sentences, found none")
        return [record for file in files for record in read_records(file)]
    if not path.is_file():
        raise InputError(
            f"{path}: expected a .jsonl file of labelled sentences or a folder of them, found "
            "nothing there: check the path"
        )
    return read_records(path)


def print_evaluation(console: Console, title: str, evaluation: Evaluation) -> None:
    """Print the table of labels and a line with the headline figures."""
    table = Table(title=title, title_justify="left")
    table.add_column("label")
    for heading in ("precision", "recall", "F1", "support"):
        table.add_column(heading, justify="right")
    for label, score in evaluation.per_label.items():
        table.add_row(
            str(label),
            f"{score.precision:.3f}",
            f"{score.recall:.3f}",
            f"{score.f1:.3f}",
            str(score.support),
        )
    console.print(table)
    low, high = evaluation.ci95
    console.print(
        f"primary macro-F1 {evaluation.primary_macro_f1:.3f} (95% interval {low:.3f} to "
        f"{high:.3f}, {evaluation.n} sentences of {evaluation.documents} documents)\n"
        f"label-set macro-F1 {evaluation.label_set_macro_f1:.3f}, accuracy "
        f"{evaluation.accuracy:.3f}, ECE {evaluation.ece:.3f}",
        highlight=False,
    )
