from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss  # noqa: TID253

from claimwire.data.labels import LABELS
from claimwire.model.decision import Calibration, calibrate
from claimwire.train.calibration import (
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
    assert set(chosen.cv_log_loss) == {"none", "temperature", "platt"}


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
