"""A small line chart as inline SVG: scales to any width, reads on light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 420
HEIGHT: Final = 300
LEFT: Final = 48
RIGHT: Final = 10
TOP: Final = 10
BOTTOM: Final = 42
DASHES: Final = ("", "7 3", "2 3", "8 3 2 3")
"""Lines differ by dash as well as by colour, for those who see no colours."""


STYLE: Final = (
    ":root{color-scheme:light dark}svg{background:#fff;fill:#1c1e21}"
    "text{font:13px system-ui,sans-serif}.grid{stroke:#d7dbe0}.quiet{fill:#5b6168}"
    "polyline,line[class^=line]{fill:none;stroke-width:2}"
    ".mark{fill-opacity:.55}.mean{stroke:#1c1e21;stroke-width:2.5}.band{fill:#0b57d0;opacity:.15}"
    ".line-0{stroke:#b3261e}.mark.line-0{fill:#b3261e}.line-1{stroke:#0b57d0}"
    ".mark.line-1{fill:#0b57d0}"
)
"""Of a chart that is a file of its own; in a report the page gives the colours."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: ``y`` is 0 to 1; ``style`` is the number of its colour and dash, 0 to 3."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    style: int
    marks: bool = False


def line_chart(
    lines: Sequence[Line], title: str, x_title: str, y_title: str, *, highest_x: float = 1.0
) -> str:
    """Return one SVG element; the y axis goes from 0 to 1, the x axis from 0 to ``highest_x``.

    Lines are drawn with the class ``line-N``, N being their style; the page gives the colours.
    """
    drawn = "".join(_drawn(line, highest_x) for line in lines)
    legend = "".join(_legend(row, line) for row, line in enumerate(lines))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 18 * len(lines)}" role="img" class="chart">'
        f"<title>{escape(title)}</title>"
        f"{_axes(x_title, y_title, highest_x)}{drawn}{legend}</svg>"
    )


def standalone(svg: str) -> str:
    """Return an inline SVG element as a file: with its namespace and :data:`STYLE`."""
    head, _, rest = svg.partition(">")
    head = head.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"{head}><style>{STYLE}</style>{rest}"


def _x(value: float, highest: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * value / highest, 1)


def _y(value: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - value), 1)


def _drawn(line: Line, highest_x: float) -> str:
    places = [(_x(x, highest_x), _y(y)) for x, y in zip(line.x, line.y, strict=True)]
    points = " ".join(f"{x},{y}" for x, y in places)
    dash = f' stroke-dasharray="{DASHES[line.style]}"' if DASHES[line.style] else ""
    style = f"line-{line.style}"
    marks = [f'<circle cx="{x}" cy="{y}" r="3.5" class="{style} mark"/>' for x, y in places]
    path = f'<polyline points="{points}" class="{style}"{dash}/>'
    return path + ("".join(marks) if line.marks else "")


def _legend(row: int, line: Line) -> str:
    y = HEIGHT + 18 * row + 6
    dash = f' stroke-dasharray="{DASHES[line.style]}"' if DASHES[line.style] else ""
    return (
        f'<line x1="{LEFT}" x2="{LEFT + 32}" y1="{y}" y2="{y}" class="line-{line.style}"{dash}/>'
        f'<text x="{LEFT + 40}" y="{y + 4}">{escape(line.name)}</text>'
    )


def _axes(x_title: str, y_title: str, highest_x: float) -> str:
    parts = []
    for step in range(5):
        share = step / 4
        x, y = _x(share, 1.0), _y(share)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{share:g}</text>')
        parts.append(
            f'<text x="{x}" y="{_y(0) + 16}" text-anchor="middle">{share * highest_x:g}</text>'
        )
    middle = _x(0.5, 1.0)
    parts.append(
        f'<text x="{middle}" y="{_y(0) + 34}" text-anchor="middle">{escape(x_title)}</text>'
        f'<text transform="translate(12 {_y(0.5)}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_title)}</text>"
    )
    return "".join(parts)
