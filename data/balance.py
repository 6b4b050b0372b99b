"""Whether each side of a conflict gets the same labels: who does something must not decide.

A model that sees one side only ever attack learns the side, not the claim. For each conflict the
sentences that name one of its sides, and no other party, are compared: the share of them that bears
each label, on either side.

Shares of few sentences differ by chance, and sentences of one document belong together: whoever is
attacked in its headline is attacked all through it. So chance is measured by documents. If it did
not matter who is who, the two sides of any document could be exchanged; the difference that was
found is compared with those that such exchanges, document by document, give (a permutation test;
all exchanges where there are few documents, else 20,000 drawn with a fixed seed).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from claimwire.data.checks import Problem, Rule
from claimwire.data.composed import Placed
from claimwire.data.labels import LABELS, Label
from claimwire.data.parties import Parties

TOLERANCE: Final = 0.10
"""Difference of shares that is looked into, 0-1."""
SIGNIFICANCE: Final = 0.05
"""Chance of failing a balanced corpus, over all labels and conflicts together (Holm 1979)."""
FEWEST_DOCUMENTS: Final = 6
"""Below this not even the most lopsided documents could be told from chance at 0.05."""

_REMEDY: Final = "write more documents with the sides the other way round"
_EXHAUSTIVE: Final = 12
_DRAWS: Final = 20_000

Counts = npt.NDArray[np.float64]
"""``[documents, 2 sides, 1 + 4]``: sentences, and those that bear each label of LABELS."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a conflict: sentences that name it alone, and how many bear each label."""

    name: str
    sentences: int
    labels: dict[Label, int]

    def share(self, label: Label) -> float:
        """Return the share of its sentences that bear ``label``; 0.0 where there are none."""
        return self.labels[label] / self.sentences if self.sentences else 0.0


@dataclass(frozen=True, slots=True)
class Balance:
    """Both sides of a conflict.

    Attributes:
        left: the side that comes first by name.
        right: the other one.
        documents: documents in which these two are named most often.
        p_values: by label, how often chance alone gives such a difference, 0-1; empty where there
            are too few documents to tell.
    """

    left: Side
    right: Side
    documents: int
    p_values: dict[Label, float]

    def difference(self, label: Label) -> float:
        """Return the left side's share of ``label`` less the right side's, -1 to 1."""
        if not self.left.sentences or not self.right.sentences:
            return 0.0
        return self.left.share(label) - self.right.share(label)


@dataclass(frozen=True, slots=True)
class Pooled:
    """Over all conflicts, one label: the mean size of the difference, and that by chance.

    Each conflict counts as its sentences warrant (``n m / (n + m)``). ``p_value`` says how often
    exchanged sides give a mean as large.
    """

    found: float
    by_chance: float
    p_value: float

    @property
    def excess(self) -> float:
        """Return how far the difference is above that by chance; below 0 where it is smaller."""
        return self.found - self.by_chance


def balances(documents: Sequence[Placed]) -> list[Balance]:
    """Return the balance of each conflict, those of most documents first."""
    return [_balance(pair, counts) for pair, counts in _ordered(documents)]


def pooled_balance(documents: Sequence[Placed]) -> dict[Label, Pooled]:
    """Return the difference between sides over all conflicts, by label; empty without any."""
    conflicts = [counts for _, counts in _ordered(documents) if counts[:, :, 0].sum(0).all()]
    if not conflicts:
        return {}
    generator = np.random.default_rng(13)
    found = np.stack([_differences(c, np.zeros((1, len(c)), bool))[0] for c in conflicts])
    drawn = np.stack(
        [_differences(c, generator.random((_DRAWS // 10, len(c))) < 0.5) for c in conflicts]
    )
    sizes = np.stack([counts[:, :, 0].sum(0) for counts in conflicts])
    weights = sizes.prod(1) / sizes.sum(1)
    mean = np.average(np.abs(found), axis=0, weights=weights)
    means = np.average(np.abs(drawn), axis=0, weights=weights)
    return {
        label: Pooled(
            float(mean[index]),
            float(means[:, index].mean()),
            float((1 + (means[:, index] >= mean[index] - 1e-12).sum()) / (1 + len(means))),
        )
        for index, label in enumerate(LABELS)
    }


def check_balance(documents: Sequence[Placed]) -> list[Problem]:
    """Return where the sides differ by more than ten points and more than chance explains.

    A single conflict fails where that holds with the number of conflicts and labels looked at taken
    into account, and is a note where it would hold for that one alone. All conflicts together fail
    where the mean difference is more than ten points above that by chance.
    """
    problems = list(_of_conflicts(documents))
    for label, pooled in pooled_balance(documents).items():
        if pooled.excess > TOLERANCE and pooled.p_value < SIGNIFICANCE:
            message = (
                f"{label}: the sides of all conflicts differ by {pooled.found:.0%} on average, by "
                f"chance {pooled.by_chance:.0%} (p {pooled.p_value:.3f}): {_REMEDY}"
            )
            problems.append(Problem(Rule.BALANCE, message))
    return problems


def _of_conflicts(documents: Sequence[Placed]) -> Iterator[Problem]:
    tested = [
        (p_value, balance, label)
        for balance in balances(documents)
        for label, p_value in balance.p_values.items()
    ]
    tested.sort(key=lambda each: each[0])
    beyond_chance = True
    for rank, (p_value, balance, label) in enumerate(tested):
        beyond_chance &= p_value * (len(tested) - rank) < SIGNIFICANCE
        if p_value < SIGNIFICANCE and abs(balance.difference(label)) > TOLERANCE:
            yield _problem(balance, label, p_value, fails=beyond_chance)


def _problem(balance: Balance, label: Label, p_value: float, *, fails: bool) -> Problem:
    shares = " and ".join(
        f"{side.name} {side.share(label):.0%} of {side.sentences}"
        for side in (balance.left, balance.right)
    )
    end = _REMEDY if fails else "of so many comparisons chance may give one"
    message = f"{label}: {shares} sentences in {balance.documents} documents (p {p_value:.3f}): "
    return Problem(Rule.BALANCE, message + end, fails=fails)


def _ordered(documents: Sequence[Placed]) -> list[tuple[tuple[str, str], Counts]]:
    grouped: dict[tuple[str, str], list[Counts]] = defaultdict(list)
    for placed in documents:
        found = _of_document(placed)
        if found is not None:
            grouped[found[0]].append(found[1])
    stacked = [(pair, np.stack(counts)) for pair, counts in grouped.items()]
    return sorted(stacked, key=lambda each: (-len(each[1]), each[0]))


def _of_document(placed: Placed) -> tuple[tuple[str, str], Counts] | None:
    """Return the two sides that the document names most often and the counts of both."""
    parties = Parties(placed.document.parties or {})
    named = [Counter(parties.named(each.text)) for each in placed.document.sentences]
    totals: Counter[str] = sum(named, Counter())
    opponents = sorted(totals, key=lambda side: (-totals[side], side))[:2]
    if len(opponents) < 2:
        return None
    pair = (min(opponents), max(opponents))
    counts = np.zeros((2, 1 + len(LABELS)))
    for sides, sentence in zip(named, placed.document.sentences, strict=True):
        if len(sides) == 1 and (side := next(iter(sides))) in pair:
            bears = [label in sentence.labels for label in LABELS]
            counts[pair.index(side)] += np.array([1, *bears])
    return pair, counts


def _balance(pair: tuple[str, str], counts: Counts) -> Balance:
    left, right = (_side(name, counts[:, index].sum(0)) for index, name in enumerate(pair))
    return Balance(left, right, len(counts), _p_values(counts))


def _side(name: str, totals: npt.NDArray[np.float64]) -> Side:
    labels = {label: int(totals[1 + index]) for index, label in enumerate(LABELS)}
    return Side(name, int(totals[0]), labels)


def _p_values(counts: Counts) -> dict[Label, float]:
    documents = len(counts)
    if documents < FEWEST_DOCUMENTS or not counts[:, :, 0].sum(0).all():
        return {}
    exhaustive = documents <= _EXHAUSTIVE
    if exhaustive:
        bits = np.arange(2**documents)[:, None] >> np.arange(documents) & 1
        flips = bits.astype(bool)
    else:
        flips = np.random.default_rng(13).random((_DRAWS, documents)) < 0.5
    found = np.abs(_differences(counts, np.zeros((1, documents), bool))[0])
    as_large = (np.abs(_differences(counts, flips)) >= found - 1e-12).sum(0)
    ones = 0 if exhaustive else 1  # the corpus as it is counts as one of the draws
    values = (as_large + ones) / (len(flips) + ones)
    return {label: float(values[index]) for index, label in enumerate(LABELS)}


def _differences(counts: Counts, flips: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return the differences of shares ``[draws, 4]`` with the sides of some documents exchanged.

    Args:
        counts: of one conflict.
        flips: ``[draws, documents]``, true where a document's sides are exchanged.
    """
    change = (counts[:, 1] - counts[:, 0]).reshape(len(counts), -1)
    left = counts[:, 0].sum(0) + flips.astype(np.float64) @ change
    right = counts.sum((0, 1)) - left
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = left[:, 1:] / left[:, :1] - right[:, 1:] / right[:, :1]
    return np.where(np.isfinite(shares), shares, 0.0)
