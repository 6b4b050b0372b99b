"""Storing some articles of an import in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.orm import Session

from claimwire.serve.review.hashes import sha256_hex
from claimwire.serve.review.import_run import ImportRun
from claimwire.serve.review.incoming import IncomingArticle, IncomingPrediction, IncomingSentence
from claimwire.serve.review.tables import (
    FRESH,
    ArticleRow,
    PredictionRow,
    QueueRow,
    ReleaseRow,
    SentenceRow,
    now,
)
from claimwire.serve.review.texts import folded

_LOT_DIGITS: Final = 16

Pair = tuple[QueueRow, IncomingSentence]
"""A known sentence, as the queues have it, and as it came again."""


class Batch:
    """Stores some articles in one transaction, which holds the lock for importing.

    Args:
        session: of that transaction.
        run: the import, whose counts go up.
    """

    def __init__(self, session: Session, run: ImportRun) -> None:
        self._session = session
        self._run = run
        self._releases: dict[str, int] = {}

    def store(self, batch: Mapping[str, IncomingArticle]) -> None:
        """Store articles, given by digest."""
        rows = self._session.scalars(select(ArticleRow).where(ArticleRow.digest.in_(batch)))
        known = {row.digest: row for row in rows}
        self._find_releases(batch.values())
        self._add([article for digest, article in batch.items() if digest not in known])
        for digest, row in known.items():
            self._describe(row, batch[digest])
        pairs = list(self._pairs({row.id: batch[digest] for digest, row in known.items()}))
        self._run.already_there += len(pairs)
        self._set_noise(pairs)
        self._predict(list(self._not_predicted(pairs)))

    def _find_releases(self, articles: Iterable[IncomingArticle]) -> None:
        """Learn the ids of the releases that predicted, new ones in the order they come."""
        predictions = [s.prediction for article in articles for s in article.sentences]
        names = list(dict.fromkeys(p.release for p in predictions if p is not None))
        rows = self._session.scalars(select(ReleaseRow).where(ReleaseRow.name.in_(names)))
        self._releases = {row.name: row.id for row in rows}
        new = [name for name in names if name not in self._releases]
        ids = self._insert(ReleaseRow, [{"name": name} for name in new])
        self._releases.update(zip(new, ids, strict=True))

    def _add(self, articles: Sequence[IncomingArticle]) -> None:
        """Store articles that are not there."""
        article_ids = self._insert(ArticleRow, [_article_row(article) for article in articles])
        sentences = [
            (article, sentence, self._sentence_row(article_id, sentence))
            for article_id, article in zip(article_ids, articles, strict=True)
            for sentence in article.sentences
        ]
        ids = self._insert(SentenceRow, [row for _, _, row in sentences])
        predictions = [
            (id_, sentence.prediction)
            for id_, (_, sentence, _) in zip(ids, sentences, strict=True)
            if sentence.prediction is not None
        ]
        current = dict(zip((id_ for id_, _ in predictions), self._keep(predictions), strict=True))
        self._insert_rows(
            QueueRow,
            [
                _queue_row(id_, article, row, current.get(id_), self._run.needed(row["digest"]))
                for id_, (article, _, row) in zip(ids, sentences, strict=True)
            ],
        )
        self._run.articles += len(articles)
        self._run.sentences += len(sentences)
        self._run.random_stratum += sum(row["stratum"] == "random" for _, _, row in sentences)
        self._run.doubly += sum(self._run.needed(row["digest"]) > 1 for _, _, row in sentences)

    def _sentence_row(self, article_id: int, sentence: IncomingSentence) -> dict[str, Any]:
        digest = sha256_hex(sentence.text)
        return {
            "article_id": article_id,
            "position": sentence.position,
            "start": sentence.start,
            "end": sentence.end,
            "text": sentence.text,
            "digest": digest,
            "folded": folded(sentence.text),
            "stratum": self._run.stratum(digest),
            "draw_share": self._run.share,
            "noise": sentence.noise,
            "created_at": now(),
        }

    def _keep(self, predictions: Sequence[tuple[int, IncomingPrediction]]) -> list[dict[str, Any]]:
        """Store predictions, given by sentence id; return their rows."""
        rows: list[dict[str, Any]] = [
            {
                "sentence_id": sentence_id,
                "release_id": self._releases[prediction.release],
                "label": prediction.label,
                "labels": prediction.labels,
                "scores": prediction.scores,
                "confidence": prediction.confidence,
                "needs_review": prediction.needs_review,
                "truncated": prediction.truncated,
            }
            for sentence_id, prediction in predictions
        ]
        ids = self._insert(PredictionRow, rows)
        self._run.predictions += len(rows)
        return [{"id": id_, **row} for id_, row in zip(ids, rows, strict=True)]

    def _describe(self, row: ArticleRow, article: IncomingArticle) -> None:
        """Fill in what is not known of a known article."""
        found = {
            name: getattr(article, name)
            for name in ("title", "theatre", "source", "published")
            if getattr(row, name) is None and getattr(article, name) is not None
        }
        for name, value in found.items():
            setattr(row, name, value)
        found = {name: found[name] for name in ("theatre", "source") if name in found}
        if found:
            mine = select(SentenceRow.id).where(SentenceRow.article_id == row.id)
            self._session.execute(
                update(QueueRow).where(QueueRow.sentence_id.in_(mine)).values(found)
            )

    def _pairs(self, articles: Mapping[int, IncomingArticle]) -> Iterator[Pair]:
        """Yield the sentences of known articles, given by id, with what came of them."""
        rows = self._session.execute(
            select(SentenceRow.article_id, QueueRow)
            .join(QueueRow, QueueRow.sentence_id == SentenceRow.id)
            .where(SentenceRow.article_id.in_(articles))
            .order_by(SentenceRow.article_id, SentenceRow.position)
        )
        places = {article_id: iter(article.sentences) for article_id, article in articles.items()}
        for article_id, row in rows:
            yield row, next(places[article_id])

    def _set_noise(self, pairs: Iterable[Pair]) -> None:
        for row, sentence in pairs:
            if sentence.noise is not None and sentence.noise != row.noise:
                row.noise = sentence.noise
                self._session.execute(
                    update(SentenceRow)
                    .where(SentenceRow.id == row.sentence_id)
                    .values(noise=sentence.noise)
                )

    def _not_predicted(self, pairs: Sequence[Pair]) -> Iterator[tuple[int, IncomingPrediction]]:
        """Yield the predictions that are not there; a release that says something else is told."""
        stored = self._session.execute(
            select(PredictionRow.sentence_id, PredictionRow.release_id, PredictionRow.labels)
            .where(PredictionRow.sentence_id.in_([row.sentence_id for row, _ in pairs]))
            .where(PredictionRow.release_id.in_(self._releases.values()))
        )
        labels = {(sentence_id, release_id): found for sentence_id, release_id, found in stored}
        for row, sentence in pairs:
            prediction = sentence.prediction
            if prediction is None:
                continue
            before = labels.get((row.sentence_id, self._releases[prediction.release]))
            if before is None:
                yield row.sentence_id, prediction
            elif before != prediction.labels:
                self._run.problems.add(
                    f"sentence {row.sentence_id}: expected {prediction.release} to say what it "
                    f"said before, {before}, found {prediction.labels}: the first is kept"
                )

    def _predict(self, predictions: Sequence[tuple[int, IncomingPrediction]]) -> None:
        """Add predictions to known sentences; those of a later release become the current ones."""
        kept = self._keep(predictions)
        if not kept:
            return
        is_later = or_(
            QueueRow.release_id.is_(None), PredictionRow.release_id > QueueRow.release_id
        )
        self._session.execute(
            update(QueueRow)
            .where(PredictionRow.sentence_id == QueueRow.sentence_id, is_later)
            .where(PredictionRow.id.between(kept[0]["id"], kept[-1]["id"]))
            .values(
                {
                    QueueRow.prediction_id: PredictionRow.id,
                    QueueRow.release_id: PredictionRow.release_id,
                    QueueRow.label: PredictionRow.label,
                    QueueRow.confidence: PredictionRow.confidence,
                    QueueRow.needs_review: PredictionRow.needs_review,
                }
            )
            .execution_options(synchronize_session=False)
        )

    def _insert(self, table: type[Any], rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Insert rows and return their ids, in the order given.

        The ids are given here, under the lock: a database that gives them takes a row at a time.
        """
        last = self._session.scalar(select(func.max(table.id))) or 0
        ids = list(range(last + 1, last + 1 + len(rows)))
        self._insert_rows(table, [{"id": id_, **row} for id_, row in zip(ids, rows, strict=True)])
        return ids

    def _insert_rows(self, table: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
        if not rows:
            return
        statement: Any = insert(table.__table__)
        connection = self._session.connection()
        if connection.dialect.name == "postgresql":
            # Asked for something back, SQLAlchemy sends many rows in one statement instead of one.
            statement = statement.returning(next(iter(table.__table__.primary_key)))
        connection.execute(statement, rows)


def _article_row(article: IncomingArticle) -> dict[str, Any]:
    return {
        "key": article.key,
        "digest": article.digest,
        "title": article.title,
        "theatre": article.theatre,
        "source": article.source,
        "published": article.published,
        "created_at": now(),
    }


def _queue_row(
    sentence_id: int,
    article: IncomingArticle,
    sentence: Mapping[str, Any],
    prediction: Mapping[str, Any] | None,
    needed: int,
) -> dict[str, Any]:
    """Return the queues' row of a new sentence."""
    known = prediction or {}
    return {
        "sentence_id": sentence_id,
        "digest": sentence["digest"][:_LOT_DIGITS],
        "stratum": sentence["stratum"],
        "noise": sentence["noise"],
        "theatre": article.theatre,
        "source": article.source,
        "judgements": 0,
        "needed": needed,
        "stage": FRESH,
        "adjudication_id": None,
        "is_disputed": False,
        "skipped_at": None,
        "prediction_id": known.get("id"),
        "release_id": known.get("release_id"),
        "label": known.get("label"),
        "confidence": known.get("confidence"),
        "needs_review": known.get("needs_review", False),
    }
