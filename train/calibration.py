"""Logits to calibrated probabilities: one rising map per label, fitted on validation.

Platt scaling (Platt 1999, "Probabilistic Outputs for Support Vector Machines") fits scale and
bias for each label; temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural
Networks") fits one scale for all and no bias. A spline of the logit (after Lucena 2018,
"Spline-Based Probability Calibration", here linear and rising) can also bend, where reliability is
a step that no line follows. All minimise log loss. More parameters can follow more, and can also
fit more noise: ``auto`` lets held-out log loss decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from claimwire.data.labels import LABELS, Label
from claimwire.model.decision import Calibration, calibrated_logits

FloatArray = npt.NDArray[np.float64]
Method = Literal["spline", "platt", "temperature", "none"]
Choice = Literal["auto", "spline", "platt", "temperature", "none"]

MIN_EXAMPLES: Final = 10
"""Positives and negatives that a label needs in validation before a map is fitted for it."""
FOLDS: Final = 5
"""Parts of the cross-validation, each of whole documents; fewer where there are fewer documents."""
MOST_KNOTS: Final = 6
"""Places where a spline may bend; one for every ``MIN_EXAMPLES`` of the rarer class, up to this."""
STIFFNESS: Final = 0.3
"""Weight of the squared changes of slope in the spline's loss, which is a sum over sentences.
On the 1,167 validation sentences of claimwire-small 0.3.0, six knots have a held-out log loss of
0.214, 0.215 and 0.217 at 0.1, 0.3 and 1 (Platt 0.229); where a line is the truth, 160 sentences
cost 0.010 at 0.3 and 0.007 at 1."""
LEAST_SLOPE: Final = 0.02
"""Calibrated logits a logit by which every segment of a spline rises at least."""
_LINES: Final[tuple[Method, ...]] = ("temperature", "platt")  # the simplest first
_KNOT_DECIMALS: Final = 3  # knots nearer than that would divide nothing by nothing


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
    targets: FloatArray,
    documents: Sequence[str],
    choice: Choice = "auto",
) -> FittedCalibration:
    """Fit the chosen calibration on all rows; ``auto`` takes the method that generalises best.

    The methods are compared by log loss in cross-validation over documents. Of temperature and
    Platt the lower one is taken. The spline has to be lower than that by more than one standard
    error (of the difference, over documents): it has the most ways to be lower by luck. A tie, or
    too few documents to compare on, goes to the simplest, one temperature.

    Args:
        logits: ``[n, 4]`` of validation sentences.
        targets: ``[n, 4]``, 1 where the label holds, else 0.
        documents: n names; the sentences of one document are never on both sides of a fold.
        choice: ``auto``, or the method to use whatever the comparison says.
    """
    by_document = _cv_log_losses(logits, targets, documents)
    losses = {name: float(sums.sum()) / targets.size for name, sums in by_document.items()}
    method: Method = choice if choice != "auto" else "temperature"
    if choice == "auto" and losses:
        method = min(_LINES, key=lambda name: losses[name])
        if _is_real(by_document[method] - by_document["spline"]):
            method = "spline"
    return FittedCalibration(method, _fit_method(logits, targets, method), losses)


def fit_calibration(
    logits: npt.NDArray[np.float32],
    targets: FloatArray,
    method: Choice,
    documents: Sequence[str] | None = None,
) -> dict[Label, Calibration]:
    """Fit the map from logit to probability of each label.

    Args:
        logits: ``[n, 4]`` of validation sentences.
        targets: ``[n, 4]``, 1 where the label holds, else 0.
        method: ``auto`` (see :func:`choose_calibration`), ``spline``, ``platt``, ``temperature``
            or ``none``.
        documents: n names, for ``auto``; None: every sentence is a document of its own.

    Returns:
        The map per label. A label with fewer than ``MIN_EXAMPLES`` positives or negatives keeps
        the identity: too few points would fit noise.
    """
    if method != "auto":
        return _fit_method(logits, targets, method)
    names = [str(row) for row in range(len(logits))] if documents is None else documents
    return choose_calibration(logits, targets, names).calibration


def cross_fitted(
    logits: npt.NDArray[np.float32],
    targets: npt.NDArray[np.float64],
    documents: Sequence[str],
    method: Method,
) -> npt.NDArray[np.float64]:
    """Return probabilities ``[n, 4]``, each row's by a map fitted without its document's fold.

    With a single document there is nothing to leave out: its own map is used.

    Args:
        logits: ``[n, 4]`` of validation sentences.
        targets: ``[n, 4]``, 1 where the label holds, else 0.
        documents: n names.
        method: the method in use.
    """
    probabilities: FloatArray = np.exp(
        -np.logaddexp(0.0, -_cross_fitted_logits(logits, targets, documents, method))
    )
    return probabilities


def _cross_fitted_logits(
    logits: npt.NDArray[np.float32],
    targets: FloatArray,
    documents: Sequence[str],
    method: Method,
) -> FloatArray:
    """Return the logits of what :func:`cross_fitted` returns, ``[n, 4]``."""
    fold = fold_of_rows(documents)
    fitted = np.zeros((len(logits), len(LABELS)))
    for held_out in np.unique(fold):
        out = fold == held_out
        others = out if out.all() else ~out
        maps = _fit_method(logits[others], targets[others], method)
        fitted[out] = calibrated_logits(logits[out], maps)
    return fitted


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
    logits: npt.NDArray[np.float32], targets: FloatArray, documents: Sequence[str]
) -> dict[Method, FloatArray]:
    """Return each method's held-out log loss, summed by document: ``[documents]``."""
    names, owner = np.unique(np.asarray(documents, dtype=str), return_inverse=True)
    if len(names) < 2:
        return {}
    methods: tuple[Method, ...] = ("none", *_LINES, "spline")
    sign = np.where(targets > 0.5, -1.0, 1.0)
    losses = {}
    for method in methods:
        # From the logits, where no certainty is infinite.
        fitted = _cross_fitted_logits(logits, targets, documents, method)
        of_row = np.logaddexp(0.0, sign * fitted).sum(axis=1)
        losses[method] = np.bincount(owner, weights=of_row).astype(np.float64)
    return losses


def _is_real(gains: FloatArray) -> bool:
    """Return whether the sum of the documents' gains is above its own standard error."""
    return bool(gains.sum() > gains.std(ddof=1) * np.sqrt(len(gains)))


def _fit_method(
    logits: npt.NDArray[np.float32], targets: FloatArray, method: Method
) -> dict[Label, Calibration]:
    if method == "none" or len(logits) == 0:
        return {label: Calibration() for label in LABELS}
    if method == "temperature":
        line = _fit_line(logits.reshape(-1), targets.reshape(-1), with_bias=False)
        return dict.fromkeys(LABELS, line)
    calibration = {}
    for index, label in enumerate(LABELS):
        line = _fit_line(logits[:, index], targets[:, index], with_bias=True)
        # What no line is fitted for keeps the identity, and gets no spline either.
        bends = method == "spline" and line != Calibration()
        calibration[label] = (
            _fit_spline(logits[:, index], targets[:, index], line) if bends else line
        )
    return calibration


def _fit_line(
    logits: npt.NDArray[np.float32], targets: FloatArray, *, with_bias: bool
) -> Calibration:
    from sklearn.linear_model import LogisticRegression

    if _rarer(targets) < MIN_EXAMPLES:
        return Calibration()
    # C=1 is mild at hundreds of points and keeps a separable label from an infinite scale.
    model = LogisticRegression(C=1.0, fit_intercept=with_bias)
    model.fit(logits.reshape(-1, 1).astype(np.float64), targets.astype(int))
    scale = float(model.coef_[0, 0])
    if scale <= 0:  # a network that ranks backwards: a map would only hide it
        return Calibration()
    return Calibration(scale, float(model.intercept_[0]) if with_bias else 0.0)


def _fit_spline(
    logits: npt.NDArray[np.float32], targets: FloatArray, line: Calibration
) -> Calibration:
    """Fit a rising, piecewise linear map by penalised log loss; ``line`` is where it starts.

    Minimises the summed log loss + mean slope squared / 2 (the penalty of ``_fit_line``, so that
    an infinitely stiff spline is that line) + STIFFNESS / 2 * the squared changes of slope. That
    is convex in the intercept and the slopes, so where the search starts decides nothing.
    """
    from scipy.optimize import minimize  # type: ignore[import-untyped]
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    values = logits.astype(np.float64)
    knots = _places(values, targets)
    parts = _parts(values, knots)

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        slopes = parameters[1:]
        fitted = parameters[0] + parts @ slopes
        change, mean = np.diff(slopes), slopes.mean()
        total = (np.logaddexp(0.0, fitted) - targets * fitted).sum()
        error = np.exp(-np.logaddexp(0.0, -fitted)) - targets
        gradient = np.concatenate([[error.sum()], error @ parts + mean / len(slopes)])
        gradient[2:] += STIFFNESS * change
        gradient[1:-1] -= STIFFNESS * change
        return total + mean**2 / 2 + STIFFNESS / 2 * (change**2).sum(), gradient

    segments = len(knots) + 1
    with threadpool_limits(1):  # threads for so little work wait longer than they work
        found = minimize(
            loss,
            np.array([line.bias, *[max(line.scale, LEAST_SLOPE)] * segments]),
            jac=True,
            method="L-BFGS-B",
            bounds=[(None, None), *[(LEAST_SLOPE, None)] * segments],
            options={"maxiter": 1000, "ftol": 1e-12, "gtol": 1e-6},
        )
    ends = np.array([knots[0] - 1.0, *knots, knots[-1] + 1.0])
    heights = found.x[0] + _parts(ends, knots) @ found.x[1:]
    return Calibration(knots=tuple(zip(ends.tolist(), heights.tolist(), strict=True)))


def _places(logits: FloatArray, targets: FloatArray) -> FloatArray:
    """Return the logits where a spline may bend, ``[1 to MOST_KNOTS]``, rising.

    They are quantiles in which positives and negatives weigh the same: among a rare label's plain
    quantiles hardly one would lie where its positives are.
    """
    positive = targets > 0.5
    weights = np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())
    order = np.argsort(logits, kind="stable")
    count = min(MOST_KNOTS, _rarer(targets) // MIN_EXAMPLES)
    shares = np.arange(1, count + 1) / (count + 1)
    places = np.interp(shares, np.cumsum(weights[order]), logits[order])
    unique: FloatArray = np.unique(places.round(_KNOT_DECIMALS))
    return unique


def _parts(logits: FloatArray, knots: FloatArray) -> FloatArray:
    """Return how far each logit reaches into each segment, ``[n, knots + 1]``; rows sum to it."""
    low, high = np.append(0.0, knots), np.append(knots, np.inf)
    parts: FloatArray = np.clip(logits[:, None], np.append(-np.inf, knots), high) - low
    return parts


def _rarer(targets: FloatArray) -> int:
    """Return the number of positives or of negatives, whichever is smaller."""
    positives = int(targets.sum())
    return min(positives, len(targets) - positives)
