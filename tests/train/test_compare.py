"""Comparisons of decisions: calculated by hand, and what holds of any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwire.data.documents import Record
from claimwire.data.labels import CLAIM_LABELS, LABELS
from claimwire.model.decision import Decision
from claimwire.train.compare import FEWEST_DOCUMENTS, compare_decisions
from claimwire.train.metrics import document_weights, evaluate_predictions

from .compare_support import (
    ATTACK,
    ATTRIBUTION,
    BACKGROUND,
    INTERCEPTION,
    decision,
    differences,
    hand_made,
    record,
)

LABEL_LISTS = st.one_of(
    st.just([BACKGROUND]),
    st.lists(st.sampled_from(CLAIM_LABELS), min_size=1, max_size=2, unique=True),
)


@st.composite
def decided(draw: st.DrawFn) -> tuple[list[Record], list[Decision], list[Decision]]:
    """Records of up to nine documents with two releases' decisions."""
    confidences = st.floats(0, 1, allow_nan=False)
    decisions = st.builds(decision, LABEL_LISTS, confidences)
    documents = st.sampled_from([None, *"abcdefgh"])
    rows = draw(
        st.lists(
            st.tuples(st.builds(record, LABEL_LISTS, documents), decisions, decisions),
            min_size=1,
            max_size=40,
        )
    )
    records, a, b = zip(*rows, strict=True)
    return list(records), list(a), list(b)


# --- calculated by hand ---------------------------------------------------------------------


def test_a_case_calculated_by_hand() -> None:
    comparison = hand_made(FEWEST_DOCUMENTS)
    # A: F1 of attack 1, of background 2 * 1 / (1 + 3) = 0.5, else 0: macro 0.375; accuracy 0.5;
    # ECE |0.5 - 0.9| = 0.4. B: all right at 0.9, ECE 0.1. Alike documents leave no spread.
    expected = {
        "primary_macro_f1": (0.375, 1.0, 0.625, "better"),
        "label_set_macro_f1": (0.375, 1.0, 0.625, "better"),
        "accuracy": (0.5, 1.0, 0.5, "better"),
        "ece": (0.4, 0.1, -0.3, "better"),
    }
    assert set(comparison.metrics) == set(expected)
    for name, found in comparison.metrics.items():
        a, b, by, verdict = expected[name]
        assert (found.a, found.b, found.difference) == pytest.approx((a, b, by))
        assert found.interval == pytest.approx((by, by))
        assert found.verdict == verdict
    by_label = {label: found.difference for label, found in comparison.per_label.items()}
    assert by_label == pytest.approx(
        {ATTACK: 0.0, INTERCEPTION: 1.0, ATTRIBUTION: 1.0, BACKGROUND: 0.5}
    )
    assert comparison.per_label[ATTACK].verdict == "undecided"
    assert comparison.verdict == "better"
    assert {each.kind for each in comparison.changed} == {"fixed"}
    assert len(comparison.changed) == 2 * FEWEST_DOCUMENTS


def test_few_documents_decide_nothing_however_alike() -> None:
    comparison = hand_made(FEWEST_DOCUMENTS - 1)
    assert comparison.metrics["accuracy"].interval == (0.5, 0.5)
    assert {each.verdict for each in differences(comparison)} == {"undecided"}


def test_interval_of_two_documents_spans_both() -> None:
    # Of two documents a quarter of the resamples are the first twice and a quarter the second
    # twice: the 2.5% and 97.5% quantiles are the documents' own differences, 0 and 1/2.
    records = [record([ATTACK], document) for document in ("d1", "d1", "d2", "d2")]
    a = [decision([label]) for label in (ATTACK, BACKGROUND, ATTACK, ATTACK)]
    b = [decision([ATTACK])] * 4
    accuracy = compare_decisions(records, a, b).metrics["accuracy"]
    assert accuracy.difference == pytest.approx(0.25)
    assert accuracy.interval == pytest.approx((0.0, 0.5))


def test_kinds_of_change() -> None:
    cases = [
        ([ATTACK], [BACKGROUND], [ATTACK], "fixed"),
        ([ATTACK], [ATTACK], [BACKGROUND], "broken"),
        ([ATTACK], [INTERCEPTION], [BACKGROUND], "both_wrong"),
        ([ATTACK], [ATTACK], [ATTACK, INTERCEPTION], "further_labels"),
        ([ATTACK, INTERCEPTION], [ATTACK, INTERCEPTION], [INTERCEPTION, ATTACK], "broken"),
        ([ATTACK], [BACKGROUND], [BACKGROUND], None),
    ]
    comparison = compare_decisions(
        [record(gold, None, text=f"Sentence {row}.") for row, (gold, *_) in enumerate(cases)],
        [decision(a, 0.7) for _, a, _, _ in cases],
        [decision(b, 0.8) for _, _, b, _ in cases],
    )
    assert [each.kind for each in comparison.changed] == [case[3] for case in cases[:-1]]
    first = comparison.changed[0]
    assert (first.row, first.text, first.document, first.gold) == (
        0,
        "Sentence 0.",
        None,
        (ATTACK,),
    )
    assert (first.labels_a, first.confidence_a) == ((BACKGROUND,), 0.7)
    assert (first.labels_b, first.confidence_b) == ((ATTACK,), 0.8)
    counts = comparison.to_json()["changed_counts"]
    assert counts == {"fixed": 1, "broken": 2, "both_wrong": 1, "further_labels": 1}


# --- properties -----------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(decided())
def test_a_release_against_itself_is_undecided(
    case: tuple[list[Record], list[Decision], list[Decision]],
) -> None:
    records, a, _ = case
    comparison = compare_decisions(records, a, a, resamples=50)
    for each in differences(comparison):
        assert each.difference == 0
        assert each.interval == (0, 0)
        assert each.verdict == "undecided"
    assert comparison.changed == ()


@settings(max_examples=50, deadline=None)
@given(decided())
def test_swapping_the_releases_negates(
    case: tuple[list[Record], list[Decision], list[Decision]],
) -> None:
    records, a, b = case
    forth = compare_decisions(records, a, b, resamples=50)
    back = compare_decisions(records, b, a, resamples=50)
    opposite = {"better": "worse", "worse": "better", "undecided": "undecided"}
    for one, other in zip(differences(forth), differences(back), strict=True):
        assert (one.a, one.b) == (other.b, other.a)
        assert one.difference == -other.difference
        assert one.interval == (-other.interval[1], -other.interval[0])
        assert one.verdict == opposite[other.verdict]
    swapped = {"fixed": "broken", "broken": "fixed"}
    for change, reverse in zip(forth.changed, back.changed, strict=True):
        assert change.row == reverse.row
        assert swapped.get(change.kind, change.kind) == reverse.kind


@settings(max_examples=20, deadline=None)
@given(decided())
def test_the_bootstrap_is_that_of_drawn_documents_scored_one_by_one(
    case: tuple[list[Record], list[Decision], list[Decision]],
) -> None:
    records, a, b = case
    resamples = 15
    fast = compare_decisions(records, a, b, seed=3, resamples=resamples)
    names = [each.doc_id or f"sentence {row}" for row, each in enumerate(records)]
    documents = sorted(set(names))
    drawn = np.concatenate(list(document_weights(len(documents), 3, resamples)))
    differing = []
    for weights in drawn:
        times = dict(zip(documents, weights, strict=True))
        rows = [row for row, name in enumerate(names) for _ in range(times[name])]
        differing.append(naive(records, b, rows) - naive(records, a, rows))
    low, high = np.quantile(differing, (0.025, 0.975), axis=0)
    everything = list(range(len(records)))
    for index, each in enumerate(differences(fast)):
        assert each.a == pytest.approx(naive(records, a, everything)[index])
        assert each.b == pytest.approx(naive(records, b, everything)[index])
        assert each.interval == pytest.approx((low[index], high[index]), abs=1e-9)


def naive(
    records: list[Record], decisions: list[Decision], rows: list[int]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Score some sentences, repeated as drawn, with the metrics of an evaluation."""
    result = evaluate_predictions(
        [records[row].labels for row in rows],
        [decisions[row].labels for row in rows],
        [decisions[row].confidence for row in rows],
        ["d"] * len(rows),
    )
    per_label = [result.per_label[label].f1 for label in LABELS]
    metrics = (result.primary_macro_f1, result.label_set_macro_f1, result.accuracy, result.ece)
    return np.array([*metrics, *per_label])


def test_equal_releases_are_seldom_told_apart_and_a_better_one_is() -> None:
    rng = np.random.default_rng(5)
    called, found = 0, 0
    for _ in range(100):
        gold = rng.integers(0, 4, 200)
        records = [record([LABELS[g]], f"d{row // 5}") for row, g in enumerate(gold)]
        a, equal, better = (noisy(gold, share, rng) for share in (0.7, 0.7, 0.85))
        called += compare_decisions(records, a, equal, resamples=300).verdict != "undecided"
        found += compare_decisions(records, a, better, resamples=300).verdict == "better"
    assert called <= 12  # 5 expected; more than 12 of 100 has a probability of 0.2%
    assert found >= 80


def noisy(
    gold: np.ndarray[tuple[int], np.dtype[np.int64]], share: float, rng: np.random.Generator
) -> list[Decision]:
    """Return decisions of which about ``share``, and a quarter of the rest, are right."""
    kept = rng.random(len(gold)) < share
    return [decision([LABELS[i]]) for i in np.where(kept, gold, rng.integers(0, 4, len(gold)))]


def test_uneven_or_empty_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"found lengths \(0, 0, 0\)"):
        compare_decisions([], [], [])
    with pytest.raises(ValueError, match=r"found lengths \(1, 1, 0\)"):
        compare_decisions([record([ATTACK], "d")], [decision([ATTACK])], [])
