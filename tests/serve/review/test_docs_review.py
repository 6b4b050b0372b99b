"""docs/review.md says what the code does: commands, options, keys, queues, formats and figures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from claimwire.cli import app
from claimwire.data.import_copies import Kind
from claimwire.serve.review import estimates
from claimwire.serve.review.exporting import ExportFormat
from claimwire.serve.review.queues import ASSIGNED_FOR, SKIP_HIDES_FOR, SKIP_RESTS_FOR, QueueName
from claimwire.serve.review.replay import ReplayOutcome
from claimwire.serve.review.users import MIN_PASSWORD
from claimwire.serve.review.web.limits import (
    TRIES_FOR_A_NAME,
    TRIES_FROM_AN_ADDRESS,
    WINDOW_SECONDS,
)

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "review.md").read_text(encoding="utf-8")
FLAT = " ".join(PAGE.split())
TOP: Any = typer.main.get_command(app)


def commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = dict(commands(TOP.commands["review"], "claimwire review"))
COMMANDS["claimwire corpus import"] = TOP.commands["corpus"].commands["import"]
OPTIONS = sorted(
    {
        (path, option)
        for path, command in COMMANDS.items()
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--") and option != "--help"
    }
)


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_is_shown(path: str) -> None:
    assert re.search(rf"^{re.escape(path).replace('serve', '.?serve')}\b", PAGE, re.M)


@pytest.mark.parametrize(("path", "option"), OPTIONS)
def test_every_option_is_told(path: str, option: str) -> None:
    told = re.search(rf"^\| .*`{option}`", PAGE, re.M) or re.search(
        rf"^{re.escape(path)} .*\{option}\b", PAGE, re.M
    )
    assert told, f"{path} {option}"


@pytest.mark.parametrize("option", re.findall(r"^\| `(--[a-z-]+)`", PAGE, re.M))
def test_every_option_of_a_table_exists(option: str) -> None:
    assert option in {known for _, known in OPTIONS}


def test_defaults_are_those_of_the_code() -> None:
    defaults = dict(re.findall(r"^\| `(--[a-z-]+)`[^|]*\| `([^`]+)` \|", PAGE, re.M))
    known = {
        option: parameter.default
        for command in COMMANDS.values()
        for parameter in command.params
        for option in parameter.opts
    }
    for option in ("--random-share", "--half-width", "--port", "--host", "--shown", "--role"):
        assert defaults[option] == str(known[option]), option


@pytest.mark.parametrize("name", [*QueueName, *ExportFormat, *Kind, *ReplayOutcome])
def test_every_name_is_in_a_table(name: str) -> None:
    assert re.search(rf"^\| .*`{name}`", PAGE, re.M)


def test_every_key_of_the_page_is_in_the_table() -> None:
    keys = ROOT / "serve" / "review" / "web" / "templates" / "_keys.html"
    for group in re.findall(r'^ +\("([^"]+)", "', keys.read_text(encoding="utf-8"), re.M):
        for key in group.split():
            assert re.search(rf"^\| .*`{re.escape(key)}`", PAGE, re.M) or key in "123", key


def test_figures_are_those_of_the_code() -> None:
    assert f"for {ASSIGNED_FOR.total_seconds() / 60:.0f} minutes" in FLAT
    assert f"for {SKIP_HIDES_FOR.total_seconds() / 3600:.0f} hours" in FLAT
    assert SKIP_RESTS_FOR.total_seconds() == 60
    assert "and for a minute from others" in FLAT
    assert f"{estimates.OPEN_TOLERATED:.0%} may be open, at least three" in FLAT
    assert estimates.FEW_OPEN == 3
    assert f"at least {MIN_PASSWORD} characters" in FLAT
    tries = f"After {TRIES_FOR_A_NAME} tries for a name or {TRIES_FROM_AN_ADDRESS} from an address"
    assert f"{tries} within {WINDOW_SECONDS // 60} minutes" in FLAT


def test_every_picture_is_there_and_small() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\((figures/review-[a-z-]+\.png)\)", PAGE)
    assert pictures
    for picture in pictures:
        assert (ROOT / "docs" / picture).stat().st_size < 150_000
