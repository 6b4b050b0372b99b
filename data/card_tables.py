"""The tables of the data card: what the corpus consists of, as plain cells.

``claimwire corpus stats`` prints them; ``--format markdown`` gives them as they stand in
``docs/data-card.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, quantiles
from typing import Final

from claimwire.data.agreement import Agreement
from claimwire.data.agreement_commands import HEADINGS, agreement_row
from claimwire.data.balance import FEWEST_DOCUMENTS, Balance, Pooled
from claimwire.data.composed import Placed
from claimwire.data.corpus import SPLITS, Example
from claimwire.data.labels import LABELS, Label
from claimwire.data.standoff_labels import Labelling
from claimwire.data.stats import CorpusStats, Counts

LABEL_HEADINGS: Final = ("att", "int", "attr", "bg")
KEY: Final = (
    f"docs: documents; sent: sentences; "
    f"{', '.join(f'{h} {label}' for h, label in zip(LABEL_HEADINGS, LABELS, strict=True))};\n"
    "two: with two or more labels; hard: marked hard; words: words a sentence"
)
"""What the headings mean."""

_MOST_SIDES: Final = 20


@dataclass(frozen=True, slots=True)
class CardTable:
    """A table of the data card.

    Attributes:
        title: what it shows.
        headings: of the columns; the first names the rows.
        rows: the cells, as many as there are headings.
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """Return the table in Markdown, its title in bold above it; numbers to the right."""
        lines = [f"**{self.title}**", "", _markdown_row(self.headings)]
        lines.append(_markdown_row(("---", *["---:"] * (len(self.headings) - 1))))
        return "\n".join([*lines, *map(_markdown_row, self.rows)])


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def count_tables(counted: CorpusStats) -> list[CardTable]:
    """Return the counts by split, theatre, genre and, where there are several, source."""
    tables = [
        _counts("By split", {**counted.splits, "all": counted.total}, show_splits=False),
        _counts("By theatre", counted.theatres, show_splits=True),
        _counts("By genre", counted.genres, show_splits=True),
    ]
    if len(counted.sources) > 1:
        tables.append(_counts("By source", counted.sources, show_splits=True))
    return tables


def _counts(title: str, groups: Mapping[str, Counts], *, show_splits: bool) -> CardTable:
    """Return one row a group; a sentence with two labels counts under both."""
    splits = ("train", "val", "test") if show_splits else ()
    rows = [
        (
            name,
            str(counts.documents),
            str(counts.sentences),
            *(str(counts.by_split[split]) for split in SPLITS if show_splits),
            *(str(counts.labels[label]) for label in LABELS),
            f"{counts.two_label_share:.0%}",
            f"{counts.hard_share:.0%}",
            f"{counts.mean_words:.1f}",
        )
        for name, counts in groups.items()
    ]
    headings = ("docs", "sent", *splits, *LABEL_HEADINGS, "two", "hard", "words")
    return CardTable(title, (title.removeprefix("By "), *headings), tuple(rows))


def label_table(examples: Sequence[Example]) -> CardTable:
    """Return one row a label: how often it is the primary one by split, its share, and the hard."""
    rows = []
    for label in LABELS:
        primary = [example for example in examples if example.labels[0] is label]
        also = sum(label in example.labels[1:] for example in examples)
        rows.append(
            (
                label.value,
                *(str(sum(each.split == split for each in primary)) for split in SPLITS),
                f"{len(primary) / max(1, len(examples)):.1%}",
                str(also),
                f"{sum(each.hard for each in primary) / max(1, len(primary)):.0%}",
            )
        )
    headings = ("primary label", "train", "val", "test", "share", "also second", "hard")
    return CardTable("Labels", headings, tuple(rows))


def length_table(examples: Sequence[Example]) -> CardTable:
    """Return one row a split with sentences: the spread of words a sentence."""
    rows = []
    for split in SPLITS:
        words = sorted(len(each.text.split()) for each in examples if each.split == split)
        if len(words) > 1:
            quartiles = (f"{value:.0f}" for value in quantiles(words, method="inclusive"))
            rows.append((split, f"{mean(words):.1f}", str(words[0]), *quartiles, str(words[-1])))
    headings = ("words a sentence", "mean", "least", "25%", "half", "75%", "most")
    return CardTable("Length", headings, tuple(rows))


def side_table(documents: Sequence[Placed]) -> CardTable:
    """Return one row a side, those of most documents first, after a row for all documents."""
    told = [set(each.document.parties.values()) for each in documents if each.document.parties]
    known = {side for sides in told for side in sides}
    by_side = {
        side: [sides for sides in told if side in sides]
        for side in sorted(known, key=lambda s: (-sum(s in sides for sides in told), s))
    }
    rows = [(f"{len(known)} sides", str(len(told)), "")]
    rows += [
        (side, str(len(chosen)), _opponents(side, chosen))
        for side, chosen in list(by_side.items())[:_MOST_SIDES]
    ]
    return CardTable(
        "Sides: parties to the fighting that documents name",
        ("side", "docs", "most often beside"),
        tuple(rows),
    )


def _opponents(side: str, chosen: Sequence[set[str]]) -> str:
    """Return the two sides that stand most often in the same documents."""
    others = [other for sides in chosen for other in sides if other != side]
    ordered = sorted(set(others), key=lambda other: (-others.count(other), other))
    return ", ".join(ordered[:2])


def balance_table(conflicts: Sequence[Balance], pooled: Mapping[Label, Pooled]) -> CardTable:
    """Return, two rows a conflict, the share of each label on either side; last, what differs.

    Conflicts of few documents only count in the last two rows, which need one with both sides.
    """
    rows = []
    for each in conflicts:
        if each.documents < FEWEST_DOCUMENTS:
            continue
        for side, other in ((each.left, each.right), (each.right, each.left)):
            shares = (f"{side.share(label):.0%}" for label in LABELS)
            docs = str(each.documents)
            rows.append((side.name, other.name, docs, str(side.sentences), *shares))
    total = str(sum(each.documents for each in conflicts))
    if pooled:
        found = (f"{pooled[label].found:.0%}" for label in LABELS)
        by_chance = (f"{pooled[label].by_chance:.0%}" for label in LABELS)
        rows.append(("all conflicts", "difference", total, "", *found))
        rows.append(("all conflicts", "by chance", total, "", *by_chance))
    title = "Balance: share of each label where one side is named alone"
    return CardTable(title, ("side", "against", "docs", "sent", *LABEL_HEADINGS), tuple(rows))


def agreement_table(groups: Mapping[str, Agreement]) -> CardTable:
    """Return Krippendorff's alpha of two blind passes, one row a group."""
    rows = tuple(tuple(agreement_row(name, found)) for name, found in groups.items())
    return CardTable("Agreement: real text, and composed where it says so", HEADINGS, rows)


def real_table(labellings: Sequence[Labelling]) -> CardTable:
    """Return counts of the labelled real sentences, whose text is not here, by source and split."""
    groups = [
        (name, [each for each in labellings if name in (each.source, each.split)])
        for name in (*sorted({each.source for each in labellings}), *SPLITS)
    ]
    rows = []
    for name, chosen in groups:
        size = max(1, len(chosen))
        rows.append(
            (
                name,
                str(len({(each.source, each.doc_id) for each in chosen})),
                str(len(chosen)),
                *(str(sum(label in each.labels for each in chosen)) for label in LABELS),
                f"{sum(len(each.labels) > 1 for each in chosen) / size:.0%}",
                f"{sum(each.hard for each in chosen) / size:.0%}",
            )
        )
    headings = ("source or split", "docs", "sent", *LABEL_HEADINGS, "two", "hard")
    return CardTable("Real text, whose labels alone are here", headings, tuple(rows))
