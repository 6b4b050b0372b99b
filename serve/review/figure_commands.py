"""``claimwire review estimate`` and ``claimwire review replay``: figures in tables or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from claimwire.data.checks import shown
from claimwire.data.documents import read_records
from claimwire.data.printing import print_line
from claimwire.data.standoff_labels import write_json_lines
from claimwire.serve.reports import plural
from claimwire.serve.review.commands import print_json
from claimwire.serve.review.estimates import Audit, Estimate, audit
from claimwire.serve.review.replay import (
    MEANING,
    Replayed,
    ReplayOutcome,
    ReplayReport,
    replay,
    sign_test,
)
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.tagger import Tagger


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """Options of ``claimwire review replay``.

    Attributes:
        db: the database; None for the default one.
        trained_on: files of records that the model was trained on.
        output_format: ``table`` or ``json``.
        output: JSON Lines file for the list of sentences; None for none.
        shown: most sentences listed of each kind in the table.
        threads: processor threads; None lets the runtime choose.
    """

    db: str | None = None
    trained_on: tuple[Path, ...] = ()
    output_format: str = "table"
    output: Path | None = None
    shown: int = 10
    threads: int | None = None


def estimate(db: str | None, release: str | None, half_width: float, output_format: str) -> int:
    """Print precision and recall of each label in production; returns 0.

    Raises:
        InputError: the database is not there, the release is unknown, or the width is wrong.
    """
    with ReviewStore.open(db, create=False) as store:
        found = audit(store, release=release, half_width=half_width)
    if output_format == "json":
        print_json(asdict(found))
        return 0
    console = Console()
    title = f"{found.release or 'no release'}: in production, from the random stratum"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("label", no_wrap=True)
    table.add_column("measure", no_wrap=True)
    for heading in ("estimate", "95% interval", "agree", "needed"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in found.estimates:
        table.add_row(*_cells(each))
    console.print(table)
    for line in _notes(found):
        print_line(console, line)
    return 0


def _cells(each: Estimate) -> tuple[str, ...]:
    return (
        each.label,
        each.measure,
        "-" if each.rate is None else f"{each.rate:.3f}",
        f"{each.low:.3f} to {each.high:.3f}",
        f"{each.hits:,}/{each.n:,}",
        "unknown" if each.needed is None else f"{each.needed:,}",
    )


def _notes(found: Audit) -> list[str]:
    skipped = f", {found.skipped:,} of them skipped" if found.skipped else ""
    lines = [
        f"from {plural(found.sample, 'judged sentence')}; {found.open:,} of the stratum open"
        f"{skipped}",
        "needed: further judged sentences until the interval is within "
        f"{found.half_width:g} of its middle",
    ]
    if found.disputed:
        lines.append(f"left out: {found.disputed:,} on which reviewers disagree (adjudicate them)")
    if found.not_sentences:
        lines.append(f"left out: {plural(found.not_sentences, 'judgement')} 'not a sentence'")
    if found.uncovered:
        lines.append(f"left out: {found.uncovered:,} without a prediction of this release")
    if found.out_of_turn:
        lines.append(
            f"not counted yet: {found.out_of_turn:,} judged before their turn (go on with the "
            "random queue)"
        )
    if found.open_mode:
        lines.append(f"judged with the prediction in sight: {found.open_mode:,}, which flatters it")
    return lines


def replay_(model: str, options: ReplayOptions) -> int:
    """Tag the judged sentences again and print what changed; returns 0.

    Raises:
        InputError: the database or a file is not there, or the list cannot be written.
        CorpusError: a file of ``trained_on`` breaks the contract of records.
        ReleaseError: the model cannot be loaded.
    """
    seen = [record.text for path in options.trained_on for record in read_records(path)]
    with ReviewStore.open(options.db, create=False) as store:
        tagger = Tagger.load(model, threads=options.threads)
        report = replay(store, tagger, trained_on=seen)
    if options.output is not None:
        write_json_lines(options.output, (each.to_json() for each in report.sentences))
    if options.output_format == "json":
        print_json(report.to_json())
        return 0
    _print_replay(Console(), report, told=bool(options.trained_on), most=options.shown)
    return 0


def _print_replay(console: Console, report: ReplayReport, *, told: bool, most: int) -> None:
    print_line(console, f"{report.release} on {plural(len(report.sentences), 'judged sentence')}")
    parts: dict[str, Sequence[Replayed]] = {"all judged": report.sentences}
    if told:
        parts["not trained on"] = report.unseen
    parts["random stratum" + (", not trained on" if told else "")] = report.random
    console.print(_outcome_table(report, parts))
    console.print(_label_table(report))
    for outcome in (ReplayOutcome.FIXED, ReplayOutcome.BROKEN, ReplayOutcome.STILL_WRONG):
        _list_sentences(console, outcome, report.with_outcome(outcome), most)
    if report.unpredicted:
        print_line(console, f"\nleft out: {report.unpredicted:,} judged without any prediction")
    if report.disputed:
        print_line(console, f"\nleft out: {report.disputed:,} on which reviewers disagree")
    if not told:
        print_line(
            console,
            "\nIf the model was trained on these judgements, name the file with --trained-on: a "
            "mended error that it was shown is no news.",
        )


def _outcome_table(report: ReplayReport, parts: dict[str, Sequence[Replayed]]) -> Table:
    table = Table(title="\nSentences", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for outcome in ReplayOutcome:
        table.add_column(outcome.value.replace("_", " "), justify="right")
    table.add_column("by chance", justify="right")
    for name, sentences in parts.items():
        counts = report.counts(sentences)
        numbers = [f"{counts[outcome]:,}" for outcome in ReplayOutcome]
        table.add_row(name, *numbers, f"p = {sign_test(counts):.3f}")
    return table


def _label_table(report: ReplayReport) -> Table:
    table = Table(title="\nBy label", title_justify="left", box=None, pad_edge=False)
    table.add_column("label", no_wrap=True)
    for outcome in ReplayOutcome:
        table.add_column(outcome.value.replace("_", " "), justify="right")
    for label, counts in report.by_label().items():
        table.add_row(label, *(f"{counts[outcome]:,}" for outcome in ReplayOutcome))
    return table


def _list_sentences(
    console: Console, outcome: ReplayOutcome, sentences: Sequence[Replayed], most: int
) -> None:
    if not sentences or not most:
        return
    name = outcome.value.replace("_", " ")
    print_line(console, f"\n{name} ({MEANING[outcome]})", "bold")
    for each in sentences[:most]:
        labels = (each.labels, each.before, [str(label) for label in each.now.labels])
        right, before, now = (", ".join(some) for some in labels)
        print_line(console, f"  {shown(each.text)}")
        print_line(console, f"      right: {right}; before: {before}; now: {now}", "dim")
    if len(sentences) > most:
        print_line(console, f"  ... and {len(sentences) - most:,} more")
