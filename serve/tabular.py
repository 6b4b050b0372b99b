"""Records out of CSV and Parquet: one dict a row, or the reason why there is none.

Both are read as streams. CSV is read strictly: a row with more or fewer cells than the header, or a
quotation mark that is never closed, is named instead of being shifted or swallowed in silence.
"""

from __future__ import annotations

import csv
import math
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

from claimwire.data.decode import decode_utf8
from claimwire.data.errors import InputError, MissingExtraError
from claimwire.serve.opening import MOST_BYTES, CutLine
from claimwire.serve.reasons import TOO_LONG

if TYPE_CHECKING:
    import pyarrow as pa

DELIMITERS: Final = ",;\t"
"""Tried in this order on the header, until it has the column of the text."""

_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)?[ T]?(\d\d:\d\d:\d\d(\.\d+)?)?(Z|[+-]\d{4})?")
_OFFSET: Final = re.compile(r"([+-]\d\d)(\d\d)$")
_PARTS_OF_A_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

ROWS_AT_ONCE: Final = 256
"""Rows of Parquet that are turned into records at a time."""


class _CutLineError(csv.Error):
    """A line is too long."""


class Row(NamedTuple):
    """One row.

    Attributes:
        number: of CSV the line on which it begins, of Parquet the row; from 1.
        record: its cells by column, or the reason why it cannot be read.
        replaced: number of U+FFFD put in for invalid bytes.
    """

    number: int
    record: dict[str, object] | InputError
    replaced: int = 0


def csv_rows(lines: Iterable[bytes], text_field: str) -> Iterator[Row]:
    """Read CSV with a header; blank lines are no rows.

    Args:
        lines: raw lines, each with its newline.
        text_field: the column that must be there; it tells the delimiter as well.

    Raises:
        InputError: the header does not have that column, or one column twice.
    """
    if csv.field_size_limit() < MOST_BYTES:
        csv.field_size_limit(MOST_BYTES)  # of csv's own, for the whole process: 128 KiB
    text = _Decoded(lines)
    try:
        header = next((line for line in text if line.strip()), None)
    except _CutLineError:
        raise InputError(TOO_LONG) from None
    if header is None:
        return
    columns, delimiter = _header(header, text_field)
    text.replaced = 0
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    while True:
        number = text.lines + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(number, _malformed(error, number, text.lines), text.taken())
            continue
        if not text.is_blank or len(cells) > 1:  # a blank line; in quotation marks it is a cell
            yield Row(number, _record(columns, cells), text.taken())


class _Decoded:
    """Lines of bytes as text; counts them, and the characters replaced since asked last."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self.lines = 0
        self.replaced = 0
        self.is_blank = False  # the last line

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.lines += 1
        if isinstance(line, CutLine):
            raise _CutLineError
        decoded = decode_utf8(line)
        self.is_blank = not decoded.text.strip()
        self.replaced += decoded.replaced
        return decoded.text

    def taken(self) -> int:
        replaced, self.replaced = self.replaced, 0
        return replaced


def _header(line: str, text_field: str) -> tuple[list[str], str]:
    """Return the columns and the delimiter between them."""
    for delimiter in DELIMITERS:
        try:
            [columns] = csv.reader([line.rstrip("\r\n")], delimiter=delimiter, strict=True)
        except (csv.Error, ValueError):  # an open quotation mark
            continue
        if text_field in columns:
            _refuse_twins(columns)
            return columns, delimiter
    raise InputError(
        f"expected a header with a column {text_field!r} in the first line, found {_shown(line)}: "
        "add a header, or name the column with --text-field"
    )


def _record(columns: list[str], cells: list[str]) -> dict[str, object] | InputError:
    if len(cells) == len(columns):
        return dict(zip(columns, cells, strict=True))
    return InputError(
        f"expected {len(columns)} cells, as in the header, found {len(cells)}: "
        "put cells that hold the delimiter in quotation marks"
    )


def _malformed(error: csv.Error, first: int, last: int) -> InputError:
    if isinstance(error, _CutLineError):
        return InputError(TOO_LONG)
    where = f"line {first}" if last <= first else f"lines {first} to {last}"
    return InputError(
        f"expected a CSV row, found malformed CSV in {where} ({error}): close quotation marks, and "
        "double those inside a cell"
    )


def parquet_rows(
    stream: BinaryIO, text_field: str, on_share: Callable[[float], None]
) -> Iterator[Row]:
    """Read Parquet; values become what JSON has.

    Times become ISO 8601, decimals text, bytes base64, NaN and infinity null.

    Args:
        stream: a file that can seek.
        text_field: the column that must be there.
        on_share: told the share of the rows read so far.

    Raises:
        InputError: it is no readable Parquet, or lacks that column, or has one twice.
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError("files", "reading Parquet") from error
    number = 0
    try:
        table = pq.ParquetFile(stream)
        columns = list(table.schema_arrow.names)
        if text_field not in columns:
            raise InputError(
                f"expected a column {text_field!r}, found {_shown(', '.join(columns))}: "
                "name the column with --text-field"
            )
        _refuse_twins(columns)
        for batch in table.iter_batches(batch_size=ROWS_AT_ONCE):
            for record in _records(batch):
                number += 1
                yield Row(number, record)
            on_share(number / max(1, table.metadata.num_rows))
    # Damaged files raise whatever the damage breaks first, down to a date beyond Python's.
    except (
        pa.ArrowException,
        OSError,
        ValueError,
        OverflowError,
        TypeError,
        LookupError,
        AttributeError,
    ) as error:
        reason = " ".join(str(error).split())[:200]
        after = f" after row {number}" if number else ""
        raise InputError(
            f"expected a Parquet file, found what cannot be read{after} ({reason}): write it again"
        ) from error


def _records(batch: pa.RecordBatch) -> Iterator[dict[str, object] | InputError]:
    """Give the rows of a batch; one with a value that Python has no type for leaves the others."""
    try:
        records = batch.to_pylist()
    except (ValueError, OverflowError):
        yield from (_record_of(batch, row) for row in range(batch.num_rows))
        return
    for record in records:
        yield {name: _json_value(value) for name, value in record.items()}


def _record_of(batch: pa.RecordBatch, row: int) -> dict[str, object] | InputError:
    record = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            record[name] = _of_scalar(column[row])
        except (ValueError, OverflowError, NotImplementedError) as error:  # Arrow's are these too
            return InputError(
                f"expected values that can be read, found one of type {column.type} in column "
                f"{_shown(name)} that cannot ({' '.join(str(error).split())[:100]}): correct it, "
                "or leave the column out"
            )
    return record


def _of_scalar(scalar: Any) -> object:
    """Return what JSON has for a value of Arrow, times finer or later than Python's among them."""
    import pyarrow as pa

    try:
        return _json_value(scalar.as_py())
    except (ValueError, OverflowError):
        if isinstance(scalar, pa.StructScalar):
            return {name: _of_scalar(value) for name, value in scalar.items()}
        if isinstance(scalar, pa.MapScalar):
            return [[_of_scalar(pair["key"]), _of_scalar(pair["value"])] for pair in scalar.values]
        if isinstance(scalar, pa.ListScalar):
            return [_of_scalar(value) for value in scalar]
        if isinstance(scalar, pa.DurationScalar):
            return float(scalar.value) / _PARTS_OF_A_SECOND[scalar.type.unit]
        text = str(scalar.cast(pa.string()).as_py()) if pa.types.is_temporal(scalar.type) else ""
        # Beyond its range Arrow writes "<value out of range: ...>", or nonsense.
        if not text or not _TIME.fullmatch(text):
            raise
        return _OFFSET.sub(r"\1:\2", text.replace(" ", "T", 1))


def _json_value(value: Any) -> object:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes():
            return b64encode(value).decode("ascii")
        case dict():
            return {str(name): _json_value(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_json_value(inner) for inner in value]
        case _:  # a decimal, a UUID
            return str(value)


def _refuse_twins(columns: list[str]) -> None:
    [(name, times)] = Counter(columns).most_common(1)
    if times > 1:
        raise InputError(
            f"expected each column once, found {name!r} {times} times: rename one of them"
        )


def _shown(text: str) -> str:
    text = " ".join(text.split())
    return repr(text[:60]) + ("..." if len(text) > 60 else "")
