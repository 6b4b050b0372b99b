"""A figure's values over runs as one row of dots each: an SVG file that stands alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

WIDTH: Final = 640
LEFT: Final = 210
RIGHT: Final = 20
ROW: Final = 30
TOP: Final = 34
STYLE: Final = (
    ":root{color-scheme:light dark}svg{background:#fff;fill:#1c1e21}"
    "text{font:13px system-ui,sans-serif}.grid{stroke:#d7dbe0}.quiet{fill:#5b6168}"
    "polyline,line[class^=line]{fill:none;stroke-width:2}"
    ".mark{fill-opacity:.55}.mean{stroke:#1c1e21;stroke-width:2.5}.band{fill:#0b57d0;opacity:.15}"
    ".line-0{stroke:#b3261e}.mark.line-0{fill:#b3261e}.line-1{stroke:#0b57d0}"
    ".mark.line-1{fill:#0b57d0}"
)
"""Of a chart that is a file of its own; in a report the page gives the colours."""


def standalone(svg: str) -> str:
    """Return an inline SVG element as a file: with its namespace and :data:`STYLE`."""
    head, _, rest = svg.partition(">")
    head = head.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"{head}><style>{STYLE}</style>{rest}"


def spread_chart(values: Mapping[str, Sequence[float]], title: str) -> str:
    """Return an SVG file: a row a figure, a dot a run, mean as a tick, deviation as a band.

    Args:
        values: figure -> its values, 0 to 1, one a run.
        title: stands above.
    """
    everything = [value for row in values.values() for value in row]
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
    from statistics import fmean, stdev

    mean, deviation = fmean(row), stdev(row) if len(row) > 1 else 0.0
    left, right = (
        _x(min(max(edge, low), high), low, high) for edge in (mean - deviation, mean + deviation)
    )
    middle = _x(mean, low, high)
    dots = "".join(
        f'<circle cx="{_x(value, low, high)}" cy="{y}" r="4.5" class="mark line-1"/>'
        for value in row
    )
    return (
        f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="{left}" y="{y - 8}" width="{round(right - left, 1)}" height="16" class="band"/>'
        f'{dots}<line x1="{middle}" x2="{middle}" y1="{y - 11}" y2="{y + 11}" class="mean"/>'
    )
