"""The four labels, their order and their definitions: the one place that knows them.

The order of :data:`LABELS` is the order of the network's four outputs, of every probability
array (``[n, 4]``) and of every table. The definitions are those of the annotation guidelines.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

GUIDELINES_VERSION: Final = "1.3"


class Label(StrEnum):
    """What a sentence claims."""

    ATTACK_CLAIM = "attack_claim"
    INTERCEPTION_CLAIM = "interception_claim"
    ATTRIBUTION_INFERENCE = "attribution_inference"
    BACKGROUND = "background"


LABELS: Final[tuple[Label, ...]] = tuple(Label)
CLAIM_LABELS: Final[tuple[Label, ...]] = tuple(
    label for label in LABELS if label is not Label.BACKGROUND
)
LABEL_INDEX: Final[dict[Label, int]] = {label: index for index, label in enumerate(LABELS)}

DEFINITIONS: Final[dict[Label, str]] = {
    Label.ATTACK_CLAIM: (
        "Says that a particular attack took place, is taking place or was attempted, or tells "
        "what it did: its means, target, time, place, casualties or damage."
    ),
    Label.INTERCEPTION_CLAIM: (
        "Says that a particular incoming attack or hostile object was, or was not, stopped: shot "
        "down, intercepted, jammed, repelled, foiled; or that defences were activated against it."
    ),
    Label.ATTRIBUTION_INFERENCE: (
        "Assigns, infers, suspects, disputes or denies who is responsible for an attack, or says "
        "that responsibility is unknown or unclaimed."
    ),
    Label.BACKGROUND: (
        "Everything else: context, history without a particular attack, capabilities, "
        "diplomacy, reactions, law, economics, aid, trends and long-run totals."
    ),
}


def problem_with_labels(labels: list[str]) -> str | None:
    """Return why ``labels`` breaks the contract, or None where it holds.

    The contract: one or more known labels, primary first, none twice, and ``background`` alone.
    """
    known = [label.value for label in LABELS]
    if not labels:
        return "no label: expected at least one of " + ", ".join(known)
    for label in labels:
        if label not in known:
            return f"unknown label {label!r}: expected one of " + ", ".join(known)
    if len(set(labels)) != len(labels):
        return f"a label stands twice in {labels}: list each label once"
    if Label.BACKGROUND in labels and len(labels) > 1:
        return f"'background' stands beside a claim in {labels}: it never does; drop it"
    return None
