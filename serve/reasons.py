"""Why an input cannot be read, in words: what was expected, what was found, what to do."""

from __future__ import annotations

from typing import Final

from claimwire.serve.opening import MOST_BYTES

EMPTY: Final = "empty: there is nothing to tag"
BINARY: Final = (
    "expected text, HTML, JSON Lines, CSV or Parquet, found binary data: "
    "convert it to text first (a PDF or Word file: export its text)"
)
HTML_SENTENCES: Final = (
    "expected one sentence a line, or records, for --unit sentence, found HTML: "
    "use --unit article, which takes the sentences out of it"
)
TOO_LONG: Final = (
    f"expected a text of at most {MOST_BYTES // 2**20} MiB, found more (some 70 kB of "
    "gzip can hold it): split it"
)
TOO_LONG_UTF16: Final = (
    f"expected at most {MOST_BYTES // 2**20} MiB of UTF-16, which is read as a whole, found more: "
    "save it as UTF-8, which is read line by line"
)


def broken_gzip(error: Exception) -> str:
    """Say that gzip data is damaged."""
    return (
        f"expected whole gzip data, found what cannot be decompressed ({error}): get the file "
        "again (records before the damage are tagged)"
    )


def refused(suffix: str) -> str:
    """Say that files of a suffix are no prose."""
    return (
        f"expected text, HTML, JSON Lines, CSV or Parquet, found a {suffix} file: "
        "write one JSON object a line into a .jsonl file, or say how to read it with --input-format"
    )


def replaced(count: int, line: int | None) -> str:
    """Say that so many characters could not be read, the first in a line."""
    where = "" if line is None else f" (the first in line {line})"
    return (
        f"invalid bytes or characters replaced by U+FFFD: {count}{where}; "
        "save the file as UTF-8 to keep them"
    )
