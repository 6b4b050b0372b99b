"""The embedded tracking database, made by the first training in a folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from claimwire.train.tracking import _database_file

ROOT = Path(__file__).parents[2]

PROGRAM = """
from pathlib import Path
import sys
from claimwire.train.load_config import load_config
from claimwire.train.tracking import connect
config = load_config(Path(sys.argv[1]), ["output_dir=" + sys.argv[2]])
import mlflow
sys.stdin.read(1)
print(connect(config).experiment_id)
"""


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("sqlite:///a/b.db", "a/b.db"),
        ("sqlite:////a/b.db", "/a/b.db"),
        ("sqlite:///:memory:", None),
        ("sqlite:///", None),
        ("sqlite://", None),
    ],
)
def test_databases_in_memory_have_no_file(uri: str, file: str | None) -> None:
    assert _database_file(uri) == (None if file is None else Path(file))


def test_trainings_that_begin_at_once_share_it(tmp_path: Path) -> None:
    config = ROOT / "configs" / "smoke.yaml"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(config), str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for each in running:
        assert each.stdin is not None
        each.stdin.write("!")
        each.stdin.flush()
    answers = []
    for each in running:
        out, errors = each.communicate(timeout=240)
        assert each.returncode == 0, errors
        answers.append(out.strip())
    assert len(set(answers)) == 1
