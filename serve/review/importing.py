"""Taking tagged records in: an import repeated, or cut off and repeated, gives the same store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from claimwire.data.errors import InputError
from claimwire.serve.review.batches import Batch
from claimwire.serve.review.import_run import ImportRun
from claimwire.serve.review.incoming import IncomingArticle, articles_of
from claimwire.serve.review.store import Lock, ReviewStore
from claimwire.serve.review.tables import ArticleRow, PredictionRow, QueueRow, SentenceRow

BATCH_SENTENCES: Final = 500
"""Sentences stored in one transaction: small enough that reviewers do not wait for it."""

Progress = Callable[[int], None]


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    Attributes:
        articles: new articles; a sentence that came alone is one.
        sentences: new sentences.
        predictions: new predictions, those of a new release for known sentences among them.
        already_there: sentences that were known before.
        random_stratum: new sentences drawn into the random stratum.
        doubly: new sentences that two reviewers shall judge.
        problems: what could not be imported, and why.
    """

    articles: int
    sentences: int
    predictions: int
    already_there: int
    random_stratum: int
    doubly: int
    problems: tuple[str, ...]


def import_records(
    store: ReviewStore,
    records: Iterable[Mapping[str, object]],
    *,
    random_share: float = 0.1,
    double_share: float = 0.1,
    seed: int = 13,
    progress: Progress | None = None,
) -> ImportReport:
    """Take in records of ``claimwire tag --format jsonl``, of either unit.

    The fields ``title``, ``theatre``, ``source`` and ``noise`` are kept where a record has them,
    and the day of ``date`` or ``published`` where it is written as in ISO 8601. A known sentence
    stays as it is, its stratum above all; a release new to it adds its prediction, and ``noise``,
    or what was not known of the article, is filled in.

    Args:
        store: where to.
        records: the records; the sentences of an article follow each other.
        random_share: share of the sentences to draw into the random stratum, 0-1.
        double_share: share of the sentences that two reviewers shall judge, 0-1; see
            :func:`claimwire.serve.review.queues.next_items`.
        seed: of the draws, which depend on it and the sentence's text alone.
        progress: is told the number of sentences done, after each batch.

    Raises:
        InputError: a share is not from 0 to 1.
    """
    for name, share in (("random_share", random_share), ("double_share", double_share)):
        if not 0 <= share <= 1:
            raise InputError(f"{name}: expected a number from 0 to 1, found {share}: correct it")
    run = ImportRun(random_share, double_share, seed)
    done = 0
    for batch in _batches(articles_of(records, run.problems)):
        with store.write(Lock.IMPORT) as session:
            Batch(session, run).store(batch)
        done += sum(len(article.sentences) for article in batch.values())
        if progress is not None:
            progress(done)
    if run.sentences or run.predictions:
        _analyse(store)
    return ImportReport(
        run.articles,
        run.sentences,
        run.predictions,
        run.already_there,
        run.random_stratum,
        run.doubly,
        run.problems.all(),
    )


def _analyse(store: ReviewStore) -> None:
    """Let the database count, so that it chooses the right index for each queue."""
    with store.write() as session:
        for table in (ArticleRow, SentenceRow, PredictionRow, QueueRow):
            session.execute(text(f"ANALYZE {table.__tablename__}"))


def _batches(articles: Iterator[IncomingArticle]) -> Iterator[dict[str, IncomingArticle]]:
    """Yield articles by digest, about :data:`BATCH_SENTENCES` at a time, none twice in a batch."""
    batch: dict[str, IncomingArticle] = {}
    size = 0
    for article in articles:
        digest = article.digest
        if digest in batch or size >= BATCH_SENTENCES:
            yield batch
            batch, size = {}, 0
        batch[digest] = article
        size += len(article.sentences)
    if batch:
        yield batch
