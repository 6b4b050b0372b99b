"""The ``claimwire`` command: options and help; the work is done in the rooms.

A room is imported when its command runs, so that ``claimwire tag`` never waits for what only
training needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from claimwire import __version__
from claimwire.data.errors import ClaimwireError
from claimwire.options import CorpusArgument, ExtraOption, ModelOption, ReferenceArgument
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
        except KeyboardInterrupt:
            typer.echo("claimwire: interrupted", err=True)
            raise typer.Exit(130) from None


_SETTINGS: dict[str, Any] = {
    "no_args_is_help": True,
    "rich_markup_mode": "markdown",
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}
app = typer.Typer(
    cls=_Group, help="Tag the claims in conflict reporting.", add_completion=False, **_SETTINGS
)
corpus_app = typer.Typer(help="Check, describe, compare and rebuild labelled data.", **_SETTINGS)
models_app = typer.Typer(help="List, show and verify releases.", **_SETTINGS)
app.add_typer(corpus_app, name="corpus")
app.add_typer(models_app, name="models")
app.add_typer(training_app)
app.add_typer(serving_app)


def main() -> None:
    """Run the command line; the entry point of the ``claimwire`` script."""
    app(prog_name="claimwire")


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
            "of the first four. '-' is standard input.",
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
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write here, whole or not at all; records that fail go to FILE's .errors.jsonl.",
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
    )
    raise typer.Exit(commands.tag(paths, options))


@corpus_app.command("check")
def corpus_check(corpus: CorpusArgument = None, extra: ExtraOption = None) -> None:
    """Check schema, labels, duplicates and splits; exit code 1 where a rule is broken."""
    from claimwire.data import commands

    raise typer.Exit(commands.check(corpus, extra or []))


@corpus_app.command("stats")
def corpus_stats(
    corpus: CorpusArgument = None,
    extra: ExtraOption = None,
    output_format: Annotated[
        Literal["table", "json"], typer.Option("--format", "-f", help="Tables or one JSON object.")
    ] = "table",
) -> None:
    """Count documents, sentences and labels by split, theatre and genre."""
    from claimwire.data import commands

    raise typer.Exit(commands.stats(corpus, extra or [], output_format))


@corpus_app.command("agreement")
def corpus_agreement(
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Stand-off labels. Default: those of the repository.",
        ),
    ] = None,
    output_format: Annotated[
        Literal["table", "json"], typer.Option("--format", "-f", help="Table or one JSON object.")
    ] = "table",
) -> None:
    """Measure how far independent passes of labelling agree (Krippendorff's alpha)."""
    from claimwire.data import agreement_commands

    raise typer.Exit(agreement_commands.corpus_agreement(labels, output_format))


@corpus_app.command("rebuild")
def corpus_rebuild(
    source_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Local copies of the public files, as OWNER+REPOSITORY/PATH. Default: download.",
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the records.")
    ] = Path("artifacts/corpus/real"),
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Stand-off labels, sources.json beside them. Default: those of the repository.",
        ),
    ] = None,
    download_dir: Annotated[
        Path, typer.Option(metavar="DIR", help="Where downloaded files are kept.")
    ] = Path("artifacts/sources"),
    address: Annotated[
        str, typer.Option(metavar="URL", help="Server of /OWNER/REPOSITORY/COMMIT/PATH.")
    ] = "https://raw.githubusercontent.com",
    unlabelled: Annotated[
        bool,
        typer.Option(
            "--unlabelled",
            help="Also write unlabelled.jsonl: sentences of the sources that have no label.",
        ),
    ] = False,
) -> None:
    """Make the labelled real sentences again from their public sources.

    Writes train.jsonl, validation.jsonl and test.jsonl, and lists in missing.jsonl what was not
    found. Exit code 1 where less than 90% was found.
    """
    from claimwire.data import rebuild_commands

    options = rebuild_commands.RebuildOptions(
        source_dir, output, labels, download_dir, address, unlabelled
    )
    raise typer.Exit(rebuild_commands.rebuild_corpus(options))


@corpus_app.command("suspects")
def corpus_suspects(
    corpus: CorpusArgument = None,
    extra: ExtraOption = None,
    base: Annotated[
        str, typer.Option(help="Frozen encoder, as model.base of a configuration.")
    ] = "packaged:minilm",
    top: Annotated[int, typer.Option(min=0, help="Most suspects shown; 0: all.")] = 50,
    output_format: Annotated[
        Literal["table", "jsonl"] | None,
        typer.Option("--format", "-f", help="Default: by the output's suffix, else a table."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the folds.")] = 13,
) -> None:
    """List the sentences whose labels are likely wrong, the worst first, with reasons.

    Each is judged by a model that did not see its document.
    """
    from claimwire.train import suspect_commands

    options = suspect_commands.SuspectOptions(base, top, output_format, output, seed)
    raise typer.Exit(suspect_commands.corpus_suspects(corpus, extra or [], options))


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
