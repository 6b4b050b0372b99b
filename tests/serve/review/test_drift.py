"""Drift: the test that says what is more than chance, and the weeks that it is asked about."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwire.data.labels import LABELS
from claimwire.serve.review.drift import WEEKS_SHOWN, Drift, drift, midranks
from claimwire.serve.review.permutation import (
    DRAWS,
    ENOUGH,
    MANY,
    Scores,
    chi2_tail,
    holm,
    permutation_p,
)
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.weeks import day_of, monday_of, week_name, week_of

from .out_support import FIRST, SECOND, load, tagged

ATTACK, BACKGROUND = LABELS[0].value, LABELS[3].value


def exact_p(scores: Scores, chosen: list[int]) -> float:
    """Count all ways of choosing as many clusters: those at least as far out, of all."""
    total, size = len(scores), len(chosen)
    factor = size * (total - size) / (total * (total - 1))
    inverse = np.linalg.pinv(factor * scores.T @ scores)
    lengths = []
    for some in combinations(range(total), size):
        summed = scores[list(some)].sum(axis=0)
        lengths.append(summed @ inverse @ summed)
    summed = scores[chosen].sum(axis=0)
    found = summed @ inverse @ summed
    return float(np.mean(np.array(lengths) >= found * (1 - 1e-9)))


def mask(total: int, chosen: list[int]) -> Any:
    is_chosen = np.zeros(total, dtype=bool)
    is_chosen[chosen] = True
    return is_chosen


@pytest.mark.parametrize("seed", range(4))
def test_lots_come_near_to_all_ways_of_dealing_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(14, 2))
    scores[:3] += 0.4 * seed  # from nothing to much
    scores -= scores.mean(axis=0)
    exact = exact_p(scores, [0, 1, 2])
    found = permutation_p(scores, mask(14, [0, 1, 2]), seed)
    assert found is not None
    # Besag and Clifford's estimate has a relative standard error of about 1 / sqrt(ENOUGH).
    assert abs(found - exact) < 4 * max(exact / ENOUGH**0.5, (exact / DRAWS) ** 0.5)


def test_the_side_that_is_looked_at_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(30, 3))
    scores -= scores.mean(axis=0)
    few = list(range(5))
    assert permutation_p(scores, mask(30, few), 7) == permutation_p(scores, ~mask(30, few), 7)


def test_for_single_sentences_it_is_pearsons_test() -> None:
    from scipy.stats import chi2_contingency  # type: ignore[import-untyped]

    rng = np.random.default_rng(2)
    labels = rng.choice(4, size=400, p=(0.2, 0.1, 0.1, 0.6))
    given_ = np.eye(4)[labels]
    now = mask(400, list(range(300, 400)))
    found = permutation_p(given_ - given_.mean(axis=0), now, 1)
    table = np.array([given_[now].sum(axis=0), given_[~now].sum(axis=0)])
    statistic, _, degrees, _ = chi2_contingency(table, correction=False)
    assert found == pytest.approx(chi2_tail(statistic * 399 / 400, degrees))


def test_for_single_sentences_it_is_the_rank_sum_test() -> None:
    from scipy.stats import mannwhitneyu

    rng = np.random.default_rng(3)
    values = rng.integers(0, 30, size=300).astype(float)  # with ties
    values[200:] += 3
    now = mask(300, list(range(200, 300)))
    ranks = midranks(values)
    found = permutation_p((ranks - ranks.mean())[:, None], now, 1)
    expected = mannwhitneyu(values[now], values[~now], use_continuity=False, method="asymptotic")
    assert found == pytest.approx(expected.pvalue, rel=1e-6)


def test_without_drift_small_p_values_are_as_rare_as_they_say() -> None:
    rng = np.random.default_rng(4)
    found = []
    for seed in range(300):
        size = rng.poisson(10, size=90) + 1
        mixes = rng.dirichlet((1, 0.6, 0.6, 5), size=90)  # articles differ, weeks do not
        counts = np.array([rng.multinomial(n, mix) for n, mix in zip(size, mixes, strict=True)])
        scores = counts - size[:, None] * (counts.sum(axis=0) / counts.sum())
        found.append(permutation_p(scores, mask(90, list(range(10 if seed % 2 else MANY))), seed))
    share = np.mean([p is not None and p < 0.05 for p in found])
    assert share < 0.05 + 3 * (0.05 * 0.95 / 300) ** 0.5
    # A test of sentences instead of articles would call a third of them drift.
    assert np.mean([p is not None and p < 0.5 for p in found]) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("chosen", [[], [0, 1, 2]])
def test_nothing_to_compare_gives_no_p(chosen: list[int]) -> None:
    assert permutation_p(np.array([[1.0], [-1.0], [0.0]]), mask(3, chosen), 1) is None


def test_clusters_all_alike_give_no_p() -> None:
    assert permutation_p(np.zeros((5, 3)), mask(5, [0]), 1) is None


def test_the_tail_of_chi_squared_is_scipys() -> None:
    from scipy.stats import chi2

    for degrees, value in product(range(1, 9), (0.0, 0.3, 2.0, 9.0, 40.0, 300.0)):
        assert chi2_tail(value, degrees) == pytest.approx(chi2.sf(value, degrees), rel=1e-9)


def test_holm_by_hand() -> None:
    # Holm: 0.01 * 4, then 0.02 * 3, then 0.03 * 2 and 0.04, never below the one before.
    assert holm([0.02, None, 0.04, 0.01, 0.03]) == pytest.approx([0.06, None, 0.06, 0.04, 0.06])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@settings(deadline=None)  # scipy is loaded the first time
@given(st.lists(st.floats(1e-6, 1), max_size=20))
def test_holm_only_makes_larger_and_keeps_the_order(p_values: list[float]) -> None:
    corrected = [p for p in holm(p_values) if p is not None]
    assert all(p <= q <= 1 for p, q in zip(p_values, corrected, strict=True))
    for (p, q), (other_p, other_q) in combinations(zip(p_values, corrected, strict=True), 2):
        if p < other_p:
            assert q <= other_q


@settings(deadline=None)  # scipy is loaded the first time
@given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_midranks_are_scipys(values: list[int]) -> None:
    from scipy.stats import rankdata

    assert midranks(np.array(values, dtype=float)).tolist() == rankdata(values).tolist()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-01", "2026-03-01"),
        (" 2026-03-01T23:30:00-05:00 ", "2026-03-02"),
        ("2026-03-01T23:30:00Z", "2026-03-01"),
        ("2026-03-01 08:00", "2026-03-01"),
        ("2026-02-30", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("1 March 2026", None),
        ("2026", None),
        ("20260301", None),
        ("", None),
        (None, None),
        (20260301, None),
    ],
)
def test_days_are_read_as_iso_8601(text: object, day: str | None) -> None:
    assert day_of(text) == day


def test_weeks_are_those_of_iso_8601() -> None:
    assert week_of("2026-12-31T23:59:59.000000+00:00") == week_of("2027-01-03") == "2026-W53"
    assert week_of("2027-01-04") == "2027-W01"
    assert monday_of("2026-W53").isoformat() == "2026-12-28"
    assert week_name("2026-W53") == "28 Dec 2026 – 3 Jan 2027"
    assert week_name("2026-W10") == "2 – 8 Mar 2026"
    for wrong in ("2026-W60", "2026-10", "2026-W1", "x", "٢٠٢٦-W10"):
        with pytest.raises(ValueError):
            monday_of(wrong)


def articles(
    weeks: int, *, number: int = 12, attack: float = 0.2, confidence: float = 0.8, **fields: Any
) -> Iterator[dict[str, Any]]:
    """Yield articles of five sentences; in the last week attacks and confidence may be others."""
    rng = np.random.default_rng(weeks)
    for week, article in product(range(weeks), range(number)):
        is_last = week == weeks - 1
        day = np.datetime64("2026-01-05") + 7 * week + article % 7
        for index in range(5):
            label = ATTACK if rng.random() < (attack if is_last else 0.2) else BACKGROUND
            sure = (confidence if is_last else 0.8) + 0.1 * rng.uniform(-1, 1)
            place: dict[str, Any] = {"article_id": f"{week}.{article}", "sentence_index": index}
            text = f"Sentence {index} of article {article} in week {week}."
            own = {"date": str(day), "confidence": round(float(sure), 4)}
            yield tagged(text, [label], **place, **{**own, **fields})


def drift_of(store: ReviewStore, release_id: int | None = 1) -> Drift:
    with store.read() as session:
        return drift(session, release_id)


def test_a_week_that_differs_is_found(sqlite_store: ReviewStore) -> None:
    load(sqlite_store, list(articles(6, attack=0.6, confidence=0.65)))
    found = drift_of(sqlite_store)
    assert [week.week for week in found.weeks] == [f"2026-W{n:02d}" for n in range(2, 8)]
    assert [week.week for week in found.other_mix] == ["2026-W07"]
    assert [week.week for week in found.other_confidence] == ["2026-W07"]
    last = found.weeks[-1]
    assert (last.articles, last.sentences) == (12, 60)
    assert last.labels[ATTACK] + last.labels[BACKGROUND] == 60
    assert sum(last.labels_before.values()) == 300
    assert last.mix is not None
    assert last.mix.size == pytest.approx(
        abs(last.labels[ATTACK] / 60 - last.labels_before[ATTACK] / 300)
    )
    assert last.confidence is not None
    assert last.confidence.size < 0.05  # hardly a sentence is surer than one of before
    assert last.quartiles[1] == pytest.approx(0.65, abs=0.05)
    assert last.median_before == pytest.approx(0.8, abs=0.05)


def test_weeks_alike_are_no_drift(sqlite_store: ReviewStore) -> None:
    load(sqlite_store, list(articles(8)))
    found = drift_of(sqlite_store)
    assert found.other_mix == found.other_confidence == ()
    assert (found.articles, found.dated) == (96, 96)
    assert found == drift_of(sqlite_store)  # the lots are seeded


def test_one_strange_article_is_no_strange_week(sqlite_store: ReviewStore) -> None:
    """Forty sentences of one article are one observation of an article, not forty of sentences."""
    load(sqlite_store, list(articles(4)))
    odd = [
        tagged(
            f"Odd sentence {n}.", [ATTACK], article_id="odd", sentence_index=n, date="2026-01-26"
        )
        for n in range(40)
    ]
    load(sqlite_store, odd)
    week = drift_of(sqlite_store).weeks[-1]
    assert week.labels[ATTACK] / week.sentences > 0.4
    assert week.mix is not None
    assert not week.mix.is_more_than_chance


def test_each_release_has_a_drift_of_its_own(sqlite_store: ReviewStore) -> None:
    load(sqlite_store, list(articles(3)))
    load(sqlite_store, list(articles(3, attack=1.0, confidence=0.5, model=SECOND)))
    assert drift_of(sqlite_store, 1).other_mix == ()
    assert len(drift_of(sqlite_store, 2).other_mix) == 1
    assert drift_of(sqlite_store, None) == drift_of(sqlite_store, 99) == Drift((), 0, 0)


def test_articles_without_a_date_count_in_the_week_of_their_import(
    store: ReviewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = "2026-06-03T10:00:00.000000+00:00"
    monkeypatch.setattr("claimwire.serve.review.batches.now", lambda: moment)
    load(store, [tagged("One.", id="a"), tagged("Two.", id="b", published="2026-01-06T08:00:00Z")])
    found = drift_of(store)
    assert [week.week for week in found.weeks] == ["2026-W02", "2026-W23"]
    assert (found.articles, found.dated) == (2, 1)
    # The same records again, now with a date: it is filled in, and never changed.
    load(
        store,
        [tagged("One.", id="a", date="2026-01-07"), tagged("Two.", id="b", date="2026-02-02")],
    )
    assert [week.week for week in drift_of(store).weeks] == ["2026-W02"]
    assert drift_of(store).dated == 2


def test_only_the_latest_weeks_are_shown_but_all_are_compared_with(
    sqlite_store: ReviewStore,
) -> None:
    load(sqlite_store, list(articles(WEEKS_SHOWN + 3, number=2)))
    found = drift_of(sqlite_store)
    assert len(found.weeks) == WEEKS_SHOWN
    assert sum(found.weeks[0].labels_before.values()) == 3 * 2 * 5
    assert found.weeks[0].mix is not None
    assert FIRST != SECOND
