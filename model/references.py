"""From what a user writes after ``--model`` to a release directory.

A reference is None or ``small`` (the shipped release), ``base`` (the larger one, a distribution
of its own), a directory, or ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION`` of an MLflow
registry. A registered model's files are fetched and read directly: no code that travels with a
model is ever run.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

from claimwire.data.errors import MissingExtraError, ReleaseError, TrackingError
from claimwire.model.manifest import MANIFEST_NAME
from claimwire.model.release import BASE, base_release, default_release

REGISTRY_SCHEME: Final = "models:/"
SMALL: Final = "small"
"""How the default release is named where both are."""
DEFAULT_TRACKING_URI: Final = "sqlite:///artifacts/mlflow.db"
"""Where ``claimwire train`` records runs where nothing else is said; relative to the current
directory."""

_QUICK: Final = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
_PROGRESS: Final = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"


def quick_requests() -> AbstractContextManager[None]:
    """Make MLflow give a dead server up at once, where it would try again for minutes."""
    return _unless_set(_QUICK)


@contextmanager
def _unless_set(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while, except those that the user has set."""
    added = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def tracking_uri() -> str:
    """Return ``MLFLOW_TRACKING_URI``, or the embedded default."""
    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_TRACKING_URI


def resolve_release(reference: str | Path | None) -> Path:
    """Return the directory of a release; its files are not yet verified.

    Raises:
        ReleaseError: there is no such directory, or the registered model holds no release.
        TrackingError: the registry cannot be reached, or knows no such model.
        MissingExtraError: a registry is named and MLflow is not installed.
    """
    if reference is None:
        return default_release()
    if isinstance(reference, str) and reference.startswith(REGISTRY_SCHEME):
        return _fetch(reference)
    directory = Path(reference)
    shipped = {SMALL: default_release, BASE: base_release}.get(str(reference))
    if shipped is not None and not (directory / MANIFEST_NAME).is_file():
        return shipped()
    if not directory.is_dir():
        raise ReleaseError(
            f"{reference}: expected a release directory (with {MANIFEST_NAME}) or a reference "
            f"such as small, base or models:/claimwire@champion, found {_what_is(directory)}: "
            "check the path, or see the shipped ones with `claimwire models list`"
        )
    return directory


def _what_is(path: Path) -> str:
    return "a file" if path.exists() else "nothing"


def _fetch(reference: str) -> Path:
    """Download a registered model's files to a folder that goes when this process ends."""
    _parse(reference)  # a misspelt reference needs no server to be found out
    uri = tracking_uri()
    client = registry_client(uri)
    version = _find_version(client, reference, uri)
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    source = client.get_model_version_download_uri(version.name, version.version)
    target = Path(tempfile.mkdtemp(prefix="claimwire-model-"))
    atexit.register(shutil.rmtree, target, ignore_errors=True)
    try:
        with _unless_set({_PROGRESS: str(sys.stderr.isatty())}):
            downloaded = Path(
                download_artifacts(artifact_uri=source, dst_path=str(target), tracking_uri=uri)
            )
    except (MlflowException, OSError) as error:
        raise TrackingError(
            f"{reference}: expected its files at {source}, found: {first_line(error)}: check "
            "that the artifact store of this registry can be reached from here"
        ) from error
    manifests = sorted(downloaded.rglob(MANIFEST_NAME))
    if len(manifests) != 1:
        raise ReleaseError(
            f"{reference}: expected a registered model with one claimwire release inside, found "
            f"{len(manifests)} {MANIFEST_NAME}: register it with `claimwire train`"
        )
    return manifests[0].parent


def registry_client(uri: str) -> Any:
    """Return an ``mlflow.MlflowClient`` for an address, without making a database.

    Raises:
        MissingExtraError: MLflow is not installed.
        TrackingError: the embedded database is not there.
    """
    try:
        import mlflow
    except ImportError as error:
        raise MissingExtraError("train", "reading a model registry") from error
    path = Path(uri.removeprefix("sqlite:///"))
    if uri.startswith("sqlite:///") and not path.is_file():
        raise TrackingError(
            f"expected a model registry at {uri}, found no file {path.absolute()}: train a model "
            "first, run this in the directory with artifacts/, or set MLFLOW_TRACKING_URI"
        )
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    return mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)


def _find_version(client: Any, reference: str, uri: str) -> Any:
    from mlflow.exceptions import MlflowException

    name, alias, number = _parse(reference)
    try:
        with quick_requests():
            if alias:
                return client.get_model_version_by_alias(name, alias)
            return client.get_model_version(name, number)
    except MlflowException as error:
        raise TrackingError(
            f"{reference}: expected a registered model version in {uri}, found: "
            f"{first_line(error)}: list what there is with `claimwire models list`"
        ) from error


def _parse(reference: str) -> tuple[str, str, str]:
    """Return name, alias and version, one of the last two empty."""
    rest = reference.removeprefix(REGISTRY_SCHEME)
    name, at, alias = rest.partition("@")
    if at and name and alias:
        return name, alias, ""
    name, slash, number = rest.rpartition("/")
    if slash and name and number.isdigit():
        return name, "", number
    raise ReleaseError(
        f"{reference}: expected models:/NAME@ALIAS or models:/NAME/VERSION, such as "
        "models:/claimwire@champion: correct it"
    )


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, or its kind where it says nothing."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
