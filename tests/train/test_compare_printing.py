"""What is printed of a comparison."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from claimwire.train.compare import FEWEST_DOCUMENTS, Comparison, compare_decisions
from claimwire.train.compare_commands import print_comparison

from .compare_support import ATTACK, BACKGROUND, decision, hand_made, record


def printed(comparison: Comparison, width: int = 80) -> str:
    console = Console(width=width, force_terminal=True, color_system=None, record=True)
    with console.capture() as capture:
        print_comparison(console, comparison)
    return capture.get()


@pytest.mark.parametrize(
    "text",
    [
        "The [bold]second[/bold] drone fell.",
        "A bracket [/] closes nothing, [link=x] neither.",
        "Shells fell :fire: on [red]Qana.",
    ],
)
def test_text_is_never_read_as_markup(text: str) -> None:
    comparison = compare_decisions(
        [record([ATTACK], None, text)], [decision([BACKGROUND])], [decision([ATTACK])]
    )
    assert text in printed(comparison, width=120)


def test_text_cannot_steer_the_terminal() -> None:
    comparison = compare_decisions(
        [record([ATTACK], None, "A\x1b[2Jshell\rfell\x07.")],
        [decision([BACKGROUND])],
        [decision([ATTACK])],
    )
    output = printed(comparison)
    assert "A [2Jshell fell ." in output
    assert not {"\x1b", "\r", "\x07"} & set(output)


def test_the_surest_are_shown_first_and_the_summary_counts() -> None:
    comparison = hand_made(FEWEST_DOCUMENTS)
    first, *rest = comparison.changed
    surest = replace(first, text="The surest.", confidence_b=0.99)
    comparison = replace(comparison, changed=(*rest, surest))
    output = printed(comparison)
    assert output.index("The surest.") < output.index("A sentence.")
    assert "B is better than A" in output
    assert "12 fixed, 0 broken" in output
    assert "12 unchanged" in output
    assert "documents decide nothing" not in output
    assert "documents decide nothing" in printed(hand_made(2))
