"""Shares of a count, with their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

Z95: Final = 1.959963984540054
"""The normal quantile of a two-sided 95% interval."""


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``n``."""

    hits: int
    n: int

    @property
    def rate(self) -> float:
        """Return the share, 0 to 1; 0 of nothing is 0."""
        return self.hits / self.n if self.n else 0.0

    @property
    def ci95(self) -> tuple[float, float]:
        """Return the Wilson 95% interval, 0 to 1 each; of nothing, (0, 1)."""
        return wilson_interval(self.hits, self.n)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``json.dumps``."""
        return {"hits": self.hits, "n": self.n, "rate": self.rate, "ci95": list(self.ci95)}


def wilson_interval(hits: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Return the score interval of a share (Wilson 1927, "Probable Inference").

    Args:
        hits: 0 to ``n``.
        n: 0 or more; 0 gives (0, 1).
        z: normal quantile of the confidence wanted.
    """
    if n == 0:
        return 0.0, 1.0
    share = hits / n
    centre = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # Rounding must not push the bound beyond a share of exactly 0 or 1.
    low = 0.0 if hits == 0 else max(0.0, (centre - spread) / scale)
    high = 1.0 if hits == n else min(1.0, (centre + spread) / scale)
    return low, high
