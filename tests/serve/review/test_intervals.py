"""Wilson's interval against values worked out elsewhere."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwire.serve.review.intervals import Z95, sample_for, wilson


def test_the_quantile_leaves_five_percent_outside() -> None:
    assert math.erfc(Z95 / math.sqrt(2)) == pytest.approx(0.05, abs=1e-12)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        # R: binom::binom.wilson(x, n)
        (0, 10, 0.0, 0.2775328),
        (10, 10, 0.7224672, 1.0),
        (5, 10, 0.2365931, 0.7634069),
        (81, 263, 0.2552808, 0.3662102),
        (1, 29, 0.0061136, 0.1717553),
    ],
)
def test_known_values(hits: int, n: int, low: float, high: float) -> None:
    assert wilson(hits / n, n) == pytest.approx((low, high), abs=5e-5)


def test_nothing_judged_tells_nothing() -> None:
    assert wilson(0.0, 0) == (0.0, 1.0)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_solves_its_equation(pair: tuple[int, int]) -> None:
    hits, n = pair
    share = hits / n
    low, high = wilson(share, n)
    assert 0 <= low <= share <= high <= 1
    for bound in {low, high} - {0.0, 1.0}:
        # Where the interval ends, the share is exactly Z95 standard errors away.
        assert abs(share - bound) == pytest.approx(Z95 * math.sqrt(bound * (1 - bound) / n))


@given(st.floats(0.01, 0.4), st.floats(0, 1))
def test_the_sample_is_the_least_that_is_enough(half_width: float, rate: float) -> None:
    n = sample_for(half_width, rate)

    def half(size: int) -> float:
        low, high = wilson(rate, size)
        return (high - low) / 2

    assert half(n) <= half_width
    assert n == 1 or half(n - 1) > half_width
