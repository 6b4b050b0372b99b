"""What ``claimwire corpus rebuild`` does: prints to standard output, returns the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from claimwire.data.corpus import SPLITS
from claimwire.data.errors import InputError
from claimwire.data.fetch import ADDRESS, Downloads, LocalFiles, read_sources
from claimwire.data.printing import print_line
from claimwire.data.rebuild import (
    FLOOR,
    GOAL,
    MISSING,
    UNLABELLED,
    Rebuilt,
    group_by_file,
    rebuild,
    write_rebuilt,
)
from claimwire.data.standoff_labels import Standoff, read_labels, standoff_folder

OUTPUT: Final = Path("artifacts/corpus/real")
DOWNLOADS: Final = Path("artifacts/sources")
MOST_NOTES_LISTED: Final = 10


@dataclass(frozen=True, slots=True)
class RebuildOptions:
    """Where things are.

    Attributes:
        source_dir: local copies of the public files; None: download them.
        output: folder for the records.
        labels: the stand-off labels, sources.json beside them; None: those of the repository.
        download_dir: where downloaded files are kept.
        address: serves ``/OWNER/REPOSITORY/COMMIT/path``.
        unlabelled: also write the sentences that have no label.
    """

    source_dir: Path | None = None
    output: Path = OUTPUT
    labels: Path | None = None
    download_dir: Path = DOWNLOADS
    address: str = ADDRESS
    unlabelled: bool = False


def rebuild_corpus(options: RebuildOptions) -> int:
    """Make the labelled real sentences again and write them as records, by split.

    Returns:
        0, or 1 where less than FLOOR of the sentences were found; records of an earlier run are
        then left as they are.

    Raises:
        InputError: labels, local copies or server are not there.
        CorpusError: the labels or the list of sources break their format.
    """
    labels = _labels_file(options.labels)
    standoff = read_labels(labels)
    files = _file_reader(options)
    rebuilt = _with_progress(
        standoff, labels.parent / "sources.json", files, unlabelled=options.unlabelled
    )
    console = Console()
    # A mistyped folder of sources must not cost what a good one gave.
    kept = rebuilt.share < FLOOR and any(
        (options.output / f"{split}.jsonl").exists() for split in SPLITS
    )
    counts = {} if kept else write_rebuilt(rebuilt, options.output)
    console.print(_shares(rebuilt))
    _list(console, "Files not available", list(rebuilt.troubles.values()))
    _list(console, "Notes", files.notes)
    for split, count in counts.items():
        print_line(console, f"{count:>7,} sentences in {options.output / f'{split}.jsonl'}")
    if rebuilt.unlabelled and not kept:
        others = len(rebuilt.unlabelled)
        print_line(console, f"{others:>7,} without labels in {options.output / UNLABELLED}")
    code = _verdict(console, rebuilt, None if kept else options.output / MISSING)
    if kept:
        print_line(console, f"nothing written: {options.output} keeps what an earlier run made")
    return code


def _labels_file(given: Path | None) -> Path:
    """Return the file of labels, or say where it can be had."""
    if given is not None:
        return given
    labels = standoff_folder() / "labels.jsonl"
    if not labels.is_file():
        raise InputError(
            f"{labels}: expected the stand-off labels, found none: an installed package leaves "
            "them out; run the command in a clone of the repository (pip install -e .), or name "
            "the clone's data/standoff/labels.jsonl with --labels"
        )
    return labels


def _file_reader(options: RebuildOptions) -> LocalFiles | Downloads:
    if options.source_dir is None:
        return Downloads(options.download_dir, options.address)
    if not options.source_dir.is_dir():
        raise InputError(
            f"{options.source_dir}: expected a folder with OWNER+REPOSITORY folders, found "
            f"{'a file' if options.source_dir.exists() else 'nothing'}: check --source-dir, or "
            "leave it out to download the files"
        )
    return LocalFiles(options.source_dir)


def _with_progress(
    standoff: Standoff, sources: Path, files: LocalFiles | Downloads, *, unlabelled: bool
) -> Rebuilt:
    """Rebuild under a progress bar over the files, on standard error."""
    labellings = standoff.settled()
    known = read_sources(sources)
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(group_by_file(labellings)))
        started = 0

        def progress(source: str, _path: str) -> None:
            nonlocal started
            bar.update(task, description=source, completed=started)
            started += 1

        return rebuild(labellings, known, files, progress, unlabelled=unlabelled)


def _shares(rebuilt: Rebuilt) -> Table:
    """Return one row a source and one for all: labelled, found and the share."""
    table = Table(title="Real sentences rebuilt", title_justify="left")
    table.add_column("source", no_wrap=True)
    for heading in ("labelled", "found", "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    rows = rebuilt.by_source() | {"all": (len(rebuilt.texts), len(rebuilt.labellings))}
    for name, (found, wanted) in rows.items():
        table.add_row(Text(name), f"{wanted:,}", f"{found:,}", f"{found / wanted:.1%}")
    return table


def _list(console: Console, title: str, entries: Sequence[str]) -> None:
    """Print the first entries under a title; nothing where there are none."""
    if not entries:
        return
    print_line(console, f"{title}: {len(entries):,}", "bold")
    for entry in entries[:MOST_NOTES_LISTED]:
        print_line(console, f"  {entry}")
    if len(entries) > MOST_NOTES_LISTED:
        print_line(console, f"  ... and {len(entries) - MOST_NOTES_LISTED:,} more")


def _verdict(console: Console, rebuilt: Rebuilt, missing: Path | None) -> int:
    """Print what the share means and return the exit code."""
    lost = len(rebuilt.labellings) - len(rebuilt.texts)
    if lost:
        listed = "" if missing is None else f", listed in {missing}"
        print_line(console, f"{lost:>7,} missing{listed}")
    found = f"{rebuilt.share:.1%} of {len(rebuilt.labellings):,} labelled sentences found"
    if rebuilt.share < FLOOR:
        print_line(console, f"FAILED  {found}: expected at least {FLOOR:.0%}", "bold red")
        return 1
    if rebuilt.share < GOAL:
        print_line(
            console, f"ok, but  {found}: whole sources give {GOAL:.0%} or more", "bold yellow"
        )
        return 0
    print_line(console, f"ok  {found}", "bold green")
    return 0
