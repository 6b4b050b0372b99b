from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwire.data.documents import (
    Document,
    Genre,
    Theatre,
    flatten,
    read_documents,
    read_records,
)
from claimwire.data.errors import CorpusError, InputError
from claimwire.data.jsonlines import describe_value, read_json_lines
from claimwire.data.labels import LABELS, Label

JsonObject = dict[str, Any]


def sentence(**changes: object) -> JsonObject:
    plain: JsonObject = {"text": "Shells hit the mill at noon.", "labels": ["attack_claim"]}
    return plain | changes


def document(**changes: object) -> JsonObject:
    plain: JsonObject = {
        "doc_id": "own-1",
        "title": "Mill shelled",
        "theatre": "fictional",
        "genre": "wire",
        "year": 2024,
        "sentences": [
            {"text": "Mill shelled", "labels": ["attack_claim"], "is_title": True},
            sentence(),
            sentence(text="The mill was built in 1911.", labels=["background"], hard=True),
        ],
    }
    return plain | changes


def write(path: Path, *lines: object) -> Path:
    written = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("\n".join(written) + "\n", encoding="utf-8")
    return path


def faults_of_documents(path: Path) -> str:
    with pytest.raises(CorpusError) as caught:
        read_documents(path)
    return str(caught.value)


def faults_of_records(path: Path) -> str:
    with pytest.raises(CorpusError) as caught:
        read_records(path)
    return str(caught.value)


def test_reads_a_document(tmp_path: Path) -> None:
    parties = {"mill": "millers"}
    path = write(tmp_path / "a.jsonl", document(parties=parties), document(doc_id="own-2"))
    first, second = read_documents(path)
    assert (first.doc_id, second.doc_id) == ("own-1", "own-2")
    assert first.theatre is Theatre.FICTIONAL
    assert first.genre is Genre.WIRE
    assert first.parties == parties
    assert second.parties is None
    assert first.sentences[0].is_title
    assert first.sentences[1].labels == [Label.ATTACK_CLAIM]
    assert (first.sentences[1].hard, first.sentences[2].hard) == (False, True)


def test_reads_a_record_with_everything_that_may_be_known(tmp_path: Path) -> None:
    whole = sentence(
        id="r1", doc_id="d1", theatre="africa", source="own", split="test", hard=True, path="a.md",
        round=2, genre="feature", year=2019, note="who fired?", is_title=False,
    )  # fmt: skip
    (record,) = read_records(write(tmp_path / "r.jsonl", whole))
    assert record.model_dump(mode="json") == whole


def test_a_record_needs_only_text_and_labels(tmp_path: Path) -> None:
    (record,) = read_records(write(tmp_path / "r.jsonl", sentence()))
    assert (record.doc_id, record.split, record.theatre, record.hard) == (None, None, None, False)


def test_a_document_among_records_gives_one_record_a_sentence(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", sentence(doc_id="other"), document())
    records = read_records(path)
    assert [record.doc_id for record in records] == ["other", "own-1", "own-1", "own-1"]
    assert records[1].is_title
    assert records[3].genre is Genre.WIRE
    assert records[3].hard


WRONG_DOCUMENTS: dict[str, tuple[JsonObject, str]] = {
    "unknown label, with the nearest": (
        document(sentences=[sentence(), sentence(labels=["attack"])]),
        "sentences[1].labels: unknown label 'attack': expected one of attack_claim, "
        "interception_claim, attribution_inference, background; did you mean attack_claim?",
    ),
    "no label": (document(sentences=[sentence(labels=[])]), "sentences[0].labels: no label"),
    "label as a string": (
        document(sentences=[sentence(labels="background")]),
        'sentences[0].labels: expected a list of labels, primary first, found the string "backgr',
    ),
    "label that is no string": (
        document(sentences=[sentence(labels=[3])]),
        "sentences[0].labels: expected a list of labels, primary first, found the list [3]",
    ),
    "missing field": (
        {key: value for key, value in document().items() if key != "year"},
        "year: missing: expected a whole number from 1000 to 2100; add it",
    ),
    "missing text": (
        document(sentences=[{"labels": ["background"]}]),
        "sentences[0].text: missing: expected a string that is not blank; add it",
    ),
    "text null": (
        document(sentences=[sentence(text=None)]),
        "sentences[0].text: expected a string that is not blank, found null",
    ),
    "blank text": (
        document(sentences=[sentence(text=" \n")]),
        'sentences[0].text: expected a string that is not blank, found the string " \\n"',
    ),
    "lone surrogate": (
        document(sentences=[sentence(text="broken \ud800 text")]),
        "sentences[0].text: expected text, found half of a surrogate pair",
    ),
    "year as a string": (
        document(year="2024"),
        'year: expected a whole number from 1000 to 2100, found the string "2024"',
    ),
    "year out of range": (document(year=24), "found the number 24"),
    "hard as a number": (
        document(sentences=[sentence(hard=1)]),
        "sentences[0].hard: expected true or false, found the number 1",
    ),
    "unknown theatre, with the nearest": (
        document(theatre="gulf-jemen"),
        'found the string "gulf-jemen"; did you mean gulf-yemen?',
    ),
    "theatre of the wrong type": (document(theatre=7), "theatre: expected one of iraq-syria, "),
    "unknown genre": (document(genre="poem"), "genre: expected one of wire, "),
    "unknown key, with the nearest": (
        document(yeer=2024),
        "yeer: unknown field: expected only doc_id, title, theatre, genre, year, parties, "
        "sentences; did you mean year?",
    ),
    "unknown key in a sentence": (
        document(sentences=[sentence(label="attack_claim")]),
        "sentences[0].label: unknown field: expected only text, labels, hard, is_title; "
        "did you mean labels?",
    ),
    "parties of the wrong type": (
        document(parties=["Mill"]),
        'parties: expected an object of sides by name, or null, found the list ["Mill"]',
    ),
    "a side of the wrong type": (
        document(parties={"Mill": 3}),
        "parties: Mill: expected a side in small letters, such as al-shabaab, found the number 3",
    ),
    "a side that is no slug": (
        document(parties={"Mill": "The Millers"}),
        'such as al-shabaab, found the string "The Millers"',
    ),
    "a party with spaces around it": (
        document(parties={" Mill": "millers"}),
        'parties: expected names without spaces around them, found the string " Mill"',
    ),
    "a party of another case": (
        document(parties={"MILL": "millers"}),
        "parties: MILL: expected a name that stands in a sentence as it is written here",
    ),
    "a party that is a part of a word": (
        document(parties={"Shel": "shel"}),
        "parties: Shel: expected a name that stands in a sentence",
    ),
    "no sentence": (document(sentences=[]), "sentences: expected a list of one or more"),
    "a sentence that is a string": (
        document(sentences=["Shells hit."]),
        "sentences[0]: expected a list of one or more sentences, each an object",
    ),
    "title in the middle": (
        document(sentences=[sentence(), sentence(is_title=True)]),
        "sentences[1].is_title: expected only sentences[0] to be the title",
    ),
    "title that reads differently": (
        document(title="Mill spared"),
        'sentences[0].text: expected the title, the string "Mill spared", found the string',
    ),
    "a record": (sentence(), "expected a document, found a single record"),
}  # fmt: skip


@pytest.mark.parametrize(("wrong", "expected"), WRONG_DOCUMENTS.values(), ids=WRONG_DOCUMENTS)
def test_wrong_document_is_refused_by_line_and_field(
    tmp_path: Path, wrong: JsonObject, expected: str
) -> None:
    path = write(tmp_path / "bad.jsonl", document(doc_id="sound"), wrong)
    message = faults_of_documents(path)
    assert message.startswith(f"{path}:2: ")
    assert expected in message
    assert "\n" not in message


WRONG_LINES: dict[str, tuple[bytes, str]] = {
    "cut off": (b'{"text": "a', "malformed JSON at column 10"),
    "no object": (b'["text"]', 'expected a JSON object, found the list ["text"]'),
    "null": (b"null", "expected a JSON object, found null"),
    "invalid UTF-8": (b'{"text": "caf\xe9"}', "expected UTF-8, found byte 0xe9 at byte 14"),
    "repeated key": (b'{"text": "a", "text": "b"}', "the key 'text' stands twice"),
    "repeated key inside": (
        b'{"text": "a", "labels": [{"x": 1, "x": 2}]}',
        "the key 'x' stands twice",
    ),
    "bottomless nesting": (b"[" * 200_000, "malformed JSON (a number or a nesting without bounds)"),
    "endless number": (b'{"year": ' + b"9" * 5_000 + b"}", "malformed JSON (a number or"),
}


@pytest.mark.parametrize(("line", "expected"), WRONG_LINES.values(), ids=WRONG_LINES)
def test_line_that_is_no_object_is_refused_and_the_rest_is_read(
    tmp_path: Path, line: bytes, expected: str
) -> None:
    path = tmp_path / "r.jsonl"
    sound = json.dumps(sentence()).encode()
    path.write_bytes(sound + b"\n" + line + b"\n" + sound + b"\n")
    message = faults_of_records(path)
    assert message.startswith(f"{path}:2: {expected}")
    lines, _ = read_json_lines(path)
    assert [read.number for read in lines] == [1, 3]


def test_record_shares_the_contract(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.jsonl", sentence(split="dev"), sentence(round=-1), sentence(sentense="x")
    )
    message = faults_of_records(path)
    assert ":1: split: expected one of train, validation, test, found the string" in message
    assert ":2: round: expected a whole number from 0, found the number -1" in message
    assert ":3: sentense: unknown field: expected only text, labels, id, doc_id" in message


def test_blank_lines_bom_crlf_and_line_separators(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    odd = json.dumps(sentence(text="one\u2028line"), ensure_ascii=False).encode()
    path.write_bytes(b"\xef\xbb\xbf" + odd + b"\r\n\r\n  \n" + odd)
    assert [record.text for record in read_records(path)] == ["one\u2028line"] * 2
    lines, faults = read_json_lines(path)
    assert ([line.number for line in lines], faults) == ([1, 4], [])


def test_all_faults_come_at_once_in_line_order_and_the_listing_is_capped(tmp_path: Path) -> None:
    wrong = [document(doc_id=f"d{n}", year=0) for n in range(24)]
    path = write(tmp_path / "many.jsonl", document(), "{", *wrong)
    *listed, last = faults_of_documents(path).splitlines()
    assert [line.split(":")[1] for line in listed] == [str(number) for number in range(2, 22)]
    assert last == "... and 5 more: mend these first"


def test_one_document_with_several_faults_names_each(tmp_path: Path) -> None:
    wrong = document(year=0, genre="poem", sentences=[sentence(labels=["x"]), sentence(text="")])
    message = faults_of_documents(write(tmp_path / "d.jsonl", wrong))
    fields = [line.split(": ")[1] for line in message.splitlines()]
    assert fields == ["genre", "year", "sentences[0].labels", "sentences[1].text"]


def test_doc_id_stands_once_in_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "d.jsonl", document(), "", document())
    assert f"{path}:3: doc_id: 'own-1' already stands in line 1" in faults_of_documents(path)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_bytes(content)
    assert faults_of_documents(path) == (
        f"{path}: expected documents, found an empty file: fill or remove it"
    )
    assert "expected records, found an empty file" in faults_of_records(path)


def test_missing_file_and_directory(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.jsonl: expected a JSON Lines file, found no"):
        read_documents(tmp_path / "nothing.jsonl")
    with pytest.raises(InputError, match="found a directory: name a file in it"):
        read_records(tmp_path)


def test_long_values_are_cut_in_messages() -> None:
    assert describe_value("x" * 500) == 'the string "' + "x" * 59 + "..."


@settings(deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "text": st.text(min_size=1).filter(lambda text: text.strip() != ""),
                "labels": st.sampled_from([[label.value] for label in LABELS]),
                "hard": st.booleans(),
            }
        ),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_is_sound_survives_flattening(sentences: list[JsonObject]) -> None:
    read = Document.model_validate(document(sentences=sentences))
    flat = flatten(read)
    assert [record.text for record in flat] == [one["text"] for one in sentences]
    assert [list(record.labels) for record in flat] == [one["labels"] for one in sentences]
    assert {record.doc_id for record in flat} == {"own-1"}


SHARED = os.environ.get("CLAIMWIRE_SHARED")


@pytest.mark.skipif(SHARED is None, reason="CLAIMWIRE_SHARED is unset: real records not there")
@pytest.mark.parametrize(
    ("name", "size"), [("real-train/labelled.jsonl", 6941), ("real-dev/real-dev.jsonl", 434)]
)
def test_real_records_are_read_whole(name: str, size: int) -> None:
    assert SHARED is not None
    assert len(read_records(Path(SHARED) / name)) == size


def test_own_records_in_the_shape_of_the_real_ones_are_read_whole() -> None:
    records = read_records(Path(__file__).parent / "fixtures" / "own-records.jsonl")
    assert len(records) == 12
    assert {record.split for record in records} == {"train", "validation", "test", None}
    assert {record.source for record in records} == {"own-wire", None}
