from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwire.data.errors import CorpusError, InputError
from claimwire.data.labels import Label
from claimwire.data.sources import Article
from claimwire.data.standoff_labels import (
    add_labellings,
    labellings_from_records,
    read_labels,
    sentence_digest,
    standoff_folder,
    words,
    write_labels,
)
from claimwire.data.standoff_matching import find_sentences

LABELLED = Path(__file__).parent / "fixtures" / "sources" / "labelled.jsonl"
ONE = {
    "id": "0123456789abcdef",
    "source": "wikipedia",
    "doc_id": "siege_of_oru",
    "path": "pages/siege.md",
    "theatre": "fictional",
    "split": "train",
    "labels": ["attack_claim"],
    "hard": False,
    "round": 1,
    "labeller": "first",
}


def write(path: Path, *values: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return path


def test_the_digest_is_the_published_one() -> None:
    assert words("  “Ｏru’s” hives —\tburned, again… ") == "oru s hives burned again"
    assert sentence_digest("Oru's hives burned.") == "b6c4c641f9ee324b"


@given(st.text(st.sampled_from("abAB19 .,—'\n"), min_size=1))
def test_case_marks_and_spaces_do_not_matter_to_the_digest(text: str) -> None:
    assert sentence_digest(text) == sentence_digest(f' "{text.upper()}".\n')
    assert sentence_digest(text) == sentence_digest(words(text))


def test_labels_come_from_records_without_their_text(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    assert add_labellings(path, LABELLED, "first") == 14
    written = path.read_text(encoding="utf-8")
    values = [json.loads(line) for line in written.splitlines()]
    assert all("text" not in value for value in values)
    assert [value["id"] for value in values] == sorted(value["id"] for value in values)
    for line in LABELLED.read_text(encoding="utf-8").splitlines():
        assert json.loads(line)["text"] not in written
    assert read_labels(path).labellings == tuple(
        sorted(labellings_from_records(LABELLED), key=lambda each: each.id)
    )


def test_adding_again_changes_nothing_and_another_pass_stands_beside(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    add_labellings(path, LABELLED, "first")
    before = path.read_bytes()
    assert add_labellings(path, LABELLED, "first") == 14
    assert path.read_bytes() == before
    assert add_labellings(path, LABELLED, "second") == 28
    assert list(tmp_path.iterdir()) == [path]


def test_final_settles_a_sentence_and_second_alone_does_not(tmp_path: Path) -> None:
    other = ONE | {"id": "f" * 16}
    path = write(
        tmp_path / "labels.jsonl",
        ONE | {"labeller": "final", "labels": ["background"], "note": "a trend, no attack"},
        ONE,
        ONE | {"labeller": "second", "labels": ["background"]},
        other | {"labeller": "second"},
    )
    (settled,) = read_labels(path).settled()
    assert (settled.labeller, settled.labels) == ("final", [Label.BACKGROUND])
    write_labels(path, read_labels(path).labellings[:2])
    assert [each.labeller for each in read_labels(path).settled()] == ["final"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "12"}, "id: expected 16 hexadecimal digits, found the string"),
        ({"labels": ["attack"]}, "labels: unknown label 'attack'"),
        ({"labels": []}, "labels: no label"),
        ({"labeller": "third"}, "labeller: expected one of first, second, final"),
        ({"hard": 1}, "hard: expected true or false, found the number 1"),
        ({"path": "../../etc/passwd"}, "path: expected a path relative to the source's"),
        ({"path": "/etc/passwd"}, "path: expected a path relative to the source's"),
        ({"text": "A sentence."}, "text: unknown field: expected only id"),
        ({"round": None}, "round: expected a whole number from 0, found null"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = write(tmp_path / "labels.jsonl", ONE | {"id": "0" * 16}, ONE | change)
    with pytest.raises(CorpusError) as caught:
        read_labels(path)
    assert f"{path}:2: {message}" in str(caught.value)


def test_a_missing_field_and_an_empty_file_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "labels.jsonl", {k: v for k, v in ONE.items() if k != "split"})
    with pytest.raises(CorpusError, match="split: missing: expected one of train, validation"):
        read_labels(path)
    with pytest.raises(CorpusError, match="found an empty file"):
        read_labels(write(path))


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (ONE, "id: 0123456789abcdef by 'first' already stands in line 1"),
        (
            ONE | {"labeller": "second", "path": "b.md"},
            "path: 0123456789abcdef also stands in line 1",
        ),
        (ONE | {"id": "f" * 16, "split": "test"}, "split: 'siege_of_oru' is in 'test', but line 1"),
    ],
)
def test_lines_that_contradict_each_other(
    tmp_path: Path, second: dict[str, Any], message: str
) -> None:
    with pytest.raises(CorpusError) as caught:
        read_labels(write(tmp_path / "labels.jsonl", ONE, second))
    assert f":2: {message}" in str(caught.value)


def test_records_with_a_wrong_id_or_without_a_path_are_refused(tmp_path: Path) -> None:
    record = json.loads(LABELLED.read_text(encoding="utf-8").splitlines()[0])
    path = write(tmp_path / "a.jsonl", record | {"id": "0" * 16})
    with pytest.raises(CorpusError, match="expected the digest of the text"):
        labellings_from_records(path)
    path = write(tmp_path / "a.jsonl", {k: v for k, v in record.items() if k != "path"})
    with pytest.raises(CorpusError, match="expected path, found none"):
        labellings_from_records(path)


def test_labels_that_contradict_the_known_ones_are_not_added(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    add_labellings(path, LABELLED, "first")
    before = path.read_bytes()
    record = json.loads(LABELLED.read_text(encoding="utf-8").splitlines()[0])
    new = write(tmp_path / "new.jsonl", record | {"text": "Another one.", "split": "test"})
    with pytest.raises(CorpusError, match=r"new\.jsonl added:\d+: split: 'Rockets_fall"):
        add_labellings(path, new, "first")
    assert path.read_bytes() == before


def test_labels_that_cannot_be_written_say_so(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="can be written"):
        write_labels(tmp_path / "taken" / "labels.jsonl", [])


ARTICLE = (
    "ORU (Example Wire) — Shells hit the mill at dawn on Tuesday. Two millers died.\n\n"
    'A witness said: "It was loud. It was over in a minute." (The mill was built in 1902.)\n'
)


@pytest.mark.parametrize(
    ("labelled", "text"),
    [
        ("Shells hit the mill at dawn on Tuesday.", "Shells hit the mill at dawn on Tuesday."),
        (
            "Oru (Example Wire) - Shells hit the mill at dawn on Tuesday.",
            "ORU (Example Wire) — Shells hit the mill at dawn on Tuesday.",
        ),
        (
            'A witness said: "It was loud. It was over in a minute."',
            'A witness said: "It was loud. It was over in a minute."',
        ),
        ("it was loud", "It was loud."),
        ("The mill was built in 1902", "The mill was built in 1902.)"),
        ("Two millers died. A witness said:", "Two millers died. A witness said:"),
    ],
)
def test_sentences_are_found_however_they_were_cut(labelled: str, text: str) -> None:
    digest = sentence_digest(labelled)
    found = find_sentences(Article(ARTICLE), {digest, "0" * 16})
    assert set(found) == {digest}
    assert sentence_digest(found[digest]) == digest
    assert found[digest].strip('()"') == text.strip('()"')


def test_a_sentence_that_is_not_there_is_not_found() -> None:
    digest = sentence_digest("Shells hit the mill at dawn on Monday.")
    assert find_sentences(Article(ARTICLE), {digest}) == {}
    assert find_sentences(Article("Two millers died.", is_sentence=True), {digest}) == {}


def test_the_committed_labels_hold() -> None:
    folder = standoff_folder()
    if not folder.is_dir():
        pytest.skip("installed without data/standoff; a clone has it")
    standoff = read_labels(folder / "labels.jsonl")
    assert len(standoff.settled()) >= 6_941
    assert {each.split for each in standoff.labellings} == {"train", "validation", "test"}
