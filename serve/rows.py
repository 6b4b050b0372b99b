"""Rows of output: one tagged sentence with the input that it came from, and its record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from claimwire.data.labels import LABELS, Label
from claimwire.data.segment import Removed
from claimwire.model.decision import Decision
from claimwire.serve.items import Item, Unit
from claimwire.serve.records import json_line, travelling
from claimwire.serve.tagger import TaggedSentence

VERDICT_FIELDS: Final = (
    "label",
    "labels",
    "scores",
    "confidence",
    "needs_review",
    "truncated",
    "english",
    "model",
)
"""Output fields of every record."""

PLACE_FIELDS: Final = ("article_id", "sentence_index", "start", "end", "text")
"""Output fields that only ``--unit article`` adds: where the sentence stands."""

ARTICLE_TEXT: Final = "article_text"
"""On the first sentence of an article that came as HTML: the extracted text, in which the offsets
of all its sentences count."""

SCORE_COLUMNS: Final = {label.value: f"score_{label.value}" for label in LABELS}
"""Columns that stand for ``scores`` in CSV."""


@dataclass(frozen=True, slots=True)
class Job:
    """One item and what splitting made of it.

    Attributes:
        item: the text with its input.
        sentences: number of sentences to tag.
        removed: what was taken out of an article as not prose.
        english: false where the text is not English, as far as its words tell.
        repeated: whether the same text was there before in this run.
    """

    item: Item
    sentences: int
    removed: tuple[Removed, ...] = ()
    english: bool = True
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One tagged sentence.

    Attributes:
        job: the item that it belongs to.
        index: its number in the item, from 0.
        tagged: the sentence and its labels.
    """

    job: Job
    index: int
    tagged: TaggedSentence

    @property
    def is_last(self) -> bool:
        """Whether no sentence of the item follows."""
        return self.index == self.job.sentences - 1


@dataclass(frozen=True, slots=True)
class Recorder:
    """Makes records of rows.

    Attributes:
        unit: article or sentence.
        model: identity of the release, the same in every record.
        flat: make records without lists and objects of our own, for CSV.
    """

    unit: Unit
    model: str
    flat: bool = False

    def line(self, row: Row) -> bytes:
        """Return the record as one line of JSON."""
        return json_line(self.flat_record(row) if self.flat else self.record(row))

    def decision(self, line: bytes) -> Decision:
        """Read the decision, its probabilities rounded, back from such a line.

        Raises:
            ValueError, LookupError, TypeError: it is no such line.
        """
        record = json.loads(line)
        labels, scores = record["labels"], record.get("scores")
        if self.flat:
            labels = labels.split(";")
            scores = {label: record[column] for label, column in SCORE_COLUMNS.items()}
        return Decision(
            label=Label(record["label"]),
            labels=tuple(Label(label) for label in labels),
            scores={Label(label): float(score) for label, score in scores.items()},
            confidence=float(record["confidence"]),
            needs_review=bool(record["needs_review"]),
            truncated=bool(record["truncated"]),
        )

    def record(self, row: Row) -> dict[str, object]:
        """Return the record of JSON Lines: output fields, and the input's other fields."""
        verdict = self._verdict(row)
        if self.unit is Unit.SENTENCE:
            return {**travelling(row.job.item.fields, VERDICT_FIELDS), **verdict}
        return {**_place(row), **verdict, **_article_text(row), **self._travelled(row)}

    def flat_record(self, row: Row) -> dict[str, object]:
        """Return the record of CSV: a column for each score, labels joined by ``;``."""
        verdict: dict[str, object] = {}
        for name, value in self._verdict(row).items():
            if name == "scores" and isinstance(value, Mapping):
                verdict |= {SCORE_COLUMNS[label]: score for label, score in value.items()}
            else:
                verdict[name] = ";".join(value) if isinstance(value, list) else value
        columns = tuple(SCORE_COLUMNS.values())
        if self.unit is Unit.SENTENCE:
            return {**travelling(row.job.item.fields, (*VERDICT_FIELDS, *columns)), **verdict}
        return {**_place(row), **verdict, **_article_text(row), **self._travelled(row, columns)}

    def _verdict(self, row: Row) -> dict[str, object]:
        return {**row.tagged.verdict(), "english": row.job.english, "model": self.model}

    @staticmethod
    def _travelled(row: Row, columns: tuple[str, ...] = ()) -> dict[str, object]:
        names = (*PLACE_FIELDS, *VERDICT_FIELDS, ARTICLE_TEXT, *columns)
        return travelling(row.job.item.fields, names)


def _place(row: Row) -> dict[str, object]:
    return {
        "article_id": row.job.item.article_id,
        "sentence_index": row.index,
        "start": row.tagged.start,
        "end": row.tagged.end,
        "text": row.tagged.text,
    }


def _article_text(row: Row) -> dict[str, object]:
    is_first_of_html = row.job.item.extracted and row.index == 0
    return {ARTICLE_TEXT: row.job.item.text} if is_first_of_html else {}
