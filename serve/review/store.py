"""The review desk's database: opening it, reading and writing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, Final

from sqlalchemy import URL, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from claimwire.data.errors import ClaimwireError, InputError
from claimwire.serve.review import migrate
from claimwire.serve.review.engine import BUSY_SECONDS, create_file, make_engine
from claimwire.serve.review.tables import SettingRow, now
from claimwire.serve.review.urls import DEFAULT_URL, database_url, sqlite_path

__all__ = ["DEFAULT_URL", "Lock", "ReviewStore", "secret_setting"]

_SNAPSHOT: Final = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
_ADVISORY: Final = text("SELECT pg_advisory_xact_lock(:room, :number)")
_ROOM: Final = 0x636C6169  # "clai": keeps these locks apart from another program's


class Lock(IntEnum):
    """What only one writer may do at a time."""

    MIGRATE = 1
    CHAIN = 2
    IMPORT = 3
    ASSIGN = 4
    USERS = 5
    SETTINGS = 6


class ReviewStore:
    """The database of the review desk; safe for many threads and processes.

    Make one by :meth:`open`.

    Attributes:
        engine: SQLAlchemy's engine.
        where: the URL, with its password.
        url: the same for messages, without it.
        is_sqlite: whether it is SQLite, else it is PostgreSQL.
    """

    def __init__(self, url: URL) -> None:
        self.engine: Engine = make_engine(url)
        self.where = url
        self.url = url.render_as_string(hide_password=True)
        self.is_sqlite = self.engine.dialect.name == "sqlite"

    @classmethod
    def open(cls, url: str | None = None, *, create: bool = True) -> ReviewStore:
        """Open a database, and bring its tables up to date.

        Args:
            url: a path, ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST/NAME``; None for
                :data:`DEFAULT_URL`.
            create: make a SQLite file that is not there, with its folder.

        Raises:
            InputError: the database cannot be reached or made, is no database, belongs to another
                program or to a newer claimwire, or is missing and not to be made.
        """
        where = database_url(url)
        path = sqlite_path(where)
        if path is not None and not path.exists():
            if not create:
                raise InputError(
                    f"{path}: expected a review database, found no such file: import records "
                    "first, or name another with --db"
                )
            try:
                create_file(path)
            except OSError as error:
                raise InputError(
                    f"{path}: expected a place for the review database, found: {error.strerror}: "
                    "check the folder and its permissions, or name another with --db"
                ) from None
        store = cls(where)
        try:
            store._prepare()
        except (DBAPIError, OSError) as error:
            store.close()
            raise store._unusable(error) from None
        except ClaimwireError:
            store.close()
            raise
        return store

    def __enter__(self) -> ReviewStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session for reading: everything it sees is of one moment; changes are dropped."""
        with Session(self.engine, autoflush=False, expire_on_commit=False) as session:
            if not self.is_sqlite:
                session.execute(_SNAPSHOT)
            yield session  # closing drops changes, and leaves what was read usable

    @contextmanager
    def write(self, *locks: Lock) -> Iterator[Session]:
        """Give a session for writing, begun at once; it commits, or rolls back on an error.

        SQLite lets one writer in at a time; so does PostgreSQL for each of the ``locks``, which are
        taken in the order given: ``CHAIN`` before ``ASSIGN``.

        Raises:
            InputError: another writer kept SQLite for too long.
        """
        bind = self.engine.execution_options(will_write=True)
        with Session(bind, expire_on_commit=False) as session:
            try:
                session.connection()
                for lock in () if self.is_sqlite else locks:
                    session.execute(_ADVISORY, {"room": _ROOM, "number": int(lock)})
                yield session
                session.commit()
            except OperationalError as error:
                session.rollback()
                if "locked" not in str(error.orig):
                    raise
                raise InputError(
                    f"{self.url}: expected its lock within {BUSY_SECONDS} s, found another "
                    "process writing all the while: try again when that one is done"
                ) from None

    def setting(self, key: str, default: Any = None) -> Any:
        """Return a setting's value, ``default`` where it is not set."""
        with self.read() as session:
            row = session.get(SettingRow, key)
            return default if row is None else row.value

    def put_setting(self, key: str, value: Any) -> None:
        """Keep a setting; the value is JSON."""
        with self.write(Lock.SETTINGS) as session:
            session.merge(SettingRow(key=key, value=value))

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def _prepare(self) -> None:
        with self.engine.connect() as connection:
            if migrate.version(connection) == migrate.head():
                return
        with self.write(Lock.MIGRATE) as session:
            migrate.upgrade(session.connection(), self.url)
            if session.get(SettingRow, "created") is None:
                session.add(SettingRow(key="created", value=now()))

    def _unusable(self, error: DBAPIError | OSError) -> InputError:
        reason = _reason(error)
        if self.is_sqlite:
            advice = "check the file and its permissions, or name another with --db"
        else:
            advice = "check that the server runs, and the name, user and password of the database"
        return InputError(f"{self.url}: expected a review database, found: {reason}: {advice}")


def secret_setting(session: Session, key: str) -> bytes:
    """Return a secret of the database's own, 32 bytes, made where there is none yet.

    Args:
        session: of a transaction that holds a lock, always the same one for this key.
        key: the setting's name.
    """
    row = session.get(SettingRow, key)
    if row is None:
        row = SettingRow(key=key, value=secrets.token_hex(32))
        session.add(row)
    return bytes.fromhex(row.value)


def _reason(error: DBAPIError | OSError) -> str:
    """Return the database's own words; pg8000 gives a dictionary whose M is the message."""
    if isinstance(error, OSError):
        return str(error.strerror or error)
    found = error.orig.args[0] if error.orig is not None and error.orig.args else error.orig
    if isinstance(found, dict):
        found = found.get("M", found)
    return str(found).rstrip(".")
