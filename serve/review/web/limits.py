"""Tries at signing in, counted for each name and each address."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

WINDOW_SECONDS: Final = 15 * 60
"""How long a try counts."""

TRIES_FOR_A_NAME: Final = 10
"""Tries for one name within the window, from wherever they come."""

TRIES_FROM_AN_ADDRESS: Final = 30
"""Tries from one address within the window, for whatever names."""

MOST_KEYS: Final = 20_000
"""Names and addresses remembered; beyond them those that tried longest ago are forgotten."""


class SignInLimit:
    """Counts tries in memory; a restart of the desk forgets them.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def try_now(self, name: str, address: str) -> int:
        """Count a try, before the password is looked at, so that tries side by side count too.

        Returns:
            0 where it may go ahead; else in how many seconds it may be repeated.
        """
        limits = {_name_key(name): TRIES_FOR_A_NAME, f"@{address}": TRIES_FROM_AN_ADDRESS}
        with self._lock:
            now = self._clock()
            waits = [self._wait(key, most, now) for key, most in limits.items()]
            if not any(waits):
                for key in limits:
                    self._tries.setdefault(key, deque()).append(now)
                    self._tries.move_to_end(key)
                while len(self._tries) > MOST_KEYS:
                    self._tries.popitem(last=False)
            return math.ceil(max(waits))

    def succeeded(self, name: str, address: str) -> None:
        """Forget a name's tries, and take its last one off the address's."""
        with self._lock:
            self._tries.pop(_name_key(name), None)
            if tries := self._tries.get(f"@{address}"):
                tries.pop()

    def _wait(self, key: str, most: int, now: float) -> float:
        tries = self._tries.get(key)
        while tries and tries[0] <= now - WINDOW_SECONDS:
            tries.popleft()
        return tries[0] + WINDOW_SECONDS - now if tries and len(tries) >= most else 0.0


def _name_key(name: str) -> str:
    return "=" + name.strip().casefold()
