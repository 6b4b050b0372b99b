"""Fixtures of the serving tests: the tagger and the tag command on the tiny release."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from claimwire.serve.commands import TagOptions, tag
from claimwire.serve.tagger import Tagger

ARTICLE = (
    "Two drones struck the fuel depot at Maresk before dawn on Monday. Air defence crews shot "
    "down a third one over the river.\n\n"
    "No group has said that it was behind the attack. The port handles most of the country’s "
    "grain, and its cranes were built in 1974.\n"
)
"""Four sentences of our own, none of them junk."""

ARTICLE_SENTENCES = [
    "Two drones struck the fuel depot at Maresk before dawn on Monday.",
    "Air defence crews shot down a third one over the river.",
    "No group has said that it was behind the attack.",
    "The port handles most of the country’s grain, and its cranes were built in 1974.",
]


PAGE = (
    "<!DOCTYPE html><html><head><title>Depot struck</title><script>var a = 1;</script></head>"
    "<body><nav><a href='/'>Home</a></nav><article><h1>Depot struck</h1>"
    + "".join(f"<p>{sentence}</p>" for sentence in ARTICLE_SENTENCES)
    + "</article></body></html>"
)
"""A page with these sentences as its article."""


@dataclass(frozen=True)
class Outcome:
    """What a call of the command gave."""

    code: int
    out: bytes
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


RunTag = Callable[..., Outcome]


def write_lines(path: Path, *records: object) -> Path:
    """Write JSON Lines; a str stands for a line as it is."""
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tagger(tiny_release: Path) -> Tagger:
    return Tagger.load(tiny_release, threads=1)


@pytest.fixture
def run_tag(tiny_release: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> RunTag:
    """Run the command as cli.py does, with the tiny release and JSON Lines on standard output."""

    def run(*paths: Path | str, **options: Any) -> Outcome:
        settings = {"model": str(tiny_release), "threads": 1, **options}
        if "output" not in settings:
            settings.setdefault("output_format", "jsonl")
        code = tag([str(path) for path in paths], TagOptions(**settings))
        captured = capsysbinary.readouterr()
        return Outcome(code, captured.out, captured.err.decode())

    return run


@pytest.fixture
def standard_input(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Put bytes on standard input."""

    def put(raw: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"))

    return put


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "article.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    return path
