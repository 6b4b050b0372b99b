"""What was tagged before in the same run: sentences are not tagged twice, articles are counted.

Wire copy repeats. Both memories are bounded and forget what was not seen for longest, so that a run
of any length stays flat; what was forgotten is tagged again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Final, Generic, TypeVar

from claimwire.model.decision import Decision

SENTENCES: Final = 32_768
"""Distinct sentences remembered with their decisions: about 30 MB."""

ARTICLES: Final = 32_768
"""Distinct articles of which it is remembered that they were there: about 7 MB."""

Predict = Callable[[Sequence[str]], Sequence[Decision]]
"""Texts to decisions, in order."""

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The latest texts, by digest, with a value each.

    Args:
        most: number of texts remembered.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[bytes, Value] = OrderedDict()

    def get(self, text: str) -> Value | None:
        """Return the value of a text that is remembered, which makes it the latest."""
        key = _digest(text)
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, text: str, value: Value) -> None:
        """Remember a text as the latest, and forget the oldest where there are too many."""
        key = _digest(text)
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)


class Known:
    """What a run knows so far.

    Args:
        sentences: sentences remembered.
        articles: articles remembered.
    """

    def __init__(self, sentences: int = SENTENCES, articles: int = ARTICLES) -> None:
        self._decisions: Recent[Decision] = Recent(sentences)
        self._articles: Recent[bool] = Recent(articles)

    def is_repeated(self, article: str) -> bool:
        """Say whether an article was there before; from now on it was."""
        repeated = self._articles.get(article) is not None
        self._articles.put(article, True)
        return repeated

    def decide(
        self, texts: Sequence[str], predict: Predict, recorded: Sequence[Decision] | None = None
    ) -> list[Decision]:
        """Return a decision for each text; the same text has the same one.

        Args:
            texts: sentences, in order.
            predict: decides on those that are not known.
            recorded: decisions made on all of ``texts`` by an interrupted run, which then take the
                place of ``predict``. What is remembered afterwards is the same as in that run.
        """
        decisions: dict[str, Decision] = {}
        unknown: dict[str, int] = {}
        for index, text in enumerate(texts):
            known = decisions.get(text) or self._decisions.get(text)
            if known is not None:
                decisions[text] = known
            elif text not in unknown:
                unknown[text] = index
        if recorded is None:
            fresh = predict(list(unknown)) if unknown else []
        else:
            fresh = [recorded[index] for index in unknown.values()]
        for text, decision in zip(unknown, fresh, strict=True):
            decisions[text] = decision
            self._decisions.put(text, decision)
        return [decisions[text] for text in texts]


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
