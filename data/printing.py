"""Printing to a terminal what may hold any sentence."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text


def print_line(console: Console, text: str, style: str = "") -> None:
    """Print one line as it is: no markup, no wrapping, whatever the sentence holds."""
    console.print(Text(text, style=style), soft_wrap=True)
