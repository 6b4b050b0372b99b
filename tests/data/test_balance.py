from __future__ import annotations

import math

import pytest

from claimwire.data.balance import balances, check_balance, pooled_balance
from claimwire.data.card_tables import balance_table
from claimwire.data.checks import Rule
from claimwire.data.composed import Placed, load_documents
from claimwire.data.labels import Label
from claimwire.data.parties import Parties

from .composed_support import Labelled, placed

PARTIES = {"Velm": "velm", "Velmish": "velm", "Osk": "osk"}
BOTH = ("Velm and Osk met.", "background")
ATTACK, STOPPED = "attack_claim", "interception_claim"


def report(number: int, velm: str, osk: str, parties: dict[str, str] | None = None) -> Placed:
    """A document in which each side is named alone twice, with labels of its own."""
    sentences: list[Labelled] = [
        (f"Velm did this on day {number}.", velm),
        (f"Velmish men did that on day {number}.", velm),
        (f"Osk did this on day {number}.", osk),
        (f"In Osk they did that on day {number}.", osk),
        ("It rained.", "background"),
        BOTH,
    ]
    return placed(f"d{number}", sentences, PARTIES if parties is None else parties)


def test_sides_are_named_by_any_of_their_names() -> None:
    parties = Parties({"South Osk": "south", "Osk": "osk", "Houthi": "houthi", "U.S.": "us"})
    assert parties.named("South Osk and Osk's men met the Houthis of the U.S.") == [
        "south",
        "osk",
        "houthi",
        "us",
    ]
    assert parties.named("Oskar and Kosk met in Houthistan, SOUTH OSK.") == []
    assert Parties({}).named("Osk") == []


def test_sentences_that_name_one_side_alone_are_counted() -> None:
    (balance,) = balances([report(1, ATTACK, STOPPED), report(2, ATTACK, "background")])
    assert (balance.left.name, balance.right.name, balance.documents) == ("osk", "velm", 2)
    assert (balance.left.sentences, balance.right.sentences) == (4, 4)
    assert balance.right.share(Label.ATTACK_CLAIM) == 1.0
    assert balance.left.share(Label.INTERCEPTION_CLAIM) == 0.5
    assert balance.difference(Label.ATTACK_CLAIM) == -1.0
    assert balance.p_values == {}  # two documents tell nothing


def test_a_document_is_about_the_two_sides_that_it_names_most() -> None:
    mixed = placed(
        "m",
        [
            ("Velm shelled Osk, and Tarn watched.", ATTACK),
            ("Velm and Osk deny it.", "attribution_inference"),
            ("Tarn sells arms.", "background"),
            ("Velm buys arms.", "background"),
        ],
        {"Velm": "velm", "Osk": "osk", "Tarn": "tarn"},
    )
    (balance,) = balances([mixed])
    assert (balance.left.name, balance.right.name) == ("osk", "velm")
    assert (balance.left.sentences, balance.right.sentences) == (0, 1)
    assert balance.difference(Label.BACKGROUND) == 0.0
    assert balance_table([balance], pooled_balance([mixed])).rows == ()


def test_documents_without_two_named_sides_say_nothing() -> None:
    alone = placed("a", [("Velm waits.", "background")], {"Velm": "velm"})
    assert balances([alone, placed("b", [BOTH])]) == []
    assert pooled_balance([alone]) == {}
    assert check_balance([alone]) == []


def test_chance_is_counted_by_documents() -> None:
    # Of the 2**6 ways to exchange the sides of six like documents two are as lopsided.
    (balance,) = balances([report(n, ATTACK, STOPPED) for n in range(6)])
    assert balance.p_values[Label.ATTACK_CLAIM] == pytest.approx(2 / 2**6)
    assert balance.p_values[Label.BACKGROUND] == 1.0


def test_balanced_documents_pass_and_lopsided_ones_fail() -> None:
    there = [report(n, ATTACK, STOPPED) for n in range(10)]
    back = [report(10 + n, STOPPED, ATTACK) for n in range(10)]
    assert check_balance([*there, *back]) == []
    problems = check_balance([*there, *[report(10 + n, ATTACK, STOPPED) for n in range(10)]])
    failed = [problem for problem in problems if problem.fails]
    assert {problem.rule for problem in problems} == {Rule.BALANCE}
    assert any("osk 0% of 40 and velm 100% of 40 sentences" in p.message for p in failed)
    assert any("the sides of all conflicts differ by 100%" in p.message for p in failed)


def test_six_documents_fail_alone_no_more_than_chance_does() -> None:
    problems = check_balance([report(n, ATTACK, STOPPED) for n in range(6)])
    assert [problem.fails for problem in problems if "velm" in problem.message] == [False, False]
    assert "of so many comparisons chance may give one" in problems[0].message


def test_pooled_is_the_mean_of_all_conflicts() -> None:
    other = {"Velm": "tarn", "Velmish": "tarn", "Osk": "kesh"}
    documents = [report(n, ATTACK, STOPPED) for n in range(3)]
    documents += [report(3 + n, ATTACK, ATTACK, other) for n in range(3)]
    pooled = pooled_balance(documents)
    assert pooled[Label.ATTACK_CLAIM].found == pytest.approx(0.5)
    assert pooled[Label.BACKGROUND].found == 0.0
    assert 0 < pooled[Label.ATTACK_CLAIM].by_chance < 0.5
    assert pooled_balance(documents) == pooled


def test_the_committed_corpus_is_within_ten_points_of_chance() -> None:
    documents = load_documents()
    assert not any(problem.fails for problem in check_balance(documents))
    pooled = pooled_balance(documents)
    assert all(each.excess < 0.10 and math.isfinite(each.p_value) for each in pooled.values())
