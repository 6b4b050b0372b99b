"""``claimwire corpus``: options and help; the work is done in ``claimwire.data``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from claimwire.options import GROUP_SETTINGS, CorpusArgument, ExtraOption

corpus_app = typer.Typer(
    help="Check, describe, compare and rebuild labelled data.", **GROUP_SETTINGS
)
AnnotationsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        show_default=False,
        help="Labellings of composed sentences by pass. Default: annotations beside the corpus.",
    ),
]


@corpus_app.command("check")
def corpus_check(
    corpus: CorpusArgument = None,
    extra: ExtraOption = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against",
            metavar="PATH",
            show_default=False,
            help="Real text, files or folders, with which the corpus must not share eight words "
            "in a row; repeatable. Default: what lies in $CLAIMWIRE_SHARED and what `claimwire "
            "corpus rebuild` left under artifacts.",
        ),
    ] = None,
    annotations: AnnotationsOption = None,
) -> None:
    """Check schema, labels, splits, duplicates, templates, balance; exit code 1 where one fails."""
    from claimwire.data import commands
    from claimwire.data.composed_checks import CheckOptions

    options = CheckOptions(annotations, against)
    raise typer.Exit(commands.check(corpus, extra or [], options))


@corpus_app.command("stats")
def corpus_stats(
    corpus: CorpusArgument = None,
    extra: ExtraOption = None,
    output_format: Annotated[
        Literal["table", "json", "markdown"],
        typer.Option(
            "--format", "-f", help="Tables, one JSON object, or the tables of docs/data-card.md."
        ),
    ] = "table",
) -> None:
    """Describe the corpus: counts by split, theatre and genre, labels, length, sides, agreement."""
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
    annotations: AnnotationsOption = None,
) -> None:
    """Measure how far independent passes of labelling agree (Krippendorff's alpha)."""
    from claimwire.data import agreement_commands

    raise typer.Exit(agreement_commands.corpus_agreement(labels, output_format, annotations))


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


@corpus_app.command("import")
def corpus_import(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="REVIEWED.jsonl...",
            help="Records as `claimwire review export --format corpus` writes them.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="File for `data.extra`, added to."),
    ] = Path("artifacts/corpus/reviewed.jsonl"),
    corpus: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            show_default=False,
            help="Corpus that training reads. Default: the corpus of the package.",
        ),
    ] = None,
    extra: ExtraOption = None,
    split: Annotated[
        Literal["train", "validation", "test"] | None,
        typer.Option(help="Split of all records. Default: the record's own, else train."),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Let a newer judgement of a sentence take the place of the older."
        ),
    ] = False,
) -> None:
    """Take reviewed records into a file that training reads; refuse copies and leaks.

    A sentence that stands already, exactly or nearly, in the corpus, in a file of --extra or in
    the output is refused, and so is one whose sentence or document stands in another split. Each
    is named in OUT.refused.jsonl; exit code 1.

    Example: `claimwire corpus import reviewed.jsonl --extra artifacts/corpus/real/test.jsonl`
    """
    from claimwire.data import import_commands
    from claimwire.data.corpus_import import ImportOptions

    options = ImportOptions(output, corpus, tuple(extra or ()), split, replace)
    raise typer.Exit(import_commands.corpus_import(paths, options))
