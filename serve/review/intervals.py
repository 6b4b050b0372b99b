"""Wilson's interval for a share, and how many observations a wanted width needs.

E. B. Wilson, *Probable inference, the law of succession, and statistical inference*, Journal of the
American Statistical Association 22 (1927), 209-212. It holds near 0 and 1 and for few observations,
where the textbook interval does not.
"""

from __future__ import annotations

import math
from typing import Final

Z95: Final = 1.959963984540054
"""Quantile of the normal distribution that leaves 5% outside, half of it on either side."""


def wilson(rate: float, n: float) -> tuple[float, float]:
    """Return the 95% interval of Wilson (1927) for a share.

    Args:
        rate: the share found, 0-1.
        n: number it was found in, 0 or more; 0 gives (0.0, 1.0).
    """
    if n <= 0:
        return 0.0, 1.0
    z2 = Z95 * Z95
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n))
    # At 0 and 1 the two terms are equal, but for rounding.
    low = 0.0 if rate == 0 else max(0.0, centre - half)
    return low, 1.0 if rate == 1 else min(1.0, centre + half)


def sample_for(half_width: float, rate: float) -> int:
    """Return the least ``n`` at which half of Wilson's interval is at most ``half_width`` wide."""

    def is_enough(n: int) -> bool:
        low, high = wilson(rate, n)
        return (high - low) / 2 <= half_width

    low, high = 0, 1
    while not is_enough(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def further_needed(interval: tuple[float, float], n: float, half_width: float) -> float | None:
    """Return how many more observations an interval wants to be narrow enough.

    The share is taken to come to the interval's middle, which for few observations is nearer to 1/2
    than what was found.

    Args:
        interval: the one found so far.
        n: number of observations it rests on.
        half_width: half the width wanted.

    Returns:
        0.0 where it is narrow enough, None where there is no observation to tell it from.
    """
    low, high = interval
    if (high - low) / 2 <= half_width:
        return 0.0
    if n <= 0:
        return None
    return max(sample_for(half_width, (low + high) / 2) - n, 1.0)
