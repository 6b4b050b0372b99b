"""What every request passes first: host, origin, size of the body, and the headers of the answer.

The desk's pages show text from anywhere. Jinja2 escapes it, the script sets it as text, and the
content security policy forbids what would still slip through: no script, style, image, frame or
form but the desk's own.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from claimwire.serve.review.web.settings import DeskSettings

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""The content security policy of every answer."""

HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # With "no-referrer" browsers would send "Origin: null" with the desk's own forms.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

BODY_SECONDS: Final = 10
"""How long the body of a request may take to arrive."""

logger = logging.getLogger(__name__)

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})


class Guard:
    """The outermost layer around the routes.

    Args:
        app: the routes.
        settings: hosts and limits.
    """

    def __init__(self, app: ASGIApp, settings: DeskSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # the desk speaks nothing else
            await send({"type": "websocket.close", "code": 1000})
            return

        is_answered = False

        async def send_marked(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._pass(scope, receive, send_marked)
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            if is_answered:  # the answer has begun and cannot be taken back
                raise
            await _failed(scope["path"])(scope, receive, send_marked)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        refusal = self._refusal(headers, scope["method"], scope["path"])
        if refusal is None and scope["method"] not in _READING:
            body = await self._body(headers, receive)
            if isinstance(body, bytes):
                receive = _replay(body, receive)
            else:
                refusal = body
        await (self._app if refusal is None else refusal)(scope, receive, send)

    def _refusal(self, headers: Headers, method: str, path: str) -> Response | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._settings.knows_host(hosts[0]):
            return refuse(421, "host", "The desk is not known by this name: see --allowed-host.")
        if method not in _READING and not _is_own(headers, hosts[0]):
            return refuse(403, "origin", "Another page may not change anything here.")
        if path.startswith("/api/") and headers.get("sec-fetch-site", "none") not in _OWN_SITES:
            # It could not read the answer, but sentences are kept for whoever asks for them.
            return refuse(403, "origin", "Another page may not ask for anything here.")
        return None

    async def _body(self, headers: Headers, receive: Receive) -> bytes | Response:
        most = self._settings.max_body_bytes
        too_large = refuse(413, "size", f"Expected a body of {most:,} bytes at most.")
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > most:
            return too_large
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                more = True
                while more:
                    message = await receive()
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > most:
                        return too_large
        except TimeoutError:
            return refuse(408, "slow", f"Expected the body within {BODY_SECONDS} seconds.")
        return bytes(body)


def refuse(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Return an answer that refuses a request, with a word for scripts and a sentence for people.

    Args:
        status: HTTP status.
        code: what is wrong, one word.
        detail: the same in a sentence.
        headers: further headers.
    """
    return JSONResponse({"code": code, "detail": detail}, status, headers)


def _failed(path: str) -> Response:
    detail = "The desk failed; its log tells more."
    if path.startswith("/api/"):
        return refuse(500, "internal", detail)
    return PlainTextResponse(detail, 500)


def _is_own(headers: Headers, host: str) -> bool:
    """Say whether a request comes from the desk's own page, by the browser's own word."""
    origins = headers.getlist("origin")
    if len(origins) != 1 or headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = urlsplit(origins[0])
    return origin.scheme in ("http", "https") and origin.netloc.lower() == host.lower()


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that gives a body that was read already, then whatever comes."""
    is_read = False

    async def replay() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
