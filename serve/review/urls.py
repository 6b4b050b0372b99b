"""Where the review desk's database is: paths and URLs as people write them."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from claimwire.data.errors import InputError

DEFAULT_URL: Final = "sqlite:///artifacts/review.db"
"""The database that is used when none is named."""

_POSTGRESQL: Final = frozenset(
    {"postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2", "postgresql+pg8000"}
)
_DEFAULT_PORT: Final = 5432


def database_url(text: str | None) -> URL:
    """Return the URL of a database.

    Args:
        text: a path, ``sqlite:///PATH``, ``postgresql://USER:PASSWORD@HOST/NAME``, or None for
            :data:`DEFAULT_URL`.

    Raises:
        InputError: it is neither SQLite in a file nor PostgreSQL.
    """
    text = text or DEFAULT_URL
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise _unknown("something that is no URL") from None
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        return _in_a_file(url)
    if url.drivername in _POSTGRESQL:
        return url.set(drivername="postgresql+pg8000")
    raise _unknown(f"{url.drivername}://...")


def sqlite_path(url: URL) -> Path | None:
    """Return the database's file, None where it is no SQLite."""
    if url.get_backend_name() != "sqlite":
        return None
    assert url.database is not None
    return Path(url.database)


def driver_arguments(url: URL) -> tuple[URL, dict[str, Any]]:
    """Take out of a PostgreSQL URL what libpq understands and pg8000 does not.

    ``host`` and ``port`` in the query (a socket's directory) and ``sslmode`` are kept in meaning.

    Returns:
        the URL without them, and the driver's own arguments.
    """
    query = {key: value for key, value in url.query.items() if isinstance(value, str)}
    arguments: dict[str, Any] = {}
    host, port = query.pop("host", ""), query.pop("port", "")
    if host.startswith("/"):
        arguments["unix_sock"] = f"{host}/.s.PGSQL.{port or url.port or _DEFAULT_PORT}"
    elif host:
        url = url.set(host=host, port=int(port) if port.isdigit() else url.port)
    mode = query.pop("sslmode", "prefer")
    if mode in ("require", "verify-ca", "verify-full"):
        arguments["ssl_context"] = context = ssl.create_default_context()
        context.check_hostname = mode == "verify-full"
        if mode == "require":
            context.verify_mode = ssl.CERT_NONE
    return url.set(query=query), arguments


def _in_a_file(url: URL) -> URL:
    if not url.database or url.database == ":memory:":
        raise _unknown("SQLite in memory, which would forget every decision")
    return url


def _unknown(found: str) -> InputError:
    return InputError(
        "--db: expected a path, sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME, found "
        f"{found}: correct it"
    )
