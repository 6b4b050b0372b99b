"""From logits to decisions: calibration and the one decision rule (numpy only).

The same functions serve training, evaluation and inference, so what is measured is what is served.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claimwire.data.labels import CLAIM_LABELS, LABEL_INDEX, LABELS, Label


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt scaling of one label's logit: ``p = sigmoid(scale * logit + bias)``.

    Temperature scaling is the special case ``scale = 1 / T`` for all labels and ``bias = 0``.
    """

    scale: float = 1.0
    bias: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """What the model says about one sentence.

    Attributes:
        label: the primary label, ``labels[0]``.
        labels: the claims that reach their threshold, most probable first, or background alone.
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
    scale = np.array([calibration[label].scale for label in LABELS], dtype=np.float64)
    bias = np.array([calibration[label].bias for label in LABELS], dtype=np.float64)
    scaled = np.asarray(logits, dtype=np.float64).reshape(-1, len(LABELS)) * scale + bias
    # sigmoid(x) = exp(-log(1 + exp(-x))), which overflows for no x
    probabilities: NDArray[np.float64] = np.exp(-np.logaddexp(0.0, -scaled))
    return probabilities


def decide(
    probabilities: NDArray[np.float64],
    thresholds: Mapping[Label, float],
    review_threshold: float,
    truncated: Sequence[bool] | NDArray[np.bool_],
) -> list[Decision]:
    """Apply the decision rule to each row.

    Args:
        probabilities: calibrated probabilities ``[n, 4]``, columns in LABELS order.
        thresholds: the probability from which a claim is said to be made, for each claim label.
        review_threshold: decisions with a lower confidence ask for a review.
        truncated: for each row, whether the text was cut before the model read it.
    """
    return [
        _decide_one(row, thresholds, review_threshold, cut)
        for row, cut in zip(
            np.asarray(probabilities, dtype=np.float64).tolist(),
            np.asarray(truncated, dtype=bool).tolist(),
            strict=True,
        )
    ]


def _decide_one(
    row: Sequence[float], thresholds: Mapping[Label, float], review_threshold: float, cut: bool
) -> Decision:
    scores = dict(zip(LABELS, row, strict=True))
    claims = [label for label in CLAIM_LABELS if scores[label] >= thresholds[label]]
    # sorted() is stable: equally probable claims stand in the order of LABELS
    labels = tuple(sorted(claims, key=lambda label: -row[LABEL_INDEX[label]])) or (
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
