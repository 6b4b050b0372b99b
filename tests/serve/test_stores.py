"""Files at addresses: found, read and written like local ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from claimwire.data.errors import InputError, MissingExtraError
from claimwire.serve.inputs import Reader
from claimwire.serve.items import Failure, Item, Note, ReadOptions
from claimwire.serve.sources import Source, find_sources
from claimwire.serve.stores import Folder, find_anywhere, open_remote, shown_address

from .test_tabular import parquet_bytes

pytest.importorskip("pyarrow")
fsspec = pytest.importorskip("fsspec")

LINE = b'{"text": "A shell fell."}\n'


@pytest.fixture
def news() -> Iterator[str]:
    """A folder in memory, with files of several kinds."""
    files = fsspec.filesystem("memory")
    files.pipe("/news/b.jsonl", LINE)
    files.pipe("/news/a space/c#1.parquet", parquet_bytes({"text": ["It hit."]}))
    files.pipe("/news/a space/d.jsonl", LINE * 2)
    files.pipe("/news/picture.png", b"\x89PNG")
    files.pipe("/news/.hidden.jsonl", LINE)
    yield "memory://news"
    files.rm("/news", recursive=True)


def given(*paths: str) -> list[str]:
    found = find_sources(paths, find=find_anywhere)
    return [entry.given for entry in found if isinstance(entry, Source)]


class TestFinding:
    def test_a_folder_gives_its_files_sorted(self, news: str) -> None:
        found = find_sources([news], find=find_anywhere)
        assert found[0] == Note(
            news,
            None,
            "1 file with another suffix was left out (picture.png): name it to have it read",
        )
        assert given(news) == [
            f"{news}/{name}" for name in ("a space/c#1.parquet", "a space/d.jsonl", "b.jsonl")
        ]
        assert [entry.suffix for entry in found if isinstance(entry, Source)] == [
            ".parquet",
            ".jsonl",
            ".jsonl",
        ]

    def test_a_star_stands_for_anything_between_slashes(self, news: str) -> None:
        assert given(f"{news}/*.jsonl") == [f"{news}/b.jsonl"]
        assert given(f"{news}/a*/d*.jsonl") == [f"{news}/a space/d.jsonl"]

    def test_a_file_is_itself_whatever_its_name(self, news: str) -> None:
        assert given(f"{news}/picture.png") == [f"{news}/picture.png"]

    def test_a_path_among_addresses_is_local(self, news: str, article: Path) -> None:
        assert given(f"{news}/b.jsonl", str(article)) == [f"{news}/b.jsonl", str(article)]

    @pytest.mark.parametrize("name", ["none", "none/*.jsonl", "b*/none.jsonl"])
    def test_nothing_there_is_said(self, news: str, name: str, article: Path) -> None:
        bad, good = find_sources([f"{news}/{name}", str(article)], find=find_anywhere)
        assert isinstance(good, Source)
        assert isinstance(bad, Failure)
        assert "found nothing there" in bad.reason
        with pytest.raises(InputError, match="found nothing there"):
            find_sources([f"{news}/{name}"], find=find_anywhere)

    def test_a_folder_of_other_files_is_said(self) -> None:
        files = fsspec.filesystem("memory")
        files.pipe("/pictures/a.png", b"x")
        [found] = find_anywhere("memory://pictures", ())
        assert isinstance(found, Failure)
        assert "name the files themselves" in found.reason

    def test_without_ray_an_address_is_refused_with_what_to_do(self, news: str) -> None:
        with pytest.raises(InputError, match=r"memory://news: .*--engine ray"):
            find_sources([news])


class TestReading:
    def test_the_reader_reads_them(self, news: str) -> None:
        reader = Reader(find_sources([news], find=find_anywhere), ReadOptions())
        entries = list(reader)
        items = [entry for entry in entries if isinstance(entry, Item)]
        assert [item.text for item in items] == ["It hit.", *["A shell fell."] * 3]
        assert items[0].article_id == "c#1.parquet:1"
        assert reader.total_bytes is None

    def test_one_that_went_away_is_a_failure(self, news: str) -> None:
        [source] = find_sources([f"{news}/b.jsonl"], find=find_anywhere)
        fsspec.filesystem("memory").rm("/news/b.jsonl")
        [failed] = Reader([source], ReadOptions())
        assert isinstance(failed, Failure)
        assert "expected a readable file" in failed.reason

    def test_a_local_address(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_bytes(LINE)
        for scheme in ("file", "local"):
            [source] = find_sources([f"{scheme}://{tmp_path}"], find=find_anywhere)
            assert isinstance(source, Source)
            assert source.remote is not None
            with open_remote(source.remote) as stream:
                assert stream.read() == LINE


class TestFolder:
    @pytest.fixture(params=["memory", "file", "path"])
    def folder(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folder]:
        addresses = {"memory": "memory://out/deep", "file": f"file://{tmp_path}/out"}
        yield Folder(addresses.get(request.param, str(tmp_path / "out")))
        files = fsspec.filesystem("memory")
        if files.exists("/out"):
            files.rm("/out", recursive=True)

    def test_what_is_written_is_there(self, folder: Folder) -> None:
        assert folder.names() == []
        assert folder.read("a.json") is None
        assert folder.digest("a.json") is None
        folder.prepare("work")
        folder.write("work/a.json", b"old, and longer")
        folder.write("work/a.json", b"new")
        folder.write("b.json", b"")
        assert folder.names() == ["b.json", "work"]
        assert folder.read("work/a.json") == b"new"
        assert folder.digest("b.json") == (
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        )
        folder.delete("b.json")
        folder.delete("b.json")
        assert folder.names() == ["work"]

    def test_a_failure_leaves_no_half_of_a_file(self, folder: Folder) -> None:
        class Broken:
            def seek(self, position: int) -> int:
                return position

            def read(self, size: int) -> bytes:
                raise OSError("the disk is gone")

        folder.prepare()
        with pytest.raises(OSError, match="the disk is gone"):
            folder.put("a.json", Broken())  # type: ignore[arg-type]
        assert not folder.has("a.json")


def test_passwords_and_options_are_not_shown() -> None:
    assert shown_address("s3://KEY:SECRET@bucket/a?region=x") == "s3://bucket/a"
    assert shown_address("news/what?.jsonl") == "news/what?.jsonl"
    with pytest.raises(InputError) as refusal:
        Folder("nowhere://KEY:SECRET@bucket/news?token=SECRET")
    assert "SECRET" not in str(refusal.value)


@pytest.mark.parametrize("address", ["nowhere://bucket/news", "s3:// /x"])
def test_an_unknown_address_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="expected an address that pyarrow or fsspec knows"):
        Folder(address)


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'claimwire\[ray\]'"):
        Folder("s3://bucket/news")
