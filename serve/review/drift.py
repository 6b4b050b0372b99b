"""Drift: does a week's mix of labels, or the model's confidence, differ from the weeks before?

Of the predictions of one release, so that a new release is no drift. Each week is compared with all
weeks before it: the mix of primary labels by the test of :mod:`claimwire.serve.review.permutation`
on counts, confidence by the same test on ranks. Articles, not sentences, are what chance deals out.
Holm's correction is over the weeks shown, for each of the two questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from claimwire.data.labels import LABELS
from claimwire.serve.review.permutation import Scores, holm, permutation_p
from claimwire.serve.review.tables import ArticleRow, PredictionRow, SentenceRow
from claimwire.serve.review.weeks import week_of

WEEKS_SHOWN: Final = 26
"""Latest weeks that are looked at; those before them are what the first of them is compared to."""

CHANCE: Final = 0.05
"""Corrected p-values below this are called more than chance."""

SEED: Final = 13


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a week is from the weeks before it.

    Attributes:
        size: for the mix of labels the share of sentences that would have to change their label
            (total variation), 0-1; for confidence how often a sentence of the week is surer than
            one of the weeks before, 0-1 with 0.5 for no difference.
        p: how likely chance alone would bring about so much; None where nothing can be told.
        corrected: the same, corrected for the number of weeks.
    """

    size: float
    p: float | None
    corrected: float | None

    @property
    def is_more_than_chance(self) -> bool:
        """Whether the corrected p-value is below :data:`CHANCE`."""
        return self.corrected is not None and self.corrected < CHANCE


@dataclass(frozen=True, slots=True)
class Week:
    """What a release predicted of the articles of a week.

    Attributes:
        week: such as ``2026-W09``.
        articles: number of articles.
        sentences: number of sentences.
        labels: of these, by primary label in the order of the labels.
        labels_before: the same of all weeks before.
        quartiles: of the confidence: lower, median, upper, each 0-1.
        median_before: of the confidence in all weeks before; None for the first week.
        mix: how far the mix of labels is from that of the weeks before; None for the first week.
        confidence: how far the confidence is.
    """

    week: str
    articles: int
    sentences: int
    labels: dict[str, int]
    labels_before: dict[str, int]
    quartiles: tuple[float, float, float]
    median_before: float | None
    mix: Difference | None
    confidence: Difference | None


@dataclass(frozen=True, slots=True)
class Drift:
    """Drift of a release's predictions.

    Attributes:
        weeks: the latest weeks in which there are predictions, oldest first, at most
            :data:`WEEKS_SHOWN`.
        articles: number of articles, of all weeks.
        dated: of these, those with a date of their own; the others count in the week of their
            import.
    """

    weeks: tuple[Week, ...]
    articles: int
    dated: int

    @property
    def other_mix(self) -> tuple[Week, ...]:
        """The weeks whose mix of labels differs by more than chance."""
        return tuple(week for week in self.weeks if _is_found(week.mix))

    @property
    def other_confidence(self) -> tuple[Week, ...]:
        """The weeks in which confidence differs by more than chance."""
        return tuple(week for week in self.weeks if _is_found(week.confidence))


@dataclass(frozen=True, slots=True)
class Predictions:
    """The predictions of a release, a row a sentence.

    Attributes:
        weeks: the weeks there are, in order.
        week: ``[n]`` number of the sentence's week.
        article: ``[n]`` number of its article, from 0.
        week_of_article: ``[articles]`` number of each one's week.
        label: ``[n]`` number of its primary label.
        confidence: ``[n]``.
        dated: number of articles with a date of their own.
    """

    weeks: tuple[str, ...]
    week: npt.NDArray[np.int64]
    article: npt.NDArray[np.int64]
    week_of_article: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]
    confidence: Scores
    dated: int


def drift(session: Session, release_id: int | None) -> Drift:
    """Return the drift of a release's predictions; of none where there is no release."""
    found = None if release_id is None else _predictions(session, release_id)
    if found is None:
        return Drift((), 0, 0)
    first = max(0, len(found.weeks) - WEEKS_SHOWN)
    numbers = range(first, len(found.weeks))
    mix = _corrected([_mix(found, number) for number in numbers])
    confidence = _corrected([_confidence(found, number) for number in numbers])
    weeks = tuple(
        _week(found, number, mix[number - first], confidence[number - first]) for number in numbers
    )
    return Drift(weeks, len(found.week_of_article), found.dated)


def _predictions(session: Session, release_id: int) -> Predictions | None:
    """Read the predictions of a release; None where there are none."""
    query = (
        select(SentenceRow.article_id, PredictionRow.label, PredictionRow.confidence)
        .join(SentenceRow, SentenceRow.id == PredictionRow.sentence_id)
        .where(PredictionRow.release_id == release_id)
    )
    rows = session.connection().execute(query).all()
    if not rows:
        return None
    article_ids, labels, confidence = zip(*rows, strict=True)
    known, article = np.unique(np.array(article_ids), return_inverse=True)
    moments = _moments(session)
    week_of_article = [week_of(moments[int(number)][0]) for number in known]
    weeks, week = np.unique(np.array(week_of_article), return_inverse=True)
    numbers = {label.value: number for number, label in enumerate(LABELS)}
    return Predictions(
        weeks=tuple(str(each) for each in weeks),
        week=week[article],
        article=article,
        week_of_article=week,
        label=np.array([numbers[label] for label in labels]),
        confidence=np.array(confidence),
        dated=sum(moments[int(number)][1] for number in known),
    )


def _moments(session: Session) -> dict[int, tuple[str, bool]]:
    """Return, by article, its day or that of its import, and whether it is its own."""
    query = select(
        ArticleRow.id,
        func.coalesce(ArticleRow.published, ArticleRow.created_at),
        ArticleRow.published.is_not(None),
    )
    return {number: (moment, bool(is_own)) for number, moment, is_own in session.execute(query)}


def _week(
    found: Predictions, number: int, mix: Difference | None, confidence: Difference | None
) -> Week:
    mine, before = found.week == number, found.week < number
    low, middle, high = np.quantile(found.confidence[mine], (0.25, 0.5, 0.75))
    return Week(
        week=found.weeks[number],
        articles=len(np.unique(found.article[mine])),
        sentences=int(mine.sum()),
        labels=_counts(found.label[mine]),
        labels_before=_counts(found.label[before]),
        quartiles=(float(low), float(middle), float(high)),
        median_before=float(np.median(found.confidence[before])) if before.any() else None,
        mix=mix,
        confidence=confidence,
    )


def _counts(labels: npt.NDArray[np.int64]) -> dict[str, int]:
    counts = np.bincount(labels, minlength=len(LABELS))
    return {label.value: int(count) for label, count in zip(LABELS, counts, strict=True)}


def _mix(found: Predictions, number: int) -> Difference | None:
    """Compare the mix of labels in a week with the weeks before."""
    if number == 0:
        return None
    so_far = np.flatnonzero(found.week <= number)
    is_now = found.week[so_far] == number
    given = np.eye(len(LABELS))[found.label[so_far]]
    shares_now, shares_before = given[is_now].mean(axis=0), given[~is_now].mean(axis=0)
    size = float(np.abs(shares_now - shares_before).sum() / 2)
    return Difference(size, _clustered(found, so_far, given - given.mean(axis=0), number), None)


def _confidence(found: Predictions, number: int) -> Difference | None:
    """Compare the confidence in a week with the weeks before."""
    if number == 0:
        return None
    so_far = np.flatnonzero(found.week <= number)
    is_now = found.week[so_far] == number
    ranks = midranks(found.confidence[so_far])
    now, before = int(is_now.sum()), int((~is_now).sum())
    # Mann and Whitney's count of pairs, as a share of all pairs.
    size = float((ranks[is_now].sum() - now * (now + 1) / 2) / (now * before))
    return Difference(
        size, _clustered(found, so_far, (ranks - ranks.mean())[:, None], number), None
    )


def _clustered(
    found: Predictions, so_far: npt.NDArray[np.int64], scores: Scores, number: int
) -> float | None:
    """Sum the scores of some sentences, ``[n, k]``, by article, and test the articles of a week."""
    articles = len(found.week_of_article)
    sums: Scores = np.stack(
        [np.bincount(found.article[so_far], column, articles) for column in scores.T], axis=1
    )
    is_there = found.week_of_article <= number
    chosen = found.week_of_article[is_there] == number
    return permutation_p(sums[is_there], chosen, SEED + number)


def midranks(values: Scores) -> Scores:
    """Return the ranks of values, from 1; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Scores = (last - (counts - 1) / 2)[place]
    return ranks


def _is_found(difference: Difference | None) -> bool:
    return difference is not None and difference.is_more_than_chance


def _corrected(differences: Sequence[Difference | None]) -> list[Difference | None]:
    corrected = holm([None if each is None else each.p for each in differences])
    return [
        None if each is None else Difference(each.size, each.p, p)
        for each, p in zip(differences, corrected, strict=True)
    ]
