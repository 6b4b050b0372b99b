"""Plots: well-formed, told in words, axes with round numbers."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwire.serve.review.dashboard_plots import short_release, told_apart
from claimwire.serve.review.plots import (
    HEIGHT,
    TOP,
    WIDTH,
    Axis,
    Interval,
    Series,
    bar_plot,
    interval_plot,
    line_plot,
)

NASTY = "<script>&\"'"


def parse(svg: str) -> ElementTree.Element:
    root = ElementTree.fromstring(svg)
    assert root.tag == "svg"
    assert root.get("role") == "img"
    assert root.get("aria-label")
    for element in root.iter():
        assert element.get("style") is None
        assert element.tag not in ("script", "image", "use", "style", "a")
    return root


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter("text")]


def test_lines_have_gaps_flags_and_a_legend() -> None:
    weeks = [f"{day} Mar" for day in range(1, 13)]
    one = [0.1] * 5 + [None] + [0.2] * 6
    two = [None] * 12
    svg = line_plot(
        weeks,
        [Series(NASTY, "attack_claim", one, 1), Series("None", "background", two, 2)],
        Axis.from_zero(0.2, "Share"),
        "Week",
        f"Says {NASTY}.",
        flagged=[False] * 11 + [True],
        flag="Marked",
    )
    root = parse(svg)
    assert root.get("aria-label") == f"Says {NASTY}."
    lines = root.findall(".//polyline")
    assert len(lines) == 2  # before the gap and after it
    assert all(line.get("stroke-dasharray") == "7 3" for line in lines)
    assert len(root.findall(".//circle")) == 11
    assert len(root.findall(".//rect[@class='flagged']")) == 1
    said = texts(root)
    assert {NASTY, "None", "Marked", "Share", "Week", "12 Mar", "20%"} <= set(said)
    assert sum(text.endswith("Mar") for text in said) <= 6


def test_bars_are_as_high_as_their_numbers() -> None:
    root = parse(bar_plot(["Mon", "Tue", "Wed"], [0, 4, 8], "Verdicts", "Day", "Some."))
    four, eight = root.findall(".//rect[@class='column']")
    assert float(eight.get("height", 0)) == pytest.approx(2 * float(four.get("height", 0)))
    assert [title.text for title in root.iter("title")] == ["Tue: 4", "Wed: 8"]
    assert parse(bar_plot([], [], "Verdicts", "Day", "None.")).findall(".//rect") == []


def test_intervals_stand_in_rows_of_their_group() -> None:
    rows = [
        Interval("a release whose name is long indeed", 0.5, 0.25, 0.75, 10),
        Interval("none", None, 0.0, 1.0, 0),
    ]
    root = parse(interval_plot([("Attack claim", "attack_claim", rows)], "Some."))
    [point] = root.findall(".//circle")
    [span] = root.findall(".//line[@class='range']")
    middle = (float(span.get("x1", 0)) + float(span.get("x2", 0))) / 2
    assert float(point.get("cx", 0)) == pytest.approx(middle)
    assert "…" in "".join(texts(root))
    assert "25.0% to 75.0%, of 10" in (point.find("title").text or "")  # type: ignore[union-attr]


@given(st.floats(0, 1))
def test_shares_have_axes_of_whole_percents(highest: float) -> None:
    axis = Axis.from_zero(highest, "Share")
    assert axis.high >= highest
    assert axis.high <= max(2 * highest, 0.01) + 1e-9
    if axis.high >= 0.05:
        for step in range(axis.steps + 1):
            percent = 100 * axis.high * step / axis.steps
            assert percent == pytest.approx(round(percent), abs=1e-6)


@given(st.integers(0, 10**6))
def test_counts_have_axes_of_whole_numbers(highest: int) -> None:
    axis = Axis.from_zero(highest, "Count", is_share=False)
    assert axis.high >= highest
    steps = [axis.high * step / axis.steps for step in range(axis.steps + 1)]
    assert steps == pytest.approx([round(value) for value in steps])
    assert axis.y(axis.high) == TOP
    assert axis.y(0) == HEIGHT
    assert all(len(axis.text(value)) <= 9 for value in steps)


@given(st.lists(st.floats(0, 1) | st.none(), min_size=1, max_size=40))
def test_lines_stay_within_the_plot(values: list[float | None]) -> None:
    places = [str(number) for number in range(len(values))]
    svg = line_plot(places, [Series("x", "accent", values)], Axis(0, 1, "y"), "x", "Some.")
    for point in parse(svg).iter("circle"):
        assert 0 < float(point.get("cx", -1)) < WIDTH
        assert 0 < float(point.get("cy", -1)) <= HEIGHT


def test_releases_are_named_as_short_as_tells_them_apart() -> None:
    assert short_release("small 0.4.1 0123456789ab") == "small 0.4.1"
    assert short_release("small") == "small"
    assert told_apart(["small 0.5 0123456789ab", "small 0.4 ba9876543210"]) == ["0.5", "0.4"]
    assert told_apart(["small 0.5 0123456789ab"]) == ["small 0.5"]
    assert told_apart(["small 0.5 0123456789ab", "base 0.5 ba9876543210"]) == [
        "small 0.5",
        "base 0.5",
    ]
    same = ["small 0.5 0123456789ab", "small 0.5 ba9876543210"]
    assert told_apart(same) == same
    assert told_apart(["", "a"]) == ["", "a"]
