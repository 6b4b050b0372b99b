"""The rules of promotion, without a registry: their bounds, and how they are read."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from claimwire.data.documents import Record
from claimwire.data.errors import ConfigError
from claimwire.data.labels import LABELS
from claimwire.model.decision import Decision
from claimwire.train.behaviour import BehaviourReport
from claimwire.train.compare import compare_decisions
from claimwire.train.promote_commands import load_rules
from claimwire.train.promotion_rules import COMPARING_RULES, Measurements, PromotionRules, judge
from claimwire.train.shares import Share
from claimwire.train.slices import Slice

RECORDS = [
    Record(text=f"Sentence {n} of {label}.", labels=[label], doc_id=f"report-{n}")
    for n in range(60)
    for label in LABELS
]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("slice_fal: 0.1", "unknown rule; did you mean slice_fall"),
        ("slice_fall: 1.5", "slice_fall: .*less than or equal to 1"),
        ("latency_ratio: .nan", "latency_ratio"),
        ("- 1", "expected a mapping"),
        ("", "found nothing"),
        ("a: [", "expected valid YAML"),
    ],
)
def test_wrong_rules_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        load_rules(path)


def test_rules_left_out_are_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("ece: 0.1")
    assert load_rules(path) == PromotionRules(ece=0.1)
    assert load_rules(None) == PromotionRules()
    with pytest.raises(ConfigError, match="found none there"):
        load_rules(tmp_path / "nothing.yaml")


def decisions(confidence: float) -> list[Decision]:
    """Return right decisions of one confidence, so that the ECE is 1 less it."""
    return [
        Decision(
            record.labels[0],
            tuple(record.labels),
            dict.fromkeys(LABELS, confidence),
            confidence,
            needs_review=False,
            truncated=False,
        )
        for record in RECORDS
    ]


def a_slice(accuracy: float) -> list[Slice]:
    return [Slice("hedge", "yes", 100, 9, accuracy, accuracy, None)]


def report(tense: int, numbers: int) -> BehaviourReport:
    """Return a report on 10 cases of tense and 90 of numbers."""
    shares = {"tense": Share(tense, 10), "numbers": Share(numbers, 90)}
    return BehaviourReport(Share(tense + numbers, 100), shares, (), Share(0, 0))


def measured(**changes: Any) -> Measurements:
    """Return measurements of a candidate that is as good as its champion."""
    alike = Measurements(
        compare_decisions(RECORDS, decisions(0.98), decisions(0.98), resamples=20),
        (a_slice(0.9), a_slice(0.9)),
        (report(10, 90), report(10, 90)),
        (0.01, 0.01),
    )
    return dataclasses.replace(alike, **changes)


def ece(champion: float, candidate: float) -> dict[str, Any]:
    a, b = decisions(1 - champion), decisions(1 - candidate)
    return {"comparison": compare_decisions(RECORDS, a, b, resamples=20)}


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({}, []),
        ({"slices": (a_slice(0.9), a_slice(0.82))}, []),
        ({"slices": (a_slice(0.9), a_slice(0.81))}, ["slices"]),
        ({"behaviour": (report(10, 90), report(9, 90))}, []),
        ({"behaviour": (report(10, 90), report(8, 90))}, ["behaviour"]),
        ({"behaviour": (report(10, 90), report(10, 87))}, []),
        ({"behaviour": (report(10, 90), report(10, 86))}, ["behaviour"]),
        ({"behaviour": (report(8, 88), report(10, 90))}, []),
        (ece(0.01, 0.05), []),
        (ece(0.01, 0.055), ["calibration"]),
        (ece(0.20, 0.21), []),
        (ece(0.20, 0.22), ["calibration"]),
        ({"seconds": (0.01, 0.015)}, []),
        ({"seconds": (0.01, 0.0151)}, ["latency"]),
    ],
)
def test_a_bound_is_kept_up_to_itself(changes: dict[str, Any], failed: list[str]) -> None:
    results = judge(measured(**changes), PromotionRules())
    assert [result.name for result in results] == list(COMPARING_RULES)
    assert [result.name for result in results if not result.passed] == failed


def test_no_behavioural_cases_are_no_pass() -> None:
    nothing = BehaviourReport(Share(0, 0), {}, (), Share(0, 0))
    results = judge(measured(behaviour=(nothing, nothing)), PromotionRules())
    assert [result.name for result in results if not result.passed] == ["behaviour"]


def test_a_long_list_of_falls_is_cut() -> None:
    before, after = (
        [Slice("theatre", f"t{n}", 60, 5, share, share, None) for n in range(7)]
        for share in (0.9, 0.5)
    )
    found = judge(measured(slices=(before, after)), PromotionRules())[1]
    assert found.detail.count("theatre") == 5
    assert found.detail.endswith("and 2 more")
