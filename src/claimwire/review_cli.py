"""``claimwire review``: options and help; the work is done in ``claimwire.serve.review``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from claimwire.options import GROUP_SETTINGS, MODEL_HELP, DbOption, ModelOption, TableOrJson
from claimwire.review_user_cli import user_app


class _ServeByDefault(TyperGroup):
    """Without a command of its own, ``claimwire review`` serves: its options are those of serve."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        names = (*self.commands, *ctx.help_option_names)
        if not args or (args[0] not in names and args[0].startswith("-")):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


review_app = typer.Typer(
    cls=_ServeByDefault,
    help="Judge what the tagger predicts, in a web page; without a command it is `serve`.",
    **GROUP_SETTINGS,
)
review_app.add_typer(user_app, name="user")

ThreadsOption = Annotated[
    int | None,
    typer.Option(min=1, help="CPU threads. Default: what this process may use, at most 4."),
]


@review_app.command()
def serve(
    db: DbOption = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; one that others reach needs sign-in.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="TCP port; 0 takes a free one.")
    ] = 8765,
    reviewer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="Who judges, where nobody signs in. Default: the user of the system.",
        ),
    ] = None,
    model: ModelOption = None,
    sign_in: Annotated[
        bool | None,
        typer.Option(
            "--sign-in/--no-sign-in",
            show_default=False,
            help="Whether reviewers sign in. Default: where --host is not this machine alone.",
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Show the desk in a browser.")
    ] = True,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Further name by which browsers may call the desk; repeatable.",
        ),
    ] = None,
    https: Annotated[
        bool, typer.Option("--https", help="A proxy on this machine serves the desk over https.")
    ] = False,
) -> None:
    """Serve the review desk: judging pages in the browser.

    Example: `claimwire review import tagged.jsonl && claimwire review`
    """
    from claimwire.serve.review import commands

    options = commands.DeskOptions(
        db=db,
        host=host,
        port=port,
        reviewer=reviewer,
        model=model,
        open_browser=browser,
        sign_in=sign_in,
        allowed_hosts=tuple(allowed_host or ()),
        https=https,
    )
    raise typer.Exit(commands.serve(options))


@review_app.command("import")
def import_(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...|-",
            show_default=False,
            help="JSON Lines of `claimwire tag`, or whatever that takes, tagged on the way.",
        ),
    ],
    db: DbOption = None,
    random_share: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Share of the sentences to draw into the random stratum, for estimates.",
        ),
    ] = 0.1,
    double_share: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Share of the sentences that two reviewers shall judge, where several sign in.",
        ),
    ] = 0.1,
    model: ModelOption = None,
    unit: Annotated[
        Literal["article", "sentence"],
        typer.Option(help="What a text is that is not tagged yet."),
    ] = "article",
    text_field: Annotated[
        str, typer.Option(help="Field of a record that holds such a text.")
    ] = "text",
    threads: ThreadsOption = None,
) -> None:
    """Import tagged sentences, or articles, into the review desk.

    The same import twice changes nothing; one that was interrupted is simply run again. Exit code
    1: some inputs failed (each is named, the rest is there).

    Examples: `claimwire review import tagged.jsonl`, `claimwire review import news/ --random-share
    0.2`
    """
    from claimwire.serve.review import commands

    options = commands.ImportOptions(
        db, random_share, double_share, model, unit, text_field, threads
    )
    raise typer.Exit(commands.import_(paths, options))


@review_app.command("export")
def export_(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            show_default=False,
            help="File to write, whole or not at all. Default: in artifacts/review/.",
        ),
    ] = None,
    output_format: Annotated[
        Literal["corpus", "jsonl", "csv", "label-studio"],
        typer.Option(
            "--format",
            "-f",
            help="Records for training; every standing decision (jsonl, csv); or tasks of "
            "Label Studio.",
        ),
    ] = "corpus",
    names: Annotated[
        bool, typer.Option("--names", help="Name reviewers as they are called, not by pseudonyms.")
    ] = False,
    db: DbOption = None,
) -> None:
    """Export what was judged.

    Example: `claimwire review export -o reviewed.jsonl && claimwire corpus import reviewed.jsonl`
    """
    from claimwire.serve.review import commands

    raise typer.Exit(commands.export_(db, output, output_format, real_names=names))


@review_app.command()
def verify(
    expect_head: Annotated[
        str | None,
        typer.Option(
            metavar="HASH",
            show_default=False,
            help="Hash of a decision noted down earlier, which must still be there.",
        ),
    ] = None,
    expect_count: Annotated[
        int | None,
        typer.Option(
            min=0, show_default=False, help="Number of decisions there were then, with that head."
        ),
    ] = None,
    db: DbOption = None,
) -> None:
    """Prove that no decision, and no text that was judged, was changed; exit code 1 if one was."""
    from claimwire.serve.review import commands

    raise typer.Exit(commands.verify(db, expect_head, expect_count))


@review_app.command()
def replay(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            show_default=False,
            help=MODEL_HELP,
        ),
    ],
    trained_on: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Records that the model was trained on, told apart; repeatable.",
        ),
    ] = None,
    output_format: TableOrJson = "table",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            show_default=False,
            help="JSON Lines file for the list of all judged sentences.",
        ),
    ] = None,
    shown: Annotated[
        int, typer.Option(min=0, help="Sentences of each kind listed below the table.")
    ] = 10,
    threads: ThreadsOption = None,
    db: DbOption = None,
) -> None:
    """Tag the judged sentences with another model: which errors it mends, and which it makes.

    Example: `claimwire review replay artifacts/runs/default-2/release --trained-on reviewed.jsonl`
    """
    from claimwire.serve.review import figure_commands

    options = figure_commands.ReplayOptions(
        db, tuple(trained_on or ()), output_format, output, shown, threads
    )
    raise typer.Exit(figure_commands.replay_(model, options))


@review_app.command()
def backup(
    target: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            show_default=False,
            help="The copy; in a folder it gets a name with the time.",
        ),
    ],
    db: DbOption = None,
) -> None:
    """Copy the database while it is in use; the copy is verified before it takes its name."""
    from claimwire.serve.review import commands

    raise typer.Exit(commands.backup(db, target))


@review_app.command()
def estimate(
    release: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", show_default=False, help="Default: the release imported last."
        ),
    ] = None,
    half_width: Annotated[
        float, typer.Option(help="Half the width that a 95% interval shall have.")
    ] = 0.05,
    output_format: TableOrJson = "table",
    db: DbOption = None,
) -> None:
    """Estimate precision and recall of each label in production, from the random stratum."""
    from claimwire.serve.review import figure_commands

    raise typer.Exit(figure_commands.estimate(db, release, half_width, output_format))


@review_app.command()
def dashboard(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            show_default=False,
            help="HTML file to write. Default: artifacts/review/dashboard.html.",
        ),
    ] = None,
    release: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", show_default=False, help="Default: the release imported last."
        ),
    ] = None,
    names: Annotated[
        bool, typer.Option("--names", help="Name reviewers as they are called, not by pseudonyms.")
    ] = False,
    log_to_mlflow: Annotated[
        bool,
        typer.Option("--log-to-mlflow", help="Log the figures on the release's run as well."),
    ] = False,
    db: DbOption = None,
) -> None:
    """Write the dashboard as one HTML file, for those who do not sign in.

    Example: `claimwire review dashboard -o dashboard.html`
    """
    from claimwire.serve.review import dashboard_commands

    raise typer.Exit(
        dashboard_commands.dashboard(db, output, release, real_names=names, to_mlflow=log_to_mlflow)
    )
