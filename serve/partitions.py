"""Work cut into partitions: each input file becomes one file of a folder, and is done or not.

::

    OUT/
    ├── 00000-news.jsonl      the rows of the first input (or .parquet), 00001-..., in input order
    ├── _errors.jsonl         what failed, if anything did
    ├── _SUCCESS              there when the run has come to its end
    └── _claimwire/
        ├── run.json          what the run was asked
        ├── 00000-news.json   written last: the sha256 of input and rows, and the counts
        ├── 00000-news.errors what failed in this input
        └── 00000-news.rows   only until Parquet is made of them: columns are known at the end

A partition is done where its record fits its input and its rows. It does not depend on who makes it
or on the other partitions, so one made again has the same bytes.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePath
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO, Final, Self

from claimwire.data.errors import InputError
from claimwire.serve.batch import tag_stream
from claimwire.serve.convert import Kinds, column_kinds, to_parquet
from claimwire.serve.inputs import Reader
from claimwire.serve.items import Failure, Note, ReadOptions
from claimwire.serve.opening import opened
from claimwire.serve.outputs import Format
from claimwire.serve.records import json_line
from claimwire.serve.reports import Reports, Tally, failure_line, note_line
from claimwire.serve.rows import Recorder
from claimwire.serve.sources import GZIP_SUFFIX, KNOWN_SUFFIXES, Source, format_suffix
from claimwire.serve.stores import Folder, digest_of
from claimwire.serve.tagger import Tagger

WORK: Final = "_claimwire"
RUN: Final = f"{WORK}/run.json"
ERRORS: Final = "_errors.jsonl"
SUCCESS: Final = "_SUCCESS"

MOST_NOTES: Final = 20
"""Notes of one partition that are kept and shown; the others are counted."""

_STEM_CHARACTERS: Final = 80
_NO_NAME: Final = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Partition:
    """One input and the names of what is made of it, all in one folder.

    Attributes:
        name: number and name, such as ``00000-news``.
        source: the input.
    """

    name: str
    source: Source

    @property
    def record(self) -> str:
        """Says that the partition is done."""
        return f"{WORK}/{self.name}.json"

    @property
    def errors(self) -> str:
        """Holds the failures of this input, one JSON object a line."""
        return f"{WORK}/{self.name}.errors"

    def output(self, form: Format) -> str:
        """Return the result."""
        return f"{self.name}.{form.value}"

    def rows(self, form: Format) -> str:
        """Return the rows as JSON Lines: the result itself, or what it is made of."""
        return self.output(form) if form is Format.JSONL else f"{WORK}/{self.name}.rows"


def name_partitions(sources: Sequence[Source]) -> list[Partition]:
    """Return a partition for each input, named so that they sort as the inputs stand."""
    return [
        Partition(f"{number:05d}-{_stem(source)}", source) for number, source in enumerate(sources)
    ]


def _stem(source: Source) -> str:
    name = PurePath(source.given.rpartition("/")[2])
    while name.suffix.lower() in {GZIP_SUFFIX, *KNOWN_SUFFIXES} and format_suffix(name):
        name = PurePath(name.stem)
    return _NO_NAME.sub("_", name.name)[:_STEM_CHARACTERS]


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a partition that is done.

    Attributes:
        input: sha256 of the input file, None where it cannot be read.
        rows: sha256 of the rows.
        errors: sha256 of the failures.
        failures: number of failures.
        notes: what the user should know, the first :data:`MOST_NOTES`.
        more_notes: number of the others.
        tally: the counts, as of :class:`Tally`.
        kinds: for Parquet the columns, each with the kinds of its values.
        parquet: for Parquet once it is made, the sha256 of the file.
        kept: whether it was done before this run; not part of the file.
    """

    input: str | None
    rows: str
    errors: str
    failures: int
    notes: list[str]
    more_notes: int
    tally: dict[str, Any]
    kinds: dict[str, list[str]] = field(default_factory=dict)
    parquet: str | None = None
    kept: bool = False

    def to_bytes(self) -> bytes:
        """Return the record as JSON."""
        return json_line(asdict(self))

    @classmethod
    def of(cls, content: bytes | None) -> Self | None:
        """Read a record, None where it is none."""
        try:
            return cls(**json.loads(content or b""))
        except (ValueError, TypeError):
            return None

    def counts(self) -> Tally:
        """Return the counts."""
        return Tally(**(self.tally | {"labels": Counter(self.tally["labels"])}))


def tag_partition(
    tagger: Tagger, partition: Partition, reading: ReadOptions, form: Format, folder: Folder
) -> Record:
    """Tag one input, or keep what was made of it.

    Args:
        tagger: tags the sentences.
        partition: the input.
        reading: how it is read.
        form: JSON Lines; or Parquet, of which only the rows are made here.
        folder: where the files go.

    Raises:
        InputError: the input has changed since the partition was made.
        OSError: the folder cannot be written.
    """
    before = Record.of(folder.read(partition.record))
    digest = _input_digest(partition.source)
    if before is not None and before.input is not None:
        if before.input != digest:
            raise InputError(
                f"{partition.source.given}: expected the input of which {partition.name} was made, "
                "found another content: give the same inputs as then, or another folder with -o"
            )
        if _is_whole(partition, before, form, folder):
            return replace(before, kept=True)
    return _made(tagger, partition, reading, form, folder, digest)


def _is_whole(partition: Partition, record: Record, form: Format, folder: Folder) -> bool:
    if folder.digest(partition.errors) != record.errors:
        return False
    if folder.digest(partition.rows(form)) == record.rows:
        return True
    return record.parquet is not None and folder.digest(partition.output(form)) == record.parquet


def _made(
    tagger: Tagger,
    partition: Partition,
    reading: ReadOptions,
    form: Format,
    folder: Folder,
    digest: str | None,
) -> Record:
    """Make rows, then failures, then the record that says so."""
    recorder, tally = Recorder(reading.unit, tagger.model), Tally()
    with TemporaryFile() as rows, TemporaryFile() as failures:
        reports = _Kept(failures)
        for row in tag_stream(Reader([partition.source], reading), tagger, reports):
            tally.add(row)
            rows.write(recorder.line(row))
        made = Record(
            input=digest,
            rows=_digest(rows),
            errors=_digest(failures),
            failures=reports.failures,
            notes=reports.notes,
            more_notes=reports.more_notes,
            tally={**asdict(tally), "labels": dict(tally.labels)},
            kinds=_kinds(rows) if form is Format.PARQUET else {},
        )
        folder.put(partition.rows(form), rows)
        folder.put(partition.errors, failures)
    folder.write(partition.record, made.to_bytes())
    return made


class _Kept(Reports):
    """Keeps failures and notes for whoever puts the partitions together."""

    def __init__(self, failures: IO[bytes]) -> None:
        super().__init__(None)
        self.notes: list[str] = []
        self.more_notes = 0
        self._kept = failures

    def failure(self, failure: Failure) -> None:
        self.failures += 1
        self._kept.write(failure_line(failure))

    def note(self, note: Note) -> None:
        if len(self.notes) < MOST_NOTES:
            self.notes.append(note_line(note))
        else:
            self.more_notes += 1


def merged_kinds(records: Iterable[Record]) -> Kinds:
    """Return the columns that the Parquet files of all partitions have."""
    merged: Kinds = {}
    for record in records:
        for name, kinds in record.kinds.items():
            merged.setdefault(name, set()).update(kinds)
    return merged


def make_parquet(partition: Partition, kinds: Kinds, folder: Folder) -> Record:
    """Make the Parquet file of a partition's rows, unless it is there.

    Raises:
        OSError: the folder cannot be read or written.
        InputError: somebody took the partition's record away.
    """
    record = Record.of(folder.read(partition.record))
    if record is None:
        raise InputError(f"{folder.address}/{partition.record}: expected a record, found none")
    output = partition.output(Format.PARQUET)
    if record.parquet is not None and folder.digest(output) == record.parquet:
        return record
    with TemporaryFile() as made, folder.open(partition.rows(Format.PARQUET)) as rows:
        to_parquet(rows, made, kinds)
        folder.put(output, made)
        record = replace(record, parquet=_digest(made))
    folder.write(partition.record, record.to_bytes())
    return record


def _kinds(rows: BinaryIO) -> dict[str, list[str]]:
    return {name: sorted(kinds) for name, kinds in column_kinds(rows).items()}


def _digest(stream: BinaryIO) -> str:
    stream.seek(0)
    return digest_of(stream)


def _input_digest(source: Source) -> str | None:
    """Return the sha256 of an input; why it cannot be read is told where it is read."""
    try:
        with opened(source) as stream:
            return digest_of(stream)
    except OSError:
        return None
