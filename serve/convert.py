"""Rows that waited as JSON Lines to CSV and Parquet, whose columns are known only at the end."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO, Final

from claimwire.data.errors import MissingExtraError
from claimwire.data.labels import LABELS
from claimwire.serve.records import replace_lone_surrogates

ROWS_AT_ONCE: Final = 8_192
"""Rows of a row group of Parquet, which are in memory together."""

_EXACT: Final = 2**53
"""Whole numbers up to this one are exact as doubles."""


class TextStream:
    """Text into a stream of bytes, as UTF-8 whatever the locale says.

    Unlike :class:`io.TextIOWrapper` it does not own the stream, and so never closes it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text; halves of surrogate pairs become question marks."""
        self._stream.write(text.encode("utf-8", "replace"))
        return len(text)


def to_csv(rows: BinaryIO, stream: BinaryIO) -> None:
    """Write CSV (RFC 4180, UTF-8, with a header, none for no rows).

    An object or list in a cell is JSON text; null and a missing field are empty.

    Args:
        rows: flat records, one JSON object a line.
        stream: where the CSV goes.
    """
    columns: dict[str, None] = {}
    for record in _records(rows):
        columns.update(dict.fromkeys(record))
    writer = csv.writer(TextStream(stream))
    if columns:
        writer.writerow([_cell(name) for name in columns])
    for record in _records(rows):
        writer.writerow([_cell(record.get(name)) for name in columns])


Kinds = dict[str, set[str]]
"""Columns in order, each with the kinds of its values."""


def column_kinds(rows: BinaryIO) -> Kinds:
    """Return the columns that :func:`to_parquet` makes of rows."""
    kinds: Kinds = {}
    for record in _records(rows):
        for name, value in record.items():
            kinds.setdefault(name, set()).update(_kinds(value))
    return kinds


def to_parquet(rows: BinaryIO, stream: BinaryIO, kinds: Kinds | None = None) -> None:
    """Write Parquet: ``labels`` a list, ``scores`` a struct, each input field a column.

    A column has the type of its values where they are all of one: bool, int64, double (whole
    numbers among them, where that is exact) or string. Of others each value is JSON text.

    Args:
        rows: records, one JSON object a line.
        stream: where the file goes.
        kinds: columns of these and other rows, which are to have the same types; by default those
            of these rows.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    pa, pq = _pyarrow()
    kinds = column_kinds(rows) if kinds is None else kinds
    schema = pa.schema([(_string(name), _type(pa, name, kinds[name])) for name in kinds])
    with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
        records = _records(rows)
        while chunk := list(islice(records, ROWS_AT_ONCE)):
            columns = [
                pa.array([_value(record.get(name), kind.type) for record in chunk], kind.type)
                for name, kind in zip(kinds, schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def check_parquet() -> None:
    """Refuse early what would fail at the end.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    _pyarrow()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError("files", "writing Parquet") from error
    return pa, pq


def _records(rows: BinaryIO) -> Iterator[dict[str, Any]]:
    rows.seek(0)
    for line in rows:
        yield json.loads(line)


def _kinds(value: object) -> Iterable[str]:
    match value:
        case None:
            return ()
        case bool():
            return ("bool",)
        case int():
            if abs(value) <= _EXACT:
                return ("int",)
            return ("long",) if -(2**63) <= value < 2**63 else ("other",)
        case float():
            return ("float",)
        case str():
            return ("str",)
        case _:
            return ("other",)


def _type(pa: Any, name: str, kinds: set[str]) -> Any:
    # No input field bears these two names: they are renamed.
    if name == "labels":
        return pa.list_(pa.string())
    if name == "scores":
        return pa.struct([(label.value, pa.float64()) for label in LABELS])
    if kinds == {"bool"}:
        return pa.bool_()
    if kinds and kinds <= {"int", "long"}:
        return pa.int64()
    if kinds and kinds <= {"int", "float"}:
        return pa.float64()
    return pa.string()


def _value(value: object, kind: Any) -> object:
    """Return a value as its column wants it."""
    match value:
        case None:
            return None
        case int() if str(kind) == "double":
            return float(value)
        case _ if str(kind) != "string":
            return value
        case str():
            return _string(value)
        case _:
            return json.dumps(value, ensure_ascii=True)


def _string(text: str) -> str:
    return replace_lone_surrogates(text)[0]


def _cell(value: object) -> str:
    """Return a value as a cell."""
    match value:
        case None:
            return ""
        case str():
            return _string(value)
        case _:
            return json.dumps(value, ensure_ascii=False)
