"""CSV, Parquet and gzip as inputs: their records, and every way in which they can be broken."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from .conftest import ARTICLE, ARTICLE_SENTENCES, PAGE, RunTag, write_lines

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def parquet_bytes(columns: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream, row_group_size=2)
    return stream.getvalue()


class TestCsv:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_a_row_is_a_record(self, run_tag: RunTag, tmp_path: Path, delimiter: str) -> None:
        path = tmp_path / "a.csv"
        rows = [["id", "text", "label"], ["n1", '"A shell fell.\nIt hit."', "old"], ["", "É.", ""]]
        path.write_text("\ufeff" + "\r\n".join(delimiter.join(row) for row in rows) + "\r\n\r\n")
        outcome = run_tag(path)
        assert outcome.code == 0
        assert [(r["article_id"], r["text"], r["input_label"]) for r in outcome.records] == [
            ("n1", "A shell fell.", "old"),
            ("n1", "It hit.", "old"),
            (4, "É.", ""),
        ]

    def test_an_empty_cell_alone_in_its_row_is_a_record(
        self, run_tag: RunTag, tmp_path: Path
    ) -> None:
        path = tmp_path / "a.csv"
        path.write_text('text\nA shell fell.\n""\n\n  \n" "\nIt hit.\n')
        outcome = run_tag(path)
        assert [r["text"] for r in outcome.records] == ["A shell fell.", "It hit."]
        assert outcome.code == 1
        assert f"{path}:3: " in outcome.err
        assert f"{path}:6: " in outcome.err
        assert outcome.err.count("a blank string") == 2

    def test_a_line_is_not_utf_16_by_its_first_bytes(self, run_tag: RunTag, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes(b"A shell fell.\n\xff\xfeA mine went off.\n")
        outcome = run_tag(path, unit="sentence")
        assert [r["text"] for r in outcome.records] == [
            "A shell fell.",
            "\ufffd\ufffdA mine went off.",
        ]
        assert "warning" in outcome.err

    def test_a_sentence_a_row_and_another_column(self, run_tag: RunTag, tmp_path: Path) -> None:
        path = tmp_path / "a.tsv"
        path.write_text("body\tday\nA shell fell. It hit.\t1\n")
        [record] = run_tag(path, unit="sentence", text_field="body").records
        assert (record["body"], record["day"]) == ("A shell fell. It hit.", "1")

    @pytest.mark.parametrize(
        ("content", "line", "message"),
        [
            ("a,b\n1,2\n", None, "column 'text' in the first line, found 'a,b'"),
            ("text,text\n1,2\n", None, "found 'text' 2 times"),
            ('"text\n1\n', None, "column 'text'"),
            ("text,x\nGood.,1\nBad.\nGood.,2\n", 3, "expected 2 cells, as in the header, found 1"),
            ("text,x\nGood.,1\nA, b, c.,2\nGood.,2\n", 3, "found 4: put cells"),
            ("text,x\nGood.,1\n  ,3\nGood.,2\n", 3, "a blank string"),
            ('text,x\nGood.,1\n"a"b,3\nGood.,2\n', 3, "malformed CSV in line 3"),
            ('text,x\nGood.,1\nGood.,2\n"never closed,3\nmore,4\n', 4, "in lines 4 to 5"),
        ],
    )
    def test_what_is_wrong_is_named_and_the_rest_is_done(
        self, run_tag: RunTag, tmp_path: Path, content: str, line: int | None, message: str
    ) -> None:
        path = tmp_path / "a.csv"
        path.write_text(content)
        outcome = run_tag(path)
        assert outcome.code == 1
        assert [record["x"] for record in outcome.records] == (["1", "2"] if line else [])
        place = f"{path}:{line}" if line else str(path)
        assert outcome.err.startswith(f"claimwire: error: {place}: expected")
        assert message in outcome.err

    def test_a_header_alone_or_nothing_is_empty(self, run_tag: RunTag, tmp_path: Path) -> None:
        for content in ("", "\n", "text,x\n"):
            path = tmp_path / "a.csv"
            path.write_text(content)
            outcome = run_tag(path)
            assert (outcome.code, outcome.out) == (0, b"")
            assert "empty" in outcome.err

    def test_replaced_bytes_are_told(self, run_tag: RunTag, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_bytes(b"text,x\nGood.,1\nThe caf\xe9 burned.,2\n")
        assert "U+FFFD: 1 (the first in line 3)" in run_tag(path).err

    def test_a_cell_may_be_longer_than_the_limit_of_pythons_reader(
        self, run_tag: RunTag, tmp_path: Path
    ) -> None:
        path = tmp_path / "a.csv"
        path.write_text("text\n" + "fire" * 50_000 + "\n")
        assert run_tag(path, unit="sentence").code == 0


class TestParquet:
    def test_times_that_python_has_no_type_for(self, run_tag: RunTag, tmp_path: Path) -> None:
        ns = 1_704_067_200_123_456_789
        columns = {
            "text": ["A shell fell.", "It hit."],
            "at": pa.array([ns, ns - 789], pa.timestamp("ns")),
            "took": pa.array([1_500_000_001, None], pa.duration("ns")),
            "deep": pa.array([{"a": [ns]}, None], pa.struct({"a": pa.list_(pa.timestamp("ns"))})),
        }
        path = tmp_path / "a.parquet"
        path.write_bytes(parquet_bytes(columns))
        first, second = run_tag(path).records
        assert (first["at"], second["at"]) == (
            "2024-01-01T00:00:00.123456789",
            "2024-01-01T00:00:00.123456",
        )
        assert first["took"] == pytest.approx(1.5, abs=1e-6)
        assert (first["deep"], second["deep"]) == ({"a": ["2024-01-01T00:00:00.123456789"]}, None)

    def test_a_map_is_a_list_of_pairs(self, run_tag: RunTag, tmp_path: Path) -> None:
        path = tmp_path / "a.parquet"
        ns = 1_704_067_200_123_456_789
        kind = pa.map_(pa.string(), pa.timestamp("ns"))
        broken = pa.map_(pa.string(), pa.string())
        raw = pa.array([b"ok", b"\xff"]).cast(pa.string(), safe=False)
        columns = {
            "text": ["A shell fell."] * 2,
            "at": pa.array([[("a", ns)], [("b", ns)]], kind),
            "bad": pa.MapArray.from_arrays([0, 1, 2], pa.array(["k", "k"]), raw).cast(broken),
        }
        path.write_bytes(parquet_bytes(columns))
        outcome = run_tag(path)
        [record] = outcome.records
        assert record["at"] == [["a", "2024-01-01T00:00:00.123456789"]]
        assert record["bad"] == [["k", "ok"]]
        assert f"{path}:2: expected values that can be read" in outcome.err

    @pytest.mark.parametrize("kind", ["string", "timestamp[ms]", "timestamp[ms, tz=UTC]"])
    def test_a_value_that_cannot_be_read_costs_its_row_alone(
        self, run_tag: RunTag, tmp_path: Path, kind: str
    ) -> None:
        path = tmp_path / "a.parquet"
        if kind == "string":
            values = pa.array([b"ok", b"\xff\xfe", b"ok"]).cast(pa.string(), safe=False)
        else:
            zone = "UTC" if "tz" in kind else None
            values = pa.array([0, 2**58, 0], pa.timestamp("ms", zone))
        path.write_bytes(parquet_bytes({"text": ["A shell fell."] * 3, "name": values}))
        outcome = run_tag(path)
        assert [r["article_id"] for r in outcome.records] == [1, 3]
        assert f"{path}:2: expected values that can be read, found one of type {kind[:6]}" in (
            outcome.err
        )

    def test_a_row_is_a_record_with_values_that_json_has(
        self, run_tag: RunTag, tmp_path: Path
    ) -> None:
        columns = {
            "text": [ARTICLE, None, "A shell fell."],
            "id": ["n1", "n2", None],
            "when": [datetime(2024, 5, 17), None, None],
            "price": [Decimal("1.50"), None, None],
            "raw": [b"\x00\xff", None, None],
            "share": [float("nan"), 0.5, None],
            "tags": [[{"a": 1}], [], None],
        }
        path = tmp_path / "a.parquet"
        path.write_bytes(parquet_bytes(columns))
        outcome = run_tag(path)
        assert outcome.code == 1
        assert f"{path}:2: expected a string in the field 'text', found null" in outcome.err
        first, *_, last = outcome.records
        assert [r["text"] for r in outcome.records] == [*ARTICLE_SENTENCES, "A shell fell."]
        assert (first["article_id"], last["article_id"]) == ("n1", 3)
        assert first["when"] == "2024-05-17T00:00:00"
        assert first["price"] == "1.50"
        assert first["raw"] == "AP8="
        assert first["share"] is None
        assert first["tags"] == [{"a": 1}]

    def test_it_is_known_by_its_content_and_read_from_standard_input(
        self, run_tag: RunTag, standard_input: Callable[[bytes], None]
    ) -> None:
        standard_input(parquet_bytes({"text": ["A shell fell."]}))
        assert [record["article_id"] for record in run_tag("-").records] == [1]

    def test_what_is_wrong_is_named(self, run_tag: RunTag, article: Path, tmp_path: Path) -> None:
        whole = parquet_bytes({"text": ["A shell fell."] * 10})
        broken = {
            "cut": (whole[:-20], "found what cannot be read"),
            "magic": (b"PAR1" + b"x" * 100 + b"PAR1", "found what cannot be read"),
            "text": (b"A shell fell.", "found what cannot be read"),
            "column": (parquet_bytes({"body": ["A."]}), "expected a column 'text', found 'body'"),
        }
        for name, (content, message) in broken.items():
            path = tmp_path / f"{name}.parquet"
            path.write_bytes(content)
            outcome = run_tag(path, article)
            assert outcome.code == 1
            assert [r["text"] for r in outcome.records] == ARTICLE_SENTENCES
            assert outcome.err.startswith(f"claimwire: error: {path}: expected")
            assert message in outcome.err


class TestGzip:
    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.txt.gz", ARTICLE),
            ("a.md.gz", ARTICLE),
            ("a.HTML.GZ", PAGE),
            ("a.jsonl.gz", json.dumps({"text": ARTICLE})),
            ("a.csv.gz", f'text\n"{ARTICLE}"\n'),
            ("named-as-nothing", ARTICLE),
        ],
    )
    def test_each_format_of_text_may_be_gzip(
        self, run_tag: RunTag, tmp_path: Path, name: str, content: str
    ) -> None:
        path = tmp_path / name
        path.write_bytes(gzip.compress(content.encode()))
        outcome = run_tag(path)
        assert outcome.code == 0
        assert set(ARTICLE_SENTENCES) <= {record["text"] for record in outcome.records}

    def test_a_directory_gives_such_files(self, run_tag: RunTag, tmp_path: Path) -> None:
        (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"A shell fell."))
        (tmp_path / "b.parquet.gz").write_bytes(gzip.compress(b"PAR1"))
        outcome = run_tag(tmp_path)
        assert [record["article_id"] for record in outcome.records] == ["a.txt.gz"]
        assert "1 file with another suffix was left out (b.parquet.gz)" in outcome.err

    def test_several_parts_one_after_the_other(self, run_tag: RunTag, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl.gz"
        path.write_bytes(b"".join(gzip.compress(b'{"text": "%c."}\n' % c) for c in b"AB"))
        assert [record["text"] for record in run_tag(path).records] == ["A.", "B."]

    @pytest.mark.parametrize("damage", ["cut", "changed", "trailing"])
    def test_damage_is_named_and_what_came_before_is_done(
        self, run_tag: RunTag, article: Path, tmp_path: Path, damage: str
    ) -> None:
        lines = write_lines(tmp_path / "a", *[{"text": f"Shell {n} fell."} for n in range(9_000)])
        whole = gzip.compress(lines.read_bytes())
        middle = len(whole) // 2
        broken = {
            "cut": whole[:middle],
            "changed": whole[:middle] + b"\xff" * 200 + whole[middle + 200 :],
            "trailing": whole + b"rubbish",
        }
        path = tmp_path / "a.jsonl.gz"
        path.write_bytes(broken[damage])
        outcome = run_tag(path, article)
        assert outcome.code == 1
        assert f"claimwire: error: {path}: expected whole gzip data" in outcome.err
        texts = [record["text"] for record in outcome.records]
        assert texts[:2] == ["Shell 0 fell.", "Shell 1 fell."]
        assert texts[-4:] == ARTICLE_SENTENCES

    def test_binary_inside_is_refused(self, run_tag: RunTag, tmp_path: Path) -> None:
        path = tmp_path / "a.tar.gz"
        path.write_bytes(gzip.compress(b"name\0\0\0"))
        assert "found binary data" in run_tag(path).err
