from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from claimwire.data.agreement import composed_agreement
from claimwire.data.agreement_commands import agreement_groups, corpus_agreement
from claimwire.data.annotation_checks import check_annotations
from claimwire.data.annotation_passes import add_pass, blind_sheet
from claimwire.data.annotations import (
    BLIND,
    Annotation,
    annotations_folder,
    read_all_annotations,
    read_annotations,
    write_annotations,
)
from claimwire.data.checks import Problem, Rule
from claimwire.data.composed import load_documents, sentences
from claimwire.data.errors import CorpusError, InputError
from claimwire.data.labels import LABELS, Label
from claimwire.data.standoff_labels import sentence_digest

from .composed_support import document, write_corpus

SHELLED = "Shells hit the mill at noon."
BUILT = "The mill was built in 1911."
DENIED = "The brigade denied that its guns had fired."


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(
        tmp_path / "corpus",
        {
            "train": [document("t", [("It rained.", "background")])],
            "validation": [document("v", [("It snowed.", "background")])],
            "test": [
                document("d", [(SHELLED, "attack_claim"), (BUILT, "background")]),
                document("e", [(DENIED, "attribution_inference")]),
            ],
        },
    )


def line(**changes: object) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "doc_id": "d",
        "sentence": 0,
        "digest": sentence_digest(SHELLED),
        "author": ["attack_claim"],
        "first": ["attack_claim"],
        "second": ["attack_claim"],
    }
    return {key: value for key, value in (plain | changes).items() if value is not ...}


def write(path: Path, *lines: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")
    return path


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no digest": (line(digest=...), "digest: missing: expected 16 hexadecimal digits; add it"),
    "index below 0": (line(sentence=-1), "sentence: expected the sentence's index in its document"),
    "unknown pass": (line(third=["background"]), "third: unknown field: expected only doc_id"),
    "misspelt pass": (line(secnd=["background"]), "did you mean second?"),
    "unknown label": (line(first=["attack"]), "first: unknown label 'attack'"),
    "no author": (line(author=...), "author: missing: expected a list of labels"),
    "no reason": (line(adjudicated=["background"]), "reason: expected one with adjudicated"),
    "a reason alone": (line(reason="why"), "reason: expected one with adjudicated"),
    "a blank reason": (line(adjudicated=["background"], reason=" "), "reason: expected why it was"),
}


@pytest.mark.parametrize(("wrong", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_line_is_refused(tmp_path: Path, wrong: dict[str, Any], message: str) -> None:
    path = write(tmp_path / "test.jsonl", line(sentence=7), wrong)
    with pytest.raises(CorpusError) as caught:
        read_annotations(path)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert message in str(caught.value)


def test_a_sentence_stands_once(tmp_path: Path) -> None:
    path = write(tmp_path / "test.jsonl", line(), line())
    with pytest.raises(CorpusError, match="0 of 'd' already stands in line 1: keep one"):
        read_annotations(path)


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, (Label.ATTACK_CLAIM,)),
        ({"second": ...}, (Label.ATTACK_CLAIM,)),
        ({"second": ["background"]}, None),
        ({"author": ["background"]}, None),
        (
            {"second": ["background"], "adjudicated": ["background"], "reason": "no attack"},
            (Label.BACKGROUND,),
        ),
    ],
)
def test_the_outcome_is_adjudicated_or_unanimous(
    changes: dict[str, Any], outcome: tuple[Label, ...] | None
) -> None:
    assert Annotation.model_validate(line(**changes)).outcome() == outcome


def test_the_order_of_labels_is_a_difference() -> None:
    both = ["attack_claim", "interception_claim"]
    annotation = Annotation.model_validate(line(author=both, first=both, second=both[::-1]))
    assert annotation.outcome() is None


def test_written_annotations_are_read_back_sorted(tmp_path: Path) -> None:
    later, earlier = (Annotation.model_validate(line(sentence=n)) for n in (11, 2))
    write_annotations(tmp_path / "test.jsonl", [later, earlier])
    assert read_annotations(tmp_path / "test.jsonl") == [earlier, later]
    assert list(read_all_annotations(tmp_path)) == ["test"]
    assert read_all_annotations(tmp_path / "nowhere") == {}


def found(corpus: Path, *lines: dict[str, Any], split: str = "test") -> list[Problem]:
    write(corpus.parent / "annotations" / f"{split}.jsonl", *lines)
    annotations = read_all_annotations(annotations_folder(corpus))
    return check_annotations(list(sentences(load_documents(corpus))), annotations)


REST = (
    line(
        sentence=1,
        digest=sentence_digest(BUILT),
        author=["background"],
        first=["background"],
        second=["background"],
    ),
    line(
        doc_id="e",
        digest=sentence_digest(DENIED),
        author=["attack_claim"],
        first=["attribution_inference"],
        second=["attribution_inference"],
        adjudicated=["attribution_inference"],
        reason="denies having done it, not that it happened",
    ),
)


def test_a_corpus_that_bears_the_outcomes_passes(corpus: Path) -> None:
    assert found(corpus, line(), *REST) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"digest": "0" * 16}, "reads differently from what was annotated"),
        ({"second": ...}, "lacks the pass second"),
        (
            {"second": ["background"]},
            "passes disagree (author attack_claim; first attack_claim; second background)",
        ),
        (
            {"adjudicated": ["background"], "reason": "why"},
            "bears attack_claim, its annotations came to background",
        ),
    ],
)
def test_what_does_not_fit_fails(corpus: Path, changes: dict[str, Any], message: str) -> None:
    (problem,) = found(corpus, line(**changes), *REST)
    assert (problem.rule, problem.fails) == (Rule.ANNOTATIONS, True)
    assert message in problem.message
    assert problem.where == ("test/own.jsonl:1 sentences[0]",)


def test_a_held_out_sentence_without_annotation_and_a_stranger_fail(corpus: Path) -> None:
    stranger, missing = found(corpus, line(sentence=9), *REST)
    assert stranger.message.startswith("annotated, but sentences[9] of 'd' is not in test")
    assert missing.message.startswith("has no annotation")


def test_in_train_one_pass_is_enough_and_a_disagreement_a_note(corpus: Path) -> None:
    rain = line(doc_id="t", digest=sentence_digest("It rained."), author=["background"])
    agreed = rain | {"first": ["background"]}
    del agreed["second"]
    assert found(corpus, agreed, split="train") == []
    (problem,) = found(corpus, agreed | {"first": ["attack_claim"]}, split="train")
    assert not problem.fails


def test_a_blind_sheet_tells_text_alone_in_an_order_of_its_own(corpus: Path) -> None:
    sheet = blind_sheet("test", seed=1, corpus=corpus)
    assert {tuple(each) for each in sheet} == {("id", "text")}
    assert sorted(each["text"] for each in sheet) == sorted([SHELLED, BUILT, DENIED])
    assert sheet == blind_sheet("test", seed=1, corpus=corpus)
    assert {
        tuple(e["id"] for e in blind_sheet("test", seed=n, corpus=corpus)) for n in range(9)
    } > {tuple(each["id"] for each in sheet)}


def test_passes_are_added_one_by_one(corpus: Path, tmp_path: Path) -> None:
    path = tmp_path / "annotations" / "test.jsonl"
    labels = {SHELLED: "attack_claim", BUILT: "background", DENIED: "attack_claim"}
    for name in BLIND:
        sheet = blind_sheet("test", seed=3, corpus=corpus)
        lines = [{"id": each["id"], "labels": [labels[each["text"]]]} for each in sheet]
        labelled = write(tmp_path / f"{name}.jsonl", *lines)
        assert add_pass(path, "test", name, labelled, corpus) == 3
    assert len(found_in(corpus, path)) == 1  # the author saw an attribution
    settled = {"id": sentence_digest(DENIED), "labels": ["attribution_inference"], "reason": "who"}
    assert add_pass(path, "test", "adjudicated", write(tmp_path / "s.jsonl", settled), corpus) == 1
    assert found_in(corpus, path) == []


def found_in(corpus: Path, path: Path) -> list[Problem]:
    whole = list(sentences(load_documents(corpus)))
    return check_annotations(whole, {"test": read_annotations(path)})


def test_a_pass_over_strange_sentences_is_refused(corpus: Path, tmp_path: Path) -> None:
    path = tmp_path / "annotations" / "test.jsonl"
    strange = write(tmp_path / "s.jsonl", {"id": "f" * 16, "labels": ["background"]})
    with pytest.raises(CorpusError, match="expected sentences of test, found 1 others"):
        add_pass(path, "test", "first", strange, corpus)
    nameless = write(tmp_path / "n.jsonl", {"labels": ["background"]})
    with pytest.raises(CorpusError, match=r"n\.jsonl:1: id: expected the id of one sentence"):
        add_pass(path, "test", "first", nameless, corpus)
    wrong = write(tmp_path / "w.jsonl", {"id": sentence_digest(BUILT), "labels": ["back"]})
    with pytest.raises(CorpusError, match=r"w\.jsonl:1: first: unknown label 'back'"):
        add_pass(path, "test", "first", wrong, corpus)
    empty = write(tmp_path / "e.jsonl", {"id": sentence_digest(BUILT)})
    with pytest.raises(CorpusError, match=r"e\.jsonl:1: labels: missing"):
        add_pass(path, "test", "first", empty, corpus)
    groundless = write(
        tmp_path / "g.jsonl", {"id": sentence_digest(BUILT), "labels": ["background"]}
    )
    with pytest.raises(CorpusError, match=r"g\.jsonl:1: reason: expected one with adjudicated"):
        add_pass(path, "test", "adjudicated", groundless, corpus)
    assert not path.exists()


def test_a_text_that_was_changed_is_annotated_anew(corpus: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "annotations" / "test.jsonl", line(digest="0" * 16))
    labelled = write(tmp_path / "l.jsonl", {"id": sentence_digest(BUILT), "labels": ["background"]})
    add_pass(path, "test", "second", labelled, corpus)
    changed = read_annotations(path)[0]
    assert (changed.digest, changed.first) == (sentence_digest(SHELLED), None)


def test_agreement_leaves_the_author_out() -> None:
    annotations = [
        Annotation.model_validate(line(author=["background"])),
        Annotation.model_validate(line(sentence=1, second=["background"])),
        Annotation.model_validate(line(sentence=2, second=...)),
    ]
    blind = composed_agreement(annotations, BLIND)
    assert (blind.sentences, blind.same) == (2, 1)
    with_author = composed_agreement(annotations, ("author", "first"))
    assert (with_author.sentences, with_author.same) == (3, 2)


def test_composed_splits_stand_beside_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "test.jsonl", line(), line(sentence=1, first=["background"]))
    write(tmp_path / "train.jsonl", line(second=...))
    groups = agreement_groups(annotations=tmp_path)
    assert {"all", "round 1", "composed test", "train, with author"} <= set(groups)
    assert corpus_agreement(None, "json", tmp_path) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["composed test"]["sentences"] == 2
    assert corpus_agreement(None, "table", tmp_path) == 0
    assert "composed test" in capsys.readouterr().out


def test_labels_of_another_place_stand_alone(tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text("", encoding="utf-8")
    with pytest.raises(CorpusError, match="found an empty file"):
        agreement_groups(labels)
    with pytest.raises(InputError, match="expected stand-off labels, found none"):
        agreement_groups(tmp_path / "none.jsonl")


def test_the_committed_annotations_agree() -> None:
    annotations = read_all_annotations(annotations_folder())
    for split in ("validation", "test"):
        blind = composed_agreement(annotations[split], BLIND)
        assert blind.sentences == len(annotations[split])
        for label in LABELS:
            alpha = blind.per_label[label]
            assert alpha is not None
            assert alpha >= 0.85
