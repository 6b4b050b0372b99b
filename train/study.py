"""The study behind a sweep: one SQLite file, one sweep at a time, one experiment for good."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimwire.data.errors import ConfigError
from claimwire.model.references import first_line
from claimwire.train.config import Config

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

REASON: Final = "reason"
"""Attribute of a failed trial: the error."""
_INTERRUPTED: Final = "interrupted"
_MADE_FOR: Final = "made_for"
_WARM_UP: Final = 5
"""Trials that finish before any is pruned: fewer give no median worth going by."""
_WARM_UP_EPOCHS: Final = 2
"""No trial is pruned before this epoch's end: the first says little while the rate still rises."""


@contextmanager
def open_study(file: Path, config: Config, data_digest: str) -> Iterator[optuna.Study]:
    """Open the study in a file, or begin it, and keep other sweeps off it meanwhile.

    Args:
        file: an SQLite file, made if it is not there.
        config: the experiment; sampler and pruner are as it says.
        data_digest: of the labelled files.

    Raises:
        ConfigError: the file is no study or cannot be written, holds that of another experiment,
            or another sweep is working on it.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    with _alone(file):
        try:
            storage = optuna.storages.RDBStorage(f"sqlite:///{file.resolve()}")
            study = optuna.create_study(
                storage=storage, study_name="claimwire", direction="maximize", load_if_exists=True
            )
        except (SQLAlchemyError, optuna.exceptions.OptunaError, RuntimeError) as error:
            raise ConfigError(
                f"{file}: expected the SQLite file of a sweep, found: {first_line(error)}: name "
                "another with --study, or delete it to begin afresh"
            ) from None
        try:
            _require_same(study, file, config, data_digest)
            # With one seed for all calls, each would draw again what the first has drawn.
            seed = (config.train.seed + len(study.trials)) % 2**32
            study.sampler = optuna.samplers.TPESampler(seed=seed)
            study.pruner = (
                optuna.pruners.MedianPruner(
                    n_startup_trials=_WARM_UP, n_warmup_steps=_WARM_UP_EPOCHS
                )
                if config.sweep.prune
                else optuna.pruners.NopPruner()
            )
            yield study
        finally:
            storage.remove_session()
            storage.engine.dispose()


def trials_that_count(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that came to an end by themselves, in order: finished, pruned, failed."""
    interrupted = study.user_attrs.get(_INTERRUPTED, [])
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state.is_finished() and trial.number not in interrupted
    ]


def set_interrupted_aside(study: optuna.Study) -> None:
    """Close trials that an earlier call left unfinished, and put their values first in line."""
    from optuna.trial import TrialState

    for left in study.get_trials(states=(TrialState.RUNNING,)):
        interrupted = study.user_attrs.get(_INTERRUPTED, [])
        study.set_user_attr(_INTERRUPTED, [*interrupted, left.number])
        study.tell(left.number, state=TrialState.FAIL)
        if left.params:
            study.enqueue_trial(left.params)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Hold the lock beside a study's file; the system lets go of it when the process ends."""
    import fcntl

    lock = file.with_name(file.name + ".lock")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("w")
    except OSError as error:
        raise ConfigError(
            f"{file}: expected a place for the SQLite file of a sweep, found: {error.strerror}: "
            "name another with --study"
        ) from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(
                f"{file}: expected a study that no other sweep is working on, found one at work: "
                "wait for it, stop it, or name another file with --study"
            ) from None
        yield


def _require_same(study: optuna.Study, file: Path, config: Config, data_digest: str) -> None:
    """Refuse to mix trials of different experiments: their scores do not compare."""
    now = {
        "configuration": config.digest(),
        "data": data_digest,
        "search space": json.dumps(config.sweep.space, sort_keys=True),
    }
    before: dict[str, Any] | None = study.user_attrs.get(_MADE_FOR)
    if before is None:
        study.set_user_attr(_MADE_FOR, now)
        return
    changed = [name for name, value in now.items() if before.get(name) != value]
    if changed:
        raise ConfigError(
            f"{file}: expected the study of this very experiment, found one with another "
            f"{' and another '.join(changed)}: put it back, or name another file with --study"
        )
