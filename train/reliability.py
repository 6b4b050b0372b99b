"""How far probabilities can be believed: reliability bins, Brier score, ECE, and their picture.

Confidence is the calibrated probability of the primary label; it is right where that label is the
first gold label. Bins are those of the ECE in :mod:`claimwire.train.metrics`: equal width, the
upper edge belonging to the next bin. The Brier score is the mean squared error of probabilities
(Brier 1950, "Verification of Forecasts Expressed in Terms of Probability").
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from claimwire.data.corpus import Example
from claimwire.data.labels import LABELS
from claimwire.model.decision import Decision
from claimwire.train.calibration import Method
from claimwire.train.metrics import ECE_BINS, expected_calibration_error
from claimwire.train.thresholds import ReviewChoice, ThresholdChoice

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The decisions with a confidence from ``low`` to below ``high`` (the last bin: to 1).

    ``confidence`` and ``accuracy`` are means, 0 to 1; None where the bin is empty.
    """

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class ProbabilityQuality:
    """How good the probabilities are on one set of sentences.

    Attributes:
        n: sentences.
        ece: expected calibration error of the confidence, 0 to 1.
        brier: mean over the four labels of the squared error of their probability, 0 to 1.
        brier_primary: mean squared difference of confidence and being right, 0 to 1.
        bins: the reliability table.
    """

    n: int
    ece: float
    brier: float
    brier_primary: float
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """What was chosen on validation, and the probabilities before and after.

    Attributes:
        method: the calibration in use.
        cv_log_loss: log loss of each method in cross-validation on validation.
        before: quality by set (``validation``, ``test``) of plain ``sigmoid(logit)`` with every
            threshold at its starting value.
        after: the same of what is served: calibrated, with the release's thresholds.
        thresholds: the claims' thresholds with the evidence for them.
        review: the review threshold's choice; None where the configuration states it.
    """

    method: Method
    cv_log_loss: dict[Method, float]
    before: dict[str, ProbabilityQuality]
    after: dict[str, ProbabilityQuality]
    thresholds: ThresholdChoice
    review: ReviewChoice | None

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``json.dumps``."""
        return asdict(self)

    def flat(self) -> dict[str, float]:
        """Return ``{test/brier: ..., test/ece_uncalibrated: ...}`` for MLflow and the manifest.

        The calibrated ECE is not among them: it is ``Evaluation``'s.
        """
        metrics = {}
        for name, quality in self.after.items():
            metrics[f"{name}/brier"] = quality.brier
            metrics[f"{name}/brier_primary"] = quality.brier_primary
        for name, quality in self.before.items():
            metrics[f"{name}/ece_uncalibrated"] = quality.ece
            metrics[f"{name}/brier_uncalibrated"] = quality.brier
            metrics[f"{name}/brier_primary_uncalibrated"] = quality.brier_primary
        for method, loss in self.cv_log_loss.items():
            metrics[f"validation/cv_log_loss/{method}"] = loss
        for label, threshold in self.thresholds.thresholds.items():
            metrics[f"validation/threshold/{label}"] = threshold
        if self.review is not None:
            metrics["validation/review_precision"] = self.review.precision
            metrics["validation/review_kept"] = self.review.kept
        return metrics


def reliability(
    confidence: FloatArray, correct: npt.NDArray[np.bool_], bins: int = ECE_BINS
) -> tuple[ReliabilityBin, ...]:
    """Return the table of ``bins`` equal-width bins.

    Args:
        confidence: ``[n]``, 0 to 1.
        correct: ``[n]``, whether the primary label is right.
        bins: 1 or more.
    """
    index = np.clip((confidence * bins).astype(int), 0, bins - 1)
    counts = np.bincount(index, minlength=bins)
    sums = np.bincount(index, weights=confidence, minlength=bins)
    hits = np.bincount(index, weights=correct.astype(np.float64), minlength=bins)
    return tuple(
        ReliabilityBin(
            low=row / bins,
            high=(row + 1) / bins,
            n=int(n),
            confidence=float(sums[row] / n) if n else None,
            accuracy=float(hits[row] / n) if n else None,
        )
        for row, n in enumerate(counts)
    )


def brier_score(probabilities: FloatArray, targets: npt.NDArray[Any]) -> float:
    """Return the mean squared error of probabilities of any shape against 0 and 1, 0 to 1."""
    return float(np.mean((probabilities - targets.astype(np.float64)) ** 2))


def quality_of(examples: Sequence[Example], decisions: Sequence[Decision]) -> ProbabilityQuality:
    """Return the quality of decisions on the examples they were made for, one or more.

    Raises:
        ValueError: there are no examples, or the lengths differ.
    """
    if not examples or len(decisions) != len(examples):
        raise ValueError(
            f"expected one decision an example, found {len(decisions)} for {len(examples)}"
        )
    confidence = np.array([decision.confidence for decision in decisions])
    pairs = list(zip(decisions, examples, strict=True))
    correct = np.array([decision.label == example.labels[0] for decision, example in pairs])
    probabilities = np.array([[d.scores[label] for label in LABELS] for d in decisions])
    targets = np.array([[label in example.labels for label in LABELS] for example in examples])
    return ProbabilityQuality(
        n=len(examples),
        ece=expected_calibration_error(confidence, correct),
        brier=brier_score(probabilities, targets),
        brier_primary=brier_score(confidence, correct),
        bins=reliability(confidence, correct),
    )


_SIZE: Final = 240  # the square of the diagram, in units of the viewBox
_LEFT: Final = 48
_TOP: Final = 12
_FRAME: Final = (
    '<g fill="none" stroke="currentColor">'
    f'<rect x="{_LEFT}" y="{_TOP}" width="{_SIZE}" height="{_SIZE}" stroke-opacity=".5"/>'
    f'<path d="M{_LEFT} {_TOP + _SIZE}l{_SIZE} -{_SIZE}" stroke-dasharray="2 4"/></g>'
)


def reliability_svg(
    before_bins: Sequence[ReliabilityBin],
    after_bins: Sequence[ReliabilityBin],
    title: str = "Reliability of the confidence",
) -> str:
    """Return a reliability diagram as one inline SVG element that needs nothing else.

    Accuracy over confidence, by bin: before calibration hollow squares on a dashed line, after it
    filled circles on a solid one; the dotted diagonal is perfect calibration. A larger mark is a
    bin with more sentences, and each mark tells its numbers when pointed at. Everything is
    drawn in ``currentColor``, so it reads on light and on dark pages.

    Args:
        before_bins: the table before calibration; may be empty.
        after_bins: the table after it; may be empty.
        title: the accessible name.
    """
    description = (
        "Accuracy against mean confidence by bin of confidence. "
        f"Before calibration: {_in_words(before_bins)}. After: {_in_words(after_bins)}."
    )
    # Several diagrams share a page: equal ids can only come from equal diagrams.
    key = hashlib.sha256(f"{title}\n{before_bins}\n{after_bins}".encode()).hexdigest()[:8]
    most = max((b.n for b in (*before_bins, *after_bins)), default=1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _SIZE + 12} 324" '
        f'role="img" aria-labelledby="rel-{key}-title rel-{key}-desc" '
        'style="max-width:26rem;width:100%;height:auto" '
        'font-family="system-ui,sans-serif" font-size="11">'
        f'<title id="rel-{key}-title">{escape(title)}</title>'
        f'<desc id="rel-{key}-desc">{escape(description)}</desc>'
        f"{_FRAME}{_axes()}"
        f"{_series(before_bins, most, after=False)}{_series(after_bins, most, after=True)}"
        f"{_legend()}</svg>"
    )


def _in_words(bins: Sequence[ReliabilityBin]) -> str:
    total = sum(b.n for b in bins)
    if not total:
        return "no sentences"
    gaps = [
        b.n * abs(b.confidence - b.accuracy)
        for b in bins
        if b.confidence is not None and b.accuracy is not None
    ]
    return f"expected calibration error {sum(gaps) / total:.3f} over {total} sentences"


def _x(value: float) -> float:
    return round(_LEFT + _SIZE * value, 1)


def _y(value: float) -> float:
    return round(_TOP + _SIZE * (1 - value), 1)


def _axes() -> str:
    ticks = "".join(
        f'<text x="{_x(value)}" y="{_TOP + _SIZE + 15}" text-anchor="middle">{value:g}</text>'
        f'<text x="{_LEFT - 6}" y="{_y(value) + 4:g}" text-anchor="end">{value:g}</text>'
        for value in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    middle = _TOP + _SIZE / 2
    return (
        f'<g fill="currentColor">{ticks}'
        f'<text x="{_x(0.5)}" y="{_TOP + _SIZE + 32}" text-anchor="middle">mean confidence</text>'
        f'<text transform="translate(12 {middle:g}) rotate(-90)" text-anchor="middle">'
        "accuracy</text></g>"
    )


def _mark(x: float, y: float, radius: float, *, after: bool) -> str:
    if after:
        return f'<circle cx="{x}" cy="{y}" r="{radius:g}" fill="currentColor" fill-opacity=".85">'
    corner = f'x="{x - radius:.1f}" y="{y - radius:.1f}"'
    side = f'width="{2 * radius:g}" height="{2 * radius:g}"'
    return f'<rect {corner} {side} fill="none" stroke="currentColor" stroke-width="1.5">'


def _series(bins: Sequence[ReliabilityBin], most: int, *, after: bool) -> str:
    marks, points = [], []
    for b in bins:
        if b.confidence is None or b.accuracy is None:
            continue
        x, y = _x(b.confidence), _y(b.accuracy)
        radius = round(2.5 + 4.5 * (b.n / most) ** 0.5, 1)  # the area grows with the count
        tip = f"confidence {b.confidence:.2f}, accuracy {b.accuracy:.2f}, {b.n} sentences"
        end = "circle" if after else "rect"
        points.append(f"{x},{y}")
        marks.append(f"{_mark(x, y, radius, after=after)}<title>{tip}</title></{end}>")
    dash = "" if after else ' stroke-dasharray="6 3" stroke-opacity=".7"'
    line = f'<polyline points="{" ".join(points)}" fill="none" stroke="currentColor"{dash}/>'
    return f'<g class="{"after" if after else "before"}">{line}{"".join(marks)}</g>'


def _legend() -> str:
    y = _TOP + _SIZE + 58
    return (
        f'<g fill="currentColor">{_mark(_LEFT + 6, y, 4, after=False)}</rect>'
        f'<text x="{_LEFT + 16}" y="{y + 4}">before calibration</text>'
        f"{_mark(_LEFT + 136, y, 4, after=True)}</circle>"
        f'<text x="{_LEFT + 146}" y="{y + 4}">after</text></g>'
    )
