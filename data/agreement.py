"""How far independent passes of labelling agree: Krippendorff's alpha.

Nominal alpha, after Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability": one minus
the disagreement observed among the labellings of a sentence, divided by that expected if labels
were dealt out by chance. 1 is perfect agreement, 0 chance.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from claimwire.data.annotations import BLIND, Annotation, Pass
from claimwire.data.labels import LABELS, Label
from claimwire.data.standoff_labels import Labelling


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement on a set of sentences that more than one blind pass labelled.

    Attributes:
        sentences: how many there are.
        same: how many got exactly the same labels.
        primary: alpha of the first label, four categories; None where it is undefined.
        per_label: alpha of whether the label is given at all; None where it never varies.
    """

    sentences: int
    same: int
    primary: float | None
    per_label: dict[Label, float | None]


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Return nominal alpha of units, each with the values that its coders gave.

    Args:
        units: a sequence of values for each unit; units with fewer than two values say nothing.

    Returns:
        Alpha, at most 1; None where only one value was ever given, so that nothing can be said.
    """
    totals: Counter[Hashable] = Counter()
    agreeing = 0.0  # coincidences of equal values
    for values in units:
        if len(values) < 2:
            continue
        counts = Counter(values)
        totals.update(counts)
        agreeing += sum(count * (count - 1) for count in counts.values()) / (len(values) - 1)
    n = totals.total()
    if len(totals) < 2:
        return None
    observed = n - agreeing
    expected = (n * n - sum(count * count for count in totals.values())) / (n - 1)
    return 1 - observed / expected


def agreement(labellings: Iterable[Labelling]) -> Agreement:
    """Return the agreement of the blind passes over the sentences that several of them labelled."""
    by_sentence: dict[str, list[tuple[Label, ...]]] = defaultdict(list)
    for each in labellings:
        if each.labeller in BLIND:
            by_sentence[each.id].append(tuple(each.labels))
    return agreement_of([passes for passes in by_sentence.values() if len(passes) > 1])


def composed_agreement(annotations: Iterable[Annotation], passes: Sequence[Pass]) -> Agreement:
    """Return the agreement of ``passes`` over the composed sentences that each of them labelled."""
    given = [annotation.given() for annotation in annotations]
    return agreement_of(
        [[each[name] for name in passes] for each in given if all(name in each for name in passes)]
    )


def agreement_of(units: Sequence[Sequence[tuple[Label, ...]]]) -> Agreement:
    """Return the agreement over sentences, each with the label lists that its passes gave."""

    def alpha(value: Callable[[tuple[Label, ...]], Hashable]) -> float | None:
        return krippendorff_alpha([value(each) for each in passes] for passes in units)

    return Agreement(
        sentences=len(units),
        same=sum(len(set(passes)) == 1 for passes in units),
        primary=alpha(lambda labels: labels[0]),
        per_label={label: alpha(_has(label)) for label in LABELS},
    )


def _has(label: Label) -> Callable[[tuple[Label, ...]], Hashable]:
    return lambda labels: label in labels
