"""The guide: its commands work, and every route, setting, metric and problem stands in it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from claimwire.serve.http.app import OPENAPI_PATH
from claimwire.serve.http.openapi import OPERATIONS
from claimwire.serve.http.problems import KINDS, PROBLEM_BASE
from claimwire.serve.http.settings import ENVIRONMENT_PREFIX, ServeSettings
from claimwire.serve.http.tokens import TOKENS_VARIABLE

from .http_support import serving

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/serving.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^curl .+$", GUIDE, re.MULTILINE)


@pytest.fixture(scope="module")
def client(tiny_release: Path) -> Iterator[TestClient]:
    with serving(tiny_release) as client:
        yield client


@pytest.mark.parametrize("command", COMMANDS)
def test_a_curl_command_of_the_guide_works(client: TestClient, command: str) -> None:
    content: bytes | None = None
    headers: dict[str, str] = {}
    url = ""
    words = iter(shlex.split(command)[1:])
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word in ("-d", "--data-binary"):
            given = next(words)
            is_file = given.startswith("@")
            content = (ROOT / given[1:]).read_bytes() if is_file else given.encode()
        else:
            assert word.startswith("http://127.0.0.1:8000/"), word
            url = urlsplit(word).path
    answer = client.request(
        "GET" if content is None else "POST", url, content=content, headers=headers
    )
    assert answer.status_code == 200, answer.text


def test_the_guide_asks_every_route(client: TestClient) -> None:
    routes = {*OPERATIONS, OPENAPI_PATH}
    assert {urlsplit(command.split()[-1]).path for command in COMMANDS} == routes
    table = {path: method for method, path in _cells(r"^\| `(GET|POST) (/\S+)` \|")}
    assert set(table) == routes
    for path, operation in OPERATIONS.items():
        assert table[path] == operation.method


def test_every_setting_stands_in_the_guide_with_its_default() -> None:
    table = dict(_cells(r"^\| `(--[\w-]+)` \| ([^|]+) \|"))
    assert set(table) == {"--" + field.name.replace("_", "-") for field in fields(ServeSettings)}
    for field in fields(ServeSettings):
        written = table["--" + field.name.replace("_", "-")]
        if field.default is False:
            assert written == "off"
        elif field.default is not None:
            shown = f"{field.default:g}" if isinstance(field.default, float) else field.default
            assert written == f"`{shown}`"
    for variable in re.findall(rf"{ENVIRONMENT_PREFIX}\w+", GUIDE):
        names = {ENVIRONMENT_PREFIX + field.name.upper() for field in fields(ServeSettings)}
        assert variable in names | {TOKENS_VARIABLE}


def test_every_problem_has_its_heading() -> None:
    headings = re.findall(r"^### (\S+-\S+|unauthorized)\n(\d{3})", GUIDE, re.MULTILINE)
    assert headings == [(kind.slug, str(kind.status)) for kind in KINDS]
    assert PROBLEM_BASE.endswith("docs/serving.md#")


def test_every_metric_stands_in_the_guide(client: TestClient) -> None:
    shown = re.findall(r"^# TYPE (claimwire_\w+)", client.get("/metrics").text, re.MULTILINE)
    ours = {name for name in shown if not name.endswith("_created")}
    assert ours == set(re.findall(r"^\| `(claimwire_\w+)` \|", GUIDE, re.MULTILINE))


def _cells(pattern: str) -> list[tuple[str, str]]:
    """Return two cells of each row of a table that fits a pattern."""
    return [(first, second) for first, second in re.findall(pattern, GUIDE, re.MULTILINE)]
