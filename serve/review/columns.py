"""What the tables are written with: times, ids, and JSON of which every byte is determined."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator


def now(later: timedelta = timedelta()) -> str:
    """Return the time in UTC, as the tables keep it, such as 2026-03-01T09:30:00.000000+00:00."""
    return (datetime.now(UTC) + later).isoformat(timespec="microseconds")


def is_id(number: int) -> bool:
    """Whether a number could be the id of a row; others must not even be asked for."""
    return 0 < number < 2**31


def canonical_json(value: object) -> str:
    """Return the one text for a JSON value: keys sorted, no blanks, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


class JsonText(TypeDecorator[Any]):
    """A JSON value as text in its canonical form, so that every byte of it is determined."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write a value."""
        return None if value is None else canonical_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Read a value."""
        return None if value is None else json.loads(value)
