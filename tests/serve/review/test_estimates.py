"""Precision and recall in production: what counts, what does not, and how sure it is."""

from __future__ import annotations

import pytest

from claimwire.data.errors import InputError
from claimwire.serve.review.adjudicating import adjudicate
from claimwire.serve.review.decisions import NewDecision, undo
from claimwire.serve.review.estimates import Estimate, audit, estimates
from claimwire.serve.review.intervals import sample_for, wilson
from claimwire.serve.review.queues import Filter, QueueName, next_items
from claimwire.serve.review.store import ReviewStore

from .out_support import (
    ATTACK,
    ATTRIBUTION,
    BACKGROUND,
    FIRST,
    INTERCEPTION,
    SECOND,
    judge,
    load,
    tagged,
)


def numbered(size: int, start: int = 0) -> list[str]:
    return [f"Shell number {number} fell." for number in range(start, start + size)]


def in_turn(store: ReviewStore, count: int) -> list[str]:
    """Return the texts of the random queue in its order."""
    items = next_items(store, Filter(QueueName.RANDOM), "mara", count=count)
    return [item.text for item in items]


def of(found: list[Estimate], label: str, measure: str) -> Estimate:
    (estimate,) = [each for each in found if (each.label, each.measure) == (label, measure)]
    return estimate


def test_precision_and_recall_count_labels_as_sets(store: ReviewStore) -> None:
    said_and_true = [
        ([ATTACK], [ATTACK]),
        ([ATTACK], [ATTACK, ATTRIBUTION]),
        ([ATTACK], [BACKGROUND]),
        ([BACKGROUND], [ATTACK]),
        ([BACKGROUND], [BACKGROUND]),
    ]
    texts = numbered(5)
    load(store, [tagged(t, said) for t, (said, _) in zip(texts, said_and_true, strict=True)])
    for text, (_, true) in zip(texts, said_and_true, strict=True):
        judge(store, text, *true)
    found = estimates(store)
    assert [(each.label, each.measure) for each in found[:2]] == [
        (ATTACK, "precision"),
        (ATTACK, "recall"),
    ]
    precision = of(found, ATTACK, "precision")
    assert (precision.hits, precision.n) == (2, 3)
    assert precision.rate == pytest.approx(2 / 3)
    assert (precision.low, precision.high) == pytest.approx(wilson(2 / 3, 3))
    counts = {(each.label, each.measure): (each.hits, each.n) for each in found}
    assert counts[ATTACK, "recall"] == (2, 3)
    assert counts[ATTRIBUTION, "precision"] == (0, 0)
    assert counts[ATTRIBUTION, "recall"] == (0, 1)
    assert counts[BACKGROUND, "precision"] == (1, 2)
    assert counts[BACKGROUND, "recall"] == (1, 2)
    assert counts[INTERCEPTION, "recall"] == (0, 0)


def test_nothing_judged_gives_open_intervals(store: ReviewStore) -> None:
    load(store, [tagged(text) for text in numbered(4)])
    found = audit(store)
    assert (found.sample, found.open, found.release) == (0, 4, FIRST)
    assert all((e.low, e.high, e.rate, e.needed) == (0, 1, None, None) for e in found.estimates)


def test_an_empty_database_has_no_release(store: ReviewStore) -> None:
    found = audit(store)
    assert (found.release, found.open, len(found.estimates)) == (None, 0, 8)


def test_only_the_random_stratum_counts(store: ReviewStore) -> None:
    texts = numbered(40)
    report = load(store, [tagged(text) for text in texts], random_share=0.3)
    for text in texts:
        judge(store, text, BACKGROUND)
    assert 0 < report.random_stratum < 40
    assert audit(store).sample == report.random_stratum


def test_skips_are_open_and_no_sentences_are_left_out(store: ReviewStore) -> None:
    texts = numbered(5)
    load(store, [tagged(text) for text in texts])
    judge(store, texts[0], BACKGROUND)
    judge(store, texts[1], kind="skip", reason="needs the map")
    judge(store, texts[2], kind="not_a_sentence")
    judge(store, texts[3], BACKGROUND, mode="open")
    found = audit(store)
    assert (found.sample, found.open, found.skipped) == (2, 2, 1)
    assert (found.not_sentences, found.open_mode, found.out_of_turn) == (1, 1, 0)


def test_a_skip_beside_a_verdict_is_no_open_sentence(store: ReviewStore) -> None:
    (text,) = numbered(1)
    load(store, [tagged(text)])
    judge(store, text, BACKGROUND)
    judge(store, text, kind="skip", reason="unsure", reviewer="olu")
    found = audit(store)
    assert (found.sample, found.open, found.skipped) == (1, 0, 0)


def test_a_disagreement_is_left_out_until_it_is_settled(store: ReviewStore) -> None:
    (text,) = numbered(1)
    load(store, [tagged(text, [ATTACK])])
    judge(store, text, ATTACK)
    second = judge(store, text, BACKGROUND, reviewer="olu", mode="open")
    found = audit(store)
    assert (found.sample, found.disputed, found.open, found.out_of_turn) == (0, 1, 0, 0)
    new = NewDecision(second.sentence_id, "adjudicate", "a-1", (BACKGROUND,), reason="so")
    settled = adjudicate(store, "ivo", new)
    found = audit(store)
    assert (found.sample, found.disputed, found.open_mode) == (1, 0, 0)
    assert of(estimates(store), ATTACK, "precision").hits == 0
    undo(store, "ivo", settled.id, "undo-2")
    undo(store, "olu", second.id, "undo-1")
    assert of(estimates(store), ATTACK, "precision").hits == 1
    judge(store, text, INTERCEPTION)
    assert of(estimates(store), ATTACK, "precision").hits == 0


def test_what_was_judged_before_its_turn_waits(store: ReviewStore) -> None:
    load(store, [tagged(text) for text in numbered(30)])
    order = in_turn(store, 30)
    judge(store, order[29], ATTACK)
    judge(store, order[20], ATTACK)
    found = audit(store)
    assert (found.sample, found.out_of_turn, found.open) == (0, 2, 28)
    for text in order[:20]:
        judge(store, text, BACKGROUND)
    found = audit(store)
    assert (found.sample, found.out_of_turn) == (21, 1)
    for text in order[21:29]:
        judge(store, text, BACKGROUND)
    assert (audit(store).sample, audit(store).out_of_turn) == (30, 0)


def test_a_few_open_ones_do_not_stop_the_count(store: ReviewStore) -> None:
    load(store, [tagged(text) for text in numbered(100)])
    order = in_turn(store, 100)
    for index, text in enumerate(order):
        if index in (0, 1, 2, 50, 60):
            judge(store, text, kind="skip", reason="needs the map")
        else:
            judge(store, text, BACKGROUND)
    # Five open of a hundred are as many as may be; the fourth comes before eighty stand there.
    found = audit(store)
    assert found.sample == 95 - len(order[51:60]) - len(order[61:79]) - len(order[79:99])
    assert found.sample + found.out_of_turn == 95


def test_a_later_import_takes_nothing_away(store: ReviewStore) -> None:
    load(store, [tagged(text) for text in numbered(30)])
    for text in in_turn(store, 10):
        judge(store, text, BACKGROUND)
    assert audit(store).sample == 10
    load(store, [tagged(text) for text in numbered(300, start=100)])
    assert audit(store).sample == 10
    for text in in_turn(store, 5):
        judge(store, text, BACKGROUND)
    assert audit(store).sample == 15


def test_releases_are_told_apart(store: ReviewStore) -> None:
    texts = numbered(3)
    load(store, [tagged(text, [ATTACK]) for text in texts])
    load(store, [tagged(text, [BACKGROUND], SECOND) for text in texts[:2]])
    for text in texts:
        judge(store, text, BACKGROUND)
    last = audit(store)
    assert (last.release, last.sample, last.uncovered) == (SECOND, 2, 1)
    assert of(list(last.estimates), BACKGROUND, "precision").hits == 2
    first = audit(store, release=FIRST)
    assert (first.sample, of(list(first.estimates), ATTACK, "precision").n) == (3, 3)
    with pytest.raises(InputError, match="expected one of those imported"):
        audit(store, release="first")


def test_needed_is_what_the_width_wants(store: ReviewStore) -> None:
    texts = numbered(40)
    load(
        store,
        [tagged(text, [ATTACK] if i % 4 == 0 else [BACKGROUND]) for i, text in enumerate(texts)],
    )
    for index, text in enumerate(texts):
        judge(store, text, ATTACK if index % 8 == 0 else BACKGROUND)
    precision = of(estimates(store, half_width=0.1), ATTACK, "precision")
    assert (precision.hits, precision.n) == (5, 10)
    # Every fourth sentence is said to be an attack.
    assert precision.needed == (sample_for(0.1, 0.5) - 10) * 4
    assert of(estimates(store, half_width=0.4), ATTACK, "precision").needed == 0
    assert of(estimates(store), ATTRIBUTION, "precision").needed is None


@pytest.mark.parametrize("half_width", [0, 0.5, -1, float("nan")])
def test_a_width_out_of_range_is_refused(store: ReviewStore, half_width: float) -> None:
    with pytest.raises(InputError, match="half-width: expected above 0"):
        audit(store, half_width=half_width)


def test_sentences_weigh_what_they_stand_for(store: ReviewStore) -> None:
    """One import drew all of its sentences, another one about a tenth."""
    rare, common = numbered(20), numbered(200, start=100)
    load(store, [tagged(text, [ATTACK]) for text in rare])
    load(store, [tagged(text, [ATTACK]) for text in common], random_share=0.1)
    drawn = in_turn(store, 300)
    for text in drawn:
        judge(store, text, ATTACK if text in rare else BACKGROUND)
    precision = of(estimates(store), ATTACK, "precision")
    n_common = len(set(drawn) & set(common))
    assert (precision.hits, precision.n) == (20, 20 + n_common)
    assert precision.rate == pytest.approx(20 / (20 + 10 * n_common))
    effective = (20 + 10 * n_common) ** 2 / (20 + 100 * n_common)
    assert (precision.low, precision.high) == pytest.approx(
        wilson(20 / (20 + 10 * n_common), effective)
    )
