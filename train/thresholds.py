"""Thresholds of the claims and of the review, chosen on validation and guarded against noise.

A threshold that looks best on a few hundred sentences mostly looks best by luck. So a claim's
threshold moves only where moving it pays on documents that it was not chosen on: in
cross-validation over documents the gain in primary macro-F1 has to reach one standard error, taken
from a bootstrap over documents. The same input gives the same choice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from claimwire.data.corpus import Example
from claimwire.data.labels import CLAIM_LABELS, LABEL_INDEX, LABELS, Label
from claimwire.model.decision import Decision
from claimwire.train.calibration import FOLDS, MIN_EXAMPLES, fold_of_rows
from claimwire.train.metrics import macro_f1

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

GRID: Final = tuple(round(0.2 + 0.05 * step, 2) for step in range(13))
"""Candidates, 0.2 to 0.8: a finer grid would only follow the noise more closely."""
RESAMPLES: Final = 500
"""Bootstrap resamples of the documents: candidates are ranked by their mean over them."""
MAX_ROUNDS: Final = 2
"""Passes over the labels: one threshold's best place depends a little on the others."""
REVIEW_STEP: Final = 0.005
MIN_KEPT: Final = 20
"""Decisions that must stand above a review threshold before its precision is believed."""


@dataclass(frozen=True, slots=True)
class LabelGain:
    """What the last look at one label's threshold found.

    Attributes:
        best: the threshold with the best mean primary macro-F1 over the resamples.
        gain: in primary macro-F1 on documents that the threshold was not chosen on; 0 where
            ``best`` is where the threshold stands.
        standard_error: of that gain, from a bootstrap over documents.
    """

    best: float
    gain: float
    standard_error: float

    @property
    def holds(self) -> bool:
        """Whether the gain is real enough to move the threshold."""
        return self.gain > 0 and self.gain >= self.standard_error


@dataclass(frozen=True, slots=True)
class ThresholdChoice:
    """The thresholds of the claims, and the evidence.

    Attributes:
        thresholds: for each claim label, the calibrated probability from which it is given.
        start: where every threshold stood before.
        macro_f1_before: primary macro-F1 on validation with all thresholds at ``start``.
        macro_f1_after: the same with ``thresholds``, on the sentences they were chosen on.
        gains: for each label that was looked at, its last look. Empty where nothing was tuned.
    """

    thresholds: dict[Label, float]
    start: float
    macro_f1_before: float
    macro_f1_after: float
    gains: dict[Label, LabelGain]


@dataclass(frozen=True, slots=True)
class ReviewChoice:
    """The review threshold, and what it holds on validation.

    Attributes:
        threshold: decisions with a lower confidence ask for a review.
        target: the precision that was asked for.
        precision: share of right primary labels among the decisions that ask for none.
        kept: share of all decisions that ask for none.
        attained: False where no threshold reaches ``target``: then this is the nearest.
    """

    threshold: float
    target: float
    precision: float
    kept: float
    attained: bool


def documents_of(examples: Sequence[Example]) -> list[str]:
    """Return the document's name of each example; without a ``doc_id`` each is its own."""
    return [str(example.document_key or example.position) for example in examples]


def choose_thresholds(
    probabilities: FloatArray,
    examples: Sequence[Example],
    start: float = 0.5,
    *,
    ranking: npt.NDArray[np.floating] | None = None,
    tune: bool = True,
    seed: int = 0,
) -> ThresholdChoice:
    """Return thresholds that raise primary macro-F1, moved only where the gain holds.

    Coordinate-wise: for one label after the other, with the other thresholds fixed, each fold takes
    the candidate that is best on the other folds; if the decisions on the folds left out are better
    by at least one standard error, the threshold moves to the candidate that is best on all
    documents. A label that is primary in fewer than ``MIN_EXAMPLES`` sentences stays.

    Args:
        probabilities: calibrated, ``[n, 4]``, columns in LABELS order.
        examples: n validation sentences.
        start: where each threshold begins, and stays without evidence, above 0 and below 1.
        ranking: ``[n, 4]``, by which the claims of a sentence are ordered; None: probability.
        tune: False leaves every threshold at ``start`` and only says what that is worth.
        seed: of the bootstrap.

    Raises:
        ValueError: the lengths differ, or a test sentence is among the examples.
    """
    _check(len(probabilities), examples)
    thresholds = dict.fromkeys(CLAIM_LABELS, start)
    if not examples:
        return ThresholdChoice(thresholds, start, 0.0, 0.0, {})
    search = _Search(np.asarray(probabilities, dtype=np.float64), examples, seed, ranking)
    gains: dict[Label, LabelGain] = {}
    for _ in range(MAX_ROUNDS if tune and search.documents > 1 else 0):
        before = dict(thresholds)
        for label in search.tunable:
            found = search.look(label, thresholds, start)
            # What moved keeps the evidence for its move: a second look compares with the new place.
            if found.holds or label not in gains or not gains[label].holds:
                gains[label] = found
            if found.holds:
                thresholds[label] = found.best
        if thresholds == before:
            break
    return ThresholdChoice(
        thresholds,
        start,
        search.score(dict.fromkeys(CLAIM_LABELS, start)),
        search.score(thresholds),
        gains,
    )


class _Search:
    """Validation, its documents and folds, and the resamples that every candidate is scored on."""

    def __init__(
        self,
        probabilities: FloatArray,
        examples: Sequence[Example],
        seed: int,
        ranking: npt.NDArray[np.floating] | None,
    ) -> None:
        names = documents_of(examples)
        self._probabilities = probabilities
        self._ranking = ranking
        self._gold = np.array([LABEL_INDEX[e.labels[0]] for e in examples], dtype=np.int64)
        _, self._owner = np.unique(np.asarray(names, dtype=str), return_inverse=True)
        self.documents = int(self._owner.max()) + 1
        self._fold = fold_of_rows(names, FOLDS)
        rng = np.random.default_rng(seed)
        self._weights = rng.multinomial(
            self.documents, np.full(self.documents, 1 / self.documents), size=RESAMPLES
        ).astype(np.float64)
        counts = np.bincount(self._gold, minlength=len(LABELS))
        self.tunable = [x for x in CLAIM_LABELS if counts[LABEL_INDEX[x]] >= MIN_EXAMPLES]

    def score(self, thresholds: dict[Label, float]) -> float:
        """Return primary macro-F1 on all of validation."""
        cells = self._cells(primary_indices(self._probabilities, thresholds, self._ranking))
        return float(macro_f1(cells.sum(axis=0)))

    def look(self, label: Label, thresholds: dict[Label, float], start: float) -> LabelGain:
        """Return the best place of one threshold and what moving there gains out of fold."""
        # Nearest to the start first: of equally good candidates the first one wins.
        grid = sorted({*GRID, start, thresholds[label]}, key=lambda t: (abs(t - start), t))
        predicted = [
            primary_indices(self._probabilities, {**thresholds, label: value}, self._ranking)
            for value in grid
        ]
        cells = np.stack([self._cells(rows) for rows in predicted])  # [grid, documents, 4, 4]
        best = int(self._means(cells).argmax())
        if grid[best] == thresholds[label]:
            return LabelGain(grid[best], 0.0, 0.0)
        out_of_fold = np.empty_like(self._gold)
        for fold in range(int(self._fold.max()) + 1):
            held_out = self._fold == fold
            others = cells.copy()
            others[:, np.unique(self._owner[held_out])] = 0
            out_of_fold[held_out] = predicted[int(self._means(others).argmax())][held_out]
        now = cells[grid.index(thresholds[label])]
        then = self._cells(out_of_fold)
        gain = float(macro_f1(then.sum(axis=0)) - macro_f1(now.sum(axis=0)))
        error = float((self._resampled(then) - self._resampled(now)).std(ddof=1))
        return LabelGain(grid[best], gain, error)

    def _cells(self, predicted: IntArray) -> FloatArray:
        """Return each document's confusion, ``[documents, 4, 4]``, gold by predicted."""
        k = len(LABELS)
        index = self._owner * k * k + self._gold * k + predicted
        cells = np.bincount(index, minlength=self.documents * k * k).astype(np.float64)
        return cells.reshape(-1, k, k)

    def _resampled(self, cells: FloatArray) -> FloatArray:
        """Return macro-F1 on each resample: ``[..., documents, 4, 4]`` to ``[RESAMPLES, ...]``."""
        return macro_f1(np.tensordot(self._weights, cells, axes=(1, -3)))

    def _means(self, cells: FloatArray) -> FloatArray:
        """Return the mean macro-F1 over the resamples, ``[grid]``."""
        # Rounded, so that equal candidates stay equal whatever the order of the sums.
        means: FloatArray = self._resampled(cells).mean(axis=0).round(9)
        return means


def primary_indices(
    probabilities: FloatArray,
    thresholds: dict[Label, float],
    ranking: npt.NDArray[np.floating] | None = None,
) -> IntArray:
    """Return the index of each row's primary label, by the decision rule, ``[n]``.

    ``ranking`` is that of :func:`claimwire.model.decision.decide`.
    """
    columns = np.array([LABEL_INDEX[label] for label in CLAIM_LABELS], dtype=np.int64)
    claims = probabilities[:, columns]
    reached = claims >= np.array([thresholds[label] for label in CLAIM_LABELS])
    rank = claims if ranking is None else np.asarray(ranking, dtype=np.float64)[:, columns]
    best = columns[np.where(reached, rank, -np.inf).argmax(axis=1)]
    return np.where(reached.any(axis=1), best, LABEL_INDEX[Label.BACKGROUND])


def choose_review_threshold(
    decisions: Sequence[Decision],
    examples: Sequence[Example],
    precision: float = 0.9,
    z: float = 0.0,
) -> ReviewChoice:
    """Return the lowest review threshold above which primary labels are right often enough.

    A higher ``precision`` never gives a lower threshold. Truncated sentences are always reviewed
    and do not count among the decisions that ask for none.

    Args:
        decisions: n decisions on validation, made with the release's thresholds.
        examples: the n validation sentences.
        precision: share of right primary labels to reach, 0 to 1.
        z: 0 takes the share as it is; above 0 its Wilson lower bound at that many standard
            deviations has to reach ``precision`` (1.645: one-sided 95%).

    Returns:
        The choice; where nothing reaches ``precision``, the threshold with the highest one.

    Raises:
        ValueError: the lengths differ, there is nothing to choose on, or a test sentence is
            among the examples.
    """
    _check(len(decisions), examples)
    pairs = list(zip(decisions, examples, strict=True))
    confidence = np.array([d.confidence for d, _ in pairs if not d.truncated])
    correct = np.array([d.label == e.labels[0] for d, e in pairs if not d.truncated])
    if not len(confidence):
        raise ValueError("expected at least one decision on a whole sentence, found none")
    choices = []
    for step in range(round(1 / REVIEW_STEP)):
        threshold = round(step * REVIEW_STEP, 3)
        kept = confidence >= threshold
        count = int(kept.sum())
        if count < min(MIN_KEPT, len(confidence)):
            break
        bound = wilson_lower(int(correct[kept].sum()), count, z)
        choice = ReviewChoice(
            threshold,
            precision,
            float(correct[kept].mean()),
            count / len(pairs),
            bound >= precision,
        )
        if choice.attained:
            return choice
        choices.append((bound, choice))
    # max() takes the first of equals: the lowest threshold, which asks for the fewest reviews.
    return max(choices, key=lambda item: item[0])[1]


def wilson_lower(hits: int, n: int, z: float) -> float:
    """Return the lower end of the Wilson score interval of ``hits / n``; z=0 gives the share."""
    share = hits / n
    spread = z * math.sqrt((share * (1 - share) + z**2 / (4 * n)) / n)
    return (share + z**2 / (2 * n) - spread) / (1 + z**2 / n)


def _check(n: int, examples: Sequence[Example]) -> None:
    if n != len(examples):
        raise ValueError(f"expected one row an example, found {n} rows for {len(examples)}")
    for example in examples:
        if example.split == "test":
            raise ValueError(
                f"{example.position}: expected validation sentences, found one of test: what is "
                "chosen on test cannot be measured on it"
            )
