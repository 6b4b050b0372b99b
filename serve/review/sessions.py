"""The sessions of the browsers in which users are signed in."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import delete, select

from claimwire.serve.review.hashes import sha256_hex
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.tables import SessionRow, UserRow, now
from claimwire.serve.review.texts import storable
from claimwire.serve.review.users import User, user_of


def open_session(store: ReviewStore, user_id: int, *, hours: float = 12) -> tuple[str, str]:
    """Sign a browser in.

    Args:
        store: where to.
        user_id: who.
        hours: for how long.

    Returns:
        the token for the browser's cookie, which is stored nowhere else, and the token against
        cross-site requests.
    """
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with store.write() as session:
        session.execute(delete(SessionRow).where(SessionRow.expires_at <= now()))
        session.add(
            SessionRow(
                token_hash=_token_hash(token),
                user_id=user_id,
                csrf=csrf,
                created_at=now(),
                expires_at=now(timedelta(hours=hours)),
            )
        )
    return token, csrf


def session_user(store: ReviewStore, token: str) -> tuple[User, str] | None:
    """Return whose browser it is, and its token against cross-site requests; None for nobody's."""
    with store.read() as session:
        found = session.execute(
            select(UserRow, SessionRow.csrf)
            .join(SessionRow, SessionRow.user_id == UserRow.id)
            .where(
                SessionRow.token_hash == _token_hash(token),
                SessionRow.expires_at > now(),
                UserRow.active.is_(True),
            )
        ).one_or_none()
    return None if found is None else (user_of(found[0]), found[1])


def close_session(store: ReviewStore, token: str) -> None:
    """Sign a browser out."""
    with store.write() as session:
        session.execute(delete(SessionRow).where(SessionRow.token_hash == _token_hash(token)))


def _token_hash(token: str) -> str:
    return sha256_hex(storable(token))
