"""The command line: help, errors and exit codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer
from typer.testing import CliRunner

from claimwire import __version__
from claimwire.cli import app

ROOT = Path(__file__).parents[1]
runner = CliRunner()


def commands(group: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    yield path, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


ALL_COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", ALL_COMMANDS, ids=lambda path: " ".join(path) or "claimwire")
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    result = runner.invoke(app, [*path, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output
    for parameter in getattr(ALL_COMMANDS[path], "params", []):
        if getattr(parameter, "param_type_name", "") == "option" and parameter.name != "help":
            assert parameter.help, f"{path}: {parameter.name} has no help text"


def test_version() -> None:
    assert runner.invoke(app, ["--version"]).output.strip() == f"claimwire {__version__}"


def test_version_is_that_of_the_project() -> None:
    declared = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert declared is not None
    assert declared[1] == __version__


def test_our_errors_are_one_message_and_an_exit_code(tmp_path: Path) -> None:
    result = runner.invoke(app, ["models", "show", str(tmp_path / "nothing")])
    assert result.exit_code == 2
    assert result.stderr.startswith("claimwire: error: ")
    assert "Traceback" not in result.output


@pytest.mark.parametrize("arguments", [["tag"], ["tag", "x", "--unit", "word"], ["nonsense"]])
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    result = runner.invoke(app, arguments)
    assert result.exit_code == 2
    assert isinstance(click.UsageError("x"), click.ClickException)


def test_an_unknown_configuration_key_names_the_nearest() -> None:
    config = str(ROOT / "configs" / "smoke.yaml")
    result = runner.invoke(app, ["train", config, "train.epoch=3"])
    assert result.exit_code == 2
    assert "did you mean train.epochs?" in result.stderr
