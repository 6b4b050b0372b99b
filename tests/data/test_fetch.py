"""Downloads, from a server on this machine that stands in for the public one."""

from __future__ import annotations

import functools
import http.server
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from claimwire.data.errors import ConfigError, InputError
from claimwire.data.fetch import Downloads, FileUnavailableError, read_sources
from claimwire.data.rebuild import rebuild
from claimwire.data.rebuild_commands import RebuildOptions, rebuild_corpus
from claimwire.data.standoff_labels import add_labellings, read_labels

FIXTURE = Path(__file__).parent / "fixtures" / "sources"
PAGE = "pages/siege_of_oru_(1987–1988).md"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURE, tmp_path / "sources"))


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Stand-off labels of the fixture, with the list of sources beside them."""
    path = tmp_path / "standoff" / "labels.jsonl"
    add_labellings(path, FIXTURE / "labelled.jsonl", "first")
    shutil.copy(FIXTURE / "sources.json", path.parent)
    return path


def options(labels: Path, address: str) -> RebuildOptions:
    folder = labels.parent.parent
    return RebuildOptions(
        labels=labels, output=folder / "out", download_dir=folder / "kept", address=address
    )


class Mirror(http.server.SimpleHTTPRequestHandler):
    """Serves OWNER+REPOSITORY/path for /OWNER/REPOSITORY/COMMIT/path, and fails when told to."""

    requested: list[str]
    failures: list[int]

    def translate_path(self, path: str) -> str:
        owner, repository, commit, *rest = unquote(path).strip("/").split("/")
        assert len(commit) == 40
        return str(Path(self.directory, f"{owner}+{repository}", *rest))

    def do_GET(self) -> None:
        self.requested.append(self.path)
        if self.failures:
            self.send_error(self.failures.pop(0))
        else:
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def mirror(sources: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, type[Mirror]]]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    handler = type("OneMirror", (Mirror,), {"requested": [], "failures": []})
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(handler, directory=str(sources))
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_files_are_downloaded_once_and_kept(
    mirror: tuple[str, type[Mirror]], labels: Path, tmp_path: Path
) -> None:
    address, handler = mirror
    wanted = options(labels, f"{address}/")
    assert rebuild_corpus(wanted) == 0
    assert len(handler.requested) == 4
    assert (tmp_path / "kept" / "example+encyclopedia" / PAGE).is_file()
    assert not list((tmp_path / "kept").rglob("*.partial"))
    assert rebuild_corpus(wanted) == 0
    assert len(handler.requested) == 4


def test_a_kept_file_that_was_damaged_is_fetched_again(
    mirror: tuple[str, type[Mirror]], labels: Path, tmp_path: Path
) -> None:
    source = read_sources(labels.parent / "sources.json")["wikipedia"]
    downloads = Downloads(tmp_path / "kept", mirror[0])
    whole = downloads(source, PAGE)
    kept = tmp_path / "kept" / source.folder / PAGE
    kept.write_bytes(whole[:20])
    assert downloads(source, PAGE) == whole
    assert kept.read_bytes() == whole


def test_a_file_that_is_not_the_labelled_one_is_refused(
    mirror: tuple[str, type[Mirror]], sources: Path, labels: Path, tmp_path: Path, capsys: Capture
) -> None:
    with (sources / "example+encyclopedia" / PAGE).open("a", encoding="utf-8") as file:
        file.write("An added line.\n")
    wanted = options(labels, mirror[0])
    assert rebuild_corpus(wanted) == 1
    assert "expected sha256" in capsys.readouterr().out
    assert not (tmp_path / "kept" / "example+encyclopedia").exists()


def test_a_file_without_a_checksum_is_used_and_noted(
    mirror: tuple[str, type[Mirror]], labels: Path, tmp_path: Path
) -> None:
    source = read_sources(labels.parent / "sources.json")["wikipedia"]
    downloads = Downloads(tmp_path, mirror[0])
    assert downloads(source.model_copy(update={"files": {}}), PAGE)
    assert "no checksum is known" in downloads.notes[0]


def test_passing_trouble_is_tried_again(
    mirror: tuple[str, type[Mirror]], labels: Path, tmp_path: Path
) -> None:
    address, handler = mirror
    source = read_sources(labels.parent / "sources.json")["wikipedia"]
    handler.failures += [503, 429]
    assert Downloads(tmp_path, address, pause=0)(source, PAGE)
    assert len(handler.requested) == 3
    handler.failures += [503, 503, 503]
    with pytest.raises(FileUnavailableError, match="HTTP status 503"):
        Downloads(tmp_path / "other", address, pause=0)(source, PAGE)


def test_a_file_that_is_not_there_is_asked_for_once(
    mirror: tuple[str, type[Mirror]], labels: Path, tmp_path: Path
) -> None:
    address, handler = mirror
    source = read_sources(labels.parent / "sources.json")["wikipedia"]
    with pytest.raises(FileUnavailableError, match="found HTTP status 404"):
        Downloads(tmp_path, address, pause=0)(source, "pages/none.md")
    assert len(handler.requested) == 1


def test_a_server_that_is_not_there_ends_the_rebuild(
    mirror: tuple[str, type[Mirror]], labels: Path, tmp_path: Path
) -> None:
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(InputError, match=r"cannot be reached .*--source-dir"):
            rebuild(
                read_labels(labels).settled(),
                read_sources(labels.parent / "sources.json"),
                Downloads(tmp_path / "kept", address, pause=0),
            )


def test_only_web_addresses_are_taken(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--address: expected an address with https"):
        Downloads(tmp_path, f"file://{tmp_path}")
