"""Whatever the bytes of an input are, in whatever format: rows or a reason, never a crash."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claimwire.serve.inputs import Reader
from claimwire.serve.items import Failure, InputFormat, Item, Note, ReadOptions, Unit
from claimwire.serve.sources import find_sources

from .conftest import RunTag
from .test_tabular import parquet_bytes

GOOD = parquet_bytes({"text": ["A shell fell.", None, "It hit."], "n": [1, 2, 3]})
PIECES = st.sampled_from(
    [b"text", b'"', b",", b";", b"\t", b"\r", b"\n", b"{", b"}", b":", b"<html>", b"<p>", b"PAR1",
     b"\x1f\x8b", b"\xff\xfe", b"\xef\xbb\xbf", b"\x00", b"\xc3", b"A shell fell. "]
)  # fmt: skip
SOUP = st.lists(PIECES | st.binary(max_size=8), max_size=30).map(b"".join)
CHANGED = st.tuples(
    st.integers(0, len(GOOD)), st.integers(0, len(GOOD)), st.binary(max_size=4)
).map(lambda part: GOOD[: part[0]] + part[2] + GOOD[part[1] :])
BYTES = SOUP | SOUP.map(lambda raw: b"text,x\n" + raw) | CHANGED
ANY_BYTES = BYTES | BYTES.map(gzip.compress) | BYTES.map(lambda raw: gzip.compress(raw)[:-5])
NAMES = st.sampled_from(
    ["a", "a.txt", "a.html", "a.jsonl", "a.csv", "a.tsv", "a.parquet", "a.csv.gz", "a.jsonl.gz"]
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    raw=ANY_BYTES,
    name=NAMES,
    unit=st.sampled_from(Unit),
    how=st.just(InputFormat.AUTO) | st.sampled_from(InputFormat),
)
def test_an_input_gives_items_failures_or_a_note(
    tmp_path: Path, raw: bytes, name: str, unit: Unit, how: InputFormat
) -> None:
    path = tmp_path / name
    path.write_bytes(raw)
    reader = Reader(find_sources([str(path)]), ReadOptions(unit=unit, input_format=how))
    entries = list(reader)
    assert entries, "nothing at all was said of this input"
    assert all(isinstance(entry, Item | Failure | Note) for entry in entries)
    for entry in entries:
        if isinstance(entry, Failure):
            assert "expected" in entry.reason


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    raw=ANY_BYTES,
    how=st.sampled_from(InputFormat),
    output_format=st.sampled_from(["table", "jsonl", "csv", "parquet", "html"]),
    unit=st.sampled_from(["article", "sentence"]),
)
def test_the_command_ends_well_on_any_standard_input(
    run_tag: RunTag, raw: bytes, how: InputFormat, output_format: str, unit: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"))
        outcome = run_tag("-", input_format=how.value, output_format=output_format, unit=unit)
    assert outcome.code in (0, 1)
    assert (outcome.code == 1) == ("claimwire: error: " in outcome.err)
