"""``claimwire review user``: who may sign in."""

from __future__ import annotations

import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from claimwire.data.errors import InputError
from claimwire.serve.reports import say
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.users import (
    add_user,
    list_users,
    set_active,
    set_password,
    set_role,
    temporary_password,
)


def add(db: str | None, name: str, role: str, password_file: Path | None) -> int:
    """Add a user; returns 0.

    Raises:
        InputError: the name is taken, or name, role or password do not fit.
    """
    with ReviewStore.open(db) as store:
        add_user(store, name, _password(password_file), role)
    say(f"user {name} may sign in")
    return 0


def password(db: str | None, name: str, password_file: Path | None) -> int:
    """Give a user a new password; returns 0.

    Raises:
        InputError: the database or user is not there, or the password does not fit.
    """
    with ReviewStore.open(db, create=False) as store:
        set_password(store, name, _password(password_file))
    say(f"user {name} has a new password and is signed out everywhere")
    return 0


def reset(db: str | None, name: str) -> int:
    """Print a temporary password, which a user has to change at the next sign-in; returns 0.

    Raises:
        InputError: the database or user is not there.
    """
    given = temporary_password()
    with ReviewStore.open(db, create=False) as store:
        set_password(store, name, given, temporary=True)
    sys.stdout.write(given + "\n")
    say(f"user {name} signs in with it once, is signed out everywhere, and chooses another then")
    return 0


def role(db: str | None, name: str, role: str) -> int:
    """Give a user another role; returns 0.

    Raises:
        InputError: the database or user is not there, or no admin would be left.
    """
    with ReviewStore.open(db, create=False) as store:
        set_role(store, name, role)
    say(f"user {name} is {role}")
    return 0


def listing(db: str | None) -> int:
    """Print the users; returns 0.

    Raises:
        InputError: the database is not there.
    """
    with ReviewStore.open(db, create=False) as store:
        users = list_users(store)
    table = Table()
    for heading in ("name", "role", "may sign in"):
        table.add_column(heading)
    for user in users:
        may = user.active and user.has_password
        table.add_row(Text(user.name), user.role, "yes" if may else "no")
    Console().print(table)
    return 0


def set_state(db: str | None, name: str, *, active: bool) -> int:
    """Let a user sign in, or no longer; returns 0.

    Raises:
        InputError: the database or user is not there, or no admin would be left.
    """
    with ReviewStore.open(db, create=False) as store:
        set_active(store, name, active)
    said = "may sign in" if active else "may no longer sign in; what they decided stays"
    say(f"user {name} {said}")
    return 0


def _password(file: Path | None) -> str:
    """Ask for a password twice, or read it from the first line of a file.

    It is never an argument: those stand in the shell's history and in the list of processes.
    """
    if file is None:
        if not sys.stdin.isatty():
            raise InputError(
                "expected a terminal to ask for the password, found none: give --password-file"
            )
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no UTF-8"
        raise InputError(
            f"--password-file {file}: expected a file that holds the password, found: {reason}: "
            "check the path"
        ) from None
    return text.split("\n", 1)[0].rstrip("\r")
