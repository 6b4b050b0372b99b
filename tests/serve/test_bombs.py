"""Texts of any length, such as a little gzip can hold: refused where they stand, the rest done."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from claimwire.serve.inputs import Reader
from claimwire.serve.items import Failure, InputFormat, Item, ReadOptions, Unit
from claimwire.serve.opening import MOST_BYTES
from claimwire.serve.reasons import TOO_LONG, TOO_LONG_UTF16
from claimwire.serve.sources import find_sources

from .conftest import RunTag, write_lines
from .test_tabular import parquet_bytes

MIB = 2**20
LINE = b'{"text": "A shell fell."}\n'


def bomb(piece: bytes, mebibytes: int = MOST_BYTES // MIB + 1) -> bytes:
    """Gzip that expands to so many MiB of a piece, made without making those."""
    return gzip.compress(piece * (MIB // len(piece))) * mebibytes


def read(path: Path, raw: bytes, unit: Unit = Unit.ARTICLE) -> list[str | int | None]:
    """Give the texts of the items of an input, and the lines of what is too long."""
    path.write_bytes(raw)
    found: list[str | int | None] = []
    for entry in Reader(find_sources([str(path)]), ReadOptions(unit=unit)):
        if isinstance(entry, Item):
            found.append(entry.text)
        else:
            assert isinstance(entry, Failure)
            assert entry.reason in (TOO_LONG, TOO_LONG_UTF16)
            found.append(entry.line)
    return found


def test_a_line_of_records_is_passed_over(tmp_path: Path) -> None:
    after = gzip.compress(b'"}\n' + LINE)
    raw = gzip.compress(LINE + b'{"text": "') + bomb(b"fire ") + after
    for unit in Unit:
        assert read(tmp_path / "a.jsonl.gz", raw, unit) == ["A shell fell.", 2, "A shell fell."]


def test_a_line_of_sentences_is_passed_over(tmp_path: Path) -> None:
    raw = bomb(b"fire ") + gzip.compress(b"\nA shell fell.\n")
    assert read(tmp_path / "a.txt.gz", raw, Unit.SENTENCE) == [1, "A shell fell."]


@pytest.mark.parametrize("name", ["a.txt.gz", "a.md.gz", "a.html.gz", "a.gz"])
@pytest.mark.parametrize("piece", [b"It fell. ", b"It fell.\n"])
def test_an_article_is_refused(tmp_path: Path, name: str, piece: bytes) -> None:
    assert read(tmp_path / name, bomb(piece)) == [None]


def test_utf16_is_refused_as_a_whole(tmp_path: Path) -> None:
    head = b"\xff\xfe" + LINE.decode().encode("utf-16-le")
    raw = gzip.compress(head) + bomb(b"\n\0")
    assert read(tmp_path / "a.jsonl.gz", raw) == [None]


def test_a_row_of_csv_is_passed_over(tmp_path: Path) -> None:
    raw = (
        gzip.compress(b"text,n\nIt fell.,1\n") + bomb(b"fire ") + gzip.compress(b",2\nIt hit.,3\n")
    )
    assert read(tmp_path / "a.csv.gz", raw) == ["It fell.", 3, "It hit."]
    assert read(tmp_path / "b.csv.gz", bomb(b"text,") + gzip.compress(b"\nIt hit.,3\n")) == [None]


def test_a_quotation_mark_that_is_never_closed_swallows_no_more(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    lines = bomb(b"x" * 1_023 + b"\n")
    path.write_bytes(
        gzip.compress(b'text,n\nIt fell.,1\n"It') + lines + gzip.compress(b"It hit.,2")
    )
    entries = list(Reader(find_sources([str(path)]), ReadOptions(unit=Unit.SENTENCE)))
    assert [entry.text for entry in entries if isinstance(entry, Item)] == ["It fell.", "It hit."]
    first, second, *_ = (entry for entry in entries if isinstance(entry, Failure))
    assert "malformed CSV in lines 3 to" in first.reason
    assert "field larger than field limit" in first.reason
    assert "expected 2 cells, as in the header, found 1" in second.reason


def test_a_cell_of_parquet_is_passed_over(tmp_path: Path) -> None:
    texts = ["It fell.", "x" * (MOST_BYTES + 1), "It hit."]
    assert read(tmp_path / "a.parquet", parquet_bytes({"text": texts})) == [
        "It fell.",
        2,
        "It hit.",
    ]


def test_memory_is_bounded_however_long_it_is(tmp_path: Path) -> None:
    raw = gzip.compress(LINE + b'{"text": "') + bomb(b"fire ", 512) + gzip.compress(b"\n" + LINE)
    assert len(raw) < MIB
    tracemalloc.start()
    try:
        assert read(tmp_path / "a.jsonl.gz", raw) == ["A shell fell.", 2, "A shell fell."]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * MOST_BYTES


def test_the_command_names_it_and_does_the_rest(
    run_tag: RunTag, standard_input: Callable[[bytes], None], tmp_path: Path
) -> None:
    good = write_lines(tmp_path / "good.jsonl", {"text": "A shell fell."})
    standard_input(bomb(b"It fell. "))
    outcome = run_tag("-", good)
    assert outcome.code == 1
    assert outcome.err == f"claimwire: error: stdin: {TOO_LONG}\n"
    assert [record["text"] for record in outcome.records] == ["A shell fell."]
    standard_input(gzip.compress(b"\n" * 3 + LINE) * 2)
    assert len(run_tag("-", input_format=InputFormat.JSONL.value).records) == 2
