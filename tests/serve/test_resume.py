"""kill -9 and --resume: the bytes of an uninterrupted run, or a clear refusal."""

from __future__ import annotations

import fcntl
import json
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from claimwire.data.corpus import default_corpus, load_examples
from claimwire.data.errors import InputError
from claimwire.serve.batch import tag_stream
from claimwire.serve.outputs import errors_path
from claimwire.serve.rows import Row

from .conftest import ARTICLE, RunTag, write_lines


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Articles of our corpus' sentences: many batches, with repeats, failures and strangers."""
    texts = [example.text for example in load_examples(default_corpus())]
    chosen = random.Random(5)
    records: list[object] = []
    for number in range(600):
        article = " ".join(chosen.sample(texts, 4))
        records.append({"id": f"n{number}", "text": article, "day": number, "late": None})
        if number % 50 == 0:
            records += ["{", {"text": ARTICLE}, {"text": "Два беспилотника.", f"f{number}": 1.5}]
    return write_lines(tmp_path_factory.mktemp("big") / "big.jsonl", *records)


def cut(path: Path, share: float) -> None:
    """Leave what an interruption might have left of a whole output."""
    path.with_name(path.name + ".partial").write_bytes(
        path.read_bytes()[: int(share * path.stat().st_size)]
    )


class TestKill:
    @pytest.mark.parametrize("suffix", ["jsonl", "csv"])
    def test_killed_anywhere_it_goes_on_to_the_same_bytes(
        self, big: Path, tiny_release: Path, tmp_path: Path, suffix: str
    ) -> None:
        whole, output = tmp_path / f"whole.{suffix}", tmp_path / f"out.{suffix}"
        partial = tmp_path / f"out.{suffix}.partial"
        assert self.start(big, whole, tiny_release).wait() == 1
        size = whole.stat().st_size
        killed = 0
        for share in sorted(random.Random(suffix).uniform(0, 0.7) for _ in range(3)):
            process = self.start(big, output, tiny_release, "--resume")
            while process.poll() is None:
                if partial.exists() and partial.stat().st_size > share * size:
                    process.send_signal(signal.SIGKILL)
                    break
            if process.wait() == -signal.SIGKILL:  # a busy machine may let it come to its end
                assert not output.exists()
                killed += 1
        assert killed
        assert self.start(big, output, tiny_release, "--resume").wait() == 1
        assert output.read_bytes() == whole.read_bytes()
        errors, expected = errors_path(output), errors_path(whole)
        assert errors.read_bytes() == expected.read_bytes() != b""
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
            path.name for path in (whole, output, errors, expected)
        )

    @staticmethod
    def start(source: Path, output: Path, release: Path, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "claimwire", "tag", str(source), "-o", str(output)]
        return subprocess.Popen(
            [*command, "--model", str(release), "--threads", "1", *options],
            stderr=subprocess.DEVNULL,
        )


class TestResume:
    @pytest.mark.parametrize("share", [0.0, 0.0001, 0.3, 0.5, 0.99, 1.0])
    def test_what_was_written_is_taken_over(
        self, run_tag: RunTag, big: Path, tmp_path: Path, share: float
    ) -> None:
        output = tmp_path / "out.jsonl"
        assert run_tag(big, output=output).code == 1
        expected = output.read_bytes()
        cut(output, share)
        output.unlink()
        outcome = run_tag(big, output=output, resume=True)
        assert output.read_bytes() == expected
        told = re.search(r"([\d,]+) rows? were there already", outcome.err)
        assert (told is None) == (share == 1.0)
        if told is not None:
            rows = expected[: int(share * len(expected))].count(b"\n")
            assert int(told[1].replace(",", "")) == rows

    @pytest.mark.parametrize("unit", ["article", "sentence"])
    @pytest.mark.parametrize("suffix", ["csv", "parquet"])
    def test_csv_and_parquet_go_on_from_their_rows(
        self, run_tag: RunTag, big: Path, tmp_path: Path, suffix: str, unit: str
    ) -> None:
        if suffix == "parquet":
            pytest.importorskip("pyarrow")
        output = tmp_path / f"out.{suffix}"
        run_tag(big, output=output, unit=unit)
        expected = output.read_bytes()
        partial = tmp_path / f"out.{suffix}.partial"
        assert not partial.exists()
        self.interrupt(run_tag, big, output, unit)
        assert partial.stat().st_size > 0
        json.loads(partial.read_bytes().splitlines()[0])
        outcome = run_tag(big, output=output, unit=unit, resume=True)
        assert "rows were there already" in outcome.err
        assert output.read_bytes() == expected
        assert not partial.exists()

    @staticmethod
    def interrupt(run_tag: RunTag, big: Path, output: Path, unit: str) -> None:
        """Break off a run after some batches, as a full disk would."""

        def breaking(*args: Any) -> Iterator[Row]:
            yield from islice(tag_stream(*args), 600)
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("claimwire.serve.commands.tag_stream", breaking)
            with pytest.raises(KeyboardInterrupt):
                run_tag(big, output=output, unit=unit)

    def test_without_anything_to_go_on_from_it_begins(
        self, run_tag: RunTag, article: Path, tmp_path: Path
    ) -> None:
        output = tmp_path / "out.jsonl"
        assert run_tag(article, output=output, resume=True).code == 0
        assert len(output.read_bytes().splitlines()) == 4

    def test_without_resume_it_begins_again_and_says_so(
        self, run_tag: RunTag, article: Path, tmp_path: Path
    ) -> None:
        output = tmp_path / "out.jsonl"
        (tmp_path / "out.jsonl.partial").write_text("what was there\n")
        outcome = run_tag(article, output=output)
        assert "is begun again: --resume goes on from it" in outcome.err
        assert len(output.read_bytes().splitlines()) == 4

    @pytest.mark.parametrize("change", ["input", "shorter", "unit", "rubbish", "json"])
    def test_a_partial_of_something_else_is_refused_and_left_alone(
        self, run_tag: RunTag, big: Path, tmp_path: Path, change: str
    ) -> None:
        output, partial = tmp_path / "out.jsonl", tmp_path / "out.jsonl.partial"
        run_tag(big, output=output)
        cut(output, 0.5)
        if change == "rubbish":
            partial.write_bytes(b"what is this\n" * 2_000)
        if change == "json":
            partial.write_bytes(b'{"labels": []}\n' * 2_000)
        before = partial.read_bytes()
        source = tmp_path / "other.jsonl"
        lines = big.read_text().splitlines(keepends=True)
        if change == "input":
            lines[100] = '{"text": "Something else."}\n'
        source.write_text("".join(lines[:20] if change == "shorter" else lines))
        unit = "sentence" if change == "unit" else "article"
        with pytest.raises(InputError, match="give the same inputs, options and model") as refusal:
            run_tag(source, output=output, resume=True, unit=unit)
        assert refusal.value.exit_code == 2
        assert partial.read_bytes() == before

    @pytest.mark.parametrize("there", ["rubbish\n", "unit", "input", "more"])
    def test_a_first_batch_of_something_else_is_refused_too(
        self, run_tag: RunTag, article: Path, tmp_path: Path, there: str
    ) -> None:
        output, partial = tmp_path / "out.jsonl", tmp_path / "out.jsonl.partial"
        run_tag(article, output=output, unit="sentence" if there == "unit" else "article")
        lines = output.read_bytes().splitlines(keepends=True)
        if there == "rubbish\n":
            lines = [there.encode()]
        elif there == "more":
            lines.append(lines[-1])
        elif there == "input":
            lines[-2] = lines[-2].replace(b"No group has", b"No group had")
        partial.write_bytes(b"".join(lines[:3] if there == "input" else lines))
        before = partial.read_bytes()
        with pytest.raises(InputError, match="give the same inputs, options and model"):
            run_tag(article, output=output, resume=True)
        assert partial.read_bytes() == before

    def test_two_runs_do_not_write_one_file(
        self, run_tag: RunTag, article: Path, tmp_path: Path
    ) -> None:
        partial = tmp_path / "out.jsonl.partial"
        partial.write_text("the other one's\n")
        with partial.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            with pytest.raises(InputError, match="found another claimwire"):
                run_tag(article, output=tmp_path / "out.jsonl")
        assert partial.read_text() == "the other one's\n"


def test_repeated_articles_are_counted_and_have_the_same_scores(
    run_tag: RunTag, tmp_path: Path
) -> None:
    records = [{"text": ARTICLE}, {"text": "A shell fell."}] * 300
    path = write_lines(tmp_path / "in.jsonl", *records)
    output = tmp_path / "out.jsonl"
    outcome = run_tag(path, output=output)
    assert "598 repeated texts" in outcome.err
    lines = [json.loads(line) for line in output.read_bytes().splitlines()]
    assert len(lines) == 300 * 5
    assert len({(line["text"], json.dumps(line["scores"])) for line in lines}) == 5


def test_texts_that_are_not_english_are_flagged_named_and_counted(
    run_tag: RunTag, tmp_path: Path
) -> None:
    foreign = {"text": "Два беспилотника до рассвета ударили по складу топлива."}
    path = write_lines(tmp_path / "in.jsonl", {"text": ARTICLE}, *[foreign] * 12)
    output = tmp_path / "out.jsonl"
    outcome = run_tag(path, output=output)
    assert outcome.code == 0
    lines = [json.loads(line) for line in output.read_bytes().splitlines()]
    assert [line["english"] for line in lines] == [True] * 4 + [False] * 12
    assert outcome.err.count("does not look like English") == 10
    assert f"warning: {path}:2: does not look like English" in outcome.err
    assert "warning: 2 more do not look like English" in outcome.err
    assert "12 texts not in English" in outcome.err
    table = run_tag(path, output_format="table").out.decode()
    assert "  not English" in table
    assert "  not English" in run_tag(path, unit="sentence", output_format="table").out.decode()


def test_records_without_an_id_are_told_apart_across_files(run_tag: RunTag, tmp_path: Path) -> None:
    paths = [write_lines(tmp_path / name, {"text": "A."}, {"id": 7, "text": "B."}) for name in "ab"]
    ids = [record["article_id"] for record in run_tag(*paths, input_format="jsonl").records]
    assert ids == ["a:1", 7, "b:1", 7]
    assert [r["article_id"] for r in run_tag(paths[0], input_format="jsonl").records] == [1, 7]
