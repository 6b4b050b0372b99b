"""``claimwire corpus import``: what is taken, what is refused and why, and nothing by halves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from claimwire.cli import app
from claimwire.data.checks import check_corpus
from claimwire.data.corpus import load_examples
from claimwire.data.corpus_import import ImportOptions, ImportReport, import_records, side_file
from claimwire.data.errors import CorpusError, InputError
from claimwire.data.import_copies import Kind

CORPUS = Path(__file__).parent / "fixtures" / "own-corpus"
EXTRA = Path(__file__).parent / "fixtures" / "own-records.jsonl"

RAFT = "Raiders burned the timber raft below Quillon weir on Sunday."
MOTH = "Moth traps are set along the orchard wall every spring."
OWN_TEST_TEXT = "Nobody has admitted to laying the charges under the bridge."
"""Stands in the test split of the corpus."""

Take = Callable[..., ImportReport]


def record(text: str = RAFT, **changes: object) -> dict[str, Any]:
    plain: dict[str, Any] = {"id": "r-1", "text": text, "labels": ["attack_claim"], "hard": False}
    return {**plain, **changes}


def write(path: Path, *lines: object) -> Path:
    written = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("".join(f"{line}\n" for line in written), encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "reviewed.jsonl"


@pytest.fixture
def take(tmp_path: Path, output: Path) -> Take:
    """Import lines into the output, the small corpus beside it."""

    def run(*lines: object, **options: Any) -> ImportReport:
        path = write(tmp_path / "in.jsonl", *lines)
        return import_records([path], ImportOptions(output=output, corpus=CORPUS, **options))

    return run


def only_refusal(report: ImportReport) -> tuple[Kind, str]:
    (refusal,) = report.refused
    return refusal.kind, refusal.reason


def test_new_records_go_to_train_and_training_can_read_them(take: Take, output: Path) -> None:
    report = take(record(), record(MOTH, id="r-2", labels=["background"], note="odd", hard=True))
    assert (report.added, report.total, report.refused) == (2, 2, [])
    assert read(output)[0] == {**record(), "split": "train"}
    added = [e for e in load_examples(CORPUS, [output]) if e.origin == "extra"]
    assert [(e.split, e.hard) for e in added] == [("train", False), ("train", True)]
    assert check_corpus(load_examples(CORPUS, [output])) == []


def test_a_second_import_changes_nothing(take: Take, output: Path) -> None:
    nameless = {key: value for key, value in record(MOTH).items() if key != "id"}
    lines = (record(), nameless, record("too short", labels=["raid"]))
    first = take(*lines)
    before = output.read_bytes(), side_file(output, "refused").read_bytes()
    stamp = output.stat().st_mtime_ns
    second = take(*lines)
    assert (first.added, second.added, second.already_there) == (2, 0, 1)
    # Without an id it can only be told from its sentence, and is a copy of it.
    assert [refusal.kind for refusal in second.refused] == [Kind.DUPLICATE, Kind.INVALID]
    assert output.read_bytes() == before[0]
    assert output.stat().st_mtime_ns == stamp


def test_later_records_are_added_after_the_earlier_ones(take: Take, output: Path) -> None:
    take(record())
    report = take(record(MOTH, id="r-2", labels=["background"]), record())
    assert (report.added, report.already_there) == (1, 1)
    assert [line["id"] for line in read(output)] == ["r-1", "r-2"]


@pytest.mark.parametrize("text", [RAFT, f"  {RAFT.upper()}", RAFT.replace("Quillon", "Quillon,")])
def test_the_same_sentence_twice_is_refused(take: Take, text: str) -> None:
    kind, reason = only_refusal(take(record(), record(text, id="r-2")))
    assert kind is Kind.DUPLICATE
    assert "the same sentence stands in train" in reason
    assert "in.jsonl:1" in reason


def test_only_the_labels_contradict(take: Take) -> None:
    kind, reason = only_refusal(take(record(), record(id="r-2", labels=["background"])))
    assert kind is Kind.CONTRADICTION
    assert "only the labels contradict: attack_claim there, background here" in reason


def test_nearly_the_same_sentence_is_refused(take: Take) -> None:
    other = "On Monday " + RAFT.replace("on Sunday", "on Sunday night")
    kind, reason = only_refusal(take(record(), record(other, id="r-2")))
    assert kind is Kind.DUPLICATE
    assert "nearly the same sentence (Jaccard 0." in reason
    assert RAFT in reason


def test_a_copy_of_what_was_refused_itself_is_taken(take: Take) -> None:
    """B nearly repeats A and is refused; C nearly repeats B alone and is no copy of anything."""
    words = [f"word{number}" for number in range(30)]
    a, b, c = (" ".join(words[start : start + 22]) for start in (0, 3, 6))
    report = take(*(record(text, id=name) for name, text in zip("abc", (a, b, c), strict=True)))
    assert [each.record.id for each in report.refused if each.record] == ["b"]
    assert report.total == 2


def test_a_copy_of_the_corpus_is_refused(take: Take) -> None:
    text = "Milk from the valley is sold in three provinces."
    kind, reason = only_refusal(take(record(text, labels=["background"])))
    assert kind is Kind.DUPLICATE
    assert "stands in train (train/a.jsonl:1 sentences[2])" in reason


def test_a_sentence_of_the_test_split_is_a_leak(take: Take) -> None:
    kind, reason = only_refusal(take(record(OWN_TEST_TEXT)))
    assert kind is Kind.LEAK
    assert reason.startswith("the same sentence stands in test (test/c.jsonl:")
    assert "this would go to train" in reason
    assert "the labels differ" in reason


def test_nearly_a_sentence_of_the_test_split_is_a_leak(take: Take) -> None:
    kind, reason = only_refusal(take(record("So far " + OWN_TEST_TEXT.lower())))
    assert kind is Kind.LEAK
    assert "nearly the same sentence" in reason


def test_a_document_of_the_test_split_is_a_leak(take: Take) -> None:
    (doc_id,) = {e.doc_id for e in load_examples(CORPUS) if e.position.file == "test/c.jsonl"}
    kind, reason = only_refusal(take(record(doc_id=doc_id)))
    assert kind is Kind.LEAK
    assert f"its document {doc_id!r} stands in test" in reason
    assert take(record(doc_id=doc_id, source="another wire")).refused == []


def test_other_extra_files_are_compared_with(take: Take) -> None:
    held_out = next(
        line for line in read(EXTRA) if line["split"] == "validation" and len(line["text"]) > 60
    )
    kind, reason = only_refusal(take(record(held_out["text"]), extra=(EXTRA,)))
    assert kind is Kind.LEAK
    assert "stands in validation" in reason
    fellow = record(doc_id=held_out["doc_id"], source=held_out["source"])
    assert only_refusal(take(fellow, extra=(EXTRA,)))[0] is Kind.LEAK
    assert take(record(held_out["text"])).refused == []


def test_the_output_may_be_among_the_extra_files(take: Take, output: Path) -> None:
    take(record())
    report = take(record(), extra=(output,))
    assert (report.already_there, report.refused) == (1, [])


def test_told_to_go_to_validation_a_sentence_of_train_is_the_leak(take: Take, output: Path) -> None:
    text = "Milk from the valley is sold in three provinces."
    report = take(record(), record(text, id="r-2"), split="validation")
    assert only_refusal(report)[0] is Kind.LEAK
    assert [line["split"] for line in read(output)] == ["validation"]
    kind, reason = only_refusal(take(record()))
    assert kind is Kind.CONTRADICTION
    assert "differs in split: remove it there first" in reason


def test_a_record_keeps_the_split_it_names(take: Take, output: Path) -> None:
    take(record(split="validation", doc_id="raft"), record(MOTH, id="r-2", doc_id="raft"))
    assert [line["id"] for line in read(output)] == ["r-1"]


def test_a_newer_judgement_needs_replace(take: Take, output: Path) -> None:
    take(record(), record(MOTH, id="r-2", labels=["background"]))
    newer = record(labels=["attack_claim", "attribution_inference"])
    kind, reason = only_refusal(take(newer))
    assert kind is Kind.CONTRADICTION
    assert "attack_claim there, attack_claim, attribution_inference here: --replace" in reason
    report = take(newer, replace=True)
    assert (report.replaced, report.added, report.total) == (1, 0, 2)
    assert [line["labels"] for line in read(output)] == [newer["labels"], ["background"]]
    assert take(newer, replace=True).already_there == 1


def test_an_id_of_another_sentence_is_refused(take: Take) -> None:
    kind, reason = only_refusal(take(record(), record(MOTH)))
    assert kind is Kind.INVALID
    assert "stands for another sentence" in reason


def test_broken_lines_are_refused_and_the_rest_is_taken(take: Take, output: Path) -> None:
    report = take("{broken", record(), record(MOTH, labels=["raid"], theatre="moon"), "[]")
    assert report.added == 1
    refusals = read(side_file(output, "refused"))
    assert [(line["line"], line["kind"]) for line in refusals] == [
        (1, "invalid"),
        (3, "invalid"),
        (4, "invalid"),
    ]
    assert "labels: unknown label 'raid'" in refusals[1]["reason"]
    assert "theatre: expected one of" in refusals[1]["reason"]


def test_the_file_of_refusals_goes_when_nothing_is_refused(take: Take, output: Path) -> None:
    take(record(labels=["raid"]))
    assert side_file(output, "refused").exists()
    take(record())
    assert not side_file(output, "refused").exists()


def test_provenance_goes_along_for_what_was_taken(take: Take, output: Path, tmp_path: Path) -> None:
    told = [{"id": name, "decision": number} for number, name in enumerate(["r-1", "r-2", "x"])]
    write(tmp_path / "in.provenance.jsonl", *told)
    take(record(), record(OWN_TEST_TEXT, id="r-2"))
    assert read(side_file(output, "provenance")) == told[:1]
    write(tmp_path / "in.provenance.jsonl", {"id": "r-1", "decision": 9})
    take(record(labels=["background"]))
    assert read(side_file(output, "provenance")) == told[:1]
    take(record(labels=["background"]), replace=True)
    assert read(side_file(output, "provenance")) == [{"id": "r-1", "decision": 9}]


def test_a_broken_output_is_not_touched(take: Take, output: Path) -> None:
    output.parent.mkdir()
    write(output, record(labels=["raid"]))
    before = output.read_bytes()
    with pytest.raises(CorpusError, match="unknown label"):
        take(record(MOTH, id="r-2"))
    assert output.read_bytes() == before
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_input_and_output_must_differ(output: Path) -> None:
    with pytest.raises(InputError, match="found the same"):
        import_records([output], ImportOptions(output=output))


def test_an_output_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    blocked = write(tmp_path / "file", record())
    source = write(tmp_path / "in.jsonl", record())
    with pytest.raises(InputError, match="expected a file that can be written"):
        import_records([source], ImportOptions(output=blocked / "x.jsonl", corpus=CORPUS))


def test_the_command(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", record(), record(OWN_TEST_TEXT, id="r-2"))
    empty = write(tmp_path / "empty.jsonl")
    output = tmp_path / "out.jsonl"
    arguments = ["corpus", "import", str(source), str(empty), "--corpus", str(CORPUS)]
    result = CliRunner().invoke(app, [*arguments, "--output", str(output)])
    assert result.exit_code == 1
    assert f"note: {empty}: empty" in result.output
    assert f"refused: {source}:2: leak: the same sentence stands in test" in result.output
    assert f"{output}: 1 added, 0 already there, 1 refused (1 leak); 1 records" in result.output
    assert "out.refused.jsonl" in result.output
    write(source, record())
    assert CliRunner().invoke(app, [*arguments, "--output", str(output)]).exit_code == 0


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["corpus", "import", str(tmp_path / "nothing.jsonl")])
    assert result.exit_code == 2
    assert "found no file" in result.stderr
