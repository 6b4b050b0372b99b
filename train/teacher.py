"""``claimwire teach``: what a larger network thinks of every sentence, kept as soft labels.

The network is fine-tuned for it, or it is a release, which is asked as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from claimwire.data.corpus import to_dataset_dict
from claimwire.data.errors import ConfigError, CorpusError, InputError
from claimwire.data.jsonlines import Fault, describe_value, raise_for_faults, read_json_lines
from claimwire.data.labels import CLAIM_LABELS, LABELS
from claimwire.data.standoff_labels import write_json_lines
from claimwire.model.decision import Calibration, calibrate, decide
from claimwire.model.released_network import is_released, open_released
from claimwire.model.runtime import Runtime
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
from claimwire.train.soft_labels import read_soft_labels
from claimwire.train.swapped import with_swapped_parties

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from claimwire.train.teacher_network import MeanPooledClassifier

CHUNK: Final = 512
"""Sentences that are judged between two steps of the progress bar."""
DECIMALS: Final = 4

_Judge = Callable[[Sequence[str]], Sequence[Sequence[float]]]
"""Sentences to their probabilities, one a label, in the order of LABELS."""


@dataclass(frozen=True, slots=True)
class TeacherScores:
    """What a teacher reached that was trained.

    Attributes:
        validation_macro_f1: of its best epoch, 0 to 1, before any calibration.
        test_macro_f1: of the same on the test set, for comparison with its students.
        mlflow_run_id: of its run.
    """

    validation_macro_f1: float
    test_macro_f1: float
    mlflow_run_id: str


@dataclass(frozen=True, slots=True)
class Taught:
    """What teaching leaves behind.

    Attributes:
        soft_labels: the file written.
        labelled: sentences of the training split in it.
        unlabelled: sentences without labels in it.
        held_out: sentences left out because they stand in validation or test.
        scores: of the teacher that was trained; None where a release was asked.
    """

    soft_labels: Path
    labelled: int
    unlabelled: int
    held_out: int
    scores: TeacherScores | None


def run_teaching(config: Config, console: Console) -> Taught:
    """Train the teacher on the training split, or open the release that it is, and write its soft
    labels.

    Raises:
        ConfigError: ``distillation.soft_labels`` is unset, or a value that cannot work.
        CorpusError: labelled or unlabelled data that breaks the contract.
        EncoderError: the teacher's base cannot be had.
        ReleaseError: the release that is to teach is missing or damaged.
        TrackingError: MLflow cannot be reached.
        MissingExtraError: the extra [train] is not installed.
    """
    require_extra()
    hush_libraries()
    target = _target(config)
    data = load_data(teaching_config(config))
    texts = read_texts(config.teacher.unlabelled)
    data.say_what_is_there(console)
    held_out = data.texts("validation", "test") | set(filter(data.is_held_out, texts))
    left_out = held_out | _skipped(data, config.teacher.skip)
    labelled = data.texts("train") - left_out
    known = dict.fromkeys([*(example.text for example in data.examples), *texts])
    wanted = [text for text in known if text not in left_out]
    if is_released(config.teacher.base):
        scores = None
        _ask_release(config, wanted, target, console)
    else:
        scores = _teach(config, data, wanted, target, console)
    return Taught(
        soft_labels=target,
        labelled=len(labelled),
        unlabelled=len(wanted) - len(labelled),
        held_out=sum(text in held_out for text in texts),
        scores=scores,
    )


def _skipped(data: LabelledData, skip: Sequence[str]) -> set[str]:
    """Return the training sentences that the teacher is not asked about.

    Raises:
        ConfigError: ``skip`` names a file that no training sentence is from.
    """
    training = [example for example in data.examples if example.split == "train"]
    files = sorted({example.position.file for example in training})
    unknown = next((name for name in skip if name not in files), None)
    if unknown is not None:
        raise ConfigError(
            f"teacher.skip: expected files of training sentences ({', '.join(files)}), "
            f"found {unknown!r}"
        )
    return {example.text for example in training if example.position.file in skip}


def _ask_release(config: Config, wanted: Sequence[str], target: Path, console: Console) -> None:
    """Write what a release thinks: its network's own probabilities, before any calibration."""
    release = open_released(config.teacher.base)
    runtime = Runtime(release, config.train.threads)
    console.print(
        f"soft labels of [bold]{release.id}[/bold] for {len(wanted)} sentences",
        highlight=False,
        soft_wrap=True,
    )

    as_it_is = dict.fromkeys(LABELS, Calibration())

    def judge(chunk: Sequence[str]) -> list[list[float]]:
        logits, _ = runtime.logits(chunk)
        probabilities: list[list[float]] = calibrate(logits, as_it_is).tolist()
        return probabilities

    write_json_lines(target, _soft_labels(judge, wanted, console))


def _teach(
    config: Config, data: LabelledData, wanted: Sequence[str], target: Path, console: Console
) -> TeacherScores:
    """Train the teacher in an MLflow run, write what it thinks, and return its scores."""
    import mlflow

    from claimwire.train.teacher_network import judge

    teaching = teaching_config(config)
    tracker = tracking.connect(teaching)
    folder, run_id = open_folder(teaching, data)
    labelled = sum(example.split == "train" for example in data.examples)
    console.print(
        f"teaching with [bold]{teaching.model.base}[/bold]: {labelled} labelled sentences, "
        f"then soft labels for {len(wanted)}",
        highlight=False,
        soft_wrap=True,
    )
    with tracking.tracked_run(tracker, teaching.name, run_id) as mlflow_run_id:
        if run_id is None:
            folder.write_state(RunState(mlflow_run_id, teaching.digest(), data.digest))
        model, tokenizer, score = _train(teaching, data, folder, console)
        length = config.model.max_length
        rows = _soft_labels(lambda chunk: judge(model, tokenizer, chunk, length), wanted, console)
        write_json_lines(target, rows)
        test = _evaluated_on_test(model, tokenizer, data, length)
        mlflow.log_metrics(test.flat("test"))
        folder.mark_finished()
    return TeacherScores(score, test.primary_macro_f1, mlflow_run_id)


def _target(config: Config) -> Path:
    """Return the one file that the soft labels go to."""
    files = config.distillation.soft_labels
    if len(files) == 1:
        _refuse_to_replace(files[0], config)
        return files[0]
    found = f"{len(files)}: teach once for each, with a train.seed of its own" if files else "none"
    raise ConfigError(
        "distillation.soft_labels: expected the file that the teacher's probabilities go to, "
        f"found {found}; name one (distillation.soft_labels=FILE)"
    )


def _refuse_to_replace(target: Path, config: Config) -> None:
    """Refuse a file that is read, or that is there and holds something else than soft labels."""
    inputs = {path.resolve() for path in (*config.data.extra, *config.teacher.unlabelled)}
    found = None
    if target.resolve() in inputs:
        found = "a file that this run reads"
    elif target.exists():
        try:
            read_soft_labels(target)
        except (InputError, CorpusError):
            found = "a file of something else"
    if found is not None:
        raise ConfigError(
            f"distillation.soft_labels: expected a new file or one of soft labels at {target}, "
            f"found {found}: name another (distillation.soft_labels=FILE)"
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
    judge: _Judge, texts: Sequence[str], console: Console
) -> Iterator[dict[str, object]]:
    """Yield one record a text, under a progress bar."""
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
            for text, judged in zip(chunk, judge(chunk), strict=True):
                pairs = zip(LABELS, judged, strict=True)
                named = {label.value: round(p, DECIMALS) for label, p in pairs}
                yield {"text": text, "probabilities": named}
            bar.advance(task, len(chunk))
