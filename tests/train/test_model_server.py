"""A registered release served by MLflow itself, and loaded where no model code may run."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow  # noqa: TID253
import psutil
import pytest

from claimwire import Tagger
from claimwire.model.release import load_release
from claimwire.model.runtime import Runtime
from claimwire.train.tracking import register_release

from .test_tracking_server import STARTUP_SECONDS, answers, stop_group

pytestmark = pytest.mark.slow

SENTENCES = [
    "Two drones were shot down over the strait on Friday.",
    "The town lies on a river. «Ünïcode» 🚀",
    "A rocket hit the northern depot again. " * 200,
]


def register(release: Path, folder: Path) -> str:
    """Make a registry in which a release is ``models:/claimwire@champion``; return its address."""
    uri = f"sqlite:///{folder}/mlflow.db"
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    experiment = mlflow.create_experiment("claimwire", (folder / "artifacts").as_uri())
    with mlflow.start_run(experiment_id=experiment):
        assert register_release(load_release(release), "claimwire") == "1"
    return uri


@pytest.fixture(scope="module")
def registry(tiny_release: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return register(tiny_release, tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="module")
def server(registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start ``mlflow models serve`` on a free port; yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local"]
    command += ["-m", "models:/claimwire@champion", "--host", "127.0.0.1", "--port", str(port)]
    path = tmp_path_factory.mktemp("model-server") / "log"
    with pytest.MonkeyPatch.context() as patch, path.open("wb") as log:
        patch.setenv("MLFLOW_TRACKING_URI", registry)
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            pause = threading.Event()
            for _ in range(STARTUP_SECONDS * 2):
                if answers(f"http://127.0.0.1:{port}"):
                    break
                assert process.poll() is None, path.read_text()
                pause.wait(0.5)
            else:
                pytest.fail("the server did not answer:\n" + path.read_text())
            yield f"http://127.0.0.1:{port}"
        finally:
            if process.poll() is None:
                family = psutil.Process(process.pid).children(recursive=True)
                stop_group(process)
                assert not psutil.wait_procs(family, timeout=30)[1], "a worker is still there"


def invoke(address: str, content: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        f"{address}/invocations",
        json.dumps(content).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.mark.parametrize(
    "content",
    [
        {"dataframe_split": {"columns": ["text"], "data": [[text] for text in SENTENCES]}},
        {"dataframe_records": [{"text": text} for text in SENTENCES]},
        {"inputs": {"text": SENTENCES}},
    ],
)
def test_mlflow_serves_the_champion(
    server: str, tiny_release: Path, content: dict[str, Any]
) -> None:
    predictions = invoke(server, content)["predictions"]
    expected = Runtime(load_release(tiny_release)).predict(SENTENCES)
    assert [row["label"] for row in predictions] == [str(one.label) for one in expected]
    assert [row["labels"].split(",") for row in predictions] == [
        [str(label) for label in one.labels] for one in expected
    ]
    for row, one in zip(predictions, expected, strict=True):
        assert row["confidence"] == pytest.approx(one.confidence, abs=1e-3)
        assert row["needs_review"] == one.needs_review
        for label, score in one.scores.items():
            assert row[str(label)] == pytest.approx(score, abs=1e-3)


def test_what_does_not_fit_the_signature_is_refused(server: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400") as refusal:
        invoke(server, {"dataframe_records": [{"body": "A shell fell."}]})
    with refusal.value:
        assert b"text" in refusal.value.read()
    assert invoke(server, {"dataframe_records": [{"text": "A shell fell."}]})


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_a_row_without_text_is_refused(server: str, text: str | None) -> None:
    rows = [{"text": "A shell fell."}, {"text": text}]
    with pytest.raises(urllib.error.HTTPError, match="400") as refusal:
        invoke(server, {"dataframe_records": rows})
    with refusal.value:
        assert b"in row 1" in refusal.value.read()


def test_the_tagger_loads_the_champion_without_running_its_code(
    tiny_release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", register(tiny_release, tmp_path))
    [code] = (tmp_path / "artifacts").rglob("pyfunc.py")
    trap = tmp_path / "code was run"
    code.write_text(f"{code.read_text()}\n\nPath({str(trap)!r}).touch()\n")
    monkeypatch.setenv("MLFLOW_ALLOW_MODEL_CODE_EXECUTION", "false")
    here = Tagger.load(tiny_release, threads=1)
    for reference in ("models:/claimwire@champion", "models:/claimwire/1"):
        tagger = Tagger.load(reference, threads=1)
        assert tagger.model == here.model
        assert tagger.tag_sentences(SENTENCES) == here.tag_sentences(SENTENCES)
    assert not trap.exists()
    monkeypatch.delenv("MLFLOW_ALLOW_MODEL_CODE_EXECUTION")
    mlflow.pyfunc.load_model("models:/claimwire@champion")
    assert trap.exists()  # MLflow's own way does run it
