"""Files that are written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TextIO

from claimwire.data.errors import InputError


@contextmanager
def whole_files(*paths: Path) -> Iterator[tuple[TextIO, ...]]:
    """Open files that take their names together when all are whole; before, ``NAME.partial``.

    The first takes its name last: where it is, the others are. Folders are made where there are
    none.

    Args:
        paths: the files, one at least.

    Raises:
        InputError: a file cannot be written.
    """
    partials = [path.with_name(f"{path.name}.partial") for path in paths]
    try:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            yield tuple(
                stack.enter_context(partial.open("w", encoding="utf-8", newline=""))
                for partial in partials
            )
        for partial, path in reversed(list(zip(partials, paths, strict=True))):
            partial.replace(path)
    except OSError as error:
        name = error.filename2 or error.filename or paths[0]
        raise InputError(
            f"{name}: expected to write there, found: {error.strerror or error}: check the folder, "
            "its permissions and the free space"
        ) from error
    finally:
        for partial in partials:  # they are there only where something went wrong
            with suppress(OSError):
                partial.unlink()
