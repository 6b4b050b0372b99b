"""``claimwire tag --engine ray``: options checked, a folder prepared, partitions put together."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePath
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Final

from claimwire import __version__
from claimwire.data.errors import InputError
from claimwire.model.manifest import MANIFEST_NAME
from claimwire.model.references import REGISTRY_SCHEME, resolve_release
from claimwire.model.release import load_release
from claimwire.serve.items import Failure, Note, ReadOptions
from claimwire.serve.outputs import FORMAT_OF_SUFFIX, Format
from claimwire.serve.partitions import (
    ERRORS,
    RUN,
    SUCCESS,
    WORK,
    Partition,
    Record,
    name_partitions,
)
from claimwire.serve.ray_address import require_answer
from claimwire.serve.ray_engine import Job, import_ray, tag_all
from claimwire.serve.records import json_line
from claimwire.serve.reports import (
    SHOWN_FAILURES,
    Tally,
    failure_line,
    note_line,
    place_of,
    plural,
    say,
)
from claimwire.serve.sources import STDIN, Found, Source, find_sources, is_address
from claimwire.serve.stores import Folder, find_anywhere, shown_address

if TYPE_CHECKING:
    from claimwire.serve.commands import TagOptions

FORMATS: Final = (Format.JSONL, Format.PARQUET)

_LOCAL: Final = re.compile(r"^(file|local)://", re.IGNORECASE)


def tag(paths: list[str], options: TagOptions, reading: ReadOptions) -> int:
    """Tag files into a folder, a partition a file.

    Returns:
        0 where everything was done, 1 where some inputs failed; each of those is named in
        ``_errors.jsonl`` and the others are done.

    Raises:
        InputError: wrong options, none of the paths exists, the folder is not free, or no cluster
            answers at RAY_ADDRESS.
        ReleaseError: the model cannot be loaded.
        MissingExtraError: Ray or pyarrow is not installed.
    """
    form, address = _form(options), _address(options)
    if STDIN in paths:
        raise InputError("--engine ray: expected files, found '-': workers share no standard input")
    if options.show_removed:
        raise InputError("--show-removed: expected the local engine, found --engine ray")
    folder = Folder(address)
    found = find_sources(paths, find=find_anywhere)
    _refuse_overlap(paths, found, address)
    release = load_release(resolve_release(options.model))
    partitions = name_partitions([entry for entry in found if isinstance(entry, Source)])
    job = Job(_reference(options.model), release.id, options.threads or 1, reading, form, address)
    asked = _asked(job, partitions)
    try:
        _check_free(folder, asked, resume=options.resume)
        if partitions:
            require_answer(import_ray())  # before the folder is taken
        _take(folder, asked)
        records: list[Record] = []
        if partitions:
            with _progress(len(partitions)) as on_done:
                records = tag_all(job, partitions, options.workers, on_done)
        return _finish(folder, job, found, list(zip(partitions, records, strict=True)))
    except OSError as error:
        raise InputError(
            f"{folder.address}: expected a folder to write to, found: {error}: check it, its "
            "permissions and the free space"
        ) from error


def _form(options: TagOptions) -> Format:
    if options.output_format is None:
        return Format.JSONL
    if options.output_format not in FORMATS:
        raise InputError(
            f"--format: expected {' or '.join(FORMATS)} with --engine ray, found "
            f"{options.output_format!r}"
        )
    return Format(options.output_format)


def _address(options: TagOptions) -> str:
    """Return where the partitions go."""
    output = "" if options.output is None else str(options.output)
    if output in ("", STDIN):
        raise InputError("--engine ray: expected -o FOLDER for the partitions, found none")
    suffix = PurePath(shown_address(output)).suffix.lower()
    if Path(output).is_file():
        raise InputError(
            f"{output}: expected a folder, which gets a file for each input, found a file: "
            "name another"
        )
    if suffix != "" and suffix in FORMAT_OF_SUFFIX and not Path(output).is_dir():
        raise InputError(
            f"{shown_address(output)}: expected a folder, which gets a file for each input, found "
            "the name of a file: leave out the suffix"
        )
    return output if is_address(output) else str(Path(output).absolute())


def _reference(model: str | None) -> str | None:
    """Return a reference to a release that means the same wherever a worker stands."""
    if model is None or model.startswith(REGISTRY_SCHEME):
        return model
    is_directory = (Path(model) / MANIFEST_NAME).is_file()  # else the name of a shipped release
    return str(Path(model).absolute()) if is_directory else model


def _refuse_overlap(paths: Sequence[str], found: Sequence[Found], address: str) -> None:
    """Refuse a folder from which this run or the next one would read its own output."""
    shown, output = shown_address(address), _place(address)
    for given in paths:
        is_folder = is_address(given) or Path(given).is_dir()
        if is_folder and output.is_relative_to(_place(given)):
            raise InputError(
                f"{shown}: expected a folder outside the input {shown_address(given)}: "
                "choose another"
            )
    for source in (entry for entry in found if isinstance(entry, Source)):
        if _place(source.given).is_relative_to(output):
            raise InputError(
                f"{source.given}: expected inputs outside the output {shown}: choose another"
            )


def _place(given: str) -> PurePath:
    """Return where a path or an address is, in one form that tells what is inside what."""
    place = _LOCAL.sub("", shown_address(given))
    return PurePath(place) if is_address(place) else Path(place).resolve()


def _asked(job: Job, partitions: Sequence[Partition]) -> bytes:
    """Return all that decides on the bytes of the result, as JSON."""
    return json_line(
        {
            "claimwire": __version__,
            "model": job.release,
            "unit": job.reading.unit,
            "input_format": job.reading.input_format,
            "text_field": job.reading.text_field,
            "format": job.form,
            "inputs": [partition.source.given for partition in partitions],
        }
    )


def _check_free(folder: Folder, asked: bytes, *, resume: bool) -> None:
    """Refuse a folder that is neither free nor of the same run.

    Raises:
        InputError: it is neither.
    """
    before = folder.read(RUN)
    if before is None and folder.names() not in ([], [WORK]):
        raise InputError(f"{folder.address}: expected an empty folder, found files: name another")
    if before is not None and not resume:
        raise InputError(
            f"{folder.address}: expected an empty folder, found an earlier run: go on with it by "
            "--resume, or name another folder"
        )
    if before is not None and before != asked:
        raise InputError(
            f"{folder.address}: --resume: expected {_difference(before, asked)}, as in the earlier "
            "run: give the same inputs, options and model as then, or name another folder"
        )


def _take(folder: Folder, asked: bytes) -> None:
    folder.prepare(WORK)
    folder.delete(SUCCESS)
    folder.write(RUN, asked)


def _difference(before: bytes, asked: bytes) -> str:
    """Tell the first thing that was asked otherwise."""
    now = json.loads(asked)
    try:
        then = json.loads(before)
        name = next(name for name in now if then.get(name) != now[name])
    except (ValueError, AttributeError, StopIteration):
        return f"a readable {RUN}"
    return f"{name} {json.dumps(then.get(name))[:200]}"


def _finish(
    folder: Folder, job: Job, found: Sequence[Found], done: Sequence[tuple[Partition, Record]]
) -> int:
    """Put together what the partitions' records say; the partitions are in the inputs' order."""
    following = iter(done)
    tally, kept, failures = Tally(), 0, 0
    with TemporaryFile() as errors:
        for entry in found:
            if isinstance(entry, Note):
                say(note_line(entry))
            elif isinstance(entry, Failure):
                errors.write(failure_line(entry))
                failures += 1
            else:
                partition, record = next(following)
                tally.include(record.counts())
                kept += record.kept
                failures += record.failures
                errors.write(folder.read(partition.errors) or b"")
                _tell(partition, record)
        _settle_errors(folder, errors, failures)
    for partition, _ in done if job.form is Format.PARQUET else ():
        folder.delete(partition.rows(job.form))
    folder.write(SUCCESS, b"")
    if kept:
        say(f"note: {plural(kept, 'partition')} of {len(done)} were there already")
    say(
        f"{folder.address} written: {plural(len(done), 'partition')}; {tally.summary()}; "
        f"model: {job.release}"
    )
    return 1 if failures else 0


def _tell(partition: Partition, record: Record) -> None:
    for note in record.notes:
        say(note)
    if record.more_notes:
        say(f"note: {partition.source.given}: {record.more_notes} more like these")


def _settle_errors(folder: Folder, errors: BinaryIO, failures: int) -> None:
    """Name the first failures, and put all of them where they stay."""
    if not failures:
        folder.delete(ERRORS)
        return
    folder.put(ERRORS, errors)
    errors.seek(0)
    for line in islice(errors, SHOWN_FAILURES):
        failed = json.loads(line)
        say(f"error: {place_of(Failure(**failed))}: {failed['reason']}")
    if failures > SHOWN_FAILURES:
        say(f"error: {failures - SHOWN_FAILURES} more failed")
    say(f"what failed, and why, is in {folder.address}/{ERRORS}")


@contextmanager
def _progress(partitions: int) -> Iterator[Callable[[], None]]:
    """Count the partitions done, where somebody watches."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from claimwire.serve.progress import count

    with count("partitions", partitions) as on_done:
        yield on_done
