"""What was judged: the decisions that stand, with their sentences, articles and predictions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from sqlalchemy import and_, func, or_, select

from claimwire.serve.review.outcomes import GivenVerdict, Outcome, outcome_of
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.tables import (
    ADJUDICATE,
    VERDICT_KINDS,
    ArticleRow,
    DecisionRow,
    PredictionRow,
    QueueRow,
    ReleaseRow,
    SentenceRow,
    StandingRow,
)

_AT_ONCE: Final = 1_000
"""Rows in memory together."""

_STANDING: Final = select(StandingRow.decision_id)
_ADJUDICATIONS: Final = select(QueueRow.adjudication_id).where(
    QueueRow.adjudication_id.is_not(None)
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One standing decision.

    Attributes:
        decision: what was decided.
        sentence: about which sentence.
        article: of which article.
        prediction: what the release that was current then had said; None for nothing.
    """

    decision: DecisionRow
    sentence: SentenceRow
    article: ArticleRow
    prediction: PredictionRow | None

    @property
    def kind(self) -> str:
        """What was decided: ``label``, ``not_a_sentence`` or ``skip``, by whomever."""
        if self.decision.kind != ADJUDICATE:
            return self.decision.kind
        return "label" if self.decision.labels else "not_a_sentence"

    @property
    def name(self) -> str:
        """The sentence's name in exports, the same whoever judges it and how often."""
        return f"review-{self.article.digest[:12]}-{self.sentence.position}"


@dataclass(frozen=True, slots=True)
class Settled:
    """A sentence with the decision that says what is held of it.

    Attributes:
        entry: that decision; the last one while reviewers disagree.
        outcome: what is held; None where there are skips alone.
    """

    entry: Entry
    outcome: Outcome | None

    @property
    def state(self) -> str:
        """``label``, ``not_a_sentence``, ``skip``, or ``open`` while reviewers disagree."""
        return "skip" if self.outcome is None else self.outcome.kind


def standing_entries(store: ReviewStore) -> Iterator[Entry]:
    """Yield every decision that stands, skips and adjudications included, by sentence and decision.

    All that is yielded is of one moment; the undone and revised ones are left out.
    """
    query = (
        select(DecisionRow, SentenceRow, ArticleRow, PredictionRow)
        .join(SentenceRow, SentenceRow.id == DecisionRow.sentence_id)
        .join(ArticleRow, ArticleRow.id == SentenceRow.article_id)
        .join(ReleaseRow, ReleaseRow.name == DecisionRow.release, isouter=True)
        .join(
            PredictionRow,
            and_(
                PredictionRow.sentence_id == SentenceRow.id,
                PredictionRow.release_id == ReleaseRow.id,
            ),
            isouter=True,
        )
        .where(or_(DecisionRow.id.in_(_STANDING), DecisionRow.id.in_(_ADJUDICATIONS)))
        .order_by(SentenceRow.id, DecisionRow.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    with store.read() as session:
        for row in session.execute(query):
            for each in row:
                if each is not None and each in session:
                    session.expunge(each)  # it outlives the session
            yield Entry(*row)


def settled(store: ReviewStore) -> Iterator[Settled]:
    """Yield each sentence that has any decision, with its outcome, by id."""
    for sentence_id, group in groupby(standing_entries(store), key=lambda each: each.sentence.id):
        entries = list(group)
        verdicts = [_given(each) for each in entries if each.decision.kind in VERDICT_KINDS]
        adjudications = [_given(each) for each in entries if each.decision.kind == ADJUDICATE]
        if not verdicts and not adjudications:
            yield Settled(entries[-1], None)
            continue
        outcome = outcome_of(sentence_id, verdicts, next(iter(adjudications), None))
        by_id = {each.decision.id: each for each in entries}
        yield Settled(by_id[outcome.decision or verdicts[-1].id], outcome)


def document_names(store: ReviewStore) -> dict[int, str]:
    """Return, by article, the names of those whose key an earlier article bears as well.

    Keys may be line numbers, which two inputs share; what comes later then needs more.
    """
    first = select(ArticleRow.key, func.min(ArticleRow.id).label("first"))
    doubled = first.group_by(ArticleRow.key).having(func.count() > 1).subquery()
    query = select(ArticleRow.id, ArticleRow.key, ArticleRow.digest).join(
        doubled, and_(ArticleRow.key == doubled.c.key, ArticleRow.id != doubled.c.first)
    )
    with store.read() as session:
        return {number: f"{key}#{digest[:8]}" for number, key, digest in session.execute(query)}


def _given(entry: Entry) -> GivenVerdict:
    decision = entry.decision
    return GivenVerdict(
        decision.reviewer,
        tuple(decision.labels),
        decision.kind,
        decision.created_at,
        decision.id,
    )
