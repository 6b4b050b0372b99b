"""Logits to calibrated probabilities: one affine map per label, fitted on validation.

Platt scaling (Platt 1999, "Probabilistic Outputs for Support Vector Machines") fits scale and
bias for each label; temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural
Networks") fits one scale for all and no bias. Both minimise log loss.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from claimwire.data.labels import LABELS, Label
from claimwire.model.decision import Calibration

Method = Literal["platt", "temperature", "none"]

MIN_EXAMPLES: Final = 10
"""Positives and negatives that a label needs in validation before a map is fitted for it."""


def fit_calibration(
    logits: npt.NDArray[np.float32], targets: npt.NDArray[np.float64], method: Method
) -> dict[Label, Calibration]:
    """Fit the map ``p = sigmoid(scale * logit + bias)`` of each label.

    Args:
        logits: ``[n, 4]`` of validation sentences.
        targets: ``[n, 4]``, 1 where the label holds, else 0.
        method: ``platt``, ``temperature`` or ``none``.

    Returns:
        The map per label. A label with fewer than ``MIN_EXAMPLES`` positives or negatives keeps
        the identity: too few points would fit noise.
    """
    if method == "none" or len(logits) == 0:
        return {label: Calibration() for label in LABELS}
    if method == "temperature":
        scale, _ = _fit(logits.reshape(-1), targets.reshape(-1), with_bias=False)
        return {label: Calibration(scale=scale, bias=0.0) for label in LABELS}
    calibration = {}
    for index, label in enumerate(LABELS):
        scale, bias = _fit(logits[:, index], targets[:, index], with_bias=True)
        calibration[label] = Calibration(scale=scale, bias=bias)
    return calibration


def _fit(
    logits: npt.NDArray[np.float32], targets: npt.NDArray[np.float64], *, with_bias: bool
) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression

    positives = int(targets.sum())
    if min(positives, len(targets) - positives) < MIN_EXAMPLES:
        return 1.0, 0.0
    # C=1 is mild at hundreds of points and keeps a separable label from an infinite scale.
    model = LogisticRegression(C=1.0, fit_intercept=with_bias)
    model.fit(logits.reshape(-1, 1).astype(np.float64), targets.astype(int))
    scale = float(model.coef_[0, 0])
    if scale <= 0:  # a network that ranks backwards: a map would only hide it
        return 1.0, 0.0
    return scale, float(model.intercept_[0]) if with_bias else 0.0
