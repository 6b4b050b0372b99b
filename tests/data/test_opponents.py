"""The table of opponents, and sentences with the opponents exchanged."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwire.data.corpus import load_examples
from claimwire.data.errors import CorpusError, InputError
from claimwire.data.opponents import (
    Conflict,
    conflict_of_document,
    load_conflicts,
    swap_parties,
)

TABLE = load_conflicts()
BY_NAME = {conflict.name: conflict for conflict in TABLE}


def swapped(text: str) -> str:
    swap = swap_parties(text, TABLE)
    assert swap is not None
    return swap.text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Russia shelled Ukraine.", "Ukraine shelled Russia."),
        (
            "Russians fled; Ukrainians’ guns fell silent.",
            "Ukrainians fled; Russians’ guns fell silent.",
        ),
        ("Russia's fleet, and Ukraine’s.", "Ukraine's fleet, and Russia’s."),
        ("RUSSIANS HIT UKRAINE", "UKRAINIANS HIT RUSSIA"),
        (
            "A pro-Russian blogger in Russian-held land",
            "A pro-Ukrainian blogger in Ukrainian-held land",
        ),
        ("An Iranian drone hit an Israeli post.", "An Israeli drone hit an Iranian post."),
        ("Hamas' men fired at an Israeli post.", "Israel's men fired at a Palestinian post."),
        (
            "Saudi Arabia said the Saudis hit Houthi men.",
            "Ansar Allah said the Houthis hit Saudi men.",
        ),
        ("An RSF raid on a Sudanese army post", "A Sudanese army raid on an RSF post"),
        ("A PKK cell attacked Turkey.", "A Turkey cell attacked PKK."),
        (
            "Iran said it hit a US base of the U.S.",
            "The United States said it hit an Iranian base of Iran.",
        ),
        (
            "The US struck Iran; the USS Tern sailed.",
            "Iran struck the United States; the USS Tern sailed.",
        ),
        ("The Somali army drove al-Shabaab out.", "Al-Shabaab drove the Somali army out."),
        ("MOGADISHU: Al-Shabaab fled.", "MOGADISHU: The Somali army fled."),
        ("Hizbullah denies it.", "Israel denies it."),
        ("India sank it in the Indian Ocean.", "Pakistan sank it in the Indian Ocean."),
        ("New Delhi blamed Islamabad.", "Islamabad blamed Delhi."),
    ],
)
def test_swaps_as_written(before: str, after: str) -> None:
    assert swapped(before) == after


@pytest.mark.parametrize("text", ["Prussians marched.", "The Velm river froze.", "", "let us go"])
def test_a_sentence_without_parties_is_left_alone(text: str) -> None:
    assert swap_parties(text, TABLE) is None


def test_the_conflict_with_both_sides_comes_first() -> None:
    both = swap_parties("Israel, Israel and Israel met Hezbollah.", TABLE)
    assert both is not None
    assert both.conflict == "israel-hezbollah"
    one = swap_parties("Israel waits.", TABLE)
    assert one is not None
    assert one.conflict == "israel-iran"


WORDS = ["Then", "near", "struck", "12", "posts,", "—", "denied", '"said', "drones", "(and)"]


@st.composite
def reports(draw: st.DrawFn) -> tuple[Conflict, str]:
    """A conflict of the table, and a sentence about it in every form of its names."""
    conflict = draw(st.sampled_from(TABLE))
    names = [name for pair in conflict.swaps for name in pair]
    forms = st.one_of(st.sampled_from(names), st.sampled_from(names).map(str.upper))
    named = st.tuples(forms, st.sampled_from(["", "s", "'s", "’s", "s'", ",", "-backed"]))
    parts = draw(st.lists(st.one_of(st.sampled_from(WORDS), named.map("".join)), max_size=12))
    return conflict, " ".join(["Then", *parts, "."])


@given(reports())
def test_swapping_twice_gives_the_sentence_back(report: tuple[Conflict, str]) -> None:
    conflict, text = report
    # Hamas' (a bare apostrophe after a name in s) comes back as Hamas's: see the docstring.
    once = conflict.swap(text)
    assert conflict.swap(once).replace("s's", "s'") == conflict.plain(text).replace("s's", "s'")
    assert conflict.named(once) == conflict.named(text)[::-1]


def test_swapping_the_corpus_twice_gives_it_back() -> None:
    n = 0
    for example in load_examples():
        swap = swap_parties(example.text, TABLE)
        if swap is not None:
            n += 1
            conflict = BY_NAME[swap.conflict]
            assert conflict.swap(swap.text) == conflict.plain(example.text)
    assert n > 50


def test_a_document_brings_its_own_parties() -> None:
    conflict = conflict_of_document({"the Northern Army": "north", "Army": "south"})
    assert conflict is not None
    assert (
        conflict.swap("The Northern Army hit an Army post.") == "The Army hit a Northern Army post."
    )


@pytest.mark.parametrize(
    "parties",
    [
        None,
        {},
        {"Velm": "velm"},
        {"Velm": "velm", "VELM": "others"},
        {"Velm": "velm", "pirates": "pirates"},
        {"Velmish": "velm", "Oska": "oska"},
        {"Velmian": "velm", "Oskans": "oska"},
        {"Velm": "velm", "Oska": "oska", "Tarn": "tarn"},
        {"Velm": "velm", "Velmish": "velm", "Oska": "oska"},
    ],
)
def test_parties_that_do_not_pair_give_no_conflict(parties: dict[str, str] | None) -> None:
    assert conflict_of_document(parties) is None


def test_the_table_pairs_names_that_it_knows() -> None:
    assert conflict_of_document({"Ukraine": "ukraine", "Russian": "russia"}, TABLE) is None
    assert conflict_of_document({"Ukraine": "ukraine", "Velm": "velm"}, TABLE) is not None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "- {conflict: x, swaps: [[A, B], [C, a]]}",
            "conflict 1: swaps: the name 'A' stands twice",
        ),
        ("- {conflict: x, swaps: [[A, B, C]]}", "conflict 1: swaps: expected pairs of names"),
        ("- {conflict: x, swaps: []}", "conflict 1: swaps: expected pairs of names"),
        ("- {conflict: x, swaps: [[A, ' B']]}", "without spaces around them"),
        ("- {conflict: x, swaps: [[A, B]], aliases: {D: E}}", "aliases.D: expected a name of this"),
        ("- {swaps: [[A, B]]}", "conflict 1: conflict: Field required"),
        ("- {conflict: x, swaps: [[A, 5]]}", "conflict 1: swaps.0.1"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "parties.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        load_conflicts(path)
    assert f"{path}:1: " in str(caught.value)
    assert message in str(caught.value)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a readable YAML file"):
        load_conflicts(tmp_path / "parties.yaml")
