"""Every kind of bad input: named with what to do, and the rest of the call is still done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claimwire.data.errors import InputError

from .conftest import ARTICLE_SENTENCES, RunTag, write_lines
from .test_tag_command import VERDICT

BINARIES = [b"%PDF-1.7\n\x00\x01", b"\x89PNG\r\n\x1a\n\x00", b"PK\3\4\0"]


class TestBadInput:
    """Each bad input is named with what to do; the good one beside it is still done."""

    def check(self, run_tag: RunTag, bad: Path, article: Path, *messages: str) -> None:
        for paths in ((bad, article), (article, bad)):
            outcome = run_tag(*paths)
            assert outcome.code == 1
            assert [record["text"] for record in outcome.records] == ARTICLE_SENTENCES
            [line] = outcome.err.splitlines()
            assert line.startswith(f"claimwire: error: {bad}")
            assert "expected" in line
            for message in messages:
                assert message in line

    def test_a_missing_file(self, run_tag: RunTag, article: Path, tmp_path: Path) -> None:
        self.check(run_tag, tmp_path / "none.txt", article, "found nothing there: check the path")

    def test_a_missing_file_alone_is_wrong_usage(self, run_tag: RunTag, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"none\.txt: expected a file") as refusal:
            run_tag(tmp_path / "none.txt", output=tmp_path / "out.jsonl")
        assert refusal.value.exit_code == 2
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["empty.txt", "empty.jsonl", "empty.html", "empty"])
    @pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b" \r\n\n"])
    def test_an_empty_file_is_done_with_a_note(
        self, run_tag: RunTag, article: Path, tmp_path: Path, name: str, content: bytes
    ) -> None:
        empty = tmp_path / name
        empty.write_bytes(content)
        outcome = run_tag(empty, article)
        assert outcome.code == 0
        assert len(outcome.records) == 4
        assert outcome.err == f"claimwire: note: {empty}: empty: there is nothing to tag\n"
        assert run_tag(empty, unit="sentence", input_format="text").code == 0

    @pytest.mark.parametrize("name", ["a.pdf", "a.txt", "a.jsonl", "a.html", "a"])
    @pytest.mark.parametrize("content", BINARIES)
    def test_binary(
        self, run_tag: RunTag, article: Path, tmp_path: Path, name: str, content: bytes
    ) -> None:
        bad = tmp_path / name
        bad.write_bytes(content * 50)
        self.check(run_tag, bad, article, "found binary data: convert it to text first")

    @pytest.mark.parametrize("name", ["feed.xml", "feed.rtf", "list.json"])
    def test_files_that_are_not_prose(
        self, run_tag: RunTag, article: Path, tmp_path: Path, name: str
    ) -> None:
        bad = tmp_path / name
        bad.write_text('[\n{"text": "A shell fell."}\n]\n')
        self.check(run_tag, bad, article, ".jsonl", "--input-format")
        assert run_tag(bad, input_format="text").code == 0

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ('{"text": "A shell fell."', "malformed JSON"),
            ("prose", "malformed JSON"),
            ('["A shell fell."]', "found a list"),
            ('{"text": null}', "found null"),
            ('{"body": "A shell fell."}', "--text-field"),
            ('{"text": 5}', "found a number"),
            ('{"text": ""}', "a blank string"),
            ('{"text": "A shell fell.", "x": NaN}', "write null"),
            ('{"text": "A shell fell.", "x": -' + "7" * 5_000 + "}", "thousands of digits"),
            ('{"text": "A shell fell.", "text": "Another."}', "keep one"),
        ],
    )
    def test_a_bad_line_in_the_middle(
        self, run_tag: RunTag, tmp_path: Path, line: str, message: str
    ) -> None:
        path = write_lines(tmp_path / "a.jsonl", {"text": "First."}, line, {"text": "Third."})
        for unit in ("article", "sentence"):
            outcome = run_tag(path, unit=unit)
            assert outcome.code == 1
            assert [record["text"] for record in outcome.records] == ["First.", "Third."]
            [told] = outcome.err.splitlines()
            assert told.startswith(f"claimwire: error: {path}:2: expected")
            assert message in told

    def test_invalid_utf8_is_replaced_and_told(self, run_tag: RunTag, tmp_path: Path) -> None:
        text = tmp_path / "latin.txt"
        text.write_bytes("The café at the depot burned.".encode("latin-1"))
        lines = tmp_path / "latin.jsonl"
        lines.write_bytes(b'{"text": "Fine."}\n{"text": "The caf\xe9 at the depot burned."}\n')
        outcome = run_tag(text, lines)
        assert outcome.code == 0
        assert [record["text"] for record in outcome.records] == [
            "The caf\ufffd at the depot burned.",
            "Fine.",
            "The caf\ufffd at the depot burned.",
        ]
        told = outcome.err.splitlines()
        assert told[0].startswith(f"claimwire: warning: {text}: invalid bytes")
        assert told[1].startswith(f"claimwire: warning: {lines}: invalid bytes")
        assert "U+FFFD: 1 (the first in line 2)" in told[1]
        assert all("save the file as UTF-8" in line for line in told)

    def test_half_a_surrogate_pair_is_replaced_and_told(
        self, run_tag: RunTag, tmp_path: Path
    ) -> None:
        path = tmp_path / "a.jsonl"
        path.write_text('{"text": "A shell \\ud83d fell.", "odd\\udc00": "\\ud800"}\n')
        outcome = run_tag(path)
        assert outcome.code == 0
        [record] = outcome.records
        assert record["text"] == "A shell \ufffd fell."
        assert record["odd\udc00"] == "\ud800"
        assert "warning" in outcome.err

    def test_utf16_with_its_mark_is_read(self, run_tag: RunTag, tmp_path: Path) -> None:
        text, lines = tmp_path / "a.txt", tmp_path / "a.jsonl"
        text.write_bytes("A shell fell near Čačak.".encode("utf-16"))
        lines.write_bytes('{"text": "First."}\r\n{"text": "Č."}\r\n'.encode("utf-16"))
        outcome = run_tag(text, lines, unit="sentence")
        assert outcome.code == 0
        assert [r["text"] for r in outcome.records] == ["A shell fell near Čačak.", "First.", "Č."]

    def test_html_without_an_article(self, run_tag: RunTag, article: Path, tmp_path: Path) -> None:
        bad = tmp_path / "bare.html"
        bad.write_text("<html><head><script>var a = 1;</script></head><body></body></html>")
        self.check(run_tag, bad, article, "found no article text", "give its text")

    def test_an_article_of_nothing_but_junk_gives_a_note(
        self, run_tag: RunTag, tmp_path: Path
    ) -> None:
        path = tmp_path / "junk.txt"
        path.write_text("window.dataLayer = window.dataLayer || []; f({a: 'b'});\n")
        outcome = run_tag(path)
        assert (outcome.code, outcome.out) == (0, b"")
        assert "no sentence found" in outcome.err

    @pytest.mark.slow
    def test_a_single_line_of_50_megabytes(
        self, run_tag: RunTag, article: Path, tmp_path: Path
    ) -> None:
        # One endless word in text and record; prose, of which all 50 MB would be tagged, takes
        # its time by the sentence.
        endless = "fire" * 12_500_000
        text = tmp_path / "line.txt"
        text.write_text(endless)
        lines = tmp_path / "line.jsonl"
        lines.write_text(json.dumps({"text": endless}) + '\n{"text": "A shell fell."}\n')
        outcome = run_tag(text, lines, article, unit="sentence")
        assert outcome.code == 0
        records = outcome.records
        assert [record["truncated"] for record in records[:3]] == [True, True, False]
        assert records[0]["text"] == endless
        assert len(records) == 5
        assert run_tag(text, article).records[-1]["text"] == ARTICLE_SENTENCES[-1]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "id", "label", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)
RECORDS = st.fixed_dictionaries(
    {"text": st.text(st.characters(), min_size=1, max_size=40)},
    optional={"id": JSON_VALUES, "label": JSON_VALUES, "scores": JSON_VALUES, "a": JSON_VALUES},
)
LINES = RECORDS.map(json.dumps) | JSON_VALUES.map(json.dumps) | st.text('{}":a[],1 ', min_size=1)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(lines=st.lists(LINES.filter(str.strip), min_size=1, max_size=6))
def test_every_line_gives_either_a_record_or_a_failure(
    run_tag: RunTag, tmp_path: Path, lines: list[str]
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    output, errors = tmp_path / "out.jsonl", tmp_path / "out.errors.jsonl"
    code = run_tag(path, unit="sentence", output=output).code
    records = [json.loads(line) for line in output.read_bytes().splitlines()]
    failures = (
        [json.loads(line) for line in errors.read_bytes().splitlines()] if errors.exists() else []
    )
    assert len(records) + len(failures) == len(lines)
    assert code == (1 if failures else 0)
    failed = {failure["line"] for failure in failures}
    done = [json.loads(line) for n, line in enumerate(lines, start=1) if n not in failed]
    for given_record, record in zip(done, records, strict=True):
        assert record["text"] == given_record["text"]
        for name, value in given_record.items():
            kept = f"input_{name}" if name in VERDICT else name
            assert record[kept] == value
