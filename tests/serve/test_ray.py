"""``--engine ray`` on a real Ray, started once: the records of the local engine, resumable."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claimwire.data.corpus import default_corpus, load_examples
from claimwire.data.errors import InputError
from claimwire.serve import ray_engine
from claimwire.serve.commands import TagOptions, tag

from .conftest import RunTag, write_lines
from .test_tabular import parquet_bytes

pytest.importorskip("ray.data")
pq = pytest.importorskip("pyarrow.parquet")

pytestmark = pytest.mark.slow

TEXTS = [example.text for example in load_examples(default_corpus())]


@pytest.fixture(scope="module", autouse=True)
def ray() -> Iterator[Any]:
    ray = ray_engine.import_ray()
    ray_engine.start(ray, 2)
    yield ray
    ray.shutdown()


def article(chosen: random.Random, sentences: int = 5) -> str:
    return " ".join(chosen.sample(TEXTS, sentences))


@pytest.fixture(scope="module")
def news(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three inputs with fields, repeats, failures and texts in another language."""
    folder = tmp_path_factory.mktemp("news")
    chosen = random.Random(11)
    for name, count in (("a", 60), ("c", 20)):
        records: list[object] = [
            {"id": f"{name}{number}", "text": article(chosen), "day": number, "label": "old"}
            for number in range(count)
        ]
        records += ["{", {"text": " "}, {"text": "Два беспилотника.", "day": None}, records[0]]
        write_lines(folder / f"{name}.jsonl", *records)
    columns = {"text": [article(chosen) for _ in range(30)] + [None], "day": [*range(30), None]}
    (folder / "b.parquet").write_bytes(parquet_bytes(columns))
    return folder


@pytest.fixture(scope="module")
def done(news: Path, tiny_release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two workers made of the folder."""
    out = tmp_path_factory.mktemp("done") / "out"
    options = TagOptions(output=out, model=str(tiny_release), threads=1, engine="ray", workers=2)
    assert tag([str(news)], options) == 1
    return out


@pytest.fixture
def out(done: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(done, tmp_path / "out"))


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [record for path in sorted(folder.glob("0*.jsonl")) for record in records_in(path)]


def records_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def files_of(folder: Path, pattern: str = "*") -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob(pattern) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def assert_equal_records(rows: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert len(rows) == len(expected) > 90
    for row, one in zip(rows, expected, strict=True):
        for scores in ("scores", "confidence"):
            assert row.pop(scores) == pytest.approx(one.pop(scores), abs=1e-3)
        assert row == one


def test_the_records_are_those_of_the_local_engine(
    run_tag: RunTag, news: Path, done: Path, tmp_path: Path
) -> None:
    local = tmp_path / "local.jsonl"
    assert run_tag(news, output=local).code == 1
    rows = rows_of(done)
    assert_equal_records(rows_of(done), records_in(local))
    assert {row["article_id"] for row in rows} >= {"a0", "a.jsonl:63", "b.parquet:1", "c19"}
    assert any(row["input_label"] == "old" for row in rows)
    errors = (done / "_errors.jsonl").read_bytes()
    assert errors == (tmp_path / "local.errors.jsonl").read_bytes()
    assert len(errors.splitlines()) == 5
    assert sorted(path.name for path in done.iterdir()) == [
        "00000-a.jsonl",
        "00001-b.jsonl",
        "00002-c.jsonl",
        "_SUCCESS",
        "_claimwire",
        "_errors.jsonl",
    ]


def test_sentences_and_inputs_that_are_not_there(
    run_tag: RunTag, news: Path, tmp_path: Path
) -> None:
    missing, local, out = tmp_path / "none.txt", tmp_path / "local.jsonl", tmp_path / "out"
    assert run_tag(missing, news, output=local, unit="sentence").code == 1
    outcome = run_tag(missing, news, output=out, unit="sentence", engine="ray", workers=2)
    assert outcome.code == 1
    assert_equal_records(rows_of(out), records_in(local))
    errors = (out / "_errors.jsonl").read_bytes()
    assert errors == (tmp_path / "local.errors.jsonl").read_bytes()
    assert json.loads(errors.splitlines()[0])["file"] == str(missing)
    assert f"claimwire: error: {missing}: expected a file" in outcome.err
    assert f"claimwire: what failed, and why, is in {out}/_errors.jsonl" in outcome.err
    assert "3 partitions; " in outcome.err


def test_one_worker_or_two_and_addresses_or_paths_give_the_same_bytes(
    run_tag: RunTag, news: Path, done: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run_tag(f"file://{news}", output=f"local://{out}", engine="ray", workers=1)
    assert files_of(out, "0*.jsonl") == files_of(done, "0*.jsonl")


def test_parquet_is_what_the_local_engine_writes(
    run_tag: RunTag, news: Path, tmp_path: Path
) -> None:
    local, out = tmp_path / "local.parquet", tmp_path / "out"
    run_tag(news, output=local)
    options = {"output_format": "parquet", "engine": "ray", "workers": 2}
    run_tag(news, output=out, **options)
    expected, tables = pq.read_table(local), [pq.read_table(p) for p in sorted(out.glob("0*"))]
    assert len(tables) == 3
    assert all(table.schema == expected.schema for table in tables)
    rows = [row for table in tables for row in table.to_pylist()]
    assert_equal_records(rows, expected.to_pylist())
    assert pq.read_table(out).num_rows == expected.num_rows  # as one data set
    assert not list((out / "_claimwire").glob("*.rows"))
    before = files_of(out)
    outcome = run_tag(news, output=out, resume=True, **options)
    assert "note: 3 partitions of 3 were there already" in outcome.err
    assert files_of(out) == before


class TestResume:
    def test_finished_partitions_are_kept_and_the_others_made_again(
        self, run_tag: RunTag, news: Path, done: Path, out: Path
    ) -> None:
        (out / "_SUCCESS").unlink()
        (out / "_errors.jsonl").unlink()
        (out / "_claimwire" / "00000-a.json").unlink()  # killed before the record
        rows = out / "00001-b.jsonl"
        rows.write_bytes(rows.read_bytes()[:-10])  # damaged since
        kept = (out / "00002-c.jsonl").stat().st_ino
        outcome = run_tag(news, output=out, engine="ray", workers=2, resume=True)
        assert "note: 1 partition of 3 were there already" in outcome.err
        assert files_of(out) == files_of(done)
        assert (out / "00002-c.jsonl").stat().st_ino == kept

    def test_killed_it_goes_on_to_the_same_bytes(
        self, run_tag: RunTag, news: Path, done: Path, tiny_release: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        command = [sys.executable, "-m", "claimwire", "tag", str(news), "-o", str(out)]
        command += ["--engine", "ray", "--workers", "1", "--threads", "1"]
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(
                [*command, "--model", str(tiny_release)], stderr=log, start_new_session=True
            )
            while process.poll() is None:
                if (out / "_claimwire" / "00000-a.json").exists():
                    os.killpg(process.pid, signal.SIGKILL)
                    break
            code = process.wait()
        assert code in (-signal.SIGKILL, 1), (tmp_path / "log").read_text()
        outcome = run_tag(news, output=out, engine="ray", workers=2, resume=True)
        assert "were there already" in outcome.err
        assert files_of(out) == files_of(done)

    def test_another_question_is_refused_and_nothing_touched(
        self, run_tag: RunTag, news: Path, done: Path, out: Path
    ) -> None:
        with pytest.raises(InputError, match="found an earlier run: go on with it by --resume"):
            run_tag(news, output=out, engine="ray")
        with pytest.raises(InputError, match='expected unit "article", as in the earlier run'):
            run_tag(news, output=out, engine="ray", resume=True, unit="sentence")
        with pytest.raises(InputError, match=r"expected inputs .*give the same inputs"):
            run_tag(news / "c.jsonl", output=out, engine="ray", resume=True)
        assert files_of(out) == files_of(done)


def test_what_breaks_in_a_worker_is_said_plainly(
    run_tag: RunTag, news: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "_claimwire" / "00000-c.errors.partial").mkdir(parents=True)
    with pytest.raises(InputError, match=r"c\.jsonl: expected a worker that .*found \w+Error: "):
        run_tag(news / "c.jsonl", output=out, engine="ray", workers=1)


def test_a_cluster_that_is_none_is_said_plainly(
    news: Path, tmp_path: Path, tiny_release: Path
) -> None:
    command = [sys.executable, "-m", "claimwire", "tag", str(news), "--model", str(tiny_release)]
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "out"), "--engine", "ray"],
        env={**os.environ, "RAY_ADDRESS": "nonsense"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "expected a cluster at nonsense (RAY_ADDRESS), found: Invalid address" in line
