"""Counts of a corpus by split, theatre, genre and source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from claimwire.data.corpus import SPLITS, Example
from claimwire.data.labels import LABELS

UNKNOWN: Final = "(unknown)"
"""Group of the extra records that do not tell their theatre, genre or source."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What one group of sentences holds.

    Attributes:
        documents: distinct documents; records that name none are not counted.
        sentences: all sentences.
        labels: sentences that bear the label, primary or not, by label.
        primary: sentences whose first label it is, by label.
        by_split: sentences by split.
        two_label_share: share of sentences with more than one label, 0.0-1.0.
        hard_share: share of sentences marked hard, 0.0-1.0.
        mean_words: words a sentence (parted by white space) on average.
    """

    documents: int
    sentences: int
    labels: dict[str, int]
    primary: dict[str, int]
    by_split: dict[str, int]
    two_label_share: float
    hard_share: float
    mean_words: float


@dataclass(frozen=True, slots=True)
class CorpusStats:
    """Counts of the whole and of its groups, each group by name."""

    total: Counts
    splits: dict[str, Counts]
    theatres: dict[str, Counts]
    genres: dict[str, Counts]
    sources: dict[str, Counts]

    def as_json(self) -> dict[str, object]:
        """Return plain dictionaries, ready for ``json.dumps``."""
        return asdict(self)


def corpus_stats(examples: Sequence[Example]) -> CorpusStats:
    """Count ``examples``; splits in their order, other groups by size, then name."""
    by_split = _grouped(examples, lambda example: example.split)
    return CorpusStats(
        total=count(examples),
        splits={split: by_split.get(split, count([])) for split in SPLITS},
        theatres=_grouped(examples, lambda example: example.theatre),
        genres=_grouped(examples, lambda example: example.genre),
        sources=_grouped(examples, lambda example: example.source),
    )


def count(examples: Sequence[Example]) -> Counts:
    """Count one group; shares and means of an empty group are 0.0."""
    size = len(examples)
    documents = {example.document_key for example in examples} - {None}
    return Counts(
        documents=len(documents),
        sentences=size,
        labels={
            label.value: sum(label in example.labels for example in examples) for label in LABELS
        },
        primary={
            label.value: sum(label is example.labels[0] for example in examples) for label in LABELS
        },
        by_split={split: sum(example.split == split for example in examples) for split in SPLITS},
        two_label_share=_mean(len(example.labels) > 1 for example in examples),
        hard_share=_mean(example.hard for example in examples),
        mean_words=_mean(len(example.text.split()) for example in examples),
    )


def _mean(values: Iterable[float]) -> float:
    """Return the mean rounded to 4 decimals, 0.0 of nothing."""
    listed = list(values)
    return round(sum(listed) / len(listed), 4) if listed else 0.0


def _grouped(
    examples: Sequence[Example], name: Callable[[Example], str | None]
) -> dict[str, Counts]:
    """Count each group of examples that share a name."""
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(name(example) or UNKNOWN, []).append(example)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return {str(group): count(members) for group, members in ordered}
