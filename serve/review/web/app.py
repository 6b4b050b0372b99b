"""The desk's application: pages, API, static files, and how each error is told."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from claimwire import __version__
from claimwire.data.errors import ClaimwireError, InputError
from claimwire.serve.review.web import adjudication, admin, api, dashboard_pages, pages, signing
from claimwire.serve.review.web.auth import (
    Auth,
    ForgedError,
    NotSignedInError,
    PasswordDueError,
    RoleError,
    Visitor,
)
from claimwire.serve.review.web.desk import Desk, desk_id
from claimwire.serve.review.web.explaining import Explainer, TooBusyError
from claimwire.serve.review.web.page import Page
from claimwire.serve.review.web.security import Guard, refuse
from claimwire.serve.review.web.settings import DeskSettings
from claimwire.serve.review.web.statics import Statics
from claimwire.serve.review.web.view import environment, shown

if TYPE_CHECKING:
    from claimwire.serve.review.store import ReviewStore

_API: Final = "/api/"
_RETRY: Final = {"Retry-After": "1"}


def create_app(store: ReviewStore, settings: DeskSettings | None = None) -> FastAPI:
    """Make the application.

    Args:
        store: the database, open; it stays open.
        settings: how it is served; by default those of :class:`DeskSettings`.
    """
    settings = settings or DeskSettings()
    app = FastAPI(
        title="claimwire review",
        version=__version__,
        openapi_url=None,  # the pages are the interface
        redirect_slashes=False,
        exception_handlers={
            NotSignedInError: _not_signed_in,
            ForgedError: _forged,
            PasswordDueError: _password_due,
            RoleError: _role,
            TooBusyError: _too_busy,
            ClaimwireError: _claimwire_error,
            RequestValidationError: _invalid,
            DBAPIError: _database,
            HTTPException: _http,
        },
    )
    app.state.desk = Desk(
        id=desk_id(store),
        store=store,
        settings=settings,
        auth=Auth(store, settings),
        explainer=Explainer(settings.model),
        templates=environment(),
        statics=Statics(),
    )
    app.include_router(pages.router)
    app.include_router(signing.router)
    app.include_router(adjudication.router)
    app.include_router(admin.router)
    app.include_router(dashboard_pages.router)
    app.include_router(api.router)
    app.add_api_route("/static/{version}/{name}", _static, response_class=Response)
    app.add_middleware(Guard, settings=settings)
    return app


def _static(version: str, name: str, request: Request) -> Response:
    statics: Statics = request.app.state.desk.statics
    return statics.answer(version, name)


async def _not_signed_in(request: Request, _: Exception) -> Response:
    if request.url.path.startswith(_API):
        return refuse(401, "signed-out", "Please sign in again.")
    return RedirectResponse(f"/sign-in?{urlencode({'next': _wanted(request)})}", 303)


def _wanted(request: Request) -> str:
    """Return the page that was asked for, to come back to; the start page after a form."""
    if request.method != "GET":
        return "/"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


async def _password_due(request: Request, _: Exception) -> Response:
    if request.url.path.startswith(_API):
        return refuse(403, "password", "Please choose a password of your own first.")
    return RedirectResponse(f"/password?{urlencode({'next': _wanted(request)})}", 303)


async def _role(request: Request, _: Exception) -> Response:
    return _tell(request, 403, "role", "Your role does not go so far; an admin can change it.")


async def _forged(request: Request, _: Exception) -> Response:
    detail = "The page is older than the desk's last start or sign-in: please load it again."
    return _tell(request, 403, "token", detail)


async def _too_busy(request: Request, _: Exception) -> Response:
    return _tell(request, 503, "busy", "The model is busy with other sentences.", _RETRY)


async def _claimwire_error(request: Request, error: Exception) -> Response:
    # A lock that was not free in time is nobody's mistake: the script sends again what it has.
    if isinstance(error.__context__, OperationalError):
        return _tell(request, 503, "busy", str(error), _RETRY)
    if not isinstance(error, InputError):  # the model that explains cannot be loaded
        return _tell(request, 503, "model", str(error))
    return _tell(request, 422, "input", str(error))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()[0]
    where = ".".join(str(part) for part in found["loc"][1:])
    return _tell(request, 422, "input", f"{where}: {found['msg']}")


async def _database(request: Request, _: Exception) -> Response:
    return _tell(request, 503, "database", "The database does not answer.", _RETRY)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    detail = "There is nothing here." if error.status_code == 404 else f"{phrase}."
    if error.detail and error.detail != phrase:
        detail = error.detail
    return _tell(request, error.status_code, "http", detail, dict(error.headers or {}))


def _tell(
    request: Request, status: int, code: str, detail: str, headers: dict[str, str] | None = None
) -> Response:
    """Return an error as JSON to the script, as a page to people."""
    detail = shown(detail)
    if request.url.path.startswith((_API, "/static/")):
        return refuse(status, code, detail, headers)
    desk: Desk = request.app.state.desk
    # Without asking the database who it is: it may be what failed.
    nobody = Visitor("", "", "")
    response = Page(request, desk, nobody).render("error.html", status, detail=detail)
    response.headers.update(headers or {})
    return response
