"""A figure's values over several runs: their spread, and a chart with one row of dots a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from statistics import fmean, stdev
from typing import Final

from claimwire.train.line_chart import standalone

WIDTH: Final = 640
LEFT: Final = 210
RIGHT: Final = 20
ROW: Final = 30
TOP: Final = 34


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure over n runs; ``std`` is the sample standard deviation, 0 for a single run."""

    mean: float
    std: float
    min: float
    max: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise one value or more."""
        deviation = stdev(values) if len(values) > 1 else 0.0
        return cls(fmean(values), deviation, min(values), max(values), len(values))

    @property
    def band(self) -> tuple[float, float]:
        """One standard deviation to either side of the mean."""
        return self.mean - self.std, self.mean + self.std


def spread_chart(values: Mapping[str, Sequence[float]], title: str) -> str:
    """Return an SVG file: a row a figure, a dot a run, mean as a tick, deviation as a band.

    Args:
        values: figure -> its values, 0 to 1, one a run.
        title: stands above.
    """
    everything = [value for row in values.values() for value in (*row, *Spread.of(row).band)]
    low = max(0.0, min(everything, default=0.0) // 0.1 / 10)
    high = min(1.0, max(everything, default=1.0) // 0.1 / 10 + 0.1)
    height = TOP + ROW * len(values) + 34
    rows = "".join(
        _row(name, row, TOP + ROW * number + ROW // 2, low, high)
        for number, (name, row) in enumerate(values.items())
    )
    return standalone(
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img"><title>{escape(title)}</title>'
        f'<text x="8" y="20">{escape(title)}</text>{_grid(low, high, height - 30)}{rows}</svg>\n'
    )


def _x(value: float, low: float, high: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / max(high - low, 1e-9), 1)


def _grid(low: float, high: float, bottom: int) -> str:
    parts = []
    for step in range(5):
        value = low + (high - low) * step / 4
        x = _x(value, low, high)
        parts.append(f'<line x1="{x}" x2="{x}" y1="{TOP}" y2="{bottom}" class="grid"/>')
        parts.append(
            f'<text x="{x}" y="{bottom + 18}" text-anchor="middle" class="quiet">{value:.3g}</text>'
        )
    return "".join(parts)


def _row(name: str, row: Sequence[float], y: int, low: float, high: float) -> str:
    spread = Spread.of(row)
    left, right = (_x(min(max(edge, low), high), low, high) for edge in spread.band)
    middle = _x(spread.mean, low, high)
    dots = "".join(
        f'<circle cx="{_x(value, low, high)}" cy="{y}" r="4.5" class="mark line-1"/>'
        for value in row
    )
    return (
        f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="{left}" y="{y - 8}" width="{round(right - left, 1)}" height="16" class="band"/>'
        f'{dots}<line x1="{middle}" x2="{middle}" y1="{y - 11}" y2="{y + 11}" class="mean"/>'
    )
