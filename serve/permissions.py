"""Permissions of files that take the place of others: those of the file that was there."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def mode_of(path: Path) -> int | None:
    """Return the permissions of a file, None where there is none."""
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else None


def opener(mode: int | None) -> Callable[[str, int], int]:
    """Return an opener that creates a file for its owner alone until it gets ``mode``.

    Without one the file has the permissions of any new file.
    """
    first = 0o666 if mode is None else 0o600
    return lambda path, flags: os.open(path, flags | os.O_CREAT, first)


def set_mode(path: Path, mode: int | None) -> None:
    """Give a file its permissions, just before it takes the other one's place."""
    if mode is not None:
        with suppress(PermissionError):  # another user's file
            path.chmod(mode)
