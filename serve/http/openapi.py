"""The OpenAPI document: one description of each operation, with examples and every problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from claimwire.serve.http import problems, schemas
from claimwire.serve.http.bodies import HTML, JSON, PLAIN
from claimwire.serve.http.problems import PROBLEM_TYPE, Kind

_REF: Final = "#/components/schemas/{model}"
_REQUESTS: Final = (schemas.ArticleIn, schemas.ArticlesIn, schemas.SentencesIn)
_ANSWERS: Final = (
    schemas.ArticlesOut,
    schemas.SentencesOut,
    schemas.ModelOut,
    schemas.StatusOut,
    schemas.ProblemOut,
)
_TEXT: Final = "Two drones struck the fuel depot at dawn. Nobody has claimed the attack."
_PAGE: Final = (
    "<!doctype html><html><body><article><p>Two drones struck the fuel depot at dawn.</p>"
    "<p>Nobody has claimed the attack.</p></article></body></html>"
)
_WORK_PROBLEMS: Final = (
    problems.MALFORMED,
    problems.SLOW_BODY,
    problems.BODY_TOO_LARGE,
    problems.TOO_MANY_SENTENCES,
    problems.UNSUPPORTED,
    problems.INVALID,
    problems.QUEUE_FULL,
    problems.SHUTTING_DOWN,
    problems.TIMED_OUT,
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One route as the document describes it.

    Attributes:
        method: HTTP method.
        summary: what it does, in a few words.
        description: what it does, in a few sentences.
        answer: model of the JSON answer; None for Prometheus text.
        request: content of the request body by media type; empty for none.
        problems: kinds that it may answer, besides those that any route may.
    """

    method: str
    summary: str
    description: str
    answer: type[BaseModel] | None
    request: dict[str, Any]
    problems: tuple[Kind, ...] = ()

    def extra(self) -> dict[str, Any]:
        """Return request body and answers in OpenAPI's terms."""
        described: dict[str, Any] = {"responses": {"200": self._answer(), **self._problems()}}
        if self.request:
            described["requestBody"] = {"required": True, "content": self.request}
        return described

    def _answer(self) -> dict[str, Any]:
        if self.answer is None:
            return {"description": "Done.", "content": {PLAIN: {"schema": {"type": "string"}}}}
        return {"description": "Done.", "content": {JSON: {"schema": _schema(self.answer)}}}

    def _problems(self) -> dict[str, Any]:
        kinds = (problems.UNAUTHORIZED, *self.problems, problems.INTERNAL)
        statuses = sorted({kind.status for kind in kinds})
        return {
            str(status): _problem([kind for kind in kinds if kind.status == status])
            for status in statuses
        }


def _schema(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def _problem(kinds: list[Kind]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": " ".join(f"{kind.title}." for kind in kinds),
        "content": {PROBLEM_TYPE: {"schema": _schema(schemas.ProblemOut)}},
    }
    if kinds[0].status in (429, 503):
        seconds = {"type": "integer", "minimum": 1}
        described["headers"] = {
            "Retry-After": {"description": "Seconds to wait.", "schema": seconds}
        }
    return described


OPERATIONS: Final = {
    "/v1/tag": Operation(
        "POST",
        "Split articles into sentences and tag them",
        "One article as text, HTML or JSON, or several as JSON. The records are those of "
        "`claimwire tag`. All articles are tagged or none is: where one cannot be read, the "
        "answer names each that cannot.",
        schemas.ArticlesOut,
        {
            JSON: {
                "schema": {"anyOf": [_schema(schemas.ArticleIn), _schema(schemas.ArticlesIn)]},
                "examples": {
                    "article": {"summary": "One article", "value": {"text": _TEXT}},
                    "articles": {
                        "summary": "Several, one of them a web page",
                        "value": {
                            "articles": [
                                {"id": "wire-1", "text": _TEXT},
                                {"id": "page-1", "text": _PAGE, "format": "html"},
                            ]
                        },
                    },
                },
            },
            PLAIN: {"schema": {"type": "string"}, "example": _TEXT},
            HTML: {"schema": {"type": "string"}, "example": _PAGE},
        },
        (*_WORK_PROBLEMS, problems.TOO_MANY_ARTICLES),
    ),
    "/v1/tag-sentences": Operation(
        "POST",
        "Tag sentences as they are",
        "No splitting: one record for each sentence, in order.",
        schemas.SentencesOut,
        {
            JSON: {
                "schema": _schema(schemas.SentencesIn),
                "example": {"sentences": ["Two drones struck the fuel depot at dawn."]},
            }
        },
        _WORK_PROBLEMS,
    ),
    "/v1/model": Operation(
        "GET",
        "Describe the release that is served",
        "Its identity, labels, thresholds and metrics, and the limits of a request.",
        schemas.ModelOut,
        {},
        (problems.SHUTTING_DOWN,),
    ),
    "/healthz": Operation(
        "GET",
        "Say whether the process works",
        "For a liveness probe; needs no token.",
        schemas.StatusOut,
        {},
        (problems.NOT_WORKING,),
    ),
    "/readyz": Operation(
        "GET",
        "Say whether requests are accepted",
        "For a readiness probe; 503 from the moment that the service is told to stop. Needs no "
        "token.",
        schemas.StatusOut,
        {},
        (problems.NOT_WORKING, problems.SHUTTING_DOWN),
    ),
    "/metrics": Operation("GET", "Count for Prometheus", "Text format 0.0.4.", None, {}),
}
"""Every path with its only operation."""


def document(app: FastAPI, *, has_tokens: bool) -> dict[str, Any]:
    """Return the OpenAPI document; made once and kept in ``app.openapi_schema``."""
    if app.openapi_schema:
        return app.openapi_schema
    made = get_openapi(
        title=app.title,
        version=app.version,
        summary="Tags the sentences of conflict reporting with the claims they make.",
        routes=app.routes,
    )
    inputs = [(model, "validation") for model in _REQUESTS]
    outputs = [(model, "serialization") for model in _ANSWERS]
    _, definitions = models_json_schema(
        [*inputs, *outputs],  # type: ignore[list-item]
        ref_template=_REF,
    )
    components = made.setdefault("components", {})
    components.setdefault("schemas", {}).update(definitions["$defs"])
    if has_tokens:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        made["security"] = [{"token": []}]
        for path in ("/healthz", "/readyz"):
            made["paths"][path]["get"]["security"] = []
    app.openapi_schema = made
    return made
