from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from claimwire.data.corpus import Example, Position
from claimwire.data.labels import CLAIM_LABELS, LABELS, Label
from claimwire.model.decision import Decision, decide
from claimwire.train.thresholds import (
    GRID,
    choose_review_threshold,
    choose_thresholds,
    documents_of,
    primary_indices,
    wilson_lower,
)

ATTACK, INTERCEPTION = Label.ATTACK_CLAIM, Label.INTERCEPTION_CLAIM


def example(row: int, label: Label) -> Example:
    return Example(
        text=f"sentence {row}",
        labels=(label,),
        doc_id=f"d{row // 6}",
        split="validation",
        origin="corpus",
        theatre=None,
        genre=None,
        source=None,
        hard=False,
        is_title=False,
        position=Position("made.jsonl", row + 1),
    )


def world(
    n: int, seed: int = 0, boundary: float = 0.5, noise: float = 0.1
) -> tuple[np.ndarray, list[Example]]:
    """Probabilities that say the gold label well, but an attack is one from ``boundary`` on."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 4, n)
    probabilities = np.clip(0.12 + rng.normal(0, 0.03, (n, 4)), 0.01, 0.99)
    probabilities[np.arange(n), gold] = np.clip(rng.normal(0.85, noise, n), 0.01, 0.99)
    # Attacks and background are told apart by the first column alone, at the planted place.
    contested = np.isin(gold, (0, 3))
    column = rng.uniform(0.02, 0.98, n)
    gold = np.where(contested, np.where(column >= boundary, 0, 3), gold)
    flipped = contested & (rng.random(n) < noise)
    gold = np.where(flipped, 3 - gold, gold)
    probabilities[contested, 0] = column[contested]
    return probabilities, [example(row, LABELS[index]) for row, index in enumerate(gold)]


@pytest.mark.parametrize("boundary", [0.3, 0.7])
def test_a_planted_threshold_is_found_and_the_others_stay(boundary: float) -> None:
    probabilities, examples = world(900, boundary=boundary)
    chosen = choose_thresholds(probabilities, examples)
    assert chosen.thresholds[ATTACK] == pytest.approx(boundary, abs=0.051)
    assert chosen.thresholds[INTERCEPTION] == 0.5
    assert chosen.thresholds[Label.ATTRIBUTION_INFERENCE] == 0.5
    assert chosen.macro_f1_after > chosen.macro_f1_before + 0.02
    assert chosen.gains[ATTACK].holds
    fresh, fresh_examples = world(900, seed=1, boundary=boundary)
    again = choose_thresholds(fresh, fresh_examples, tune=False)
    assert score(fresh, fresh_examples, chosen.thresholds) > again.macro_f1_before + 0.02


def score(probabilities: np.ndarray, examples: list[Example], at: dict[Label, float]) -> float:
    """Accuracy of the primary label, which for these balanced labels goes with macro-F1."""
    gold = np.array([LABELS.index(e.labels[0]) for e in examples])
    return float((primary_indices(probabilities, at) == gold).mean())


def coin_flips(seed: int) -> tuple[np.ndarray, list[Example]]:
    """Sure claims, sure background, and coin flips between, which no threshold can sort."""
    rng = np.random.default_rng(seed)
    rows = np.arange(300)
    claim = rng.integers(0, 3, 300)
    made = rng.random(300) < 0.5
    flip = rng.random(300) < 0.2
    column = np.where(made, rng.uniform(0.85, 0.98, 300), rng.uniform(0.02, 0.15, 300))
    probabilities = np.full((300, 4), 0.05)
    probabilities[rows, claim] = np.where(flip, rng.uniform(0.2, 0.8, 300), column)
    gold = np.where(made, claim, 3)
    return probabilities, [example(row, LABELS[index]) for row, index in enumerate(gold)]


def test_without_a_gain_the_start_stays() -> None:
    # What another threshold seems to win on one sample is luck, and there are many samples.
    kept, seemed_better = 0, 0
    for seed in range(10):
        chosen = choose_thresholds(*coin_flips(seed))
        kept += sum(value == 0.5 for value in chosen.thresholds.values())
        seemed_better += sum(gain.best != 0.5 for gain in chosen.gains.values())
    assert seemed_better >= 20
    assert kept >= 20


def test_perfect_separation_moves_nothing() -> None:
    probabilities, examples = world(240, noise=0.0)
    chosen = choose_thresholds(probabilities, examples)
    assert set(chosen.thresholds.values()) == {0.5}
    assert chosen.macro_f1_after == chosen.macro_f1_before
    assert not any(gain.holds for gain in chosen.gains.values())


def test_the_choice_is_the_same_each_time_and_on_the_grid() -> None:
    probabilities, examples = world(400, boundary=0.3)
    first, second = (choose_thresholds(probabilities, examples) for _ in range(2))
    assert first == second
    assert set(first.thresholds.values()) <= set(GRID)
    order = np.random.default_rng(0).permutation(400)
    shuffled = choose_thresholds(probabilities[order], [examples[row] for row in order])
    assert shuffled.thresholds == first.thresholds


def test_a_rare_label_a_single_document_and_no_sentences_keep_the_start() -> None:
    probabilities, examples = world(400, boundary=0.3)
    few = [row for row, e in enumerate(examples) if e.labels[0] is not ATTACK]
    few += [row for row, e in enumerate(examples) if e.labels[0] is ATTACK][:9]
    rare = choose_thresholds(probabilities[few], [examples[row] for row in few])
    assert rare.thresholds[ATTACK] == 0.5
    assert ATTACK not in rare.gains
    one = [replace(e, doc_id="one") for e in examples]
    assert set(choose_thresholds(probabilities, one).thresholds.values()) == {0.5}
    empty = choose_thresholds(probabilities[:0], [], start=0.4)
    assert empty.thresholds == dict.fromkeys(CLAIM_LABELS, 0.4)


def test_fixed_thresholds_are_only_measured() -> None:
    probabilities, examples = world(400, boundary=0.3)
    chosen = choose_thresholds(probabilities, examples, 0.45, tune=False)
    assert set(chosen.thresholds.values()) == {0.45}
    assert chosen.gains == {}
    assert chosen.macro_f1_after == chosen.macro_f1_before > 0.5


def test_test_sentences_and_uneven_lengths_are_refused() -> None:
    probabilities, examples = world(60)
    with pytest.raises(ValueError, match="expected one row an example"):
        choose_thresholds(probabilities[:-1], examples)
    examples[7] = replace(examples[7], split="test")
    with pytest.raises(ValueError, match=r"made\.jsonl:8: expected validation sentences"):
        choose_thresholds(probabilities, examples)
    with pytest.raises(ValueError, match="one of test"):
        choose_review_threshold(decisions_of(probabilities), examples)


def test_primary_indices_follow_the_decision_rule() -> None:
    rng = np.random.default_rng(3)
    probabilities = rng.random((300, 4)).round(1)  # many ties
    thresholds = dict(zip(CLAIM_LABELS, (0.3, 0.5, 0.9), strict=True))
    decisions = decide(probabilities, thresholds, 0.5, np.zeros(300, dtype=bool))
    expected = [LABELS.index(decision.label) for decision in decisions]
    assert primary_indices(probabilities, thresholds).tolist() == expected
    ranking = np.random.default_rng(8).normal(size=probabilities.shape)
    ranked = decide(probabilities, thresholds, 0.5, np.zeros(300, dtype=bool), ranking)
    expected = [LABELS.index(decision.label) for decision in ranked]
    assert primary_indices(probabilities, thresholds, ranking).tolist() == expected
    assert expected != [LABELS.index(decision.label) for decision in decisions]
    assert set(expected) == {0, 1, 2, 3}


def test_a_sentence_without_a_document_is_its_own() -> None:
    alone = [replace(example(row, ATTACK), doc_id=None) for row in range(3)]
    assert len(set(documents_of(alone))) == 3


def decisions_of(probabilities: np.ndarray) -> list[Decision]:
    cut = np.zeros(len(probabilities), dtype=bool)
    return decide(probabilities, dict.fromkeys(CLAIM_LABELS, 0.5), 0.0, cut)


def reviewed(n: int = 4000) -> tuple[list[Decision], list[Example]]:
    """Decisions that are right as often as they are confident: precision above c is (1 + c) / 2."""
    rng = np.random.default_rng(5)
    confidence = rng.uniform(0.5, 1.0, n)
    probabilities = np.full((n, 4), 0.01)
    probabilities[:, 0] = confidence
    right = rng.random(n) < confidence
    return decisions_of(probabilities), [
        example(row, ATTACK if hit else INTERCEPTION) for row, hit in enumerate(right)
    ]


def test_the_review_threshold_holds_the_precision_and_is_the_lowest_that_does() -> None:
    decisions, examples = reviewed()
    choice = choose_review_threshold(decisions, examples, 0.9)
    assert choice.attained
    assert choice.threshold == pytest.approx(0.8, abs=0.03)
    above = [
        d.label == e.labels[0]
        for d, e in zip(decisions, examples, strict=True)
        if d.confidence >= choice.threshold
    ]
    assert choice.precision == pytest.approx(np.mean(above))
    assert choice.precision >= 0.9
    assert choice.kept == len(above) / len(decisions)
    lower = [
        d.label == e.labels[0]
        for d, e in zip(decisions, examples, strict=True)
        if d.confidence >= choice.threshold - 0.005
    ]
    assert np.mean(lower) < 0.9


def test_a_higher_precision_never_gives_a_lower_threshold() -> None:
    decisions, examples = reviewed(300)
    found = [
        choose_review_threshold(decisions, examples, target)
        for target in (0.0, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95)
    ]
    attained = [choice.threshold for choice in found if choice.attained]
    assert attained == sorted(attained)
    assert attained[0] == 0.0
    assert found[0].kept == 1.0
    bounded = choose_review_threshold(decisions, examples, 0.8, z=1.645)
    assert bounded.threshold > choose_review_threshold(decisions, examples, 0.8).threshold


def test_an_unattainable_precision_gives_the_nearest_and_says_so() -> None:
    decisions, examples = reviewed(400)
    wrong = [replace(e, labels=(INTERCEPTION,)) if n % 2 else e for n, e in enumerate(examples)]
    choice = choose_review_threshold(decisions, wrong, 0.9)
    assert not choice.attained
    assert choice.precision < 0.9
    for level in (0.0, 0.5, 0.7, 0.9):
        kept = [
            d.label == e.labels[0]
            for d, e in zip(decisions, wrong, strict=True)
            if d.confidence >= level
        ]
        assert np.mean(kept) <= choice.precision


def test_truncated_sentences_are_reviewed_anyway_and_do_not_count() -> None:
    decisions, examples = reviewed(400)
    cut = [replace(d, truncated=n % 2 == 0) for n, d in enumerate(decisions)]
    choice = choose_review_threshold(cut, examples, 0.0)
    assert choice.kept == 0.5
    whole = [n for n in range(400) if n % 2]
    assert choice.precision == np.mean([examples[n].labels[0] is ATTACK for n in whole])
    with pytest.raises(ValueError, match="at least one decision on a whole sentence"):
        choose_review_threshold([], [])


def test_the_wilson_bound_agrees_with_a_known_value() -> None:
    assert wilson_lower(9, 10, 0.0) == 0.9
    # 8 of 10 at 1.96 deviations: 0.4901 to 0.9434 in the tables of the literature.
    assert wilson_lower(8, 10, 1.959964) == pytest.approx(0.4902, abs=2e-4)
    assert wilson_lower(0, 10, 1.96) == pytest.approx(0.0, abs=1e-12)
