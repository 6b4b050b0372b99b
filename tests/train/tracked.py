"""What the tests of several runs ask of MLflow."""

from __future__ import annotations

from typing import Any

import mlflow  # noqa: TID253 - these tests read what was recorded

from claimwire.train.config import Config


def client(config: Config) -> mlflow.MlflowClient:
    """Return a client of the database that a configuration's runs are recorded in."""
    return mlflow.MlflowClient(f"sqlite:///{config.output_dir / 'mlflow.db'}")


def children(config: Config, parent: str) -> dict[str, Any]:
    """Return the runs under a parent run, by name."""
    server = client(config)
    experiment = server.get_experiment_by_name(config.tracking.experiment)
    assert experiment is not None
    found = server.search_runs(
        [experiment.experiment_id], f"tags.`mlflow.parentRunId` = '{parent}'"
    )
    return {run.info.run_name: run for run in found}
