"""Users: passwords, sessions, and what a stranger can learn, which is nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from claimwire.data.errors import InputError
from claimwire.serve.review import sessions, users
from claimwire.serve.review.sessions import close_session, open_session, session_user
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.tables import SessionRow, UserRow, now
from claimwire.serve.review.users import (
    User,
    add_user,
    check_password,
    list_users,
    set_active,
    set_password,
    set_role,
    temporary_password,
)

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with little work: how much is argon2-cffi's own default, tested on its own."""
    monkeypatch.setattr(users, "_hasher", lambda: PasswordHasher(1, 8, 1))
    users._nobodys_hash.cache_clear()


@pytest.fixture
def desk(store: ReviewStore) -> ReviewStore:
    add_user(store, "Ann", PASSWORD)
    return store


def ann(store: ReviewStore) -> int:
    return next(user.id for user in list_users(store) if user.name == "Ann")


def test_the_right_password_signs_in(desk: ReviewStore) -> None:
    user = check_password(desk, "Ann", PASSWORD)
    assert user == User(ann(desk), "Ann", "reviewer", True, True)
    assert check_password(desk, " Ann ", PASSWORD) == user


def test_anything_else_does_not(desk: ReviewStore) -> None:
    for name, password in (
        ("Ann", "correct horse batterY"),
        ("Ann", ""),
        ("Ann", PASSWORD + " "),
        ("ann", PASSWORD),
        ("Bob", PASSWORD),
        ("", PASSWORD),
        ("Ann\0", PASSWORD),
        ("\ud800", "\ud800"),
        ("Ann", "x" * 100_000),
        ("Ann' OR '1'='1", PASSWORD),
    ):
        assert check_password(desk, name, password) is None


def test_a_password_longer_than_the_longest_is_not_cut(store: ReviewStore) -> None:
    add_user(store, "Ann", "x" * 1000)
    assert check_password(store, "Ann", "x" * 1001) is None
    assert check_password(store, "Ann", "x" * 1000) is not None


def test_the_same_password_from_another_keyboard_signs_in(store: ReviewStore) -> None:
    add_user(store, "Zoë", "pâssword-long")
    assert check_password(store, "Zoë", "pâssword-long") is not None


def test_passwords_are_stored_as_argon2id(desk: ReviewStore) -> None:
    add_user(desk, "Bob", PASSWORD)
    with desk.read() as session:
        stored = session.scalars(select(UserRow.password_hash)).all()
    assert len(set(stored)) == 2  # each with a salt of its own
    for each in stored:
        assert each is not None
        assert each.startswith("$argon2id$")


def test_the_work_is_what_the_library_advises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    ours, advised = users._hasher(), PasswordHasher()
    for name in ("time_cost", "memory_cost", "parallelism", "type", "hash_len", "salt_len"):
        assert getattr(ours, name) == getattr(advised, name)


def test_an_unknown_name_takes_the_same_work(
    desk: ReviewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_user(desk, "no password", None)
    add_user(desk, "gone", PASSWORD)
    set_active(desk, "gone", False)
    checked: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            checked.append(str(hash))
            return super().verify(hash, password)

    monkeypatch.setattr(users, "_hasher", lambda: Counting(1, 8, 1))
    for name in ("Ann", "nobody", "no password", "gone"):
        assert check_password(desk, name, "wrong password") is None
    assert len(checked) == 4
    assert len({each.rpartition("$")[0].rpartition("$")[0] for each in checked}) == 1


def test_a_hash_with_less_work_is_made_anew(
    desk: ReviewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "_hasher", lambda: PasswordHasher(2, 16, 1))
    assert check_password(desk, "Ann", PASSWORD) is not None
    with desk.read() as session:
        assert "t=2" in (session.scalars(select(UserRow.password_hash)).one() or "")
    assert check_password(desk, "Ann", PASSWORD) is not None


def test_a_name_that_could_mislead_is_refused(store: ReviewStore) -> None:
    for name in ("", " ", "n" * 101, "a\nb", "a\x1b[31mb", "a\u202eb", "a\u200bb"):
        with pytest.raises(InputError, match="user: expected a name of 1 to 100 characters"):
            add_user(store, name, None)
    assert list_users(store) == []


def test_a_password_too_short_or_long_is_refused(desk: ReviewStore) -> None:
    for password in ("", "short", "1234567", "x" * 1001):
        with pytest.raises(InputError, match="password: expected 8 to 1,000 characters") as caught:
            add_user(desk, "Bob", password)
        with pytest.raises(InputError, match="password: expected 8 to 1,000 characters"):
            set_password(desk, "Ann", password)
        assert not password or password not in str(caught.value)
    assert check_password(desk, "Ann", PASSWORD) is not None


def test_a_name_is_taken_once(desk: ReviewStore) -> None:
    for name in ("Ann", " Ann "):
        with pytest.raises(InputError, match="found that it is taken"):
            add_user(desk, name, "another password")
    assert check_password(desk, "Ann", PASSWORD) is not None


def test_a_role_is_one_of_three(store: ReviewStore) -> None:
    with pytest.raises(InputError, match="role: expected one of reviewer, adjudicator, admin"):
        add_user(store, "Bob", None, role="owner")
    for role in users.ROLES:
        add_user(store, role, None, role=role)
    assert [user.role for user in list_users(store)] == sorted(users.ROLES)


def test_users_are_listed_by_name(desk: ReviewStore) -> None:
    add_user(desk, "Bob", None, role="admin")
    found = [(user.name, user.role, user.active, user.has_password) for user in list_users(desk)]
    assert found == [("Ann", "reviewer", True, True), ("Bob", "admin", True, False)]


def test_a_session_is_known_by_its_token(desk: ReviewStore) -> None:
    token, csrf = open_session(desk, ann(desk))
    user = check_password(desk, "Ann", PASSWORD)
    assert session_user(desk, token) == (user, csrf)
    assert token != csrf
    other, _ = open_session(desk, ann(desk))
    close_session(desk, token)
    close_session(desk, token)
    assert session_user(desk, token) is None
    assert session_user(desk, other) is not None


def test_any_other_token_is_nobodys(desk: ReviewStore) -> None:
    known, _ = open_session(desk, ann(desk))
    for token in ("", "unknown", "\0", "\ud800", "x" * 100_000, known[:-1]):
        assert session_user(desk, token) is None
        close_session(desk, token)
    assert session_user(desk, known) is not None


def test_the_database_holds_no_token(desk: ReviewStore) -> None:
    token, _ = open_session(desk, ann(desk))
    with desk.read() as session:
        row = session.scalars(select(SessionRow)).one()
    assert token not in (row.token_hash, row.csrf)
    assert session_user(desk, row.token_hash) is None


def test_a_session_ends(desk: ReviewStore, monkeypatch: pytest.MonkeyPatch) -> None:
    token, _ = open_session(desk, ann(desk), hours=2)
    later, _ = open_session(desk, ann(desk))

    def in_three_hours(more: timedelta = timedelta()) -> str:
        return now(more + timedelta(hours=3))

    monkeypatch.setattr(sessions, "now", in_three_hours)
    assert session_user(desk, token) is None
    assert session_user(desk, later) is not None
    open_session(desk, ann(desk))  # tidies up
    with desk.read() as session:
        assert len(session.scalars(select(SessionRow.token_hash)).all()) == 2


def test_a_new_password_ends_every_session(desk: ReviewStore) -> None:
    token, _ = open_session(desk, ann(desk))
    add_user(desk, "Bob", PASSWORD)
    bobs, _ = open_session(desk, ann(desk) + 1)
    set_password(desk, "Ann", "a new password")
    assert session_user(desk, token) is None
    assert session_user(desk, bobs) is not None
    assert check_password(desk, "Ann", PASSWORD) is None
    assert check_password(desk, "Ann", "a new password") is not None


def test_a_user_who_is_not_active_is_out(desk: ReviewStore) -> None:
    token, _ = open_session(desk, ann(desk))
    set_active(desk, "Ann", False)
    assert session_user(desk, token) is None
    assert check_password(desk, "Ann", PASSWORD) is None
    set_active(desk, "Ann", True)
    assert session_user(desk, token) is None
    assert check_password(desk, "Ann", PASSWORD) is not None


def test_a_user_without_a_password_cannot_sign_in(store: ReviewStore) -> None:
    add_user(store, "Ann", None)
    assert check_password(store, "Ann", "") is None
    set_password(store, "Ann", PASSWORD)
    assert check_password(store, "Ann", PASSWORD) is not None


def test_unknown_users_are_told(store: ReviewStore) -> None:
    with pytest.raises(InputError, match="user 'Ann': expected a user of this database"):
        set_password(store, "Ann", PASSWORD)
    with pytest.raises(InputError, match="user 'Ann': expected a user of this database"):
        set_active(store, "Ann", False)


def test_a_temporary_password_has_to_be_changed(desk: ReviewStore) -> None:
    given = temporary_password()
    assert re.fullmatch("[a-z2-9]{12}", given)
    assert given != temporary_password()
    set_password(desk, "Ann", given, temporary=True)
    user = check_password(desk, "Ann", given)
    assert user is not None
    assert user.must_change
    set_password(desk, "Ann", "one of my own")
    changed = check_password(desk, "Ann", "one of my own")
    assert changed is not None
    assert not changed.must_change
    add_user(desk, "new", given, temporary=True)
    assert [each.must_change for each in list_users(desk) if each.name == "new"] == [True]


def test_a_role_can_be_changed(desk: ReviewStore) -> None:
    token, _ = open_session(desk, ann(desk))
    set_role(desk, "Ann", "adjudicator")
    found = session_user(desk, token)
    assert found is not None
    assert found[0].role == "adjudicator"
    with pytest.raises(InputError, match="role: expected one of reviewer"):
        set_role(desk, "Ann", "owner")
    with pytest.raises(InputError, match="expected a user"):
        set_role(desk, "nobody", "reviewer")


def test_the_last_admin_stays_one(store: ReviewStore) -> None:
    add_user(store, "root", "correct horse", "admin")
    add_user(store, "mute", None, "admin")  # cannot sign in, so is no help
    with pytest.raises(InputError, match="expected another admin who may sign in, found none"):
        set_role(store, "root", "reviewer")
    with pytest.raises(InputError, match="expected another admin who may sign in, found none"):
        set_active(store, "root", False)
    add_user(store, "second", "correct horse", "admin")
    set_active(store, "root", False)
    with pytest.raises(InputError, match="expected another admin"):
        set_role(store, "second", "adjudicator")
    set_role(store, "root", "reviewer")  # who is out already may be anything
    set_active(store, "root", True)
    with pytest.raises(InputError, match="expected another admin"):
        set_active(store, "second", False)
