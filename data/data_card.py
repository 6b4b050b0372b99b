"""Puts generated tables between their markers in ``docs/data-card.md``.

Run from the repository's root after the corpus, its annotations or the measurements have changed::

    python -m claimwire.data.data_card
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from claimwire.data.card_tables import KEY
from claimwire.data.corpus import load_examples
from claimwire.data.errors import InputError
from claimwire.data.stats import corpus_stats
from claimwire.data.stats_commands import card_tables, markdown

CARD: Final = Path("docs/data-card.md")
MEASURED: Final = Path("benchmarks/results/composed-and-real.md")


def renewed(card: str, root: Path) -> str:
    """Return the text of the card with the tables as they are now.

    Args:
        card: the text of the card.
        root: of the repository; :data:`MEASURED` is taken in where it is there.

    Raises:
        InputError: a marker is missing.
    """
    examples = load_examples()
    tables = card_tables(None, examples, corpus_stats(examples))
    card = _between(card, "corpus stats", markdown(tables, KEY))
    measured = root / MEASURED
    if measured.is_file():
        card = _between(card, "composed and real", measured.read_text(encoding="utf-8").strip())
    return card


def _between(card: str, name: str, content: str) -> str:
    """Return ``card`` with ``content`` between the markers of ``name``."""
    begin, end = f"<!-- {name}: begin", f"<!-- {name}: end -->"
    head, found, rest = card.partition(begin)
    note, arrow, rest = rest.partition("-->")
    _, ended, tail = rest.partition(end)
    if not (found and arrow and ended):
        raise InputError(f"{CARD}: expected the markers of {name!r}, found none: put them back")
    return f"{head}{begin}{note}-->\n{content}\n{end}{tail}"


if __name__ == "__main__":
    CARD.write_text(renewed(CARD.read_text(encoding="utf-8"), Path()), encoding="utf-8")
