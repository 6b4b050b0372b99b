"""Partitions without Ray: made, kept, mended, and in what files."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from claimwire.data.errors import InputError
from claimwire.serve.items import ReadOptions, Unit
from claimwire.serve.outputs import Format
from claimwire.serve.partitions import (
    MOST_NOTES,
    Partition,
    Record,
    make_parquet,
    merged_kinds,
    name_partitions,
    tag_partition,
)
from claimwire.serve.sources import Source, find_sources
from claimwire.serve.stores import Folder, find_anywhere
from claimwire.serve.tagger import Tagger

from .conftest import ARTICLE, RunTag, write_lines

pq = pytest.importorskip("pyarrow.parquet")

Make = Callable[..., Record]


def partitions_of(*paths: Path | str) -> list[Partition]:
    found = find_sources([str(path) for path in paths], find=find_anywhere)
    return name_partitions([entry for entry in found if isinstance(entry, Source)])


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """An input with articles, a repeat, a failure, a stranger and a page without prose."""
    return write_lines(
        tmp_path / "news.jsonl",
        {"id": "a", "text": ARTICLE, "day": 1},
        "{",
        {"text": "Два беспилотника до рассвета ударили по складу топлива.", "day": None},
        {"text": ARTICLE},
        {"text": "http://example.org/"},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(str(tmp_path / "out"))
    folder.prepare("_claimwire")
    return folder


@pytest.fixture
def make(tagger: Tagger, folder: Folder) -> Make:
    def make(
        partition: Partition, form: Format = Format.JSONL, unit: Unit = Unit.ARTICLE
    ) -> Record:
        return tag_partition(tagger, partition, ReadOptions(unit=unit), form, folder)

    return make


@pytest.mark.parametrize("unit", ["article", "sentence"])
def test_rows_and_failures_are_those_of_the_local_engine(
    make: Make, run_tag: RunTag, news: Path, folder: Folder, tmp_path: Path, unit: str
) -> None:
    local = tmp_path / "local.jsonl"
    run_tag(news, unit=unit, output=local)
    [partition] = partitions_of(news)
    record = make(partition, unit=Unit(unit))
    assert folder.read("00000-news.jsonl") == local.read_bytes()
    failed = (tmp_path / "local.errors.jsonl").read_bytes()
    assert folder.read(partition.errors) == failed
    assert (record.failures, record.kept) == (1, False)
    counts = record.counts()
    assert (counts.foreign, counts.repeated) == (1, 1)
    assert Record.of(folder.read(partition.record)) == record


def test_notes_are_kept_and_bounded(make: Make, tmp_path: Path) -> None:
    source = write_lines(tmp_path / "a.jsonl", *[{"text": "http://example.org/"}] * 30)
    record = make(*partitions_of(source))
    assert len(record.notes) == MOST_NOTES
    assert record.more_notes == 30 - MOST_NOTES
    assert record.notes[0].startswith(f"note: {source}:1: no sentence found")


@pytest.mark.parametrize("form", [Format.JSONL, Format.PARQUET])
def test_what_is_done_is_kept_and_what_is_damaged_is_made_again(
    make: Make, news: Path, folder: Folder, form: Format
) -> None:
    [partition] = partitions_of(news)
    made = make(partition, form)
    names = (partition.rows(form), partition.errors, partition.record)
    whole = {name: folder.read(name) for name in names}
    assert make(partition, form) == replace(made, kept=True)
    for name in names:
        content = whole[name]
        assert content
        for damaged in (content[:-9], b"", content.replace(b"a", b"b"), None):
            if damaged is None:
                folder.delete(name)
            else:
                folder.write(name, damaged)
            assert make(partition, form) == made
            assert {name: folder.read(name) for name in names} == whole


def test_a_changed_input_is_refused(make: Make, news: Path, folder: Folder) -> None:
    [partition] = partitions_of(news)
    make(partition)
    rows = folder.read("00000-news.jsonl")
    write_lines(news, {"text": "Something else."})
    with pytest.raises(InputError, match=r"news\.jsonl: expected the input of which 00000-news"):
        make(partition)
    assert folder.read("00000-news.jsonl") == rows


def test_an_input_that_cannot_be_read_fails_and_is_tried_again(make: Make, tmp_path: Path) -> None:
    source = write_lines(tmp_path / "a.jsonl", {"text": "A shell fell."})
    [partition] = partitions_of(source)
    source.rename(tmp_path / "elsewhere")
    record = make(partition)
    assert (record.input, record.failures) == (None, 1)
    (tmp_path / "elsewhere").rename(source)
    assert make(partition).failures == 0


def test_parquet_has_the_same_columns_in_every_partition(
    make: Make, folder: Folder, run_tag: RunTag, tmp_path: Path
) -> None:
    sources = [
        write_lines(tmp_path / "a.jsonl", {"text": "A shell fell.", "n": 1, "only": "here"}),
        write_lines(tmp_path / "b.jsonl", {"text": "It hit.", "n": 1.5}, {"text": "B.", "n": None}),
        write_lines(tmp_path / "c.jsonl"),
    ]
    partitions = partitions_of(*sources)
    kinds = merged_kinds([make(partition, Format.PARQUET) for partition in partitions])
    made = [make_parquet(partition, kinds, folder) for partition in partitions]
    tables = [
        pq.read_table(io.BytesIO(folder.read(partition.output(Format.PARQUET)) or b""))
        for partition in partitions
    ]
    local = tmp_path / "local.parquet"
    run_tag(*sources, output=local)
    expected = pq.read_table(local)
    assert all(table.schema == expected.schema for table in tables)
    assert [row for table in tables for row in table.to_pylist()] == expected.to_pylist()
    for partition, record in zip(partitions, made, strict=True):
        assert make_parquet(partition, kinds, folder) == record  # there already
        folder.delete(partition.rows(Format.PARQUET))
        assert make(partition, Format.PARQUET) == replace(record, kept=True)
    folder.write(partitions[0].output(Format.PARQUET), b"damaged")
    assert make(partitions[0], Format.PARQUET).parquet is None


def test_names_sort_as_the_inputs_stand_and_are_safe(tmp_path: Path) -> None:
    names = ["news.jsonl.gz", "b/../../c.jsonl", "日本 <x>.parquet", "a" * 300 + ".txt", ".csv"]
    sources = [Source(f"s3://bucket/{name}", None, name) for name in names]
    assert [partition.name for partition in name_partitions(sources)] == [
        "00000-news",
        "00001-c",
        "00002-日本_x_",
        "00003-" + "a" * 80,
        "00004-.csv",
    ]


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"input": null}', b'"x"', b"\xff"])
def test_what_is_no_record_is_none(content: bytes | None) -> None:
    assert Record.of(content) is None


def test_a_record_says_in_json_what_was_counted(make: Make, news: Path, folder: Folder) -> None:
    [partition] = partitions_of(news)
    make(partition)
    content = json.loads(folder.read(partition.record) or b"")
    assert content["failures"] == 1
    assert content["tally"]["texts"] == 3
    assert sum(content["tally"]["labels"].values()) == 9
