"""Soft labels: what a larger teacher thinks of each sentence, for distillation.

Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network (2015). The student's target for
a labelled sentence is ``(1 - weight) * label + weight * teacher``; a sentence that only the teacher
has labelled is a transfer sentence, and the teacher's probabilities are its whole target.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claimwire.data.errors import CorpusError
from claimwire.data.jsonlines import Fault, describe_value, raise_for_faults, read_json_lines
from claimwire.data.labels import LABEL_INDEX, LABELS, Label

if TYPE_CHECKING:
    import datasets

CERTAIN: Final = 0.95
"""The teacher's probability of background from which it is certain."""

Probabilities = tuple[float, ...]
"""One probability a label, 0 to 1, in the order of LABELS."""


_BACKGROUND: Final = LABEL_INDEX[Label.BACKGROUND]


@dataclass(frozen=True, slots=True)
class Distilled:
    """The training split with the teacher's targets in it.

    Attributes:
        train: the labelled sentences in their order, then the transfer sentences.
        blended: labelled sentences that the teacher has judged too.
        transferred: sentences that only the teacher has labelled.
    """

    train: datasets.Dataset
    blended: int
    transferred: int


def read_soft_labels(path: Path) -> dict[str, Probabilities]:
    """Read ``{"text": ..., "probabilities": {label: p, ...}}`` records, one a line.

    Returns:
        Probabilities by text, in the order of the file.

    Raises:
        InputError: there is no such file, or it cannot be read.
        CorpusError: a line is no such record, or a text stands twice; all faults are listed.
    """
    lines, faults = read_json_lines(path)
    found: dict[str, Probabilities] = {}
    for line in lines:
        parsed = _parse(line.value)
        if isinstance(parsed, tuple) and parsed[0] not in found:
            found[parsed[0]] = parsed[1]
            continue
        field, message = (
            ("text", "expected each text once, found it a second time: keep one of the records")
            if isinstance(parsed, tuple)
            else parsed
        )
        faults.append(Fault(str(path), line.number, field, message))
    raise_for_faults(faults)
    return found


def read_teachers(paths: Sequence[Path]) -> dict[str, Probabilities]:
    """Return the mean of several teachers' probabilities by text, in the order of the first file.

    Averaging the members of an ensemble makes a better teacher than any of them (Hinton, Vinyals,
    Dean 2015).

    Raises:
        InputError: see :func:`read_soft_labels`.
        CorpusError: the same, or the teachers have not judged the same sentences.
    """
    if not paths:
        return {}
    judged = [read_soft_labels(path) for path in paths]
    for path, other in zip(paths, judged, strict=True):
        odd = next(iter(judged[0].keys() ^ other.keys()), None)
        if odd is not None:
            raise CorpusError(
                f"{path}: expected the {len(judged[0])} sentences of {paths[0]}, found "
                f"{len(other)}; not in both: {odd[:80]!r}: let every teacher judge the "
                "same sentences"
            )
    share = 1 / len(paths)
    return {
        text: tuple(share * sum(p) for p in zip(*(each[text] for each in judged), strict=True))
        for text in judged[0]
    }


def _parse(record: dict[str, object]) -> tuple[str, Probabilities] | list[str]:
    """Return text and probabilities, or field and message of what is wrong."""
    text, probabilities = record.get("text"), record.get("probabilities")
    if not isinstance(text, str) or not text.strip():
        return ["text", f"expected the sentence, found {describe_value(text)}"]
    names = [label.value for label in LABELS]
    if not isinstance(probabilities, dict) or set(probabilities) != set(names):
        found = describe_value(probabilities)
        return [
            "probabilities",
            f"expected one number for each of {', '.join(names)}, found {found}",
        ]
    for name in names:
        value = probabilities[name]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value <= 1:
            found = describe_value(value)
            return [f"probabilities.{name}", f"expected a number from 0 to 1, found {found}"]
    return text, tuple(float(probabilities[name]) for name in names)


def distil(
    train: datasets.Dataset,
    soft: dict[str, Probabilities],
    weight: float,
    held_out: Collection[str],
    keep_certain: float = 1.0,
) -> Distilled:
    """Return the training split with the teacher's targets.

    Args:
        train: columns as of :func:`claimwire.data.corpus.to_dataset_dict`.
        soft: the teacher's probabilities by text.
        weight: share of the teacher in the target of a labelled sentence, 0 to 1.
        held_out: texts of validation and test, which no transfer sentence may be.
        keep_certain: share kept of the transfer sentences that the teacher is certain are
            background, 0 to 1; which ones depends on their text alone.

    Raises:
        CorpusError: a transfer sentence is a held-out one.
    """
    from datasets import Dataset, concatenate_datasets

    leaked = next((text for text in soft if text in held_out), None)
    if leaked is not None:
        raise CorpusError(
            "expected no sentence of validation or test among the soft labels, found "
            f"{leaked[:80]!r}: take the held-out documents out of the transfer set"
        )
    labelled = set(train["text"])
    targets = [
        _blended(hard, soft.get(text), weight)
        for text, hard in zip(train["text"], train["targets"], strict=True)
    ]
    blended = Dataset.from_dict(
        {**{name: train[name] for name in train.column_names}, "targets": targets},
        features=train.features,
    )
    extra = [
        (text, p)
        for text, p in soft.items()
        if text not in labelled and (p[_BACKGROUND] < CERTAIN or _drawn(text, keep_certain))
    ]
    rows = {
        name: [None] * len(extra) for name in train.column_names if name not in ("labels", "hard")
    }
    transfer = Dataset.from_dict(
        {
            **rows,
            "text": [text for text, _ in extra],
            "labels": [[] for _ in extra],
            "targets": [list(p) for _, p in extra],
            "primary": [max(range(len(p)), key=p.__getitem__) for _, p in extra],
            "origin": ["transfer"] * len(extra),
            "hard": [False] * len(extra),
        },
        features=train.features,
    )
    return Distilled(
        concatenate_datasets([blended, transfer]),
        blended=sum(text in labelled for text in soft),
        transferred=len(extra),
    )


def _drawn(text: str, share: float) -> bool:
    """Return whether a sentence is among a share of all, the same whenever it is asked."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
    return number < share * 2**32


def _blended(hard: list[float], teacher: Probabilities | None, weight: float) -> list[float]:
    if teacher is None:
        return hard
    return [(1 - weight) * h + weight * p for h, p in zip(hard, teacher, strict=True)]
