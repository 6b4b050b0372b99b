"""The tables of ``claimwire corpus stats`` on a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from claimwire.data.agreement_commands import agreement_groups
from claimwire.data.balance import balances, pooled_balance
from claimwire.data.card_tables import (
    CardTable,
    agreement_table,
    balance_table,
    count_tables,
    label_table,
    length_table,
    real_table,
    side_table,
)
from claimwire.data.composed import load_documents
from claimwire.data.corpus import Example
from claimwire.data.standoff_labels import read_labels, standoff_folder
from claimwire.data.stats import CorpusStats


def card_tables(
    corpus: Path | None, examples: Sequence[Example], counted: CorpusStats
) -> list[CardTable]:
    """Return all tables: counts of every sentence, then what only documents of the corpus tell.

    Agreement and real text are of the repository's own labels, so that they are only there for
    the corpus of the package, in a clone.
    """
    documents = load_documents(corpus)
    tables = [*count_tables(counted), label_table(examples), length_table(examples)]
    if any(placed.document.parties for placed in documents):
        tables.append(side_table(documents))
        tables.append(balance_table(balances(documents), pooled_balance(documents)))
    labels = standoff_folder() / "labels.jsonl"
    if corpus is None and labels.is_file():
        tables.append(agreement_table(agreement_groups()))
        tables.append(real_table(read_labels(labels).settled()))
    return tables


def rich_table(table: CardTable) -> Table:
    """Return a table for the terminal, without frames, so that ten columns fit into 80."""
    shown = Table(
        title=f"\n{table.title}",
        title_justify="left",
        box=None,
        padding=(0, 0, 0, 1),
        pad_edge=False,
    )
    shown.add_column(table.headings[0], no_wrap=True)
    for heading in table.headings[1:]:
        shown.add_column(heading, justify="right", no_wrap=True)
    for row in table.rows:
        shown.add_row(*map(Text, row))
    return shown


def markdown(tables: Sequence[CardTable], key: str) -> str:
    """Return the tables as the data card has them, with what the headings mean before them."""
    return "\n\n".join([key.replace("\n", " "), *(table.markdown() for table in tables)])
