"""What a model does on the behavioural suite, and when the parties of a sentence are exchanged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from claimwire.data.behaviour_cases import Case
from claimwire.data.corpus import corpus_files
from claimwire.data.documents import read_documents
from claimwire.data.labels import Label
from claimwire.data.opponents import (
    Conflict,
    conflict_of_document,
    load_conflicts,
    swap_sentence,
)
from claimwire.model.decision import Decision
from claimwire.train.shares import Share


class Predictor(Protocol):
    """What is measured: a :class:`~claimwire.model.runtime.Runtime`, or anything like it."""

    def predict(self, sentences: Sequence[str]) -> list[Decision]:
        """Return one decision a sentence, in order."""


class Sentence(Protocol):
    """A sentence and the document it is from: an Example or a Record."""

    @property
    def text(self) -> str:
        """Return the sentence."""

    @property
    def doc_id(self) -> str | None:
        """Return the name of its document, where it has one."""


@dataclass(frozen=True, slots=True)
class CaseFailure:
    """A case that was not passed.

    Attributes:
        capability: the capability it tests.
        number: its place in the capability's file, from 1.
        texts: its variants, in order.
        expected: the primary label wanted; None where the variants only had to agree.
        found: the primary label of each variant.
        confidence: the confidence of each, 0 to 1.
    """

    capability: str
    number: int
    texts: tuple[str, ...]
    expected: Label | None
    found: tuple[Label, ...]
    confidence: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class BehaviourReport:
    """The share of cases passed, overall and by capability, and those that were not.

    ``label_sets`` counts the cases with all labels told that got exactly those, in any order: it
    is for information and no part of passing.
    """

    overall: Share
    by_capability: dict[str, Share]
    failures: tuple[CaseFailure, ...]
    label_sets: Share

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``json.dumps``."""
        return {
            "overall": self.overall.to_json(),
            "by_capability": {name: share.to_json() for name, share in self.by_capability.items()},
            "label_sets": self.label_sets.to_json(),
            "failures": [asdict(failure) for failure in self.failures],
        }

    def flat(self, prefix: str = "behaviour") -> dict[str, float]:
        """Return ``{behaviour/pass_rate: ..., behaviour/pass_rate/tense: ...}`` for MLflow."""
        metrics = {f"{prefix}/pass_rate": self.overall.rate, f"{prefix}/n": float(self.overall.n)}
        for name, share in self.by_capability.items():
            metrics[f"{prefix}/pass_rate/{name}"] = share.rate
        return metrics


def run_behaviour(cases: Sequence[Case], runtime: Predictor) -> BehaviourReport:
    """Judge every variant of every case and say which cases are passed.

    A case with one sentence is passed where its primary label is the expected one; a case with
    variants where all have one primary label, the expected one where the case tells it.
    """
    decisions = iter(runtime.predict([text for case in cases for text in case.variants]))
    passed: Counter[str] = Counter()
    n: Counter[str] = Counter()
    failures, sets_hit, sets = [], 0, 0
    for case in cases:
        found = [next(decisions) for _ in case.variants]
        n[case.capability] += 1
        if case.labels is not None:
            sets += 1
            sets_hit += all(set(decision.labels) == set(case.labels) for decision in found)
        if _passes(case, found):
            passed[case.capability] += 1
        else:
            failures.append(_failure(case, found))
    return BehaviourReport(
        overall=Share(passed.total(), n.total()),
        by_capability={name: Share(passed[name], count) for name, count in n.items()},
        failures=tuple(failures),
        label_sets=Share(sets_hit, sets),
    )


def _passes(case: Case, found: Sequence[Decision]) -> bool:
    labels = {decision.label for decision in found}
    return len(labels) == 1 and case.expect in (None, *labels)


def _failure(case: Case, found: Sequence[Decision]) -> CaseFailure:
    return CaseFailure(
        capability=case.capability,
        number=case.number,
        texts=case.variants,
        expected=case.expect,
        found=tuple(decision.label for decision in found),
        confidence=tuple(decision.confidence for decision in found),
    )


@dataclass(frozen=True, slots=True)
class Flip:
    """A sentence whose primary label changes when its parties are exchanged.

    ``conflict`` names whose parties; each confidence is that of the label beside it, 0 to 1.
    """

    text: str
    swapped: str
    conflict: str
    before: Label
    after: Label
    confidence_before: float
    confidence_after: float


@dataclass(frozen=True, slots=True)
class SwapReport:
    """The actor-swap flip rate: of the sentences that name a party, those whose label changes.

    ``changed.n`` is the number of sentences swapped, ``total`` that of all sentences looked at.
    """

    changed: Share
    by_conflict: dict[str, Share]
    flips: tuple[Flip, ...]
    total: int

    @property
    def flip_rate(self) -> float:
        """Return the share of swapped sentences whose primary label changes, 0 to 1."""
        return self.changed.rate

    def to_json(self) -> dict[str, Any]:
        """Return plain values for ``json.dumps``."""
        return {
            "flip_rate": self.changed.to_json(),
            "by_conflict": {name: share.to_json() for name, share in self.by_conflict.items()},
            "sentences": self.total,
            "flips": [asdict(flip) for flip in self.flips],
        }

    def flat(self, prefix: str = "test") -> dict[str, float]:
        """Return ``{test/actor_swap_flip_rate: ...}`` with its interval and n, for MLflow."""
        low, high = self.changed.ci95
        name = f"{prefix}/actor_swap_flip_rate"
        return {
            name: self.changed.rate,
            f"{name}_low": low,
            f"{name}_high": high,
            f"{prefix}/actor_swap_n": float(self.changed.n),
        }


def actor_swap_flips(
    examples: Sequence[Sentence],
    runtime: Predictor,
    *,
    conflicts: Sequence[Conflict] | None = None,
    parties: Mapping[str, Mapping[str, str]] | None = None,
) -> SwapReport:
    """Exchange the opponents in every sentence that names one, and count the labels that change.

    Args:
        examples: sentences; their labels do not matter.
        runtime: what is measured.
        conflicts: the table of opponents; None: the one that ships with claimwire.
        parties: the documents' own parties by ``doc_id`` (:func:`document_parties`); a sentence
            that names one of them is swapped by these, not by the table.

    Raises:
        MissingExtraError: the table is to be read and PyYAML is not installed.
    """
    table = load_conflicts() if conflicts is None else conflicts
    own = {name: conflict_of_document(sides, table) for name, sides in (parties or {}).items()}
    swapped = [
        (example.text, swap)
        for example in examples
        if (swap := swap_sentence(example.text, table, own.get(example.doc_id or ""))) is not None
    ]
    before = runtime.predict([text for text, _ in swapped])
    after = runtime.predict([swap.text for _, swap in swapped])
    flips = [
        Flip(text, swap.text, swap.conflict, a.label, b.label, a.confidence, b.confidence)
        for (text, swap), a, b in zip(swapped, before, after, strict=True)
        if a.label is not b.label
    ]
    n = Counter(swap.conflict for _, swap in swapped)
    flipped = Counter(flip.conflict for flip in flips)
    return SwapReport(
        changed=Share(len(flips), len(swapped)),
        by_conflict={name: Share(flipped[name], count) for name, count in n.most_common()},
        flips=tuple(flips),
        total=len(examples),
    )


def document_parties(corpus: Path | None = None) -> dict[str, dict[str, str]]:
    """Return the sides by name of the corpus's documents that tell them, by ``doc_id``.

    Raises:
        InputError: there is no such directory.
        CorpusError: the corpus breaks the contract.
    """
    return {
        document.doc_id: document.parties
        for paths in corpus_files(corpus).values()
        for path in paths
        for document in read_documents(path)
        if document.parties
    }
