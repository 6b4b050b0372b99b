"""Fixtures of the review desk's tests: SQLite in files, and PostgreSQL by pgserver."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.urls import database_url, driver_arguments

from .dashboard_support import Plan, make_desk

_numbers = count()


def _run(url: str, *statements: str) -> None:
    """Run statements that no transaction can hold."""
    where, arguments = driver_arguments(database_url(url))
    engine = create_engine(
        where, connect_args=arguments, poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A server of this test session's own; the URL is of its first database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a machine without XDG_RUNTIME_DIR
        pgserver = pytest.importorskip("pgserver", reason="pgserver is not installed")
    # Not in pytest's folder: the server's own user may not enter it, and its path is long.
    folder = Path(tempfile.mkdtemp(prefix="claimwire-"))
    server = pgserver.get_server(folder)
    try:
        url = str(server.get_uri())
        # Nothing here has to outlive a power cut.
        _run(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def new_postgresql(postgresql: str) -> Iterator[Callable[[], str]]:
    """Make empty databases; they go when the test is over."""
    made: list[str] = []

    def make() -> str:
        name = f"desk_{next(_numbers)}"
        _run(postgresql, f"CREATE DATABASE {name}")
        made.append(name)
        return postgresql.replace("/postgres?", f"/{name}?")

    yield make
    _run(postgresql, *(f"DROP DATABASE {name} WITH (FORCE)" for name in made))


@pytest.fixture(params=["sqlite", "postgresql"])
def db_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/either/review.db"
    make: Callable[[], str] = request.getfixturevalue("new_postgresql")
    return make()


@pytest.fixture
def store(db_url: str) -> Iterator[ReviewStore]:
    """A review desk without sentences, in either kind of database."""
    with ReviewStore.open(db_url) as opened:
        yield opened


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[ReviewStore]:
    """A review desk without sentences, in a file ``review.db``."""
    with ReviewStore.open(str(tmp_path / "review.db")) as opened:
        yield opened


@pytest.fixture(scope="session")
def judged_desk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Plan]:
    """A database with a few hundred decisions, to be read or copied, and what went into it."""
    path = tmp_path_factory.mktemp("judged") / "review.db"
    with pytest.MonkeyPatch.context() as patch:
        return path, make_desk(path, patch)
