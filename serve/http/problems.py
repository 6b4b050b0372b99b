"""Errors as ``application/problem+json`` (RFC 9457), each kind with its own ``type``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

PROBLEM_TYPE: Final = "application/problem+json"
PROBLEM_BASE: Final = "https://github.com/claimwire/claimwire/blob/main/docs/serving.md#"
"""What ``type`` begins with: the heading in the guide that explains the kind."""

MAX_ERRORS: Final = 20
"""Most single errors listed in one problem."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem.

    Attributes:
        slug: last part of ``type``.
        status: HTTP status.
        title: what it is, the same for every occurrence.
    """

    slug: str
    status: int
    title: str

    @property
    def type(self) -> str:
        """The URI that names the kind."""
        return PROBLEM_BASE + self.slug


MALFORMED: Final = Kind("malformed-request", 400, "The request is malformed")
UNAUTHORIZED: Final = Kind("unauthorized", 401, "A bearer token is needed")
NOT_FOUND: Final = Kind("not-found", 404, "There is nothing here")
METHOD_NOT_ALLOWED: Final = Kind("method-not-allowed", 405, "The method does not fit the path")
SLOW_BODY: Final = Kind("slow-body", 408, "The request took too long to arrive")
BODY_TOO_LARGE: Final = Kind("body-too-large", 413, "The body is too large")
TOO_MANY_ARTICLES: Final = Kind("too-many-articles", 413, "There are too many articles")
TOO_MANY_SENTENCES: Final = Kind("too-many-sentences", 413, "There are too many sentences")
UNSUPPORTED: Final = Kind("unsupported-media-type", 415, "The body's type cannot be read")
INVALID: Final = Kind("invalid-request", 422, "The request does not have the expected shape")
QUEUE_FULL: Final = Kind("queue-full", 429, "Too many requests are waiting")
INTERNAL: Final = Kind("internal-error", 500, "Something failed inside the service")
SHUTTING_DOWN: Final = Kind("shutting-down", 503, "The service is shutting down")
TIMED_OUT: Final = Kind("timed-out", 503, "The request could not be done in time")
NOT_WORKING: Final = Kind("not-working", 503, "The service's worker has stopped")

KINDS: Final = (
    MALFORMED,
    UNAUTHORIZED,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    SLOW_BODY,
    BODY_TOO_LARGE,
    TOO_MANY_ARTICLES,
    TOO_MANY_SENTENCES,
    UNSUPPORTED,
    INVALID,
    QUEUE_FULL,
    INTERNAL,
    SHUTTING_DOWN,
    TIMED_OUT,
    NOT_WORKING,
)
"""Every kind, in the order of their status."""

_BY_STATUS: Final = {kind.status: kind for kind in (NOT_FOUND, METHOD_NOT_ALLOWED)}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong in a request.

    Attributes:
        pointer: JSON Pointer to it in the body, such as ``/articles/0/text``; empty for all of it.
        detail: what was expected, what was found, what to do.
    """

    pointer: str
    detail: str


@dataclass
class ProblemError(Exception):
    """A request that is answered with a problem.

    Attributes:
        kind: which problem.
        detail: what was expected, what was found, what to do.
        errors: the single errors, where there can be several.
        headers: further headers of the answer.
    """

    kind: Kind
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self, request_id: str = "") -> Response:
        """Return the answer; ``request_id`` becomes its ``instance``."""
        body: dict[str, object] = {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = [
                {"pointer": error.pointer, "detail": error.detail}
                for error in self.errors[:MAX_ERRORS]
            ]
        return _response(body, request_id, self.headers)


def _response(body: dict[str, object], request_id: str, headers: Mapping[str, str]) -> Response:
    if request_id:
        body["instance"] = f"urn:uuid:{request_id}"
    status = body["status"]
    assert isinstance(status, int)
    # ASCII alone: whatever a request smuggled into a message, the answer can be encoded.
    return Response(json.dumps(body), status, dict(headers), media_type=PROBLEM_TYPE)


def request_id_of(request: Request) -> str:
    """Return the identity that the gate gave to a request."""
    return str(request.scope.get("claimwire.request_id", ""))


async def on_problem(request: Request, error: Exception) -> Response:
    """Answer a :class:`ProblemError`."""
    assert isinstance(error, ProblemError)
    return error.response(request_id_of(request))


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer what routing refuses, such as an unknown path."""
    assert isinstance(error, HTTPException)
    kind = _BY_STATUS.get(error.status_code)
    if kind is None:
        phrase = HTTPStatus(error.status_code).phrase
        body = {"type": "about:blank", "title": phrase, "status": error.status_code}
        return _response(body, request_id_of(request), error.headers or {})
    path = request.url.path[:200]
    detail = f"expected one of the paths in /openapi.json, found {path}: correct it"
    if kind is METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        detail = f"expected {allowed} for {path}, found {request.method[:20]}: use that"
    return ProblemError(kind, detail, headers=error.headers or {}).response(request_id_of(request))
