from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score  # noqa: TID253

from claimwire.data.labels import LABELS, Label
from claimwire.train.metrics import (
    bootstrap_macro_f1,
    confusion_matrix,
    evaluate_predictions,
    expected_calibration_error,
    macro_f1,
)

indices = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@given(indices)
def test_macro_f1_agrees_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    gold, predicted = (np.array(column) for column in zip(*pairs, strict=True))
    expected = f1_score(gold, predicted, labels=range(4), average="macro", zero_division=0)
    assert macro_f1(confusion_matrix(gold, predicted)) == pytest.approx(expected)


def test_label_set_macro_f1_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    gold: list[list[Label]] = []
    predicted: list[list[Label]] = []
    for rows in (gold, predicted):
        for _ in range(200):
            count = rng.integers(1, 3)
            rows.append([LABELS[i] for i in rng.choice(4, size=count, replace=False)])
    multi_hot = [
        np.array([[label in labels for label in LABELS] for labels in rows]).astype(int)
        for rows in (gold, predicted)
    ]
    result = evaluate_predictions(gold, predicted, [0.5] * 200, ["d"] * 200)
    assert result.label_set_macro_f1 == pytest.approx(f1_score(*multi_hot, average="macro"))


def test_only_the_first_label_counts_for_the_headline() -> None:
    attack, interception = Label.ATTACK_CLAIM, Label.INTERCEPTION_CLAIM
    result = evaluate_predictions(
        gold=[[interception, attack]],
        predicted=[[attack, interception]],
        confidence=[0.9],
        documents=["d"],
    )
    assert result.accuracy == 0
    assert result.label_set_macro_f1 == 0.5  # two labels right, two never seen


def test_ece_of_known_bins() -> None:
    confidence = np.array([0.95, 0.95, 0.55, 0.55])
    correct = np.array([True, True, True, False])
    # bin 0.9-1.0: gap 0.05 on half the data; bin 0.5-0.6: gap 0.05 on the other half
    assert expected_calibration_error(confidence, correct) == pytest.approx(0.05)
    assert expected_calibration_error(np.array([1.0]), np.array([True])) == 0


def test_interval_covers_the_estimate_and_widens_with_fewer_documents() -> None:
    rng = np.random.default_rng(1)
    gold = rng.integers(0, 4, 400)
    predicted = np.where(rng.random(400) < 0.8, gold, rng.integers(0, 4, 400))
    point = macro_f1(confusion_matrix(gold, predicted))
    low, high = bootstrap_macro_f1(gold, predicted, [str(i) for i in range(400)])
    assert low < point < high
    # Errors bunched in few documents say less than errors spread over many.
    order = np.argsort(gold == predicted)
    few = np.empty(400, dtype=object)
    few[order] = [str(i // 40) for i in range(400)]
    low_few, high_few = bootstrap_macro_f1(gold, predicted, list(few))
    assert high_few - low_few > high - low


def test_uneven_or_empty_input_is_refused() -> None:
    with pytest.raises(ValueError, match="found lengths"):
        evaluate_predictions([], [], [], [])
    with pytest.raises(ValueError, match=r"\(1, 1, 0, 1\)"):
        evaluate_predictions([[LABELS[0]]], [[LABELS[0]]], [], ["d"])


def test_flat_names_are_those_of_the_design() -> None:
    result = evaluate_predictions([[LABELS[0]]], [[LABELS[0]]], [0.9], ["d"])
    flat = result.flat("test")
    assert {"test/primary_macro_f1", "test/f1/attack_claim", "test/ece"} <= set(flat)
