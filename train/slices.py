"""Where a release is good and where it is not: metrics by slice of a labelled set.

A slice is the sentences that share a value of one kind: the theatre, a length, a hedge. Slices
by wording rest on word lists and patterns of English; they are approximate, which is enough to see
where to look.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from claimwire.data.corpus import Example
from claimwire.data.stats import UNKNOWN
from claimwire.model.decision import Decision
from claimwire.train.metrics import (
    BOOTSTRAP_RESAMPLES,
    FloatArray,
    IntArray,
    confusion_per_document,
    document_weights,
    primary_indices,
)

FEWEST_SENTENCES: Final = 20
"""Sentences from which a slice is measured; below, one sentence would move a metric by over 5%."""
LENGTHS: Final = ("1-9", "10-19", "20-29", "30-39", "40+")
"""Names of the slices by length, in words parted by white space."""

_DOUBLE_QUOTES = re.compile("[\"“”„‟«»]|``|''")
# An apostrophe stands after a letter; a quotation opens before one and ends before none.
_SINGLE_QUOTES = re.compile(r"(?<!\w)['‘](?=\w).*?\w[.,!?]?['’](?!\w)")
_HEDGE = re.compile(
    r"""\b(?:
        (?:reported|alleged|supposed|purported|ostensib|apparent|possib|probab|presumab|seeming)ly
      | alleged | purported | suspected | suspects? | presumed | rumou?red
      | unconfirmed | unverified | unclear | likely | unlikely | perhaps | maybe
      | (?:is|are|was|were|been|being)\ (?:said|believed|thought|understood|feared)
      | (?:said|reported|believed|thought|understood|feared)\ to\ (?:be|have)
      | (?-i:may|might)\ (?:not\ |well\ |also\ )?(?:be|have)  # May is a month
      | could\ (?:not\ |well\ |also\ )?have
      | appear(?:s|ed)?(?!\ (?:in|at|on|before|for)\b) | seem(?:s|ed)?
      | not\ (?:(?:be|immediately|independently|yet|entirely)\ )*
        (?:clear | known | confirm(?:ed)? | verif(?:y|ied))
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)
_NEGATION = re.compile(
    r"""\b(?:
        not(?!\ only\b) | no(?!\.\s*\d) | never | none | nobody | nothing | nowhere | neither
      | nor | without | cannot | \w+n['’]t
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Slice:
    """The metrics of one slice.

    Attributes:
        kind: what the sentences were parted by, such as ``theatre``.
        name: the value that they share, such as ``ukraine-russia``; ``yes`` or ``no`` for the kinds
            that are questions.
        n: sentences.
        documents: documents that they are from.
        primary_macro_f1: F1 of the first predicted label against the first gold label, averaged
            over the labels that are first in the slice's gold, 0 to 1. Unlike the headline, a
            label that the slice does not have does not count as 0; predicting it still costs the
            recall of the true one. None where the slice is too small to be measured.
        accuracy: share of sentences with the right first label, 0 to 1, or None.
        interval: 95% interval of ``primary_macro_f1`` by a bootstrap over documents, each resample
            averaged over the labels of its own gold. None where the slice is too small or all of
            it is from one document, which says nothing of others.
    """

    kind: str
    name: str
    n: int
    documents: int
    primary_macro_f1: float | None
    accuracy: float | None
    interval: tuple[float, float] | None

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``json.dumps``."""
        return asdict(self)


def has_quotation(text: str) -> bool:
    """Whether the sentence has a quotation, or the beginning or end of one."""
    return bool(_DOUBLE_QUOTES.search(text) or _SINGLE_QUOTES.search(text))


def has_hedge(text: str) -> bool:
    """Whether the sentence leaves open that what it says is so: reportedly, may have, appears.

    Naming a source (he said, according to) is no hedge.
    """
    return _HEDGE.search(text) is not None


def has_negation(text: str) -> bool:
    """Whether the sentence has a grammatical negation: not, no, never, didn't, without.

    Verbs such as deny or fail are none, and neither are "not only" and the "No." of a number.
    """
    return _NEGATION.search(text) is not None


def length_bin(text: str) -> str:
    """Return the one of LENGTHS that the sentence belongs to."""
    return LENGTHS[min(len(text.split()) // 10, len(LENGTHS) - 1)]


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


KINDS: Final[dict[str, Callable[[Example], str]]] = {
    "theatre": lambda example: example.theatre or UNKNOWN,
    "genre": lambda example: example.genre or UNKNOWN,
    "source": lambda example: example.source or UNKNOWN,
    "origin": lambda example: example.origin,
    "length": lambda example: length_bin(example.text),
    "quotation": lambda example: _yes(has_quotation(example.text)),
    "hedge": lambda example: _yes(has_hedge(example.text)),
    "negation": lambda example: _yes(has_negation(example.text)),
    "labels": lambda example: str(len(example.labels)),
    "hard": lambda example: _yes(example.hard),
}
"""The kinds of slices, and what names an example's slice of each."""

_Measured = tuple[float | None, float | None, tuple[float, float] | None]

_ORDERED: Final = (*LENGTHS, "yes", "no", "1", "2", "3")
"""Names with an order of their own; all others stand by size, then name."""


def slice_metrics(
    examples: Sequence[Example],
    decisions: Sequence[Decision],
    fewest: int = FEWEST_SENTENCES,
    *,
    seed: int = 0,
    resamples: int = BOOTSTRAP_RESAMPLES,
) -> list[Slice]:
    """Measure decisions on each slice of the examples that they were made for.

    Args:
        examples: n labelled sentences.
        decisions: n decisions, in the same order.
        fewest: slices of fewer sentences are counted, not measured.
        seed: of the bootstrap.
        resamples: how many times the documents of a slice are drawn.

    Returns:
        The slices by kind, in the order of :data:`KINDS`; each kind parts all examples.

    Raises:
        ValueError: the two sequences differ in length.
    """
    if len(examples) != len(decisions):
        raise ValueError(
            f"expected one decision an example, found {len(examples)} examples and "
            f"{len(decisions)} decisions"
        )
    gold = primary_indices([example.labels for example in examples])
    predicted = primary_indices([decision.labels for decision in decisions])
    documents = np.array([str(e.document_key or e.position) for e in examples], dtype=object)
    slices = []
    for kind, name_of in KINDS.items():
        for name, rows in _groups([str(name_of(example)) for example in examples]):
            own = list(documents[rows])
            measured: _Measured = (None, None, None)
            if len(rows) >= fewest:
                measured = _measure(gold[rows], predicted[rows], own, seed, resamples)
            slices.append(Slice(kind, name, len(rows), len(set(own)), *measured))
    return slices


def _groups(names: Sequence[str]) -> list[tuple[str, list[int]]]:
    """Return each name with the rows that bear it."""
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name, []).append(row)

    def place(item: tuple[str, list[int]]) -> tuple[int, int, str]:
        name, members = item
        return (_ORDERED.index(name), 0, "") if name in _ORDERED else (0, -len(members), name)

    return sorted(rows.items(), key=place)


def _measure(
    gold: IntArray, predicted: IntArray, documents: list[str], seed: int, resamples: int
) -> _Measured:
    per_document = confusion_per_document(gold, predicted, documents)
    interval = _interval(per_document, seed, resamples) if len(per_document) > 1 else None
    accuracy = float((gold == predicted).mean())
    return float(present_macro_f1(per_document.sum(axis=0))), accuracy, interval


def _interval(per_document: IntArray, seed: int, resamples: int) -> tuple[float, float]:
    scores = [
        present_macro_f1(np.tensordot(weights, per_document, axes=1))
        for weights in document_weights(len(per_document), seed, resamples)
    ]
    low, high = np.quantile(np.concatenate(scores), (0.025, 0.975))
    return float(low), float(high)


def present_macro_f1(confusion: npt.NDArray[Any]) -> FloatArray:
    """Return the mean F1 of the labels present in gold, for confusions ``[..., 4, 4]``.

    Rows are gold, columns predicted; each confusion has at least one sentence.
    """
    in_gold = confusion.sum(axis=-1)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    # hits are 0 where in_gold is 0, so that absent labels add nothing to the sum
    f1 = 2 * hits / np.maximum(in_gold + confusion.sum(axis=-2), 1)
    scores: FloatArray = f1.sum(axis=-1) / (in_gold > 0).sum(axis=-1)
    return scores
