"""One recipe several times: over seeds, or over folds of documents, under one MLflow run.

A seed's run is the very run that ``train.seed=SEED`` alone would make, with its release and its
figures; the best by validation is registered. A fold's run is measured on documents that it was
neither trained nor chosen on (see :mod:`claimwire.train.folds`); its network is not kept.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from rich.console import Console

from claimwire.data.errors import ConfigError
from claimwire.model.release import load_release
from claimwire.model.released_network import is_released
from claimwire.train import tracking
from claimwire.train.baselines import KIND_TAG
from claimwire.train.config import Config
from claimwire.train.fine_tune import hush_libraries
from claimwire.train.folds import fold_examples, measure_fold, with_roles
from claimwire.train.labelled_data import LabelledData, load_data
from claimwire.train.metrics import Evaluation
from claimwire.train.pipeline import (
    open_folder,
    require_extra,
    train_and_measure,
)
from claimwire.train.repeat_summary import (
    CHOSEN_BY,
    Metrics,
    Repeat,
    best_by_validation,
    flat_metrics,
    summarise,
    write_summary,
)
from claimwire.train.run_state import RunFolder, RunState
from claimwire.train.tracking import Tracker
from claimwire.train.trust import measure_baselines

_RESULT: Final = "result.json"


@dataclass(frozen=True, slots=True)
class RepeatsOutcome:
    """What several runs leave behind.

    Attributes:
        kind: what was varied.
        measured_on: prefix of the figures, ``test`` for seeds and ``held_out`` for folds.
        repeats: the runs, in order.
        folder: of all of them, with the summary's files.
        mlflow_run_id: of the run that they stand under.
        how_to_open: what to run or open to see them.
        best: the seed that is best by validation; None for folds.
        model_version: the best one's version in the registry, None where nothing was registered.
    """

    kind: Literal["seeds", "folds"]
    measured_on: str
    repeats: tuple[Repeat, ...]
    folder: Path
    mlflow_run_id: str
    how_to_open: str
    best: Repeat | None = None
    model_version: str | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    """One run to make: its name, its configuration, and what makes it and returns its figures."""

    name: str
    config: Config
    make: Callable[[Config, RunFolder], Metrics]


def run_repeats(config: Config, console: Console) -> RepeatsOutcome:
    """Make the runs of ``train.seeds`` or ``train.folds`` and summarise them.

    With ``train.resume`` runs that are finished are not made again, and the one that was
    interrupted goes on from its last epoch.

    Raises:
        ConfigError: seeds and folds at once, a seed twice, folds that the data cannot fill, folds
            with a teacher's soft labels, a value that cannot work, or nothing to resume.
        CorpusError: labelled data that breaks the contract.
        EncoderError: the base cannot be had.
        TrackingError: MLflow cannot be reached.
        MissingExtraError: the extra [train] is not installed.
    """
    require_extra()
    hush_libraries()
    _check(config)
    data = load_data(config)
    kind: Literal["seeds", "folds"] = "seeds" if config.train.seeds is not None else "folds"
    measured_on = "test" if kind == "seeds" else "held_out"
    plans = (
        _seed_plans(config, data, console)
        if kind == "seeds"
        else _fold_plans(config, data, console)
    )
    tracker = tracking.connect(config)
    folder, run_id = open_folder(config, data)
    data.say_what_is_there(console)
    with tracking.tracked_run(
        tracker, f"{config.name}-{kind}", run_id, tags={KIND_TAG: kind}
    ) as parent_id:
        if run_id is None:
            folder.write_state(RunState(parent_id, config.digest(), data.digest))
            _log_parent(config, data)
        repeats = tuple(_each(plans, data.digest, folder, tracker, console))
        _log_summary(repeats, measured_on, f"{config.name} over {kind}", folder.path)
        best = best_by_validation(repeats) if kind == "seeds" else None
        version = _register(best, config, tracker) if best else None
        folder.mark_finished()
    return RepeatsOutcome(
        kind, measured_on, repeats, folder.path, parent_id, tracker.how_to_open, best, version
    )


def _check(config: Config) -> None:
    seeds, folds = config.train.seeds, config.train.folds
    if seeds is not None and folds is not None:
        raise ConfigError(
            f"train.seeds, train.folds: expected one of them, found {list(seeds)} and {folds}: "
            "seeds repeat the run that ends in a release, folds measure a recipe; set one to null"
        )
    if seeds is not None and len(set(seeds)) < len(seeds):
        raise ConfigError(
            f"train.seeds: expected every seed once, found {list(seeds)}: the same seed gives the "
            "same run"
        )
    if folds is not None and config.distillation.soft_labels:
        raise ConfigError(
            "train.folds: expected training on labels alone, found distillation.soft_labels: the "
            "teacher has seen the documents that a fold holds out; set "
            "distillation.soft_labels=null"
        )
    if config.soup.releases:
        raise ConfigError(
            "train.seeds, train.folds: expected something to train, found soup.releases: their "
            "mean is always the same; unset them, or set soup.releases=[]"
        )
    if folds is not None and is_released(config.model.base):
        raise ConfigError(
            f"train.folds: expected an encoder that saw no labels, found model.base "
            f"{config.model.base}: its training may have seen the documents that a fold holds out; "
            "name the encoder that the release began as, such as packaged:claimwire"
        )


def _seed_plans(config: Config, data: LabelledData, console: Console) -> list[_Plan]:
    baselines = _BaselinesOnce()

    def make(single: Config, folder: RunFolder) -> Metrics:
        own = load_data(single)  # data.max_train_sentences draws by the seed
        if own.digest != data.digest:
            raise ConfigError(
                f"train.seeds: expected the same data for every seed, found {own.digest[:19]} "
                f"where the first was trained on {data.digest[:19]}: files were changed "
                "meanwhile; put them back and go on with train.resume=true, or start afresh"
            )
        measured = train_and_measure(single, own, folder, console, baselines)
        return flat_metrics(measured.evaluations)

    return [
        _Plan(f"seed-{seed}", _with_train(config, seed=seed, seeds=None), make)
        for seed in config.train.seeds or ()
    ]


def _fold_plans(config: Config, data: LabelledData, console: Console) -> list[_Plan]:
    parts = fold_examples(data.examples, config.train.folds or 0, config.train.seed)

    def maker(number: int) -> Callable[[Config, RunFolder], Metrics]:
        def make(single: Config, folder: RunFolder) -> Metrics:
            turned = replace(data, examples=with_roles(parts, number))
            return measure_fold(single, turned, folder, console)

        return make

    return [_Plan(f"fold-{n + 1}", config, maker(n)) for n in range(len(parts))]


def _each(
    plans: Sequence[_Plan], digest: str, parent: RunFolder, tracker: Tracker, console: Console
) -> list[Repeat]:
    repeats = []
    for number, plan in enumerate(plans, start=1):
        folder = RunFolder(parent.path / plan.name)
        finished = _read_result(plan.name, folder)
        title = f"[bold]{plan.config.name} {plan.name}[/bold] ({number} of {len(plans)})"
        if finished is not None:
            console.print(f"{title}: finished before", highlight=False)
        else:
            console.print(title, highlight=False)
            finished = _make(plan, digest, folder, tracker)
        console.print(
            f"{plan.name}: validation macro-F1 {finished.metrics[CHOSEN_BY]:.3f}", highlight=False
        )
        repeats.append(finished)
    return repeats


def _make(plan: _Plan, digest: str, folder: RunFolder, tracker: Tracker) -> Repeat:
    state = folder.read_state()
    config = _with_train(plan.config, resume=state is not None)
    with tracking.tracked_run(
        tracker,
        f"{config.name}-{plan.name}",
        state.mlflow_run_id if state else None,
        nested=True,
        tags={KIND_TAG: plan.name.partition("-")[0]},
    ) as run_id:
        if state is None:
            folder.write_state(RunState(run_id, config.digest(), digest))
        repeat = Repeat(plan.name, run_id, plan.make(config, folder), folder.path)
        content = {"mlflow_run_id": run_id, "metrics": repeat.metrics}
        # Before the run counts as finished, so that a finished run has its figures.
        (folder.path / _RESULT).write_text(json.dumps(content, indent=1), encoding="utf-8")
        folder.mark_finished()
    # Two checkpoints a run, each three times the network: nothing will go on from them.
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    return repeat


def _read_result(name: str, folder: RunFolder) -> Repeat | None:
    state = folder.read_state()
    if state is None or not state.finished:
        return None
    content = json.loads((folder.path / _RESULT).read_text(encoding="utf-8"))
    return Repeat(name, content["mlflow_run_id"], content["metrics"], folder.path)


class _BaselinesOnce:
    """Baselines are measured and logged with the first run; the others' reports show the same."""

    def __init__(self) -> None:
        self._found: dict[str, Evaluation] | None = None

    def __call__(
        self,
        config: Config,
        data: LabelledData,
        model: Mapping[str, Evaluation],
        console: Console,
    ) -> dict[str, Evaluation]:
        if self._found is None:
            self._found = measure_baselines(config, data, model, console)
        return self._found


def _log_parent(config: Config, data: LabelledData) -> None:
    import mlflow

    tracking.log_configuration(config)
    mlflow.set_tags({"corpus_digest": data.digest, **data.tags()})


def _log_summary(repeats: Sequence[Repeat], measured_on: str, title: str, folder: Path) -> None:
    import mlflow

    quiet = ("_low", "_high", "/n")  # an interval's ends and a count have no spread of interest
    mlflow.log_metrics(
        {
            f"{key}/{statistic}": getattr(spread, statistic)
            for key, spread in summarise(repeats).items()
            if not key.endswith(quiet)
            for statistic in ("mean", "std", "min", "max")
        }
    )
    mlflow.log_metric("runs", len(repeats))
    for path in write_summary(repeats, measured_on, title, folder):
        mlflow.log_artifact(str(path))


def _register(best: Repeat, config: Config, tracker: Tracker) -> str | None:
    """Log the best run's release to it and register that one alone."""
    import mlflow

    hush_libraries()  # some library on the way has reset the filters of warnings
    release = load_release(best.folder / "release")
    mlflow.set_tags({"claimwire.best": best.name, "claimwire.chosen_by": CHOSEN_BY})
    with tracking.tracked_run(tracker, best.name, best.mlflow_run_id, nested=True):
        return tracking.register_release(release, config.tracking.registered_model)


def _with_train(config: Config, **changes: Any) -> Config:
    return config.model_copy(update={"train": config.train.model_copy(update=changes)})
