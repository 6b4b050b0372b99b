from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import pytest

from claimwire.serve.inputs import Reader
from claimwire.serve.items import Failure, InputFormat, Item, Note, ReadOptions, Unit
from claimwire.serve.sources import find_sources

from .conftest import write_lines


def reader(*paths: Path, options: ReadOptions | None = None) -> Reader:
    return Reader(find_sources([str(path) for path in paths]), options or ReadOptions())


def test_bytes_are_counted_for_the_progress_bar(tmp_path: Path) -> None:
    first = write_lines(tmp_path / "a.jsonl", {"text": "A shell fell."}, "{", "")
    second = tmp_path / "b.txt"
    second.write_text("A shell fell.\n" * 10_000)
    inputs = reader(first, second)
    assert inputs.total_bytes == first.stat().st_size + second.stat().st_size
    assert [type(entry) for entry in inputs] == [Item, Failure, Item]
    assert inputs.bytes_read == inputs.total_bytes


def test_the_size_of_standard_input_is_unknown() -> None:
    assert Reader(find_sources(["-"]), ReadOptions()).total_bytes is None


def test_a_file_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    good = write_lines(tmp_path / "b.jsonl", {"text": "A shell fell."})
    gone = write_lines(tmp_path / "a.jsonl", {"text": "A shell fell."})
    inputs = reader(gone, good)
    gone.unlink()
    failure, item = inputs
    assert isinstance(failure, Failure)
    assert failure.file == str(gone)
    assert "No such file" in failure.reason
    assert isinstance(item, Item)


def test_json_lines_are_read_as_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "big.jsonl"
    line = '{"text": "' + "A shell fell. " * 70 + '"}\n'
    path.write_text(line * 20_000)  # 20 MB
    tracemalloc.start()
    try:
        count = sum(1 for _ in reader(path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < 2_000_000


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 131_072])
def test_lines_are_whole_wherever_the_first_read_ends(tmp_path: Path, size: int) -> None:
    path = tmp_path / "lines.txt"
    first = "é" * (size // 2) + "x" * (size % 2)
    path.write_text(f"{first}\nSecond.\nThird.", encoding="utf-8")
    items = list(reader(path, options=ReadOptions(unit=Unit.SENTENCE)))
    assert [item.text for item in items if isinstance(item, Item)] == [first, "Second.", "Third."]
    assert [item.line for item in items] == [1, 2, 3]


@pytest.mark.parametrize("identity", [True, None, "", 1.5, [1], {"a": 1}])
def test_what_cannot_be_an_article_id_gives_way_to_the_line(
    tmp_path: Path, identity: object
) -> None:
    path = write_lines(tmp_path / "a.jsonl", "", {"id": identity, "text": "A shell fell."})
    [item] = reader(path)
    assert isinstance(item, Item)
    assert item.article_id == 2
    assert item.fields == {"id": identity}


def test_html_is_no_list_of_sentences(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text("<p>A shell fell.</p>")
    [failure] = reader(path, options=ReadOptions(unit=Unit.SENTENCE))
    assert isinstance(failure, Failure)
    assert "use --unit article" in failure.reason


def test_a_forced_format_wins_over_the_suffix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_lines(tmp_path / "a.txt", {"text": "A shell fell."})
    [item] = reader(path, options=ReadOptions(input_format=InputFormat.JSONL))
    assert isinstance(item, Item)
    assert item.text == "A shell fell."
    [whole] = reader(path, options=ReadOptions(input_format=InputFormat.TEXT))
    assert isinstance(whole, Item)
    assert whole.text == path.read_text()


def test_standard_input_may_be_binary_or_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    for raw, kind in ((b"%PDF-1.7\n\0", Failure), (b"", Note)):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
        [entry] = Reader(find_sources(["-"]), ReadOptions())
        assert isinstance(entry, kind)
        assert entry.file == "stdin"
