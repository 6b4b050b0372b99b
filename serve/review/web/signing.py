"""Signing in and out, and choosing a password."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from claimwire.data.errors import InputError
from claimwire.serve.review.users import User
from claimwire.serve.review.web.auth import NotSignedInError
from claimwire.serve.review.web.page import OpenPageDep, Page

router = APIRouter(default_response_class=Response)


@router.get("/sign-in")
def sign_in_page(page: OpenPageDep, next: str = "/") -> Response:
    """Ask for name and password."""
    if page.visitor.name:
        return RedirectResponse(own_path(next), 303)
    return page.render("sign_in.html", next=own_path(next), problem="", name="")


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form; the guard has bounded the body."""
    text = (await request.body()).decode(errors="replace")
    return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=20))


FormDep = Annotated[dict[str, str], Depends(_form)]


@router.post("/sign-in")
def sign_in(page: OpenPageDep, form: FormDep) -> Response:
    """Open a session where name and password fit."""
    name, target = form.get("name", ""), own_path(form.get("next", "/"))
    if page.visitor.name:  # nobody signs in here, or they have meanwhile in another tab
        return RedirectResponse(target, 303)
    page.desk.auth.check_token(page.visitor, form.get("csrf", ""))
    result = page.desk.auth.sign_in(name, form.get("password", ""), page.request)
    if isinstance(result, str):
        response: Response = RedirectResponse(target, 303)
        page.desk.auth.set_session(response, result)
        return response
    problem = "This name and password do not fit together."
    status, headers = 401, {}
    if result is not None:
        problem, status, headers = _too_many(result), 429, {"Retry-After": str(result)}
    response = page.render(
        "sign_in.html",
        status,
        next=target,
        problem=problem,
        name=name[:100],
    )
    response.headers.update(headers)
    return response


@router.post("/sign-out")
def sign_out(page: OpenPageDep, form: FormDep) -> Response:
    """Close the session."""
    if page.visitor.name:
        page.desk.auth.check_token(page.visitor, form.get("csrf", ""))
    response = RedirectResponse("/sign-in", 303)
    page.desk.auth.sign_out(page.request, response)
    return response


def own_path(path: str) -> str:
    """Return a path of the desk's own; ``/`` for what a browser could take for elsewhere."""
    parts = urlsplit(path)
    is_plain = path.isprintable() and path.isascii() and "\\" not in path
    if not is_plain or parts.scheme or parts.netloc or not path.startswith("/") or "//" in path[:2]:
        return "/"
    return path


@router.get("/password")
def password_page(page: OpenPageDep, next: str = "/") -> Response:
    """Ask for a new password."""
    _require_sign_in(page)
    return page.render("password.html", next=own_path(next), problem="")


@router.post("/password")
def password(page: OpenPageDep, form: FormDep) -> Response:
    """Take a new password; every other browser of the user's is signed out."""
    _require_sign_in(page)
    page.desk.auth.check_token(page.visitor, form.get("csrf", ""))
    target = own_path(form.get("next", "/"))
    new, status, problem = form.get("new", ""), 422, ""
    if new != form.get("again", ""):
        problem = "The two new passwords differ."
    elif new == form.get("current", ""):
        problem = "The new password is the old one."
    else:
        known = page.desk.auth.check(page.visitor.name, form.get("current", ""), page.request)
        if isinstance(known, User):
            try:
                token = page.desk.auth.choose_password(known, new)
            except InputError as error:
                problem = str(error)
            else:
                response: Response = RedirectResponse(target, 303)
                page.desk.auth.set_session(response, token)
                return response
        elif known is None:
            problem, status = "This is not your present password.", 401
        else:
            problem, status = _too_many(known), 429
    return page.render("password.html", status, next=target, problem=problem)


def _require_sign_in(page: Page) -> None:
    if not page.visitor.name or page.visitor.alone:
        raise NotSignedInError


def _too_many(seconds: int) -> str:
    minutes = -(-seconds // 60)
    wait = "a minute" if minutes == 1 else f"{minutes} minutes"
    return f"Too many tries. Please try again in {wait}."
