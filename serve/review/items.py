"""A sentence to judge, with what a reviewer may see of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from claimwire.serve.review.tables import (
    ArticleRow,
    DecisionRow,
    PredictionRow,
    QueueRow,
    ReleaseRow,
    SentenceRow,
    StandingRow,
)

CONTEXT_SENTENCES: Final = 3
"""Sentences shown before and after, each."""


@dataclass(frozen=True)
class Prediction:
    """What a release said; the fields are those of tagged records."""

    release: str
    label: str
    labels: tuple[str, ...]
    scores: dict[str, float]
    confidence: float
    needs_review: bool


@dataclass(frozen=True)
class ContextSentence:
    """A sentence beside the one to judge."""

    sentence_id: int
    position: int
    text: str


@dataclass(frozen=True)
class Item:
    """A sentence to judge, with what a reviewer may see of it.

    Attributes:
        sentence_id: the sentence.
        text: its text.
        article_id: the article.
        article_key: the input's name for the article.
        title: of the article, like ``theatre`` and ``source``.
        position: number of the sentence in the article, from 0.
        before: up to three sentences before it, in order.
        after: up to three sentences after it, in order.
        stratum: ``random`` or ``rest``.
        prediction: the current one, of the release that was imported last; None for none.
        skips: reasons of standing skips, each ``"name: reason"``, oldest first.
        skippers: the names alone, in the same order.
    """

    sentence_id: int
    text: str
    article_id: int
    article_key: str
    title: str | None
    theatre: str | None
    source: str | None
    position: int
    before: tuple[ContextSentence, ...]
    after: tuple[ContextSentence, ...]
    stratum: str
    prediction: Prediction | None
    skips: tuple[str, ...]
    skippers: tuple[str, ...]


def read_items(session: Session, ids: Sequence[int]) -> list[Item]:
    """Return the items of these sentences, in the order given; unknown ones are left out."""
    rows = session.execute(
        select(SentenceRow, ArticleRow, PredictionRow, ReleaseRow.name)
        .join(ArticleRow, ArticleRow.id == SentenceRow.article_id)
        .join(QueueRow, QueueRow.sentence_id == SentenceRow.id)
        .outerjoin(PredictionRow, PredictionRow.id == QueueRow.prediction_id)
        .outerjoin(ReleaseRow, ReleaseRow.id == PredictionRow.release_id)
        .where(SentenceRow.id.in_(ids))
    ).all()
    if not rows:
        return []
    nearby = _context(session, [row[0] for row in rows])
    skips = _skips(session, ids)
    items = {
        sentence.id: _item(sentence, article, _prediction(prediction, release), nearby, skips)
        for sentence, article, prediction, release in rows
    }
    return [items[id_] for id_ in ids if id_ in items]


def _item(
    sentence: SentenceRow,
    article: ArticleRow,
    prediction: Prediction | None,
    nearby: dict[int, list[ContextSentence]],
    skips: dict[int, list[tuple[str, str]]],
) -> Item:
    around = nearby[article.id]
    reach = CONTEXT_SENTENCES
    skipped = skips.get(sentence.id, ())
    return Item(
        sentence_id=sentence.id,
        text=sentence.text,
        article_id=article.id,
        article_key=article.key,
        title=article.title,
        theatre=article.theatre,
        source=article.source,
        position=sentence.position,
        before=tuple(s for s in around if -reach <= s.position - sentence.position < 0),
        after=tuple(s for s in around if 0 < s.position - sentence.position <= reach),
        stratum=sentence.stratum,
        prediction=prediction,
        skips=tuple(f"{reviewer}: {reason}" for reviewer, reason in skipped),
        skippers=tuple(reviewer for reviewer, _ in skipped),
    )


def _prediction(row: PredictionRow | None, release: str | None) -> Prediction | None:
    if row is None or release is None:
        return None
    return Prediction(
        release=release,
        label=row.label,
        labels=tuple(row.labels),
        scores=dict(row.scores),
        confidence=row.confidence,
        needs_review=row.needs_review,
    )


def _context(
    session: Session, sentences: Sequence[SentenceRow]
) -> dict[int, list[ContextSentence]]:
    """Return by article the sentences near those given, in order."""
    near = [
        and_(
            SentenceRow.article_id == sentence.article_id,
            SentenceRow.position.between(
                sentence.position - CONTEXT_SENTENCES, sentence.position + CONTEXT_SENTENCES
            ),
        )
        for sentence in sentences
    ]
    rows = session.execute(
        select(SentenceRow.article_id, SentenceRow.id, SentenceRow.position, SentenceRow.text)
        .where(or_(*near))
        .order_by(SentenceRow.article_id, SentenceRow.position)
    )
    found: dict[int, list[ContextSentence]] = {}
    for article_id, sentence_id, position, text in rows:
        found.setdefault(article_id, []).append(ContextSentence(sentence_id, position, text))
    return found


def _skips(session: Session, ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    rows = session.execute(
        select(DecisionRow.sentence_id, DecisionRow.reviewer, DecisionRow.reason)
        .join(StandingRow, StandingRow.decision_id == DecisionRow.id)
        .where(StandingRow.sentence_id.in_(ids), StandingRow.kind == "skip")
        .order_by(DecisionRow.id)
    )
    found: dict[int, list[tuple[str, str]]] = {}
    for sentence_id, reviewer, reason in rows:
        found.setdefault(sentence_id, []).append((reviewer, reason))
    return found
