"""All labellings of composed sentences: what the author and each later pass said.

``data/annotations/<split>.jsonl`` holds one sentence a line, sorted by document and place. The
corpus itself bears one label list a sentence, the *outcome*: the adjudicated one, else the one
that the author and every blind pass gave alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from claimwire.data.corpus import SPLITS, default_corpus
from claimwire.data.documents import validate_line
from claimwire.data.jsonlines import Fault, JsonLine, raise_for_faults, read_json_lines
from claimwire.data.labels import Label
from claimwire.data.shapes import EXPECTED, OWN_MESSAGE, Labels, Split, Text
from claimwire.data.standoff_labels import DIGEST_LENGTH, write_json_lines

Pass = Literal["author", "first", "second", "adjudicated"]

PASSES: Final[tuple[Pass, ...]] = get_args(Pass)
BLIND: Final[tuple[Pass, ...]] = ("first", "second")
"""Passes that saw the text alone, in shuffled order; the author knew the whole document."""

_EXPECTED: Final[dict[str, str]] = EXPECTED | {
    "sentence": "the sentence's index in its document, a whole number from 0",
    "digest": f"{DIGEST_LENGTH} hexadecimal digits",
    "author": EXPECTED["labels"],
    "first": EXPECTED["labels"],
    "second": EXPECTED["labels"],
    "adjudicated": EXPECTED["labels"],
    "reason": "why it was adjudicated so, a string that is not blank",
}


class Annotation(BaseModel):
    """What each pass said about one sentence.

    Attributes:
        doc_id: the document.
        sentence: the sentence's index in it, from 0.
        digest: of its text, see :func:`claimwire.data.standoff_labels.sentence_digest`.
        author: the labels that the writer of the document gave.
        first: those of the first blind pass.
        second: those of the second blind pass.
        adjudicated: those that settle a disagreement.
        reason: why; there with ``adjudicated`` and only then.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    doc_id: Text
    sentence: Annotated[int, Field(ge=0)]
    digest: Annotated[str, Field(pattern=rf"^[0-9a-f]{{{DIGEST_LENGTH}}}$")]
    author: Labels
    first: Labels | None = None
    second: Labels | None = None
    adjudicated: Labels | None = None
    reason: Text | None = None

    @model_validator(mode="after")
    def _an_adjudication_has_a_reason(self) -> Self:
        if (self.adjudicated is None) != (self.reason is None):
            problem = "reason: expected one with adjudicated and only then: add it, or drop both"
            raise PydanticCustomError(OWN_MESSAGE, "{problem}", {"problem": problem})
        return self

    @property
    def key(self) -> tuple[str, int]:
        """Return the document and the sentence's index."""
        return self.doc_id, self.sentence

    def given(self) -> dict[Pass, tuple[Label, ...]]:
        """Return the labels of each pass that labelled the sentence, the author first."""
        found = {name: getattr(self, name) for name in PASSES}
        return {name: tuple(labels) for name, labels in found.items() if labels is not None}

    def outcome(self) -> tuple[Label, ...] | None:
        """Return the adjudicated labels, else those that all passes gave; None: not settled."""
        given = self.given()
        if "adjudicated" in given:
            return given["adjudicated"]
        same = set(given.values())
        return next(iter(same)) if len(same) == 1 else None


def annotations_folder(corpus: Path | None = None) -> Path:
    """Return the folder of the annotations: the one named so beside the corpus."""
    root = default_corpus() if corpus is None else corpus
    return root.resolve().parent / "annotations"


def read_annotations(path: Path) -> list[Annotation]:
    """Read one file of annotations, in its order.

    Raises:
        InputError: there is no such file, or it cannot be read.
        CorpusError: a line breaks the format, or a sentence stands twice; every fault is named.
    """
    lines, faults = read_json_lines(path)
    first_line: dict[tuple[str, int], int] = {}
    annotations: list[Annotation] = []
    for line in lines:
        annotation = annotation_of(path, line, faults)
        if annotation is None:
            continue
        earlier = first_line.setdefault(annotation.key, line.number)
        if earlier != line.number:
            which = f"{annotation.sentence} of {annotation.doc_id!r}"
            message = f"{which} already stands in line {earlier}: keep one"
            faults.append(Fault(str(path), line.number, "sentence", message))
            continue
        annotations.append(annotation)
    raise_for_faults(sorted(faults, key=lambda fault: fault.line or 0))
    return annotations


def read_all_annotations(folder: Path) -> dict[Split, list[Annotation]]:
    """Read the files of the splits that are there; of a folder that is not there, none."""
    files: dict[Split, Path] = {split: folder / f"{split}.jsonl" for split in SPLITS}
    return {split: read_annotations(path) for split, path in files.items() if path.is_file()}


def annotation_of(path: Path, line: JsonLine, faults: list[Fault]) -> Annotation | None:
    """Return the annotation that a line holds; where it breaks the format, add its faults."""
    return validate_line(Annotation, path, line, faults, _EXPECTED)


def write_annotations(path: Path, annotations: Iterable[Annotation]) -> None:
    """Write annotations sorted by document and sentence, whole or not at all."""
    ordered = sorted(annotations, key=lambda each: each.key)
    write_json_lines(path, (each.model_dump(mode="json", exclude_none=True) for each in ordered))
