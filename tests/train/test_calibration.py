from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss  # noqa: TID253

from claimwire.data.labels import LABELS
from claimwire.model.decision import Calibration, calibrate, calibrated_logits
from claimwire.train import calibration as calibration_module
from claimwire.train.calibration import (
    LEAST_SLOPE,
    MOST_KNOTS,
    Method,
    choose_calibration,
    fit_calibration,
    fold_of_rows,
)


def overconfident(n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Logits three times too large, and shifted for one label."""
    rng = np.random.default_rng(0)
    true_logits = rng.normal(-0.5, 1.5, (n, 4))
    targets = (rng.random((n, 4)) < 1 / (1 + np.exp(-true_logits))).astype(float)
    logits = 3 * true_logits
    logits[:, 1] += 2
    return logits.astype(np.float32), targets


@pytest.mark.parametrize("method", ["platt", "temperature"])
def test_calibration_lowers_log_loss(method: Method) -> None:
    logits, targets = overconfident()
    fitted = fit_calibration(logits[:2000], targets[:2000], method)
    before = calibrate(logits[2000:], {label: Calibration() for label in LABELS})
    after = calibrate(logits[2000:], fitted)
    for column in range(4):
        if method == "temperature" and column == 1:
            continue  # a shift is more than one temperature can mend
        assert log_loss(targets[2000:, column], after[:, column]) < log_loss(
            targets[2000:, column], before[:, column]
        )


def test_platt_finds_scale_and_bias() -> None:
    logits, targets = overconfident(20_000)
    fitted = fit_calibration(logits, targets, "platt")
    assert fitted[LABELS[0]].scale == pytest.approx(1 / 3, abs=0.03)
    assert fitted[LABELS[1]].bias == pytest.approx(-2 / 3, abs=0.1)


def test_too_few_positives_keep_the_identity() -> None:
    logits, targets = overconfident(200)
    targets[:, 2] = 0
    targets[:9, 2] = 1
    fitted = fit_calibration(logits, targets, "platt")
    assert fitted[LABELS[2]] == Calibration(1.0, 0.0)
    assert fitted[LABELS[0]] != Calibration(1.0, 0.0)


def test_a_label_ranked_backwards_is_not_turned_round() -> None:
    logits, targets = overconfident()
    assert fit_calibration(-logits, targets, "platt")[LABELS[0]] == Calibration(1.0, 0.0)


def overfitting_bait() -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Few sentences, all logits three times too large: one temperature is the whole truth."""
    rng = np.random.default_rng(4)
    true_logits = rng.normal(0, 1.5, (160, 4))
    targets = (rng.random((160, 4)) < 1 / (1 + np.exp(-true_logits))).astype(float)
    documents = [f"d{row // 8}" for row in range(160)]
    return (3 * true_logits).astype(np.float32), targets, documents


def test_auto_takes_one_temperature_where_it_is_the_truth() -> None:
    logits, targets, documents = overfitting_bait()
    chosen = choose_calibration(logits, targets, documents)
    assert chosen.method == "temperature"
    assert chosen.calibration == fit_calibration(logits, targets, "temperature")
    losses = chosen.cv_log_loss
    assert losses["temperature"] < losses["platt"] < losses["none"]
    assert chosen.calibration[LABELS[0]].scale == pytest.approx(1 / 3, abs=0.08)


def test_auto_takes_platt_where_a_label_is_shifted() -> None:
    logits, targets = overconfident()
    documents = [str(row // 10) for row in range(len(logits))]
    chosen = choose_calibration(logits, targets, documents, "auto")
    assert chosen.method == "platt"
    assert chosen.cv_log_loss["platt"] < chosen.cv_log_loss["temperature"]
    assert fit_calibration(logits, targets, "auto", documents) == chosen.calibration


def test_the_held_out_losses_are_near_those_of_fresh_data() -> None:
    logits, targets = overconfident(40_000)
    seen, fresh = slice(20_000), slice(20_000, None)
    chosen = choose_calibration(logits[seen], targets[seen], [str(row) for row in range(20_000)])
    probabilities = calibrate(logits[fresh], chosen.calibration)
    losses = [log_loss(targets[fresh, column], probabilities[:, column]) for column in range(4)]
    assert chosen.cv_log_loss["platt"] == pytest.approx(np.mean(losses), abs=0.01)


def test_a_stated_method_is_used_and_the_losses_are_reported_all_the_same() -> None:
    logits, targets, documents = overfitting_bait()
    chosen = choose_calibration(logits, targets, documents, "platt")
    assert chosen.method == "platt"
    assert set(chosen.cv_log_loss) == {"none", "temperature", "platt", "spline"}


def stepped(n: int = 3000, seed: int = 1) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Logits whose truth is a step: 0.3 or less below 3.2, sure from 3.6 on; no line follows it."""
    rng = np.random.default_rng(seed)
    logits = rng.choice([-3.5, 3.4], (n, 4)) + rng.normal(0, 0.8, (n, 4))
    truth = np.interp(logits, [-4, -3, 0, 3.2, 3.6, 6], [-6, -3, -1, -0.5, 3, 4])
    targets = (rng.random((n, 4)) < 1 / (1 + np.exp(-truth))).astype(float)
    return logits.astype(np.float32), targets, [str(row // 6) for row in range(n)]


def test_a_spline_follows_a_step_that_platt_cannot() -> None:
    logits, targets, documents = stepped()
    fresh_logits, fresh_targets, _ = stepped(seed=2)
    chosen = choose_calibration(logits, targets, documents)
    assert chosen.method == "spline"
    assert fit_calibration(logits, targets, "spline") == chosen.calibration
    line = calibrate(fresh_logits, fit_calibration(logits, targets, "platt"))
    bent = calibrate(fresh_logits, chosen.calibration)
    for column in range(4):
        after = log_loss(fresh_targets[:, column], bent[:, column])
        assert after < 0.95 * log_loss(fresh_targets[:, column], line[:, column])


def test_a_spline_is_platt_where_a_line_is_the_truth() -> None:
    logits, targets = overconfident(20_000)
    line, bent = (fit_calibration(logits, targets, name) for name in ("platt", "spline"))
    probabilities = calibrate(logits, line)
    assert np.abs(calibrate(logits, bent) - probabilities).mean() < 0.01


def test_an_endlessly_stiff_spline_is_platt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration_module, "STIFFNESS", 1e7)
    logits, targets, _ = stepped(400)
    line, bent = (fit_calibration(logits, targets, name) for name in ("platt", "spline"))
    assert calibrate(logits, bent) == pytest.approx(calibrate(logits, line), abs=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(30, 120), st.sampled_from([0.01, 1.0, 30.0]))
def test_a_spline_rises_whatever_it_is_fitted_to(seed: int, n: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, spread, (n, 4)).astype(np.float32)
    targets = (rng.random((n, 4)) < 0.1 + 0.8 * (logits > 0)).astype(float)
    fitted = fit_calibration(logits, targets, "spline")
    rising = np.linspace(-3 * spread, 3 * spread, 500)
    assert (np.diff(calibrated_logits(np.tile(rising[:, None], 4), fitted), axis=0) > 0).all()
    for entry in fitted.values():
        assert len(entry.knots) <= MOST_KNOTS + 2
        x, y = np.array(entry.knots).reshape(-1, 2).T
        assert (np.diff(y) > 0.99 * LEAST_SLOPE * np.diff(x)).all()


def test_a_label_with_few_positives_bends_once_or_not_at_all() -> None:
    logits, targets, _ = stepped(400)
    for column, positives in ((0, 9), (1, 12)):
        targets[:, column] = 0
        targets[np.argsort(-logits[:, column])[: 2 * positives : 2], column] = 1
    fitted = fit_calibration(logits, targets, "spline")
    assert fitted[LABELS[0]] == Calibration()
    assert len(fitted[LABELS[1]].knots) == 3
    assert len(fitted[LABELS[2]].knots) == MOST_KNOTS + 2


def test_no_spline_turns_round_a_label_that_is_ranked_backwards() -> None:
    logits, targets, _ = stepped(400)
    assert fit_calibration(-logits, targets, "spline")[LABELS[0]] == Calibration()


def test_a_single_document_or_none_gives_no_comparison_and_the_simpler_method() -> None:
    logits, targets, _ = overfitting_bait()
    chosen = choose_calibration(logits, targets, ["only"] * len(logits))
    assert (chosen.method, chosen.cv_log_loss) == ("temperature", {})
    empty = choose_calibration(logits[:0], targets[:0], [])
    assert set(empty.calibration.values()) == {Calibration(1.0, 0.0)}


def test_folds_keep_documents_whole_and_are_of_about_equal_size() -> None:
    documents = [f"d{number}" for number in range(23) for _ in range(1 + number % 7)]
    fold = fold_of_rows(documents)
    of_document: dict[str, set[int]] = {}
    for name, part in zip(documents, fold.tolist(), strict=True):
        of_document.setdefault(name, set()).add(part)
    assert all(len(parts) == 1 for parts in of_document.values())
    sizes = np.bincount(fold)
    assert len(sizes) == 5
    assert sizes.max() - sizes.min() <= 7
    assert fold_of_rows(["a", "b", "a"]).tolist() in ([0, 1, 0], [1, 0, 1])
