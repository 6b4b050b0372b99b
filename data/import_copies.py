"""New records against those that are there: copies, leaks across splits, contradictions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from claimwire.data.checks import shown
from claimwire.data.corpus import Example
from claimwire.data.documents import Record, Split
from claimwire.data.duplicates import near_duplicates, normalise


class Kind(StrEnum):
    """Why a record is refused.

    INVALID: it breaks the contract of records. LEAK: its sentence or document stands in another
    split. DUPLICATE: its sentence stands in the same split. CONTRADICTION: so, but otherwise
    labelled.
    """

    INVALID = "invalid"
    LEAK = "leak"
    DUPLICATE = "duplicate"
    CONTRADICTION = "contradiction"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One record that was not taken.

    Attributes:
        file: the input.
        line: its line from 1.
        kind: which rule it breaks.
        reason: what was found where, and what to do.
        record: the record; None where the line holds none.
    """

    file: str
    line: int | None
    kind: Kind
    reason: str
    record: Record | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the line of the file of refusals."""
        known: dict[str, Any] = {}
        if self.record is not None:
            known = self.record.model_dump(mode="json", include={"id", "text", "labels"})
        place = {"file": self.file, "line": self.line}
        return {**place, "kind": self.kind.value, "reason": self.reason, **known}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that would be taken in.

    Attributes:
        record: the record with the split that it would go to.
        example: the same as training would see it, with the file and line where it was read.
    """

    record: Record
    example: Example

    def refused(self, kind: Kind, reason: str) -> Refusal:
        """Return the refusal of this record."""
        place = self.example.position
        return Refusal(place.file, place.line, kind, reason, self.record)


def without_copies(
    candidates: Sequence[Candidate], references: Sequence[Example]
) -> tuple[list[Candidate], list[Refusal]]:
    """Return the candidates that are neither copies nor leaks, and the refusals of the others.

    Each is compared with the references and with the candidates before it.

    Raises:
        MissingExtraError: datasketch, of the extra [train], is not installed.
    """
    seen = _Seen(references)
    fresh: list[Candidate] = []
    refused: list[Refusal] = []
    for each in candidates:
        refusal = seen.leaking_document(each) or seen.copy(each)
        if refusal is None:
            seen.add(each.example)
            fresh.append(each)
        else:
            refused.append(refusal)
    near = seen.near_copies(fresh) if fresh else {}
    taken = [each for index, each in enumerate(fresh) if index not in near]
    return taken, [*refused, *near.values()]


class _Seen:
    """The sentences and documents met so far, by normalised text and by document.

    Args:
        references: those that are there before any candidate.
    """

    def __init__(self, references: Sequence[Example]) -> None:
        self._by_text: dict[str, list[Example]] = defaultdict(list)
        self._documents: dict[tuple[str, str], dict[Split, Example]] = defaultdict(dict)
        for example in references:
            self.add(example)

    def add(self, example: Example) -> None:
        """Take one more."""
        self._by_text[normalise(example.text)].append(example)
        if example.document_key is not None:
            self._documents[example.document_key].setdefault(example.split, example)

    def leaking_document(self, each: Candidate) -> Refusal | None:
        """Return the refusal of a record whose document stands in another split."""
        key = each.example.document_key
        standing = self._documents.get(key, {}) if key is not None else {}
        other = next((e for split, e in standing.items() if split != each.example.split), None)
        if key is None or other is None:
            return None
        reason = (
            f"its document {key[1]!r} stands in {other.split} ({other.position}), and this would "
            f"go to {each.example.split}: a document belongs to one split"
        )
        return each.refused(Kind.LEAK, reason)

    def copy(self, each: Candidate) -> Refusal | None:
        """Return the refusal of a record whose sentence stands somewhere."""
        text = normalise(each.example.text)
        if not text or text not in self._by_text:
            return None
        return _refused_copy(each, self._by_text[text], "the same sentence")

    def near_copies(self, fresh: Sequence[Candidate]) -> dict[int, Refusal]:
        """Return, by index, the refusals of those of ``fresh`` that nearly repeat another one.

        Args:
            fresh: candidates that were added; no two of them are equal, nor equal to a reference.
        """
        numbers = {normalise(each.example.text): number for number, each in enumerate(fresh)}
        references = [text for text in self._by_text if text and text not in numbers]
        texts = [*references, *filter(None, numbers)]
        refused: dict[int, Refusal] = {}
        for first, second, similarity in near_duplicates(texts):
            # What was itself refused stands nowhere, so nothing can be a copy of it.
            if texts[second] not in numbers or numbers.get(texts[first], -1) in refused:
                continue
            number, standing = numbers[texts[second]], self._by_text[texts[first]]
            what = f"nearly the same sentence (Jaccard {similarity:.2f})"
            refusal = _refused_copy(fresh[number], standing, what)
            if number not in refused or refusal.kind is Kind.LEAK:
                refused[number] = refusal
        return refused


def _refused_copy(each: Candidate, standing: Sequence[Example], what: str) -> Refusal:
    """Return the refusal of a copy: a leak, a contradiction of labels, or a duplicate.

    Args:
        each: the copy.
        standing: where its sentence stands, at least one.
        what: how alike the two are, in words.
    """
    other = next((e for e in standing if e.split != each.example.split), standing[0])
    reason = f"{what} stands in {other.split} ({other.position})"
    if other.text != each.example.text:
        reason += f": {shown(other.text)}"
    differ = other.labels != each.example.labels
    labels = f"{', '.join(other.labels)} there, {', '.join(each.example.labels)} here"
    if other.split != each.example.split:
        reason += f"; this would go to {each.example.split}"
        return each.refused(Kind.LEAK, reason + (f"; the labels differ: {labels}" * differ))
    if differ:
        contradiction = f"only the labels contradict: {labels}: correct one of the two"
        return each.refused(Kind.CONTRADICTION, f"{reason}; {contradiction}")
    return each.refused(Kind.DUPLICATE, reason)
