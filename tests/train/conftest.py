"""Configurations that train the tiny base in a second or two, and a registry of releases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claimwire.train.config import Config
from claimwire.train.load_config import load_config

if TYPE_CHECKING:
    import mlflow

ROOT = Path(__file__).parents[2]


@pytest.fixture
def quick_config(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Config]:
    """Return a function from overrides to a configuration that trains the tiny base."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def make(*overrides: str) -> Config:
        return load_config(
            ROOT / "configs" / "smoke.yaml",
            [
                f"output_dir={tmp_path / 'artifacts'}",
                f"model.base={tiny_base}",
                "data.max_train_sentences=200",
                "train.epochs=2",
                "train.learning_rate=0.003",
                *overrides,
            ],
        )

    return make


@pytest.fixture(scope="session")
def registered(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Register six releases; return the folder of the database. Tests work on copies of it."""
    from .promote_support import register_releases  # imports MLflow, which takes seconds

    folder = tmp_path_factory.mktemp("registry")
    register_releases(tiny_base, folder)
    return folder


@pytest.fixture
def client(
    registered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> mlflow.MlflowClient:
    """Return a client of a registry of one's own."""
    import mlflow

    from .promote_support import copy_registry

    uri = copy_registry(registered, tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return mlflow.MlflowClient(uri, uri)
