from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from claimwire.cli import app
from claimwire.data import rebuild_commands, standoff_labels
from claimwire.data.corpus import load_examples
from claimwire.data.errors import CorpusError, InputError
from claimwire.data.fetch import FileUnavailableError, Source, read_sources
from claimwire.data.rebuild import rebuild
from claimwire.data.rebuild_commands import RebuildOptions, rebuild_corpus
from claimwire.data.standoff_labels import add_labellings, read_labels, sentence_digest

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


def options(sources: Path, labels: Path) -> RebuildOptions:
    return RebuildOptions(source_dir=sources, labels=labels, output=labels.parent / "out")


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_rebuild_gives_every_labelled_sentence_back(
    sources: Path, labels: Path, capsys: Capture
) -> None:
    assert rebuild_corpus(options(sources, labels)) == 0
    out = labels.parent / "out"
    records = [
        each for split in ("train", "validation", "test") for each in read(out / f"{split}.jsonl")
    ]
    labelled = {each["text"]: each for each in read(FIXTURE / "labelled.jsonl")}
    assert {each["text"] for each in records} == set(labelled)
    for record in records:
        assert record["id"] == sentence_digest(record["text"])
        expected = labelled[record["text"]]
        assert set(record) == {*expected, "id"} - {"path"}
        assert {k: v for k, v in record.items() if k != "id"}.items() <= expected.items()
    assert read(out / "missing.jsonl") == []
    assert capsys.readouterr().out.splitlines()[-1] == "ok  100.0% of 14 labelled sentences found"


def test_training_can_read_what_was_rebuilt(sources: Path, labels: Path) -> None:
    rebuild_corpus(options(sources, labels))
    files = [labels.parent / "out" / f"{split}.jsonl" for split in ("train", "validation", "test")]
    examples = load_examples(extra=files, use_corpus=False)
    assert [example.split for example in examples] == ["train"] * 7 + ["validation"] * 4 + [
        "test"
    ] * 3


def test_rebuild_gives_the_same_bytes_twice(sources: Path, labels: Path) -> None:
    out = labels.parent / "out"
    rebuild_corpus(options(sources, labels))
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    rebuild_corpus(options(sources, labels))
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first


def test_sentences_without_labels_are_written_when_asked_for_and_never_held_out_ones(
    sources: Path, labels: Path, capsys: Capture
) -> None:
    rebuild_corpus(options(sources, labels))
    out = labels.parent / "out"
    assert not (out / "unlabelled.jsonl").exists()
    rebuild_corpus(replace(options(sources, labels), unlabelled=True))
    others = read(out / "unlabelled.jsonl")
    assert others
    assert f"{len(others)} without labels in {out / 'unlabelled.jsonl'}" in capsys.readouterr().out
    labelled = read(FIXTURE / "labelled.jsonl")
    held_out = {(r["source"], r["doc_id"]) for r in labelled if r["split"] != "train"}
    assert not held_out & {(r["source"], r["doc_id"]) for r in others}
    assert not {r["text"] for r in labelled} & {r["text"] for r in others}
    assert all(r["id"] == sentence_digest(r["text"]) for r in others)


def test_the_final_labels_are_the_ones_that_are_written(sources: Path, labels: Path) -> None:
    lines = read(labels)
    changed = lines[0] | {"labeller": "final", "hard": not lines[0]["hard"], "note": "why"}
    with labels.open("a", encoding="utf-8") as file:
        file.write(json.dumps(changed) + "\n")
    rebuild_corpus(options(sources, labels))
    (record,) = (
        each
        for each in read(labels.parent / "out" / f"{changed['split']}.jsonl")
        if each["id"] == changed["id"]
    )
    assert record["hard"] is changed["hard"]


def test_what_is_missing_is_listed_and_too_little_fails(
    sources: Path, labels: Path, capsys: Capture
) -> None:
    (sources / "example+encyclopedia" / PAGE).unlink()
    house = next((sources / "example+house").rglob("*.md"))
    house.write_text(house.read_text(encoding="utf-8").replace("forty", "fifty"), encoding="utf-8")
    (labels.parent / "out").mkdir()
    capsys.readouterr()
    assert rebuild_corpus(options(sources, labels)) == 1
    printed = capsys.readouterr().out
    assert "FAILED  64.3% of 14 labelled sentences found: expected at least 90%" in printed
    assert "Files not available: 1" in printed
    assert f"{house}: differs from the file that was labelled" in printed
    out = labels.parent / "out"
    missing = read(out / "missing.jsonl")
    assert [each["source"] for each in missing] == ["white-house"] + ["wikipedia"] * 4
    assert missing[0]["reason"] == "no sentence of the file has this digest"
    assert missing[0]["id"] == sentence_digest("The government will send forty tents to the town.")
    assert "expected a file of wikipedia, found none" in missing[1]["reason"]
    assert (out / "train.jsonl").exists(), "what is there can be trained on"
    assert not (out / "validation.jsonl").exists(), "none of it was found"


def test_too_little_does_not_take_the_place_of_what_an_earlier_run_made(
    sources: Path, labels: Path, capsys: Capture
) -> None:
    assert rebuild_corpus(options(sources, labels)) == 0
    before = {path: path.read_bytes() for path in (labels.parent / "out").iterdir()}
    (sources / "example+encyclopedia" / PAGE).unlink()
    capsys.readouterr()
    assert rebuild_corpus(options(sources, labels)) == 1
    assert "nothing written: " in capsys.readouterr().out
    assert {path: path.read_bytes() for path in (labels.parent / "out").iterdir()} == before


def test_between_floor_and_goal_is_said_but_passes(
    sources: Path, labels: Path, capsys: Capture
) -> None:
    house = next((sources / "example+house").rglob("*.md"))
    house.write_text(house.read_text(encoding="utf-8").replace("forty", "fifty"), encoding="utf-8")
    assert rebuild_corpus(options(sources, labels)) == 0
    assert "ok, but  92.9% of 14" in capsys.readouterr().out


def test_a_damaged_file_is_named_and_the_others_are_read(
    sources: Path, labels: Path, capsys: Capture
) -> None:
    (sources / "example+bank" / "ner_dataset.csv.zip").write_bytes(b"PK no archive")
    (sources / "example+encyclopedia" / PAGE).write_bytes(b"\xff\xfe\xff")
    assert rebuild_corpus(options(sources, labels)) == 1
    printed = capsys.readouterr().out
    assert "Files not available: 2" in printed
    assert "expected a file as voa-gmb has them, found another (File is not a zip file)" in printed


def test_the_command_line_passes_its_options_on(sources: Path, labels: Path) -> None:
    out = labels.parent / "elsewhere"
    arguments = ["corpus", "rebuild", "--source-dir", str(sources), "-o", str(out)]
    result = CliRunner().invoke(app, [*arguments, "--labels", str(labels)])
    assert result.exit_code == 0, result.output
    assert len(read(out / "train.jsonl")) == 7
    result = CliRunner().invoke(app, ["corpus", "rebuild", "--source-dir", str(out / "none")])
    assert result.exit_code == 2
    assert "check --source-dir" in result.output


def test_without_the_labels_the_message_says_where_they_are(
    tmp_path: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild_commands, "standoff_folder", lambda: tmp_path / "not-installed")
    with pytest.raises(InputError, match=r"clone of the repository .*--labels"):
        rebuild_corpus(RebuildOptions(source_dir=sources, output=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_missing_or_wrong_list_of_sources_is_named(sources: Path, labels: Path) -> None:
    beside = labels.parent / "sources.json"
    listed = json.loads(beside.read_text(encoding="utf-8"))
    listed[1]["commit"] = "main"
    beside.write_text(json.dumps(listed), encoding="utf-8")
    with pytest.raises(CorpusError, match=r"sources\.json: 1\.commit: String should match"):
        rebuild_corpus(options(sources, labels))
    beside.unlink()
    with pytest.raises(InputError, match="expected the list of sources beside the labels"):
        rebuild_corpus(options(sources, labels))


def test_labels_of_an_unknown_source_are_refused(sources: Path, labels: Path) -> None:
    text = labels.read_text(encoding="utf-8").replace('"wikinews"', '"wikinwes"')
    labels.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=r"'wikinwes' in the labels; did you mean wikinews"):
        rebuild_corpus(options(sources, labels))


def test_progress_names_every_file_once(labels: Path) -> None:
    seen: list[tuple[str, str]] = []

    def unavailable(source: Source, path: str) -> bytes:
        raise FileUnavailableError(path)

    rebuilt = rebuild(
        read_labels(labels).settled(),
        read_sources(labels.parent / "sources.json"),
        unavailable,
        lambda source, path: seen.append((source, path)),
    )
    assert rebuilt.share == 0
    assert [source for source, _ in seen] == ["voa-gmb", "white-house", "wikinews", "wikipedia"]


def test_the_committed_labels_name_known_sources_and_files() -> None:
    folder = standoff_labels.standoff_folder()
    if not folder.is_dir():
        pytest.skip("installed without data/standoff; a clone has it")
    known = read_sources(folder / "sources.json")
    settled = read_labels(folder / "labels.jsonl").settled()
    assert {each.source for each in settled} == set(known)
    with_checksum = sum(each.path in known[each.source].files for each in settled)
    assert with_checksum / len(settled) > 0.99


@pytest.mark.slow
def test_the_real_sources_give_the_labelled_sentences(tmp_path: Path, capsys: Capture) -> None:
    shared = os.environ.get("CLAIMWIRE_SHARED")
    if shared is None or not Path(shared, "real-sources").is_dir():
        pytest.skip("needs CLAIMWIRE_SHARED with real-sources/; the made-up sources stand in")
    wanted = RebuildOptions(source_dir=Path(shared, "real-sources"), output=tmp_path)
    assert rebuild_corpus(wanted) == 0
    assert "ok  " in capsys.readouterr().out
    found = sum(len(read(tmp_path / f"{split}.jsonl")) for split in ("train", "validation", "test"))
    assert found / (found + len(read(tmp_path / "missing.jsonl"))) >= 0.97
