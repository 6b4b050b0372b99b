"""The ``claimwire`` command: options and help; the work is done in the rooms.

A room is imported when its command runs, so that ``claimwire tag`` never waits for what only
training needs.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from types import FrameType
from typing import Annotated, Any, Literal, NoReturn

import typer
from typer.core import TyperGroup

from claimwire import __version__
from claimwire.corpus_cli import corpus_app
from claimwire.data.errors import ClaimwireError
from claimwire.options import GROUP_SETTINGS, ModelOption, ReferenceArgument
from claimwire.review_cli import review_app
from claimwire.serving_cli import serving_app
from claimwire.training_cli import training_app


class _Group(TyperGroup):
    """Turns claimwire's errors into one message on standard error and their exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ClaimwireError as error:
            typer.echo(f"claimwire: error: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:  # the reader, such as head, has seen enough
            raise
        except OSError as error:
            typer.echo(f"claimwire: error: {_describe(error)}", err=True)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            typer.echo("claimwire: interrupted", err=True)
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Group, help="Tag the claims in conflict reporting.", add_completion=False, **GROUP_SETTINGS
)
models_app = typer.Typer(help="List, show and verify releases.", **GROUP_SETTINGS)
app.add_typer(corpus_app, name="corpus")
app.add_typer(models_app, name="models")
app.add_typer(review_app, name="review")
app.add_typer(training_app)
app.add_typer(serving_app)


def main() -> None:
    """Run the command line; the entry point of the ``claimwire`` script."""
    _open_closed_streams()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    app(prog_name="claimwire")


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    # A second Ctrl-C ends the process at once: within what the first one set off, Python would
    # abort or hang. What is written is as after a kill: whole, or to be resumed.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    raise KeyboardInterrupt


def _open_closed_streams() -> None:
    """Give a process that was started without some standard streams what is safe to use.

    Otherwise a file that is opened later becomes, say, standard error, and is written into. What
    goes to standard error is lost then; to read standard input or write standard output fails.
    """
    for number, flags in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            # Takes the lowest number that is free: this one.
            os.set_inheritable(os.open(os.devnull, flags), True)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, "r", closefd=False)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)


def _describe(error: OSError) -> str:
    """Say what could not be read or written; the error itself does not always tell."""
    found = error.strerror or str(error) or type(error).__name__
    where = error.filename
    if where is None:
        try:
            sys.stdout.flush()
        except OSError:
            from claimwire.serve.outputs import discard_stdout

            where = "standard output"
            discard_stdout()
    if where is None:
        is_full = error.errno == errno.ENOSPC
        advice = ": free space where files, or standard output, are written" if is_full else ""
        return f"expected to go on, the system said: {found}{advice}"
    return (
        f"{where}: expected to read or write there, found: {found}: check the path, its "
        "permissions and the free space"
    )


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"claimwire {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Tag every sentence of conflict reporting as attack claim, interception claim, attribution
    inference or background, with calibrated probabilities.
    """


@app.command()
def tag(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...|-",
            help="Files, folders or quoted patterns: text, HTML, JSON Lines, CSV, Parquet, or gzip "
            "of the first four. '-' is standard input. With --engine ray also addresses such as "
            "s3://BUCKET/FOLDER.",
            show_default=False,
        ),
    ],
    unit: Annotated[
        Literal["article", "sentence"],
        typer.Option(
            help="What one text is: an article to split, or one sentence (of a text file, one a "
            "line)."
        ),
    ] = "article",
    output_format: Annotated[
        Literal["table", "jsonl", "csv", "parquet", "html"] | None,
        typer.Option(
            "--format",
            "-f",
            show_default=False,
            help="Default: by the suffix of --output, else a table.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write here, whole or not at all; records that fail go to FILE's .errors.jsonl. "
            "With --engine ray: a folder or its address.",
        ),
    ] = None,
    model: ModelOption = None,
    text_field: Annotated[
        str, typer.Option(help="Field or column of a record that holds the text.")
    ] = "text",
    input_format: Annotated[
        Literal["auto", "text", "html", "jsonl", "csv", "parquet"],
        typer.Option(help="How inputs are read; 'auto' goes by suffix and content."),
    ] = "auto",
    show_removed: Annotated[
        bool,
        typer.Option("--show-removed", help="List what was taken out of each article, and why."),
    ] = False,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="CPU threads. Default: what this process may use, at most 4."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on from FILE.partial of an interrupted run (jsonl, csv, parquet); the result "
            "has the same bytes as without the interruption.",
        ),
    ] = False,
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(help="In this process, or on the workers of Ray: a file for each input file."),
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Workers of Ray, each with --threads (here by default 1). Default: all."
        ),
    ] = None,
) -> None:
    """Tag the sentences of articles.

    Exit codes: 0 all done, 1 some inputs failed (each is named, the rest is done), 2 wrong usage
    or nothing that could be read.

    Examples: `claimwire tag article.txt`, `claimwire tag 'news/*.jsonl.gz' -o tagged.jsonl`,
    `cat article.html | claimwire tag - --format jsonl`
    """
    from claimwire.serve import commands

    options = commands.TagOptions(
        unit=unit,
        output_format=output_format,
        output=output,
        model=model,
        text_field=text_field,
        input_format=input_format,
        show_removed=show_removed,
        threads=threads,
        resume=resume,
        engine=engine,
        workers=workers,
    )
    raise typer.Exit(commands.tag(paths, options))


@models_app.command("list")
def models_list() -> None:
    """List the releases that ship with the package and the registered versions found."""
    from claimwire.model import commands

    raise typer.Exit(commands.models_list())


@models_app.command("show")
def models_show(model: ReferenceArgument = None) -> None:
    """Show what a release is, what it was made from and what it is worth."""
    from claimwire.model import commands

    raise typer.Exit(commands.models_show(model))


@models_app.command("verify")
def models_verify(model: ReferenceArgument = None) -> None:
    """Verify every file of a release by its sha256; exit code 1 where one differs."""
    from claimwire.model import commands

    raise typer.Exit(commands.models_verify(model))


if __name__ == "__main__":
    main()
