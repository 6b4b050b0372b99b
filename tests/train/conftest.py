"""Configurations that train the tiny base in a second or two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from claimwire.train.config import Config
from claimwire.train.load_config import load_config

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
