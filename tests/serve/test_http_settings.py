"""Settings: their checks, their options, and what the command refuses."""

from __future__ import annotations

import inspect
import socket
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from typer.testing import CliRunner

from claimwire.cli import app
from claimwire.data.errors import ConfigError
from claimwire.serve.http import commands
from claimwire.serve.http.settings import ENVIRONMENT_PREFIX, ServeSettings
from claimwire.serve.http.tokens import TOKENS_VARIABLE

runner = CliRunner()


def serve_command() -> Any:
    group: Any = typer.main.get_command(app)
    return group.commands["serve"]


def test_every_setting_is_an_option_with_its_default_and_variable() -> None:
    options = {parameter.name: parameter for parameter in serve_command().params}
    options.pop("help", None)
    assert set(options) == {field.name for field in fields(ServeSettings)}
    for field in fields(ServeSettings):
        assert field.default is not MISSING
        option = options[field.name]
        assert (option.default or None) == (field.default or None), field.name
        if field.name != "model":
            assert option.envvar in (
                ENVIRONMENT_PREFIX + field.name.upper(),
                [ENVIRONMENT_PREFIX + field.name.upper()],
            )


def test_every_setting_is_explained() -> None:
    documented = inspect.getdoc(ServeSettings) or ""
    assert all(f"{field.name}: " in documented for field in fields(ServeSettings))


def test_options_win_over_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[ServeSettings] = []

    def note(settings: ServeSettings) -> int:
        seen.append(settings)
        return 0

    monkeypatch.setattr(commands, "serve", note)
    environment = {
        "CLAIMWIRE_SERVE_PORT": "9000",
        "CLAIMWIRE_SERVE_MAX_ARTICLES": "7",
        "CLAIMWIRE_SERVE_ACCESS_LOG": "1",
        "CLAIMWIRE_SERVE_TOKENS_FILE": str(tmp_path),
    }
    result = runner.invoke(app, ["serve", "--port", "9001"], env=environment)
    assert result.exit_code == 0, result.output
    [settings] = seen
    expected = ServeSettings(port=9001, max_articles=7, access_log=True, tokens_file=tmp_path)
    assert settings == expected


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"max_articles": 0}, "--max-articles: expected a number above 0, found 0"),
        ({"timeout_seconds": float("inf")}, "--timeout-seconds"),
        ({"drain_seconds": -1}, "--drain-seconds: expected 0 or more, found -1"),
        ({"port": 70_000}, "--port: expected 0 to 65535"),
        ({"queue_sentences": 10}, r"at least max_sentences \(2000\)"),
    ],
)
def test_a_wrong_setting_is_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        ServeSettings(**wrong)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_token(host: str) -> None:
    ServeSettings(host=host).check_exposure(has_tokens=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "newsroom.example", ""])
def test_a_public_address_needs_a_token_or_consent(host: str) -> None:
    with pytest.raises(ConfigError, match=r"bearer tokens.*--allow-public-without-token"):
        ServeSettings(host=host).check_exposure(has_tokens=False)
    ServeSettings(host=host).check_exposure(has_tokens=True)
    consent = ServeSettings(host=host, allow_public_without_token=True)
    consent.check_exposure(has_tokens=False)


def test_the_command_refuses_a_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKENS_VARIABLE, raising=False)
    result = runner.invoke(app, ["serve", "--host", "0.0.0.0"])
    assert result.exit_code == 2
    assert result.stderr.startswith("claimwire: error: --host 0.0.0.0: expected bearer tokens")


def test_a_port_in_use_is_named(tiny_release: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = ServeSettings(model=str(tiny_release), port=port)
        with pytest.raises(ConfigError, match=f"--port {port}: expected an address to listen on"):
            commands.serve(settings)


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn", "prometheus_client"])
def test_a_missing_extra_is_named(missing: str) -> None:
    code = (
        f"import sys\nsys.modules[{missing!r}] = None\n"
        "from claimwire.cli import main\nsys.argv = ['claimwire', 'serve']\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'claimwire[serve]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_values_are_wrong_usage() -> None:
    result = runner.invoke(app, ["serve", "--max-articles", "0"])
    assert result.exit_code == 2
    assert issubclass(click.BadParameter, click.UsageError)
