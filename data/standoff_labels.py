"""Stand-off labels: what we say about real sentences, without the sentences.

``data/standoff/labels.jsonl`` holds one labelling a line, sorted by id and labeller. A sentence is
known by its digest alone, so that the file may be shared where the text may not. Several passes may
label one sentence; ``final`` settles it, else ``first`` counts.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from claimwire.data.documents import Record, read_records, validate_line
from claimwire.data.errors import CorpusError, InputError
from claimwire.data.jsonlines import Fault, describe_value, raise_for_faults, read_json_lines
from claimwire.data.shapes import EXPECTED, OWN_MESSAGE, Labels, Split, Text, TheatreName

Labeller = Literal["first", "second", "final"]

DIGEST_LENGTH: Final = 16
"""Hexadecimal digits: 64 bits, enough to tell a few million sentences apart."""

_NOT_A_WORD: Final = re.compile(r"[^a-z0-9]+")
_PRECEDENCE: Final[tuple[Labeller, ...]] = ("final", "first")
_EXPECTED: Final = EXPECTED | {
    "id": f"{DIGEST_LENGTH} hexadecimal digits",
    "labeller": "one of first, second, final",
    "path": "a path relative to the source's repository",
}
_SAME_FOR_A_SENTENCE: Final = ("source", "doc_id", "path", "theatre", "split", "round")


def words(text: str) -> str:
    """Return what the digest sees: NFKC, lower case, ASCII letters and digits, single spaces."""
    return _NOT_A_WORD.sub(" ", unicodedata.normalize("NFKC", text).lower()).strip()


def sentence_digest(text: str) -> str:
    """Return the id of a sentence; case, punctuation and white space do not matter."""
    return short_digest(hashlib.sha256(words(text).encode()))


def short_digest(whole: hashlib._Hash) -> str:
    """Return the first digits of a sha256, as ids have them."""
    return whole.hexdigest()[:DIGEST_LENGTH]


def _inside(path: str) -> str:
    """Refuse a path that could lead out of the folder of its source."""
    parts = PurePosixPath(path).parts
    if path.startswith("/") or "\\" in path or ".." in parts:
        raise PydanticCustomError(
            OWN_MESSAGE,
            "expected {expected}, found {found}",
            {"expected": _EXPECTED["path"], "found": describe_value(path)},
        )
    return path


class Labelling(BaseModel):
    """What one pass says about one sentence.

    Attributes:
        id: the sentence's digest (see :func:`sentence_digest`).
        source: name of the collection, such as ``wikipedia``.
        doc_id: the document; splits are by document.
        path: the file, relative to the root of the source's repository.
        theatre: where the reported events take place.
        split: train, validation or test.
        labels: one or more labels, the primary first; ``background`` only alone.
        hard: two careful readers could differ.
        round: round of annotation in which the sentence was drawn, from 0.
        labeller: ``first`` or ``second`` (blind to each other), or ``final`` (adjudicated).
        note: why, where an adjudicator gave a reason.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=rf"^[0-9a-f]{{{DIGEST_LENGTH}}}$")]
    source: Text
    doc_id: Text
    path: Annotated[Text, AfterValidator(_inside)]
    theatre: TheatreName
    split: Split
    labels: Labels
    hard: bool
    round: Annotated[int, Field(ge=0)]
    labeller: Labeller
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Standoff:
    """All labellings of a file, sorted by id and labeller."""

    labellings: tuple[Labelling, ...]

    def settled(self) -> list[Labelling]:
        """Return one labelling a sentence, sorted by id: ``final`` where there is one.

        A sentence that only the second pass has labelled is not settled and is left out.
        """
        chosen: dict[str, Labelling] = {}
        for labeller in reversed(_PRECEDENCE):
            chosen |= {each.id: each for each in self.labellings if each.labeller == labeller}
        return [chosen[digest] for digest in sorted(chosen)]


def standoff_folder() -> Path:
    """Return the folder of the labels in a clone of the repository; wheels leave it out."""
    return Path(__file__).resolve().parent / "standoff"


def read_labels(path: Path) -> Standoff:
    """Read a file of stand-off labels.

    Args:
        path: JSON Lines, one labelling a line, in any order.

    Raises:
        InputError: there is no such file, or it cannot be read.
        CorpusError: a line breaks the format, the same pass labels a sentence twice, two passes
            disagree on where a sentence stands, or a document stands in two splits.
    """
    lines, faults = read_json_lines(path)
    labellings: list[tuple[int, Labelling]] = []
    for line in lines:
        labelling = validate_line(Labelling, path, line, faults, _EXPECTED)
        if labelling is not None:
            labellings.append((line.number, labelling))
    faults += _contradictions(path, labellings)
    raise_for_faults(sorted(faults, key=lambda fault: fault.line or 0))
    if not labellings:
        raise CorpusError(f"{path}: expected stand-off labels, found an empty file: fill it")
    return Standoff(_sorted(labelling for _, labelling in labellings))


def _contradictions(path: Path, labellings: Sequence[tuple[int, Labelling]]) -> list[Fault]:
    """Return the faults that only show when lines are read together."""
    faults: list[Fault] = []
    passes: dict[tuple[str, str], int] = {}
    sentences: dict[str, tuple[int, Labelling]] = {}
    splits: dict[tuple[str, str], tuple[int, Split]] = {}
    for number, each in labellings:
        earlier = passes.setdefault((each.id, each.labeller), number)
        if earlier != number:
            message = f"{each.id} by {each.labeller!r} already stands in line {earlier}: keep one"
            faults.append(Fault(str(path), number, "id", message))
        line, other = sentences.setdefault(each.id, (number, each))
        for field in _SAME_FOR_A_SENTENCE:
            if getattr(each, field) != getattr(other, field):
                message = f"{each.id} also stands in line {line}, with another value: mend one"
                faults.append(Fault(str(path), number, field, message))
        line, split = splits.setdefault((each.source, each.doc_id), (number, each.split))
        if split != each.split:
            message = (
                f"{each.doc_id!r} is in {each.split!r}, but line {line} puts it in {split!r}: "
                "mend one"
            )
            faults.append(Fault(str(path), number, "split", message))
    return faults


def write_labels(path: Path, labellings: Iterable[Labelling]) -> None:
    """Write stand-off labels, sorted by id and labeller, whole or not at all."""
    write_json_lines(
        path, (each.model_dump(mode="json", exclude_none=True) for each in _sorted(labellings))
    )


def write_json_lines(path: Path, values: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object a line to ``path.partial`` and rename it when whole.

    Raises:
        InputError: the file cannot be written.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(json.dumps(value, ensure_ascii=False) + "\n" for value in values)
        partial.replace(path)
    except OSError as error:
        raise InputError(
            f"{path}: expected a file that can be written, found none ({error.strerror}): "
            "choose another place"
        ) from error
    finally:
        if partial.is_file():  # only where something went wrong
            partial.unlink()


def _sorted(labellings: Iterable[Labelling]) -> tuple[Labelling, ...]:
    return tuple(sorted(labellings, key=lambda each: (each.id, each.labeller)))


def labellings_from_records(path: Path, labeller: Labeller = "first") -> list[Labelling]:
    """Return the stand-off labels of a file of labelled sentences, without their text.

    Args:
        path: records with ``id`` (or none: it is computed), ``source``, ``doc_id``, ``path``,
            ``theatre``, ``split`` and ``round``.
        labeller: the pass that gave the labels.

    Raises:
        InputError: there is no such file, or it cannot be read.
        CorpusError: a record lacks a field, or its ``id`` is not the digest of its text.
    """
    return [_labelling(path, record, labeller) for record in read_records(path)]


def _labelling(path: Path, record: Record, labeller: Labeller) -> Labelling:
    digest = sentence_digest(record.text)
    if record.id not in (None, digest):
        raise CorpusError(
            f"{path}: id: expected the digest of the text, {digest}, found {record.id!r}: "
            "correct the id, or leave it out"
        )
    values = record.model_dump(
        mode="json", include={*_SAME_FOR_A_SENTENCE, "labels", "hard", "note"}
    )
    lacking = [field for field in _SAME_FOR_A_SENTENCE if values[field] is None]
    if lacking:
        raise CorpusError(f"{path}: {digest}: expected {', '.join(lacking)}, found none: add it")
    return Labelling.model_validate({"id": digest, **values, "labeller": labeller})


def add_labellings(path: Path, labelled: Path, labeller: Labeller) -> int:
    """Add the labels of a file of labelled sentences to the stand-off labels in ``path``.

    What the same pass said about a sentence before is replaced.

    Returns:
        How many labellings the file then holds.

    Raises:
        InputError: a file cannot be read or written.
        CorpusError: either file breaks its format, or they contradict each other.
    """
    known = read_labels(path).labellings if path.exists() else ()
    merged = {(each.id, each.labeller): each for each in known}
    merged |= {(e.id, e.labeller): e for e in labellings_from_records(labelled, labeller)}
    together = Path(f"{path} with {labelled} added")
    raise_for_faults(_contradictions(together, list(enumerate(_sorted(merged.values()), start=1))))
    write_labels(path, merged.values())
    return len(merged)
