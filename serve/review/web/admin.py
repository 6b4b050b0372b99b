"""Where an admin manages users: add, role, disable, reset the password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from claimwire.data.errors import InputError
from claimwire.serve.review import users
from claimwire.serve.review.web.page import AdminPageDep, Page
from claimwire.serve.review.web.signing import FormDep

router = APIRouter(prefix="/admin", default_response_class=Response)

_Change = Callable[[str], str]

ROLE_NAMES: Final = {
    "reviewer": ("Reviewer", "judges"),
    "adjudicator": ("Adjudicator", "judges, and settles disagreements"),
    "admin": ("Admin", "does both, and manages users"),
}
"""The roles as people read them."""


@router.get("/users")
def show(page: AdminPageDep) -> Response:
    """List the users."""
    return _render(page)


@router.post("/users/add")
def add(page: AdminPageDep, form: FormDep) -> Response:
    """Add a user with a temporary password, which is shown this once."""
    given = users.temporary_password()

    def change(name: str) -> str:
        role = form.get("role", "")
        users.add_user(page.desk.store, name, given, role, temporary=True)
        return f"{name.strip()} has been added."

    return _changed(page, form, change, given)


@router.post("/users/reset")
def reset(page: AdminPageDep, form: FormDep) -> Response:
    """Give a user a temporary password, which is shown this once."""
    given = users.temporary_password()

    def change(name: str) -> str:
        if name == page.visitor.name:
            raise InputError("This is you: change your own password under your name.")
        users.set_password(page.desk.store, name, given, temporary=True)
        return f"{name} has a new password, and has been signed out everywhere."

    return _changed(page, form, change, given)


@router.post("/users/role")
def role(page: AdminPageDep, form: FormDep) -> Response:
    """Give a user another role."""

    def change(name: str) -> str:
        wanted = form.get("role", "")
        users.set_role(page.desk.store, name, wanted)
        return f"{name} is now {ROLE_NAMES[wanted][0].lower()}."

    return _changed(page, form, change)


@router.post("/users/state")
def state(page: AdminPageDep, form: FormDep) -> Response:
    """Let a user sign in, or no longer."""

    def change(name: str) -> str:
        active = form.get("active") == "yes"
        users.set_active(page.desk.store, name, active)
        return f"{name} may {'sign in again' if active else 'no longer sign in'}."

    return _changed(page, form, change)


def _changed(page: Page, form: dict[str, str], change: _Change, password: str = "") -> Response:
    """Return the page after a change, or after one that was refused."""
    page.desk.auth.check_token(page.visitor, form.get("csrf", ""))
    name = form.get("name", "")
    try:
        told = change(name)
    except InputError as error:
        return _render(page, 422, problem=str(error))
    return _render(page, told=told, password=password)


def _render(
    page: Page, status: int = 200, *, told: str = "", problem: str = "", password: str = ""
) -> Response:
    return page.render(
        "users.html",
        status,
        users=users.list_users(page.desk.store),
        roles=ROLE_NAMES,
        told=told,
        problem=problem,
        password=password,
    )
