"""Whether the labels of the corpus are what its annotations came to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from claimwire.data.annotations import BLIND, Annotation
from claimwire.data.checks import Problem, Rule
from claimwire.data.composed import Sentence
from claimwire.data.labels import Label
from claimwire.data.shapes import Split
from claimwire.data.standoff_labels import sentence_digest

HELD_OUT: Final[tuple[Split, ...]] = ("validation", "test")
"""Splits of which every sentence needs both blind passes once there are annotations of them."""


def check_annotations(
    sentences: Sequence[Sentence], annotations: dict[Split, list[Annotation]]
) -> list[Problem]:
    """Compare the corpus with its annotations.

    Args:
        sentences: of the whole corpus.
        annotations: what is annotated, by split.

    Returns:
        A failure for each annotation of a sentence that is not there or reads differently, each
        label list that is not the outcome and, in validation and test, each sentence that a
        blind pass lacks or whose disagreement nobody settled; in train the last is a note.
    """
    problems: list[Problem] = []
    for split, annotated in annotations.items():
        by_key = {each.key: each for each in annotated}
        there = [each for each in sentences if each.placed.split == split]
        problems += _strangers(split, there, by_key)
        for sentence in there:
            annotation = by_key.get((sentence.placed.document.doc_id, sentence.index))
            problems += _of_sentence(sentence, annotation)
    return problems


def annotated_twice(
    sentences: Sequence[Sentence], annotations: dict[Split, list[Annotation]]
) -> tuple[int, int]:
    """Return how many held-out sentences bear both blind passes, and how many there are."""
    annotated = [each for split in HELD_OUT for each in annotations.get(split, [])]
    size = sum(sentence.placed.split in HELD_OUT for sentence in sentences)
    return sum(not _lacking(each) for each in annotated), size


def _strangers(
    split: Split, there: Sequence[Sentence], by_key: dict[tuple[str, int], Annotation]
) -> Iterator[Problem]:
    known = {(each.placed.document.doc_id, each.index) for each in there}
    for doc_id, index in sorted(by_key.keys() - known):
        yield Problem(
            Rule.ANNOTATIONS,
            f"annotated, but sentences[{index}] of {doc_id!r} is not in {split}: drop the "
            "annotation, or put the document back",
            (f"annotations/{split}.jsonl",),
        )


def _of_sentence(sentence: Sentence, annotation: Annotation | None) -> Iterator[Problem]:
    where = (str(sentence.position),)
    held_out = sentence.placed.split in HELD_OUT
    if annotation is None:
        if held_out:
            yield Problem(Rule.ANNOTATIONS, "has no annotation: have it labelled twice", where)
        return
    if annotation.digest != sentence_digest(sentence.value.text):
        message = "reads differently from what was annotated: have it labelled again"
        yield Problem(Rule.ANNOTATIONS, message, where)
        return
    lacking = _lacking(annotation)
    if held_out and lacking:
        message = f"lacks the pass {' and '.join(lacking)}: have it labelled"
        yield Problem(Rule.ANNOTATIONS, message, where)
        return
    outcome = annotation.outcome()
    if outcome is None:
        given = "; ".join(f"{name} {_names(labels)}" for name, labels in annotation.given().items())
        message = f"passes disagree ({given}): adjudicate it, with a reason"
        yield Problem(Rule.ANNOTATIONS, message, where, fails=held_out)
    elif outcome != tuple(sentence.value.labels):
        message = f"bears {_names(sentence.value.labels)}, its annotations came to "
        yield Problem(Rule.ANNOTATIONS, f"{message}{_names(outcome)}: mend one", where)


def _lacking(annotation: Annotation) -> tuple[str, ...]:
    given = annotation.given()
    return tuple(name for name in BLIND if name not in given)


def _names(labels: Sequence[Label]) -> str:
    return ", ".join(labels)
