"""How far reviewers agree: Cohen's kappa for pairs, Krippendorff's alpha for labels and weeks.

J. Cohen, *A coefficient of agreement for nominal scales*, Educational and Psychological Measurement
20 (1960), 37-46; K. Krippendorff, *Computing Krippendorff's alpha-reliability*, University of
Pennsylvania (2011). Both are 1 where all agree and 0 where they agree as often as chance would have
it. Kappa and the alpha called *primary* are of the primary label, with *not a sentence* as a fifth
value; the alpha of a label is of whether it is given at all.

Counted is what each reviewer said last before they could see another's answer: who mends a verdict
after that is no independent judge.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from claimwire.data.agreement import krippendorff_alpha
from claimwire.data.labels import LABELS
from claimwire.serve.review.facts import Answer, Judged
from claimwire.serve.review.outcomes import differ

Unit = Sequence[Answer]
"""The answers that a sentence got, from different reviewers."""


@dataclass(frozen=True, slots=True)
class Alphas:
    """Agreement on some sentences that at least two reviewers judged.

    Attributes:
        sentences: how many there are.
        same: how many of them got the same labels, and the same primary one, from all.
        primary: alpha of the primary label; None where it cannot be told.
        labels: alpha of each label; None where it was never, or always, given.
    """

    sentences: int
    same: int
    primary: float | None
    labels: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Pair:
    """Agreement of two reviewers on the sentences that both judged.

    Attributes:
        first: a reviewer.
        second: the other one, later in the alphabet.
        kappa: of the primary label; None where it cannot be told.
        alphas: see :class:`Alphas`.
    """

    first: str
    second: str
    kappa: float | None
    alphas: Alphas


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of all reviewers.

    Attributes:
        all: of all sentences that at least two judged.
        in_sight: how many of these somebody judged with the prediction in sight, which makes
            reviewers agree with it and so with each other.
        pairs: those with sentences in common, by name.
        weeks: by week of the article, oldest first.
    """

    all: Alphas
    in_sight: int
    pairs: tuple[Pair, ...]
    weeks: dict[str, Alphas]


def agreement(judged: Iterable[Judged]) -> Agreement:
    """Return the agreement of the reviewers of these sentences."""
    several = [each for each in judged if len(each.verdicts) > 1]
    pairs: dict[tuple[str, str], list[Unit]] = defaultdict(list)
    weeks: dict[str, list[Unit]] = defaultdict(list)
    for each in several:
        weeks[each.week].append(_unit(each))
        answers = {verdict.reviewer: verdict.independent for verdict in each.verdicts}
        for one, other in combinations(sorted(answers), 2):
            pairs[one, other].append((answers[one], answers[other]))
    return Agreement(
        all=_alphas([_unit(each) for each in several]),
        in_sight=sum(any(verdict.is_open for verdict in each.verdicts) for each in several),
        pairs=tuple(
            Pair(one, other, _kappa(units), _alphas(units))
            for (one, other), units in sorted(pairs.items())
        ),
        weeks={week: _alphas(units) for week, units in sorted(weeks.items())},
    )


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return Cohen's kappa (1960) of two raters.

    Args:
        pairs: what the two said of each case.

    Returns:
        kappa, at most 1; None where there is no case, or both always said one and the same thing.
    """
    n = len(pairs)
    first, second = (Counter(side) for side in zip(*pairs, strict=True)) if pairs else ({}, {})
    # Whole numbers as long as possible: whether all is one and the same must not hang on rounding.
    by_chance = sum(count * second[value] for value, count in first.items())
    if by_chance == n * n:
        return None
    same = sum(one == other for one, other in pairs)
    return (same * n - by_chance) / (n * n - by_chance)


def _unit(judged: Judged) -> Unit:
    return [verdict.independent for verdict in judged.verdicts]


def _kappa(units: Iterable[Unit]) -> float | None:
    return cohen_kappa([(one.primary, other.primary) for one, other in units])


def _alphas(units: Sequence[Unit]) -> Alphas:
    def alpha_of(label: str) -> float | None:
        return krippendorff_alpha([label in each.labels for each in unit] for unit in units)

    return Alphas(
        sentences=len(units),
        same=sum(not differ([each.labels for each in unit]) for unit in units),
        primary=krippendorff_alpha([each.primary for each in unit] for unit in units),
        labels={label.value: alpha_of(label) for label in LABELS},
    )
