from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from claimwire.cli import app
from claimwire.data.errors import ReleaseError, TrackingError
from claimwire.model.references import resolve_release
from claimwire.model.release import default_release

runner = CliRunner()


def test_a_directory_is_itself(tiny_release: Path) -> None:
    assert resolve_release(tiny_release) == tiny_release
    assert resolve_release(str(tiny_release)) == tiny_release


def test_nothing_is_the_shipped_release() -> None:
    assert resolve_release(None) == default_release()
    assert (default_release() / "model.onnx").is_file()


def test_a_folder_of_the_name_of_a_shipped_release_is_that_only_if_it_holds_one(
    tiny_release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small").mkdir()
    assert resolve_release("small") == default_release()
    Path("small").rmdir()
    Path("small").symlink_to(tiny_release)
    assert resolve_release("small") == Path("small")


@pytest.mark.parametrize("reference", ["models:/", "models:/x", "models:/x/abc", "models:/@a"])
def test_malformed_references_are_refused(
    reference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    (tmp_path / "mlflow.db").touch()
    with pytest.raises(ReleaseError, match="models:/NAME@ALIAS"):
        resolve_release(reference)


def test_a_missing_registry_is_said_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrackingError, match="train a model first"):
        resolve_release("models:/claimwire@champion")
    assert not list(tmp_path.iterdir())


def test_a_registry_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import socket

    with socket.socket() as taken:  # bound and never listening: every connection is refused
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        with pytest.raises(TrackingError, match=address):
            resolve_release("models:/claimwire@champion")
        listed = runner.invoke(app, ["models", "list"])
    assert listed.exit_code == 2
    assert address in listed.stderr
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ


def test_models_commands(tiny_release: Path, tmp_path: Path) -> None:
    shown = runner.invoke(app, ["models", "show", str(tiny_release)])
    assert shown.exit_code == 0
    assert "tiny 0.0.1" in shown.stdout
    verified = runner.invoke(app, ["models", "verify", str(tiny_release)])
    assert verified.exit_code == 0
    assert "verified" in verified.stdout


def test_verify_says_no_with_exit_code_1(tiny_release: Path, tmp_path: Path) -> None:
    import shutil

    damaged = tmp_path / "damaged"
    shutil.copytree(tiny_release, damaged)
    with (damaged / "MODEL_CARD.md").open("a") as card:
        card.write("!")
    result = runner.invoke(app, ["models", "verify", str(damaged)])
    assert result.exit_code == 1
    assert "MODEL_CARD.md" in result.stderr


def test_list_names_the_shipped_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(app, ["models", "list"])
    assert result.exit_code == 0
    assert "claimwire" in result.stdout
    assert "no model registry here" in result.stdout
