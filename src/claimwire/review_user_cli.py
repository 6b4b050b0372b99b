"""``claimwire review user``: options and help; the work is done in ``claimwire.serve.review``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from claimwire.options import GROUP_SETTINGS, DbOption

user_app = typer.Typer(help="Who may sign in.", **GROUP_SETTINGS)

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The user's name.", show_default=False)
]
PasswordFileOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        show_default=False,
        help="File whose first line is the password. Default: ask for it.",
    ),
]
Role = Literal["reviewer", "adjudicator", "admin"]


@user_app.command("add")
def user_add(
    name: NameArgument,
    role: Annotated[Role, typer.Option(help="What they may do.")] = "reviewer",
    password_file: PasswordFileOption = None,
    db: DbOption = None,
) -> None:
    """Add a user and ask for a password."""
    from claimwire.serve.review import user_commands

    raise typer.Exit(user_commands.add(db, name, role, password_file))


@user_app.command("password")
def user_password(
    name: NameArgument, password_file: PasswordFileOption = None, db: DbOption = None
) -> None:
    """Give a user a new password; their browsers are signed out."""
    from claimwire.serve.review import user_commands

    raise typer.Exit(user_commands.password(db, name, password_file))


@user_app.command("reset")
def user_reset(name: NameArgument, db: DbOption = None) -> None:
    """Print a temporary password for a user, who has to choose another at the next sign-in."""
    from claimwire.serve.review import user_commands

    raise typer.Exit(user_commands.reset(db, name))


@user_app.command("role")
def user_role(
    name: NameArgument,
    role: Annotated[
        Role,
        typer.Argument(help="What they may do.", show_default=False),
    ],
    db: DbOption = None,
) -> None:
    """Give a user another role; the last admin keeps theirs."""
    from claimwire.serve.review import user_commands

    raise typer.Exit(user_commands.role(db, name, role))


@user_app.command("list")
def user_list(db: DbOption = None) -> None:
    """List the users."""
    from claimwire.serve.review import user_commands

    raise typer.Exit(user_commands.listing(db))


@user_app.command("disable")
def user_disable(name: NameArgument, db: DbOption = None) -> None:
    """Let a user no longer sign in; what they decided stays."""
    from claimwire.serve.review import user_commands

    raise typer.Exit(user_commands.set_state(db, name, active=False))


@user_app.command("enable")
def user_enable(name: NameArgument, db: DbOption = None) -> None:
    """Let a disabled user sign in again."""
    from claimwire.serve.review import user_commands

    raise typer.Exit(user_commands.set_state(db, name, active=True))
