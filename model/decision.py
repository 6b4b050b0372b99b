"""From logits to decisions: calibration and the one decision rule (numpy only).

The same functions serve training, evaluation and inference, so what is measured is what is served.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from claimwire.data.labels import CLAIM_LABELS, LABEL_INDEX, LABELS, Label


@dataclass(frozen=True, slots=True)
class Calibration:
    """The map from one label's logit to its calibrated probability.

    Without ``knots`` it is Platt scaling, ``p = sigmoid(scale * logit + bias)``; temperature
    scaling is the special case ``scale = 1 / T`` for all labels and ``bias = 0``.

    With them it bends: ``p = sigmoid(f(logit))``, and ``f`` is linear between neighbouring knots,
    with the first and the last segment going on beyond them.

    Attributes:
        scale: above 0; 1 where there are knots.
        bias: 0 where there are knots.
        knots: points ``(logit, calibrated logit)``, none or at least two, strictly rising in both.
    """

    scale: float = 1.0
    bias: float = 0.0
    knots: tuple[tuple[float, float], ...] = ()


LabelOrder = Literal["probability", "output"]
"""What orders the claims of one sentence: calibrated probability, or the network's output."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the model says about one sentence.

    Attributes:
        label: the primary label, ``labels[0]``.
        labels: the claims that reach their threshold, the primary one first, or background alone.
        scores: the calibrated probability of each of the four labels, 0 to 1.
        confidence: the calibrated probability of ``label``.
        needs_review: the confidence is under the release's review threshold, or the text was cut.
        truncated: the sentence was longer than the model reads; only its beginning was judged.
    """

    label: Label
    labels: tuple[Label, ...]
    scores: dict[Label, float]
    confidence: float
    needs_review: bool
    truncated: bool


def calibrate(
    logits: NDArray[np.floating], calibration: Mapping[Label, Calibration]
) -> NDArray[np.float64]:
    """Turn logits ``[n, 4]`` into calibrated probabilities ``[n, 4]``, columns in LABELS order."""
    # sigmoid(x) = exp(-log(1 + exp(-x))), which overflows for no x
    probabilities: NDArray[np.float64] = np.exp(
        -np.logaddexp(0.0, -calibrated_logits(logits, calibration))
    )
    return probabilities


def calibrated_logits(
    logits: NDArray[np.floating], calibration: Mapping[Label, Calibration]
) -> NDArray[np.float64]:
    """Turn logits ``[n, 4]`` into those of the calibrated probabilities, ``[n, 4]``."""
    values = np.asarray(logits, dtype=np.float64).reshape(-1, len(LABELS))
    scale = np.array([calibration[label].scale for label in LABELS], dtype=np.float64)
    bias = np.array([calibration[label].bias for label in LABELS], dtype=np.float64)
    calibrated: NDArray[np.float64] = values * scale + bias
    for column, label in enumerate(LABELS):
        if calibration[label].knots:
            calibrated[:, column] = _bend(values[:, column], calibration[label].knots)
    return calibrated


def _bend(logits: NDArray[np.float64], knots: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    x, y = np.asarray(knots, dtype=np.float64).T
    segment = np.clip(np.searchsorted(x, logits, side="right") - 1, 0, len(x) - 2)
    slope = np.diff(y) / np.diff(x)
    bent = y[segment] + slope[segment] * (logits - x[segment])
    # A segment's end, rounded, must not lie above the next one's beginning: ranks never change.
    ceiling = np.append(y[1:-1], np.inf)
    capped: NDArray[np.float64] = np.minimum(bent, ceiling[segment])
    return capped


def decide(
    probabilities: NDArray[np.float64],
    thresholds: Mapping[Label, float],
    review_threshold: float,
    truncated: Sequence[bool] | NDArray[np.bool_],
    ranking: NDArray[np.floating] | None = None,
) -> list[Decision]:
    """Apply the decision rule to each row.

    The claims whose probability reaches their threshold are made, none of them: background. Where
    several are made the first by ``ranking`` is the primary label.

    Args:
        probabilities: calibrated probabilities ``[n, 4]``, columns in LABELS order.
        thresholds: the probability from which a claim is said to be made, for each claim label.
        review_threshold: decisions with a lower confidence ask for a review.
        truncated: for each row, whether the text was cut before the model read it.
        ranking: numbers ``[n, 4]`` by which the claims of a sentence are ordered, largest first;
            None: the probabilities. Training lets the network's outputs say which claim comes
            first; a map for each label alone makes its probability true and bends that order.
    """
    rows = np.asarray(probabilities, dtype=np.float64).tolist()
    ranks = rows if ranking is None else np.asarray(ranking, dtype=np.float64).tolist()
    return [
        _decide_one(row, rank, thresholds, review_threshold, cut)
        for row, rank, cut in zip(
            rows, ranks, np.asarray(truncated, dtype=bool).tolist(), strict=True
        )
    ]


def _decide_one(
    row: Sequence[float],
    rank: Sequence[float],
    thresholds: Mapping[Label, float],
    review_threshold: float,
    cut: bool,
) -> Decision:
    scores = dict(zip(LABELS, row, strict=True))
    claims = [label for label in CLAIM_LABELS if scores[label] >= thresholds[label]]
    # sorted() is stable: equals stand in the order of LABELS
    labels = tuple(sorted(claims, key=lambda label: -rank[LABEL_INDEX[label]])) or (
        Label.BACKGROUND,
    )
    confidence = scores[labels[0]]
    return Decision(
        label=labels[0],
        labels=labels,
        scores=scores,
        confidence=confidence,
        needs_review=cut or confidence < review_threshold,
        truncated=cut,
    )
