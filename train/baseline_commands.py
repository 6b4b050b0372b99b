"""What ``claimwire baselines`` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from claimwire.train.config import Config
from claimwire.train.load_config import load_config


def baselines(config_path: Path, overrides: Sequence[str]) -> int:
    """Measure every baseline on a configuration's splits, record them, print one table."""
    config = _without_teacher(load_config(config_path, overrides))
    from claimwire.data.corpus import to_dataset_dict
    from claimwire.train import tracking
    from claimwire.train.baselines import KIND_TAG, baseline_table, log_baselines, run_baselines
    from claimwire.train.fine_tune import hush_libraries
    from claimwire.train.labelled_data import load_data
    from claimwire.train.pipeline import require_extra

    require_extra()
    hush_libraries()
    import mlflow

    console = Console()
    data = load_data(config)
    tracker = tracking.connect(config)
    with tracking.tracked_run(tracker, f"{config.name}-baselines") as run_id:
        mlflow.set_tag(KIND_TAG, "baselines")
        tracking.log_configuration(config)
        tracking.log_data(to_dataset_dict(data.examples), data.digest, data.source)
        results = run_baselines(config, data, console)
        log_baselines(results)
    console.print(baseline_table(results))
    console.print(
        f"MLflow run {run_id}; to compare with models:\n  {tracker.how_to_open}",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def _without_teacher(config: Config) -> Config:
    """Return the experiment on labels alone, so that it runs before ``claimwire teach`` has."""
    distillation = config.distillation.model_copy(update={"soft_labels": ()})
    return config.model_copy(update={"distillation": distillation})
