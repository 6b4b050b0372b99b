"""CSV and Parquet made of rows: types, and nothing lost."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwire.serve.convert import to_csv, to_parquet
from claimwire.serve.records import json_line

from .conftest import ARTICLE_SENTENCES, RunTag
from .test_bad_input import JSON_VALUES

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def table_of(*records: dict[str, Any]) -> Any:
    stream = io.BytesIO()
    to_parquet(io.BytesIO(b"".join(json_line(record) for record in records)), stream)
    return pq.read_table(io.BytesIO(stream.getvalue()))


def test_tagged_sentences_have_typed_columns(
    run_tag: RunTag, article: Path, tmp_path: Path
) -> None:
    assert run_tag(article, output=tmp_path / "out.parquet").code == 0
    table = pq.read_table(tmp_path / "out.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    assert types["start"] == "int64"
    assert types["confidence"] == types["scores"].split(": ")[-1].rstrip(">") == "double"
    assert types["needs_review"] == types["english"] == "bool"
    assert types["labels"].startswith("list<")
    records = table.to_pylist()
    assert [record["text"] for record in records] == ARTICLE_SENTENCES
    assert records == run_tag(article).records


@pytest.mark.parametrize(
    ("values", "kind", "found"),
    [
        ([1, None, 2**62], "int64", [1, None, 2**62]),
        ([1, 0.5], "double", [1.0, 0.5]),
        ([2**60, 0.5], "string", [str(2**60), "0.5"]),
        ([2**70, 1], "string", [str(2**70), "1"]),
        ([True, None], "bool", [True, None]),
        ([True, 1], "string", ["true", "1"]),
        (["a\ud800", "é"], "string", ["a\ufffd", "é"]),
        ([{"a": [1]}, "x"], "string", ['{"a": [1]}', "x"]),
        ([None, None], "string", [None, None]),
    ],
)
def test_a_column_has_the_type_of_its_values(
    values: list[Any], kind: str, found: list[Any]
) -> None:
    table = table_of(*[{"x": value} for value in values])
    assert str(table.schema.field("x").type) == kind
    assert table.column("x").to_pylist() == found


def test_no_rows_give_an_empty_table_and_no_header() -> None:
    assert table_of().num_rows == 0
    stream = io.BytesIO()
    to_csv(io.BytesIO(), stream)
    assert stream.getvalue() == b""


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=3), JSON_VALUES, max_size=3), max_size=4))
def test_any_records_can_be_columns(records: list[dict[str, Any]]) -> None:
    whole = [json.loads(json.dumps(record)) for record in records]
    if any("NaN" in json.dumps(r) or "Infinity" in json.dumps(r) for r in whole):
        return
    assert table_of(*whole).num_rows == (len(whole) if any(whole) else 0)
