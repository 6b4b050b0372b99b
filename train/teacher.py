"""``claimwire teach``: fine-tune a larger network, and keep what it thinks of every sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from claimwire.data.corpus import to_dataset_dict
from claimwire.data.errors import ConfigError, CorpusError
from claimwire.data.jsonlines import Fault, describe_value, raise_for_faults, read_json_lines
from claimwire.data.labels import CLAIM_LABELS, LABELS
from claimwire.data.standoff_labels import write_json_lines
from claimwire.model.decision import decide
from claimwire.train import tracking
from claimwire.train.behaviour import document_parties
from claimwire.train.config import Config
from claimwire.train.evaluate import evaluate_decisions
from claimwire.train.fine_tune import fit, hush_libraries
from claimwire.train.labelled_data import LabelledData, load_data
from claimwire.train.metrics import Evaluation
from claimwire.train.pipeline import open_folder, require_extra
from claimwire.train.progress import progress_callback
from claimwire.train.run_state import RunFolder, RunState
from claimwire.train.swapped import with_swapped_parties

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from claimwire.train.teacher_network import MeanPooledClassifier

CHUNK: Final = 512
"""Sentences that are judged between two steps of the progress bar."""
DECIMALS: Final = 4


@dataclass(frozen=True, slots=True)
class Taught:
    """What teaching leaves behind.

    Attributes:
        soft_labels: the file written.
        labelled: sentences of the training split in it.
        unlabelled: sentences without labels in it.
        held_out: sentences left out because they stand in validation or test.
        validation_macro_f1: of the teacher's best epoch, 0 to 1, before any calibration.
        test_macro_f1: of the same on the test set, for comparison with its students.
        mlflow_run_id: of the teacher's run.
    """

    soft_labels: Path
    labelled: int
    unlabelled: int
    held_out: int
    validation_macro_f1: float
    test_macro_f1: float
    mlflow_run_id: str


def run_teaching(config: Config, console: Console) -> Taught:
    """Train the teacher on the training split and write its soft labels.

    Raises:
        ConfigError: ``distillation.soft_labels`` is unset, or a value that cannot work.
        CorpusError: labelled or unlabelled data that breaks the contract.
        EncoderError: the teacher's base cannot be had.
        TrackingError: MLflow cannot be reached.
        MissingExtraError: the extra [train] is not installed.
    """
    require_extra()
    import mlflow

    hush_libraries()
    target = _target(config)
    teaching = teaching_config(config)
    data = load_data(teaching)
    texts = read_texts(config.teacher.unlabelled)
    held_out = data.texts("validation", "test")
    training = [example.text for example in data.examples if example.split == "train"]
    wanted = list(dict.fromkeys([*training, *(text for text in texts if text not in held_out)]))
    tracker = tracking.connect(teaching)
    folder, run_id = open_folder(teaching, data)
    console.print(
        f"teaching with [bold]{teaching.model.base}[/bold]: {len(training)} labelled sentences, "
        f"then soft labels for {len(wanted)}",
        highlight=False,
        soft_wrap=True,
    )
    data.say_what_is_there(console)
    with tracking.tracked_run(tracker, teaching.name, run_id) as mlflow_run_id:
        if run_id is None:
            folder.write_state(RunState(mlflow_run_id, teaching.digest(), data.digest))
        model, tokenizer, score = _train(teaching, data, folder, console)
        rows = _soft_labels(model, tokenizer, wanted, config.model.max_length, console)
        write_json_lines(target, rows)
        test = _evaluated_on_test(model, tokenizer, data, config.model.max_length)
        mlflow.log_metrics(test.flat("test"))
        folder.mark_finished()
    return Taught(
        soft_labels=target,
        labelled=len(set(training)),
        unlabelled=len(wanted) - len(set(training)),
        held_out=sum(text in held_out for text in texts),
        validation_macro_f1=score,
        test_macro_f1=test.primary_macro_f1,
        mlflow_run_id=mlflow_run_id,
    )


def _target(config: Config) -> Path:
    """Return the one file that the soft labels go to."""
    files = config.distillation.soft_labels
    if len(files) == 1:
        return files[0]
    found = f"{len(files)}: teach once for each, with a train.seed of its own" if files else "none"
    raise ConfigError(
        "distillation.soft_labels: expected the file that the teacher's probabilities go to, "
        f"found {found}; name one (distillation.soft_labels=FILE)"
    )


def teaching_config(config: Config) -> Config:
    """Return the experiment that trains the teacher: the same data, the teacher's own recipe."""
    teacher = config.teacher
    return config.model_copy(
        update={
            "name": f"{config.name}-teacher",
            "model": config.model.model_copy(
                update={"base": teacher.base, "frozen_layers": teacher.frozen_layers}
            ),
            "train": config.train.model_copy(
                update={
                    "epochs": teacher.epochs,
                    "batch_size": teacher.batch_size,
                    "learning_rate": teacher.learning_rate,
                    # Soft labels are to be probabilities: nothing that shifts them.
                    "label_smoothing": 0.0,
                    "class_weights": "none",
                }
            ),
            "distillation": config.distillation.model_copy(update={"soft_labels": ()}),
        }
    )


def read_texts(paths: Sequence[Path]) -> list[str]:
    """Return the ``text`` of every line of JSON Lines files, each once, in order.

    Raises:
        InputError: a file is missing or cannot be read.
        CorpusError: a line has no text; all faults of a file are listed.
    """
    texts: dict[str, None] = {}
    for path in paths:
        lines, faults = read_json_lines(path)
        for line in lines:
            text = line.value.get("text")
            if isinstance(text, str) and text.strip():
                texts[text] = None
                continue
            message = f"expected the sentence, found {describe_value(text)}"
            faults.append(Fault(str(path), line.number, "text", message))
        raise_for_faults(faults)
        if not lines:
            raise CorpusError(f"{path}: expected sentences without labels, found an empty file")
    return list(texts)


def _train(
    config: Config, data: LabelledData, folder: RunFolder, console: Console
) -> tuple[MeanPooledClassifier, PreTrainedTokenizerFast, float]:
    import mlflow
    from transformers import set_seed

    from claimwire.train.teacher_network import build_teacher, save_teacher

    dataset = to_dataset_dict(data.examples)
    if config.data.swap_parties:
        parties = document_parties(config.data.corpus)
        dataset["train"] = with_swapped_parties(dataset["train"], parties)
    tracking.log_configuration(config)
    tracking.log_data(dataset, data.digest, data.source, data.tags())
    set_seed(config.train.seed)
    model, tokenizer = build_teacher(config.model.base, config.model.dropout)
    fitted = fit(
        model,
        tokenizer,
        config,
        dataset,
        folder.checkpoints,
        callbacks=[progress_callback(console), tracking.metrics_callback()],
        resume_from=folder.last_checkpoint() if config.train.resume else None,
    )
    mlflow.log_metric("train/seconds", fitted.seconds)
    save_teacher(model, folder.path)
    return model, tokenizer, fitted.best_macro_f1


def _evaluated_on_test(
    model: MeanPooledClassifier,
    tokenizer: PreTrainedTokenizerFast,
    data: LabelledData,
    max_length: int,
) -> Evaluation:
    """Return the teacher's scores on the test set, without calibration, at thresholds of 0.5."""
    from claimwire.train.teacher_network import judge

    test = [example for example in data.examples if example.split == "test"]
    judged = np.array(judge(model, tokenizer, [e.text for e in test], max_length))
    thresholds = dict.fromkeys(CLAIM_LABELS, 0.5)
    decisions = decide(judged, thresholds, 0.0, np.zeros(len(test), dtype=bool))
    return evaluate_decisions(test, decisions)


def _soft_labels(
    model: MeanPooledClassifier,
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    max_length: int,
    console: Console,
) -> Iterator[dict[str, object]]:
    """Yield one record a text, under a progress bar."""
    from claimwire.train.teacher_network import judge

    columns = (
        TextColumn("[bold]judging"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("judging", total=len(texts))
        for start in range(0, len(texts), CHUNK):
            chunk = texts[start : start + CHUNK]
            for text, judged in zip(chunk, judge(model, tokenizer, chunk, max_length), strict=True):
                pairs = zip(LABELS, judged, strict=True)
                named = {label.value: round(p, DECIMALS) for label, p in pairs}
                yield {"text": text, "probabilities": named}
            bar.advance(task, len(chunk))
