"""A list of problems that a person can read to its end."""

from __future__ import annotations

from typing import Final

_MOST_PROBLEMS: Final = 100


class Problems:
    """Problems in the order found, the first hundred of them in words."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._more = 0

    def add(self, problem: str) -> None:
        """Keep one more."""
        if len(self._kept) < _MOST_PROBLEMS:
            self._kept.append(problem)
        else:
            self._more += 1

    def all(self) -> tuple[str, ...]:
        """Return them, and how many more there were."""
        more = (f"... and {self._more} more",) if self._more else ()
        return (*self._kept, *more)
