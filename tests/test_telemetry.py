"""Nothing is reported to anybody, and no identifier of the machine is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTING = ("PYTEST_CURRENT_TEST", "CI", "GITHUB_ACTIONS")  # MLflow reports nothing from there
OFF = ("ORT_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY", "XDG_CACHE_HOME")


def run(program: str, home: Path, *arguments: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in (*TESTING, *OFF)}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=kept | {"HOME": str(home)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_onnxruntime_keeps_nothing(tiny_release: Path, tmp_path: Path) -> None:
    run(
        "import sys\nfrom claimwire import Tagger\n"
        "Tagger.load(sys.argv[1]).tag_sentences(['A drone hit the depot.'])\n",
        tmp_path,
        str(tiny_release),
    )
    assert list(tmp_path.rglob("*")) == []  # telemetry begins with an identifier in the cache


def test_mlflow_reports_nothing(tmp_path: Path) -> None:
    answer = run(
        "import claimwire\nfrom mlflow.telemetry.utils import is_telemetry_disabled\n"
        "print(is_telemetry_disabled())\n",
        tmp_path,
    )
    assert answer.strip() == "True"
