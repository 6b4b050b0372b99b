"""Judgements out: records for training, full decisions, and tasks for Label Studio."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Any, Final, TextIO

from claimwire.data.corpus_import import PROVENANCE, side_file
from claimwire.data.documents import Theatre
from claimwire.data.errors import InputError
from claimwire.serve.review import label_studio
from claimwire.serve.review.judged import Entry, document_names, settled, standing_entries
from claimwire.serve.review.names import Pseudonyms
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.whole_files import whole_files
from claimwire.serve.rows import SCORE_COLUMNS


class ExportFormat(StrEnum):
    """What is written.

    CORPUS: single records for training, one a judged sentence that reviewers do not disagree on, or
    that was adjudicated, with their provenance beside them.
    JSONL and CSV: one record a standing decision. LABEL_STUDIO: one task a sentence.
    """

    CORPUS = "corpus"
    JSONL = "jsonl"
    CSV = "csv"
    LABEL_STUDIO = "label-studio"


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written.

    Attributes:
        written: records, or tasks.
        skipped: sentences left out because nobody's verdict stands on them, only skips; 0 where
            the format has room for skips.
        not_sentences: sentences left out as no sentence or wrongly split; likewise.
        disputed: sentences left out because a disagreement waits for an adjudicator; likewise.
        files: the files, the export first.
    """

    written: int
    skipped: int
    not_sentences: int
    disputed: int
    files: tuple[Path, ...]


Name = Callable[[str], str]
"""Gives the name under which a reviewer is exported."""


def export(
    store: ReviewStore, path: Path, output_format: str, *, real_names: bool = False
) -> ExportReport:
    """Write the decisions that stand, whole or not at all.

    The same database gives the same bytes. Beside a corpus export stands ``NAME.provenance.jsonl``,
    one line a record: which decision it is, by whom, when, and upon which prediction. Beside an
    export for Label Studio stands ``NAME.config.xml``, the labelling configuration.

    Args:
        store: the review desk's database.
        path: the file to write.
        output_format: one of :class:`ExportFormat`.
        real_names: name reviewers as they are called, not by pseudonyms.

    Raises:
        InputError: the format is unknown, or a file cannot be written.
    """
    if output_format not in set(ExportFormat):
        raise InputError(
            f"--format: expected one of {', '.join(ExportFormat)}, found {output_format!r}"
        )
    name: Name = str if real_names else Pseudonyms(store)
    match ExportFormat(output_format):
        case ExportFormat.CORPUS:
            return _corpus(store, path, name)
        case ExportFormat.JSONL:
            return _jsonl(store, path, name)
        case ExportFormat.CSV:
            return _csv(store, path, name)
        case ExportFormat.LABEL_STUDIO:
            return _label_studio(store, path, name)


def _corpus(store: ReviewStore, path: Path, name: Name) -> ExportReport:
    counts = dict.fromkeys(("label", "skip", "not_a_sentence", "open"), 0)
    documents = document_names(store)
    provenance = side_file(path, PROVENANCE)
    with whole_files(path, provenance) as (records, origins):
        for sentence in settled(store):
            counts[sentence.state] += 1
            entry, outcome = sentence.entry, sentence.outcome
            if outcome is None or outcome.kind != "label":
                continue
            document = documents.get(entry.article.id, entry.article.key)
            _write_line(records, _record(entry, document))
            settled_by = {"how": outcome.how, "verdicts": [each.id for each in outcome.verdicts]}
            _write_line(origins, {"id": entry.name, **settled_by, **_decision(entry, name)})
    return ExportReport(
        counts["label"],
        counts["skip"],
        counts["not_a_sentence"],
        counts["open"],
        (path, provenance),
    )


def _record(entry: Entry, document: str) -> dict[str, Any]:
    """Return the record that :func:`claimwire.data.documents.read_records` reads."""
    article, decision = entry.article, entry.decision
    known = {
        "id": entry.name,
        "text": entry.sentence.text,
        "labels": decision.labels,
        "doc_id": document,
        # Any theatre may be imported; the corpus knows only its own.
        "theatre": article.theatre if article.theatre in set(Theatre) else None,
        "source": article.source,
        "hard": decision.hard,
        "note": decision.note or None,
    }
    return {field: value for field, value in known.items() if value is not None}


def _decision(entry: Entry, name: Name) -> dict[str, Any]:
    """Return all that is known of a decision and what it is about, the text aside."""
    decision, sentence, article = entry.decision, entry.sentence, entry.article
    prediction = entry.prediction
    return {
        "decision": decision.id,
        "hash": decision.hash,
        "time": decision.created_at,
        "reviewer": name(decision.reviewer),
        "mode": decision.mode,
        "guideline": decision.guideline,
        "release": decision.release or None,
        "predicted": decision.predicted,
        "scores": None if prediction is None else prediction.scores,
        "confidence": None if prediction is None else prediction.confidence,
        "sentence_id": sentence.id,
        "stratum": sentence.stratum,
        "article": article.key,
        "title": article.title,
        "theatre": article.theatre,
        "source": article.source,
        "position": sentence.position,
        "start": sentence.start,
        "end": sentence.end,
    }


def _full(entry: Entry, name: Name) -> dict[str, Any]:
    """Return the record of a decision with its text."""
    decision = entry.decision
    return {
        "id": entry.name,
        "text": entry.sentence.text,
        "kind": decision.kind,
        "labels": decision.labels,
        "hard": decision.hard,
        "note": decision.note,
        "reason": decision.reason,
        "revises": decision.revises,
        **_decision(entry, name),
    }


def _jsonl(store: ReviewStore, path: Path, name: Name) -> ExportReport:
    written = 0
    with whole_files(path) as (stream,):
        for entry in standing_entries(store):
            _write_line(stream, _full(entry, name))
            written += 1
    return ExportReport(written, 0, 0, 0, (path,))


def _csv(store: ReviewStore, path: Path, name: Name) -> ExportReport:
    written = 0
    with whole_files(path) as (stream,):
        writer = csv.DictWriter(stream, CSV_COLUMNS)
        writer.writeheader()
        for entry in standing_entries(store):
            writer.writerow(_flat(_full(entry, name)))
            written += 1
    return ExportReport(written, 0, 0, 0, (path,))


CSV_COLUMNS: Final = (
    *("id", "text", "kind", "labels", "hard", "note", "reason", "revises", "decision", "hash"),
    *("time", "reviewer", "mode", "guideline", "release", "predicted", *SCORE_COLUMNS.values()),
    *("confidence", "sentence_id", "stratum", "article", "title", "theatre", "source"),
    *("position", "start", "end"),
)
"""Columns of the CSV; labels are joined by ``;``."""


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of :func:`_full` without lists and objects."""
    flat: dict[str, Any] = {}
    for field, value in record.items():
        if field == "scores":
            flat |= {SCORE_COLUMNS[label]: score for label, score in (value or {}).items()}
        else:
            flat[field] = ";".join(value) if isinstance(value, list) else value
    return flat


def _label_studio(store: ReviewStore, path: Path, name: Name) -> ExportReport:
    config = path.with_name(f"{path.name.removesuffix('.json')}.config.xml")
    written = 0
    with whole_files(path, config) as (stream, setup):
        setup.write(label_studio.CONFIG)
        stream.write("[")
        by_sentence = groupby(standing_entries(store), key=lambda entry: entry.sentence.id)
        for written, (_, group) in enumerate(by_sentence, start=1):
            entries = list(group)
            task = label_studio.task(entries, [name(each.decision.reviewer) for each in entries])
            stream.write("\n" if written == 1 else ",\n")
            stream.write(json.dumps(task, ensure_ascii=False))
        stream.write("\n]\n")
    return ExportReport(written, 0, 0, 0, (path, config))


def _write_line(stream: TextIO, record: Mapping[str, Any]) -> None:
    stream.write(json.dumps(record, ensure_ascii=False) + "\n")
