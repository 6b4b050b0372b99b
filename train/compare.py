"""Is one release better than another? A paired bootstrap over documents, and what changed.

Both releases tag the same sentences. Documents are drawn with replacement, the same draw for
both, and each draw gives one difference of each metric; the middle 95% of the differences is the
interval (the percentile interval of Efron and Tibshirani 1993, "An Introduction to the
Bootstrap"; paired for two systems as in Koehn 2004, "Statistical Significance Tests for Machine
Translation Evaluation"). Documents are drawn, not sentences, since sentences of one document are
not independent. Each interval stands alone: of the eight, one may exclude 0 by chance, so decide by
the headline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from claimwire.data.documents import Record
from claimwire.data.labels import LABELS, Label
from claimwire.model.decision import Decision
from claimwire.model.runtime import Runtime
from claimwire.train.metrics import (
    BOOTSTRAP_RESAMPLES,
    ECE_BINS,
    FloatArray,
    document_numbers,
    document_weights,
    macro_f1,
    primary_indices,
)

Verdict = Literal["better", "worse", "undecided"]
Metric = Literal["primary_macro_f1", "label_set_macro_f1", "accuracy", "ece"]
Kind = Literal["fixed", "broken", "both_wrong", "further_labels"]

METRICS: Final[tuple[Metric, ...]] = get_args(Metric)
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
FEWEST_DOCUMENTS: Final = 6
"""With fewer documents every verdict is undecided: five that all favour one of two equal releases
are no surprise (2 * 0.5**5 = 6%), and their bootstrap interval would exclude 0 all the same."""

_K: Final = len(LABELS)
_DECIMALS: Final = 12
"""Differences are rounded here, so that the order of a sum never makes a difference."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of both releases.

    Attributes:
        a, b: the value of each release, 0 to 1.
        difference: ``b - a``.
        interval: the 95% interval of the difference.
        verdict: whether B is better than A: decided where the interval excludes 0. Less is better
            for the calibration error, more for all else.
    """

    a: float
    b: float
    difference: float
    interval: tuple[float, float]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ChangedSentence:
    """A sentence on which the releases decide differently.

    Attributes:
        row: its place in the data set, from 0.
        document: its ``doc_id``, or None.
        gold: the labels given, primary first.
        kind: by the first label: ``fixed`` (only B is right), ``broken`` (only A is right),
            ``both_wrong`` (they differ and both are wrong); ``further_labels`` where the first
            label is the same and others differ.
        labels_a, labels_b: what each release says, primary first.
        confidence_a, confidence_b: the calibrated probability of its first label, 0 to 1.
    """

    row: int
    text: str
    document: str | None
    gold: tuple[Label, ...]
    kind: Kind
    labels_a: tuple[Label, ...]
    labels_b: tuple[Label, ...]
    confidence_a: float
    confidence_b: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Release B against release A on one set of labelled sentences.

    Attributes:
        n: sentences.
        documents: documents; a sentence that names none is one of its own.
        resamples: bootstrap resamples behind each interval.
        metrics: the differences of the metrics.
        per_label: the differences of each label's F1 as a first label.
        changed: the sentences decided differently, in the order of the data set.
    """

    n: int
    documents: int
    resamples: int
    metrics: dict[Metric, Difference]
    per_label: dict[Label, Difference]
    changed: tuple[ChangedSentence, ...]

    @property
    def verdict(self) -> Verdict:
        """Whether B is better than A by the headline, primary macro-F1."""
        return self.metrics["primary_macro_f1"].verdict

    def of_kind(self, kind: Kind) -> list[ChangedSentence]:
        """Return the changed sentences of one kind."""
        return [sentence for sentence in self.changed if sentence.kind == kind]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``json.dumps``, with the number of changes of each kind."""
        counts = {kind: len(self.of_kind(kind)) for kind in KINDS}
        content = asdict(self)
        return {"verdict": self.verdict, **content, "changed_counts": counts}


def compare_releases(
    records: Sequence[Record], runtime_a: Runtime, runtime_b: Runtime
) -> Comparison:
    """Tag the records' texts with both releases and compare what they say.

    Args:
        records: one or more labelled sentences.
        runtime_a: the release to measure against.
        runtime_b: the release that is judged.

    Raises:
        ValueError: there are no records.
    """
    texts = [record.text for record in records]
    return compare_decisions(records, runtime_a.predict(texts), runtime_b.predict(texts))


def compare_decisions(
    records: Sequence[Record],
    decisions_a: Sequence[Decision],
    decisions_b: Sequence[Decision],
    *,
    seed: int = 0,
    resamples: int = BOOTSTRAP_RESAMPLES,
) -> Comparison:
    """Compare two releases' decisions on the same records.

    Args:
        records: n labelled sentences, at least one.
        decisions_a: n decisions of the release to measure against.
        decisions_b: n decisions of the release that is judged.
        seed: of the bootstrap.
        resamples: how many times documents are drawn.

    Raises:
        ValueError: nothing to compare, or the three sequences differ in length.
    """
    n = len(records)
    if n == 0 or not len(decisions_a) == len(decisions_b) == n:
        sizes = (n, len(decisions_a), len(decisions_b))
        raise ValueError(f"expected three sequences of one length above 0, found lengths {sizes}")
    # As evaluate_records has it: a record without doc_id is a document of its own.
    owner = document_numbers([r.doc_id or f"sentence {row}" for row, r in enumerate(records)])
    counts_a, counts_b = (
        _sum_by_document(_counts(records, decisions), owner)
        for decisions in (decisions_a, decisions_b)
    )
    differences = _differences(counts_a, counts_b, seed, resamples)
    return Comparison(
        n=n,
        documents=len(counts_a),
        resamples=resamples,
        metrics=dict(zip(METRICS, differences, strict=False)),
        per_label=dict(zip(LABELS, differences[len(METRICS) :], strict=True)),
        changed=_changed(records, decisions_a, decisions_b),
    )


def _counts(records: Sequence[Record], decisions: Sequence[Decision]) -> FloatArray:
    """Return what each sentence adds to the sums that the metrics are made from, ``[n, 38]``.

    Columns: 16 cells of the confusion matrix of first labels (gold x predicted); for each label
    whether it is in both label sets (4), in the gold set (4), in the predicted set (4); for each
    bin of confidence the correctness less the confidence of what falls into it (10).
    """
    rows = np.arange(len(records))
    gold = primary_indices([record.labels for record in records])
    predicted = primary_indices([decision.labels for decision in decisions])
    confidence = np.array([decision.confidence for decision in decisions])
    confusion = np.zeros((len(rows), _K * _K))
    confusion[rows, gold * _K + predicted] = 1
    in_gold = _multi_hot([record.labels for record in records])
    in_predicted = _multi_hot([decision.labels for decision in decisions])
    gaps = np.zeros((len(rows), ECE_BINS))
    bins = np.clip((confidence * ECE_BINS).astype(int), 0, ECE_BINS - 1)
    gaps[rows, bins] = (gold == predicted) - confidence
    return np.hstack([confusion, in_gold * in_predicted, in_gold, in_predicted, gaps])


def _multi_hot(label_lists: Sequence[Sequence[Label]]) -> FloatArray:
    return np.array([[float(label in labels) for label in LABELS] for labels in label_lists])


def _sum_by_document(counts: FloatArray, owner: npt.NDArray[np.int64]) -> FloatArray:
    """Return the sums ``[documents, 38]`` of counts ``[n, 38]``."""
    sums = np.zeros((int(owner.max()) + 1, counts.shape[1]))
    np.add.at(sums, owner, counts)
    return sums


def _statistics(sums: FloatArray) -> FloatArray:
    """Return the four METRICS and the F1 of the four LABELS, ``[m, 8]``, from sums ``[m, 38]``."""
    confusion, hits, in_gold, in_predicted, gaps = np.split(
        sums, np.cumsum([_K * _K, _K, _K, _K]), axis=1
    )
    confusion = confusion.reshape(-1, _K, _K)
    n = confusion.sum(axis=(1, 2))
    primary_hits = np.diagonal(confusion, axis1=1, axis2=2)
    metrics = [
        macro_f1(confusion),
        _f1(hits, in_gold + in_predicted).mean(axis=1),
        primary_hits.sum(axis=1) / n,
        np.abs(gaps).sum(axis=1) / n,
    ]
    per_label = _f1(primary_hits, confusion.sum(axis=1) + confusion.sum(axis=2))
    return np.column_stack([*metrics, per_label])


def _f1(hits: FloatArray, total: FloatArray) -> FloatArray:
    """Return F1 from hits and the sum of gold and predicted; 0 where there is neither."""
    return 2 * hits / np.maximum(total, 1)


def _differences(
    counts_a: FloatArray, counts_b: FloatArray, seed: int, resamples: int
) -> list[Difference]:
    """Return the differences in the order of :func:`_statistics`."""
    values_a, values_b = (_statistics(c.sum(axis=0)[None])[0] for c in (counts_a, counts_b))
    drawn = []
    for block in document_weights(len(counts_a), seed, resamples):
        weights = block.astype(np.float64)  # [some resamples, documents]; floats multiply faster
        drawn.append(_statistics(weights @ counts_b) - _statistics(weights @ counts_a))
    resampled = np.round(np.concatenate(drawn), _DECIMALS)
    # The upper end is found as the lower end of the negated values, so that swapping the releases
    # negates the interval to the last bit; + 0.0 makes -0.0 plain.
    lows = np.quantile(resampled, 0.025, axis=0) + 0.0
    highs = -np.quantile(-resampled, 0.025, axis=0) + 0.0
    points = np.round(values_b - values_a, _DECIMALS) + 0.0
    columns = np.column_stack([values_a, values_b, points, lows, highs]).tolist()
    return [
        Difference(a, b, by, (low, high), _verdict(name, low, high, len(counts_a)))
        for name, (a, b, by, low, high) in zip((*METRICS, *LABELS), columns, strict=True)
    ]


def _verdict(name: str, low: float, high: float, documents: int) -> Verdict:
    if documents < FEWEST_DOCUMENTS or low <= 0 <= high:
        return "undecided"
    return "better" if (high < 0) == (name == "ece") else "worse"


def _changed(
    records: Sequence[Record], decisions_a: Sequence[Decision], decisions_b: Sequence[Decision]
) -> tuple[ChangedSentence, ...]:
    return tuple(
        ChangedSentence(
            row=row,
            text=record.text,
            document=record.doc_id,
            gold=tuple(record.labels),
            kind=_kind(record.labels[0], a.label, b.label),
            labels_a=a.labels,
            labels_b=b.labels,
            confidence_a=a.confidence,
            confidence_b=b.confidence,
        )
        for row, (record, a, b) in enumerate(zip(records, decisions_a, decisions_b, strict=True))
        if a.labels != b.labels
    )


def _kind(gold: Label, a: Label, b: Label) -> Kind:
    if a == b:
        return "further_labels"
    if b == gold:
        return "fixed"
    return "broken" if a == gold else "both_wrong"
