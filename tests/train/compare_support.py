"""Decisions of our own making, for the tests of comparisons."""

from __future__ import annotations

from claimwire.data.documents import Record
from claimwire.data.labels import LABELS, Label
from claimwire.model.decision import Decision
from claimwire.train.compare import Comparison, Difference, compare_decisions

ATTACK, INTERCEPTION, ATTRIBUTION, BACKGROUND = LABELS


def decision(labels: list[Label], confidence: float = 0.9) -> Decision:
    scores = dict.fromkeys(LABELS, 0.0) | {labels[0]: confidence}
    return Decision(labels[0], tuple(labels), scores, confidence, False, False)


def record(labels: list[Label], document: str | None, text: str = "A sentence.") -> Record:
    return Record(text=text, labels=labels, doc_id=document)


def differences(comparison: Comparison) -> list[Difference]:
    return [*comparison.metrics.values(), *comparison.per_label.values()]


def hand_made(documents: int) -> Comparison:
    """Every document alike: A is right on two labels of four, B on all, each at 0.9."""
    records, a, b = [], [], []
    for document in range(documents):
        for gold in LABELS:
            records.append(record([gold], f"d{document}"))
            a.append(decision([gold if gold is ATTACK else BACKGROUND]))
            b.append(decision([gold]))
    return compare_decisions(records, a, b)
