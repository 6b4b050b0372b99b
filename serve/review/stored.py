"""Decisions as the database has them, byte by byte, so that no reading hides a change."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Integer, Text, and_, select, type_coerce
from sqlalchemy.orm import Session

from claimwire.serve.review.tables import (
    DecisionRow,
    JsonText,
    PredictionRow,
    ReleaseRow,
    SentenceRow,
    canonical_json,
)

_AT_ONCE: Final = 1_000
"""Rows in memory together."""


def hashed_values(stored: dict[str, Any]) -> dict[str, Any]:
    """Return the fields as they were hashed; what cannot have been hashed changes the hash."""
    values = {
        name: repr(value) if isinstance(value, bytes) else value for name, value in stored.items()
    }
    for name in ("labels", "predicted"):
        try:
            value = json.loads(values[name])
        except (TypeError, ValueError):
            continue
        if canonical_json(value) == values[name]:
            values[name] = value
    if values["hard"] in (0, 1):
        values["hard"] = bool(values["hard"])
    return values


def stored_decisions(
    session: Session,
) -> Iterator[tuple[dict[str, Any], tuple[str, str] | None, str | None]]:
    """Yield each decision as it is stored, with its sentence and what was predicted of it."""
    names = [column.key for column in DecisionRow.__table__.columns]
    raw = [_raw(getattr(DecisionRow, name)).label(f"stored_{name}") for name in names]
    query = (
        select(*raw, SentenceRow.text, SentenceRow.digest, _raw(PredictionRow.labels).label("said"))
        .select_from(DecisionRow)
        .outerjoin(SentenceRow, SentenceRow.id == DecisionRow.sentence_id)
        .outerjoin(ReleaseRow, ReleaseRow.name == DecisionRow.release)
        .outerjoin(
            PredictionRow,
            and_(
                PredictionRow.sentence_id == DecisionRow.sentence_id,
                PredictionRow.release_id == ReleaseRow.id,
            ),
        )
        .order_by(DecisionRow.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    for *values, words, digest, predicted in session.execute(query):
        sentence = None if digest is None else (words, digest)
        yield dict(zip(names, values, strict=True)), sentence, predicted


def _raw(column: Any) -> Any:
    """Return a column without the conversions of its type."""
    if isinstance(column.type, JsonText):
        return type_coerce(column, Text)
    return type_coerce(column, Integer) if column.key == "hard" else column


@contextmanager
def undecoded(session: Session) -> Iterator[None]:
    """Let SQLite give texts whose bytes are no UTF-8, instead of an error."""
    driver = session.connection().connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    before, driver.text_factory = driver.text_factory, _lenient
    try:
        yield
    finally:
        driver.text_factory = before


def _lenient(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
