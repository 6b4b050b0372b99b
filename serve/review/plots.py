"""Plots as inline SVG, drawn on the server.

They scale to the width they are given, take their colours from the page (``--tone`` of a label,
``--ink``, ``--line`` and so on), tell series apart by dashes and marks as well, and need no style
attribute, which the desk's content security policy forbids. What a plot says is its ``aria-label``;
the page puts a table beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 380
HEIGHT: Final = 230
LEFT: Final = 54
RIGHT: Final = 22
TOP: Final = 12
LEGEND: Final = 20
MOST_TICKS: Final = 6
"""Most texts along the horizontal axis."""

DASHES: Final = ("", "7 3", "2 3", "8 3 2 3")

_NAMES: Final = 136
_NAME: Final = 20
_ROW: Final = 17
_GROUP: Final = 22
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Series:
    """A line over the places of the horizontal axis.

    Attributes:
        name: for the legend.
        tone: class that gives its colour, such as a label.
        values: one a place; None leaves a gap.
        dash: number of its dash in :data:`DASHES`.
        low: lower edge of a band around it.
        high: upper edge of it.
    """

    name: str
    tone: str
    values: Sequence[float | None]
    dash: int = 0
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Axis:
    """The vertical axis: its ends, its title, its steps, and whether its numbers are shares."""

    low: float
    high: float
    title: str
    steps: int = 5
    is_share: bool = True

    @classmethod
    def from_zero(cls, highest: float, title: str, *, is_share: bool = True) -> Axis:
        """Return an axis from 0 to a round number that is not below ``highest``.

        Every step is round as well: a whole number of percent, or a whole number.
        """
        highest = max(highest, 0.01 if is_share else 1)
        power = 10.0 ** math.floor(math.log10(highest) + _ROUNDING)
        tops = ((1, 5), (2, 4), (3, 3), (4, 4), (5, 5), (6, 3), (8, 4), (10, 5))
        top, steps = next(each for each in tops if each[0] * power >= highest * (1 - _ROUNDING))
        if not is_share and top * power < steps:  # counts under five
            steps = round(top * power)
        return cls(0, top * power, title, steps, is_share)

    def text(self, value: float) -> str:
        """Return a number as it stands on the axis."""
        return f"{100 * value:.0f}%" if self.is_share else f"{value:,g}"

    def y(self, value: float) -> float:
        """Return how far down a value is."""
        share = (value - self.low) / (self.high - self.low)
        return round(TOP + (HEIGHT - TOP) * (1 - share), 1)


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate from 0 to 1 with its interval; ``rate`` is None where there is none."""

    name: str
    rate: float | None
    low: float
    high: float
    n: int


def line_plot(
    places: Sequence[str],
    series: Sequence[Series],
    axis: Axis,
    x_title: str,
    says: str,
    *,
    flagged: Sequence[bool] = (),
    flag: str = "",
) -> str:
    """Return lines over places, such as weeks.

    Args:
        places: texts of the horizontal axis; where they are many, not all are shown.
        series: the lines.
        axis: the vertical axis.
        x_title: title of the horizontal axis.
        says: what the plot says, in words.
        flagged: which places are marked.
        flag: what the mark means, for the legend.
    """
    marks = "".join(_flag(place, len(places)) for place, is_on in enumerate(flagged) if is_on)
    lines = "".join(_line(each, places, axis) for each in series)
    entries = [_line_key(each) for each in series if each.name]
    if any(flagged):
        entries.append((f'<path class="flag" d="{_triangle(12, 0)}"/>', flag))
    body = f"{_grid(axis)}{_ticks(places, x_title)}{marks}{lines}{_legend(entries)}"
    return _svg(body, says, HEIGHT + 46 + LEGEND * math.ceil(len(entries) / 2))


def bar_plot(
    places: Sequence[str], values: Sequence[int], y_title: str, x_title: str, says: str
) -> str:
    """Return a bar for each place; see :func:`line_plot`."""
    axis = Axis.from_zero(max(values, default=1), y_title, is_share=False)
    width = 0.72 * (WIDTH - LEFT - RIGHT) / max(len(places), 1)
    bars = "".join(
        f'<rect class="column" x="{_x(place, len(places)) - width / 2:.1f}" y="{axis.y(value)}" '
        f'width="{width:.1f}" height="{axis.y(0) - axis.y(value):.1f}">'
        f"<title>{escape(name)}: {value:,}</title></rect>"
        for place, (name, value) in enumerate(zip(places, values, strict=True))
        if value
    )
    return _svg(f"{_grid(axis)}{_ticks(places, x_title)}{bars}", says, HEIGHT + 46)


def interval_plot(groups: Sequence[tuple[str, str, Sequence[Interval]]], says: str) -> str:
    """Return estimates from 0 to 100% with their intervals, row by row.

    Args:
        groups: each with its name, the class of its colour, and its rows.
        says: what the plot says, in words.
    """
    height = sum(_GROUP + _ROW * len(rows) for _, _, rows in groups) + 4
    parts = []
    for step in range(5):
        x = _across(step / 4)
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="4" y2="{height}"/>')
        parts.append(_text(x, height + 16, f"{25 * step}%", "middle"))
    y = 0.0
    for name, tone, rows in groups:
        y += _GROUP
        parts.append(f'<text class="strong" x="2" y="{y - 5}">{escape(name)}</text>')
        parts.append(f'<g class="{tone}">')
        for row in rows:
            parts.append(_interval(row, y + _ROW / 2))
            y += _ROW
        parts.append("</g>")
    return _svg("".join(parts), says, height + 24)


def _svg(body: str, says: str, height: float) -> str:
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-label="{escape(says)}">{body}</svg>'
    )


def _x(place: int, places: int) -> float:
    """Return how far right the middle of a place is."""
    return round(LEFT + (WIDTH - LEFT - RIGHT) * (place + 0.5) / places, 1)


def _across(share: float) -> float:
    """Return how far right a share is, in a plot of intervals."""
    return round(_NAMES + (WIDTH - _NAMES - 20) * share, 1)


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def _grid(axis: Axis) -> str:
    parts = []
    for step in range(axis.steps + 1):
        value = axis.low + (axis.high - axis.low) * step / axis.steps
        y = axis.y(value)
        kind = "grid zero" if abs(value) < 1e-9 else "grid"
        parts.append(f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(_text(LEFT - 6, y + 4, axis.text(value), "end"))
    middle = axis.y((axis.low + axis.high) / 2)
    parts.append(
        f'<text class="quiet" transform="translate(13 {middle}) rotate(-90)" '
        f'text-anchor="middle">{escape(axis.title)}</text>'
    )
    return "".join(parts)


def _ticks(places: Sequence[str], title: str) -> str:
    step = max(1, math.ceil(len(places) / MOST_TICKS))
    # Counted from the end, so that the latest place is always named.
    shown = [p for p in range(len(places)) if (len(places) - 1 - p) % step == 0]
    texts = "".join(
        _text(_x(place, len(places)), HEIGHT + 17, places[place], "middle") for place in shown
    )
    middle = (LEFT + WIDTH - RIGHT) / 2
    return texts + (
        f'<text class="quiet" x="{middle:g}" y="{HEIGHT + 36}" text-anchor="middle">'
        f"{escape(title)}</text>"
    )


def _line(series: Series, places: Sequence[str], axis: Axis) -> str:
    parts = [f'<g class="{series.tone}">']
    if series.low:
        parts.append(_band(series, axis))
    dash = f' stroke-dasharray="{DASHES[series.dash]}"' if DASHES[series.dash] else ""
    for run in _runs(series.values):
        points = " ".join(f"{_x(p, len(places))},{axis.y(value)}" for p, value in run)
        parts.append(f'<polyline class="line" points="{points}"{dash}/>')
        for place, value in run:
            number = axis.text(value) if axis.is_share else f"{value:.2f}"
            told = f"{series.name}, {places[place]}: {number}"
            parts.append(
                f'<circle class="dot" cx="{_x(place, len(places))}" cy="{axis.y(value)}" r="3">'
                f"<title>{escape(told)}</title></circle>"
            )
    return "".join(parts) + "</g>"


def _band(series: Series, axis: Axis) -> str:
    n = len(series.low)
    there = [f"{_x(place, n)},{axis.y(value)}" for place, value in enumerate(series.high)]
    back = [f"{_x(place, n)},{axis.y(value)}" for place, value in enumerate(series.low)]
    return f'<polygon class="band" points="{" ".join([*there, *reversed(back)])}"/>'


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """Yield the stretches without a gap, as places with their values."""
    run: list[tuple[int, float]] = []
    for place, value in enumerate(values):
        if value is not None:
            run.append((place, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _flag(place: int, places: int) -> str:
    x, width = _x(place, places), (WIDTH - LEFT - RIGHT) / places
    return (
        f'<rect class="flagged" x="{x - width / 2:.1f}" y="{TOP}" width="{width:.1f}" '
        f'height="{HEIGHT - TOP}"/><path class="flag" d="{_triangle(x, TOP + 1)}"/>'
    )


def _triangle(x: float, y: float) -> str:
    return f"M{x - 5:g} {y - 4:g}h10l-5 8z"


def _line_key(series: Series) -> tuple[str, str]:
    dash = f' stroke-dasharray="{DASHES[series.dash]}"' if DASHES[series.dash] else ""
    return f'<g class="{series.tone}"><path class="line" d="M0 0h26"{dash}/></g>', series.name


def _legend(entries: Sequence[tuple[str, str]]) -> str:
    parts = []
    for number, (mark, name) in enumerate(entries):
        x = LEFT + (number % 2) * (WIDTH - LEFT) / 2
        y = HEIGHT + 56 + LEGEND * (number // 2)
        parts.append(f'<g transform="translate({x:g} {y:g})">{mark}{_text(34, 4, name)}</g>')
    return "".join(parts)


def _interval(row: Interval, y: float) -> str:
    name = row.name if len(row.name) <= _NAME else f"…{row.name[1 - _NAME :]}"
    parts = [
        f'<text x="{_NAMES - 10}" y="{y + 4:g}" text-anchor="end">{escape(name)}</text>',
        f'<line class="grid" x1="{_across(0)}" x2="{_across(1)}" y1="{y:g}" y2="{y:g}"/>',
    ]
    if row.rate is not None:
        told = f"{row.name}: {row.rate:.1%}, {row.low:.1%} to {row.high:.1%}, of {row.n:,}"
        parts.append(
            f'<line class="range" x1="{_across(row.low)}" x2="{_across(row.high)}" y1="{y:g}" '
            f'y2="{y:g}"/><circle class="dot" cx="{_across(row.rate)}" cy="{y:g}" r="4">'
            f"<title>{escape(told)}</title></circle>"
        )
    return "".join(parts)
