from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss  # noqa: TID253

from claimwire.data.labels import LABELS
from claimwire.model.decision import Calibration, calibrate
from claimwire.train.calibration import Method, fit_calibration


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
