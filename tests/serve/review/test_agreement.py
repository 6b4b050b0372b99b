"""Agreement of reviewers: kappa and alpha by pair, label and week, of independent answers alone."""

from __future__ import annotations

import random
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwire.data.agreement import krippendorff_alpha
from claimwire.serve.review.agreement import Agreement, agreement, cohen_kappa
from claimwire.serve.review.decisions import undo
from claimwire.serve.review.facts import Judged, judged_sentences
from claimwire.serve.review.store import ReviewStore

from .out_support import ATTACK, ATTRIBUTION, BACKGROUND, INTERCEPTION, judge, load, tagged

TEXTS = tuple(f"Sentence number {number}." for number in range(8))


@pytest.fixture
def desk(sqlite_store: ReviewStore) -> ReviewStore:
    """Eight sentences, the first four of articles of one week, the others of another."""
    days = ["2026-03-02", "2026-03-09"]
    load(
        sqlite_store,
        [tagged(text, id=text, date=days[n // 4]) for n, text in enumerate(TEXTS)],
    )
    return sqlite_store


def facts(store: ReviewStore) -> list[Judged]:
    with store.read() as session:
        return judged_sentences(session, 1)


def found(store: ReviewStore) -> Agreement:
    return agreement(facts(store))


def say(store: ReviewStore, number: int, reviewer: str, *labels: str, **more: Any) -> int:
    return judge(store, TEXTS[number], *labels, reviewer=reviewer, **more).id


@settings(deadline=None)  # scikit-learn is loaded the first time
@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("abcde")), max_size=40))
def test_kappa_is_sklearns(pairs: list[tuple[str, str]]) -> None:
    from sklearn.metrics import cohen_kappa_score

    kappa = cohen_kappa(pairs)
    if not pairs or len({value for pair in pairs for value in pair}) == 1:
        assert kappa is None
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = cohen_kappa_score(*zip(*pairs, strict=True))
    assert kappa == pytest.approx(expected)


def test_kappa_by_hand() -> None:
    # Cohen 1960: 35 of 50 alike, 0.5 by chance: (0.7 - 0.5) / (1 - 0.5).
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4)
    assert cohen_kappa([]) is None
    assert cohen_kappa([("y", "y")]) is None


def test_pairs_labels_and_weeks(desk: ReviewStore) -> None:
    rng = random.Random(3)
    said: dict[int, dict[str, tuple[str, ...]]] = {}
    for number in range(8):
        for reviewer in ("ann", "bob", "cleo")[: 3 if number % 2 else 2]:
            labels = rng.choice(
                [(ATTACK,), (ATTACK, INTERCEPTION), (INTERCEPTION, ATTACK), (BACKGROUND,)]
            )
            say(desk, number, reviewer, *labels)
            said.setdefault(number, {})[reviewer] = labels
    result = found(desk)
    assert [(pair.first, pair.second) for pair in result.pairs] == [
        ("ann", "bob"),
        ("ann", "cleo"),
        ("bob", "cleo"),
    ]
    for pair in result.pairs:
        both = [
            (each[pair.first], each[pair.second])
            for each in said.values()
            if pair.first in each and pair.second in each
        ]
        assert pair.alphas.sentences == len(both)
        assert pair.alphas.same == sum(
            one[0] == two[0] and set(one) == set(two) for one, two in both
        )
        assert pair.kappa == cohen_kappa([(one[0], two[0]) for one, two in both])
    for week, numbers in {"2026-W10": range(4), "2026-W11": range(4, 8)}.items():
        alphas = result.weeks[week]
        units = [list(said[number].values()) for number in numbers]
        assert alphas.sentences == 4
        assert alphas.primary == krippendorff_alpha([labels[0] for labels in u] for u in units)
        for label in (ATTACK, INTERCEPTION, ATTRIBUTION, BACKGROUND):
            assert alphas.labels[label] == krippendorff_alpha(
                [label in labels for labels in unit] for unit in units
            )
    assert result.all.labels[ATTRIBUTION] is None  # never given: nothing to tell


def test_what_one_alone_judged_does_not_count(desk: ReviewStore) -> None:
    say(desk, 0, "ann", ATTACK)
    say(desk, 1, "bob", ATTACK)
    say(desk, 2, "ann", ATTACK)
    say(desk, 2, "bob", kind="skip", reason="unclear")
    result = found(desk)
    assert result.all.sentences == 0
    assert result.pairs == ()
    assert result.weeks == {}


def test_not_a_sentence_is_an_answer_like_others(desk: ReviewStore) -> None:
    for number, kind in enumerate(("label", "not_a_sentence", "label", "not_a_sentence")):
        for reviewer in ("ann", "bob"):
            labels = (ATTACK,) if kind == "label" else ()
            say(desk, number, reviewer, *labels, kind=kind)
    say(desk, 4, "ann", BACKGROUND)
    say(desk, 4, "bob", kind="not_a_sentence")
    [pair] = found(desk).pairs
    assert pair.alphas.same == 4
    assert pair.kappa == cohen_kappa([("a", "a"), ("x", "x"), ("a", "a"), ("x", "x"), ("b", "x")])


def test_order_matters_for_the_primary_label_alone(desk: ReviewStore) -> None:
    say(desk, 0, "ann", ATTACK, INTERCEPTION, ATTRIBUTION)
    say(desk, 0, "bob", ATTACK, ATTRIBUTION, INTERCEPTION)
    say(desk, 1, "ann", ATTACK, INTERCEPTION)
    say(desk, 1, "bob", INTERCEPTION, ATTACK)
    assert [each.outcome is None for each in facts(desk)] == [False, True]
    assert found(desk).all.same == 1


def test_whoever_mends_a_verdict_after_seeing_another_is_counted_as_before(
    desk: ReviewStore,
) -> None:
    """From their own verdict on, reviewers see each other's: what follows is no independent one."""
    say(desk, 0, "ann", BACKGROUND)
    say(desk, 0, "ann", ATTACK)  # a slip, mended while nobody else had judged
    say(desk, 0, "bob", INTERCEPTION)
    say(desk, 0, "bob", ATTACK)  # sees ann's and follows it
    say(desk, 1, "ann", ATTACK)
    say(desk, 1, "bob", BACKGROUND)
    say(desk, 1, "ann", BACKGROUND)  # sees bob's and follows it
    first, second = facts(desk)
    assert [verdict.independent.labels for verdict in first.verdicts] == [
        (ATTACK,),
        (INTERCEPTION,),
    ]
    assert {verdict.reviewer: verdict.independent.labels for verdict in second.verdicts} == {
        "ann": (ATTACK,),
        "bob": (BACKGROUND,),
    }
    assert found(desk).all.same == 0


def test_an_undone_verdict_does_not_count(desk: ReviewStore) -> None:
    say(desk, 0, "ann", ATTACK)
    number = say(desk, 0, "bob", ATTACK)
    undo(desk, "bob", number, "undo-key-0123456789")
    assert found(desk).all.sentences == 0
    [judged] = facts(desk)
    assert [verdict.reviewer for verdict in judged.verdicts] == ["ann"]


def test_verdicts_in_sight_of_the_prediction_are_told(desk: ReviewStore) -> None:
    say(desk, 0, "ann", ATTACK)
    say(desk, 0, "bob", ATTACK, mode="open")
    say(desk, 1, "ann", ATTACK)
    say(desk, 1, "bob", ATTACK)
    assert found(desk).in_sight == 1
