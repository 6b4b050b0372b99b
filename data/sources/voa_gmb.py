"""Voice of America in the Groningen Meaning Bank: one token a row, in a zipped CSV table.

The tokens are put together again to sentences. The table has been through a spreadsheet, which
regrouped some numbers ("4,40,000") and shouted two words ("TRUE"); both are mended. Some sentences
were labelled with the numbers as they are, so a sentence that has one comes in both forms.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from typing import Final

from claimwire.data.sources.article import Article

_TABLE: Final = "ner_dataset.csv"
_ENCODING: Final = "cp1252"
_LEFT_GLUED: Final = re.compile(
    r"[.,;:?!%)\]}]|\.\.\.|n't|'(?:s|m|d|ll|re|ve)?|’\w{0,2}", re.IGNORECASE
)
_RIGHT_GLUED: Final = frozenset("([{$#")
_BAD_GROUPS: Final = re.compile(r"\b\d{1,2}(?:,\d{2})+,\d{3}\b")
_QUOTES: Final = ('"', "``", "''")


def articles(raw: bytes) -> Iterator[Article]:
    """Yield the sentences of the table, each as a text of its own.

    Args:
        raw: a zip archive that holds ``ner_dataset.csv``, with one token a row and, on the first
            row of each sentence, its number.

    Raises:
        zipfile.BadZipFile: the file is no zip archive.
        KeyError: the archive lacks the table.
    """
    with zipfile.ZipFile(io.BytesIO(raw)) as archive, archive.open(_TABLE) as table:
        rows = csv.reader(io.TextIOWrapper(table, encoding=_ENCODING, errors="replace", newline=""))
        next(rows, None)
        for tokens in _sentences(rows):
            sentence = detokenise(tokens)
            mended = _BAD_GROUPS.sub(_regrouped, sentence)
            for text in dict.fromkeys((mended, sentence)):
                yield Article(text, is_sentence=True)


def _sentences(rows: Iterable[list[str]]) -> Iterator[list[str]]:
    """Yield the tokens of each sentence; a row with a first column begins the next one."""
    tokens: list[str] = []
    for row in rows:
        if row[0] and tokens:
            yield tokens
            tokens = []
        if len(row) > 1 and row[1].strip():
            tokens.append(row[1].strip())
    if tokens:
        yield tokens


def detokenise(tokens: Iterable[str]) -> str:
    """Return the sentence that ``tokens`` stand for.

    Closing marks and contractions join what stands before, opening marks what follows; straight
    double quotes open and close in turn.
    """
    text = ""
    glue = True
    open_quote = False
    for token in tokens:
        if token in _QUOTES:
            text += '"' if glue or open_quote else ' "'
            open_quote = not open_quote
            glue = open_quote
            continue
        word = {"TRUE": "true", "FALSE": "false"}.get(token, token)
        text += word if glue or _LEFT_GLUED.fullmatch(word) else f" {word}"
        glue = word in _RIGHT_GLUED
    return text


def _regrouped(number: re.Match[str]) -> str:
    """Return a number with its digits in groups of three."""
    return f"{int(number[0].replace(',', '')):,}"
