"""The label noise of a run's training sentences, as its frozen encoder sees it."""

from __future__ import annotations

from rich.console import Console

from claimwire.data.errors import CorpusError
from claimwire.train.config import Config
from claimwire.train.labelled_data import LabelledData
from claimwire.train.suspect_commands import json_line
from claimwire.train.suspects import suspects_of


def log_label_noise(config: Config, data: LabelledData, console: Console) -> None:
    """Log suspects of the training split to the active MLflow run, all in ``suspects.jsonl``.

    Held-out labels are left alone: to correct them where a network doubts them would flatter it.
    Where the documents are too few to judge, the run says so and goes on.

    Raises:
        EncoderError: the base cannot be had.
    """
    import mlflow

    training = [example for example in data.examples if example.split == "train"]
    try:
        report = suspects_of(training, config.model.base, console, config.train.seed)
    except CorpusError as error:
        reason = str(error).splitlines()[0]
        console.print(f"no label noise: {reason}", highlight=False, markup=False, soft_wrap=True)
        return
    mlflow.log_metrics(report.flat("data/train"))
    lines = "".join(f"{json_line(suspect)}\n" for suspect in report.suspects)
    mlflow.log_text(lines, "suspects.jsonl")
    console.print(
        f"{len(report.suspects):,} of {report.sentences:,} training labels are suspect "
        "(suspects.jsonl in the run; `claimwire corpus suspects` lists those of the corpus)",
        highlight=False,
        soft_wrap=True,
    )
