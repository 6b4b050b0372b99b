"""The behavioural suite that ships, and the reader of suites."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from claimwire.data.behaviour_cases import Case, load_behaviour
from claimwire.data.corpus import load_examples
from claimwire.data.errors import CorpusError, InputError, MissingExtraError
from claimwire.data.labels import LABELS, Label
from claimwire.data.opponents import load_conflicts

CAPABILITIES = {
    "actor_swap",
    "aftermath",
    "claim_of_responsibility_vs_attribution",
    "crime_accident_cyber_sports",
    "denial_and_unclaimed",
    "detection_and_defence",
    "downed_aircraft",
    "ground_assault_repelled",
    "headline",
    "hedge",
    "identifying_phrase",
    "interception_partial_or_failed",
    "negated_interception",
    "numbers",
    "particular_vs_general",
    "passive_and_nominal",
    "plots_foiled",
    "reported_speech",
    "supply_and_origin",
    "tense",
    "territory",
    "threat_plan_conditional",
    "two_claims_order",
}


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return load_behaviour()


def suite(folder: Path, content: str, name: str = "tense.yaml") -> Path:
    (folder / name).write_text(content, encoding="utf-8")
    return folder


def test_the_suite_is_large_and_even(cases: list[Case]) -> None:
    by_capability = Counter(case.capability for case in cases)
    assert set(by_capability) == CAPABILITIES
    assert len(cases) >= 260
    assert min(by_capability.values()) >= 8
    labels = Counter(case.expect for case in cases)
    assert min(labels[label] for label in LABELS) >= 40
    assert sum(case.kind == "invariant" for case in cases) >= 40


def normal(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def test_no_sentence_stands_twice(cases: list[Case]) -> None:
    texts = Counter(normal(text) for case in cases for text in case.variants)
    assert [text for text, count in texts.items() if count > 1] == []


def test_no_sentence_is_in_the_corpus(cases: list[Case]) -> None:
    corpus = {normal(example.text) for example in load_examples()}
    assert not {normal(text) for case in cases for text in case.variants} & corpus


def test_no_sentence_is_in_the_shared_real_text(cases: list[Case]) -> None:
    shared = os.environ.get("CLAIMWIRE_SHARED")
    if not shared:
        pytest.skip("CLAIMWIRE_SHARED is not set: no folder of real sentences to compare with")
    files = sorted(Path(shared).glob("real-*/*.jsonl"))
    assert files
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    real = {normal(record["text"]) for line in lines if "text" in (record := json.loads(line))}
    assert not {normal(text) for case in cases for text in case.variants} & real


def test_the_sides_of_a_conflict_are_named_about_equally_often(cases: list[Case]) -> None:
    texts = [text for case in cases for text in case.variants]
    checked = 0
    for conflict in load_conflicts():
        named = [conflict.named(text) for text in texts]
        sides = sum(left for left, _ in named), sum(right for _, right in named)
        if conflict.name in {"russia-ukraine", "saudi-houthi", "india-pakistan", "sudan"}:
            checked += 1
            assert min(sides) >= 0.6 * max(sides), (conflict.name, sides)
    assert checked == 4


def test_reads_both_kinds(tmp_path: Path) -> None:
    content = """
- text: Two shells hit the mill at noon on Friday.
  labels: [attack_claim, interception_claim]
  why: for show
- pair: [The mill was hit., Shells hit the mill.]
- pair: [The mill stands., The mill still stands.]
  expect: background
"""
    first, second, third = load_behaviour(suite(tmp_path, content))
    assert first == Case(
        "tense",
        1,
        ("Two shells hit the mill at noon on Friday.",),
        Label.ATTACK_CLAIM,
        (Label.ATTACK_CLAIM, Label.INTERCEPTION_CLAIM),
        "for show",
    )
    assert (first.kind, second.kind, second.expect) == ("expected", "invariant", None)
    assert (third.number, third.expect) == (3, Label.BACKGROUND)


GOOD = "- {text: A mill stood there., expect: background}\n"


@pytest.mark.parametrize(
    ("entry", "place", "message"),
    [
        ("- {text: A, expect: atack_claim}", "case 2: expect", "did you mean attack_claim?"),
        ("- {text: A, expext: background}", "case 2: expext", "did you mean expect?"),
        ("- {text: A}", "case 2: expect", "missing: expected one of attack_claim"),
        ("- {text: 5, expect: background}", "case 2: text", "expected a sentence"),
        ("- {text: '', expect: background}", "case 2: text", "expected one line of text"),
        ("- {text: A  b, expect: background}", "case 2: text", "superfluous spaces"),
        ("- {expect: background}", "case 2", "expected either text or pair, found neither"),
        ("- {text: A, pair: [B, C]}", "case 2", "found both"),
        ("- {pair: [B]}", "case 2: pair", "two or more variants"),
        ("- {pair: [B, B]}", "case 2: pair", "found one twice"),
        ("- {pair: [B, 7]}", "case 2: pair[1]", "found the number 7"),
        ("- {pair: B}", "case 2: pair", "expected a list of two or more sentences"),
        ("- {text: A, labels: [background, attack_claim]}", "case 2: labels", "never does"),
        ("- {text: A, labels: []}", "case 2: labels", "no label"),
        ("- {text: A, expect: background, labels: [background]}", "case 2: expect", "found both"),
        ("- {text: A, text: B, expect: background}", "case 2", "'text' stands twice"),
        ("- A sentence alone", "case 2", "expected a mapping of fields"),
        ("- {text: a MILL stood there., expect: background}", "case 2: text", "tense.yaml case 1"),
    ],
)
def test_faults_name_file_case_and_field(
    tmp_path: Path, entry: str, place: str, message: str
) -> None:
    folder = suite(tmp_path, GOOD + entry)
    with pytest.raises(CorpusError) as caught:
        load_behaviour(folder)
    assert f"{folder / 'tense.yaml'}:2: {place}: " in str(caught.value)
    assert message in str(caught.value)


def test_all_faults_of_all_files_are_named(tmp_path: Path) -> None:
    suite(tmp_path, "- {text: A}", "hedge.yaml")
    suite(tmp_path, "- {text: B}\n- {pair: [C]}", "tense.yaml")
    with pytest.raises(CorpusError) as caught:
        load_behaviour(tmp_path)
    assert str(caught.value).count("case ") == 3


@pytest.mark.parametrize("content", ["", "[]", "text: A mapping", "just words"])
def test_a_file_without_a_list_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(CorpusError, match=r"tense\.yaml: expected a YAML list"):
        load_behaviour(suite(tmp_path, content))


def test_broken_yaml_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"tense\.yaml:2: expected valid YAML"):
        load_behaviour(suite(tmp_path, GOOD + "- {text: 'open}"))


def test_bytes_that_are_no_utf8_are_refused(tmp_path: Path) -> None:
    (tmp_path / "tense.yaml").write_bytes(b"- {text: \xff, expect: background}")
    with pytest.raises(CorpusError, match=r"tense\.yaml: expected UTF-8"):
        load_behaviour(tmp_path)


def test_a_file_that_would_be_overlooked_is_refused(tmp_path: Path) -> None:
    suite(tmp_path, GOOD)
    suite(tmp_path, GOOD, "hedge.yml")
    with pytest.raises(CorpusError, match=r"hedge\.yml: expected only \.yaml files"):
        load_behaviour(tmp_path)


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected \.yaml files of behavioural cases"):
        load_behaviour(tmp_path)
    with pytest.raises(InputError, match="found nothing: check the path"):
        load_behaviour(tmp_path / "none")


def test_without_pyyaml_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingExtraError, match=r"claimwire\[train\]"):
        load_behaviour()
