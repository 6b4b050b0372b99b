"""Strict readers of the two record shapes: documents, and single records.

A **document** is one line of JSON with all its sentences; the corpus consists of documents. A
**record** is one line with one labelled sentence, for sentences from outside the corpus. A line
that has ``sentences`` is a document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from claimwire.data.jsonlines import (
    Fault,
    JsonLine,
    describe_value,
    did_you_mean,
    raise_for_faults,
    read_json_lines,
)
from claimwire.data.shapes import (
    EXPECTED,
    OWN_MESSAGE,
    VOCABULARIES,
    Document,
    Genre,
    LabelledSentence,
    Record,
    Split,
    Theatre,
)

__all__ = [
    "Document",
    "Genre",
    "LabelledSentence",
    "Located",
    "Record",
    "Split",
    "Theatre",
    "flatten",
    "parse_documents",
    "parse_records",
    "read_documents",
    "read_records",
    "validate_line",
]

Shape = TypeVar("Shape", Document, Record)
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Located(Generic[Shape]):
    """A document or record and the line (from 1) that it stands on.

    ``sentence`` is the sentence's index in its document where a record was made from one.
    """

    line: int
    value: Shape
    sentence: int | None = None


def read_documents(path: Path) -> list[Document]:
    """Read a file of documents.

    Args:
        path: JSON Lines, one document a line.

    Returns:
        The documents in file order, at least one.

    Raises:
        InputError: there is no such file, or it cannot be read.
        CorpusError: at least one line breaks the contract; every fault is named.
    """
    documents, faults = parse_documents(path)
    raise_for_faults(faults)
    return [located.value for located in documents]


def read_records(path: Path) -> list[Record]:
    """Read a file of single records; lines that hold documents give one record a sentence.

    Args:
        path: JSON Lines, one record (or document) a line.

    Returns:
        The records in file order, at least one.

    Raises:
        InputError: there is no such file, or it cannot be read.
        CorpusError: at least one line breaks the contract; every fault is named.
    """
    records, faults = parse_records(path)
    raise_for_faults(faults)
    return [located.value for located in records]


def parse_documents(path: Path) -> tuple[list[Located[Document]], list[Fault]]:
    """Read a file of documents, returning the sound ones and all faults (see read_documents)."""
    lines, faults = read_json_lines(path)
    documents: list[Located[Document]] = []
    first_line: dict[str, int] = {}
    for line in lines:
        if "text" in line.value and "sentences" not in line.value:
            faults.append(
                Fault(
                    str(path),
                    line.number,
                    "",
                    "expected a document, found a single record: the corpus holds documents; "
                    "give a file of single records as extra data",
                )
            )
            continue
        document = validate_line(Document, path, line, faults)
        if document is None:
            continue
        earlier = first_line.setdefault(document.doc_id, line.number)
        if earlier != line.number:
            message = f"{document.doc_id!r} already stands in line {earlier}: give each its own"
            faults.append(Fault(str(path), line.number, "doc_id", message))
            continue
        documents.append(Located(line.number, document))
    return documents, _in_order(path, faults, "documents", found_any=bool(lines))


def parse_records(path: Path) -> tuple[list[Located[Record]], list[Fault]]:
    """Read a file of records, returning the sound ones and all faults (see read_records)."""
    lines, faults = read_json_lines(path)
    records: list[Located[Record]] = []
    for line in lines:
        if "sentences" in line.value:
            document = validate_line(Document, path, line, faults)
            if document is not None:
                records.extend(
                    Located(line.number, record, index)
                    for index, record in enumerate(flatten(document))
                )
        else:
            record = validate_line(Record, path, line, faults)
            if record is not None:
                records.append(Located(line.number, record))
    return records, _in_order(path, faults, "records", found_any=bool(lines))


def flatten(document: Document) -> list[Record]:
    """Return one record a sentence of ``document``, in order."""
    return [
        Record(
            text=sentence.text,
            labels=list(sentence.labels),
            doc_id=document.doc_id,
            theatre=document.theatre,
            genre=document.genre,
            year=document.year,
            hard=sentence.hard,
            is_title=sentence.is_title,
        )
        for sentence in document.sentences
    ]


def _in_order(path: Path, faults: list[Fault], kind: str, *, found_any: bool) -> list[Fault]:
    """Sort the faults by line; a file without any line is a fault of its own."""
    if not found_any and not faults:
        message = f"expected {kind}, found an empty file: fill or remove it"
        return [Fault(str(path), None, "", message)]
    return sorted(faults, key=lambda fault: fault.line or 0)


def validate_line(
    shape: type[Model],
    path: Path,
    line: JsonLine,
    faults: list[Fault],
    expected: Mapping[str, str] = EXPECTED,
) -> Model | None:
    """Validate one line as ``shape``; where it does not fit, add its faults and return None.

    Args:
        shape: what the line is to hold.
        path: the file, for the faults.
        line: the line.
        faults: what is wrong is added to it, in plain words.
        expected: what each field of ``shape`` holds, in the words of the messages.
    """
    try:
        return shape.model_validate(line.value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            field, message = _explain(shape, detail, expected)
            faults.append(Fault(str(path), line.number, field, message))
    return None


def _explain(
    shape: type[BaseModel], detail: ErrorDetails, expected: Mapping[str, str]
) -> tuple[str, str]:
    """Return the field that a validation error is about and, in plain words, what is wrong."""
    kind, location, found = detail["type"], detail["loc"], detail["input"]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    field = path.removeprefix(".")
    leaf = str(location[-1]) if location else ""
    if kind == OWN_MESSAGE:
        return field, detail["msg"]
    if kind == "extra_forbidden":
        fields = (LabelledSentence if len(location) > 1 else shape).model_fields
        hint = did_you_mean(leaf, fields)
        return field, f"unknown field: expected only {', '.join(fields)}{hint}"
    if kind == "string_unicode":
        return field, "expected text, found half of a surrogate pair: remove or complete it"
    meant = next(expected[str(part)] for part in reversed(location) if part in expected)
    if kind == "missing":
        return field, f"missing: expected {meant}; add it"
    hint = did_you_mean(found, VOCABULARIES.get(leaf, ()))
    return field, f"expected {meant}, found {describe_value(found)}{hint}"
