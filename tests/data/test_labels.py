from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwire.data.labels import (
    CLAIM_LABELS,
    DEFINITIONS,
    GUIDELINES_VERSION,
    LABEL_INDEX,
    LABELS,
    Label,
    problem_with_labels,
)

GUIDELINES = Path(__file__).parents[2] / "docs" / "annotation-guidelines.md"
CLAIMS = [label.value for label in CLAIM_LABELS]


def test_order_is_the_networks_output_order() -> None:
    assert [label.value for label in LABELS] == [
        "attack_claim",
        "interception_claim",
        "attribution_inference",
        "background",
    ]
    assert [LABEL_INDEX[label] for label in LABELS] == [0, 1, 2, 3]
    assert Label.BACKGROUND not in CLAIM_LABELS
    assert set(DEFINITIONS) == set(LABELS)


def test_guidelines_define_every_label_in_the_version_of_the_code() -> None:
    text = GUIDELINES.read_text(encoding="utf-8")
    assert f"Version {GUIDELINES_VERSION}." in text
    for label in LABELS:
        assert f"| `{label}` |" in text, f"the guidelines' table lacks {label}"


@settings(deadline=None)
@given(st.lists(st.sampled_from(CLAIMS), min_size=1, unique=True))
def test_distinct_claims_in_any_order_are_sound(labels: list[str]) -> None:
    assert problem_with_labels(labels) is None


@settings(deadline=None)
@given(st.lists(st.sampled_from(CLAIMS), min_size=1, unique=True), st.integers(0, 3))
def test_background_never_stands_beside_a_claim(labels: list[str], place: int) -> None:
    problem = problem_with_labels([*labels[:place], "background", *labels[place:]])
    assert problem is not None
    assert "'background' stands beside a claim" in problem


@settings(deadline=None)
@given(st.lists(st.one_of(st.sampled_from(list(LABELS)), st.text()), max_size=5))
def test_sound_means_known_distinct_and_background_alone(labels: list[str]) -> None:
    sound = (
        0 < len(labels) == len(set(labels))
        and set(labels) <= set(LABELS)
        and (labels == ["background"] or "background" not in labels)
    )
    assert (problem_with_labels(labels) is None) == sound


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([], "no label"),
        (["attack"], "unknown label 'attack'"),
        (["attack_claim", "attack_claim"], "stands twice"),
    ],
)
def test_problem_says_what_is_wrong(labels: list[str], expected: str) -> None:
    problem = problem_with_labels(labels)
    assert problem is not None
    assert expected in problem


def test_background_alone_is_sound() -> None:
    assert problem_with_labels(["background"]) is None
