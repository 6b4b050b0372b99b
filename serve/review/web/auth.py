"""Who is asking: sign-in, sessions, and the token that every change must carry.

Each browser has a *visit* cookie. Where nobody signs in, it is all there is. Where reviewers sign
in, it protects the sign-in form alone, and a *session* cookie, made afresh by each sign-in, says
who is there. Both cookies are HttpOnly and SameSite=Strict. Cookies know no ports, so their names
do: two desks on one machine do not sign each other out.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import Response

from claimwire.serve.review import sessions, users
from claimwire.serve.review.adjudicating import ADJUDICATORS
from claimwire.serve.review.web.limits import SignInLimit

if TYPE_CHECKING:
    from claimwire.serve.review.store import ReviewStore
    from claimwire.serve.review.web.settings import DeskSettings

TOKEN_HEADER: Final = "X-CSRF-Token"  # noqa: S105 the name of a header, no secret
_HASHES_AT_ONCE: Final = 2
"""Passwords checked side by side: each check takes 64 MiB of memory on purpose."""


class NotSignedInError(Exception):
    """The request needs a reviewer, and nobody is signed in."""


class ForgedError(Exception):
    """The request changes something and does not carry the session's token."""


class RoleError(Exception):
    """The request needs a role that whoever sent it does not have."""


class PasswordDueError(Exception):
    """Whoever sent the request has a temporary password, and has to choose another first."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever sent a request.

    Attributes:
        name: the reviewer; empty where nobody is signed in.
        role: reviewer, adjudicator or admin.
        csrf: what a request of theirs that changes something carries in :data:`TOKEN_HEADER`.
        alone: whether nobody signs in, so that there is nobody else.
        must_change: whether their password is a temporary one.
    """

    name: str
    role: str
    csrf: str
    alone: bool = False
    must_change: bool = False

    @property
    def may_adjudicate(self) -> bool:
        """Whether they may settle disagreements."""
        return self.alone or self.role in ADJUDICATORS

    @property
    def is_admin(self) -> bool:
        """Whether they may manage users."""
        return self.role == "admin"


class Auth:
    """Sessions of one desk.

    Args:
        store: users and their sessions.
        settings: whether reviewers sign in, and how cookies are sent.
    """

    def __init__(self, store: ReviewStore, settings: DeskSettings) -> None:
        self._store = store
        self._settings = settings
        self._secret = secrets.token_bytes(32)
        self._limit = SignInLimit()
        self._hashing = threading.BoundedSemaphore(_HASHES_AT_ONCE)
        prefix = "__Host-" if settings.https else ""
        self.visit_cookie = f"{prefix}claimwire_visit_{settings.port}"
        self.session_cookie = f"{prefix}claimwire_session_{settings.port}"

    def visitor(self, request: Request) -> Visitor:
        """Return who sent a request."""
        if not self._settings.signs_in:
            csrf = self._visit_csrf(request)
            return Visitor(self._settings.local_reviewer, "reviewer", csrf, alone=True)
        token = request.cookies.get(self.session_cookie)
        found = sessions.session_user(self._store, token) if token else None
        if found is None:
            return Visitor("", "", self._visit_csrf(request))
        user, csrf = found
        return Visitor(user.name, user.role, csrf, must_change=user.must_change)

    def reviewer(self, request: Request) -> Visitor:
        """Return who sent a request, a reviewer for certain.

        Raises:
            NotSignedInError: nobody is signed in.
            PasswordDueError: their password is a temporary one.
        """
        visitor = self.visitor(request)
        if not visitor.name:
            raise NotSignedInError
        if visitor.must_change:
            raise PasswordDueError
        return visitor

    def changing(self, request: Request) -> Visitor:
        """Return who sent a request that changes something.

        Raises:
            NotSignedInError: nobody is signed in.
            PasswordDueError: their password is a temporary one.
            ForgedError: the request does not carry the session's token.
        """
        visitor = self.reviewer(request)
        self.check_token(visitor, request.headers.get(TOKEN_HEADER, ""))
        return visitor

    @staticmethod
    def check_token(visitor: Visitor, token: str) -> None:
        """Compare a request's token with its session's, in constant time.

        Raises:
            ForgedError: they differ, or there is no session.
        """
        if not visitor.csrf or not hmac.compare_digest(visitor.csrf.encode(), token.encode()):
            raise ForgedError

    def ensure_visit(self, request: Request, response: Response) -> None:
        """Give a browser its visit cookie with the answer, unless it has one."""
        if self.visit_cookie not in request.cookies:
            self._set(response, self.visit_cookie, self._visit(request))

    def sign_in(self, name: str, password: str, request: Request) -> str | int | None:
        """Check a name with its password.

        Returns:
            a new session's token; None where they do not fit; a number of seconds to wait where
            there were too many tries.
        """
        user = self.check(name, password, request)
        return self.open(user.id) if isinstance(user, users.User) else user

    def open(self, user_id: int) -> str:
        """Open a session and return its token."""
        token, _ = sessions.open_session(self._store, user_id, hours=self._settings.session_hours)
        return token

    def check(self, name: str, password: str, request: Request) -> users.User | int | None:
        """Return whose name and password it is; None and a number as with :meth:`sign_in`."""
        address = request.client.host if request.client else ""
        wait = self._limit.try_now(name, address)
        if wait:
            return wait
        with self._hashing:
            user = users.check_password(self._store, name, password)
        if user is None:
            return None
        self._limit.succeeded(name, address)
        return user

    def choose_password(self, user: users.User, password: str) -> str:
        """Give a user a password of their own; return a new session's token.

        Raises:
            InputError: it does not fit.
        """
        with self._hashing:
            users.set_password(self._store, user.name, password)
        return self.open(user.id)

    def set_session(self, response: Response, token: str) -> None:
        """Give a browser its session cookie."""
        self._set(response, self.session_cookie, token, self._settings.session_hours * 3_600)

    def sign_out(self, request: Request, response: Response) -> None:
        """Close a browser's session, on both sides."""
        token = request.cookies.get(self.session_cookie)
        if token:
            sessions.close_session(self._store, token)
        response.delete_cookie(
            self.session_cookie,
            secure=self._settings.https,
            httponly=True,
            samesite="strict",
        )

    def _visit(self, request: Request) -> str:
        """Return the visit's secret: the browser's, or one made for this request."""
        known = request.cookies.get(self.visit_cookie)
        if known:
            return known
        if not hasattr(request.state, "visit"):
            request.state.visit = secrets.token_urlsafe(32)
        made: str = request.state.visit
        return made

    def _visit_csrf(self, request: Request) -> str:
        visit = self._visit(request)
        return hmac.new(self._secret, visit.encode(errors="replace"), sha256).hexdigest()

    def _set(self, response: Response, name: str, value: str, age: int | None = None) -> None:
        response.set_cookie(
            name,
            value,
            max_age=age,
            path="/",
            secure=self._settings.https,
            httponly=True,
            samesite="strict",
        )
