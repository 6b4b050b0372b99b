"""Backups: made while reviewers decide, verified, and whole or not there."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from claimwire.data.errors import InputError
from claimwire.serve.review.backup import backup
from claimwire.serve.review.chain import verify_chain
from claimwire.serve.review.decisions import effective_decisions
from claimwire.serve.review.store import ReviewStore

from .store_support import article, contents, decide, load, many, tamper


@pytest.fixture
def desk(sqlite_store: ReviewStore) -> ReviewStore:
    load(sqlite_store, *article())
    decide(sqlite_store, "ann", 1)
    decide(sqlite_store, "bob", 2, note="n")
    return sqlite_store


def test_a_backup_holds_everything(desk: ReviewStore, tmp_path: Path) -> None:
    target = backup(desk, tmp_path / "kept" / "backup.db")
    assert target == tmp_path / "kept" / "backup.db"
    assert [path.name for path in target.parent.iterdir()] == ["backup.db"]  # and nothing beside
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    noted = verify_chain(desk)
    decide(desk, "ann", 3)
    with ReviewStore.open(str(target), create=False) as copy:
        assert verify_chain(copy, expected_head=noted.head, expected_count=2) == noted
        assert [decision.id for decision in effective_decisions(copy)] == [1, 2]
        decide(copy, "cem", 4)  # it can be worked with


def test_a_backup_is_one_file_that_can_be_moved(desk: ReviewStore, tmp_path: Path) -> None:
    target = backup(desk, tmp_path / "backup.db")
    with closing(sqlite3.connect(f"file:{target}?mode=ro&immutable=1", uri=True)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    moved = shutil.move(target, tmp_path / "moved.db")
    with ReviewStore.open(str(moved), create=False) as copy:
        assert contents(copy) == contents(desk)


def test_a_folder_gets_a_file_with_the_time_in_its_name(desk: ReviewStore, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    target = backup(desk, tmp_path / "backups")
    assert target.parent == tmp_path / "backups"
    assert target.match("review-????????T??????Z.db")


def test_an_older_backup_is_replaced(desk: ReviewStore, tmp_path: Path) -> None:
    target = backup(desk, tmp_path / "backup.db")
    decide(desk, "ann", 3)
    backup(desk, target)
    with ReviewStore.open(str(target)) as copy:
        assert verify_chain(copy).decisions == 3


def test_the_leftovers_of_a_killed_backup_do_no_harm(desk: ReviewStore, tmp_path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        (tmp_path / f"backup.db.partial{suffix}").write_bytes(b"half of something" * 100)
    target = backup(desk, tmp_path / "backup.db")
    with ReviewStore.open(str(target)) as copy:
        assert contents(copy) == contents(desk)
    assert list(tmp_path.glob("*.partial*")) == []


def test_a_backup_while_reviewers_decide_is_of_one_moment(
    sqlite_store: ReviewStore, tmp_path: Path
) -> None:
    load(sqlite_store, *many(60))

    def review() -> None:
        for sentence in range(1, 61):
            decide(sqlite_store, "ann", sentence)

    with ThreadPoolExecutor(1) as pool:
        reviewing = pool.submit(review)
        targets = [backup(sqlite_store, tmp_path / f"{number}.db") for number in range(3)]
        reviewing.result()
    counts = []
    for target in targets:
        with ReviewStore.open(str(target)) as copy:
            report = verify_chain(copy)
        assert report.problems == ()
        assert (
            verify_chain(
                sqlite_store, expected_head=report.head, expected_count=report.decisions
            ).problems
            == ()
        )
        counts.append(report.decisions)
    assert counts == sorted(counts)


def test_a_changed_database_is_not_backed_up(desk: ReviewStore, tmp_path: Path) -> None:
    target = backup(desk, tmp_path / "backup.db")
    before = target.read_bytes()
    tamper(desk, "UPDATE decisions SET note = 'x' WHERE id = 1")
    with pytest.raises(InputError, match="expected a copy that verifies, found: decision 1") as why:
        backup(desk, target)
    assert why.value.exit_code == 1
    assert target.read_bytes() == before
    assert list(tmp_path.glob("*.partial*")) == []


def test_damage_that_the_chain_does_not_see_is_found(desk: ReviewStore, tmp_path: Path) -> None:
    with desk.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        root = connection.execute(
            text("SELECT rootpage FROM sqlite_master WHERE name = 'ix_queue_rows_label'")
        ).scalar()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar()
    assert isinstance(root, int)
    assert isinstance(size, int)
    desk.close()
    path = tmp_path / "review.db"
    data = bytearray(path.read_bytes())
    page = data[(root - 1) * size : root * size]
    data[(root - 1) * size : root * size] = page.replace(b"attack_claim", b"attuck_claim")
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"expected a copy that verifies, found: .*queue_rows"):
        backup(desk, tmp_path / "backup.db")


def test_a_target_that_cannot_be_is_refused(desk: ReviewStore, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found the database itself"):
        backup(desk, tmp_path / "review.db")
    (tmp_path / "link.db").symlink_to(tmp_path / "review.db")
    with pytest.raises(InputError, match="found the database itself"):
        backup(desk, tmp_path / "link.db")
    (tmp_path / "file").write_text("")
    with pytest.raises(
        InputError, match="expected to write a backup there, found: Not a directory: c"
    ):
        backup(desk, tmp_path / "file" / "backup.db")
    assert verify_chain(desk).decisions == 2


def test_the_command_that_is_told_for_postgresql_works(
    new_postgresql: Callable[[], str], tmp_path: Path
) -> None:
    url = new_postgresql().replace("postgres:@", "postgres:hushhush@")
    with ReviewStore.open(url) as store:
        load(store, *article())
        decide(store, note="in the dump")
        with pytest.raises(InputError, match="PostgreSQL has a tool of its own: pg_dump ") as why:
            backup(store, tmp_path / "the backup.dump")
    assert "hushhush" not in str(why.value)
    command = shlex.split(str(why.value).partition("its own: ")[2])
    package = importlib.util.find_spec("pgserver")
    assert package is not None
    tools = Path(str(package.origin)).parent / "pginstall" / "bin"
    subprocess.run([tools / command[0], *command[1:]], check=True)
    listing = subprocess.run(
        [tools / "pg_restore", "--file=-", tmp_path / "the backup.dump"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "in the dump" in listing.stdout
    assert "CREATE TRIGGER decisions_no_update" in listing.stdout
