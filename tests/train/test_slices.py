from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score  # noqa: TID253

from claimwire.data.corpus import Example, Position, default_corpus, load_examples
from claimwire.data.documents import Genre, Theatre
from claimwire.data.labels import LABELS, Label
from claimwire.model.decision import Decision
from claimwire.model.release import load_release
from claimwire.model.runtime import Runtime
from claimwire.train.metrics import confusion_matrix
from claimwire.train.slices import (
    KINDS,
    LENGTHS,
    Slice,
    has_hedge,
    has_negation,
    has_quotation,
    length_bin,
    present_macro_f1,
    slice_metrics,
)

ATTACK, INTERCEPTION, ATTRIBUTION, BACKGROUND = LABELS


def decision(label: Label) -> Decision:
    return Decision(label, (label,), dict.fromkeys(LABELS, 0.5), 0.5, False, False)


def example(
    labels: tuple[Label, ...] = (ATTACK,),
    *,
    text: str = "A rocket hit the depot.",
    document: str | None = "d1",
    theatre: Theatre | None = None,
    genre: Genre | None = None,
    source: str | None = None,
    hard: bool = False,
    line: int = 1,
) -> Example:
    return Example(
        text=text,
        labels=labels,
        doc_id=document,
        split="test",
        origin="corpus" if source == "corpus" else "extra",
        theatre=theatre,
        genre=genre,
        source=source,
        hard=hard,
        is_title=False,
        position=Position("file.jsonl", line),
    )


def find(slices: list[Slice], kind: str, name: str) -> Slice:
    return next(each for each in slices if (each.kind, each.name) == (kind, name))


# --- wording --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("has", "text"),
    [
        (has_quotation, 'The mayor called it "a massacre".'),
        (has_quotation, "“We will answer in kind, he went on."),
        (has_quotation, "We will answer in kind,” he went on."),
        (has_quotation, "Il a parlé de « représailles »."),
        (has_quotation, "„Wir antworten“, sagte er."),
        (has_quotation, "'We heard two bangs,' she said."),
        (has_quotation, "He blamed the ‘axis of resistance’ for it."),
        (has_hedge, "The depot was reportedly hit."),
        (has_hedge, "Reportedly, the depot was hit."),
        (has_hedge, "The alleged gunman fled."),
        (has_hedge, "He is said to have ordered it."),
        (has_hedge, "The rocket, said to be of local make, fell short."),
        (has_hedge, "The crew may have been warned."),
        (has_hedge, "It might not have been aimed at the port."),
        (has_hedge, "A drone appears to have struck the mast."),
        (has_hedge, "It was not immediately clear who fired."),
        (has_hedge, "The report could not be independently verified."),
        (has_hedge, "Two men are believed to be under the rubble."),
        (has_negation, "The missile did not reach the port."),
        (has_negation, "It didn't explode."),
        (has_negation, "It didn’t explode."),
        (has_negation, "Nobody was hurt."),
        (has_negation, "No one claimed the blast."),
        (has_negation, "They neither fired nor moved."),
        (has_negation, "The drone fell without warning."),
    ],
)
def test_wording_is_seen(has: Callable[[str], bool], text: str) -> None:
    assert has(text)


@pytest.mark.parametrize(
    ("has", "text"),
    [
        (has_quotation, "The soldiers' tents and the army's trucks burned."),
        (has_quotation, "It didn't explode, and they're glad."),
        (has_hedge, "The attacks in May have killed forty people."),
        (has_hedge, "The army said it fired two rockets."),
        (has_hedge, "According to the governor, two rockets fell."),
        (has_hedge, "No casualties were reported."),
        (has_hedge, "He appeared in court on Monday."),
        (has_hedge, "Explosions could be heard across the city."),
        (has_negation, "Not only the port but the depot burned."),
        (has_negation, "Gun No. 3 opened fire."),
        (has_negation, "Notable damage was done in the north."),
        (has_negation, "The group denied it."),
    ],
)
def test_wording_that_only_resembles_is_not(has: Callable[[str], bool], text: str) -> None:
    assert not has(text)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        *[(words, "1-9") for words in (1, 9)],
        *[(words, "10-19") for words in (10, 19)],
        *[(words, "20-29") for words in (20, 29)],
        *[(words, "30-39") for words in (30, 39)],
        *[(words, "40+") for words in (40, 41, 400)],
    ],
)
def test_bins_of_length(words: int, name: str) -> None:
    assert length_bin(" ".join(["word"] * words)) == name


# --- metrics --------------------------------------------------------------------------------


def test_a_slice_calculated_by_hand() -> None:
    # Gold: 2 attacks, 2 background. Predicted: attack, interception; background, background.
    # F1 of attack 2 * 1 / (2 + 1) = 2/3, of background 1; interception is not in gold: mean 5/6.
    examples = [
        example((label,), theatre=Theatre.AFRICA, document=document)
        for label, document in (
            (ATTACK, "d1"),
            (ATTACK, "d2"),
            (BACKGROUND, "d1"),
            (BACKGROUND, "d2"),
        )
    ]
    decisions = [decision(label) for label in (ATTACK, INTERCEPTION, BACKGROUND, BACKGROUND)]
    found = find(slice_metrics(examples, decisions, fewest=4), "theatre", "africa")
    assert (found.n, found.documents, found.accuracy) == (4, 2, 0.75)
    assert found.primary_macro_f1 == pytest.approx(5 / 6)
    # A quarter of the resamples are d1 twice (all right: 1), a quarter d2 twice (attack 0,
    # background 1: 1/2), so that the quantiles are those.
    assert found.interval == pytest.approx((0.5, 1.0))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_present_macro_f1_agrees_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    gold, predicted = (np.array(column) for column in zip(*pairs, strict=True))
    expected = f1_score(gold, predicted, labels=np.unique(gold), average="macro", zero_division=0)
    assert present_macro_f1(confusion_matrix(gold, predicted)) == pytest.approx(expected)


def test_small_slices_are_counted_not_measured() -> None:
    examples = [example(theatre=Theatre.AFRICA)] * 3 + [example(theatre=Theatre.OTHER)] * 4
    slices = slice_metrics(examples, [decision(ATTACK)] * 7, fewest=4)
    small, large = find(slices, "theatre", "africa"), find(slices, "theatre", "other")
    assert small == Slice("theatre", "africa", 3, 1, None, None, None)
    assert (large.n, large.primary_macro_f1, large.accuracy) == (4, 1.0, 1.0)


def test_one_document_has_no_interval() -> None:
    slices = slice_metrics([example()] * 20, [decision(ATTACK)] * 20)
    assert {(each.accuracy, each.interval) for each in slices} == {(1.0, None)}


def test_documents_are_told_apart_by_source_and_position() -> None:
    examples = [
        example(source="one"),
        example(source="two"),
        example(document=None, line=1),
        example(document=None, line=2),
    ]
    slices = slice_metrics(examples, [decision(ATTACK)] * 4, fewest=1)
    assert find(slices, "length", "1-9").documents == 4


def test_each_kind_has_its_slices_in_order() -> None:
    examples = [
        example(text="word " * 45, theatre=Theatre.AFRICA, genre=Genre.WIRE, source="corpus"),
        example((ATTACK, INTERCEPTION), text="It is not so.", hard=True, source="s"),
        example(text='Reportedly "so".', theatre=Theatre.AFRICA, source="s"),
    ]
    slices = slice_metrics(examples, [decision(ATTACK)] * 3)
    names = {kind: [each.name for each in slices if each.kind == kind] for kind in KINDS}
    assert names == {
        "theatre": ["africa", "(unknown)"],
        "genre": ["(unknown)", "wire"],
        "source": ["s", "corpus"],
        "origin": ["extra", "corpus"],
        "length": ["1-9", "40+"],
        "quotation": ["yes", "no"],
        "hedge": ["yes", "no"],
        "negation": ["yes", "no"],
        "labels": ["1", "2"],
        "hard": ["yes", "no"],
    }


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS), st.booleans())))
def test_each_kind_parts_all_sentences(rows: list[tuple[Label, Label, bool]]) -> None:
    examples = [
        example((gold,), hard=hard, document=f"d{number % 5}")
        for number, (gold, _, hard) in enumerate(rows)
    ]
    decisions = [decision(predicted) for _, predicted, _ in rows]
    right = sum(gold is predicted for gold, predicted, _ in rows)
    slices = slice_metrics(examples, decisions, fewest=1, resamples=20)
    for kind in KINDS:
        own = [each for each in slices if each.kind == kind]
        assert sum(each.n for each in own) == len(rows)
        assert sum(each.n * (each.accuracy or 0) for each in own) == pytest.approx(right)
    for each in slices:
        if each.interval is not None:
            assert 0 <= each.interval[0] <= each.interval[1] <= 1


def test_slices_of_a_real_release_on_the_test_split(tiny_release: Path) -> None:
    examples = [each for each in load_examples(default_corpus()) if each.split == "test"]
    decisions = Runtime(load_release(tiny_release)).predict([each.text for each in examples])
    slices = slice_metrics(examples, decisions)
    assert slices == slice_metrics(examples, decisions)
    assert {each.kind for each in slices} == set(KINDS)
    assert [each.name for each in slices if each.kind == "length"] == list(LENGTHS)
    whole = find(slices, "source", "corpus")
    assert whole.n == len(examples)
    assert whole.interval is not None
    assert whole.primary_macro_f1 is not None
    assert whole.interval[0] <= whole.primary_macro_f1 <= whole.interval[1]
    assert json.loads(json.dumps([each.to_json() for each in slices]))[0]["kind"] == "theatre"


def test_uneven_input_is_refused_and_empty_input_has_no_slices() -> None:
    assert slice_metrics([], []) == []
    with pytest.raises(ValueError, match="1 examples and 0 decisions"):
        slice_metrics([example()], [])
