"""What pages and script are given: records, words for numbers, text that cannot steer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from claimwire.data.errors import InputError
from claimwire.data.labels import LABELS, Label
from claimwire.serve.explain import known_label
from claimwire.serve.reports import plural
from claimwire.serve.review.queues import Filter, QueueName

if TYPE_CHECKING:
    from claimwire.serve.explain import Explanation
    from claimwire.serve.review.decisions import DecisionView
    from claimwire.serve.review.queues import ContextSentence, Item, Prediction

LABEL_NAMES: Final[dict[str, str]] = {
    Label.ATTACK_CLAIM: "Attack claim",
    Label.INTERCEPTION_CLAIM: "Interception claim",
    Label.ATTRIBUTION_INFERENCE: "Attribution inference",
    Label.BACKGROUND: "Background",
}
"""The labels as people read them."""

QUEUE_NAMES: Final[dict[QueueName, tuple[str, str]]] = {
    QueueName.UNCERTAIN: ("Most uncertain", "Where the model was least sure, least sure first."),
    QueueName.FLAGGED: ("Flagged for review", "What the model itself asked to have looked at."),
    QueueName.RANDOM: (
        "Random sample",
        "Drawn at import. The estimates rest on these, so judge them all.",
    ),
    QueueName.NOISE: ("Suspected label noise", "Labels that cross-checking finds doubtful."),
    QueueName.SKIPPED: ("Skipped", "What somebody passed over, with the reason."),
    QueueName.ALL: ("All sentences", "Everything that was imported."),
}
"""The queues as people read them, in the order of the start page."""

CONTEXT_CHARACTERS: Final = 1_500
"""Longest context sentence that is shown whole."""

LONGEST_FILTER: Final = 500
"""Most characters of what is filtered by."""

# Control characters, and those that turn the direction of writing round; line ends may stay.
_STEERING: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

_NOT_A_SENTENCE: Final = "Not a sentence"
_KIND_NAMES: Final = {"skip": "Skipped", "not_a_sentence": _NOT_A_SENTENCE, "undo": "Undo"}


def shown(text: str) -> str:
    """Return text without what could steer a page; as long as before, in code points."""
    return _STEERING.sub("\ufffd", text)


def label_name(label: str) -> str:
    """Return a label as people read it."""
    return LABEL_NAMES.get(label, shown(label))


def labels_name(labels: Iterable[str]) -> str:
    """Return labels as people read them, such as ``Attack claim + Interception claim``."""
    return " + ".join(label_name(label) for label in labels)


def verdict_name(decision: DecisionView) -> str:
    """Return what a decision says."""
    return _KIND_NAMES.get(decision.kind) or labels_name(decision.labels) or _NOT_A_SENTENCE


def percent(share: float) -> str:
    """Return a share between 0 and 1 in percent; what is not all or nothing is never shown so."""
    if 0.995 <= share < 1:
        return "over 99%"
    if 0 < share <= 0.005:
        return "under 1%"
    return f"{share:.0%}"


def moment(iso: str) -> str:
    """Return a time as people read it, such as ``3 June 2026, 14:05 UTC``."""
    time = datetime.fromisoformat(iso).astimezone(UTC)
    return f"{time.day} {time:%B %Y, %H:%M} UTC"


def filter_of(given: Mapping[str, str]) -> Filter:
    """Return the filter that a page's address asks for.

    Raises:
        InputError: a queue or label that does not exist, or a text that is too long.
    """
    queue = given.get("queue") or QueueName.UNCERTAIN.value
    if queue not in set(QueueName):
        known = ", ".join(QueueName)
        raise InputError(f"queue: expected one of {known}, found {shown(queue)[:50]!r}")
    label = given.get("label")
    return Filter(
        queue=QueueName(queue),
        label=known_label(label).value if label else None,
        theatre=_wanted(given, "theatre"),
        source=_wanted(given, "source"),
        search=_wanted(given, "search"),
    )


def query_of(flt: Filter) -> dict[str, str]:
    """Return the parts of a page's address that ask for a filter."""
    parts = {
        "queue": flt.queue.value,
        "label": flt.label,
        "theatre": flt.theatre,
        "source": flt.source,
        "search": flt.search,
    }
    return {name: value for name, value in parts.items() if value}


def item_record(item: Item, reviewer: str | None = None) -> dict[str, object]:
    """Return what the judging page shows of a sentence: no prediction, whatever the mode.

    Args:
        item: the sentence.
        reviewer: whose skips alone are told with their reason, as one may tell what its writer
            thinks of the sentence; None: all are.
    """
    skips = [
        skip if reviewer in (None, name) else "by somebody else"
        for skip, name in zip(item.skips, item.skippers, strict=True)
    ]
    return {
        "id": item.sentence_id,
        "text": shown(item.text),
        "title": _shown(item.title),
        "theatre": _shown(item.theatre),
        "source": _shown(item.source),
        "article": shown(item.article_key),
        "position": item.position,
        "before": [_context(sentence) for sentence in item.before],
        "after": [_context(sentence) for sentence in item.after],
        "skips": [shown(skip) for skip in skips],
    }


def prediction_record(prediction: Prediction | None) -> dict[str, object] | None:
    """Return what the model said of a sentence."""
    if prediction is None:
        return None
    return {
        "release": shown(prediction.release),
        "label": prediction.label,
        "labels": list(prediction.labels),
        "scores": {label: prediction.scores.get(label, 0.0) for label in LABELS},
        "confidence": prediction.confidence,
        "needs_review": prediction.needs_review,
    }


def explanation_record(release: str, explanation: Explanation) -> dict[str, object]:
    """Return a sentence in parts, each with its word's weight: -3 (against) to 3 (for), 0 none."""
    return {
        "release": shown(release),
        "label": explanation.label.value,
        "truncated": explanation.truncated,
        "parts": [{"text": shown(text), "weight": weight} for text, weight in _parts(explanation)],
    }


def decision_record(decision: DecisionView) -> dict[str, object]:
    """Return a decision for the script."""
    return {
        "id": decision.id,
        "sentence_id": decision.sentence_id,
        "kind": decision.kind,
        "labels": list(decision.labels),
        "hard": decision.hard,
        "note": shown(decision.note),
        "reason": shown(decision.reason),
        "created_at": decision.created_at,
    }


def environment() -> Environment:
    """Return the templates, which escape everything that they are given."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "shown": shown,
        "label": label_name,
        "labels": labels_name,
        "percent": percent,
        "moment": moment,
        "plural": plural,
        "verdict": verdict_name,
        "arrows": lambda text: text.replace("->", "→"),
    }
    templates.globals["LABELS"] = LABELS
    return templates


def _wanted(given: Mapping[str, str], name: str) -> str | None:
    text = given.get(name, "")
    if len(text) > LONGEST_FILTER or "\0" in text:
        raise InputError(f"{name}: expected {LONGEST_FILTER} characters at most, and no NUL")
    return text if text.strip() else None


def _shown(text: str | None) -> str | None:
    return None if text is None else shown(text)


def _context(sentence: ContextSentence) -> dict[str, object]:
    text = shown(sentence.text)
    if len(text) > CONTEXT_CHARACTERS:
        text = text[:CONTEXT_CHARACTERS] + " …"
    return {"id": sentence.sentence_id, "text": text}


def _parts(explanation: Explanation) -> Iterator[tuple[str, int]]:
    strongest = max((abs(word.contribution) for word in explanation.words), default=0.0)
    end = 0
    for word in explanation.words:
        if word.start > end:
            yield explanation.text[end : word.start], 0
        yield word.text, _weight(word.contribution, strongest)
        end = word.end
    if end < len(explanation.text):
        yield explanation.text[end:], 0


def _weight(contribution: float, strongest: float) -> int:
    """Return -3 to 3; what is under a sixth of the strongest word, or weak altogether, is 0."""
    if abs(contribution) < 0.1 or not strongest:
        return 0
    size = round(3 * abs(contribution) / strongest)
    return size if contribution > 0 else -size
