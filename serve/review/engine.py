"""The connection to the database: how SQLite and PostgreSQL are set up for many writers."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from claimwire.data.errors import MissingExtraError
from claimwire.serve.review.urls import driver_arguments, sqlite_path

BUSY_SECONDS: Final = 10
"""How long a writer waits for another one."""

_RETRY_SECONDS: Final = 0.01
_POOL: Final = 10
_OVERFLOW: Final = 40  # the web server's threads: each may hold one connection


def make_engine(url: URL) -> Engine:
    """Return the engine; no connection is made yet."""
    path = sqlite_path(url)
    if path is not None:
        return _sqlite(url)
    url, arguments = driver_arguments(url)
    try:
        engine = create_engine(
            url,
            connect_args=arguments,
            isolation_level="READ COMMITTED",  # who waited for a lock must see what was written
            pool_size=_POOL,
            max_overflow=_OVERFLOW,
            pool_pre_ping=True,  # a restarted server must not cost a reviewer a decision
        )
    except ModuleNotFoundError as error:
        raise MissingExtraError("review", "a review database in PostgreSQL") from error
    _tell_lost_connections(engine.dialect)
    return engine


def create_file(path: Path) -> None:
    """Make an empty SQLite file that its owner alone may read: it will hold password hashes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _sqlite(url: URL) -> Engine:
    engine = create_engine(
        url, connect_args={"timeout": BUSY_SECONDS}, pool_size=_POOL, max_overflow=_OVERFLOW
    )
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _tell_lost_connections(dialect: Dialect) -> None:
    """Make the check of an idle connection see every way in which pg8000 reports a lost one."""
    ping = dialect.do_ping

    def check(connection: DBAPIConnection) -> bool:
        try:
            return ping(connection)
        except OSError as error:  # the driver lets it through where an answer should begin
            raise dialect.loaded_dbapi.InterfaceError("network error") from error

    dialect.do_ping = check  # type: ignore[assignment, method-assign]


def _set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = None  # the driver would begin too late; _begin does it
    _write_ahead(connection)
    # A decision that was acknowledged must outlive a power cut too.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA recursive_triggers = ON")  # REPLACE, too, must meet the triggers


def _write_ahead(connection: sqlite3.Connection) -> None:
    # SQLite refuses this change at once while another process opens the same new file, instead of
    # waiting as it does for every other lock.
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # or one of its kinds
            if not busy or time.monotonic() > until:
                raise
            time.sleep(_RETRY_SECONDS)


def _begin(connection: Connection) -> None:
    # A transaction that begins by reading and then writes is refused when another one wrote in
    # between; one that will write therefore takes the lock at once.
    immediate = connection.get_execution_options().get("will_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
