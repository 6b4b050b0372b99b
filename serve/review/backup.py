"""Copies of the database, made while it is in use, checked before they get their name."""

from __future__ import annotations

import os
import shlex
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from claimwire.data.errors import InputError
from claimwire.serve.review.chain import verify_chain
from claimwire.serve.review.engine import create_file
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.urls import sqlite_path


def backup(store: ReviewStore, target: Path) -> Path:
    """Copy a SQLite database; the copy is of one moment, whoever writes meanwhile.

    Args:
        store: the database.
        target: the file to write, or a folder, in which the file gets a name with the time in
            it. A file that is there is replaced when the copy is whole and verified.

    Returns:
        the file.

    Raises:
        InputError: the database is PostgreSQL, the target is the database itself or cannot be
            written, or the copy does not verify.
    """
    source = sqlite_path(store.where)
    if source is None:
        raise _postgresql(store, target)
    target = _file(target, source)
    partial = target.with_name(target.name + ".partial")
    try:
        _remove(partial)
        create_file(partial)
        _copy(store, partial)
        _verify(partial)
        _finish(partial, target)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(
            f"{target}: expected to write a backup there, found: {reason}: check the folder, its "
            "permissions and the space left"
        ) from None
    finally:
        with suppress(OSError):
            _remove(partial)
    return target


def _file(target: Path, source: Path) -> Path:
    if target.is_dir():
        time = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        target = target / f"{source.stem}-{time}.db"
    if target.resolve() == source.resolve():
        raise InputError(f"{target}: expected a file for the backup, found the database itself")
    return target


def _copy(store: ReviewStore, partial: Path) -> None:
    with closing(store.engine.raw_connection()) as source:
        driver = source.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        with closing(sqlite3.connect(partial)) as copy:
            # All pages in one step: with fewer, every decision meanwhile would begin it anew.
            driver.backup(copy)


def _verify(partial: Path) -> None:
    with ReviewStore.open(str(partial), create=False) as copy:
        problems = list(verify_chain(copy).problems)
    with closing(sqlite3.connect(partial)) as connection:
        [(found,), *_] = connection.execute("PRAGMA integrity_check").fetchall()
        if found != "ok":
            problems.insert(0, found)
        # A backup is one file: no companions that could be left behind when it is moved.
        connection.execute("PRAGMA journal_mode = DELETE")
    if problems:
        error = InputError(
            f"{partial}: expected a copy that verifies, found: {problems[0]}: the database is "
            "damaged or was changed; run claimwire review verify, and keep the older backups"
        )
        error.exit_code = 1
        raise error


def _finish(partial: Path, target: Path) -> None:
    with partial.open("rb") as stream:
        os.fsync(stream.fileno())
    partial.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _remove(partial: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        partial.with_name(partial.name + suffix).unlink(missing_ok=True)


def _postgresql(store: ReviewStore, target: Path) -> InputError:
    where = store.where._replace(drivername="postgresql", password=None)
    command = shlex.join(
        ["pg_dump", "--format=custom", f"--file={target}", where.render_as_string()]
    )
    return InputError(
        f"expected a SQLite database to copy, found {where.drivername}: PostgreSQL has a tool of "
        f"its own: {command}"
    )
