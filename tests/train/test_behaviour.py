"""The behavioural report and the actor-swap flip rate, on a release that was really exported."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from claimwire.data.behaviour_cases import Case, load_behaviour
from claimwire.data.corpus import load_examples
from claimwire.data.documents import Record
from claimwire.data.labels import LABELS, Label
from claimwire.data.opponents import Conflict
from claimwire.model.decision import Calibration, Decision
from claimwire.model.release import load_release
from claimwire.model.runtime import Runtime
from claimwire.train.behaviour import actor_swap_flips, document_parties, run_behaviour
from claimwire.train.behaviour_commands import behaviour
from claimwire.train.shares import Share, wilson_interval


@pytest.fixture(scope="module")
def runtime(tiny_release: Path) -> Runtime:
    """The tiny release, calibrated so that each claim is found in half of the corpus.

    As it is exported, an untrained network says the same of every sentence.
    """
    release = load_release(tiny_release)
    logits, _ = Runtime(release).logits([example.text for example in load_examples()])
    scale = 1 / logits.std(axis=0)
    bias = -np.median(logits, axis=0) * scale
    calibration = {
        label: Calibration(float(scale[n]), float(bias[n])) for n, label in enumerate(LABELS)
    }
    manifest = release.manifest.model_copy(update={"calibration": calibration})
    return Runtime(replace(release, manifest=manifest))


SENTENCE = "Two shells hit the mill at Velm on Friday."


def test_a_wrong_label_is_a_failure_and_a_right_one_is_not(runtime: Runtime) -> None:
    (decision,) = runtime.predict([SENTENCE])
    cases = [Case("tense", n, (SENTENCE,), label) for n, label in enumerate(LABELS, start=1)]
    report = run_behaviour(cases, runtime)
    assert report.overall == Share(1, 4)
    assert {failure.expected for failure in report.failures} == set(LABELS) - {decision.label}
    for failure in report.failures:
        assert failure.texts == (SENTENCE,)
        assert failure.found == (decision.label,)
        assert failure.confidence == pytest.approx((decision.confidence,), abs=1e-3)


def two_sentences_judged_differently(runtime: Runtime) -> tuple[str, str]:
    texts = [example.text for example in load_examples()][:200]
    labels = [decision.label for decision in runtime.predict(texts)]
    other = next(n for n, label in enumerate(labels) if label is not labels[0])
    return texts[0], texts[other]


def test_variants_must_agree(runtime: Runtime) -> None:
    one, other = two_sentences_judged_differently(runtime)
    label = runtime.predict([one])[0].label
    wrong = next(candidate for candidate in LABELS if candidate is not label)
    cases = [
        Case("numbers", 1, (one, one), None),
        Case("numbers", 2, (one, one), label),
        Case("numbers", 3, (one, one), wrong),
        Case("numbers", 4, (one, other), None),
        Case("numbers", 5, (one, other), label),
    ]
    report = run_behaviour(cases, runtime)
    assert [failure.number for failure in report.failures] == [3, 4, 5]
    assert len(report.failures[1].found) == 2


def test_the_shipped_suite_is_reported_by_capability(runtime: Runtime) -> None:
    cases = load_behaviour()
    report = run_behaviour(cases, runtime)
    assert report.overall.n == len(cases)
    assert sum(share.n for share in report.by_capability.values()) == len(cases)
    assert sum(share.hits for share in report.by_capability.values()) == report.overall.hits
    assert report.overall.n - report.overall.hits == len(report.failures)
    assert report.label_sets.n == report.by_capability["two_claims_order"].n
    flat = report.flat("behaviour")
    assert flat["behaviour/pass_rate"] == report.overall.rate
    assert flat["behaviour/pass_rate/tense"] == report.by_capability["tense"].rate
    json.dumps(report.to_json())


def test_nothing_to_judge_is_no_error(runtime: Runtime) -> None:
    assert run_behaviour([], runtime).overall == Share(0, 0)
    report = actor_swap_flips([], runtime)
    assert (report.flip_rate, report.changed.ci95, report.total) == (0.0, (0.0, 1.0), 0)


class FirstWord:
    """Takes the sentence's first word as all there is to know: a model with prejudice."""

    def predict(self, sentences: Sequence[str]) -> list[Decision]:
        return [self._decide(text) for text in sentences]

    def _decide(self, text: str) -> Decision:
        guilty = text.startswith("Russia")
        label = Label.ATTACK_CLAIM if guilty else Label.BACKGROUND
        return Decision(label, (label,), dict.fromkeys(LABELS, 0.5), 0.5, False, False)


def record(text: str, doc_id: str | None = None) -> Record:
    return Record(text=text, labels=[Label.BACKGROUND], doc_id=doc_id)


def test_a_prejudice_is_found() -> None:
    report = actor_swap_flips(
        [
            record("Russia fired at a ferry."),
            record("Ukraine fired at a ferry."),
            record("A ferry of Ukraine was hit."),
            record("A ferry was hit."),
        ],
        FirstWord(),
    )
    assert report.changed == Share(2, 3)
    assert report.total == 4
    assert report.by_conflict == {"russia-ukraine": Share(2, 3)}
    assert [flip.swapped for flip in report.flips] == [
        "Ukraine fired at a ferry.",
        "Russia fired at a ferry.",
    ]
    assert (report.flips[0].before, report.flips[0].after) == (
        Label.ATTACK_CLAIM,
        Label.BACKGROUND,
    )
    assert report.flat("test")["test/actor_swap_flip_rate"] == pytest.approx(2 / 3)
    json.dumps(report.to_json())


def test_a_documents_own_parties_go_before_the_table() -> None:
    report = actor_swap_flips(
        [
            record("Velm fired at a ferry of Russia.", "d1"),
            record("Velm fired at a ferry.", "d2"),
            record("Ukraine fired at a ferry.", "d1"),
        ],
        FirstWord(),
        parties={"d1": {"Velm": "velm", "Russia": "russia"}, "other": {"X": "x", "Y": "y"}},
    )
    assert report.changed == Share(2, 2)
    assert [flip.swapped for flip in report.flips] == [
        "Russia fired at a ferry of Velm.",
        "Russia fired at a ferry.",
    ]
    assert set(report.by_conflict) == {"the document's parties", "russia-ukraine"}


def test_names_exchanged_for_the_same_sentence_count_for_nothing() -> None:
    conflict = Conflict("same", (("Velm and Oska", "Oska"),))
    assert actor_swap_flips([record("Nobody.")], FirstWord(), conflicts=[conflict]).changed.n == 0


def test_the_flip_rate_of_a_release_on_the_corpus(runtime: Runtime) -> None:
    examples = [example for example in load_examples() if example.split == "test"]
    report = actor_swap_flips(examples, runtime, parties=document_parties())
    assert 0 < report.changed.n < report.total == len(examples)
    low, high = report.changed.ci95
    assert 0 <= low <= report.flip_rate <= high <= 1
    for flip in report.flips:
        assert flip.text != flip.swapped
        assert flip.before is not flip.after


def test_the_parties_of_a_corpus_are_read(tmp_path: Path) -> None:
    sentence = {"text": "Velm waits.", "labels": ["background"], "hard": False, "is_title": False}
    document = {
        "title": "Velm waits",
        "theatre": "fictional",
        "genre": "wire",
        "year": 2024,
        "sentences": [sentence],
    }
    for split in ("train", "validation", "test"):
        (tmp_path / split).mkdir()
        lines = [{**document, "doc_id": f"{split}-1"}]
        if split == "test":
            lines.append({**document, "doc_id": "test-2", "parties": {"Velm": "velm"}})
        text = "\n".join(json.dumps(line) for line in lines)
        (tmp_path / split / "own.jsonl").write_text(text, encoding="utf-8")
    assert document_parties(tmp_path) == {"test-2": {"Velm": "velm"}}


def test_wilson_interval_against_published_values() -> None:
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", Table I, method 3
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)
    assert wilson_interval(29, 29)[1] == 1.0
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_the_command_prints_capabilities_and_failures(
    tiny_release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert behaviour(str(tiny_release), "table") == 0
    out = capsys.readouterr().out
    assert "two_claims_order" in out
    assert "expected attack_claim" in out


def test_the_command_prints_one_json_object(
    tiny_release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.yaml").write_text(
        "".join(
            f"- {{text: Shells hit mill {n}., expect: {label}}}\n" for n, label in enumerate(LABELS)
        )
    )
    assert behaviour(str(tiny_release), "json", tmp_path) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["overall"]["n"] == 4
    assert content["by_capability"]["own"]["n"] == 4
    assert content["model"].startswith("tiny")
