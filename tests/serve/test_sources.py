from __future__ import annotations

import os
from pathlib import Path

import pytest

from claimwire.data.errors import InputError
from claimwire.serve.items import Failure, Note
from claimwire.serve.sources import Source, find_sources


def names(found: list[Source | Failure | Note]) -> list[str]:
    return [entry.name for entry in found if isinstance(entry, Source)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.txt", "a.jsonl", "c.html", "deep/d.md", ".hidden.txt", ".git/e.txt", "f.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("A shell fell.")
    return tmp_path


def test_a_directory_gives_its_files_of_known_suffixes_sorted(folder: Path) -> None:
    found = find_sources([str(folder)])
    assert names(found) == ["a.jsonl", "b.txt", "c.html", "d.md"]
    notes = [entry for entry in found if isinstance(entry, Note)]
    assert [note.message for note in notes] == [
        "1 file with another suffix was left out (f.png): name it to have it read",
        "what is hidden, a link to a folder or no file was left out (2: .git/, .hidden.txt): name "
        "it to have it read",
    ]


def test_what_a_directory_passes_over_is_told(folder: Path) -> None:
    (folder / "linked").symlink_to(folder / "deep")
    os.mkfifo(folder / "pipe.txt")
    (folder / "gone.txt").symlink_to(folder / "nowhere.txt")
    found = find_sources([str(folder)])
    assert names(found) == ["a.jsonl", "b.txt", "c.html", "d.md"]
    [note] = [e for e in found if isinstance(e, Note) and "hidden" in e.message]
    assert "(4: .git/, .hidden.txt, linked/, ...)" in note.message
    [failure] = [entry for entry in found if isinstance(entry, Failure)]
    assert failure.file == str(folder / "gone.txt")
    assert "a link that leads nowhere" in failure.reason


@pytest.mark.parametrize("locked", [".", "deep"])
def test_a_folder_that_cannot_be_looked_into_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch, locked: str
) -> None:
    scandir = os.scandir

    def refuse(path: str) -> object:  # whoever runs the tests may be allowed everything
        if Path(path) == folder / locked:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = find_sources([str(folder)])
    [failure] = [entry for entry in found if isinstance(entry, Failure)]
    assert Path(failure.file) == folder / locked
    assert "found: Permission denied" in failure.reason
    assert names(found) == ([] if locked == "." else ["a.jsonl", "b.txt", "c.html"])


def test_an_empty_path_is_not_the_current_folder() -> None:
    with pytest.raises(InputError, match="is a variable not set"):
        find_sources([""])


def test_folders_that_a_pattern_matches_are_read_as_if_named(folder: Path) -> None:
    assert names(find_sources([f"{folder}/[bd]*"])) == ["b.txt", "d.md"]
    assert names(find_sources([f"{folder}/dee?"])) == ["d.md"]


def test_a_pattern_passes_over_what_is_no_file(folder: Path) -> None:
    os.mkfifo(folder / "pipe.txt")
    (folder / "empty").mkdir()
    found = find_sources([f"{folder}/[pbe]*"])
    assert names(found) == ["b.txt"]
    assert [entry.message[:22] for entry in found if isinstance(entry, Note)] == [
        "this folder has no fil",
        "what is hidden, a link",
    ]
    assert not [entry for entry in found if isinstance(entry, Failure)]


def test_a_pattern_of_nothing_but_the_output_matches_nothing(folder: Path) -> None:
    with pytest.raises(InputError, match="expected a file, a directory or a pattern"):
        find_sources([f"{folder}/*.jsonl"], leave_out={(folder / "a.jsonl").resolve()})


def test_a_directory_does_not_give_the_files_that_the_call_writes(folder: Path) -> None:
    found = find_sources([str(folder)], leave_out={(folder / "a.jsonl").resolve()})
    assert names(found) == ["b.txt", "c.html", "d.md"]


def test_a_directory_without_a_readable_file_fails(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    [failure] = find_sources([str(tmp_path)])
    assert isinstance(failure, Failure)
    assert "found none in this directory" in failure.reason


def test_a_pattern_gives_what_it_matches_sorted(folder: Path) -> None:
    assert names(find_sources([f"{folder}/**/*.[mt]*"])) == ["b.txt", "d.md"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    path = tmp_path / "news[1].txt"
    path.write_text("A shell fell.")
    assert names(find_sources([str(path)])) == ["news[1].txt"]


def test_inputs_that_share_a_file_name_are_named_by_their_paths(tmp_path: Path) -> None:
    paths = []
    for folder in ("one", "two"):
        path = tmp_path / folder / "a.txt"
        path.parent.mkdir()
        path.write_text("A shell fell.")
        paths.append(str(path))
    assert names(find_sources(paths)) == paths


def test_one_missing_path_among_others_is_a_failure(folder: Path) -> None:
    found = find_sources([str(folder / "none.txt"), str(folder / "b.txt")])
    assert isinstance(found[0], Failure)
    assert found[0].file == str(folder / "none.txt")
    assert "check the path" in found[0].reason
    assert names(found) == ["b.txt"]


@pytest.mark.parametrize("paths", [["none.txt"], ["none.txt", "none-*.txt"]])
def test_nothing_but_missing_paths_is_wrong_usage(paths: list[str]) -> None:
    with pytest.raises(InputError, match=r"none.txt: expected a file.*check the path") as refusal:
        find_sources(paths)
    assert refusal.value.exit_code == 2


def test_no_path_and_standard_input_twice_are_wrong_usage() -> None:
    with pytest.raises(InputError, match="or - for standard input"):
        find_sources([])
    with pytest.raises(InputError, match="read only once"):
        find_sources(["-", "-"])


def test_a_path_with_a_nul_is_a_failure(folder: Path) -> None:
    found = find_sources(["a\0b", str(folder / "b.txt")])
    assert names(found) == ["b.txt"]
    assert isinstance(found[0], Failure)
