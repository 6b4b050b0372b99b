"""The commands of those who train: options and help; the work is done in ``claimwire.train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from claimwire.options import ModelOption, TableOrJson

OverridesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Single fields, such as train.epochs=3."),
]
ConfigArgument = Annotated[
    Path, typer.Argument(help="A YAML file, such as configs/default.yaml.", show_default=False)
]
_RELEASE = "A release: a directory, or models:/NAME@ALIAS of MLflow."


training_app = typer.Typer()


@training_app.command()
def train(config: ConfigArgument, overrides: OverridesArgument = None) -> None:
    """Train from a configuration, record the run in MLflow, make and register a release.

    `train.seeds=[1,2,3]` makes a run a seed, `train.folds=5` cross-validates over documents. An
    interrupted run goes on from its last epoch with `train.resume=true`.
    """
    from claimwire.train import commands
    from claimwire.train.processes import lead_or_follow

    raise typer.Exit(lead_or_follow(lambda: commands.train(config, overrides or [])))


@training_app.command()
def teach(config: ConfigArgument, overrides: OverridesArgument = None) -> None:
    """Fine-tune a larger teacher and write its soft labels, which `claimwire train` learns from.

    They go to `distillation.soft_labels`. An interrupted run goes on with `train.resume=true`.
    """
    from claimwire.train import commands
    from claimwire.train.processes import lead_or_follow

    raise typer.Exit(lead_or_follow(lambda: commands.teach(config, overrides or [])))


@training_app.command()
def encoder(config: ConfigArgument, overrides: OverridesArgument = None) -> None:
    """Make a smaller encoder from the teacher's, on text without labels, for `model.base`.

    It begins as some of the teacher's layers (or as `encoder.start`), is taught to follow the
    whole, and goes to `encoder.directory` in hub format.
    """
    from claimwire.train import commands
    from claimwire.train.processes import require_single_process

    require_single_process("claimwire encoder")
    raise typer.Exit(commands.encoder(config, overrides or []))


@training_app.command()
def sweep(
    config: ConfigArgument,
    overrides: OverridesArgument = None,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1,
            show_default=False,
            help="Trials of the whole study, earlier ones included. Default: sweep.trials.",
        ),
    ] = None,
    study: Annotated[
        Path | None,
        typer.Option(
            show_default=False,
            help="SQLite file of the study. Default: sweeps/NAME.db in output_dir.",
        ),
    ] = None,
) -> None:
    """Search the `sweep.space` of a configuration for the best validation macro-F1.

    Every trial is kept, so that the same command goes on after an interruption. Exit code 1: no
    trial finished.
    """
    from claimwire.train import sweep_commands
    from claimwire.train.processes import require_single_process

    require_single_process("claimwire sweep")
    raise typer.Exit(sweep_commands.sweep(config, overrides or [], trials, study))


@training_app.command()
def baselines(config: ConfigArgument, overrides: OverridesArgument = None) -> None:
    """Measure simple methods on a configuration's splits, in the same MLflow experiment.

    The most frequent label, cue words, TF-IDF and a frozen encoder with logistic regression:
    what fine-tuning has to beat.
    """
    from claimwire.train import baseline_commands

    raise typer.Exit(baseline_commands.baselines(config, overrides or []))


@training_app.command()
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help=f"The one there is. {_RELEASE}")],
    b: Annotated[str, typer.Argument(metavar="B", help=f"The one that is judged. {_RELEASE}")],
    dataset: Annotated[
        Path, typer.Argument(help="Labelled sentences: a JSON Lines file or a folder of them.")
    ],
    output_format: TableOrJson = "table",
    shown: Annotated[
        int, typer.Option(min=0, help="Changed sentences of each kind in the tables.")
    ] = 20,
) -> None:
    """Say whether release B is better or worse than A, or undecided, and which sentences changed.

    Differences are B - A with 95% intervals of a paired bootstrap over documents.
    """
    from claimwire.train import compare_commands

    raise typer.Exit(compare_commands.compare(a, b, dataset, output_format, shown))


@training_app.command()
def promote(
    version: Annotated[
        str | None,
        typer.Argument(metavar="VERSION", help="Registered version.", show_default=False),
    ] = None,
    model: Annotated[str, typer.Option(help="Registered model.")] = "claimwire",
    dataset: Annotated[
        Path | None,
        typer.Option(
            show_default=False,
            help="Held-out labelled sentences to decide on. Default: the corpus's test split.",
        ),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(show_default=False, help="YAML file with other bounds for the rules."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Move the alias although rules fail; needs --reason.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option(show_default=False, help="Why; recorded with the version.")
    ] = None,
    roll_back: Annotated[
        bool, typer.Option("--roll-back", help="Take the last promotion back; takes no VERSION.")
    ] = False,
) -> None:
    """Make a registered version the champion, if it is no worse than the one there is.

    Exit code 1: a rule failed, it says which, and the alias is where it was.
    """
    from claimwire.train import promote_commands

    options = promote_commands.PromoteOptions(model, dataset, rules, force, reason, roll_back)
    raise typer.Exit(promote_commands.promote_command(version, options))


@training_app.command()
def evaluate(
    dataset: Annotated[
        Path, typer.Argument(help="Labelled sentences: a JSON Lines file or a folder of them.")
    ],
    model: ModelOption = None,
    output_format: TableOrJson = "table",
) -> None:
    """Measure a release on labelled sentences."""
    from claimwire.train import commands

    raise typer.Exit(commands.evaluate(dataset, model, output_format))


@training_app.command()
def behaviour(
    model: ModelOption = None,
    output_format: TableOrJson = "table",
    cases: Annotated[
        Path | None,
        typer.Option(show_default=False, help="Folder of cases. Default: those of the package."),
    ] = None,
) -> None:
    """Run the behavioural suite: pass rates by capability, and every failure with its text."""
    from claimwire.train import behaviour_commands

    raise typer.Exit(behaviour_commands.behaviour(model, output_format, cases))
