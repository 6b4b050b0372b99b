"""The dashboard's plots: which figures are drawn, and what each plot says in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from claimwire.data.labels import LABELS
from claimwire.serve.review.agreement import Alphas
from claimwire.serve.review.dashboard import Figures
from claimwire.serve.review.drift import Week
from claimwire.serve.review.estimates import Audit
from claimwire.serve.review.pace import Pace
from claimwire.serve.review.plots import (
    Axis,
    Interval,
    Series,
    bar_plot,
    interval_plot,
    line_plot,
)
from claimwire.serve.review.web.view import label_name
from claimwire.serve.review.weeks import monday_of

MORE_THAN_CHANCE = "More than chance"


def plots_of(figures: Figures) -> dict[str, str]:
    """Return the plots as SVG, by name; those with nothing to show are left out."""
    plots = {}
    if figures.release is not None:
        plots["precision"] = _audits(figures.audits, "precision")
        plots["recall"] = _audits(figures.audits, "recall")
    if len(figures.drift.weeks) > 1:
        plots["mix"] = _mix(figures.drift.weeks)
        plots["confidence"] = _confidence(figures.drift.weeks)
    if len(figures.agreement.weeks) > 1:
        plots["alpha"] = _alpha(figures.agreement.weeks)
    if figures.pace.days:
        plots["pace"] = _pace(figures.pace)
    return plots


def short_release(name: str) -> str:
    """Return a release's name without its digest, which has twelve digits."""
    first, _, last = name.rpartition(" ")
    return first if first and len(last) == 12 else name


def told_apart(releases: Sequence[str]) -> list[str]:
    """Return names as short as tells releases apart: no digest, and no word that all begin with."""
    names = [short_release(name) for name in releases]
    if len(set(names)) < len(names):
        return list(releases)
    firsts = {name.partition(" ")[0] for name in names}
    if len(names) > 1 and len(firsts) == 1 and all(" " in name for name in names):
        return [name.partition(" ")[2] for name in names]
    return names


def _audits(audits: Sequence[Audit], measure: str) -> str:
    groups = []
    names = told_apart([audit.release or "" for audit in audits])
    for label in LABELS:
        rows = [
            Interval(name, each.rate, each.low, each.high, each.n)
            for name, audit in zip(names, audits, strict=True)
            for each in audit.estimates
            if (each.label, each.measure) == (label, measure)
        ]
        groups.append((label_name(label), label.value, rows))
    told = [f"{name} {_told(rows[0])}" for name, _, rows in groups]
    says = f"{measure.capitalize()} of each label, with 95% intervals: {'; '.join(told)}."
    return interval_plot(groups, says)


def _told(row: Interval) -> str:
    if row.rate is None:
        return "unknown"
    return f"{row.rate:.0%}, from {row.low:.0%} to {row.high:.0%}"


def _mix(weeks: Sequence[Week]) -> str:
    shares = {label: [week.labels[label] / week.sentences for week in weeks] for label in LABELS}
    highest = max(max(values) for values in shares.values())
    told = [
        f"{label_name(label)} from {values[0]:.0%} to {values[-1]:.0%}"
        for label, values in shares.items()
    ]
    flagged = [week.mix is not None and week.mix.is_more_than_chance for week in weeks]
    return line_plot(
        _mondays([week.week for week in weeks]),
        [
            Series(label_name(label), label.value, values, dash)
            for dash, (label, values) in enumerate(shares.items())
        ],
        Axis.from_zero(highest, "Share of sentences"),
        _week_title([week.week for week in weeks]),
        f"Share of each label by week, first to last: {'; '.join(told)}. "
        f"{sum(flagged)} of {len(weeks)} weeks differ from those before by more than chance.",
        flagged=flagged,
        flag=MORE_THAN_CHANCE,
    )


def _confidence(weeks: Sequence[Week]) -> str:
    low, middle, high = zip(*(week.quartiles for week in weeks), strict=True)
    flagged = [
        week.confidence is not None and week.confidence.is_more_than_chance for week in weeks
    ]
    floor = 0.5 if min(low) >= 0.5 else 0.0
    return line_plot(
        _mondays([week.week for week in weeks]),
        [Series("Median, middle half", "accent", middle, low=low, high=high)],
        Axis(floor, 1, "Confidence"),
        _week_title([week.week for week in weeks]),
        f"Median confidence by week, from {middle[0]:.0%} in the first to {middle[-1]:.0%} in the "
        f"last. {sum(flagged)} of {len(weeks)} weeks differ from those before by more than chance.",
        flagged=flagged,
        flag=MORE_THAN_CHANCE,
    )


def _alpha(weeks: dict[str, Alphas]) -> str:
    values = [each.primary for each in weeks.values()]
    known = [value for value in values if value is not None]
    floor = -1.0 if min(known, default=0.0) < 0 else 0.0
    told = f", from {known[0]:.2f} to {known[-1]:.2f}" if known else ", unknown"
    return line_plot(
        _mondays(list(weeks)),
        [Series("Primary label", "accent", values)],
        Axis(floor, 1, "Alpha", 4 if floor else 5, is_share=False),
        _week_title(list(weeks)),
        f"Krippendorff’s alpha of the primary label by week{told}.",
    )


def _pace(pace: Pace) -> str:
    days = [date.fromisoformat(day) for day in pace.days]
    counts = [pace.of_day(day) for day in pace.days]
    return bar_plot(
        [f"{day.day} {day:%b}" for day in days],
        counts,
        "Verdicts",
        f"Day (UTC), {_years(days)}",
        f"Verdicts a day over {len(days)} days: {sum(counts):,} in all, {max(counts):,} on the "
        "busiest day.",
    )


def _mondays(weeks: Sequence[str]) -> list[str]:
    return [f"{monday.day} {monday:%b}" for monday in map(monday_of, weeks)]


def _week_title(weeks: Sequence[str]) -> str:
    return f"Week beginning, {_years([monday_of(weeks[0]), monday_of(weeks[-1])])}"


def _years(days: Sequence[date]) -> str:
    first, last = days[0].year, days[-1].year
    return str(last) if first == last else f"{first}–{last}"
