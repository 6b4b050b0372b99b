"""Confusion: primary label predicted against the primary label that reviewers give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from claimwire.data.labels import LABELS
from claimwire.serve.review.facts import Judged
from claimwire.serve.review.outcomes import NOT_A_SENTENCE


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of sentences by primary label predicted and judged.

    Attributes:
        counts: by label predicted, then by label judged, each in the labels' order.
        not_sentences: left out: found to be no sentence.
        disputed: left out: reviewers disagree.
        uncovered: left out: without a prediction of the release.
    """

    counts: dict[str, dict[str, int]]
    not_sentences: int
    disputed: int
    uncovered: int

    @property
    def sentences(self) -> int:
        """Number of sentences counted."""
        return sum(sum(row.values()) for row in self.counts.values())

    @property
    def same(self) -> int:
        """How many of them have the label that was predicted."""
        return sum(row[label] for label, row in self.counts.items())

    def row(self, predicted: str) -> int:
        """Return how many sentences have this label predicted."""
        return sum(self.counts[predicted].values())

    def column(self, judged: str) -> int:
        """Return how many sentences have this label from the reviewers."""
        return sum(row[judged] for row in self.counts.values())

    def share(self, predicted: str, judged: str) -> float | None:
        """Return the share of a row, 0-1; None where the row is empty."""
        row = self.row(predicted)
        return self.counts[predicted][judged] / row if row else None


def confusion(judged: Iterable[Judged]) -> Confusion:
    """Count sentences by what was predicted and what was judged."""
    found: Counter[tuple[str, str]] = Counter()
    left_out: Counter[str] = Counter()
    for each in judged:
        if each.outcome is None:
            left_out["disputed"] += 1
        elif each.outcome.kind == NOT_A_SENTENCE:
            left_out["not_sentences"] += 1
        elif not each.predicted:
            left_out["uncovered"] += 1
        else:
            found[each.predicted[0], each.outcome.primary] += 1
    counts = {row.value: {column.value: found[row, column] for column in LABELS} for row in LABELS}
    return Confusion(counts, left_out["not_sentences"], left_out["disputed"], left_out["uncovered"])
