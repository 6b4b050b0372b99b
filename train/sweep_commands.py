"""What ``claimwire sweep`` does."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from claimwire.train.commands import INTERRUPTED
from claimwire.train.load_config import load_config


def sweep(
    config_path: Path, overrides: Sequence[str], trials: int | None, study: Path | None
) -> int:
    """Search, print every trial, and print the best one's values as overrides to paste.

    Exit code 1: not one trial finished.
    """
    config = load_config(config_path, overrides)
    from claimwire.train.sweep import run_sweep, study_file
    from claimwire.train.sweep_summary import overrides_of, sweep_table

    console = Console()
    try:
        outcome = run_sweep(config, console, trials, study)
    except KeyboardInterrupt:
        console.print(
            f"\ninterrupted: {study_file(config, study)} has every finished trial; the same "
            "command goes on, and repeats the trial that was cut off",
            highlight=False,
            soft_wrap=True,
        )
        return INTERRUPTED
    console.print(sweep_table(outcome.trials, outcome.best))
    where = (
        f"study {outcome.study}\nMLflow run {outcome.mlflow_run_id}; to compare trials:\n"
        f"  {outcome.how_to_open}"
    )
    if outcome.best is None:
        console.print(
            f"no trial finished: the table has the reasons\n{where}",
            highlight=False,
            soft_wrap=True,
        )
        return 1
    command = ["claimwire", "train", shlex.quote(str(config_path)), *map(shlex.quote, overrides)]
    console.print(
        f"best by validation: trial {outcome.best.number}, macro-F1 {outcome.best.value:.3f} "
        f"(best epoch, before calibration)\n{where}\nto train with its values:",
        highlight=False,
        soft_wrap=True,
    )
    pasted = " ".join([*command, *overrides_of(outcome.best.params)])
    console.print(f"  {pasted}", highlight=False, markup=False, soft_wrap=True)
    return 0
