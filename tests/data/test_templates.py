from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from claimwire.data.composed import Sentence, load_documents, sentences
from claimwire.data.templates import TOLERANCE, check_templates, smelling

from .composed_support import placed

WORDS = ["".join(letters) for letters in product("bdfgk", "aeiou", "lmnrs", "aeiou")]
"""Made-up words, 625 of them."""
PLACES = ("Orva", "Tarn", "Lissen", "Port Medd", "Kesh", "Varna", "Brod")
FILLED = "At least {} men were killed when shells hit {}."


def corpus(texts: Sequence[str]) -> list[Sentence]:
    """One document a text; a sentence before it says which words are names."""
    known = " ".join(f"in {place}" for place in PLACES)
    documents = [
        placed(f"d{number}", [(text, "background")]) for number, text in enumerate(texts, start=1)
    ]
    return list(sentences([placed("d0", [(f"we were {known}", "background")]), *documents]))


def test_a_filled_template_smells_whatever_fills_it() -> None:
    filled = [FILLED.format(7 * n, place) for n, place in enumerate(PLACES)]
    found = smelling(corpus(filled))
    assert len(found) == 7
    assert {each.share for each in found} == {1.0}
    assert {each.documents for each in found} == {6}


def test_six_documents_in_all_are_not_enough() -> None:
    filled = [FILLED.format(n, PLACES[n]) for n in range(6)]
    assert smelling(corpus(filled)) == []


def test_different_phrases_shared_with_different_documents_add_up() -> None:
    whole = "the first common phrase here and the second common phrase there ends"
    parts = [
        *["the first common phrase here or"] * 3,
        *["there is the second common phrase there ends"] * 3,
    ]
    endings = ["ash", "oak", "elm", "fir", "yew", "box"]
    texts = [f"{part} {end}" for part, end in zip(parts, endings, strict=True)]
    found = smelling(corpus([whole, *texts]))
    assert whole in {each.sentence.value.text for each in found}


def test_less_than_half_is_no_smell() -> None:
    ends = [" ".join(WORDS[9 * n : 9 * n + 9]) for n in range(9)]
    texts = [f"for its part it said that {end}" for end in ends]
    assert smelling(corpus(texts)) == []


def test_sentences_under_four_words_and_of_one_document_do_not_smell() -> None:
    assert smelling(corpus(["Nobody was hurt."] * 9)) == []
    same = placed("d", [("Nobody at all was hurt in it.", "background")] * 9)
    assert smelling(list(sentences([same]))) == []


def test_names_at_the_head_of_a_sentence_are_known_by_the_rest() -> None:
    headed = [f"{place} will hold a fair on Sunday again." for place in PLACES]
    assert len(smelling(corpus(headed))) == 7


def test_too_many_fail_and_few_are_notes() -> None:
    filled = [FILLED.format(7 * n, place) for n, place in enumerate(PLACES)]
    other = [" ".join(WORDS[n : n + 300 : 60]) for n in range(300)]
    few = check_templates(corpus([*filled, *other]))
    assert len(few) == 7
    assert not any(problem.fails for problem in few)
    many = check_templates(corpus([*filled, *other[:200]]))
    assert [problem.fails for problem in many] == [True] + [False] * 7
    assert "7 of 208 sentences (3.4%)" in many[0].message


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=60).filter(lambda text: text.strip() != ""), max_size=12))
def test_whatever_text_is_measured(texts: list[str]) -> None:
    assert all(0.5 <= each.share <= 1 for each in smelling(corpus(texts)))


def test_the_committed_corpus_does_not_smell() -> None:
    whole = list(sentences(load_documents()))
    # Labelled real text of 350 documents has about 1%: agency prose shares phrases by nature.
    assert len(smelling(whole)) < TOLERANCE * len(whole) / 3
