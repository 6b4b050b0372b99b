"""What the tests of the store share: tagged records of our own, and deciding in few words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select, text

from claimwire.serve.review.chain import TRIGGERS, verify_chain
from claimwire.serve.review.decisions import DecisionView, NewDecision, record_decision
from claimwire.serve.review.importing import ImportReport, import_records
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.tables import Base, DecisionRow

LABELS = ("attack_claim", "interception_claim", "attribution_inference", "background")
FIRST, SECOND = "small 1.0 aaaaaaaaaaaa", "small 2.0 bbbbbbbbbbbb"

TEXTS = (
    "Two drones struck the fuel depot at Maresk before dawn.",
    "Air defence crews shot down a third one over the river.",
    "No group has said that it was behind the attack.",
    "The port handles most of the country’s grain.",
    "A spokesman for the harbour blamed the northern militia.",
    "Its cranes were built in 1974.",
)


def tagged(
    text: str,
    label: str = "background",
    confidence: float = 0.9,
    *,
    model: str = FIRST,
    **fields: Any,
) -> dict[str, Any]:
    """Return a record as ``claimwire tag`` writes it; ``fields`` come on top."""
    others = round((1 - confidence) / 3, 4)
    return {
        "text": text,
        "label": label,
        "labels": [label],
        "scores": {name: confidence if name == label else others for name in LABELS},
        "confidence": confidence,
        "needs_review": confidence < 0.5,
        "truncated": False,
        "english": True,
        "model": model,
        **fields,
    }


def article(
    key: str = "a1", texts: tuple[str, ...] = TEXTS, *, model: str = FIRST, **fields: Any
) -> list[dict[str, Any]]:
    """Return the records of an article; confidence falls from sentence to sentence."""
    start = 0
    records = []
    for index, words in enumerate(texts):
        place = {"article_id": key, "sentence_index": index, "start": start}
        place["end"] = start = start + len(words)
        label = LABELS[index % 4]
        records.append(
            tagged(words, label, round(0.9 - 0.1 * index, 4), model=model, **place, **fields)
        )
    return records


def many(articles: int, sentences: int = 10, **fields: Any) -> Iterator[dict[str, Any]]:
    """Yield records of many articles, no two sentences alike."""
    for number in range(articles):
        texts = tuple(
            f"Report {number}.{place}: {TEXTS[place % len(TEXTS)]}" for place in range(sentences)
        )
        for place, record in enumerate(article(f"article-{number}", texts, **fields)):
            certain = round((number * 7 + place * 13) % 100 / 100, 4)
            yield {**record, "confidence": certain, "needs_review": certain < 0.2}


def load(store: ReviewStore, *records: dict[str, Any], **options: Any) -> ImportReport:
    """Import records without problems."""
    report = import_records(store, records, **options)
    assert report.problems == ()
    return report


def decide(
    store: ReviewStore,
    reviewer: str = "ann",
    sentence_id: int = 1,
    *labels: str,
    kind: str = "label",
    **fields: Any,
) -> DecisionView:
    """Record a decision with a key of its own."""
    if kind == "label":
        labels = labels or ("attack_claim",)
    if kind == "skip":
        fields.setdefault("reason", "unclear")
    decision = NewDecision(sentence_id, kind, str(uuid4()), labels, **fields)
    return record_decision(store, reviewer, decision)


def count_decisions(store: ReviewStore) -> int:
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(DecisionRow)) or 0


def contents(store: ReviewStore, *left_out: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, without the columns named."""
    found = {}
    with store.read() as session:
        for name, table in sorted(Base.metadata.tables.items()):
            columns = [column for column in table.columns if column.key not in left_out]
            rows = session.execute(select(*columns))
            found[name] = sorted((tuple(row) for row in rows), key=repr)
    return found


def tamper(store: ReviewStore, *statements: str) -> tuple[str, ...]:
    """Change the database as somebody could who has its file or password.

    Returns:
        what the verification then finds, but for the triggers that were taken off.
    """
    if store.is_sqlite:
        with closing(sqlite3.connect(str(store.engine.url.database))) as other, other:
            for name in TRIGGERS["sqlite"]:
                other.execute(f"DROP TRIGGER IF EXISTS {name}")
            for statement in statements:  # foreign keys are off here
                other.execute(statement)
    else:
        with store.write() as session:
            session.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in statements:
                session.execute(text(statement))
    problems = verify_chain(store).problems
    return tuple(problem for problem in problems if "expected the trigger" not in problem)
