"""A run recorded on a real MLflow server, reached over HTTP."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import mlflow  # noqa: TID253
import pytest
from rich.console import Console

from claimwire.data.errors import TrackingError
from claimwire.model.references import resolve_release
from claimwire.model.release import load_release
from claimwire.train.config import Config
from claimwire.train.pipeline import run_training

pytestmark = pytest.mark.slow
STARTUP_SECONDS = 120


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start ``mlflow server`` on a free port; yield its address."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/server.db"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            pause = threading.Event()
            for _ in range(STARTUP_SECONDS * 2):
                if answers(address):
                    break
                assert process.poll() is None, (folder / "log").read_text()
                pause.wait(0.5)
            else:
                pytest.fail("the server did not answer:\n" + (folder / "log").read_text())
            yield address
        finally:
            stop_group(process)


def stop_group(process: subprocess.Popen[bytes]) -> None:
    """Stop the server and the workers it started."""
    import os
    import signal

    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)


def test_a_run_on_a_server(
    server: str, quick_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    config = quick_config("train.epochs=1")
    outcome = run_training(config, Console(quiet=True))
    recorded = mlflow.MlflowClient(server).get_run(outcome.mlflow_run_id)
    assert recorded.info.status == "FINISHED"
    assert recorded.data.metrics["test/primary_macro_f1"] >= 0
    assert outcome.model_version == "1"
    assert outcome.how_to_open.startswith(server)
    assert not (config.output_dir / "mlflow.db").exists()

    fetched = load_release(resolve_release(f"models:/{config.tracking.registered_model}@champion"))
    assert fetched.id == outcome.measured.release.id


def test_an_unknown_alias_on_a_server_is_said(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    with pytest.raises(TrackingError, match="models:/nothing@champion"):
        resolve_release("models:/nothing@champion")
