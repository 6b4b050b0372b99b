"""Wrong labels planted in a separable set come first; no model sees the document it judges."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from claimwire.data.corpus import CORPUS_SOURCE, Example, Position, load_examples
from claimwire.data.errors import ConfigError, CorpusError, InputError
from claimwire.data.labels import LABELS, Label
from claimwire.train.suspect_commands import (
    SuspectOptions,
    corpus_suspects,
    json_line,
    print_suspects,
)
from claimwire.train.suspects import (
    FOLDS,
    UNSURE,
    FloatArray,
    SuspectReport,
    confident_joint,
    confident_labels,
    cross_validated,
    document_folds,
    document_numbers,
    estimated_joint,
    find_suspects,
)

A, I, T, B = LABELS  # attack, interception, attribution, background  # noqa: E741
QUIET = Console(file=io.StringIO())
DOCUMENTS, A_DOCUMENT = 15, 8
PLANTED = (3, 21, 40, 58, 77, 102)


def example(
    text: str, label: Label, document: str | None, line: int, *, hard: bool = False
) -> Example:
    return Example(
        text=text,
        labels=(label,),
        doc_id=document,
        split="train",
        origin="corpus",
        theatre=None,
        genre=None,
        source=CORPUS_SOURCE,
        hard=hard,
        is_title=False,
        position=Position("train/own.jsonl", line, 0),
    )


@pytest.fixture(scope="module")
def clean() -> tuple[list[Example], FloatArray]:
    """120 sentences of 15 documents in four clouds far apart, one a label."""
    rng = np.random.default_rng(5)
    numbers = np.arange(DOCUMENTS * A_DOCUMENT)
    examples = [
        example(f"Own sentence {row}.", LABELS[row % 4], f"d{row // A_DOCUMENT}", row + 1)
        for row in numbers.tolist()
    ]
    centres = np.eye(4, 12) * 4
    return examples, centres[numbers % 4] + rng.normal(size=(len(numbers), 12)) * 0.5


@pytest.fixture(scope="module")
def planted(clean: tuple[list[Example], FloatArray]) -> tuple[list[Example], FloatArray]:
    examples = list(clean[0])
    for row in PLANTED:
        examples[row] = replace(examples[row], labels=(LABELS[(row + 1) % 4],))
    return examples, clean[1]


@pytest.fixture(scope="module")
def report(planted: tuple[list[Example], FloatArray]) -> SuspectReport:
    return find_suspects(*planted, QUIET)


def test_planted_labels_come_first(
    report: SuspectReport, planted: tuple[list[Example], FloatArray]
) -> None:
    expected = {str(planted[0][row].position): LABELS[row % 4] for row in PLANTED}
    first = report.suspects[: len(PLANTED)]
    assert {suspect.id: suspect.suggested for suspect in first} == expected
    assert len(report.suspects) < 2 * len(PLANTED)
    scores = [suspect.score for suspect in report.suspects]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    # 0.05 are wrong. The estimate lies above it: some right labels do not reach their mean.
    assert 0.04 < report.noise < 0.1
    assert report.flat("suspects")["suspects_suspects"] == len(report.suspects)


def test_right_labels_raise_no_suspicion(clean: tuple[list[Example], FloatArray]) -> None:
    found = find_suspects(*clean, QUIET)
    assert found.suspects == ()
    assert found.noise == pytest.approx(0)
    assert found.accuracy == 1


def test_the_same_seed_gives_the_same_report(
    report: SuspectReport, planted: tuple[list[Example], FloatArray]
) -> None:
    assert find_suspects(*planted, QUIET) == report
    assert find_suspects(*planted, QUIET, seed=14) != report


def test_folds_hold_whole_documents_and_every_sentence_once() -> None:
    rng = np.random.default_rng(1)
    groups = rng.integers(0, 23, size=300)
    given = rng.integers(0, 4, size=300)
    folds = document_folds(given, groups, seed=13)
    assert len(folds) == FOLDS
    assert sorted(np.concatenate(folds).tolist()) == list(range(300))
    for number in range(FOLDS):
        others = np.concatenate(folds[:number] + folds[number + 1 :])
        assert not set(groups[folds[number]]) & set(groups[others])


def test_a_model_never_saw_the_document_it_judges() -> None:
    """Vectors tell the document alone: whoever saw it knows the label, whoever did not guesses."""
    groups = np.repeat(np.arange(20), 6)
    given = np.repeat(np.arange(20) % 2, 6)
    vectors = np.eye(20)[groups] * 5
    judged = cross_validated(vectors, given, groups, QUIET, seed=13)
    every_sentence_its_own = np.arange(len(groups))
    leaking = cross_validated(vectors, given, every_sentence_its_own, QUIET, seed=13)
    rows = np.arange(len(groups))
    assert judged[rows, given].mean() <= 0.5 + 1e-6
    assert leaking[rows, given].mean() > 0.55
    np.testing.assert_allclose(judged.sum(axis=1), 1)
    assert not judged[:, 2:].any()  # labels that nothing bears


def test_sentences_of_no_document_stand_alone_with_their_copies() -> None:
    examples = [
        example("One.", B, "d", 1),
        example("Two.", B, "d", 2),
        example("Three.", B, None, 3),
        example("three", A, None, 4),
        example("Four.", B, None, 5),
        replace(example("Five.", B, "d", 6), source="elsewhere"),
    ]
    assert document_numbers(examples).tolist() == [0, 0, 1, 1, 2, 3]


def test_confident_learning_on_numbers_worked_by_hand() -> None:
    given = np.array([0, 0, 0, 3, 3, 3])
    probabilities = np.array(
        [
            [0.9, 0.0, 0.0, 0.1],
            [0.8, 0.0, 0.0, 0.2],
            [0.1, 0.1, 0.0, 0.8],  # given 0, confidently 3
            [0.6, 0.0, 0.0, 0.4],  # given 3, confidently 0: 0.6 reaches the threshold of 0
            [0.5, 0.0, 0.0, 0.5],  # reaches neither
            [0.1, 0.0, 0.0, 0.9],
        ]
    )  # thresholds: 0 at 0.6, 3 at 0.6, none for 1 and 2
    confident = confident_labels(probabilities, given)
    assert confident.tolist() == [0, 0, 3, 0, UNSURE, 3]
    counts = confident_joint(given, confident)
    assert counts.tolist() == [[2, 0, 0, 1], [0] * 4, [0] * 4, [1, 0, 0, 1]]
    joint = estimated_joint(counts, given)
    np.testing.assert_allclose(joint[0], [1 / 3, 0, 0, 1 / 6])
    np.testing.assert_allclose(joint[3], [1 / 4, 0, 0, 1 / 4])
    assert joint.sum() == pytest.approx(1)


def test_a_label_never_confident_is_taken_to_be_right() -> None:
    joint = estimated_joint(np.zeros((4, 4), dtype=np.int64), np.array([0, 1, 1, 2]))
    np.testing.assert_allclose(joint, np.diag([0.25, 0.5, 0.25, 0]))


def test_reasons_tell_what_speaks_for_it(planted: tuple[list[Example], FloatArray]) -> None:
    examples, vectors = list(planted[0]), planted[1]
    row, copy = PLANTED[0], 31  # of another document, in the same cloud, rightly labelled
    assert examples[copy].labels[0] is LABELS[row % 4]
    examples[row] = replace(examples[row], hard=True)
    examples[copy] = replace(examples[copy], text=examples[row].text.upper())
    found = find_suspects(examples, vectors, QUIET).suspects
    suspect = next(each for each in found if each.id == str(examples[row].position))
    given, suggested = suspect.given[0], suspect.suggested
    assert suspect.reasons[0] == (
        f"model gives {suggested} {suspect.suggested_probability:.2f}, "
        f"{given} {suspect.given_probability:.2f}"
    )
    assert f"its 5 nearest labelled sentences of other documents: 5 {suggested}" in suspect.reasons
    assert f"the same words bear {suggested} at {examples[copy].position}" in suspect.reasons
    assert "marked hard" in suspect.reasons


def test_neighbours_of_the_same_document_do_not_count() -> None:
    """Document d0 is one cloud of its own, wrongly labelled throughout but for one sentence."""
    rng = np.random.default_rng(2)
    examples, rows = [], []
    for row in range(60):
        document = row // 6
        label = (A, B)[row % 2] if document else B
        examples.append(example(f"Own sentence {row}.", label, f"d{document}", row + 1))
        side = -3.0 if label is B and document else 3.0
        rows.append([side, 2.0 if not document else 0.0])
    vectors = np.array(rows) + rng.normal(size=(60, 2)) * 0.1
    found = find_suspects(examples, vectors, QUIET).suspects
    mine = [each for each in found if each.document == "d0"]
    assert len(mine) == 6
    for suspect in mine:  # the other five of d0 are nearest, and say background
        reason = "its 5 nearest labelled sentences of other documents: 5 attack_claim"
        assert suspect.reasons[1] == reason


def test_a_further_label_that_is_suggested_is_a_matter_of_order(
    planted: tuple[list[Example], FloatArray],
) -> None:
    examples = list(planted[0])
    row = PLANTED[1]  # an interception in truth, given attribution
    examples[row] = replace(examples[row], labels=(T, I))
    suspects = find_suspects(examples, planted[1], QUIET).suspects
    suspect = next(each for each in suspects if each.id == str(examples[row].position))
    assert suspect.given == (T, I)
    assert suspect.reasons[-1] == (
        "interception_claim is given as a further label: perhaps only the order is wrong"
    )


def few(documents: int, labels: Sequence[Label]) -> list[Example]:
    return [
        example(f"Own sentence {n} {label}.", label, f"d{n}", n + 1)
        for n in range(documents)
        for label in labels
    ]


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ([], "found 0 sentences of 0: add documents"),
        (few(4, LABELS), "found 16 sentences of 4: add documents"),
        (few(6, [B]), "expected two labels or more, found background alone"),
        (
            [*few(6, [A, B]), example("Own.", I, "d1", 99)],
            "expected every label .* at least 5 documents.*found interception_claim in 1",
        ),
    ],
)
def test_a_corpus_too_small_is_refused(examples: list[Example], message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        find_suspects(examples, np.zeros((len(examples), 3)), QUIET)


def test_a_suspect_survives_a_line_of_json(report: SuspectReport) -> None:
    odd = replace(report.suspects[0], text='Ракети «Шахед»\n[bold]"quoted"[/bold] \ud800')
    line = json_line(odd)
    assert "\n" not in line
    expected = odd.to_json() | {"text": odd.text.replace("\ud800", "?")}
    assert json.loads(line.encode("utf-8")) == expected
    assert [Label(name) for name in expected["given"]] == list(odd.given)


def test_the_table_cuts_text_and_takes_it_literally(report: SuspectReport) -> None:
    text = "[bold]Sirens[/bold] \x1b[31msounded\x1b[0m over the harbour " + "again and " * 30
    suspect = replace(report.suspects[0], text=text, document="[red]d0[/red]")
    stream = io.StringIO()
    print_suspects(Console(file=stream, width=90), [suspect])
    printed = stream.getvalue()
    assert "[bold]Sirens[/bold]" in printed
    assert "[red]d0[/red]" in printed
    assert "\x1b" not in printed
    assert "…" in printed
    assert max(len(line) for line in printed.splitlines()) <= 90


def corpus_folder(folder: Path) -> Path:
    """A corpus of 12 documents that words tell apart, with one wrong label in d2."""
    words = {
        A: "Two rockets struck the market of Oru",
        I: "Gunners shot down the drone off Oru",
        T: "Nobody claimed responsibility, officials blamed the rebels",
        B: "Ministers will discuss the budget of the ferry",
    }
    for number in range(12):
        split = {10: "validation", 11: "test"}.get(number, "train")
        sentences = [
            {"text": f"{text} on day {number}.", "labels": [label.value]}
            for label, text in words.items()
        ]
        if number == 2:
            sentences[0]["labels"] = [B.value]
        document = {
            "doc_id": f"d{number}",
            "title": "Oru",
            "theatre": "fictional",
            "genre": "wire",
            "year": 2023,
            "sentences": sentences,
        }
        path = folder / split / "own.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(document) + "\n")
    return folder


def test_the_command_from_sentences_to_lines(
    tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = corpus_folder(tmp_path / "corpus")
    output = tmp_path / "suspects.jsonl"
    options = SuspectOptions(base=str(tiny_base), output=output)
    assert corpus_suspects(corpus, [], options) == 0
    lines = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert lines[0]["id"] == "train/own.jsonl:3 sentences[0]"
    assert lines[0]["id"] in {str(each.position) for each in load_examples(corpus)}
    assert (lines[0]["given"], lines[0]["suggested"]) == (["background"], "attack_claim")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "among 48 sentences" in captured.err
    assert not list(tmp_path.glob("*.partial"))

    assert corpus_suspects(corpus, [], replace(options, output=None, top=1)) == 0
    printed = capsys.readouterr().out
    assert "Two rockets struck the market of Oru on day 2." in printed
    assert f"{lines[0]['score']:.2f}  background" in printed


def test_wrong_options_are_refused_before_any_work(tmp_path: Path) -> None:
    corpus = corpus_folder(tmp_path / "corpus")
    for options, error, message in (
        (SuspectOptions(output_format="jsnl"), ConfigError, "did you mean jsonl"),
        (SuspectOptions(base="released:small"), ConfigError, "an encoder that saw no labels"),
        (SuspectOptions(top=-1), ConfigError, "--top: expected a number"),
        (SuspectOptions(output=tmp_path / "none" / "x.jsonl"), InputError, "expected a folder"),
    ):
        with pytest.raises(error, match=message):
            corpus_suspects(corpus, [], options)
