"""What ``claimwire train`` and ``claimwire evaluate`` do."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from rich.console import Console

from claimwire.model.references import resolve_release
from claimwire.model.release import load_release
from claimwire.model.runtime import Runtime
from claimwire.train.config import Config
from claimwire.train.evaluate import evaluate_records, print_evaluation, read_dataset
from claimwire.train.load_config import load_config

T = TypeVar("T")
INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as shells have it."""


def train(config_path: Path, overrides: Sequence[str]) -> int:
    """Run one experiment, or it over seeds or folds; say what came of it and where it is."""
    config = load_config(config_path, overrides)
    from claimwire.train.pipeline import run_training

    console = Console()
    if config.train.seeds is not None or config.train.folds is not None:
        return _repeat(config, console)
    outcome = _unless_interrupted(lambda: run_training(config, console), console)
    if outcome is None:
        return INTERRUPTED
    release = outcome.measured.release
    for name, evaluation in outcome.measured.evaluations.items():
        if name.startswith("test"):
            print_evaluation(console, f"{name} set", evaluation)
    registered = config.tracking.registered_model
    where = f", version {outcome.model_version} of {registered}" if outcome.model_version else ""
    console.print(
        f"\nrelease {release.id}{where}\n  {release.directory}\n"
        f"report, for a browser:\n  {outcome.report}\n"
        f"MLflow run {outcome.mlflow_run_id}; to compare runs:\n  {outcome.how_to_open}\n"
        f"to tag with it:\n  claimwire tag ARTICLE --model {release.directory}",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def _repeat(config: Config, console: Console) -> int:
    from claimwire.train.repeat_summary import repeat_table
    from claimwire.train.repeats import run_repeats

    outcome = _unless_interrupted(lambda: run_repeats(config, console), console)
    if outcome is None:
        return INTERRUPTED
    console.print(repeat_table(outcome.repeats, outcome.measured_on, outcome.best))
    lines = [f"summary\n  {outcome.folder}"]
    if outcome.best is not None:
        release = load_release(outcome.best.folder / "release")
        registered = config.tracking.registered_model
        where = (
            f", version {outcome.model_version} of {registered}" if outcome.model_version else ""
        )
        lines = [
            f"* best by validation: {outcome.best.name}, release {release.id}{where}",
            f"  {release.directory}",
            *lines,
        ]
    lines.append(f"MLflow run {outcome.mlflow_run_id}; to compare runs:\n  {outcome.how_to_open}")
    console.print("\n".join(lines), highlight=False, soft_wrap=True)
    return 0


def teach(config_path: Path, overrides: Sequence[str]) -> int:
    """Train the teacher, write its soft labels, and say what to do with them."""
    config = load_config(config_path, overrides)
    from claimwire.train.teacher import run_teaching

    console = Console()
    taught = _unless_interrupted(lambda: run_teaching(config, console), console)
    if taught is None:
        return INTERRUPTED
    left_out = f" ({taught.held_out} stand in validation or test: left out)"
    scores = taught.scores and (
        f"\nteacher: macro-F1 {taught.scores.validation_macro_f1:.3f} on validation, "
        f"{taught.scores.test_macro_f1:.3f} on test, MLflow run {taught.scores.mlflow_run_id}"
    )
    console.print(
        f"{scores or ''}\nsoft labels of {taught.labelled} labelled and "
        f"{taught.unlabelled} other sentences{left_out if taught.held_out else ''}\n"
        f"  {taught.soft_labels}\nto train the student:\n"
        f"  claimwire train {shlex.join([str(config_path), *overrides])}",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def encoder(config_path: Path, overrides: Sequence[str]) -> int:
    """Make the encoder, and say how close it comes to the teacher's and how to train from it."""
    config = load_config(config_path, overrides)
    from claimwire.train.encoder import make_encoder

    console = Console()
    made = _unless_interrupted(lambda: make_encoder(config, console), console)
    if made is None:
        return INTERRUPTED
    left_out = f" ({made.held_out} stand in validation or test: left out)"
    console.print(
        f"\nencoder from {made.sentences} sentences{left_out if made.held_out else ''}; difference "
        f"from the teacher's states {made.loss_before:.3f} before, {made.loss_after:.3f} after "
        f"(1: a constant's)\n  {made.directory}\nMLflow run {made.mlflow_run_id}\n"
        f"to train from it:\n  claimwire train CONFIG model.base={made.directory}",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def _unless_interrupted(run: Callable[[], T], console: Console) -> T | None:
    """Return what a run returns, or None after saying how an interrupted one goes on."""
    try:
        return run()
    except KeyboardInterrupt:
        console.print(
            "\ninterrupted: go on from the last finished epoch with the same command and "
            "train.resume=true",
            highlight=False,
        )
        return None


def _warn_of_training_text(dataset: Path, splits: Sequence[str | None]) -> None:
    in_folder = dataset.is_dir() and any((dataset / "train").rglob("*.jsonl"))
    if in_folder or "train" in splits:
        Console(stderr=True).print(
            f"warning: {dataset} has sentences of a training split: a figure on what a model may "
            "have learnt from says little of new text; name the test split",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def evaluate(dataset: Path, model: str | None, output_format: str) -> int:
    """Score a release on labelled sentences; print a table or one JSON object."""
    records = read_dataset(dataset)
    release = load_release(resolve_release(model))
    with Console(stderr=True).status(f"tagging {len(records):,} sentences"):
        evaluation = evaluate_records(records, Runtime(release))
    _warn_of_training_text(dataset, [record.split for record in records])
    console = Console()
    if output_format == "json":
        content = {"model": release.id, "dataset": str(dataset), **evaluation.to_json()}
        console.out(json.dumps(content, indent=1), highlight=False)
    else:
        print_evaluation(console, f"{release.id} on {dataset}", evaluation)
    return 0
