"""Which labels are likely wrong: confident learning on cross-validated probabilities.

Every sentence is judged by a logistic regression on the frozen encoder's vectors that saw no
sentence of its document. Confident learning (Northcutt, Jiang and Chuang 2021, "Confident
Learning: Estimating Uncertainty in Dataset Labels") then asks for each label how sure the model
is on average where the label is given. A sentence that reaches this average for a label other
than its own is a suspect. The method weighs the primary label alone, and it proposes: whether the
label or the model is wrong, only reading the sentence tells.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from claimwire.data.corpus import Example
from claimwire.data.documents import Split
from claimwire.data.duplicates import normalise
from claimwire.data.errors import CorpusError, MissingExtraError
from claimwire.data.labels import LABEL_INDEX, LABELS, Label
from claimwire.train.baselines import ENCODER_C, MAX_ITERATIONS, sentence_vectors
from claimwire.train.config import Config, ModelConfig

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FOLDS: Final = 5
NEIGHBOURS: Final = 5
ROUNDING: Final = 1e-9
UNSURE: Final = -1
"""In place of a label where no label's probability reaches its threshold."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A sentence whose primary label is likely wrong.

    Attributes:
        id: where the sentence stands: file, line, index; unique, and where to mend it.
        text: the sentence.
        document: the document's ``doc_id``, or None where the record tells none.
        source: the collection, or None.
        split: ``train``, ``validation`` or ``test``.
        given: the labels that the data give, the primary first.
        suggested: the label that the model is confident of.
        given_probability: the model's probability of the given primary label, 0-1.
        suggested_probability: that of the suggested label, 0-1.
        score: the second less the first, above 0 and at most 1; the worst suspects come first.
        reasons: sentences for people; the first says what the model gives.
    """

    id: str
    text: str
    document: str | None
    source: str | None
    split: Split
    given: tuple[Label, ...]
    suggested: Label
    given_probability: float
    suggested_probability: float
    score: float
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values, numbers to 6 decimals, ready for JSON."""
        return {
            "id": self.id,
            "text": self.text,
            "document": self.document,
            "source": self.source,
            "split": self.split,
            "given": [label.value for label in self.given],
            "suggested": self.suggested.value,
            "given_probability": round(self.given_probability, 6),
            "suggested_probability": round(self.suggested_probability, 6),
            "score": round(self.score, 6),
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, slots=True)
class SuspectReport:
    """The suspects of a corpus, worst first, and how noisy its labels are as a whole.

    Attributes:
        suspects: all of them.
        sentences: number of sentences judged.
        accuracy: share of sentences whose given label the model finds most probable, 0-1.
        noise: estimated share of wrong primary labels, 0-1 (see :func:`estimated_joint`). A weak
            model puts it too high: its own mistakes count as the labels'.
    """

    suspects: tuple[Suspect, ...]
    sentences: int
    accuracy: float
    noise: float

    def flat(self, prefix: str) -> dict[str, float]:
        """Return the figures under names such as ``PREFIX_suspects``, for MLflow."""
        return {
            f"{prefix}_suspects": float(len(self.suspects)),
            f"{prefix}_suspect_share": len(self.suspects) / self.sentences,
            f"{prefix}_label_noise": self.noise,
            f"{prefix}_cross_validated_accuracy": self.accuracy,
        }


def suspects_of(
    examples: Sequence[Example], base: str, console: Console, seed: int = 13
) -> SuspectReport:
    """Encode the sentences of every split with a frozen encoder and find the suspects.

    Args:
        examples: labelled sentences, of all splits.
        base: the encoder, as ``model.base`` of a configuration.
        console: shows the progress on a terminal.
        seed: of the folds.

    Raises:
        CorpusError: there are too few documents, all in all or with one of the labels.
        EncoderError: the encoder cannot be had.
        MissingExtraError: the extra [train] is not installed.
    """
    require_enough(examples)
    texts = list(dict.fromkeys(example.text for example in examples))
    row_of = {text: row for row, text in enumerate(texts)}
    vectors = sentence_vectors(Config(model=ModelConfig(base=base)), texts, console)
    rows = [row_of[example.text] for example in examples]
    return find_suspects(examples, vectors[rows], console, seed)


def find_suspects(
    examples: Sequence[Example], vectors: FloatArray, console: Console, seed: int = 13
) -> SuspectReport:
    """Find the suspects among sentences whose vectors are known.

    Args:
        examples: labelled sentences.
        vectors: one a sentence, ``[n, width]``.
        console: shows the progress on a terminal.
        seed: of the folds.

    Raises:
        CorpusError: there are too few documents, all in all or with one of the labels.
        MissingExtraError: the extra [train] is not installed.
    """
    require_enough(examples)
    given = primary_labels(examples)
    groups = document_numbers(examples)
    probabilities = cross_validated(vectors, given, groups, console, seed)
    confident = confident_labels(probabilities, given)
    rows = np.arange(len(given))
    # Where a label is confidently another and the given one is more probable still, the margin
    # is below 0: that counts towards the noise, but makes no case that a reader would follow.
    margins = probabilities[rows, confident] - probabilities[rows, given]
    found = np.flatnonzero((confident != UNSURE) & (confident != given) & (margins > 0))
    ranked = found[np.argsort(-margins[found], kind="stable")]
    evidence = _Evidence(examples, vectors, groups)
    suspects = tuple(
        _suspect(examples[row], Label(LABELS[confident[row]]), probabilities[row], evidence, row)
        for row in ranked.tolist()
    )
    joint = estimated_joint(confident_joint(given, confident), given)
    return SuspectReport(
        suspects=suspects,
        sentences=len(examples),
        accuracy=float((probabilities.argmax(axis=1) == given).mean()),
        noise=float(1 - np.trace(joint)),
    )


def require_enough(examples: Sequence[Example]) -> None:
    """Refuse a corpus too small to be judged in :data:`FOLDS` folds.

    Raises:
        CorpusError: fewer than :data:`FOLDS` documents, or fewer with one of the primary labels
            (then a model could be asked for a label that it has never seen); or one label alone.
    """
    need = f"{FOLDS} documents, since every sentence is judged without its document"
    groups, given = document_numbers(examples), primary_labels(examples)
    documents = len(set(groups.tolist()))
    if documents < FOLDS:
        raise CorpusError(
            f"suspects: expected sentences of at least {need}, found {len(examples)} sentences of "
            f"{documents}: add documents, or records with --extra"
        )
    bearing = {label: set(groups[given == LABEL_INDEX[label]].tolist()) for label in LABELS}
    present = {label: len(numbers) for label, numbers in bearing.items() if numbers}
    scarce = [f"{label} in {count}" for label, count in present.items() if count < FOLDS]
    if scarce:
        raise CorpusError(
            f"suspects: expected every label that stands first to do so in at least {need}, found "
            f"{', '.join(scarce)}: add documents with it, or records with --extra"
        )
    if len(present) == 1:
        raise CorpusError(
            f"suspects: expected two labels or more, found {next(iter(present))} alone: there is "
            "nothing to confuse it with; add documents with other labels"
        )


def primary_labels(examples: Sequence[Example]) -> IntArray:
    """Return the index in LABELS of each sentence's first label, ``[n]``."""
    return np.array([LABEL_INDEX[example.labels[0]] for example in examples], dtype=np.int64)


def document_numbers(examples: Sequence[Example]) -> IntArray:
    """Return a number for each sentence's document, ``[n]``.

    A sentence that belongs to no document is one of its own, together with its exact copies.
    """
    numbers: dict[tuple[str | None, str], int] = {}
    return np.array(
        [
            numbers.setdefault(
                example.document_key or (None, normalise(example.text)), len(numbers)
            )
            for example in examples
        ],
        dtype=np.int64,
    )


def document_folds(given: IntArray, groups: IntArray, seed: int) -> list[IntArray]:
    """Return the row numbers of each fold: whole documents, labels spread as evenly as they can be.

    Args:
        given: index of the primary label, ``[n]``.
        groups: number of the document, ``[n]``.
        seed: another gives other folds.
    """
    try:
        from sklearn.model_selection import StratifiedGroupKFold
    except ImportError as error:
        raise MissingExtraError("train", "looking for wrong labels") from error
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    return [held_out for _, held_out in splitter.split(given, given, groups)]


def cross_validated(
    vectors: FloatArray, given: IntArray, groups: IntArray, console: Console, seed: int
) -> FloatArray:
    """Return each sentence's probabilities, ``[n, 4]``, from a model without its document.

    Args:
        vectors: ``[n, width]``.
        given: index of the primary label, ``[n]``.
        groups: number of the document, ``[n]``.
        console: shows the progress on a terminal.
        seed: of the folds.
    """
    folds = document_folds(given, groups, seed)
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probabilities = np.zeros((len(given), len(LABELS)))
    for held_out in track(folds, "judging ", console=console, disable=not console.is_terminal):
        seen = np.setdiff1d(np.arange(len(given)), held_out)
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=ENCODER_C, max_iter=MAX_ITERATIONS)
        )
        model.fit(vectors[seen], given[seen])
        probabilities[np.ix_(held_out, model.classes_)] = model.predict_proba(vectors[held_out])
    return probabilities


def confident_labels(probabilities: FloatArray, given: IntArray) -> IntArray:
    """Return the label that the model is confident of, ``[n]``, or :data:`UNSURE`.

    A label's threshold is its mean probability over the sentences that bear it, so that a label
    of which the model is never very sure does not need to reach what a frequent one does. Of
    several labels above their thresholds the most probable counts.

    Args:
        probabilities: ``[n, labels]``.
        given: index of the primary label, ``[n]``.
    """
    thresholds = np.full(probabilities.shape[1], np.inf)  # a label that nothing bears: never
    for label in np.unique(given):
        thresholds[label] = probabilities[given == label, label].mean()
    # The rounded mean of equal numbers can lie above each of them.
    reached = probabilities >= thresholds - ROUNDING
    best = np.where(reached, probabilities, -1.0).argmax(axis=1)
    return np.where(reached.any(axis=1), best, UNSURE)


def confident_joint(given: IntArray, confident: IntArray) -> IntArray:
    """Return how many sentences given label i (row) are confidently j (column), ``[4, 4]``."""
    counts = np.zeros((len(LABELS), len(LABELS)), dtype=np.int64)
    sure = confident != UNSURE
    np.add.at(counts, (given[sure], confident[sure]), 1)
    return counts


def estimated_joint(counts: IntArray, given: IntArray) -> FloatArray:
    """Return the estimated share of each pair of given and true label, ``[4, 4]``, summing to 1.

    Rows are scaled to how often each label is given; one without counts is taken to be right.
    """
    sizes = np.bincount(given, minlength=len(counts))
    shares = np.where(counts.sum(axis=1, keepdims=True) > 0, counts, np.eye(len(counts)))
    joint: FloatArray = shares / shares.sum(axis=1, keepdims=True) * (sizes / len(given))[:, None]
    return joint


class _Evidence:
    """What the rest of the corpus says about one sentence."""

    def __init__(self, examples: Sequence[Example], vectors: FloatArray, groups: IntArray) -> None:
        self._examples = examples
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        self._directions = vectors / np.where(lengths > 0, lengths, 1.0)
        self._groups = groups
        self._copies: dict[str, list[int]] = defaultdict(list)
        for row, example in enumerate(examples):
            self._copies[normalise(example.text)].append(row)

    def reasons(self, row: int) -> Iterator[str]:
        """Yield what speaks for or against the label of the sentence in ``row``."""
        yield self._neighbours(row)
        example = self._examples[row]
        for other in self._copies[normalise(example.text)]:
            elsewhere = self._examples[other]
            if elsewhere.labels[0] != example.labels[0]:
                yield f"the same words bear {elsewhere.labels[0]} at {elsewhere.position}"
        if example.hard:
            yield "marked hard"

    def _neighbours(self, row: int) -> str:
        cosines = self._directions @ self._directions[row]  # [n]
        cosines[self._groups == self._groups[row]] = -np.inf
        nearest = np.argsort(-cosines, kind="stable")[:NEIGHBOURS]
        near = [other for other in nearest.tolist() if cosines[other] > -np.inf]
        counts = Counter(self._examples[other].labels[0] for other in near)
        order = sorted(counts, key=lambda label: (-counts[label], LABEL_INDEX[label]))
        tally = ", ".join(f"{counts[label]} {label}" for label in order)
        return f"its {len(near)} nearest labelled sentences of other documents: {tally}"


def _suspect(
    example: Example, suggested: Label, probabilities: FloatArray, evidence: _Evidence, row: int
) -> Suspect:
    primary = example.labels[0]
    chances = {label: float(probabilities[LABEL_INDEX[label]]) for label in (primary, suggested)}
    reasons = [
        f"model gives {suggested} {chances[suggested]:.2f}, {primary} {chances[primary]:.2f}",
        *evidence.reasons(row),
    ]
    if suggested in example.labels:
        reasons.append(f"{suggested} is given as a further label: perhaps only the order is wrong")
    return Suspect(
        id=str(example.position),
        text=example.text,
        document=example.doc_id,
        source=example.source,
        split=example.split,
        given=example.labels,
        suggested=suggested,
        given_probability=chances[primary],
        suggested_probability=chances[suggested],
        score=chances[suggested] - chances[primary],
        reasons=tuple(reasons),
    )
