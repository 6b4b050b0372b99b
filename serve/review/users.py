"""Who may sign in: users, their roles, and their passwords (argon2id)."""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from claimwire.data.errors import InputError
from claimwire.serve.review.new_decision import MAX_NAME
from claimwire.serve.review.store import Lock, ReviewStore
from claimwire.serve.review.tables import SessionRow, UserRow, can_sign_in, now
from claimwire.serve.review.texts import storable

ROLES: Final = ("reviewer", "adjudicator", "admin")
MIN_PASSWORD: Final = 8
"""Shortest password, in characters."""

MAX_PASSWORD: Final = 1_000
_PLAIN: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_TEMPORARY: Final = 12


@dataclass(frozen=True)
class User:
    """A person who may sign in.

    Attributes:
        id: of the user.
        name: as decisions bear it.
        role: one of :data:`ROLES`.
        active: whether they may sign in.
        has_password: whether they can.
        must_change: whether the password is a temporary one, to be changed at the next sign-in.
    """

    id: int
    name: str
    role: str
    active: bool
    has_password: bool
    must_change: bool = False


def add_user(
    store: ReviewStore,
    name: str,
    password: str | None,
    role: str = "reviewer",
    *,
    temporary: bool = False,
) -> None:
    """Add a user.

    Args:
        store: where to.
        name: 1 to 100 characters, none of them a control character.
        password: at least 8 characters; None for a user who cannot sign in yet.
        role: one of :data:`ROLES`.
        temporary: the password has to be changed at the first sign-in.

    Raises:
        InputError: the name is taken or does not fit, like the password or role.
    """
    name = _name(name)
    _check_role(role)
    hashed = None if password is None else _hash(password)
    with store.write(Lock.USERS) as session:
        if _find(session, name) is not None:
            raise InputError(
                f"user {name}: expected a new name, found that it is taken: choose another, or set "
                "the password with claimwire review user password"
            )
        session.add(
            UserRow(
                name=name,
                password_hash=hashed,
                role=role,
                active=True,
                created_at=now(),
                must_change=temporary,
            )
        )


def set_password(store: ReviewStore, name: str, password: str, *, temporary: bool = False) -> None:
    """Give a user a new password; every browser of theirs is signed out.

    Args:
        store: where.
        name: whose.
        password: at least 8 characters.
        temporary: it has to be changed at the next sign-in.

    Raises:
        InputError: the user is unknown, or the password does not fit.
    """
    hashed = _hash(password)
    with store.write() as session:
        user = _known(session, name)
        user.password_hash = hashed
        user.must_change = temporary
        session.execute(delete(SessionRow).where(SessionRow.user_id == user.id))


def temporary_password() -> str:
    """Return a password to be told once: 12 letters and digits, none easily taken for another."""
    return "".join(secrets.choice(_PLAIN) for _ in range(_TEMPORARY))


def set_role(store: ReviewStore, name: str, role: str) -> None:
    """Give a user another role, from their next request on.

    Raises:
        InputError: the user or role is unknown, or no admin would be left.
    """
    _check_role(role)
    with store.write(Lock.USERS) as session:
        user = _known(session, name)
        if role != "admin":
            _keep_an_admin(session, user)
        user.role = role


def set_active(store: ReviewStore, name: str, active: bool) -> None:
    """Let a user sign in, or no longer; then every browser of theirs is signed out.

    Raises:
        InputError: the user is unknown, or no admin would be left.
    """
    with store.write(Lock.USERS) as session:
        user = _known(session, name)
        if not active:
            _keep_an_admin(session, user)
        user.active = active
        if not active:
            session.execute(delete(SessionRow).where(SessionRow.user_id == user.id))


def list_users(store: ReviewStore) -> list[User]:
    """Return all users, by name."""
    with store.read() as session:
        return [user_of(row) for row in session.scalars(select(UserRow).order_by(UserRow.name))]


def check_password(store: ReviewStore, name: str, password: str) -> User | None:
    """Return the user where the password is theirs and they may sign in.

    An unknown name takes the same work as a known one, so that the time tells nothing.
    """
    with store.read() as session:
        row = _find(session, _plain(name))
    may = row is not None and row.active and row.password_hash is not None
    hashed = row.password_hash if may and row is not None else None
    matches = _matches(hashed or _nobodys_hash(), password)
    if row is None or hashed is None or not matches:
        return None
    if _hasher().check_needs_rehash(hashed):
        with store.write() as session:
            _known(session, row.name).password_hash = _hash(password)
    return user_of(row)


def user_of(row: UserRow) -> User:
    """Return a stored user as it is given out."""
    has_password = row.password_hash is not None
    return User(row.id, row.name, row.role, row.active, has_password, row.must_change)


def _find(session: Session, name: str) -> UserRow | None:
    return session.scalars(select(UserRow).where(UserRow.name == name)).one_or_none()


def _known(session: Session, name: str) -> UserRow:
    row = _find(session, _plain(name))
    if row is None:
        raise InputError(
            f"user {name!r}: expected a user of this database, found none: see claimwire review "
            "user list"
        )
    return row


def _keep_an_admin(session: Session, user: UserRow) -> None:
    """Refuse to take the role from the last admin who may sign in."""
    if user.role != "admin" or not user.active:
        return
    others = select(UserRow.id).where(UserRow.id != user.id, UserRow.role == "admin", can_sign_in())
    if session.scalars(others).first() is None:
        raise InputError(
            f"user {user.name}: expected another admin who may sign in, found none: this is the "
            "last one; make another user admin first"
        )


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise InputError(f"role: expected one of {', '.join(ROLES)}, found {role!r}: correct it")


def _plain(name: str) -> str:
    """Return a name in the one form in which it is stored."""
    return unicodedata.normalize("NFC", storable(name)).strip()


def _name(name: str) -> str:
    name = _plain(name)
    is_plain = all(unicodedata.category(character)[0] != "C" for character in name)
    if not 0 < len(name) <= MAX_NAME or not is_plain:
        raise InputError(
            f"user: expected a name of 1 to {MAX_NAME} characters without control characters, "
            f"found {name[: MAX_NAME + 1]!r}: choose another"
        )
    return name


def _hash(password: str) -> str:
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise InputError(
            f"password: expected {MIN_PASSWORD} to {MAX_PASSWORD:,} characters, found "
            f"{len(password):,}: choose another"
        )
    return _hasher().hash(_password(password))


def _matches(hashed: str, password: str) -> bool:
    try:
        matches = _hasher().verify(hashed, _password(password[:MAX_PASSWORD]))
    except (VerificationError, InvalidHashError):
        return False
    return matches and len(password) <= MAX_PASSWORD


def _password(password: str) -> bytes:
    """Return a password's bytes, the same from every keyboard."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace")


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobodys_hash() -> str:
    return _hasher().hash(secrets.token_bytes(16))
