"""Files beside and behind an output: failures, permissions, and runs that meet."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from claimwire.data.errors import InputError
from claimwire.serve.outputs import errors_path

from .conftest import RunTag, write_lines


def test_outputs_side_by_side_keep_their_errors(run_tag: RunTag, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", {"text": "A shell fell."}, "{")
    for name in ("out.jsonl", "out.csv", "out.ndjson", "out"):
        assert run_tag(path, output=tmp_path / name).code == 1
    write_lines(path, {"text": "A shell fell."})
    assert run_tag(path, output=tmp_path / "out.csv").code == 0
    assert sorted(each.name for each in tmp_path.glob("out*")) == [
        "out",
        "out.csv",
        "out.errors.jsonl",
        "out.jsonl",
        "out.ndjson",
        "out.ndjson.errors.jsonl",
        "out.table.errors.jsonl",
    ]


@pytest.mark.parametrize("notes", ["notes\n", '{"text": "A."}\n', "\n"])
def test_a_file_of_somebody_else_is_not_taken_for_errors(
    run_tag: RunTag, article: Path, tmp_path: Path, notes: str
) -> None:
    other = tmp_path / "out.errors.jsonl"
    other.write_text(notes)
    with pytest.raises(InputError, match="found another file: move it away"):
        run_tag(article, output=tmp_path / "out.jsonl")
    assert other.read_text() == notes
    other.unlink()
    os.mkfifo(other)
    with pytest.raises(InputError, match="found another file: move it away"):
        run_tag(article, output=tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("mode", [0o640, 0o400])
@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_a_replaced_file_keeps_its_permissions(
    run_tag: RunTag, tmp_path: Path, suffix: str, mode: int
) -> None:
    path = write_lines(tmp_path / "in.jsonl", {"text": "A shell fell."}, "{")
    output = tmp_path / f"out.{suffix}"
    output.touch()
    output.chmod(mode)
    assert run_tag(path, output=output).code == 1
    assert output.stat().st_size > 0
    for each in (output, errors_path(output)):
        assert stat.S_IMODE(each.stat().st_mode) == mode


def test_what_is_not_finished_is_its_owners_alone(
    run_tag: RunTag, article: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, partial = tmp_path / "out.jsonl", tmp_path / "out.jsonl.partial"
    output.touch()
    output.chmod(0o444)

    def broken(*args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("claimwire.serve.commands.tag_stream", broken)
        with pytest.raises(KeyboardInterrupt):
            run_tag(article, output=output)
    assert stat.S_IMODE(partial.stat().st_mode) == 0o600  # can be gone on with
    assert run_tag(article, output=output, resume=True).code == 0
    assert stat.S_IMODE(output.stat().st_mode) == 0o444


def test_a_file_that_another_run_has_just_finished_is_not_written_into(
    run_tag: RunTag, article: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, partial = tmp_path / "out.jsonl", tmp_path / "out.jsonl.partial"
    partial.write_bytes(b"the other run's rows")
    lock = fcntl.flock

    def late(stream: Any, how: int) -> None:  # the other one finishes before this one locks
        if not output.exists():
            partial.rename(tmp_path / "out.jsonl")
        lock(stream, how)

    monkeypatch.setattr(fcntl, "flock", late)
    kept = tmp_path / "kept"
    kept.hardlink_to(partial)
    assert run_tag(article, output=output).code == 0
    assert kept.read_bytes() == b"the other run's rows"
    assert len(output.read_bytes().splitlines()) == 4
