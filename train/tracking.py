"""MLflow: where a run is recorded, what is recorded, and the release as a registered model."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimwire.data.errors import MissingExtraError, TrackingError
from claimwire.model.references import first_line, quick_requests
from claimwire.model.release import Release
from claimwire.train.config import Config

if TYPE_CHECKING:
    import datasets
    from transformers import TrainerCallback

CHAMPION: Final = "champion"


@dataclass(frozen=True, slots=True)
class Tracker:
    """A tracking server that answered, and the experiment on it."""

    uri: str
    experiment_id: str

    @property
    def how_to_open(self) -> str:
        """What to run or open to see the runs."""
        if self.uri.startswith(("http://", "https://")):
            return f"{self.uri}/#/experiments/{self.experiment_id}"
        return f"mlflow ui --backend-store-uri {self.uri}"


def connect(config: Config) -> Tracker:
    """Reach the tracking server and find or make the experiment, before anything is trained.

    The address is ``tracking.uri``, else ``MLFLOW_TRACKING_URI``, else an SQLite database in
    ``output_dir`` with the artifacts beside it.

    Raises:
        TrackingError: the server cannot be reached or refuses.
        MissingExtraError: MLflow is not installed.
    """
    try:
        import mlflow
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise MissingExtraError("train", "tracking a run") from error

    for name in ("mlflow", "alembic"):  # MLflow sets its loggers up when it is imported
        logging.getLogger(name).setLevel(logging.WARNING)
    uri = config.tracking.uri or os.environ.get("MLFLOW_TRACKING_URI") or _embedded_uri(config)
    local = uri.startswith("sqlite:")
    database = _database_file(uri) if local else None
    if database is not None:
        database.parent.mkdir(parents=True, exist_ok=True)
    try:
        with quick_requests(), _alone(database):  # a wrong address must fail at once
            mlflow.set_tracking_uri(uri)
            mlflow.set_registry_uri(uri)
            experiment_id = _find_or_make_experiment(config, local=local)
    except (MlflowException, OSError) as error:
        raise TrackingError(
            f"expected an MLflow tracking server at {uri}, found: {first_line(error)}: start it, "
            "correct tracking.uri or MLFLOW_TRACKING_URI, or unset both to use the database in "
            f"{config.output_dir}; nothing was trained"
        ) from None
    return Tracker(uri=uri, experiment_id=experiment_id)


@contextmanager
def _alone(database: Path | None) -> Iterator[None]:
    """Keep other trainings out while MLflow makes its database, which two cannot do at once."""
    if database is None:
        yield
        return
    with database.with_name(f".{database.name}.lock").open("ab") as lock:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _database_file(uri: str) -> Path | None:
    """Return the file of an SQLite database; None for one in memory."""
    from sqlalchemy.engine import make_url

    name = make_url(uri).database
    return None if not name or name == ":memory:" else Path(name)


def _embedded_uri(config: Config) -> str:
    return f"sqlite:///{config.output_dir.resolve() / 'mlflow.db'}"


def _find_or_make_experiment(config: Config, *, local: bool) -> str:
    import mlflow

    name = config.tracking.experiment
    found = mlflow.get_experiment_by_name(name)
    if found is None:
        artifacts = (config.output_dir / "mlartifacts").resolve().as_uri() if local else None
        experiment_id: str = mlflow.create_experiment(name, artifact_location=artifacts)
        return experiment_id
    if found.lifecycle_stage != "active":
        raise TrackingError(
            f"expected an active MLflow experiment named {name!r}, found a deleted one: restore it "
            f"(mlflow experiments restore --experiment-id {found.experiment_id}) or set "
            "tracking.experiment to another name"
        )
    return str(found.experiment_id)


@contextmanager
def tracked_run(
    tracker: Tracker,
    name: str,
    run_id: str | None = None,
    *,
    nested: bool = False,
    tags: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Open a run, or an interrupted one again; yield its id.

    A nested run stands under the one that is active. An error ends the run as FAILED and an
    interruption as KILLED, so that none stays RUNNING.
    """
    import mlflow

    arguments: dict[str, Any] = (
        {"run_id": run_id} if run_id else {"run_name": name, "experiment_id": tracker.experiment_id}
    )
    run = mlflow.start_run(**arguments, nested=nested, tags=dict(tags or {}))
    status = "FINISHED"
    try:
        yield str(run.info.run_id)
    except (KeyboardInterrupt, SystemExit):
        status = "KILLED"
        raise
    except BaseException:
        status = "FAILED"
        raise
    finally:
        mlflow.end_run(status)


def log_configuration(config: Config) -> None:
    """Record every field as a parameter, the configuration file, and its digest as a tag."""
    import mlflow
    import yaml

    content = config.model_dump(mode="json")
    content["train"].pop("resume")  # a resumed run keeps its parameters
    content.pop("sweep")  # a search is no part of the experiments that it makes
    mlflow.log_params(_flatten(content))
    mlflow.log_text(yaml.safe_dump(content, sort_keys=False), "config.yaml")
    mlflow.set_tag("config_digest", config.digest())


def _flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value if isinstance(value, str) else json.dumps(value)
    return flat


def log_data(
    dataset: datasets.DatasetDict,
    digest: str,
    source: str,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Record the splits as MLflow data sets with their lineage.

    Args:
        dataset: the splits.
        digest: of the labelled files, ``sha256:...``.
        source: where the labelled files are.
        tags: what else there is to say of the data.
    """
    import mlflow
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.huggingface_dataset import from_huggingface

    mlflow.set_tags({"corpus_digest": digest, **(tags or {})})
    for split, rows in dataset.items():
        sentences = rows.select_columns(["text", "labels"])
        logged = from_huggingface(
            sentences,
            source=CodeDatasetSource(tags={"source": source}),
            name=f"claimwire-{split}",
            # MLflow takes two data sets of one name and digest for the same: parts differ in it.
            digest=f"{_rows_digest(sentences)}-{split}"[:36],
        )
        mlflow.log_input(logged, context=split)
        mlflow.log_metric(f"data/{split}_sentences", float(len(rows)))


def _rows_digest(rows: datasets.Dataset) -> str:
    content = hashlib.sha256()
    for row in rows:
        content.update(json.dumps(row, ensure_ascii=False, sort_keys=True).encode())
    return content.hexdigest()[:24]


def metrics_callback() -> TrainerCallback:
    """Return a Trainer callback that sends losses and validation figures to MLflow by step."""
    import mlflow
    from transformers import TrainerCallback

    class _MetricsToMlflow(TrainerCallback):
        """Names as of the design: ``train/loss``, ``validation/primary_macro_f1``."""

        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            metrics = {}
            for key, value in kwargs["logs"].items():
                if not isinstance(value, int | float):
                    continue
                if key.startswith("eval_"):
                    metrics["validation/" + key.removeprefix("eval_")] = float(value)
                elif key in {"loss", "learning_rate", "grad_norm"}:
                    metrics["train/" + key] = float(value)
            mlflow.log_metrics(metrics, step=state.global_step)

    return _MetricsToMlflow()


def register_release(release: Release, registered_model: str | None) -> str | None:
    """Log the release to the active run, and register it.

    The first version of a registered model becomes ``@champion``.

    Returns:
        The new version, or None where ``registered_model`` is None.
    """
    import mlflow

    from claimwire.model import pyfunc

    info = mlflow.pyfunc.log_model(
        name="release",
        python_model=str(Path(pyfunc.__file__)),
        artifacts={"release": str(release.directory)},
        signature=pyfunc.signature(),
        input_example=pyfunc.input_example(),
        pip_requirements=pyfunc.requirements(),
        registered_model_name=registered_model,
        metadata={"release": release.id},
    )
    if registered_model is None:
        return None
    version = str(info.registered_model_version)
    client = mlflow.MlflowClient()
    client.set_model_version_tag(registered_model, version, "release", release.id)
    if CHAMPION not in client.get_registered_model(registered_model).aliases:
        client.set_registered_model_alias(registered_model, CHAMPION, version)
    return version
