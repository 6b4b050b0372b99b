"""Is a part of a sample different by more than chance? A test for clusters, and Holm's correction.

Sentences of one article resemble each other, so it is articles that chance may have dealt out to
one week or another, not sentences. Each article has a vector of scores, which sum to zero over all
articles; the sum over the articles of a week is compared with what it would be if the articles had
been dealt out by lot.

With many articles on both sides the sum is normal (Hoeffding, *A combinatorial central limit
theorem*, Annals of Mathematical Statistics 22, 1951), and its squared length, measured by its
covariance under the lots, chi-squared. With one sentence an article this is Pearson's chi-squared
test for counts, and the rank-sum test of Wilcoxon (1945) and of Mann and Whitney (1947) for ranks,
each but for a factor (N - 1) / N. With few articles lots are drawn, a seeded number of times, until
:data:`ENOUGH` of them were as far out as the week is, or :data:`DRAWS` were drawn (Besag and
Clifford, *Sequential Monte Carlo p-values*, Biometrika 78, 1991): then p is exact but for the lots.

Of several p-values the smallest one is small by chance; Holm (*A simple sequentially rejective
multiple test procedure*, Scandinavian Journal of Statistics 6, 1979) corrects for that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

MANY: Final = 40
"""Clusters on the smaller side from which on the normal distribution is good enough."""

DRAWS: Final = 4_999
"""Most lots drawn; the smallest p-value is one over one more."""

ENOUGH: Final = 20
"""Lots as far out as what was found, after which no more are drawn."""

_FIRST: Final = 100
_ROUNDING: Final = 1e-9

Scores = npt.NDArray[np.float64]


def permutation_p(scores: Scores, chosen: npt.NDArray[np.bool_], seed: int) -> float | None:
    """Return how likely lots would put the chosen clusters' sum so far from zero.

    Args:
        scores: ``[clusters, k]``, each column summing to zero.
        chosen: ``[clusters]``, which of them are looked at.
        seed: of the lots.

    Returns:
        p, above 0 and at most 1; None where nothing can differ: nothing or everything is chosen, or
        the clusters are all alike.
    """
    total, number = len(scores), int(chosen.sum())
    if not 0 < number < total:
        return None
    factor = number * (total - number) / (total * (total - 1))
    covariance = factor * (scores.T @ scores)
    rank = int(np.linalg.matrix_rank(covariance, hermitian=True))
    if rank == 0:
        return None
    inverse: Scores = np.linalg.pinv(covariance, hermitian=True).astype(np.float64)
    found = float(_lengths(scores[chosen].sum(axis=0)[None], inverse)[0])
    smaller = min(number, total - number)
    if smaller >= MANY:
        return chi2_tail(found, rank)
    # The sum over the others is the same but for its sign, so the smaller side is enough.
    return _by_lot(scores, smaller, inverse, found, seed)


def _by_lot(scores: Scores, size: int, inverse: Scores, found: float, seed: int) -> float:
    lots = np.random.default_rng(seed)
    further = drawn = 0
    for count in _batches():
        picked = _without_replacement(lots, count, size, len(scores))
        is_out = _lengths(scores[picked].sum(axis=1), inverse) >= found * (1 - _ROUNDING)
        reached = np.flatnonzero(further + np.cumsum(is_out) >= ENOUGH)
        if reached.size:
            return ENOUGH / (drawn + int(reached[0]) + 1)
        further, drawn = further + int(is_out.sum()), drawn + count
    return (further + 1) / (drawn + 1)


def _batches() -> Iterator[int]:
    """Yield sizes that sum to DRAWS, each as large as all before it."""
    left, size = DRAWS, _FIRST
    while left:
        size = min(size, left)
        yield size
        left, size = left - size, 2 * size


def _without_replacement(
    lots: np.random.Generator, count: int, size: int, total: int
) -> npt.NDArray[np.int64]:
    """Return ``[count, size]`` indices below ``total``, none twice in a row (Floyd's method)."""
    picked = np.empty((count, size), dtype=np.int64)
    for column, last in enumerate(range(total - size, total)):
        one = lots.integers(0, last, size=count, endpoint=True)
        is_taken = (picked[:, :column] == one[:, None]).any(axis=1)
        picked[:, column] = np.where(is_taken, last, one)
    return picked


def _lengths(sums: Scores, inverse: Scores) -> Scores:
    """Return the squared length of each row of ``[n, k]``, as the covariance measures it."""
    lengths: Scores = np.einsum("ni,ij,nj->n", sums, inverse, sums)
    return lengths


def chi2_tail(value: float, degrees: int) -> float:
    """Return how likely a chi-squared number is at least ``value``.

    Args:
        value: 0 or more.
        degrees: degrees of freedom, 1 or more.
    """
    if value <= 0:
        return 1.0
    half = value / 2
    # Each two more degrees add one term of the series (Abramowitz and Stegun 26.4.4, 26.4.5).
    if degrees % 2:
        tail, term = math.erfc(math.sqrt(half)), math.exp(-half) * math.sqrt(half / math.pi) * 2
        for step in range(1, degrees // 2 + 1):
            tail += term
            term *= half / (step + 0.5)
    else:
        tail, term = 0.0, math.exp(-half)
        for step in range(1, degrees // 2 + 1):
            tail += term
            term *= half / step
    return min(tail, 1.0)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values corrected for their number by Holm (1979), in the order given.

    None, for what was not tested, stays None and does not count.
    """
    tested = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(tested):
        largest = max(largest, min(1.0, p * (len(tested) - rank)))
        corrected[place] = largest
    return corrected
