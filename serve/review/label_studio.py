"""Judged sentences as tasks of Label Studio, to import there with annotations and predictions.

A task is ``{"id", "data", "annotations", "predictions"}``; ``data`` holds what the labelling
configuration shows, and the ``result`` lists name its tags by ``from_name`` and ``to_name``
(labelstud.io/guide/task_format). Who annotated is in ``data.reviewers`` alone: Label Studio refuses
a ``completed_by`` that is no user of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from claimwire.data.labels import LABELS
from claimwire.serve.review.judged import Entry
from claimwire.serve.review.tables import ADJUDICATE

TEXT_TAG: Final = "text"
LABELS_TAG: Final = "labels"
FLAGS_TAG: Final = "flags"
NOTE_TAG: Final = "note"

HARD: Final = "hard"
NOT_A_SENTENCE: Final = "not a sentence"

CONFIG: Final = "\n".join(
    [
        "<View>",
        f'  <Text name="{TEXT_TAG}" value="$text"/>',
        f'  <Choices name="{LABELS_TAG}" toName="{TEXT_TAG}" choice="multiple">',
        *(f'    <Choice value="{label}"/>' for label in LABELS),
        "  </Choices>",
        f'  <Choices name="{FLAGS_TAG}" toName="{TEXT_TAG}" choice="multiple">',
        *(f'    <Choice value="{flag}"/>' for flag in (HARD, NOT_A_SENTENCE)),
        "  </Choices>",
        f'  <TextArea name="{NOTE_TAG}" toName="{TEXT_TAG}"/>',
        "</View>",
        "",
    ]
)
"""The labelling configuration that the tasks fit."""


def task(entries: Sequence[Entry], reviewers: Sequence[str]) -> dict[str, Any]:
    """Return the task of one sentence.

    Args:
        entries: its standing decisions, at least one.
        reviewers: whose they are, in the same order, as they may be named.
    """
    sentence, article = entries[0].sentence, entries[0].article
    return {
        "id": sentence.id,
        "data": {
            "text": sentence.text,
            "name": entries[0].name,
            "article": article.key,
            "title": article.title,
            "theatre": article.theatre,
            "source": article.source,
            "position": sentence.position,
            "reviewers": list(reviewers),
        },
        "annotations": [_annotation(entry) for entry in entries],
        "predictions": list(_predictions(entries)),
    }


def _annotation(entry: Entry) -> dict[str, Any]:
    decision = entry.decision
    flags = [HARD] * decision.hard + [NOT_A_SENTENCE] * (entry.kind == "not_a_sentence")
    note = decision.note or decision.reason
    results = [
        *([_choices(entry, LABELS_TAG, decision.labels)] if decision.labels else []),
        *([_choices(entry, FLAGS_TAG, flags)] if flags else []),
        *([_result(entry, NOTE_TAG, "textarea", {"text": [note]})] if note else []),
    ]
    return {
        "result": results,
        "was_cancelled": decision.kind == "skip",  # Label Studio's word for a skip
        "ground_truth": decision.kind == ADJUDICATE,
        "created_at": decision.created_at,
    }


def _predictions(entries: Iterable[Entry]) -> Iterable[dict[str, Any]]:
    """Yield what was predicted, once a release."""
    by_release = {entry.decision.release: entry for entry in entries if entry.prediction}
    for release, entry in by_release.items():
        prediction = entry.prediction
        assert prediction is not None
        yield {
            "model_version": release,
            "score": prediction.confidence,
            "result": [_choices(entry, LABELS_TAG, prediction.labels, "p")],
        }


def _choices(entry: Entry, tag: str, values: Sequence[str], mark: str = "a") -> dict[str, Any]:
    return _result(entry, tag, "choices", {"choices": list(values)}, mark)


def _result(
    entry: Entry, tag: str, kind: str, value: dict[str, Any], mark: str = "a"
) -> dict[str, Any]:
    return {
        "id": f"{mark}{entry.decision.id}-{tag}",
        "from_name": tag,
        "to_name": TEXT_TAG,
        "type": kind,
        "value": value,
    }
