"""``claimwire explain``: the words of a sentence with signed bars, or one JSON object.

::

    interception_claim  0.95
    log-odds +2.97; each word: how far they drop without it

      The            +0.04
      missile        +1.15            ███
      was            -0.80          ██
      intercepted    +7.77            ████████████████████
"""

from __future__ import annotations

import io
import json
import sys
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from claimwire.serve.explain import Explanation, WordContribution
from claimwire.serve.reports import plural, printable
from claimwire.serve.table import STYLES
from claimwire.serve.tagger import Tagger

BAR: Final = 20
"""Cells of the longest bar, on either side."""
LEAST_SCALE: Final = 1.0
"""Log-odds of the longest bar at least, so that words that hardly count look so."""
_WIDEST_WORD: Final = 24


def explain(sentence: str, model: str | None, label: str | None, output_format: str) -> int:
    """Print which words a label rests on; returns 0.

    Raises:
        InputError: no such label.
        ReleaseError: the model cannot be loaded.
    """
    tagger = Tagger.load(model)
    explanation = tagger.explain(sentence, label)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    if output_format == "json":
        record = {**explanation.to_record(), "model": tagger.model}
        sys.stdout.write(json.dumps(record) + "\n")
        return 0
    console = Console(highlight=False, markup=False, emoji=False)
    for line in _lines(explanation):
        console.print(line, soft_wrap=True)
    console.print(Text(f"model: {tagger.model}"), soft_wrap=True)
    return 0


def _lines(explanation: Explanation) -> list[Text]:
    heading = Text(explanation.label.value, style=STYLES[explanation.label])
    heading.append(f"  {explanation.probability:.2f}", style="bold")
    if explanation.truncated:
        heading.append("  truncated", style="bold magenta")
    meaning = f"log-odds {explanation.log_odds:+.2f}; each word: how far they drop without it"
    words = explanation.words
    largest = max((abs(word.contribution) for word in words), default=0.0)
    longest = max((cell_len(printable(word.text)) for word in words), default=0)
    scale, width = max(largest, LEAST_SCALE), min(longest, _WIDEST_WORD)
    lines = [_line(word, width, scale) for word in words]
    counted = Text(plural(len(words), "word"))
    return [heading, Text(meaning, style="dim"), Text(), *lines, Text(), counted]


def _line(word: WordContribution, width: int, scale: float) -> Text:
    """Return a word, its contribution and the bar: to the left against, to the right for."""
    cells = round(abs(word.contribution) / scale * BAR)
    # Two decimals, and no sign on what rounds to nothing.
    shown = f"{round(word.contribution, 2) + 0.0:+.2f}"
    text = Text(f"  {set_cell_size(printable(word.text), width)}  {shown:>7}  ")
    if word.contribution < 0:
        text.append(" " * (BAR - cells) + "█" * cells, style="red")
    else:
        text.append(" " * BAR)
        text.append("█" * cells, style="green")
    text.rstrip()
    return text
