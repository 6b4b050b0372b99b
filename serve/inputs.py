"""From inputs to items to tag: text, HTML and JSON Lines, read as a stream.

Nothing is dropped silently: each input and each line becomes an Item, a Failure
with the reason, or a Note (see :mod:`claimwire.serve.items`). JSON Lines are read line by line, so
that memory does not grow with the file.
"""

from __future__ import annotations

import codecs
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import chain
from typing import Final, cast

from claimwire.data.decode import decode, looks_binary
from claimwire.data.errors import ClaimwireError, InputError
from claimwire.data.html import html_to_text, looks_like_html
from claimwire.serve.items import Failure, InputFormat, Item, Note, ReadOptions, Unit, Work
from claimwire.serve.records import parse_record, replace_lone_surrogates, text_of
from claimwire.serve.sources import (
    HTML_SUFFIXES,
    JSONL_SUFFIXES,
    TEXT_SUFFIXES,
    Found,
    Source,
)

REFUSED_SUFFIXES: Final = frozenset({".csv", ".tsv", ".xml", ".rtf"})
"""Text by its bytes, but not prose: read only where ``--input-format text`` says so."""

_BY_SUFFIX: Final = {
    **dict.fromkeys(TEXT_SUFFIXES, InputFormat.TEXT),
    **dict.fromkeys(HTML_SUFFIXES, InputFormat.HTML),
    **dict.fromkeys(JSONL_SUFFIXES, InputFormat.JSONL),
}
_BINARY_SAMPLE: Final = 65_536
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


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
            try:
                with _opened(entry) as handle:
                    yield from self._read(entry, handle)
            except OSError as error:
                reason = f"expected a readable file, found: {error.strerror or error}"
                yield Failure(entry.given, None, f"{reason}: check its permissions and its disk")

    def _read(self, source: Source, handle: io.BufferedIOBase) -> Iterator[Work]:
        head = handle.read1(_BINARY_SAMPLE)
        if looks_binary(head):
            yield Failure(source.given, None, _BINARY)
            return
        lines = self._counted(_lines(head, handle))
        if head.startswith(_UTF16_MARKS):
            decoded = decode(b"".join(lines))
            lines = iter(io.BytesIO(decoded.text.encode()))
            yield from _replaced_note(source, decoded.replaced, None)
        how, lines = self._format(source, lines)
        if isinstance(how, Failure):
            yield how
        elif how is InputFormat.JSONL:
            yield from self._read_lines(source, lines, self._record)
        elif self._options.unit is Unit.ARTICLE:
            yield from self._read_article(source, lines, how)
        elif how is InputFormat.HTML:
            yield Failure(source.given, None, _HTML_SENTENCES)
        else:
            yield from self._read_lines(source, lines, _sentence)

    def _counted(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            self.bytes_read += len(line)
            yield line

    def _format(
        self, source: Source, lines: Iterator[bytes]
    ) -> tuple[InputFormat | Failure, Iterator[bytes]]:
        """Tell how an input is to be read, and give back its lines from the first one."""
        if self._options.input_format is not InputFormat.AUTO:
            return self._options.input_format, lines
        suffix = source.path.suffix.lower() if source.path else ""
        if suffix in _BY_SUFFIX:
            return _BY_SUFFIX[suffix], lines
        if suffix in REFUSED_SUFFIXES:
            return Failure(source.given, None, _refused(suffix)), lines
        first = list(_through_first_text(lines))
        lines = chain(first, lines)
        if first and _is_json_object(first[-1]):
            return InputFormat.JSONL, lines
        if suffix == ".json":
            return Failure(source.given, None, _refused(suffix)), lines
        return InputFormat.TEXT, lines

    def _read_article(
        self, source: Source, lines: Iterator[bytes], how: InputFormat
    ) -> Iterator[Work]:
        """Read an input that is one article."""
        decoded = decode(b"".join(lines))
        text = decoded.text
        if not text.strip():
            yield Note(source.given, None, _EMPTY)
            return
        yield from _replaced_note(source, decoded.replaced, None)
        forced_text = self._options.input_format is InputFormat.TEXT
        is_html = how is InputFormat.HTML or (not forced_text and looks_like_html(text))
        yield _article(Item(source.given, None, source.name, text), is_html=is_html)

    def _read_lines(
        self,
        source: Source,
        lines: Iterator[bytes],
        read_line: Callable[[Source, int, str], Item | Failure],
    ) -> Iterator[Work]:
        """Read an input that holds one text a line; blank lines are no records."""
        replaced, first_replaced, count = 0, None, 0
        for number, line in enumerate(lines, start=1):
            decoded = decode(line)
            if not decoded.text.strip():
                continue
            count += 1
            item = read_line(source, number, decoded.text)
            bad = decoded.replaced
            if isinstance(item, Item):
                text, surrogates = replace_lone_surrogates(item.text)
                bad += surrogates
                item = replace(item, text=text) if surrogates else item
                is_page = not item.is_sentence and looks_like_html(text)
                item = _article(item, is_html=is_page)
            if bad and first_replaced is None:
                first_replaced = number
            replaced += bad
            yield item
        yield from _replaced_note(source, replaced, first_replaced)
        if not count:
            yield Note(source.given, None, _EMPTY)

    def _record(self, source: Source, number: int, line: str) -> Item | Failure:
        """Read one line of JSON Lines."""
        text_field = self._options.text_field
        try:
            record = parse_record(line)
            text = text_of(record, text_field)
        except InputError as error:
            return Failure(source.given, number, str(error))
        if self._options.unit is Unit.SENTENCE:
            return Item(source.given, number, number, text, record, is_sentence=True)
        identity = record.get("id")
        named = not isinstance(identity, bool) and identity != ""
        article_id = identity if isinstance(identity, str | int) and named else number
        fields = {name: value for name, value in record.items() if name != text_field}
        return Item(source.given, number, article_id, text, fields)


_EMPTY: Final = "empty: there is nothing to tag"
_BINARY: Final = (
    "expected text, HTML or JSON Lines, found binary data: "
    "convert it to text first (a PDF or Word file: export its text)"
)
_HTML_SENTENCES: Final = (
    "expected one sentence a line or JSON Lines for --unit sentence, found HTML: "
    "use --unit article, which takes the sentences out of it"
)


def _refused(suffix: str) -> str:
    return (
        f"expected text, HTML or JSON Lines, found a {suffix} file: write one JSON object a line "
        "into a .jsonl file, or say how to read it with --input-format"
    )


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


def _opened(source: Source) -> AbstractContextManager[io.BufferedIOBase]:
    if source.path is None:
        return nullcontext(cast("io.BufferedIOBase", sys.stdin.buffer))
    return source.path.open("rb")


def _lines(head: bytes, handle: io.BufferedIOBase) -> Iterator[bytes]:
    """Give the lines of ``head`` and of what follows it, each with its newline."""
    *whole, rest = head.split(b"\n")
    for line in whole:
        yield line + b"\n"
    rest += handle.readline()
    if rest:
        yield rest
    yield from handle


def _through_first_text(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Take lines up to and with the first that is not blank."""
    for line in lines:
        yield line
        if decode(line).text.strip():
            return


def _is_json_object(line: bytes) -> bool:
    text = decode(line).text.strip()
    if not text.startswith("{"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _replaced_note(source: Source, replaced: int, line: int | None) -> Iterator[Note]:
    """Warn of characters that could not be read."""
    if replaced:
        where = "" if line is None else f" (the first in line {line})"
        message = (
            f"invalid bytes or characters replaced by U+FFFD: {replaced}{where}; "
            "save the file as UTF-8 to keep them"
        )
        yield Note(source.given, None, message, warning=True)
