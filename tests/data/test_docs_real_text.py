"""The tables of docs/real-text.md are those of data/standoff/labels.jsonl."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from claimwire.data.agreement import agreement
from claimwire.data.labels import LABELS
from claimwire.data.standoff_labels import Standoff, read_labels

ROOT = Path(__file__).parents[2]

SOURCES: dict[str, tuple[str, object]] = {
    f"`{name}`": ("source", name) for name in ("voa-gmb", "white-house", "wikinews", "wikipedia")
}
SPLITS: dict[str, tuple[str, object]] = {
    name: ("split", name) for name in ("train", "validation", "test")
}
ROUNDS: dict[str, tuple[str, object]] = {
    f"round {number}": ("round", number) for number in range(1, 7)
}


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs/real-text.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def standoff() -> Standoff:
    return read_labels(ROOT / "data/standoff/labels.jsonl")


@pytest.mark.parametrize("name", [*SOURCES, *SPLITS, *ROUNDS])
def test_labels_are_counted_as_they_are_settled(name: str, page: str, standoff: Standoff) -> None:
    field, value = (SOURCES | SPLITS | ROUNDS)[name]
    own = [each for each in standoff.settled() if getattr(each, field) == value]
    primary = Counter(each.labels[0] for each in own)
    two = sum(len(each.labels) > 1 for each in own)
    hard = sum(each.hard for each in own) / len(own)
    counts = [len(own), *(primary[label] for label in LABELS), two]
    row = " | ".join([name, *(f"{count:,}" for count in counts), f"{hard:.0%}"])
    assert f"| {row} |\n" in page


def test_interceptions_and_adjudications_are_counted(page: str, standoff: Standoff) -> None:
    interceptions = sum("interception_claim" in each.labels for each in standoff.settled())
    assert f"Interceptions stand in {interceptions} sentences in all" in page
    final = Counter(each.split for each in standoff.labellings if each.labeller == "final")
    assert f"Disagreements on validation and test ({final['validation'] + final['test']})" in page
    assert f"in train {final['train']} labels" in page


@pytest.mark.parametrize("name", [*SPLITS, *(name for name in ROUNDS if name != "round 6")])
def test_agreement_is_that_of_the_blind_passes(name: str, page: str, standoff: Standoff) -> None:
    field, value = (SPLITS | ROUNDS)[name]
    shown = "train (a part)" if name == "train" else name
    found = agreement(each for each in standoff.labellings if getattr(each, field) == value)
    alphas = [found.primary, *(found.per_label[label] for label in LABELS)]
    row = " | ".join(
        [
            shown,
            f"{found.sentences:,}",
            f"{found.same / found.sentences:.1%}",
            *("none" if alpha is None else f"{alpha:.3f}" for alpha in alphas),
        ]
    )
    assert f"| {row} |\n" in page
