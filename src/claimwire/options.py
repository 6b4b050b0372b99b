"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

GROUP_SETTINGS: dict[str, Any] = {
    "no_args_is_help": True,
    "rich_markup_mode": "markdown",
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}
"""How every group of commands is shown."""

MODEL_HELP = "A release: small, base, a directory, or models:/NAME@ALIAS of MLflow."
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="REF",
        help=f"{MODEL_HELP} Default: small, the shipped one.",
    ),
]
DbOption = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="URL",
        envvar="CLAIMWIRE_REVIEW_DB",
        show_envvar=False,
        show_default=False,
        help="Database: a SQLite file or postgresql://USER:PASSWORD@HOST/NAME; also "
        "CLAIMWIRE_REVIEW_DB. Default: artifacts/review.db.",
    ),
]
ReferenceArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="REF",
        show_default=False,
        help=f"{MODEL_HELP} Default: small, the shipped one.",
    ),
]
CorpusArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="FOLDER",
        show_default=False,
        help="Folder with train/, validation/ and test/. Default: the corpus of the package.",
    ),
]
ExtraOption = Annotated[
    list[Path] | None,
    typer.Option("--extra", metavar="FILE", help="Labelled records from elsewhere; repeatable."),
]
TableOrJson = Annotated[
    Literal["table", "json"], typer.Option("--format", "-f", help="Table or one JSON object.")
]
