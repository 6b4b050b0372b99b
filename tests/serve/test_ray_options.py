"""``--engine ray``: what is refused, before Ray is asked for anything."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from claimwire.data.errors import InputError, MissingExtraError, ReleaseError
from claimwire.serve import ray_commands
from claimwire.serve.ray_address import require_answer

from .conftest import RunTag, write_lines

pytest.importorskip("pyarrow")


@pytest.fixture(autouse=True)
def without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)


@pytest.fixture
def news(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "news.jsonl", {"text": "A shell fell."})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "expected -o FOLDER for the partitions, found none"),
        ({"output": "-"}, "expected -o FOLDER for the partitions, found none"),
        ({"output": "out.jsonl"}, "found the name of a file: leave out the suffix"),
        ({"output": "s3://bucket/out.parquet"}, "found the name of a file"),
        ({"output": "out", "output_format": "csv"}, "expected jsonl or parquet with --engine ray"),
        ({"output": "out", "output_format": "table"}, "found 'table'"),
        ({"output": "out", "unit": "word"}, "--unit: expected one of"),
        ({"output": "out", "workers": 0}, "--workers: expected 1 or more, found 0"),
        ({"output": "out", "threads": 0}, "--threads: expected 1 or more, found 0"),
        ({"output": "out", "show_removed": True}, "--show-removed"),
        ({"output": "nowhere://out"}, "an address that pyarrow or fsspec knows"),
    ],
)
def test_wrong_options_are_refused(
    run_tag: RunTag,
    news: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = {"engine": "ray", "output": None, "output_format": None, **options}
    with pytest.raises(InputError) as refusal:
        run_tag(news, **settings)
    assert message in str(refusal.value)
    assert refusal.value.exit_code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["news.jsonl"]


def test_standard_input_is_refused(run_tag: RunTag, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="workers share no standard input"):
        run_tag("-", engine="ray", output=tmp_path / "out")


def test_an_unknown_engine_is_refused(run_tag: RunTag, news: Path) -> None:
    with pytest.raises(InputError, match="--engine: expected one of local, ray, found 'spark'"):
        run_tag(news, engine="spark")


def test_workers_without_ray_are_refused(run_tag: RunTag, news: Path) -> None:
    with pytest.raises(InputError, match="--workers: expected --engine ray with it"):
        run_tag(news, workers=2)


def test_missing_inputs_alone_are_wrong_usage(run_tag: RunTag, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found nothing there"):
        run_tag(tmp_path / "none.jsonl", engine="ray", output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_release_is_said_before_the_work(
    run_tag: RunTag, news: Path, tmp_path: Path
) -> None:
    with pytest.raises(ReleaseError, match="expected a release directory"):
        run_tag(news, engine="ray", output=tmp_path / "out", model=str(tmp_path / "none"))
    assert not (tmp_path / "out").exists()


def test_a_folder_inside_an_input_is_refused(run_tag: RunTag, news: Path, tmp_path: Path) -> None:
    for output in (tmp_path, tmp_path / "out"):
        with pytest.raises(InputError, match="expected a folder outside the input"):
            run_tag(tmp_path, engine="ray", output=output)
    address = f"file://{tmp_path}"
    with pytest.raises(InputError, match="expected a folder outside the input"):
        run_tag(address, engine="ray", output=f"{address}/out")
    with pytest.raises(InputError, match="expected inputs outside the output"):
        run_tag(f"{tmp_path}/*.jsonl", engine="ray", output=tmp_path)


@pytest.mark.parametrize("spelled", ["{}/../{name}", "{}/link", "file://{}", "local://{}"])
def test_a_folder_inside_an_input_is_refused_however_it_is_spelled(
    run_tag: RunTag, news: Path, tmp_path: Path, spelled: str
) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    place = spelled.format(tmp_path, name=tmp_path.name)
    for given, output in ((place, tmp_path / "out"), (tmp_path, f"{place}/out")):
        with pytest.raises(InputError, match="expected a folder outside the input"):
            run_tag(given, engine="ray", output=output)
    with pytest.raises(InputError, match="expected inputs outside the output"):
        run_tag(news, engine="ray", output=place)
    assert not (tmp_path / "out").exists()


def test_a_file_is_no_folder(run_tag: RunTag, news: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(InputError, match="found a file: name another"):
        run_tag(news, engine="ray", output=tmp_path / "out")


def test_a_folder_that_holds_other_files_is_refused(
    run_tag: RunTag, news: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    for resume in (False, True):
        with pytest.raises(InputError, match="expected an empty folder, found files"):
            run_tag(news, engine="ray", output=tmp_path / "out", resume=resume)


def test_without_ray_the_extra_is_named(run_tag: RunTag, news: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'claimwire\[ray\]'"):
        run_tag(news, engine="ray", output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def closed() -> Iterator[str]:
    """Host and port at which nobody listens."""
    with socket.socket() as held:  # bound, so that nobody else comes to listen there
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


def ray_that_is(*, connected: bool) -> Any:
    return SimpleNamespace(is_initialized=lambda: connected)


@pytest.mark.parametrize("form", ["{}", "ray://{}", "ray://{}?x=1"])
def test_a_cluster_that_does_not_answer_is_told(
    run_tag: RunTag,
    news: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    closed: str,
    form: str,
) -> None:
    address = form.format(closed)
    monkeypatch.setenv("RAY_ADDRESS", address)
    monkeypatch.setattr(ray_commands, "import_ray", lambda: ray_that_is(connected=False))
    with pytest.raises(InputError) as refusal:
        run_tag(news, engine="ray", output=tmp_path / "out")
    assert f"expected a cluster at {address} (RAY_ADDRESS), found none" in str(refusal.value)
    assert "Connection refused" in str(refusal.value)
    assert "unset RAY_ADDRESS" in str(refusal.value)
    assert not (tmp_path / "out").exists()


def test_a_host_that_no_name_can_be_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", f"{'a' * 70}:6379")
    with pytest.raises(InputError, match="found none that answers"):
        require_answer(ray_that_is(connected=False))


@pytest.mark.parametrize(
    "address", ["", "auto", "local", "ray://head", "head", "cloud://head:1", "[::1", "head:99999"]
)
def test_what_names_no_port_is_left_to_ray(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(socket, "create_connection", None)
    monkeypatch.setenv("RAY_ADDRESS", address)
    require_answer(ray_that_is(connected=False))


def test_a_cluster_that_answers_is_let_be(monkeypatch: pytest.MonkeyPatch, closed: str) -> None:
    monkeypatch.setenv("RAY_ADDRESS", closed)
    require_answer(ray_that_is(connected=True))
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{server.getsockname()[1]}")
        require_answer(ray_that_is(connected=False))


def test_inputs_without_any_partition_need_no_ray(run_tag: RunTag, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "picture.png").write_bytes(b"x")
    outcome = run_tag(tmp_path / "in", engine="ray", output=tmp_path / "out")
    assert outcome.code == 1
    assert "name the files themselves" in outcome.err
    assert b"name the files themselves" in (tmp_path / "out" / "_errors.jsonl").read_bytes()
