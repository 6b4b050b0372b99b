from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwire.data.labels import CLAIM_LABELS, LABELS, Label
from claimwire.model.decision import Calibration, calibrate, calibrated_logits, decide

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


KNOTS = ((-2.0, -3.0), (0.0, -1.0), (1.0, 2.0), (4.0, 3.5))
steps = st.floats(1e-3, 1e3)


@st.composite
def risen(draw: st.DrawFn) -> tuple[tuple[float, float], ...]:
    """Two to ten points that rise in both numbers, by slopes from 1e-6 to 1e6."""
    points = [(draw(st.floats(-50, 50)), draw(st.floats(-50, 50)))]
    for dx, dy in draw(st.lists(st.tuples(steps, steps), min_size=1, max_size=9)):
        points.append((points[-1][0] + dx, points[-1][1] + dy))
    return tuple(points)


@given(risen(), st.lists(st.floats(-1e4, 1e4), max_size=30))
def test_a_calibration_that_bends_never_changes_ranks(
    knots: tuple[tuple[float, float], ...], logits: list[float]
) -> None:
    corners = [x for x, _ in knots]
    sides = [np.nextafter(x, toward) for x in corners for toward in (-np.inf, np.inf)]
    rising = np.sort([*logits, *corners, *sides])
    bent = calibrated_logits(
        np.tile(rising[:, None], 4), dict.fromkeys(LABELS, Calibration(knots=knots))
    )
    assert np.isfinite(bent).all()
    assert (np.diff(bent, axis=0) >= 0).all()
    found = calibrated_logits(
        np.tile(np.array(corners)[:, None], 4), dict.fromkeys(LABELS, Calibration(knots=knots))
    )
    assert found[:, 0].tolist() == pytest.approx([y for _, y in knots], rel=1e-12)


def test_knots_are_linear_between_and_go_on_beyond() -> None:
    calibration = dict.fromkeys(LABELS, Calibration(knots=KNOTS))
    logits = np.array([[-4.0, -2.0, -1.0, 0.0], [0.5, 1.0, 3.0, 6.0]])
    expected = [[-5.0, -3.0, -2.0, -1.0], [0.5, 2.0, 3.0, 4.5]]
    assert calibrated_logits(logits, calibration).tolist() == expected
    assert calibrate(logits, calibration) == pytest.approx(1 / (1 + np.exp(-np.array(expected))))


def test_a_label_without_knots_is_calibrated_to_the_bit_as_if_no_other_had_them() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (500, 4)).astype(np.float32)
    straight = {label: Calibration(0.3 + 0.2 * n, n - 1.5) for n, label in enumerate(LABELS)}
    scaled = logits.astype(np.float64) * [0.3, 0.5, 0.7, 0.3 + 0.2 * 3] + [-1.5, -0.5, 0.5, 1.5]
    expected = np.exp(-np.logaddexp(0.0, -scaled))
    assert (calibrate(logits, straight) == expected).all()
    mixed = calibrate(logits, straight | {LABELS[2]: Calibration(knots=KNOTS)})
    assert (mixed[:, [0, 1, 3]] == expected[:, [0, 1, 3]]).all()
    assert (mixed[:, 2] != expected[:, 2]).any()


def test_nothing_in_nothing_out() -> None:
    empty = np.zeros((0, 4))
    assert decide(empty, THRESHOLDS, 0.6, np.zeros(0, dtype=np.bool_)) == []


def test_a_ranking_orders_claims_and_decides_nothing_else() -> None:
    rows = np.array([[0.6, 0.9, 0.1, 0.2], [0.6, 0.4, 0.1, 0.5], [0.1, 0.2, 0.3, 0.9]])
    ranking = np.array([[3.0, 1.0, 9.0, 9.0], [0.0, 5.0, 0.0, 0.0], [1.0, 2.0, 3.0, 0.0]])
    plain = decide(rows, THRESHOLDS, 0.7, np.zeros(3, dtype=np.bool_))
    ranked = decide(rows, THRESHOLDS, 0.7, np.zeros(3, dtype=np.bool_), ranking)
    assert plain[0].labels == (Label.INTERCEPTION_CLAIM, Label.ATTACK_CLAIM)
    assert ranked[0].labels == (Label.ATTACK_CLAIM, Label.INTERCEPTION_CLAIM)
    assert ranked[0].label is Label.ATTACK_CLAIM
    assert ranked[0].confidence == 0.6  # the probability of the label that comes first
    assert ranked[0].needs_review
    assert not plain[0].needs_review
    assert ranked[1:] == plain[1:]
