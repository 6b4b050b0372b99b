from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwire.data.labels import CLAIM_LABELS, LABELS, Label
from claimwire.model.decision import Calibration, calibrate, decide

THRESHOLDS = dict.fromkeys(CLAIM_LABELS, 0.5)
probabilities = st.lists(st.lists(st.floats(0, 1), min_size=4, max_size=4), min_size=1, max_size=20)


@given(probabilities, st.floats(0.05, 0.95))
def test_the_decision_rule(rows: list[list[float]], threshold: float) -> None:
    thresholds = dict.fromkeys(CLAIM_LABELS, threshold)
    decisions = decide(np.array(rows), thresholds, 0.6, np.zeros(len(rows), dtype=np.bool_))
    for row, decision in zip(rows, decisions, strict=True):
        reached = {label for label, p in zip(LABELS, row, strict=True) if p >= threshold}
        claims = reached - {Label.BACKGROUND}
        assert set(decision.labels) == (claims or {Label.BACKGROUND})
        chosen = [decision.scores[label] for label in decision.labels]
        assert chosen == sorted(chosen, reverse=True)
        assert decision.label == decision.labels[0]
        assert decision.confidence == decision.scores[decision.label]
        assert decision.needs_review == (decision.confidence < 0.6)
        assert list(decision.scores) == list(LABELS)


def test_a_truncated_sentence_needs_review_however_sure() -> None:
    row = np.array([[0.99, 0, 0, 0]])
    (decision,) = decide(row, THRESHOLDS, 0.6, np.array([True]))
    assert decision.needs_review
    assert decision.truncated


def test_calibration_is_affine_on_the_logit_and_never_overflows() -> None:
    calibration = {label: Calibration() for label in LABELS}
    calibration[LABELS[1]] = Calibration(scale=0.5, bias=1.0)
    found = calibrate(np.array([[0.0, 2.0, 1e9, -1e9]]), calibration)
    assert found[0].tolist() == pytest.approx([0.5, 1 / (1 + np.exp(-2.0)), 1.0, 0.0])


def test_nothing_in_nothing_out() -> None:
    empty = np.zeros((0, 4))
    assert decide(empty, THRESHOLDS, 0.6, np.zeros(0, dtype=np.bool_)) == []
