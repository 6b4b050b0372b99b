"""What the dashboard's templates are given: figures, plots, names, and links to sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import Markup, escape

from claimwire.serve.review.dashboard import Figures, Sample
from claimwire.serve.review.dashboard_plots import plots_of, short_release
from claimwire.serve.review.drift import CHANCE, WEEKS_SHOWN, Difference, Drift, Week
from claimwire.serve.review.pace import DAYS_SHOWN, PAUSE
from claimwire.serve.review.web.view import QUEUE_NAMES, label_name, shown
from claimwire.serve.review.weeks import week_name

LIST: Final = "/dashboard/sentences"
"""Path of the page that lists the sentences behind a figure."""

Who = Callable[[str], str]
"""Gives the name under which a reviewer is shown."""


class Links:
    """Makes numbers into links to the sentences that they count.

    Args:
        release: whose predictions the numbers are about.
        are_on: whether there is a desk to link to; else a number is only itself.
    """

    def __init__(self, release: str | None, *, are_on: bool = True) -> None:
        self._release = release
        self._are_on = are_on

    def __call__(self, number: int | str, **wanted: str | bool) -> Markup:
        """Return a number, linked where it is more than none.

        Args:
            number: the number, or the text that stands for it.
            wanted: filters, named as in :class:`~claimwire.serve.review.listing.Wanted`; and
                ``release``, if another than that of all links.
        """
        text = escape(f"{number:,}" if isinstance(number, int) else number)
        if not self._are_on or not number:
            return Markup("{}").format(text)
        return Markup('<a href="{}">{}</a>').format(self.address(**wanted), text)

    def to_judge(self, number: int, queue: str) -> Markup:
        """Return a number, linked to the judging page of a queue where it is more than none."""
        if not self._are_on or not number:
            return Markup("{:,}").format(number)
        return Markup('<a href="/judge?{}">{:,}</a>').format(urlencode({"queue": queue}), number)

    def address(self, **wanted: str | bool) -> str:
        """Return the address of the list."""
        release = wanted.pop("release", self._release)
        query = {"release": release} if release else {}
        for name, value in wanted.items():
            query[name] = ("yes" if value else "no") if isinstance(value, bool) else value
        return f"{LIST}?{urlencode(query)}"


def context_of(figures: Figures, sample: Sample, links: Links, who: Who) -> dict[str, Any]:
    """Return what the template ``_dashboard.html`` needs."""
    return {
        "figures": figures,
        "sample": sample,
        "matrix": figures.confusion[sample],
        "linked": links,
        "who": lambda name: shown(who(name)),
        "plots": {name: Markup(svg) for name, svg in plots_of(figures).items()},  # noqa: S704
        "rows": {audit.release: audit.by_label() for audit in figures.audits},
        "short": short_release,
        "queue_names": QUEUE_NAMES,
        "mix_notes": list(_mix_notes(figures.drift)),
        "confidence_notes": list(_confidence_notes(figures.drift)),
        "week_name": week_name,
        "coefficient": coefficient,
        "p_value": p_value,
        "heat": heat,
        "chance": CHANCE,
        "weeks_shown": WEEKS_SHOWN,
        "days_shown": DAYS_SHOWN,
        "pause": f"{PAUSE.total_seconds() / 60:.0f} minutes",
    }


def coefficient(value: float | None) -> str:
    """Return a coefficient of agreement as people read it."""
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def p_value(value: float | None) -> str:
    """Return a p-value as people read it."""
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def heat(share: float | None) -> int:
    """Return how much colour a cell gets, 0 to 10."""
    return 0 if not share else max(1, round(10 * share))


def _mix_notes(drift: Drift) -> Iterator[dict[str, Any]]:
    """Yield, for each week that differs, the label whose share moved most."""
    for week in drift.other_mix:
        before = sum(week.labels_before.values())
        moved = {
            label: (week.labels[label] / week.sentences, week.labels_before[label] / before)
            for label in week.labels
        }
        label, (now, then) = max(moved.items(), key=lambda each: abs(each[1][0] - each[1][1]))
        text = f"{label_name(label)} {now:.0%} instead of {then:.0%}"
        yield _note(week, week.mix, text, predicted=label)


def _confidence_notes(drift: Drift) -> Iterator[dict[str, Any]]:
    for week in drift.other_confidence:
        assert week.median_before is not None
        text = f"median {week.quartiles[1]:.0%} instead of {week.median_before:.0%}"
        yield _note(week, week.confidence, text)


def _note(week: Week, found: Difference | None, text: str, **wanted: str) -> dict[str, Any]:
    p = None if found is None else found.corrected
    wanted = {"week": week.week, **wanted}
    return {"week": week.week, "text": text, "p": p_value(p), "wanted": wanted}
