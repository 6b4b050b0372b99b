"""Days and weeks of articles: their own date where they have one, else that of their import."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

_DAY: Final = len("2026-03-01")
_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?")


def day_of(value: object) -> str | None:
    """Return the day that an ISO 8601 date or time names, None for anything else.

    Args:
        value: such as ``2026-03-01`` or ``2026-03-01T23:30:00-05:00``, which is 2026-03-02 UTC.
    """
    if not isinstance(value, str) or not _ISO.fullmatch(value.strip()):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.date().isoformat()


@lru_cache(maxsize=4_096)
def _week_of_day(day: str) -> str:
    year, week, _ = date.fromisoformat(day).isocalendar()
    return f"{year:04d}-W{week:02d}"


def utc_day(moment: str) -> str:
    """Return the day of a day or time in UTC, such as ``2026-03-01``."""
    return moment[:_DAY]


def week_of(moment: str) -> str:
    """Return the ISO 8601 week of a day or time in UTC, such as ``2026-W09``.

    The order of such texts is that of the weeks.
    """
    return _week_of_day(utc_day(moment))


def monday_of(week: str) -> date:
    """Return the first day of a week.

    Raises:
        ValueError: it is no week of the form ``2026-W09``.
    """
    if not re.fullmatch(r"[0-9]{4}-W[0-9]{2}", week):
        raise ValueError(f"expected a week such as 2026-W09, found {week!r}")
    return date.fromisocalendar(int(week[:4]), int(week[-2:]), 1)


def week_name(week: str) -> str:
    """Return a week as people read it, such as ``23 Feb – 1 Mar 2026``."""
    first = monday_of(week)
    last = first + timedelta(days=6)
    year = "" if first.year == last.year else f" {first.year}"
    month = "" if first.month == last.month else f" {first:%b}"
    return f"{first.day}{month}{year} – {last.day} {last:%b} {last.year}"
