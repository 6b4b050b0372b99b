"""What every request passes first: its identity, tokens, the closing door, and the counting."""

from __future__ import annotations

import logging
import time
import uuid
from typing import TYPE_CHECKING, Final

from starlette.datastructures import MutableHeaders
from starlette.responses import Response

from claimwire.serve.http import problems
from claimwire.serve.http.problems import ProblemError
from claimwire.serve.http.service import shutting_down

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from claimwire.serve.http.service import Service
    from claimwire.serve.http.tokens import Tokens

PROBES: Final = frozenset({"/healthz", "/readyz"})
"""Paths that need no token: an orchestrator has none."""

_WORK: Final = "/v1/"
_METHODS: Final = frozenset({"GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"})

logger = logging.getLogger(__name__)


class Gate:
    """The outermost layer around the routes.

    Args:
        app: the routes.
        service: whose state and metrics it uses.
        tokens: who may pass.
        paths: the paths that exist; in the metrics all others are one.
    """

    def __init__(
        self, app: ASGIApp, service: Service, tokens: Tokens, paths: frozenset[str]
    ) -> None:
        self._app = app
        self._service = service
        self._tokens = tokens
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = scope["claimwire.request_id"] = str(uuid.uuid4())
        status = 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(raw=message["headers"])
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Cache-Control"] = "no-store"
            await send(message)

        refusal = self._refusal(scope)
        is_work = refusal is None and scope["path"].startswith(_WORK)
        in_progress = self._service.metrics.in_progress
        if is_work:
            in_progress.inc()
            self._service.in_flight += 1
        try:
            app: ASGIApp = self._app if refusal is None else refusal
            await app(scope, receive, send_marked)
        except Exception:
            logger.exception("request %s failed: %s %s", request_id, scope["method"], scope["path"])
            if status:  # the answer has begun and cannot be taken back
                raise
            await _internal(request_id)(scope, receive, send_marked)
        finally:
            if is_work:
                in_progress.dec()
                self._service.in_flight -= 1
            self._count(scope, status, time.perf_counter() - started)

    def _refusal(self, scope: Scope) -> Response | None:
        request_id = scope["claimwire.request_id"]
        path = scope["path"]
        if path not in PROBES and not self._tokens.accept(_authorization(scope)):
            return ProblemError(
                problems.UNAUTHORIZED,
                "expected a known token in the header Authorization: Bearer TOKEN, "
                "found none or an unknown one: "
                "ask whoever runs this service for one",
                headers={"WWW-Authenticate": 'Bearer realm="claimwire"'},
            ).response(request_id)
        if self._service.draining and path.startswith(_WORK):
            return shutting_down().response(request_id)
        return None

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        # Labels from a fixed set alone, so that no visitor can make the metrics grow.
        path = scope["path"] if scope["path"] in self._paths else "other"
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._service.metrics.answered(path, method, status, seconds)


def _authorization(scope: Scope) -> bytes | None:
    """Return the only ``Authorization`` header; several are none."""
    found = [value for name, value in scope["headers"] if name == b"authorization"]
    return found[0] if len(found) == 1 else None


def _internal(request_id: str) -> Response:
    detail = f"expected an answer, found an error: the service's log tells more under {request_id}"
    return ProblemError(problems.INTERNAL, detail).response(request_id)
