"""A search for better settings: trials of one study in SQLite, each a nested MLflow run.

A trial fine-tunes on train and is judged by the best epoch's macro-F1 on validation. It makes no
release and never looks at the test set. The sampler is Optuna's TPE (Bergstra et al. 2011), the
pruner the median rule.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from claimwire.data.errors import ConfigError, MissingExtraError
from claimwire.train import tracking
from claimwire.train.baselines import KIND_TAG
from claimwire.train.config import Config
from claimwire.train.fine_tune import hush_libraries
from claimwire.train.labelled_data import LabelledData, load_data
from claimwire.train.pipeline import fine_tune_logged, log_inputs, require_extra
from claimwire.train.repeat_summary import CHOSEN_BY
from claimwire.train.run_state import RunFolder
from claimwire.train.search_space import Parameter, Scalar, read_space, with_values
from claimwire.train.study import REASON, open_study, set_interrupted_aside, trials_that_count
from claimwire.train.sweep_summary import overrides_of, write_sweep
from claimwire.train.tracking import Tracker

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial
    from transformers import TrainerCallback

_RUN_ID: Final = "mlflow_run_id"
_TRIAL_NAME: Final = "trial-{number}"


@dataclass(frozen=True, slots=True)
class SweepOutcome:
    """What a sweep has found so far.

    Attributes:
        trials: all that count, in order, those of earlier calls included.
        best: the finished one with the highest validation macro-F1; None if none finished.
        study: the SQLite file.
        folder: with the summary's files.
        mlflow_run_id: of the run that the trials stand under.
        how_to_open: what to run or open to see them.
    """

    trials: tuple[FrozenTrial, ...]
    best: FrozenTrial | None
    study: Path
    folder: Path
    mlflow_run_id: str
    how_to_open: str


def study_file(config: Config, study: Path | None = None) -> Path:
    """Return the SQLite file of a sweep: the one given, else ``sweeps/NAME.db`` in output_dir."""
    return study or config.output_dir / "sweeps" / f"{config.name}.db"


def run_sweep(
    config: Config, console: Console, trials: int | None = None, study: Path | None = None
) -> SweepOutcome:
    """Go on with a study, or begin it, until it has its trials.

    A trial that fails is recorded with its reason, counts, and does not end the sweep. One that
    was interrupted does not count; its values are tried again.

    Args:
        config: the experiment that is varied, with ``sweep.space``.
        console: shows each trial.
        trials: of the whole study, those of earlier calls included. None: ``sweep.trials``.
        study: see :func:`study_file`.

    Raises:
        ConfigError: a search space that cannot work, seeds or folds in the configuration, or a
            study of another experiment, in use, or damaged.
        CorpusError: labelled data that breaks the contract.
        TrackingError: MLflow cannot be reached.
        MissingExtraError: the extra [train] is not installed.
    """
    require_extra()
    _require_optuna()
    hush_libraries()
    _check(config)
    space = read_space(config)
    data = load_data(config)
    tracker = tracking.connect(config)
    file = study_file(config, study)
    with open_study(file, config, data.digest) as opened:
        sweep = _Sweep(config, space, data, opened, file, tracker, console)
        wanted = config.sweep.trials if trials is None else trials
        return sweep.run(wanted)


def _require_optuna() -> None:
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError("train", "a sweep") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def _check(config: Config) -> None:
    if config.train.seeds is not None or config.train.folds is not None:
        raise ConfigError(
            "train.seeds, train.folds: expected both unset in a sweep, whose trials are single "
            f"runs, found {config.train.seeds} and {config.train.folds}: add train.seeds=null "
            "train.folds=null, and repeat the best trial with them afterwards"
        )


@dataclass(frozen=True, slots=True)
class _Sweep:
    """One call's work on a study."""

    config: Config
    space: dict[str, Parameter]
    data: LabelledData
    study: optuna.Study
    file: Path
    tracker: Tracker
    console: Console

    @property
    def folder(self) -> Path:
        """Folder of the summary, and of the running trial's checkpoints."""
        return self.file.with_name(f"{self.file.stem}-trials")

    def run(self, wanted: int) -> SweepOutcome:
        import mlflow

        self.folder.mkdir(parents=True, exist_ok=True)
        self._say_what_begins(wanted)
        earlier = self._earlier_run()
        name = f"{self.config.name}-sweep"
        with tracking.tracked_run(self.tracker, name, earlier, tags={KIND_TAG: "sweep"}) as run_id:
            if earlier is None:
                self.study.set_user_attr(_RUN_ID, run_id)
                log_inputs(self.config, self.data)
            mlflow.log_dict(self.config.sweep.model_dump(mode="json"), "sweep.json")
            set_interrupted_aside(self.study)
            try:
                while (done := len(trials_that_count(self.study))) < wanted:
                    self._next(done + 1, wanted)
            finally:  # an interrupted sweep has its summary too
                outcome = self._outcome(run_id)
                self._log_summary(outcome)
        return outcome

    def _say_what_begins(self, wanted: int) -> None:
        done = len(trials_that_count(self.study))
        verb = f"going on after {done} trial(s)" if done else "beginning"
        self.console.print(
            f"sweep [bold]{self.config.name}[/bold] to {wanted} trial(s), {verb}; study "
            f"{self.file}",
            highlight=False,
            soft_wrap=True,
        )
        self.data.say_what_is_there(self.console)

    def _earlier_run(self) -> str | None:
        """Return the MLflow run of earlier calls, or None where the server has it no more."""
        import mlflow
        from mlflow.exceptions import MlflowException

        run_id = self.study.user_attrs.get(_RUN_ID)
        if run_id is None:
            return None
        try:
            run = mlflow.MlflowClient().get_run(run_id)
        except MlflowException:
            return None
        return str(run_id) if run.info.lifecycle_stage == "active" else None

    def _next(self, number: int, wanted: int) -> None:
        """Make one trial; whatever becomes of it is in the study afterwards."""
        from optuna.trial import TrialState

        trial = self.study.ask()
        try:
            values = {key: parameter.draw(trial, key) for key, parameter in self.space.items()}
            self.console.print(
                f"trial {trial.number} ({number} of {wanted}): {' '.join(overrides_of(values))}",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
            score = self._score(trial, values)
        except KeyboardInterrupt:
            # The trial stays unfinished in the study: the next call sets it aside and repeats it.
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the other trials go on
            reason = f"{type(error).__name__}: {error}"
            trial.set_user_attr(REASON, reason)
            self.study.tell(trial, state=TrialState.FAIL)
            self._say(f"failed: {reason}")
            return
        if score is None:
            self.study.tell(trial, state=TrialState.PRUNED)
            self._say("stopped early: below the median of the earlier trials")
            return
        self.study.tell(trial, score)
        best = self.study.best_trial
        self._say(f"validation macro-F1 {score:.3f} (best {best.value:.3f}, trial {best.number})")

    def _say(self, text: str) -> None:
        self.console.print(f"  {text}", highlight=False, markup=False, soft_wrap=True)

    def _score(self, trial: optuna.Trial, values: dict[str, Scalar]) -> float | None:
        """Fine-tune with a trial's values; return its score, or None if it was pruned."""
        import mlflow
        from optuna import TrialPruned

        name = _TRIAL_NAME.format(number=trial.number)
        folder = RunFolder(self.folder)
        with tracking.tracked_run(
            self.tracker, name, nested=True, tags={KIND_TAG: "trial"}
        ) as run_id:
            trial.set_user_attr(_RUN_ID, run_id)
            try:
                config = with_values(self.config, values)
                tracking.log_configuration(config)
                data = self._data_for(config)
                shutil.rmtree(folder.checkpoints, ignore_errors=True)
                tuned = fine_tune_logged(
                    config, data, folder, self.console, [_pruning_callback(trial)]
                )
            except TrialPruned:
                mlflow.set_tag("claimwire.pruned", "true")
                return None
            except Exception as error:
                mlflow.set_tag("claimwire.reason", f"{type(error).__name__}: {error}"[:500])
                raise
            finally:
                shutil.rmtree(folder.checkpoints, ignore_errors=True)
            mlflow.log_metric(f"{CHOSEN_BY}/best", tuned.best_validation_macro_f1)
            return tuned.best_validation_macro_f1

    def _data_for(self, config: Config) -> LabelledData:
        """Return the trial's sentences: the sweep's, unless it takes another part of them."""
        if config.data == self.config.data:
            return self.data
        return load_data(config)

    def _outcome(self, run_id: str) -> SweepOutcome:
        trials = tuple(trials_that_count(self.study))
        finished = [trial for trial in trials if trial.state.name == "COMPLETE"]
        return SweepOutcome(
            trials=trials,
            best=max(finished, key=lambda trial: trial.value or 0.0, default=None),
            study=self.file,
            folder=self.folder,
            mlflow_run_id=run_id,
            how_to_open=self.tracker.how_to_open,
        )

    def _log_summary(self, outcome: SweepOutcome) -> None:
        import mlflow

        states = [trial.state.name for trial in outcome.trials]
        for state, name in (("COMPLETE", "finished"), ("PRUNED", "pruned"), ("FAIL", "failed")):
            mlflow.log_metric(f"trials/{name}", states.count(state), step=len(states))
        if outcome.best is not None and outcome.best.value is not None:
            mlflow.log_metric(f"{CHOSEN_BY}/best", outcome.best.value, step=len(states))
            mlflow.set_tag("claimwire.best", _TRIAL_NAME.format(number=outcome.best.number))
        for path in write_sweep(outcome.trials, outcome.best, outcome.folder):
            mlflow.log_artifact(str(path))


def _pruning_callback(trial: optuna.Trial) -> TrainerCallback:
    """Return a Trainer callback that reports each epoch's score and ends a hopeless trial."""
    from optuna import TrialPruned
    from transformers import TrainerCallback

    class _Prune(TrainerCallback):
        """Counts evaluations, since an epoch may be a part of one."""

        def __init__(self) -> None:
            self._evaluations = 0

        def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self._evaluations += 1
            trial.report(kwargs["metrics"]["eval_primary_macro_f1"], self._evaluations)
            if trial.should_prune():
                raise TrialPruned

    return _Prune()
