"""From inputs to items to tag: text, HTML, JSON Lines, CSV and Parquet, read as a stream.

Nothing is dropped silently: each input and each record becomes an Item, a Failure
with the reason, or a Note (see :mod:`claimwire.serve.items`). Records are read one by one, so
that memory does not grow with the file.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import BinaryIO, Final, cast

from claimwire.data.decode import decode, decode_utf8, looks_binary
from claimwire.data.errors import ClaimwireError, InputError
from claimwire.data.html import html_to_text, looks_like_html
from claimwire.serve.items import Failure, InputFormat, Item, Note, ReadOptions, Unit, Work
from claimwire.serve.lines import is_json_object, joined, through_first_text
from claimwire.serve.opening import MOST_BYTES, CutLine, Stream, opened
from claimwire.serve.reasons import (
    BINARY,
    EMPTY,
    HTML_SENTENCES,
    TOO_LONG,
    TOO_LONG_UTF16,
    broken_gzip,
    refused,
    replaced,
)
from claimwire.serve.records import parse_record, replace_lone_surrogates, text_of
from claimwire.serve.sources import (
    CSV_SUFFIXES,
    HTML_SUFFIXES,
    JSONL_SUFFIXES,
    PARQUET_SUFFIXES,
    TEXT_SUFFIXES,
    Found,
    Source,
)
from claimwire.serve.tabular import Row, csv_rows, parquet_rows

REFUSED_SUFFIXES: Final = frozenset({".xml", ".rtf"})
"""Text by its bytes, but not prose: read only where ``--input-format text`` says so."""

_BY_SUFFIX: Final = {
    **dict.fromkeys(TEXT_SUFFIXES, InputFormat.TEXT),
    **dict.fromkeys(HTML_SUFFIXES, InputFormat.HTML),
    **dict.fromkeys(JSONL_SUFFIXES, InputFormat.JSONL),
    **dict.fromkeys(CSV_SUFFIXES, InputFormat.CSV),
    **dict.fromkeys(PARQUET_SUFFIXES, InputFormat.PARQUET),
}
_PARQUET_MAGIC: Final = b"PAR1"
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_Entry = tuple[int, Item | Failure, int]
"""A record's number, what it gave, and how many characters of it were replaced."""


class Reader:
    """Reads inputs one after the other.

    Attributes:
        bytes_read: bytes read so far, for a progress bar.
    """

    def __init__(self, found: Sequence[Found], options: ReadOptions) -> None:
        self._found = found
        self._options = options
        self.bytes_read = 0

    @property
    def total_bytes(self) -> int | None:
        """Bytes of all inputs together, None where they cannot be known beforehand."""
        paths = [entry.path for entry in self._found if isinstance(entry, Source)]
        try:
            sizes = [path.stat().st_size for path in paths if path is not None and path.is_file()]
        except OSError:
            return None
        return sum(sizes) if len(sizes) == len(paths) else None

    def __iter__(self) -> Iterator[Work]:
        """Read the inputs; a failure of one leaves the others alone."""
        for entry in self._found:
            if not isinstance(entry, Source):
                yield entry
                continue
            before = self.bytes_read
            try:
                with opened(entry) as handle:
                    yield from self._read(entry, handle, before)
            except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                yield Failure(entry.given, None, broken_gzip(error))
            except OSError as error:
                reason = f"expected a readable file, found: {error.strerror or error}"
                yield Failure(entry.given, None, f"{reason}: check its permissions and its disk")

    def _read(self, source: Source, handle: io.BufferedIOBase, before: int) -> Iterator[Work]:
        stream = Stream(handle, self._add_bytes)
        if self._is_parquet(source, stream):
            if not stream.head:
                yield Note(source.given, None, EMPTY)
                return
            rest = handle if handle.seekable() else io.BytesIO(stream.read())
            yield from self._read_parquet(source, cast("BinaryIO", rest), before)
            return
        if looks_binary(stream.head):
            yield Failure(source.given, None, BINARY)
            return
        lines: Iterator[bytes] = iter(stream)
        if stream.head.startswith(_UTF16_MARKS):
            raw = stream.read(MOST_BYTES + 1)
            if len(raw) > MOST_BYTES:
                yield Failure(source.given, None, TOO_LONG_UTF16)
                return
            decoded = decode(raw)
            lines = iter(io.BytesIO(decoded.text.encode()))
            yield from _replaced_note(source, decoded.replaced, None)
        how, lines = self._format(source, lines)
        if isinstance(how, Failure):
            yield how
        elif how is InputFormat.JSONL:
            yield from self._gather(source, self._line_entries(source, lines, self._json_record))
        elif how is InputFormat.CSV:
            yield from self._read_csv(source, lines)
        elif self._options.unit is Unit.ARTICLE:
            yield from self._read_article(source, lines, how)
        elif how is InputFormat.HTML:
            yield Failure(source.given, None, HTML_SENTENCES)
        else:
            yield from self._gather(source, self._line_entries(source, lines, _sentence))

    def _add_bytes(self, count: int) -> None:
        self.bytes_read += count

    def _is_parquet(self, source: Source, stream: Stream) -> bool:
        asked = self._options.input_format
        if asked is not InputFormat.AUTO:
            return asked is InputFormat.PARQUET
        named = source.suffix in PARQUET_SUFFIXES
        return not stream.zipped and (named or stream.head.startswith(_PARQUET_MAGIC))

    def _format(
        self, source: Source, lines: Iterator[bytes]
    ) -> tuple[InputFormat | Failure, Iterator[bytes]]:
        """Tell how an input is to be read, and give back its lines from the first one."""
        if self._options.input_format is not InputFormat.AUTO:
            return self._options.input_format, lines
        suffix = source.suffix
        if suffix in _BY_SUFFIX:
            return _BY_SUFFIX[suffix], lines
        if suffix in REFUSED_SUFFIXES:
            return Failure(source.given, None, refused(suffix)), lines
        first = list(through_first_text(lines))
        lines = chain(first, lines)
        if first and is_json_object(first[-1]):
            return InputFormat.JSONL, lines
        if suffix == ".json":
            return Failure(source.given, None, refused(suffix)), lines
        return InputFormat.TEXT, lines

    def _read_article(
        self, source: Source, lines: Iterator[bytes], how: InputFormat
    ) -> Iterator[Work]:
        """Read an input that is one article."""
        raw = joined(lines)
        if raw is None:
            yield Failure(source.given, None, TOO_LONG)
            return
        decoded = decode(raw)
        text = decoded.text
        if not text.strip():
            yield Note(source.given, None, EMPTY)
            return
        yield from _replaced_note(source, decoded.replaced, None)
        forced_text = self._options.input_format is InputFormat.TEXT
        is_html = how is InputFormat.HTML or (not forced_text and looks_like_html(text))
        yield _article(Item(source.given, None, source.name, text), is_html=is_html)

    def _read_csv(self, source: Source, lines: Iterator[bytes]) -> Iterator[Work]:
        rows = csv_rows(lines, self._options.text_field)
        try:
            yield from self._gather(source, self._row_entries(source, rows))
        except InputError as error:
            yield Failure(source.given, None, str(error))

    def _read_parquet(self, source: Source, handle: BinaryIO, before: int) -> Iterator[Work]:
        size = handle.seek(0, io.SEEK_END)
        handle.seek(0)

        def on_share(share: float) -> None:
            self.bytes_read = before + int(share * size)

        rows = parquet_rows(handle, self._options.text_field, on_share)
        try:
            yield from self._gather(source, self._row_entries(source, rows))
        except ClaimwireError as error:
            yield Failure(source.given, None, str(error))
        self.bytes_read = before + size

    def _row_entries(self, source: Source, rows: Iterable[Row]) -> Iterator[_Entry]:
        for row in rows:
            yield row.number, self._item(source, row.number, row.record), row.replaced

    @staticmethod
    def _line_entries(
        source: Source,
        lines: Iterator[bytes],
        read_line: Callable[[Source, int, str], Item | Failure],
    ) -> Iterator[_Entry]:
        """Read an input that holds one text a line; blank lines are no records."""
        for number, line in enumerate(lines, start=1):
            if isinstance(line, CutLine):
                yield number, Failure(source.given, number, TOO_LONG), 0
                continue
            decoded = decode_utf8(line)
            if decoded.text.strip():
                yield number, read_line(source, number, decoded.text), decoded.replaced

    @staticmethod
    def _gather(source: Source, entries: Iterable[_Entry]) -> Iterator[Work]:
        """Give the items of an input of many records, and what is to be known of it as a whole."""
        bad_signs, first_bad, count = 0, None, 0
        for number, item, bad in entries:
            count += 1
            if isinstance(item, Item):
                text, surrogates = replace_lone_surrogates(item.text)
                bad += surrogates
                item = replace(item, text=text) if surrogates else item
                is_page = not item.is_sentence and looks_like_html(text)
                item = _article(item, is_html=is_page)
            if bad and first_bad is None:
                first_bad = number
            bad_signs += bad
            yield item
        yield from _replaced_note(source, bad_signs, first_bad)
        if not count:
            yield Note(source.given, None, EMPTY)

    def _json_record(self, source: Source, number: int, line: str) -> Item | Failure:
        """Read one line of JSON Lines."""
        try:
            return self._item(source, number, parse_record(line))
        except InputError as error:
            return Failure(source.given, number, str(error))

    def _item(
        self, source: Source, number: int, record: dict[str, object] | InputError
    ) -> Item | Failure:
        """Make an item of a record."""
        text_field = self._options.text_field
        if isinstance(record, InputError):
            return Failure(source.given, number, str(record))
        try:
            text = text_of(record, text_field)
        except InputError as error:
            return Failure(source.given, number, str(error))
        if len(text) > MOST_BYTES:
            return Failure(source.given, number, TOO_LONG)
        if self._options.unit is Unit.SENTENCE:
            return Item(source.given, number, number, text, record, is_sentence=True)
        fields = {name: value for name, value in record.items() if name != text_field}
        return Item(source.given, number, _article_id(source, number, record), text, fields)


def _article_id(source: Source, number: int, record: dict[str, object]) -> str | int:
    """Return a record's ``id``, else its number, which among several inputs bears their name."""
    identity = record.get("id")
    if isinstance(identity, str | int) and not isinstance(identity, bool) and identity != "":
        return identity
    return f"{source.name}:{number}" if source.among_others else number


def _sentence(source: Source, number: int, line: str) -> Item | Failure:
    """Read one line of a text in which each line is a sentence."""
    text = line.rstrip("\r\n")
    return Item(source.given, number, number, text, {"text": text}, is_sentence=True)


def _article(item: Item, *, is_html: bool) -> Item | Failure:
    """Take the text out of an article that is HTML; give any other back as it is."""
    if not is_html:
        return item
    try:
        text = html_to_text(item.text)
    except ClaimwireError as error:
        return Failure(item.file, item.line, str(error))
    return replace(item, text=text, extracted=True)


def _replaced_note(source: Source, count: int, line: int | None) -> Iterator[Note]:
    """Warn of characters that could not be read."""
    if count:
        yield Note(source.given, None, replaced(count, line), warning=True)
