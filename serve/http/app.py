"""The application: routes, probes and their order of starting and stopping."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from claimwire import __version__
from claimwire.serve.http import problems
from claimwire.serve.http.gate import Gate
from claimwire.serve.http.metrics import CONTENT_TYPE
from claimwire.serve.http.openapi import OPERATIONS, document
from claimwire.serve.http.problems import ProblemError, on_http_exception, on_problem
from claimwire.serve.http.service import Service, shutting_down
from claimwire.serve.http.settings import ServeSettings
from claimwire.serve.http.tokens import Tokens

if TYPE_CHECKING:
    from claimwire.model.release import Release

OPENAPI_PATH: Final = "/openapi.json"


def create_app(
    release: Release, settings: ServeSettings | None = None, tokens: Tokens | None = None
) -> FastAPI:
    """Make the application; its ``state.service`` starts and stops with its lifespan.

    Args:
        release: the release to serve, verified.
        settings: limits; by default those of :class:`ServeSettings`.
        tokens: who may use it; by default everybody.

    Raises:
        ReleaseError: the release cannot be run.
    """
    service = Service(release, settings or ServeSettings())
    tokens = tokens or Tokens()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        service.close()

    app = FastAPI(
        title="claimwire",
        version=__version__,
        lifespan=lifespan,
        openapi_url=OPENAPI_PATH,
        docs_url=None,  # its page would fetch scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={ProblemError: on_problem, HTTPException: on_http_exception},
    )
    app.state.service = service
    _add_routes(app, service)
    paths = frozenset({*OPERATIONS, OPENAPI_PATH})
    app.add_middleware(Gate, service=service, tokens=tokens, paths=paths)
    app.openapi = lambda: document(app, has_tokens=len(tokens) > 0)  # type: ignore[method-assign]
    return app


def _add_routes(app: FastAPI, service: Service) -> None:
    async def tag(request: Request) -> Response:
        return await service.tag(request)

    async def tag_sentences(request: Request) -> Response:
        return await service.tag_sentences(request)

    async def model() -> Response:
        return JSONResponse(service.describe())

    async def healthz() -> Response:
        _require_worker(service)
        return JSONResponse({"status": "ok"})

    async def readyz() -> Response:
        if service.draining:
            raise shutting_down()
        _require_worker(service)
        return JSONResponse({"status": "ready"})

    async def metrics() -> Response:
        return Response(service.metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    endpoints: dict[str, Any] = {
        "/v1/tag": tag,
        "/v1/tag-sentences": tag_sentences,
        "/v1/model": model,
        "/healthz": healthz,
        "/readyz": readyz,
        "/metrics": metrics,
    }
    for path, operation in OPERATIONS.items():
        app.add_api_route(
            path,
            endpoints[path],
            methods=[operation.method],
            summary=operation.summary,
            description=operation.description,
            response_class=Response,
            openapi_extra=operation.extra(),
        )


def _require_worker(service: Service) -> None:
    if not service.batcher.alive:
        raise ProblemError(
            problems.NOT_WORKING,
            "expected a running worker, found it stopped: restart the service and read its log",
        )
