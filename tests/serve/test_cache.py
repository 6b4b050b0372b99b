from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from claimwire.data.labels import LABELS, Label
from claimwire.model.decision import Decision
from claimwire.serve.cache import Known, Recent


class Model:
    """Numbers its decisions, so that one made twice is seen."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> list[Decision]:
        start = len(self.asked)
        self.asked.extend(texts)
        return [decision(start + number) for number in range(len(texts))]


def decision(number: int) -> Decision:
    label = Label.BACKGROUND
    return Decision(label, (label,), dict.fromkeys(LABELS, 0.5), float(number), False, False)


def test_a_text_is_decided_once_within_a_batch_and_across_batches() -> None:
    known, model = Known(), Model()
    first = known.decide(["a", "b", "a"], model)
    second = known.decide(["b", "c", "a"], model)
    assert model.asked == ["a", "b", "c"]
    assert first[0] is first[2] is second[2]
    assert first[1] is second[0]


def test_what_was_not_seen_for_longest_is_forgotten() -> None:
    recent: Recent[int] = Recent(2)
    for number, text in enumerate("aba"):
        recent.put(text, number)
    recent.put("c", 9)
    assert [recent.get(text) for text in "abc"] == [2, None, 9]


def test_articles_are_known_again() -> None:
    known = Known(articles=2)
    assert [known.is_repeated(text) for text in "aabcab"] == [
        False, True, False, False, False, False,
    ]  # fmt: skip


def test_halves_of_surrogate_pairs_can_be_remembered() -> None:
    assert Known().decide(["\ud800", "\ud800"], Model())[1].confidence == 0.0


@given(st.lists(st.lists(st.sampled_from("abcdef"), min_size=1), max_size=8), st.integers(0, 8))
def test_taking_over_what_was_recorded_leaves_the_same_memory(
    batches: list[list[str]], interrupted: int
) -> None:
    whole, model = Known(sentences=3), Model()
    decided = [whole.decide(batch, model) for batch in batches]
    resumed, again = Known(sentences=3), Model()
    for number, batch in enumerate(batches):
        recorded = decided[number] if number < interrupted else None
        before = len(again.asked)
        result = resumed.decide(batch, again, recorded)
        assert (len(again.asked) > before) <= (recorded is None)
        if recorded is not None:
            assert result == decided[number]
    assert again.asked == model.asked[len(model.asked) - len(again.asked) :]
