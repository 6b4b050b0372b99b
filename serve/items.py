"""The vocabulary of reading: what is asked for, what comes out, what failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Unit(StrEnum):
    """What one text is: an article, to be split into sentences, or one sentence."""

    ARTICLE = "article"
    SENTENCE = "sentence"


class InputFormat(StrEnum):
    """How an input is read; AUTO goes by the suffix, then by the first line."""

    AUTO = "auto"
    TEXT = "text"
    HTML = "html"
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How inputs are read.

    Attributes:
        unit: whether a text is an article or a sentence.
        input_format: the format of all inputs, or AUTO.
        text_field: the field of a record (JSON Lines, CSV, Parquet) that holds its text.
    """

    unit: Unit = Unit.ARTICLE
    input_format: InputFormat = InputFormat.AUTO
    text_field: str = "text"


@dataclass(frozen=True, slots=True)
class Item:
    """One text to tag.

    Attributes:
        file: the input as given.
        line: its line from 1 in JSON Lines and CSV, or in text read as one sentence a line; its
            row from 1 in Parquet.
        article_id: the record's ``id``, else its line number (with the name of its input where
            there are several); of an input that is one article the name.
        text: the article or sentence.
        fields: the input record's fields that travel to the output.
        extracted: true where ``text`` was taken out of HTML, and so stands in no input.
        is_sentence: true where ``text`` is one sentence, which is not split.
    """

    file: str
    line: int | None
    article_id: str | int
    text: str
    fields: Mapping[str, object] = field(default_factory=dict)
    extracted: bool = False
    is_sentence: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that could not be tagged.

    Attributes:
        file: the input as given.
        line: line number from 1, None where the whole input failed.
        reason: what was expected, what was found, what to do.
    """

    file: str
    line: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the user should know although nothing failed.

    Attributes:
        file: the input as given.
        line: line number from 1, None where it is about the whole input.
        message: what happened.
        warning: true where the result may not be what the user expects.
    """

    file: str
    line: int | None
    message: str
    warning: bool = False


Work = Item | Failure | Note
"""What reading an input gives, one after the other."""
