"""A registered model in MLflow, as promotion sees it: versions, tags, and who is champion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from claimwire.data.errors import MissingExtraError, TrackingError
from claimwire.model.references import first_line, quick_requests, registry_client, tracking_uri
from claimwire.train.tracking import CHAMPION

PREFIX: Final = "claimwire."


@dataclass(frozen=True, slots=True)
class Registered:
    """A registered model as it was when it was looked at: tags by version number."""

    name: str
    versions: dict[str, dict[str, str]]
    champion: str | None

    def require(self, version: str) -> None:
        """Raise TrackingError, naming what there is, unless the version is registered."""
        if version not in self.versions:
            known = ", ".join(sorted(self.versions, key=int)) or "none"
            champion = f" (champion: {self.champion})" if self.champion else ""
            raise TrackingError(
                f"expected a version of the registered model {self.name!r}, found no version "
                f"{version!r}: there are {known}{champion}"
            )


@dataclass(frozen=True, slots=True)
class Registry:
    """One registered model in an MLflow registry."""

    client: Any
    uri: str
    model: str

    @classmethod
    def open(cls, model: str) -> Registry:
        """Return the model of the server that MLFLOW_TRACKING_URI or MLflow names."""
        uri = tracking_uri()
        with _asking(uri):
            return cls(registry_client(uri), uri, model)

    def look(self) -> Registered:
        """Return versions, tags and champion as they are now; TrackingError without the model."""
        with _asking(self.uri):
            models = {entry.name: entry for entry in self.client.search_registered_models()}
            if self.model not in models:
                known = ", ".join(sorted(models)) or "none: train and register one first"
                raise TrackingError(
                    f"expected a registered model {self.model!r} in {self.uri}, found {known}: "
                    "name one with --model, or set MLFLOW_TRACKING_URI"
                )
            quote = '"' if "'" in self.model else "'"
            found = self.client.search_model_versions(f"name={quote}{self.model}{quote}")
            versions = {str(version.version): dict(version.tags) for version in found}
            champion = models[self.model].aliases.get(CHAMPION)
        return Registered(self.model, versions, None if champion is None else str(champion))

    def tag(self, version: str, tags: Mapping[str, str]) -> None:
        """Set tags of a version, each under PREFIX."""
        with _asking(self.uri):
            for key, value in tags.items():
                self.client.set_model_version_tag(self.model, version, PREFIX + key, value)

    def clear(self, version: str, keys: Sequence[str]) -> None:
        """Delete those tags of a version that are there."""
        with _asking(self.uri):
            present = self.client.get_model_version(self.model, version).tags
            for key in keys:
                if PREFIX + key in present:
                    self.client.delete_model_version_tag(self.model, version, PREFIX + key)

    def move_champion(self, version: str) -> None:
        """Give the alias to a version."""
        with _asking(self.uri):
            self.client.set_registered_model_alias(self.model, CHAMPION, version)


@contextmanager
def _asking(uri: str) -> Iterator[None]:
    """Give a dead server up at once, and turn MLflow's errors into ours."""
    try:
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise MissingExtraError("train", "promoting a release") from error
    try:
        with quick_requests():
            yield
    except (MlflowException, OSError) as error:
        raise TrackingError(
            f"expected a model registry at {uri}, found: {first_line(error)}: start it, or correct "
            "MLFLOW_TRACKING_URI"
        ) from error
