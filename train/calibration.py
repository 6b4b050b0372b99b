"""Logits to calibrated probabilities: one affine map per label, fitted on validation.

Platt scaling (Platt 1999, "Probabilistic Outputs for Support Vector Machines") fits scale and
bias for each label; temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural
Networks") fits one scale for all and no bias. Both minimise log loss. Eight parameters can follow
more than one and can also fit more noise: ``auto`` lets held-out log loss decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from claimwire.data.labels import LABELS, Label
from claimwire.model.decision import Calibration

Method = Literal["platt", "temperature", "none"]
Choice = Literal["auto", "platt", "temperature", "none"]

MIN_EXAMPLES: Final = 10
"""Positives and negatives that a label needs in validation before a map is fitted for it."""
FOLDS: Final = 5
"""Parts of the cross-validation, each of whole documents; fewer where there are fewer documents."""
_SIMPLEST_FIRST: Final[tuple[Method, ...]] = ("temperature", "platt")


@dataclass(frozen=True, slots=True)
class FittedCalibration:
    """A calibration, how it was fitted, and what speaks for it.

    Attributes:
        method: the method in use, never ``auto``.
        calibration: the map of each of the four labels.
        cv_log_loss: for each method, the log loss on sentences of documents that it was not fitted
            on (natural logarithm, mean over sentences and labels, lower is better). Empty where
            there are fewer than two documents.
    """

    method: Method
    calibration: dict[Label, Calibration]
    cv_log_loss: dict[Method, float]


def choose_calibration(
    logits: npt.NDArray[np.float32],
    targets: npt.NDArray[np.float64],
    documents: Sequence[str],
    choice: Choice = "auto",
) -> FittedCalibration:
    """Fit the chosen calibration on all rows; ``auto`` takes the method that generalises better.

    The methods are compared by log loss in cross-validation over documents; a tie, or too few
    documents to compare on, goes to one temperature, the simpler of the two.

    Args:
        logits: ``[n, 4]`` of validation sentences.
        targets: ``[n, 4]``, 1 where the label holds, else 0.
        documents: n names; the sentences of one document are never on both sides of a fold.
        choice: ``auto``, or the method to use whatever the comparison says.
    """
    losses = _cv_log_losses(logits, targets, documents)
    method: Method = choice if choice != "auto" else "temperature"
    if choice == "auto" and losses:
        method = min(_SIMPLEST_FIRST, key=lambda name: losses[name])
    return FittedCalibration(method, _fit_method(logits, targets, method), losses)


def fit_calibration(
    logits: npt.NDArray[np.float32],
    targets: npt.NDArray[np.float64],
    method: Choice,
    documents: Sequence[str] | None = None,
) -> dict[Label, Calibration]:
    """Fit the map ``p = sigmoid(scale * logit + bias)`` of each label.

    Args:
        logits: ``[n, 4]`` of validation sentences.
        targets: ``[n, 4]``, 1 where the label holds, else 0.
        method: ``auto`` (see :func:`choose_calibration`), ``platt``, ``temperature`` or ``none``.
        documents: n names, for ``auto``; None: every sentence is a document of its own.

    Returns:
        The map per label. A label with fewer than ``MIN_EXAMPLES`` positives or negatives keeps
        the identity: too few points would fit noise.
    """
    if method != "auto":
        return _fit_method(logits, targets, method)
    names = [str(row) for row in range(len(logits))] if documents is None else documents
    return choose_calibration(logits, targets, names).calibration


def fold_of_rows(documents: Sequence[str], folds: int = FOLDS) -> npt.NDArray[np.int64]:
    """Return the fold of each row, ``[n]`` of 0 to ``folds - 1``.

    Documents stay whole and folds are of about equal size; the same names give the same folds.
    With fewer documents than ``folds`` each is a fold of its own.
    """
    names, owner, sizes = np.unique(
        np.asarray(documents, dtype=str), return_inverse=True, return_counts=True
    )
    fold_of_document = np.zeros(len(names), dtype=np.int64)
    filled = np.zeros(max(1, min(folds, len(names))), dtype=np.int64)
    for document in np.argsort(-sizes, kind="stable"):  # the largest first fills most evenly
        fold = int(np.argmin(filled))
        fold_of_document[document] = fold
        filled[fold] += sizes[document]
    return fold_of_document[owner]


def _cv_log_losses(
    logits: npt.NDArray[np.float32], targets: npt.NDArray[np.float64], documents: Sequence[str]
) -> dict[Method, float]:
    if len(set(documents)) < 2:
        return {}
    fold = fold_of_rows(documents)
    methods: tuple[Method, ...] = ("none", *_SIMPLEST_FIRST)
    losses = {}
    for method in methods:
        total = 0.0
        for held_out in range(int(fold.max()) + 1):
            out = fold == held_out
            fitted = _fit_method(logits[~out], targets[~out], method)
            total += _log_loss(logits[out], targets[out], fitted)
        losses[method] = total / targets.size
    return losses


def _log_loss(
    logits: npt.NDArray[np.float32],
    targets: npt.NDArray[np.float64],
    calibration: dict[Label, Calibration],
) -> float:
    """Return the summed log loss, computed on the logit scale, where no certainty is infinite."""
    scale = np.array([calibration[label].scale for label in LABELS])
    bias = np.array([calibration[label].bias for label in LABELS])
    sign = np.where(targets > 0.5, -1.0, 1.0)
    return float(np.logaddexp(0.0, sign * (logits.astype(np.float64) * scale + bias)).sum())


def _fit_method(
    logits: npt.NDArray[np.float32], targets: npt.NDArray[np.float64], method: Method
) -> dict[Label, Calibration]:
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
