"""Bringing a database to the tables that this version knows, by Alembic without a file of its own.

Two processes may open a new database at once: the check and the migrations run under the store's
lock, so that the second one finds the work done.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, inspect

from claimwire.data.errors import InputError
from claimwire.serve.review.engine import make_engine
from claimwire.serve.review.tables import Base
from claimwire.serve.review.urls import database_url

VERSION_TABLE: Final = "claimwire_review_version"
"""Where the database's version stands; a name of our own, since MLflow uses Alembic's default."""

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration for these migrations."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def head() -> str:
    """Return the newest version that this claimwire knows."""
    found = ScriptDirectory.from_config(config()).get_current_head()
    assert found is not None
    return found


def version(connection: Connection) -> str | None:
    """Return the database's version, None for a database without the desk's tables."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


def upgrade(connection: Connection, shown: str) -> None:
    """Bring the database to :func:`head`, in the transaction that runs.

    Args:
        connection: with a transaction that holds the lock for writing.
        shown: the database, as messages name it.

    Raises:
        InputError: the database belongs to a newer claimwire, or to another program.
    """
    current = version(connection)
    scripts = ScriptDirectory.from_config(config())
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise InputError(
            f"{shown}: expected a review database of version {head()} or older, found version "
            f"{current}, which a newer claimwire wrote: upgrade claimwire"
        )
    if current is None:
        _refuse_foreign(connection, shown)
    command.upgrade(config(connection), "head")


def draft(message: str) -> Path:
    """Write the next migration's first draft: what the tables have more than the migrations make.

    For developers, after a change in ``tables.py``; it is to be read, mended and tested.

    Returns:
        the new file.
    """
    settings = config()
    settings.set_main_option("file_template", "v%%(rev)s_%%(slug)s")
    with TemporaryDirectory() as folder:
        engine = make_engine(database_url(str(Path(folder) / "draft.db")))
        with engine.begin() as settings.attributes["connection"]:
            command.upgrade(settings, "head")
            made = command.revision(
                settings, message, autogenerate=True, rev_id=f"{int(head()) + 1:04}"
            )
        engine.dispose()
    assert isinstance(made, Script)
    return Path(made.path)


def _refuse_foreign(connection: Connection, shown: str) -> None:
    ours = set(Base.metadata.tables)
    taken = sorted(ours & set(inspect(connection).get_table_names()))
    if taken:
        raise InputError(
            f"{shown}: expected an empty database or one of the review desk, found another "
            f"program's table {taken[0]!r} in it: give the desk a database of its own"
        )
