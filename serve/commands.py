"""``claimwire tag``: options checked, inputs read, results written."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from claimwire.data.errors import InputError
from claimwire.serve.batch import tag_stream
from claimwire.serve.convert import check_parquet, to_csv, to_parquet
from claimwire.serve.inputs import Reader
from claimwire.serve.items import InputFormat, ReadOptions, Unit
from claimwire.serve.outputs import (
    RESUMABLE,
    Format,
    JsonlWriter,
    Writer,
    choose_format,
    converted_path,
    errors_path,
    is_replaceable,
    open_output,
    partial_path,
)
from claimwire.serve.permissions import mode_of
from claimwire.serve.reports import Reports, Tally, check_errors_file, say
from claimwire.serve.resume import ResumedWriter
from claimwire.serve.rows import Job, Recorder
from claimwire.serve.sources import Found, Source, find_sources
from claimwire.serve.tagger import Tagger

Choice = TypeVar("Choice", bound=StrEnum)


class Engine(StrEnum):
    """Where the work is done."""

    LOCAL = "local"
    RAY = "ray"


CONVERSIONS: Final = {Format.CSV: to_csv, Format.PARQUET: to_parquet}
"""Formats whose columns are known only when all rows are."""


@dataclass(frozen=True, slots=True)
class TagOptions:
    """Options of ``claimwire tag``.

    Attributes:
        unit: ``"article"``, one row a sentence of each article; or ``"sentence"``, one row an
            input record (of a text file: a line).
        output_format: ``"table"``, ``"jsonl"``, ``"csv"``, ``"parquet"`` or ``"html"``; None goes
            by the suffix of ``output``, and is the table without one.
        output: file to write, whole or not at all; None for standard output. With Ray the folder
            of the partitions, or its address.
        model: release directory or registered model; None for the shipped release.
        text_field: field of a record (JSON Lines, CSV, Parquet) that holds the text.
        input_format: ``"auto"``, ``"text"``, ``"html"``, ``"jsonl"``, ``"csv"`` or ``"parquet"``.
        show_removed: list what was taken out of articles as not prose.
        threads: processor threads; None lets the runtime choose.
        resume: go on from ``OUT.partial`` of an interrupted run, if there is one; with Ray from
            its folder.
        engine: ``"local"``: in this process; or ``"ray"``: on the workers of Ray Data.
        workers: number of workers of Ray; None for as many as there are processors for.
    """

    unit: str = "article"
    output_format: str | None = None
    output: Path | str | None = None
    model: str | None = None
    text_field: str = "text"
    input_format: str = "auto"
    show_removed: bool = False
    threads: int | None = None
    resume: bool = False
    engine: str = "local"
    workers: int | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    """Checked options.

    Attributes:
        reading: how inputs are read.
        format: how results are written.
        output: resolved file, None for standard output.
        errors: file for failures, None where they only go to standard error.
        show_removed: list what was taken out of articles.
        resume: go on from what an interrupted run has written.
    """

    reading: ReadOptions
    format: Format
    output: Path | None
    errors: Path | None
    show_removed: bool
    resume: bool


def tag(paths: list[str], options: TagOptions) -> int:
    """Tag the sentences of files.

    Returns:
        0 where everything was done (an empty input is, with a note), 1 where some inputs failed;
        each of those is named and the others are done.

    Raises:
        InputError: wrong options, or none of the paths exists.
        ReleaseError: the model cannot be loaded.
    """
    if _choice("--engine", options.engine, Engine) is Engine.RAY:
        from claimwire.serve import ray_commands

        return ray_commands.tag(paths, options, _reading(options))
    if options.workers is not None:
        raise InputError("--workers: expected --engine ray with it, found the local engine")
    plan = _plan(options)
    found = find_sources(paths, leave_out=_written_files(plan))
    _refuse_overwriting(found, plan)
    tagger = Tagger.load(options.model, threads=options.threads)
    try:
        return _run(found, plan, tagger)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        return 0


def _run(found: Sequence[Found], plan: _Plan, tagger: Tagger) -> int:
    recorder = Recorder(plan.reading.unit, tagger.model, flat=plan.format is Format.CSV)
    reader, tally = Reader(found, plan.reading), Tally()

    with (
        open_output(plan.output, CONVERSIONS.get(plan.format), resume=plan.resume) as stream,
        # Settled before the output takes its name.
        Reports(plan.errors, _errors_mode(plan)) as reports,
        _progress(reader, tally, to_file=plan.output is not None),
        closing(_writer(plan, stream, recorder)) as writer,
    ):
        on_split = _list_removed(plan, reports)
        recorded = writer.recorded if isinstance(writer, ResumedWriter) else lambda count: None
        for row in tag_stream(reader, tagger, reports, on_split, recorded):
            tally.add(row)
            writer.write(row)
        writer.finish(tally)
    if plan.output is not None:
        say(f"{plan.output} written: {tally.summary()}; model: {tagger.model}")
    return 1 if reports.failures else 0


def _errors_mode(plan: _Plan) -> int | None:
    """Return the permissions of the errors file: its own, else those of the output, if any."""
    places = [path for path in (plan.errors, plan.output) if path is not None]
    return next((mode for path in places if (mode := mode_of(path)) is not None), None)


def _list_removed(plan: _Plan, reports: Reports) -> Callable[[Job], None]:
    """Return what to do with an item once it is split."""

    def on_split(job: Job) -> None:
        # A table lists it after the article's sentences, if there are any.
        if plan.show_removed and (plan.format is not Format.TABLE or not job.sentences):
            reports.removed(job)

    return on_split


def _plan(options: TagOptions) -> _Plan:
    """Check the options.

    Raises:
        InputError: an option is wrong, or two do not go together.
    """
    reading = _reading(options)
    if options.show_removed and reading.unit is Unit.SENTENCE:
        raise InputError("--show-removed needs --unit article: nothing is taken out of a sentence")
    output = None if options.output is None else Path(options.output)
    chosen = choose_format(options.output_format, output)
    output = None if output == Path("-") else output
    errors = None
    if output is not None:
        _check_writable(output)
        errors = errors_path(output) if is_replaceable(output) else None
        if errors is not None:
            check_errors_file(errors)
    if options.resume:
        _check_resumable(chosen, output)
    if chosen is Format.PARQUET:
        check_parquet()
        if output is None and sys.stdout.isatty():
            raise InputError("--format parquet: expected -o FILE or a pipe, found a terminal")
    return _Plan(reading, chosen, output, errors, options.show_removed, options.resume)


def _reading(options: TagOptions) -> ReadOptions:
    """Check the options that every engine has; return how inputs are read."""
    for name in ("threads", "workers"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise InputError(f"--{name}: expected 1 or more, found {value}")
    return ReadOptions(
        unit=_choice("--unit", options.unit, Unit),
        input_format=_choice("--input-format", options.input_format, InputFormat),
        text_field=options.text_field,
    )


def _check_resumable(chosen: Format, output: Path | None) -> None:
    """Refuse to resume what cannot be."""
    if output is None or not is_replaceable(output):
        raise InputError(
            "--resume: expected -o FILE, whose FILE.partial it goes on from, found no file to "
            "write: give one"
        )
    if chosen not in RESUMABLE:
        raise InputError(
            f"--resume: expected one of {', '.join(sorted(RESUMABLE))}, found {chosen}: "
            "choose one of them, or leave out --resume"
        )


def _choice(option: str, value: str, choices: type[Choice]) -> Choice:
    try:
        return choices(value)
    except ValueError:
        known = ", ".join(choices)
        raise InputError(f"{option}: expected one of {known}, found {value!r}") from None


def _check_writable(output: Path) -> None:
    """Refuse, before any work, an output that cannot be written."""
    try:
        output.resolve()
    except RuntimeError:  # of Python 3.12 and older
        raise InputError(
            f"{output}: expected a file to write, found a symbolic link that leads to itself: "
            "remove it, or choose another name"
        ) from None
    if output.is_dir():
        raise InputError(f"{output}: expected a file to write, found a directory: add a file name")
    if not output.parent.is_dir():
        raise InputError(
            f"{output}: expected a directory {output.parent}, found none: create it first"
        )


def _written_files(plan: _Plan) -> frozenset[Path]:
    """Return the files that this call writes, which no directory gives as input."""
    if plan.output is None or plan.errors is None:
        return frozenset()
    output = plan.output.resolve()  # what stands beside it stands beside the file behind a link
    written = (
        output,
        partial_path(output),
        converted_path(output),
        plan.errors,
        partial_path(plan.errors),
    )
    return frozenset(path.resolve() for path in written)


def _refuse_overwriting(found: Sequence[Found], plan: _Plan) -> None:
    """Refuse to read a file that this call would overwrite."""
    written = _written_files(plan)
    for entry in found:
        if isinstance(entry, Source) and entry.path is not None and entry.path.resolve() in written:
            raise InputError(
                f"{entry.given}: this input would be overwritten by the output: "
                "choose another name for -o"
            )


def _writer(plan: _Plan, stream: BinaryIO, recorder: Recorder) -> Writer:
    match plan.format:
        case Format.JSONL | Format.CSV | Format.PARQUET:
            if plan.resume and plan.output is not None:
                return ResumedWriter(stream, recorder, plan.output)
            return JsonlWriter(stream, recorder)
        case Format.HTML:
            from claimwire.serve.page import PageWriter

            return PageWriter(stream, recorder)
        case Format.TABLE:
            from claimwire.serve.table import TableWriter

            return TableWriter(
                stream,
                recorder,
                show_removed=plan.show_removed,
                on_terminal=plan.output is None and sys.stdout.isatty(),
            )


@contextmanager
def _progress(reader: Reader, tally: Tally, *, to_file: bool) -> Iterator[None]:
    """Show how far it is, where somebody watches and the results go elsewhere."""
    if not sys.stderr.isatty() or not (to_file or not sys.stdout.isatty()):
        yield
        return
    from claimwire.serve.progress import watch

    with watch(reader, tally):
        yield
