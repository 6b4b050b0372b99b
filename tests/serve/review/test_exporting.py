"""Exports: what is in them, whose names, and that each is whole and the same every time."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from claimwire.data.corpus_import import ImportOptions, import_records
from claimwire.data.documents import read_records
from claimwire.data.errors import InputError
from claimwire.data.labels import GUIDELINES_VERSION
from claimwire.serve.review import label_studio
from claimwire.serve.review.decisions import undo
from claimwire.serve.review.exporting import CSV_COLUMNS, ExportFormat, export
from claimwire.serve.review.names import Pseudonyms
from claimwire.serve.review.store import ReviewStore

from .out_support import (
    ATTACK,
    ATTRIBUTION,
    BACKGROUND,
    FIRST,
    INTERCEPTION,
    in_article,
    judge,
    load,
    tagged,
)

MILL = "Rockets hit the paper mill at Orsay Ford on Friday."
JAMMED = "Jamming brought one of them down short of the sluice."
BLAME = "The brigade across the river is thought to have fired them."
SIZE = "The mill employs four hundred people."
ADVERT = "Subscribe | Share | Print"
ALONE = "A “drone”\nfell; nobody, it seems, was hurt."


@pytest.fixture
def store(store: ReviewStore) -> ReviewStore:
    """Six sentences: four labelled, one skipped, one that is none."""
    article = in_article(
        "wire-1",
        (MILL, ATTACK),
        (JAMMED, ATTACK),
        (BLAME, BACKGROUND),
        (SIZE, BACKGROUND),
        (ADVERT, BACKGROUND),
        title="Mill hit",
        theatre="fictional",
        source="own wire",
    )
    load(store, [*article, tagged(ALONE, [BACKGROUND], id="s-1", theatre="the moon")])
    judge(store, MILL, ATTACK)
    judge(store, JAMMED, INTERCEPTION, ATTACK, hard=True, note="which first?", mode="open")
    judge(store, BLAME, BACKGROUND)
    judge(store, BLAME, BACKGROUND, reviewer="olu")
    judge(store, SIZE, kind="skip", reason="needs the map")
    judge(store, ADVERT, kind="not_a_sentence")
    judge(store, ALONE, ATTACK)
    return store


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_corpus_records_are_what_training_reads(store: ReviewStore, tmp_path: Path) -> None:
    path = tmp_path / "out" / "reviewed.jsonl"
    report = export(store, path, "corpus")
    assert (report.written, report.skipped, report.not_sentences) == (4, 1, 1)
    records = read_records(path)
    assert [record.text for record in records] == [MILL, JAMMED, BLAME, ALONE]
    assert [list(record.labels) for record in records] == [
        [ATTACK],
        [INTERCEPTION, ATTACK],
        [BACKGROUND],  # the last of two reviewers' standing verdicts
        [ATTACK],
    ]
    jammed, alone = records[1], records[3]
    assert (jammed.hard, jammed.note) == (True, "which first?")
    assert (jammed.doc_id, jammed.theatre, jammed.source) == ("wire-1", "fictional", "own wire")
    assert (alone.doc_id, alone.theatre, alone.source) == ("s-1", None, None)
    assert len({record.id for record in records}) == 4


def test_provenance_stands_beside_the_corpus(store: ReviewStore, tmp_path: Path) -> None:
    path = tmp_path / "reviewed.jsonl"
    files = export(store, path, "corpus").files
    assert files == (path, tmp_path / "reviewed.provenance.jsonl")
    told = lines(files[1])
    assert [line["id"] for line in told] == [record.id for record in read_records(path)]
    jammed = told[1]
    assert jammed["decision"] == 2
    assert len(jammed["hash"]) == 64
    assert jammed["mode"] == "open"
    assert jammed["guideline"] == GUIDELINES_VERSION
    assert (jammed["release"], jammed["predicted"]) == (FIRST, [ATTACK])
    assert jammed["scores"][ATTACK] == 0.9
    assert (jammed["article"], jammed["position"], jammed["stratum"]) == ("wire-1", 1, "random")
    assert told[3]["theatre"] == "the moon"
    assert all(line["time"].endswith("+00:00") for line in told)


def test_reviewers_have_pseudonyms_unless_told_otherwise(
    store: ReviewStore, tmp_path: Path
) -> None:
    path = tmp_path / "decisions.jsonl"
    export(store, path, "jsonl")
    text = path.read_text(encoding="utf-8")
    assert "mara" not in text
    assert "olu" not in [line["reviewer"] for line in lines(path)]
    pseudonyms = Pseudonyms(store)
    assert {line["reviewer"] for line in lines(path)} == {pseudonyms("mara"), pseudonyms("olu")}
    export(store, path, "jsonl", real_names=True)
    assert {line["reviewer"] for line in lines(path)} == {"mara", "olu"}


def test_pseudonyms_differ_between_databases(store: ReviewStore, tmp_path: Path) -> None:
    with ReviewStore.open(str(tmp_path / "other.db")) as other:
        assert Pseudonyms(other)("mara") != Pseudonyms(store)("mara")


def test_jsonl_has_every_standing_decision(store: ReviewStore, tmp_path: Path) -> None:
    revised = judge(store, MILL, ATTACK, ATTRIBUTION)
    second = judge(store, MILL, BACKGROUND, reviewer="olu")
    undo(store, "olu", second.id, "undo-1")
    path = tmp_path / "decisions.jsonl"
    assert export(store, path, "jsonl").written == 7
    found = lines(path)
    assert [line["text"] for line in found] == [MILL, JAMMED, BLAME, BLAME, SIZE, ADVERT, ALONE]
    assert (found[0]["decision"], found[0]["revises"]) == (revised.id, 1)
    assert [line["kind"] for line in found[4:6]] == ["skip", "not_a_sentence"]
    assert found[4]["reason"] == "needs the map"


def test_csv_has_the_same(store: ReviewStore, tmp_path: Path) -> None:
    export(store, tmp_path / "a.csv", "csv")
    export(store, tmp_path / "a.jsonl", "jsonl")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = lines(tmp_path / "a.jsonl")
    assert list(rows[0]) == list(CSV_COLUMNS)
    assert [row["text"] for row in rows] == [line["text"] for line in expected]
    assert rows[1]["labels"] == f"{INTERCEPTION};{ATTACK}"
    assert float(rows[1][f"score_{ATTACK}"]) == 0.9
    assert set(expected[0]) - set(CSV_COLUMNS) == {"scores"}


def test_label_studio_tasks_fit_their_configuration(store: ReviewStore, tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    report = export(store, path, "label-studio")
    assert report.files == (path, tmp_path / "tasks.config.xml")
    tasks = json.loads(path.read_text(encoding="utf-8"))
    assert [task["data"]["text"] for task in tasks] == [MILL, JAMMED, BLAME, SIZE, ADVERT, ALONE]
    config = ET.fromstring(report.files[1].read_text(encoding="utf-8"))
    (shown,) = config.iter("Text")
    choices = {
        tag.get("name"): {choice.get("value") for choice in tag} for tag in config.iter("Choices")
    }
    kinds = {tag.get("name"): tag.tag.lower() for tag in config if tag.get("toName")}
    assert {tag.get("toName") for tag in config if tag.get("toName")} == {shown.get("name")}
    for task in tasks:
        assert str(shown.get("value")).removeprefix("$") in task["data"]
        for made in (*task["annotations"], *task["predictions"]):
            for result in made["result"]:
                assert result["to_name"] == shown.get("name")
                assert result["type"] == kinds[result["from_name"]]
                if result["type"] == "choices":
                    assert set(result["value"]["choices"]) <= choices[result["from_name"]]


def test_label_studio_annotations_say_what_was_decided(store: ReviewStore, tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    export(store, path, "label-studio", real_names=True)
    tasks = {t["data"]["text"]: t for t in json.loads(path.read_text(encoding="utf-8"))}
    (jammed,) = tasks[JAMMED]["annotations"]
    assert {r["from_name"]: r["value"] for r in jammed["result"]} == {
        label_studio.LABELS_TAG: {"choices": [INTERCEPTION, ATTACK]},
        label_studio.FLAGS_TAG: {"choices": [label_studio.HARD]},
        label_studio.NOTE_TAG: {"text": ["which first?"]},
    }
    (prediction,) = tasks[JAMMED]["predictions"]
    assert (prediction["model_version"], prediction["score"]) == (FIRST, 0.9)
    assert prediction["result"][0]["value"] == {"choices": [ATTACK]}
    assert tasks[BLAME]["data"]["reviewers"] == ["mara", "olu"]
    assert len(tasks[BLAME]["annotations"]) == 2
    assert tasks[SIZE]["annotations"][0]["was_cancelled"] is True
    (advert,) = tasks[ADVERT]["annotations"][0]["result"]
    assert advert["value"] == {"choices": [label_studio.NOT_A_SENTENCE]}
    ids = [r["id"] for t in tasks.values() for a in t["annotations"] for r in a["result"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("output_format", ExportFormat)
def test_the_same_database_gives_the_same_bytes(
    store: ReviewStore, tmp_path: Path, output_format: str
) -> None:
    first = export(store, tmp_path / "one", output_format).files
    second = export(store, tmp_path / "two", output_format).files
    assert [f.read_bytes() for f in first] == [f.read_bytes() for f in second]
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize("output_format", ExportFormat)
def test_an_empty_database_gives_an_empty_file(tmp_path: Path, output_format: str) -> None:
    with ReviewStore.open(str(tmp_path / "empty.db")) as store:
        assert export(store, tmp_path / "out", output_format).written == 0
    text = (tmp_path / "out").read_text(encoding="utf-8")
    if output_format == "label-studio":
        assert json.loads(text) == []
    else:
        assert text.strip() == ("" if output_format != "csv" else ",".join(CSV_COLUMNS))


def test_a_failed_export_leaves_the_old_one(store: ReviewStore, tmp_path: Path) -> None:
    path = tmp_path / "reviewed.jsonl"
    export(store, path, "corpus")
    before = path.read_bytes()
    (tmp_path / "reviewed.provenance.jsonl").unlink()
    (tmp_path / "reviewed.provenance.jsonl").mkdir()
    judge(store, SIZE, BACKGROUND)
    with pytest.raises(InputError, match="expected to write there"):
        export(store, path, "corpus")
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize("output_format", ExportFormat)
def test_an_export_into_what_is_no_folder_is_told(
    store: ReviewStore, tmp_path: Path, output_format: str
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=r"file: expected to write there, found: \w+"):
        export(store, tmp_path / "file" / "reviewed", output_format)


def test_an_unknown_format_is_refused(store: ReviewStore, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected one of corpus, jsonl, csv, label-studio"):
        export(store, tmp_path / "out", "xml")


def test_articles_that_share_a_key_are_different_documents(tmp_path: Path) -> None:
    with ReviewStore.open(str(tmp_path / "two.db")) as store:
        load(store, [*in_article("7", (MILL, ATTACK)), *in_article("7", (SIZE, BACKGROUND))])
        judge(store, MILL, ATTACK)
        judge(store, SIZE, BACKGROUND)
        export(store, tmp_path / "out.jsonl", "corpus")
        first, second = read_records(tmp_path / "out.jsonl")
    assert first.doc_id == "7"
    assert str(second.doc_id).startswith("7#")


def test_an_export_can_be_taken_into_the_corpus(store: ReviewStore, tmp_path: Path) -> None:
    path, output = tmp_path / "reviewed.jsonl", tmp_path / "kept.jsonl"
    export(store, path, "corpus")
    report = import_records([path], ImportOptions(output=output))
    assert (report.added, report.refused) == (4, [])
    assert len(lines(tmp_path / "kept.provenance.jsonl")) == 4
    judge(store, MILL, BACKGROUND)
    export(store, path, "corpus")
    assert import_records([path], ImportOptions(output=output, replace=True)).replaced == 1
    assert lines(output)[0]["labels"] == [BACKGROUND]
