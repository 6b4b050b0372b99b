"""The metrics of the design, on decisions and gold labels: numpy only, one definition for all.

*Primary macro-F1* is the F1 of the first predicted label against the first gold label, averaged
over the four labels: the headline. *Label-set macro-F1* is the same over label sets. *ECE* is the
expected calibration error of ``confidence`` over 10 equal-width bins (Naeini et al. 2015,
"Obtaining Well Calibrated Probabilities Using Bayesian Binning"). Intervals are percentile
bootstraps over documents, since sentences of one document are not independent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from claimwire.data.labels import LABEL_INDEX, LABELS, Label

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

BOOTSTRAP_RESAMPLES: Final = 2000
ECE_BINS: Final = 10
_CELLS_AT_ONCE: Final = 4_000_000
"""Most entries of one block of bootstrap weights (32 MB): bounds memory for many documents."""


@dataclass(frozen=True, slots=True)
class LabelScore:
    """One label's precision, recall and F1 (each 0 to 1) and its gold count."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a set of decisions is worth against gold labels.

    ``ci95`` is the 95% interval of ``primary_macro_f1``. ``per_label`` scores primary labels.
    """

    primary_macro_f1: float
    label_set_macro_f1: float
    per_label: dict[Label, LabelScore]
    accuracy: float
    ece: float
    n: int
    documents: int
    ci95: tuple[float, float]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``json.dumps``."""
        return asdict(self)

    def flat(self, prefix: str) -> dict[str, float]:
        """Return ``{prefix/primary_macro_f1: ..., prefix/f1/attack_claim: ...}`` for MLflow."""
        metrics = {
            f"{prefix}/primary_macro_f1": self.primary_macro_f1,
            f"{prefix}/primary_macro_f1_low": self.ci95[0],
            f"{prefix}/primary_macro_f1_high": self.ci95[1],
            f"{prefix}/label_set_macro_f1": self.label_set_macro_f1,
            f"{prefix}/accuracy": self.accuracy,
            f"{prefix}/ece": self.ece,
            f"{prefix}/n": float(self.n),
        }
        for label, score in self.per_label.items():
            metrics[f"{prefix}/precision/{label}"] = score.precision
            metrics[f"{prefix}/recall/{label}"] = score.recall
            metrics[f"{prefix}/f1/{label}"] = score.f1
        return metrics


def evaluate_predictions(
    gold: Sequence[Sequence[Label]],
    predicted: Sequence[Sequence[Label]],
    confidence: Sequence[float],
    documents: Sequence[str],
    seed: int = 0,
) -> Evaluation:
    """Score predictions against gold labels.

    Args:
        gold: n label lists, primary first.
        predicted: n label lists, primary first.
        confidence: n calibrated probabilities of the first predicted label, 0 to 1.
        documents: n document names; sentences of one name are resampled together.
        seed: of the bootstrap.

    Raises:
        ValueError: nothing to score, or the four sequences differ in length.
    """
    n = len(gold)
    if n == 0 or not len(predicted) == len(confidence) == len(documents) == n:
        sizes = (n, len(predicted), len(confidence), len(documents))
        raise ValueError(f"expected four sequences of one length above 0, found lengths {sizes}")
    gold_primary = primary_indices(gold)
    predicted_primary = primary_indices(predicted)
    confusion = confusion_matrix(gold_primary, predicted_primary)
    correct = gold_primary == predicted_primary
    return Evaluation(
        primary_macro_f1=float(macro_f1(confusion)),
        label_set_macro_f1=_label_set_macro_f1(gold, predicted),
        per_label=_label_scores(confusion),
        accuracy=float(correct.mean()),
        ece=expected_calibration_error(np.asarray(confidence, dtype=np.float64), correct),
        n=n,
        documents=len(set(documents)),
        ci95=bootstrap_macro_f1(gold_primary, predicted_primary, documents, seed),
    )


def primary_indices(label_lists: Sequence[Sequence[Label]]) -> IntArray:
    """Return the index in LABELS of the first label of each list, ``[n]``."""
    return np.array([LABEL_INDEX[labels[0]] for labels in label_lists], dtype=np.int64)


def confusion_matrix(gold: IntArray, predicted: IntArray) -> IntArray:
    """Return counts ``[4, 4]``: rows are gold, columns predicted, in the order of LABELS."""
    k = len(LABELS)
    return np.bincount(gold * k + predicted, minlength=k * k).reshape(k, k)


def macro_f1(confusion: npt.NDArray[Any]) -> FloatArray:
    """Return the unweighted mean of the labels' F1 for confusions ``[..., 4, 4]``.

    A label that is neither in gold nor predicted counts as 0, as scikit-learn has it.
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    total = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    f1: FloatArray = np.where(total > 0, 2 * hits / np.maximum(total, 1), 0.0).mean(axis=-1)
    return f1


def _label_scores(confusion: IntArray) -> dict[Label, LabelScore]:
    scores = {}
    for index, label in enumerate(LABELS):
        hits = float(confusion[index, index])
        in_gold, in_predicted = confusion[index].sum(), confusion[:, index].sum()
        scores[label] = LabelScore(
            precision=float(hits / max(in_predicted, 1)),
            recall=float(hits / max(in_gold, 1)),
            f1=float(2 * hits / max(in_gold + in_predicted, 1)),
            support=int(in_gold),
        )
    return scores


def _label_set_macro_f1(
    gold: Sequence[Sequence[Label]], predicted: Sequence[Sequence[Label]]
) -> float:
    f1 = []
    for label in LABELS:
        in_gold = np.array([label in labels for labels in gold])
        in_predicted = np.array([label in labels for labels in predicted])
        total = in_gold.sum() + in_predicted.sum()
        f1.append(2 * (in_gold & in_predicted).sum() / max(total, 1))
    return float(np.mean(f1))


def expected_calibration_error(
    confidence: FloatArray, correct: npt.NDArray[np.bool_], bins: int = ECE_BINS
) -> float:
    """Return the mean gap between confidence and accuracy, weighted by bin size, 0 to 1."""
    index = np.clip((confidence * bins).astype(int), 0, bins - 1)
    gap = np.bincount(index, weights=correct - confidence, minlength=bins)
    return float(np.abs(gap).sum() / len(confidence))


def bootstrap_macro_f1(
    gold: IntArray,
    predicted: IntArray,
    documents: Sequence[str],
    seed: int = 0,
    resamples: int = BOOTSTRAP_RESAMPLES,
) -> tuple[float, float]:
    """Return the 95% percentile interval of primary macro-F1, resampling whole documents."""
    per_document = confusion_per_document(gold, predicted, documents)
    scores = [
        macro_f1(np.tensordot(weights, per_document, axes=1))
        for weights in document_weights(len(per_document), seed, resamples)
    ]
    low, high = np.quantile(np.concatenate(scores), (0.025, 0.975))
    return float(low), float(high)


def document_weights(
    count: int, seed: int = 0, resamples: int = BOOTSTRAP_RESAMPLES
) -> Iterator[IntArray]:
    """Yield how often each resample draws each document, in blocks ``[some resamples, count]``.

    The same ``count``, ``seed`` and ``resamples`` give the same draws, which is what pairs two
    models.
    """
    rng = np.random.default_rng(seed)
    block = max(1, _CELLS_AT_ONCE // count)
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        yield rng.multinomial(count, np.full(count, 1 / count), size=size)


def document_numbers(documents: Sequence[str]) -> IntArray:
    """Return for each sentence the number of its document, 0 to documents - 1, ``[n]``."""
    _, owner = np.unique(np.asarray(documents, dtype=object).astype(str), return_inverse=True)
    return owner.astype(np.int64)


def confusion_per_document(
    gold: IntArray, predicted: IntArray, documents: Sequence[str]
) -> IntArray:
    """Return the confusion matrix of each document, ``[documents, 4, 4]``."""
    owner = document_numbers(documents)
    k = len(LABELS)
    cells = np.bincount(owner * k * k + gold * k + predicted, minlength=(owner.max() + 1) * k * k)
    return cells.reshape(-1, k, k)
