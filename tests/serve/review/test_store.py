"""Opening databases, their migrations, reading and writing."""

from __future__ import annotations

import gc
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from claimwire.data.errors import InputError
from claimwire.serve.review import engine, migrate
from claimwire.serve.review.decisions import effective_decisions
from claimwire.serve.review.store import DEFAULT_URL, ReviewStore
from claimwire.serve.review.tables import (
    DONE,
    FRESH,
    ArticleRow,
    Base,
    QueueRow,
    ReleaseRow,
    SettingRow,
    now,
)
from claimwire.serve.review.urls import database_url, driver_arguments
from claimwire.serve.review.users import list_users

from .store_support import article, decide, load


def test_a_new_database_is_empty_and_knows_when_it_was_made(store: ReviewStore) -> None:
    assert store.setting("created") <= now()
    assert store.setting("nothing", "instead") == "instead"
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(ArticleRow)) == 0


def test_everything_is_there_after_opening_again(db_url: str) -> None:
    with ReviewStore.open(db_url) as store:
        store.put_setting("random_share", {"share": 0.25})
        store.put_setting("random_share", {"share": 0.5})
        load(store, *article())
        decision = decide(store)
        created = store.setting("created")
    with ReviewStore.open(db_url, create=False) as store:
        assert store.setting("random_share") == {"share": 0.5}
        assert store.setting("created") == created
        assert list(effective_decisions(store)) == [decision]


def test_migrations_make_the_tables_that_the_code_knows(store: ReviewStore) -> None:
    with store.read() as session:
        context = MigrationContext.configure(
            session.connection(), opts={"version_table": migrate.VERSION_TABLE}
        )
        assert compare_metadata(context, Base.metadata) == []
        assert migrate.version(session.connection()) == migrate.head()


BEFORE_TEAMS = (
    "INSERT INTO articles (id, key, digest, created_at) VALUES (1, 'a', 'd', '2026')",
    *(
        "INSERT INTO sentences (id, article_id, position, text, digest, folded, stratum, "
        f"draw_share, created_at) VALUES ({number}, 1, {number}, 't', 'd', 't', 'rest', 0.1, '')"
        for number in (1, 2, 3)
    ),
    *(
        "INSERT INTO queue_rows (sentence_id, digest, stratum, judgements, needs_review) "
        f"VALUES ({number}, 'd', 'rest', {judgements}, false)"
        for number, judgements in ((1, 2), (2, 2), (3, 0))
    ),
    *(
        "INSERT INTO decisions (id, sentence_id, reviewer, kind, labels, hard, note, reason, mode, "
        "release, predicted, sentence_digest, guideline, client_key, created_at, previous_hash, "
        f"hash) VALUES ({number}, {sentence}, '{name}', 'label', '{labels}', false, '', '', "
        f"'blind', '', '[]', 'd', '1', 'k{number}', '', 'p', 'h{number}')"
        for number, sentence, name, labels in (
            (1, 1, "ann", '["attack_claim"]'),
            (2, 1, "bob", '["background"]'),
            (3, 2, "ann", '["attack_claim"]'),
            (4, 2, "bob", '["attack_claim"]'),
        )
    ),
    *(
        "INSERT INTO standing (sentence_id, reviewer, decision_id, kind, decided_at) "
        f"VALUES ({sentence}, '{name}', {number}, 'label', '')"
        for number, sentence, name in ((1, 1, "ann"), (2, 1, "bob"), (3, 2, "ann"), (4, 2, "bob"))
    ),
    "INSERT INTO users (id, name, role, active, created_at) VALUES (1, 'ann', 'admin', true, '')",
)


def test_a_database_of_before_there_were_teams_is_brought_up_to_date(db_url: str) -> None:
    """What was done stays done, and the disagreement that is there already is found."""
    old = engine.make_engine(database_url(db_url))
    if old.dialect.name == "sqlite":
        engine.create_file(Path(str(old.url.database)))
    with old.execution_options(will_write=True).begin() as connection:
        command.upgrade(migrate.config(connection), "0002")
        for statement in BEFORE_TEAMS:
            connection.execute(text(statement))
    old.dispose()
    with ReviewStore.open(db_url) as store, store.read() as session:
        rows = session.scalars(select(QueueRow).order_by(QueueRow.sentence_id))
        assert [(r.judgements, r.needed, r.stage, r.is_disputed) for r in rows] == [
            (2, 1, DONE, True),
            (2, 1, DONE, False),
            (0, 1, FRESH, False),
        ]
        assert [user.must_change for user in list_users(store)] == [False]


def test_a_next_migration_can_be_drafted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(migrate.MIGRATIONS, tmp_path / "migrations")
    monkeypatch.setattr(migrate, "MIGRATIONS", tmp_path / "migrations")
    before = migrate.head()
    path = migrate.draft("Nothing new")
    assert path.name == f"v{int(before) + 1:04}_nothing_new.py"
    assert migrate.head() == f"{int(before) + 1:04}"
    draft = path.read_text()
    assert "def upgrade() -> None:" in draft
    assert "op.create_table" not in draft  # the tables are as the migrations make them


def test_processes_open_a_new_database_at_once(db_url: str) -> None:
    program = (
        "import sys\nfrom claimwire.serve.review.store import ReviewStore\n"
        "sys.stdin.read(1)\nReviewStore.open(sys.argv[1]).put_setting(sys.argv[2], 1)\n"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, db_url, str(number)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    for each in running:
        assert each.stdin is not None
        each.stdin.write("!")
        each.stdin.flush()
    for each in running:
        _, errors = each.communicate(timeout=120)
        assert each.returncode == 0, errors
    with ReviewStore.open(db_url, create=False) as store:
        assert [store.setting(str(number)) for number in range(3)] == [1, 1, 1]


def test_a_new_file_that_another_process_is_opening_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")  # SQLite answers a change of the journal at once here
    done = threading.Timer(0.3, other.rollback)
    done.start()
    with ReviewStore.open(str(path)) as store:
        assert store.setting("created") is not None
    done.join()
    other.close()


def test_a_file_that_another_process_keeps_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.1)
    path = tmp_path / "desk.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(InputError, match="database is locked"):
        ReviewStore.open(str(path))
    other.close()


@pytest.mark.parametrize("form", ["{}", "sqlite:///{}", "sqlite+pysqlite:///{}"])
def test_a_file_is_named_by_path_or_url(form: str, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "desk.db"
    with ReviewStore.open(form.format(path)) as store:
        assert store.is_sqlite
        assert str(path) in store.url
    assert path.exists()


def test_the_default_is_a_file_under_artifacts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with ReviewStore.open() as store:
        assert store.url == DEFAULT_URL
    assert (tmp_path / "artifacts" / "review.db").exists()


def test_only_its_owner_reads_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    with ReviewStore.open(str(path)):
        for file in tmp_path.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_a_missing_file_is_not_made_unless_asked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"desk\.db: expected a review database, found no such"):
        ReviewStore.open(str(tmp_path / "desk.db"), create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Not a database, but a page of notes that is longer than a header.\n" * 20)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"notes\.txt: expected a review database, found: file is"):
        ReviewStore.open(str(path))
    assert path.read_bytes() == before


def test_a_folder_or_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unable to open database file"):
        ReviewStore.open(str(tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="expected a place for the review database"):
        ReviewStore.open(str(tmp_path / "file" / "desk.db"))


def test_another_programs_database_is_refused_and_left_alone(db_url: str) -> None:
    other = engine.make_engine(database_url(db_url))
    if other.dialect.name == "sqlite":
        engine.create_file(Path(str(other.url.database)))
    with other.execution_options(will_write=True).begin() as connection:
        connection.execute(text("CREATE TABLE users (id INTEGER, login TEXT)"))
        connection.execute(text("INSERT INTO users VALUES (1, 'somebody')"))
    with pytest.raises(InputError, match="another program's table 'users'"):
        ReviewStore.open(db_url)
    with other.connect() as connection:
        assert connection.execute(text("SELECT login FROM users")).scalar() == "somebody"
        assert not other.dialect.has_table(connection, "decisions")
    other.dispose()


def test_a_newer_claimwires_database_is_refused(db_url: str) -> None:
    with ReviewStore.open(db_url) as store, store.write() as session:
        session.execute(text(f"UPDATE {migrate.VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(InputError, match=r"found version 9999, which a newer claimwire wrote"):
        ReviewStore.open(db_url)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("sqlite://", "SQLite in memory"),
        ("sqlite:///:memory:", "SQLite in memory"),
        ("mysql://ann:hushhush@host/desk", "mysql"),
        ("://", "no URL"),
        ("postgresql://ann:hushhush@host:port/desk", "no URL"),
    ],
)
def test_other_urls_are_refused_without_their_password(url: str, found: str) -> None:
    with pytest.raises(InputError, match=found) as caught:
        ReviewStore.open(url)
    assert "hushhush" not in str(caught.value)


def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path: Path) -> None:
    url = f"postgresql://ann:hushhush@/desk?host={tmp_path}"
    with pytest.raises(InputError, match="check that the server runs") as caught:
        ReviewStore.open(url)
    assert "hushhush" not in str(caught.value)
    assert "ann" in str(caught.value)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_missing_postgresql_database_is_told(postgresql: str) -> None:
    url = postgresql.replace("/postgres?", "/nowhere?")
    with pytest.raises(InputError, match=r"nowhere.*: expected a review database.*check that the"):
        ReviewStore.open(url)
    gc.collect()  # the driver leaves its socket to it


def test_urls_as_people_write_them_become_pg8000s() -> None:
    for scheme in ("postgres", "postgresql", "postgresql+psycopg2", "postgresql+pg8000"):
        assert database_url(f"{scheme}://a:b@h/d").drivername == "postgresql+pg8000"
    url, arguments = driver_arguments(database_url("postgresql:///d?host=/run/pg&port=5433"))
    assert arguments == {"unix_sock": "/run/pg/.s.PGSQL.5433"}
    assert dict(url.query) == {}
    url, arguments = driver_arguments(database_url("postgresql:///d?host=db.example&port=5433"))
    assert (url.host, url.port, arguments) == ("db.example", 5433, {})


@pytest.mark.parametrize(
    ("mode", "verifies", "names"),
    [("require", 0, False), ("verify-ca", 2, False), ("verify-full", 2, True)],
)
def test_sslmode_keeps_its_meaning(mode: str, verifies: int, names: bool) -> None:
    _, arguments = driver_arguments(database_url(f"postgresql://h/d?sslmode={mode}"))
    context = arguments["ssl_context"]
    assert (int(context.verify_mode), context.check_hostname) == (verifies, names)
    assert driver_arguments(database_url("postgresql://h/d?sslmode=prefer"))[1] == {}


def test_a_failed_write_leaves_nothing(store: ReviewStore) -> None:
    def fail() -> None:
        with store.write() as session:
            session.add(ReleaseRow(id=1, name="kept?"))
            session.flush()
            session.add(ReleaseRow(id=2, name="kept?"))
            session.flush()

    with pytest.raises(IntegrityError):
        fail()
    with store.read() as session:
        assert session.scalars(select(ReleaseRow)).all() == []


def test_what_is_changed_while_reading_is_dropped(store: ReviewStore) -> None:
    with store.read() as session:
        row = session.get(SettingRow, "created")
        assert row is not None
        row.value = "changed"
    assert store.setting("created") != "changed"


def test_reading_sees_one_moment(store: ReviewStore) -> None:
    with store.read() as session:
        before = session.scalars(select(SettingRow.key)).all()
        store.put_setting("later", True)
        assert session.scalars(select(SettingRow.key)).all() == before
    with store.read() as session:
        assert "later" in session.scalars(select(SettingRow.key)).all()


def test_a_database_that_stays_locked_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0)
    path = tmp_path / "desk.db"
    other = sqlite3.connect(path, isolation_level=None)
    with ReviewStore.open(str(path)) as store:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(InputError, match="found another process writing all the while"):
            store.put_setting("a", 1)
        other.execute("COMMIT")
        store.put_setting("a", 2)
        assert store.setting("a") == 2
    other.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_connections_that_the_server_ended_cost_nothing(new_postgresql: Callable[[], str]) -> None:
    url = new_postgresql()
    with ReviewStore.open(url) as store, ReviewStore.open(url) as other:
        load(store, *article())
        with other.write() as session:
            ended = session.execute(
                text(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            ).scalar()
        assert ended
        assert decide(store).id == 1
    gc.collect()  # the driver leaves its socket to it
