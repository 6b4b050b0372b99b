"""The command end to end: units, inputs, formats, files and processes."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from claimwire.data.errors import InputError
from claimwire.data.labels import LABELS
from claimwire.serve.commands import TagOptions, tag

from .conftest import ARTICLE, ARTICLE_SENTENCES, PAGE, RunTag, write_lines

VERDICT = {
    "label",
    "labels",
    "scores",
    "confidence",
    "needs_review",
    "truncated",
    "english",
    "model",
}
PLACE = {"article_id", "sentence_index", "start", "end", "text"}


class TestUnits:
    def test_an_article_gives_one_record_a_sentence(self, run_tag: RunTag, article: Path) -> None:
        outcome = run_tag(article)
        assert outcome.code == 0
        assert outcome.err == ""
        records = outcome.records
        assert [record["text"] for record in records] == ARTICLE_SENTENCES
        assert [record["sentence_index"] for record in records] == [0, 1, 2, 3]
        assert all(record["article_id"] == "article.txt" for record in records)
        assert all(set(record) == VERDICT | PLACE for record in records)
        assert all(ARTICLE[r["start"] : r["end"]] == r["text"] for r in records)
        assert all(list(r["scores"]) == [label.value for label in LABELS] for r in records)

    def test_records_of_json_lines_keep_their_other_fields(
        self, run_tag: RunTag, tmp_path: Path
    ) -> None:
        path = write_lines(
            tmp_path / "news.jsonl",
            {"id": "n-7", "text": ARTICLE, "label": "old", "input_label": 1, "day": None},
            "",
            {"id": None, "text": "A shell fell.", "start": {"a": [1]}},
            {"id": 4, "text": "A shell fell."},
        )
        outcome = run_tag(path)
        assert outcome.code == 0
        records = outcome.records
        assert [record["article_id"] for record in records] == ["n-7"] * 4 + [3, 4]
        first = records[0]
        assert first["text"] == ARTICLE_SENTENCES[0]
        assert first["input_input_label"] == "old"
        assert first["input_label"] == 1
        assert first["day"] is None
        assert first["id"] == "n-7"
        assert records[4]["input_start"] == {"a": [1]}

    def test_a_sentence_record_gives_one_record_in_order(
        self, run_tag: RunTag, tmp_path: Path
    ) -> None:
        path = write_lines(
            tmp_path / "s.jsonl",
            {"n": 1, "body": "A shell fell. Nobody was hurt.", "text": "kept", "model": "old"},
            {"n": 2, "body": "Home | News"},
        )
        outcome = run_tag(path, unit="sentence", text_field="body")
        assert outcome.code == 0
        assert [record["n"] for record in outcome.records] == [1, 2]
        first = outcome.records[0]
        assert first["body"] == "A shell fell. Nobody was hurt."
        assert first["text"] == "kept"
        assert first["input_model"] == "old"
        assert set(first) == VERDICT | {"n", "body", "text", "input_model"}

    def test_a_text_file_holds_one_sentence_a_line(self, run_tag: RunTag, tmp_path: Path) -> None:
        path = tmp_path / "lines.txt"
        path.write_bytes("First line.\r\n\r\nSecond\u2028line.\nThird".encode())
        outcome = run_tag(path, unit="sentence")
        assert [r["text"] for r in outcome.records] == ["First line.", "Second\u2028line.", "Third"]

    def test_html_gives_the_text_in_which_offsets_count(
        self, run_tag: RunTag, tmp_path: Path
    ) -> None:
        path = tmp_path / "page.html"
        path.write_text(PAGE, encoding="utf-8")
        records = run_tag(path).records
        assert ARTICLE_SENTENCES[1] in [record["text"] for record in records]
        text = records[0]["article_text"]
        assert all(text[r["start"] : r["end"]] == r["text"] for r in records)
        assert all("article_text" not in record for record in records[1:])
        assert "var a" not in text

    def test_html_is_known_by_its_content_too(self, run_tag: RunTag, tmp_path: Path) -> None:
        path = write_lines(tmp_path / "pages.jsonl", {"text": PAGE, "article_text": "mine"})
        plain = tmp_path / "page.txt"
        plain.write_text(PAGE, encoding="utf-8")
        for records in (run_tag(path).records, run_tag(plain).records):
            assert ARTICLE_SENTENCES[1] in [record["text"] for record in records]
            assert "<p>" not in records[0]["article_text"]
        assert run_tag(path).records[0]["input_article_text"] == "mine"


class TestStandardInput:
    def test_text_is_one_article(
        self, run_tag: RunTag, standard_input: Callable[[bytes], None]
    ) -> None:
        standard_input(ARTICLE.encode())
        records = run_tag("-").records
        assert [record["text"] for record in records] == ARTICLE_SENTENCES
        assert records[0]["article_id"] == "stdin"

    def test_an_object_in_the_first_line_means_json_lines(
        self, run_tag: RunTag, standard_input: Callable[[bytes], None]
    ) -> None:
        standard_input(b'\xef\xbb\xbf\n{"text": "A shell fell."}\n{"text": "It hit."}\n')
        assert [record["article_id"] for record in run_tag("-").records] == [2, 3]

    def test_an_endless_number_in_the_first_line_spoils_that_line_alone(
        self, run_tag: RunTag, standard_input: Callable[[bytes], None]
    ) -> None:
        first = b'{"text": "A shell fell.", "x": ' + b"7" * 5_000 + b"}"
        standard_input(first + b'\n{"text": "It hit."}\n')
        outcome = run_tag("-")
        assert outcome.code == 1
        assert [record["article_id"] for record in outcome.records] == [2]
        assert "stdin:1: expected numbers of a usual size" in outcome.err

    def test_the_format_can_be_said(
        self, run_tag: RunTag, standard_input: Callable[[bytes], None]
    ) -> None:
        standard_input(b'not json\n{"text": "A shell fell."}\n')
        outcome = run_tag("-", input_format="jsonl")
        assert outcome.code == 1
        assert [record["article_id"] for record in outcome.records] == [2]
        assert "stdin:1: " in outcome.err

    def test_a_file_without_a_known_suffix_is_sniffed(
        self, run_tag: RunTag, tmp_path: Path
    ) -> None:
        path = tmp_path / "dump"
        path.write_text('{"text": "A shell fell."}\n')
        assert [record["article_id"] for record in run_tag(path).records] == [1]


class TestOutputs:
    def test_the_same_command_gives_the_same_bytes(
        self, run_tag: RunTag, article: Path, tmp_path: Path
    ) -> None:
        for suffix in ("jsonl", "csv", "parquet", "html", "txt"):
            files = [tmp_path / f"{number}.{suffix}" for number in (1, 2)]
            for file in files:
                assert run_tag(article, output=file).code == 0
            assert files[0].read_bytes() == files[1].read_bytes() != b""

    def test_the_suffix_of_the_output_tells_the_format(
        self, run_tag: RunTag, article: Path, tmp_path: Path
    ) -> None:
        outcome = run_tag(article, output=tmp_path / "out.jsonl")
        assert outcome.out == b""
        assert "4 sentences in 1 text" in outcome.err
        lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line)["text"] for line in lines] == ARTICLE_SENTENCES
        assert sorted(path.name for path in tmp_path.iterdir()) == ["article.txt", "out.jsonl"]
        with pytest.raises(InputError, match=r"\.pdf.*give --format"):
            run_tag(article, output=tmp_path / "out.pdf")

    def test_csv_has_a_column_for_every_field_of_any_record(
        self, run_tag: RunTag, tmp_path: Path
    ) -> None:
        path = write_lines(
            tmp_path / "s.jsonl",
            {"text": 'Shells, "many",\nfell.', "score_background": 5, "x": None},
            {"text": "It hit.", "late": {"a": "é"}, "flag": True},
            {"text": "half \ud83d of a pair"},
        )
        outcome = run_tag(path, unit="sentence", output_format="csv")
        rows = list(csv.DictReader(io.StringIO(outcome.out.decode(), newline="")))
        assert rows[0]["text"] == 'Shells, "many",\nfell.'
        assert rows[0]["input_score_background"] == "5"
        assert rows[0]["x"] == rows[0]["late"] == ""
        assert rows[1]["late"] == '{"a": "é"}'
        assert rows[1]["flag"] == "true"
        for row in rows:
            scores = {label.value: float(row[f"score_{label.value}"]) for label in LABELS}
            assert row["labels"].split(";")[0] == row["label"]
            assert float(row["confidence"]) == scores[row["label"]]

    def test_failures_go_to_the_errors_file_and_a_stale_one_goes_away(
        self, run_tag: RunTag, tmp_path: Path
    ) -> None:
        path = write_lines(tmp_path / "in.jsonl", {"text": "A shell fell."}, "{", {"text": None})
        output, errors = tmp_path / "out.jsonl", tmp_path / "out.errors.jsonl"
        outcome = run_tag(path, output=output)
        assert outcome.code == 1
        assert str(errors) in outcome.err
        failures = [json.loads(line) for line in errors.read_text().splitlines()]
        assert [(f["file"], f["line"]) for f in failures] == [(str(path), 2), (str(path), 3)]
        assert "malformed JSON" in failures[0]["reason"]
        assert "found null" in failures[1]["reason"]
        write_lines(path, {"text": "A shell fell."})
        assert run_tag(path, output=output).code == 0
        assert not errors.exists()

    def test_an_input_is_never_overwritten(
        self, run_tag: RunTag, article: Path, tmp_path: Path
    ) -> None:
        link = tmp_path / "link.txt"
        link.symlink_to(article)
        with pytest.raises(InputError, match="would be overwritten"):
            run_tag(article, output=link)
        assert article.read_text(encoding="utf-8") == ARTICLE

    def test_a_link_keeps_pointing_to_the_file_that_is_written(
        self, run_tag: RunTag, article: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "elsewhere").mkdir()
        link = tmp_path / "out.jsonl"
        link.symlink_to(tmp_path / "elsewhere" / "real.jsonl")
        assert run_tag(article, output=link).code == 0
        assert link.is_symlink()
        assert len((tmp_path / "elsewhere" / "real.jsonl").read_bytes().splitlines()) == 4

    def test_a_device_is_written_directly(self, run_tag: RunTag, article: Path) -> None:
        device = Path("/dev/null")
        assert run_tag(article, output=device, output_format="jsonl").code == 0
        assert device.is_char_device()

    def test_an_output_that_cannot_be_written_leaves_the_old_one_alone(
        self, run_tag: RunTag, article: Path, tmp_path: Path
    ) -> None:
        output = tmp_path / "out.jsonl"
        output.write_text("old\n")
        (tmp_path / "out.jsonl.partial").mkdir()
        with pytest.raises(InputError, match=r"out\.jsonl\.partial: expected to write there"):
            run_tag(article, output=output)
        assert output.read_text() == "old\n"

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (
                {"output_format": "pdf"},
                "--format: expected one of table, jsonl, csv, parquet, html",
            ),
            ({"unit": "page"}, "--unit: expected one of article, sentence, found 'page'"),
            (
                {"input_format": "pdf"},
                "--input-format: expected one of auto, text, html, jsonl, csv",
            ),
            ({"threads": 0}, "--threads: expected 1 or more, found 0"),
            ({"unit": "sentence", "show_removed": True}, "--show-removed needs --unit article"),
            ({"resume": True, "output_format": "jsonl"}, "--resume: expected -o FILE"),
            ({"resume": True, "output": Path("/dev/null"), "output_format": "csv"}, "expected -o"),
            ({"resume": True, "output": Path("/tmp/x.html")}, "one of csv, jsonl, parquet, found"),
            ({"output": Path("/")}, "found a directory: add a file name"),
            ({"output": Path("/no/such/out.jsonl")}, "create it first"),
        ],
    )
    def test_wrong_options_are_refused_before_any_work(
        self, options: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(InputError, match=message) as refusal:
            tag(["-"], TagOptions(model="/no/such/release", **options))
        assert refusal.value.exit_code == 2

    def test_what_was_removed_is_listed(self, run_tag: RunTag, tmp_path: Path) -> None:
        path = tmp_path / "junk.txt"
        path.write_text(ARTICLE + "\nwindow.dataLayer = window.dataLayer || []; f({a: 'b'});\n")
        listed = run_tag(path, show_removed=True).err
        assert f"removed from {path} [" in listed
        assert "window.dataLayer" in listed
        table = run_tag(path, show_removed=True, output_format="table").out.decode()
        assert "window.dataLayer" in table.split(ARTICLE_SENTENCES[3])[1]


def test_a_closed_pipe_ends_the_command_quietly(tmp_path: Path, tiny_release: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", *[{"text": f"Shell {n} fell."} for n in range(5_000)])
    code = (
        "import sys; from claimwire.serve.commands import TagOptions, tag; "
        f"sys.exit(tag([{str(path)!r}], TagOptions(output_format='jsonl', "
        f"model={str(tiny_release)!r}, threads=1)))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        json.loads(process.stdout.readline())
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_behind_standard_output_is_told(article: Path, tiny_release: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "claimwire", "tag", str(article), "--model", str(tiny_release)],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    told = "claimwire: error: standard output: expected to write there, found: No space left"
    assert done.stderr.decode().startswith(told)
    assert len(done.stderr.splitlines()) == 1


def test_tagging_imports_nothing_that_only_training_needs(
    article: Path, tiny_release: Path
) -> None:
    heavy = ["torch", "transformers", "datasets", "mlflow", "sklearn", "pandas", "trafilatura"]
    code = (
        "import sys; from claimwire.serve.commands import TagOptions, tag; "
        f"assert 'onnxruntime' not in sys.modules; heavy = {heavy!r}; "
        f"code = tag([{str(article)!r}], TagOptions(model={str(tiny_release)!r}, threads=1)); "
        "print('imported:', [name for name in heavy if name in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.decode().endswith("imported: []\n")
    assert ARTICLE_SENTENCES[0] in done.stdout.decode()


def test_a_progress_bar_is_shown_to_a_terminal_and_gone_at_the_end(
    tmp_path: Path, tiny_release: Path
) -> None:
    path = write_lines(tmp_path / "in.jsonl", *[{"text": "A shell fell."}] * 600, "{")
    code = (
        "import sys; from claimwire.serve.commands import TagOptions, tag; "
        f"sys.exit(tag([{str(path)!r}], TagOptions(output_format='jsonl', "
        f"model={str(tiny_release)!r}, threads=1)))"
    )
    terminal, its_other_end = os.openpty()
    with (tmp_path / "out.jsonl").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=output,
            stderr=its_other_end,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        )
    os.close(its_other_end)
    shown = read_to_the_end(terminal)
    assert process.wait() == 1
    assert len((tmp_path / "out.jsonl").read_bytes().splitlines()) == 600
    assert "600 sentences" in shown
    assert f"{path}:601" in "".join(shown.split("\r\n"))
    assert shown.endswith("\x1b[2K")


def read_to_the_end(terminal: int) -> str:
    """Read what is shown until the last process on the other end is gone."""
    shown = b""
    with suppress(OSError):  # how Linux tells the end
        while chunk := os.read(terminal, 4096):
            shown += chunk
    os.close(terminal)
    return shown.decode()
