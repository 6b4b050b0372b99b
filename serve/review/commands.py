"""What the commands of ``claimwire review`` do.

Each function prints to standard output, or to standard error what is said on the way, and returns
the exit code.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from claimwire.data.errors import InputError, MissingExtraError
from claimwire.data.printing import print_line
from claimwire.serve.items import ReadOptions, Unit
from claimwire.serve.reports import Reports, plural, say
from claimwire.serve.review.backup import backup as back_up
from claimwire.serve.review.chain import verify_chain
from claimwire.serve.review.exporting import ExportFormat, ExportReport, export
from claimwire.serve.review.importing import ImportReport, import_records
from claimwire.serve.review.reading import RecordReader, open_sources
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.tagger import Tagger

EXPORT_FILES: Final = {
    ExportFormat.CORPUS: Path("artifacts/review/reviewed.jsonl"),
    ExportFormat.JSONL: Path("artifacts/review/decisions.jsonl"),
    ExportFormat.CSV: Path("artifacts/review/decisions.csv"),
    ExportFormat.LABEL_STUDIO: Path("artifacts/review/label-studio.json"),
}
"""Where an export goes that is not told where."""

_WEB: Final = frozenset({"fastapi", "jinja2", "starlette", "uvicorn"})
"""Import names of what only the pages need."""


@dataclass(frozen=True, slots=True)
class DeskOptions:
    """Options of ``claimwire review serve``; the fields are those of the function
    :func:`claimwire.serve.review.web.server.run_desk`.
    """

    db: str | None = None
    host: str = "127.0.0.1"
    port: int = 8765
    reviewer: str | None = None
    model: str | None = None
    open_browser: bool = True
    sign_in: bool | None = None
    allowed_hosts: tuple[str, ...] = ()
    https: bool = False


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Options of ``claimwire review import``.

    Attributes:
        db: the database; None for the default one.
        random_share: share of the sentences to draw into the random stratum, 0-1.
        double_share: share of the sentences that two reviewers shall judge, 0-1.
        model: what tags inputs that are not tagged; None for the shipped release.
        unit: ``article`` or ``sentence``: what a text is that is not tagged.
        text_field: field of a record that holds such a text.
        threads: processor threads; None lets the runtime choose.
    """

    db: str | None = None
    random_share: float = 0.1
    double_share: float = 0.1
    model: str | None = None
    unit: str = "article"
    text_field: str = "text"
    threads: int | None = None


def serve(options: DeskOptions) -> int:
    """Serve the desk until told to stop; returns 0.

    Raises:
        MissingExtraError: the extra [review] is not installed.
        ConfigError: a setting is wrong.
        InputError: the database cannot be opened, the address cannot be listened on, or sign-in is
            needed and nobody has a password.
    """
    try:
        from claimwire.serve.review.web.server import run_desk
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in _WEB:
            raise
        raise MissingExtraError("review", "claimwire review") from error
    run_desk(
        options.db,
        host=options.host,
        port=options.port,
        reviewer=options.reviewer,
        model=options.model,
        open_browser=options.open_browser,
        sign_in=options.sign_in,
        allowed_hosts=options.allowed_hosts,
        https=options.https,
    )
    return 0


def import_(paths: list[str], options: ImportOptions) -> int:
    """Take tagged records in, and articles, which are tagged on the way.

    Returns:
        0 where all of it is there now, 1 where some could not be read or imported.

    Raises:
        InputError: an option is wrong, none of the paths exists, or the database cannot be used.
        ReleaseError: the model cannot be loaded.
    """
    shares = {"random": options.random_share, "double": options.double_share}
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise InputError(f"--{name}-share: expected 0 to 1, found {share}")
    reading = ReadOptions(unit=Unit(options.unit), text_field=options.text_field)
    with open_sources(paths) as found, Reports(None) as reports:
        reader = RecordReader(
            found, reading, lambda: Tagger.load(options.model, threads=options.threads), reports
        )
        with ReviewStore.open(options.db) as store, _progress(reader) as progress:
            report = import_records(
                store,
                reader,
                random_share=options.random_share,
                double_share=options.double_share,
                progress=progress,
            )
    for problem in report.problems:
        say(f"error: {problem}")
    say(f"{store.url}: {_imported(report)}")
    return 1 if reports.failures or report.problems else 0


def _imported(report: ImportReport) -> str:
    parts = [
        f"{plural(report.sentences, 'new sentence')} of {plural(report.articles, 'new article')}",
        f"{report.random_stratum:,} of them in the random stratum",
        f"{report.doubly:,} for two reviewers",
        plural(report.predictions, "new prediction"),
        f"{plural(report.already_there, 'sentence')} there already",
    ]
    return ", ".join(parts)


@contextmanager
def _progress(reader: RecordReader) -> Iterator[Callable[[int], None]]:
    """Show a bar of the bytes read, where somebody watches."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    count = TextColumn("{task.fields[done]:,} sentences")
    console = Console(stderr=True)
    with Progress(count, BarColumn(), TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task("", total=reader.total_bytes, done=0)
        yield lambda done: bar.update(task, completed=reader.bytes_read, done=done)


def export_(db: str | None, output: Path | None, output_format: str, *, real_names: bool) -> int:
    """Write what was judged; returns 0.

    Raises:
        InputError: the database is not there, the format is unknown, or a file cannot be written.
    """
    with ReviewStore.open(db, create=False) as store:
        path = output or EXPORT_FILES.get(ExportFormat(output_format), Path())
        report = export(store, path, output_format, real_names=real_names)
    say(_exported(report, output_format))
    return 0


def _exported(report: ExportReport, output_format: str) -> str:
    noun = {ExportFormat.CORPUS: "record", ExportFormat.LABEL_STUDIO: "task"}
    parts = [f"{plural(report.written, noun.get(ExportFormat(output_format), 'decision'))} written"]
    if report.skipped:
        parts.append(f"{report.skipped:,} left out as only skipped")
    if report.disputed:
        parts.append(f"{report.disputed:,} left out as reviewers disagree")
    if report.not_sentences:
        parts.append(f"{report.not_sentences:,} left out as no sentence")
    beside = ", ".join(str(path) for path in report.files[1:])
    return f"{report.files[0]}: {', '.join(parts)}" + (f"; beside it {beside}" if beside else "")


def verify(db: str | None, head: str | None, count: int | None) -> int:
    """Check every decision and the text that it is about.

    Returns:
        0 where nothing was changed, 1 where something was.

    Raises:
        InputError: the database is not there or cannot be used.
    """
    with ReviewStore.open(db, create=False) as store:
        report = verify_chain(store, expected_head=head, expected_count=count)
    console = Console()
    for problem in report.problems:
        print_line(console, f"FAILED  {problem}", "bold red")
    if report.problems:
        found = plural(len(report.problems), "problem")
        print_line(console, f"FAILED  {store.url}: {found} in {report.decisions:,} decisions")
        return 1
    print_line(
        console, f"ok  {store.url}: {plural(report.decisions, 'decision')}, nothing was changed"
    )
    print_line(console, f"head  {report.head}")
    return 0


def backup(db: str | None, target: Path) -> int:
    """Copy the database while it is in use; returns 0.

    Raises:
        InputError: the database is not there, is PostgreSQL, or the copy cannot be written or does
            not verify.
    """
    with ReviewStore.open(db, create=False) as store:
        written = back_up(store, target)
    say(f"{written} written and verified")
    return 0


def print_json(value: object) -> None:
    """Print one JSON object on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True) + "\n")
