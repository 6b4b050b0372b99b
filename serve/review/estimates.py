"""Precision and recall of each label in production, from the random stratum.

Which of its sentences count is told in :mod:`claimwire.serve.review.stratum`. Where imports drew
with different shares, each sentence weighs what it stands for, one over its share, and the interval
is that of the effective number of sentences, the weights' sum squared over the sum of their squares
(Kish, *Survey Sampling*, 1965).
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from claimwire.data.errors import InputError
from claimwire.data.jsonlines import did_you_mean
from claimwire.data.labels import LABELS, Label
from claimwire.serve.review.intervals import further_needed, wilson
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.stratum import (
    FEW_OPEN,
    OPEN_TOLERATED,
    Counted,
    Stratum,
    predicted_labels,
    read_stratum,
)
from claimwire.serve.review.tables import ReleaseRow

__all__ = [
    "FEW_OPEN",
    "OPEN_TOLERATED",
    "Audit",
    "Estimate",
    "Measure",
    "audit",
    "audit_of",
    "estimates",
    "imported_releases",
    "named_release",
    "sample_of",
]

Measure = Literal["precision", "recall"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """One measure of one label.

    Attributes:
        label: the label.
        measure: ``precision``: of the sentences given the label, the share that reviewers give it
            too; ``recall``: of those that reviewers give it, the share given it.
        hits: sentences of the sample in which both agree on the label.
        n: sentences of the sample in the denominator.
        rate: the estimate, 0-1; None where ``n`` is 0.
        low: lower end of the 95% interval.
        high: upper end.
        needed: further judged sentences until half the interval's width is about the wanted one;
            0 where it is already, None where there is nothing to tell it from.
    """

    label: str
    measure: Measure
    hits: int
    n: int
    rate: float | None
    low: float
    high: float
    needed: int | None


@dataclass(frozen=True, slots=True)
class Audit:
    """What the random stratum says of a release.

    Attributes:
        release: the release; None where none predicted anything.
        half_width: the wanted half-width.
        sample: judged sentences that the estimates rest on.
        open: sentences of the stratum without a verdict, the skipped ones among them.
        skipped: those of them that somebody's skip stands on.
        disputed: judged sentences that wait for an adjudicator.
        out_of_turn: judged sentences that do not count yet, since what stands before them is open.
        not_sentences: judged in turn, but found to be no sentence or wrongly split.
        uncovered: judged in turn, but without a prediction of the release.
        open_mode: sentences of the sample judged with the prediction in sight.
        estimates: precision and recall of each label, in the labels' order.
    """

    release: str | None
    half_width: float
    sample: int
    open: int
    skipped: int
    disputed: int
    out_of_turn: int
    not_sentences: int
    uncovered: int
    open_mode: int
    estimates: tuple[Estimate, ...]

    def by_label(self) -> dict[str, dict[Measure, Estimate]]:
        """Return the estimates by label and measure."""
        table: dict[str, dict[Measure, Estimate]] = {}
        for each in self.estimates:
            table.setdefault(each.label, {})[each.measure] = each
        return table


def estimates(
    store: ReviewStore, *, release: str | None = None, half_width: float = 0.05
) -> list[Estimate]:
    """Return the estimates of :func:`audit` alone."""
    return list(audit(store, release=release, half_width=half_width).estimates)


def audit(store: ReviewStore, *, release: str | None = None, half_width: float = 0.05) -> Audit:
    """Estimate precision and recall of each label in production.

    Args:
        store: the review desk's database.
        release: name of a release (the ``model`` of tagged records); None: the one imported last.
        half_width: half the width that an interval shall have, above 0, below 0.5.

    Raises:
        InputError: the release is not known, or the width is out of range.
    """
    if not 0 < half_width < 0.5:
        raise InputError(f"half-width: expected above 0 and below 0.5, found {half_width}")
    with store.read() as session:
        releases = imported_releases(session)
        name = named_release(release, releases)
        release_id = None if name is None else releases[name]
        stratum, predicted = read_stratum(session), predicted_labels(session, release_id)
    return audit_of(stratum, predicted, name, half_width)


def audit_of(
    stratum: Stratum,
    predicted: Mapping[int, Sequence[str]],
    release: str | None,
    half_width: float = 0.05,
) -> Audit:
    """Return the audit of a release.

    Args:
        stratum: the random stratum.
        predicted: labels that the release gives its sentences.
        release: name of the release.
        half_width: see :func:`audit`.
    """
    sample = sample_of(stratum, predicted)
    sentences = sum(each.kind == "label" for each in stratum.judged)
    return Audit(
        release=release,
        half_width=half_width,
        sample=len(sample),
        open=stratum.open,
        skipped=stratum.skipped,
        disputed=stratum.disputed,
        out_of_turn=stratum.out_of_turn,
        not_sentences=len(stratum.judged) - sentences,
        uncovered=sentences - len(sample),
        open_mode=sum(each.mode == "open" for each in sample),
        estimates=tuple(_estimates(sample, predicted, half_width)),
    )


def sample_of(stratum: Stratum, predicted: Container[int]) -> list[Counted]:
    """Return the sentences that estimates rest on: judged in turn, sentences, and predicted."""
    return [
        each for each in stratum.judged if each.kind == "label" and each.sentence_id in predicted
    ]


def imported_releases(session: Session) -> dict[str, int]:
    """Return the ids of the releases by name, in the order they were imported."""
    query = select(ReleaseRow.name, ReleaseRow.id).order_by(ReleaseRow.id)
    return dict(session.execute(query).all())


def named_release(name: str | None, releases: Mapping[str, int]) -> str | None:
    """Return which release is meant.

    Args:
        name: its name; None: the one imported last.
        releases: what :func:`imported_releases` returned.

    Returns:
        its name; None where none is named and none is there.

    Raises:
        InputError: the release is not known.
    """
    if name is None:
        return next(reversed(list(releases)), None)
    if name not in releases:
        raise InputError(
            f"release: expected one of those imported ({', '.join(releases) or 'none so far'}), "
            f"found {name!r}{did_you_mean(name, releases)}"
        )
    return name


def _estimates(
    sample: Sequence[Counted], predicted: Mapping[int, Sequence[str]], half_width: float
) -> Iterator[Estimate]:
    for label in LABELS:
        given = [each for each in sample if label in predicted[each.sentence_id]]
        true = [each for each in sample if label in each.labels]
        hits = [each for each in given if label in each.labels]
        yield _estimate(label, "precision", hits, given, len(sample), half_width)
        yield _estimate(label, "recall", hits, true, len(sample), half_width)


def _estimate(
    label: Label,
    measure: Measure,
    hits: Sequence[Counted],
    whole: Sequence[Counted],
    sample: int,
    half_width: float,
) -> Estimate:
    weights = [each.weight for each in whole]
    total = sum(weights)
    rate = sum(each.weight for each in hits) / total if whole else None
    effective = total * total / sum(weight * weight for weight in weights) if whole else 0.0
    low, high = wilson(rate or 0.0, effective)
    more = further_needed((low, high), effective, half_width)
    return Estimate(
        label=label.value,
        measure=measure,
        hits=len(hits),
        n=len(whole),
        rate=rate,
        low=low,
        high=high,
        # The label is taken to come up as often as so far.
        needed=None if more is None else math.ceil(more * sample / max(effective, 1)),
    )
