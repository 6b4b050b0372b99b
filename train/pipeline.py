"""One training run from configuration to registered release."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from claimwire.data.corpus import SPLITS, to_dataset_dict
from claimwire.data.errors import ConfigError, MissingExtraError
from claimwire.model.released_network import is_released, open_released
from claimwire.train import tracking
from claimwire.train.behaviour import document_parties
from claimwire.train.config import Config
from claimwire.train.features import with_second_target
from claimwire.train.fine_tune import FineTuned, fine_tune, hush_libraries
from claimwire.train.label_noise import log_label_noise
from claimwire.train.labelled_data import LabelledData, load_data
from claimwire.train.make_release import Measured, make_release
from claimwire.train.processes import process_count
from claimwire.train.progress import progress_callback
from claimwire.train.run_state import RunFolder, RunState, find_interrupted, new_run_folder
from claimwire.train.soft_labels import distil
from claimwire.train.soup import averaged, described
from claimwire.train.swapped import with_swapped_parties
from claimwire.train.trust import REPORT, examine, log_trust, measure_baselines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import datasets
    from transformers import TrainerCallback

    from claimwire.train.metrics import Evaluation

    BaselineSource = Callable[
        [Config, LabelledData, Mapping[str, Evaluation], Console], dict[str, Evaluation]
    ]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run leaves behind.

    ``model_version`` is the version in the registry, None where nothing was registered.
    """

    measured: Measured
    folder: Path
    mlflow_run_id: str
    model_version: str | None
    how_to_open: str

    @property
    def report(self) -> Path:
        """The report, one HTML file."""
        return self.folder / REPORT


def run_training(config: Config, console: Console) -> Outcome:
    """Train, make the release, record everything.

    The tracking server is reached and the data is read before anything is trained.

    Raises:
        ConfigError: a value that cannot work, nothing to resume, or ``train.seeds`` or
            ``train.folds``, which :func:`claimwire.train.repeats.run_repeats` is for.
        CorpusError: labelled data that breaks the contract.
        EncoderError: the base cannot be had.
        TrackingError: MLflow cannot be reached.
        MissingExtraError: the extra [train] is not installed.
    """
    if config.train.seeds is not None or config.train.folds is not None:
        raise ConfigError(
            "train.seeds, train.folds: expected both unset for a single run, found "
            f"{config.train.seeds} and {config.train.folds}: call run_repeats, or unset them"
        )
    require_extra()
    hush_libraries()
    data = load_data(config)
    tracker = tracking.connect(config)
    folder, run_id = open_folder(config, data)
    _say_what_begins(console, config, data, resumed=run_id is not None)
    with tracking.tracked_run(tracker, config.name, run_id) as mlflow_run_id:
        if run_id is None:
            folder.write_state(RunState(mlflow_run_id, config.digest(), data.digest))
        measured = train_and_measure(config, data, folder, console)
        hush_libraries()  # some library on the way has reset the filters of warnings
        version = tracking.register_release(measured.release, config.tracking.registered_model)
        folder.mark_finished()
    return Outcome(measured, folder.path, mlflow_run_id, version, tracker.how_to_open)


def require_extra() -> None:
    """Raise MissingExtraError unless everything that training imports is installed."""
    for library in ("torch", "transformers", "datasets", "mlflow", "sklearn", "onnx"):
        try:
            import_module(library)
        except ImportError as error:
            raise MissingExtraError("train", "training") from error


def open_folder(config: Config, data: LabelledData) -> tuple[RunFolder, str | None]:
    """Return a new run's folder, or an interrupted run's with its MLflow run id."""
    if not config.train.resume:
        return new_run_folder(config), None
    folder, state = find_interrupted(config, data.digest)
    return folder, state.mlflow_run_id


def train_and_measure(
    config: Config,
    data: LabelledData,
    folder: RunFolder,
    console: Console,
    baselines: BaselineSource = measure_baselines,
) -> Measured:
    """Train and make the release, and log all that a run shows to the active MLflow run.

    Args:
        config: the experiment; with ``train.resume`` the folder's last checkpoint is gone on from.
        data: the sentences of all splits.
        folder: of the run; gets checkpoints, release and report.
        console: shows the progress.
        baselines: where their test evaluations come from, if the report is to have them.
    """
    import mlflow

    log_inputs(config, data)
    tuned = (
        averaged(config)
        if config.soup.releases
        else fine_tune_logged(config, data, folder, console)
    )
    if config.train.resume:  # what a run wrote that was interrupted after its training
        shutil.rmtree(folder.release, ignore_errors=True)
    with console.status("making the release: export, calibration, test set"):
        measured = make_release(config, tuned, data.examples, data.digest, folder.release)
    for name, evaluation in measured.evaluations.items():
        # Behind the epochs' points: the last value of a validation metric is the release's own.
        mlflow.log_metrics(evaluation.flat(name), step=tuned.steps + 1)
    mlflow.log_metrics(measured.calibration_report.flat(), step=tuned.steps + 1)
    mlflow.log_dict(measured.calibration_report.to_json(), "calibration.json")
    beside = (
        baselines(config, data, measured.evaluations, console) if config.report.baselines else {}
    )
    if config.report.label_noise:
        log_label_noise(config, data, console)
    with console.status("slices, behaviour, report"):
        facts = examine(config, data, measured, tuned.history, beside)
        log_trust(facts, folder.path, tuned.steps + 1)
    return measured


def log_inputs(config: Config, data: LabelledData) -> None:
    """Log configuration, base and data to the active MLflow run."""
    import mlflow

    tracking.log_configuration(config)
    if config.soup.releases:
        mlflow.set_tag("base_release", described(config.soup))
    elif is_released(config.model.base):  # a name such as released:small is another one's tomorrow
        mlflow.set_tag("base_release", open_released(config.model.base).id)
    tracking.log_data(to_dataset_dict(data.examples), data.digest, data.source, data.tags())


def fine_tune_logged(
    config: Config,
    data: LabelledData,
    folder: RunFolder,
    console: Console,
    callbacks: Sequence[TrainerCallback] = (),
) -> FineTuned:
    """Fine-tune, and log losses, validation figures and time to the active MLflow run.

    Only ``train`` and ``validation`` are looked at.
    """
    import mlflow

    tuned: FineTuned = fine_tune(
        config,
        _training_targets(config, data, to_dataset_dict(data.examples), console),
        folder.checkpoints,
        callbacks=[progress_callback(console), tracking.metrics_callback(), *callbacks],
        resume_from=folder.last_checkpoint() if config.train.resume else None,
    )
    mlflow.log_metric("train/seconds", tuned.seconds)
    mlflow.log_metric("train/steps", tuned.steps)
    mlflow.log_metric("train/processes", process_count())
    return tuned


def _training_targets(
    config: Config, data: LabelledData, dataset: datasets.DatasetDict, console: Console
) -> datasets.DatasetDict:
    """Return the splits with the targets that training is to reach, a teacher's among them."""
    import mlflow
    from datasets import DatasetDict

    train = with_second_target(dataset["train"], config.train.second_target)
    if data.soft:
        train = _with_teacher(config, data, train, console)
    if config.data.swap_parties:
        originals = len(train)
        train = with_swapped_parties(train, document_parties(config.data.corpus))
        mlflow.log_metric("data/train_sentences_swapped", float(len(train) - originals))
        console.print(f"{len(train) - originals} sentences again with the parties exchanged")
    return DatasetDict({**dataset, "train": train})


def _with_teacher(
    config: Config, data: LabelledData, train: datasets.Dataset, console: Console
) -> datasets.Dataset:
    """Return the training split with the targets of labels and teacher."""
    import mlflow

    held_out = data.texts("validation", "test")
    how = config.distillation
    distilled = distil(train, data.soft, how.weight, held_out, how.keep_certain)
    mlflow.log_metric("data/train_sentences_blended", float(distilled.blended))
    mlflow.log_metric("data/train_sentences_transferred", float(distilled.transferred))
    console.print(
        f"with a teacher: {distilled.blended} labelled sentences blended, "
        f"{distilled.transferred} transfer sentences added",
        highlight=False,
        soft_wrap=True,
    )
    return distilled.train


def _say_what_begins(
    console: Console, config: Config, data: LabelledData, *, resumed: bool
) -> None:
    counts = {split: sum(e.split == split for e in data.examples) for split in SPLITS}
    verb = "resuming" if resumed else "training"
    begun = f"{verb} [bold]{config.name}[/bold] on {config.model.base}"
    if config.soup.releases:
        begun = f"averaging [bold]{config.name}[/bold], {described(config.soup)}"
    console.print(
        f"{begun}: "
        + ", ".join(f"{count} {split}" for split, count in counts.items())
        + " sentences",
        highlight=False,
        soft_wrap=True,
    )
    data.say_what_is_there(console)
