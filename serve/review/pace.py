"""Pace: standing verdicts by day and by reviewer, and how fast a reviewer goes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final

from claimwire.serve.review.facts import Judged
from claimwire.serve.review.weeks import utc_day

DAYS_SHOWN: Final = 28
"""Latest days that are told one by one."""

PAUSE: Final = timedelta(minutes=5)
"""Two verdicts further apart than this have a pause between them, which is no work."""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """The pace of one reviewer.

    Attributes:
        name: the reviewer.
        verdicts: sentences on which a verdict of theirs stands.
        last_week: those of the last seven days, today among them.
        days: days (UTC) with at least one of them.
        per_day: verdicts a day, of these days.
        per_hour: verdicts an hour while at it, pauses left out; None for fewer than two in a row.
        last: when the last one was made, UTC.
    """

    name: str
    verdicts: int
    last_week: int
    days: int
    per_day: float
    per_hour: float | None
    last: str


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of the desk.

    Attributes:
        verdicts: number of standing verdicts.
        week_ago: first of the last seven days, such as ``2026-03-01``.
        last_week: verdicts of these days.
        reviewers: by number of verdicts, the busiest first.
        days: the latest days up to today, at most :data:`DAYS_SHOWN`, from the first verdict on;
            for each the number of verdicts by reviewer.
    """

    verdicts: int
    week_ago: str
    last_week: int
    reviewers: tuple[Reviewer, ...]
    days: dict[str, dict[str, int]]

    def of_day(self, day: str) -> int:
        """Return the number of verdicts of a day."""
        return sum(self.days[day].values())


def pace(judged: Iterable[Judged], today: date) -> Pace:
    """Return the pace of those who judged these sentences.

    Args:
        judged: the sentences.
        today: the day in UTC up to which days are told.
    """
    times: dict[str, list[str]] = defaultdict(list)
    for each in judged:
        for verdict in each.verdicts:
            times[verdict.reviewer].append(verdict.decided_at)
    week = (today - timedelta(days=6)).isoformat()
    reviewers = [_reviewer(name, sorted(found), week) for name, found in times.items()]
    reviewers.sort(key=lambda each: (-each.verdicts, each.name))
    return Pace(
        verdicts=sum(each.verdicts for each in reviewers),
        week_ago=week,
        last_week=sum(each.last_week for each in reviewers),
        reviewers=tuple(reviewers),
        days=_days(times, today),
    )


def _reviewer(name: str, times: Sequence[str], week: str) -> Reviewer:
    days = len({utc_day(time) for time in times})
    return Reviewer(
        name=name,
        verdicts=len(times),
        last_week=sum(time >= week for time in times),
        days=days,
        per_day=len(times) / days,
        per_hour=_per_hour(times),
        last=times[-1],
    )


def _per_hour(times: Sequence[str]) -> float | None:
    moments = [datetime.fromisoformat(time) for time in times]
    steps = [later - sooner for sooner, later in pairwise(moments) if later - sooner <= PAUSE]
    worked = sum(steps, timedelta())
    return len(steps) / (worked / timedelta(hours=1)) if worked else None


def _days(times: dict[str, list[str]], today: date) -> dict[str, dict[str, int]]:
    counts = Counter((utc_day(time), name) for name, found in times.items() for time in found)
    if not counts:
        return {}
    first = max(
        date.fromisoformat(min(day for day, _ in counts)), today - timedelta(days=DAYS_SHOWN - 1)
    )
    days = [
        (first + timedelta(days=number)).isoformat() for number in range((today - first).days + 1)
    ]
    return {day: {name: counts[day, name] for name in sorted(times)} for day in days}
