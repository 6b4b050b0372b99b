"""What the tests of exports and figures share: tagged records of our own, and judging them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any

from sqlalchemy import select

from claimwire.data.labels import LABELS
from claimwire.serve.review.decisions import DecisionView, NewDecision, record_decision
from claimwire.serve.review.importing import ImportReport, import_records
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.tables import SentenceRow

FIRST = "first 1.0 aaaaaaaaaaaa"
SECOND = "second 2.0 bbbbbbbbbbbb"

ATTACK, INTERCEPTION, ATTRIBUTION, BACKGROUND = (label.value for label in LABELS)

_keys = count()


def tagged(
    text: str, labels: Sequence[str] = (BACKGROUND,), model: str = FIRST, **fields: Any
) -> dict[str, Any]:
    """Return a record as ``claimwire tag --unit sentence`` writes it."""
    scores = {label: 0.9 if label in labels else 0.05 for label in (str(each) for each in LABELS)}
    record: dict[str, Any] = {
        "text": text,
        "label": labels[0],
        "labels": list(labels),
        "scores": scores,
        "confidence": 0.9,
        "needs_review": False,
        "truncated": False,
        "english": True,
        "model": model,
    }
    return {**record, **fields}


def in_article(key: str, *sentences: tuple[str, str], **fields: Any) -> list[dict[str, Any]]:
    """Return the records of an article, given as pairs of text and label."""
    start = 0
    records = []
    for index, (text, label) in enumerate(sentences):
        place: dict[str, Any] = {"start": start, "end": start + len(text)}
        records.append(
            tagged(text, [label], article_id=key, sentence_index=index, **place, **fields)
        )
        start += len(text) + 1
    return records


def load(
    store: ReviewStore, records: Iterable[dict[str, Any]], random_share: float = 1.0
) -> ImportReport:
    """Import records; there must be no problem."""
    report = import_records(store, records, random_share=random_share)
    assert report.problems == ()
    return report


def sentence_ids(store: ReviewStore) -> dict[str, int]:
    """Return the ids of the sentences by text."""
    with store.read() as session:
        rows = session.execute(select(SentenceRow.text, SentenceRow.id))
        return {row.text: row.id for row in rows}


def judge(
    store: ReviewStore,
    text: str,
    *labels: str,
    reviewer: str = "mara",
    kind: str = "label",
    **fields: Any,
) -> DecisionView:
    """Record a decision on the sentence of this text."""
    decision = NewDecision(
        sentence_id=sentence_ids(store)[text],
        kind=kind,
        client_key=f"key-{next(_keys)}",
        labels=labels,
        **fields,
    )
    return record_decision(store, reviewer, decision)
