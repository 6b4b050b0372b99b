"""What ``claimwire review import`` reads: tagged records as they are, other inputs tagged first."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Final

from claimwire.data.errors import InputError
from claimwire.serve.batch import tag_stream
from claimwire.serve.inputs import Reader
from claimwire.serve.items import Failure, Item, Note, ReadOptions, Unit
from claimwire.serve.opening import BUFFER
from claimwire.serve.reports import Reports
from claimwire.serve.rows import SCORE_COLUMNS, Recorder
from claimwire.serve.sources import Found, Source, find_sources
from claimwire.serve.tagger import Tagger

TAGGED_FIELDS: Final = frozenset({"label", "scores"})
"""What tells a tagged record."""

SUSPECT_FIELDS: Final = frozenset({"given", "suggested", "score"})
"""What tells a record of ``claimwire corpus suspects``, whose score is the label's doubt."""

_FLAT_FIELDS: Final = frozenset({"label", *SCORE_COLUMNS.values()})


class RecordReader:
    """Reads inputs as tagged records.

    Args:
        found: the inputs, as :func:`open_sources` gives them.
        options: how those are read that are still to be tagged.
        load: gives the tagger; called once at most, and only where there is something to tag.
        reports: takes failures and notes.
    """

    def __init__(
        self,
        found: Sequence[Found],
        options: ReadOptions,
        load: Callable[[], Tagger],
        reports: Reports,
    ) -> None:
        self._options = options
        self._load = load
        self._reports = reports
        self._tagger: Tagger | None = None
        # Neighbours of one kind share a reader, so that short articles fill the tagger's batches.
        self._readers = [
            (is_tagged, Reader(list(group), _TAGGED if is_tagged else options))
            for is_tagged, group in groupby(found, key=_holds_tagged_records)
        ]

    @property
    def total_bytes(self) -> int | None:
        """Bytes of all inputs together; None where that is not known."""
        sizes = [reader.total_bytes for _, reader in self._readers]
        return None if None in sizes else sum(size or 0 for size in sizes)

    @property
    def bytes_read(self) -> int:
        """Bytes read so far."""
        return sum(reader.bytes_read for _, reader in self._readers)

    def __iter__(self) -> Iterator[Mapping[str, object]]:
        """Give the records of all inputs, in order."""
        for is_tagged, reader in self._readers:
            yield from self._tagged(reader) if is_tagged else self._untagged(reader)

    def _tagged(self, reader: Reader) -> Iterator[Mapping[str, object]]:
        for entry in reader:
            match entry:
                case Failure():
                    self._reports.failure(entry)
                case Note():
                    self._reports.note(entry)
                case Item() if entry.fields.keys() >= TAGGED_FIELDS:
                    yield entry.fields
                case Item():
                    self._reports.failure(Failure(entry.file, entry.line, _UNTAGGED))

    def _untagged(self, reader: Reader) -> Iterator[Mapping[str, object]]:
        if self._tagger is None:
            self._tagger = self._load()
        recorder = Recorder(self._options.unit, self._tagger.model)
        for row in tag_stream(reader, self._tagger, self._reports):
            yield _with_noise(recorder.record(row))


_TAGGED: Final = ReadOptions(unit=Unit.SENTENCE)
_UNTAGGED: Final = (
    "expected a tagged record like those before it, found one without label and scores: "
    "give tagged records and articles in files of their own"
)


def _with_noise(record: dict[str, object]) -> dict[str, object]:
    """Take over how doubtful a label is, where a record is one of suspected label noise."""
    if record.keys() >= SUSPECT_FIELDS and "noise" not in record:
        return {**record, "noise": record["score"]}
    return record


@contextmanager
def open_sources(paths: Sequence[str]) -> Iterator[list[Found]]:
    """Find the inputs that paths name, standard input among them for as long as the block lasts.

    An article without an ``id`` is called by its file and line however many inputs there are, so
    that the same file gives the same names whatever it is imported with.

    Raises:
        InputError: as :func:`claimwire.serve.sources.find_sources`.
    """
    with tempfile.TemporaryDirectory(prefix="claimwire-") as folder:
        yield [
            _steady(entry, Path(folder)) if isinstance(entry, Source) else entry
            for entry in find_sources(paths)
        ]


def _steady(source: Source, folder: Path) -> Source:
    if source.path is not None:
        return replace(source, name=source.path.name, among_others=True)
    kept = folder / "stdin"  # it can be read once, and is looked at before it is read
    with kept.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file, BUFFER)
    return replace(source, path=kept)


def _holds_tagged_records(entry: Found) -> bool:
    """Say whether the first record of an input is a tagged one.

    Raises:
        InputError: it is one of CSV, which would be taken for an article.
    """
    if not isinstance(entry, Source):
        return False
    for first in Reader([entry], _TAGGED):
        if not isinstance(first, Item):
            continue
        if first.fields.keys() >= _FLAT_FIELDS:
            raise InputError(
                f"{entry.given}: expected tagged records as JSON Lines or Parquet, found tagged "
                "CSV: tag into a .jsonl file"
            )
        return first.fields.keys() >= TAGGED_FIELDS
    return False
