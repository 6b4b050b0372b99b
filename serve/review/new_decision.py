"""A decision that is to be recorded, and whether it holds together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from claimwire.data.errors import InputError
from claimwire.data.labels import problem_with_labels
from claimwire.serve.review.tables import ADJUDICATE, DECISION_KINDS, DecisionRow
from claimwire.serve.review.texts import require_storable

MAX_CHARACTERS: Final = 2_000
"""Longest note and reason."""

MAX_NAME: Final = 100
"""Longest reviewer's name and client key."""

MODES: Final = ("blind", "open")


@dataclass(frozen=True)
class NewDecision:
    """A decision to record.

    Attributes:
        sentence_id: what was judged.
        kind: ``label``, ``skip`` or ``not_a_sentence``.
        client_key: made anew for each decision by whoever sends it; sent again, it is stored once.
        labels: for ``label``: one to three claims, primary first, or background alone.
        hard: whether the reviewer found it hard to decide.
        note: anything the reviewer wants to say, at most 2,000 characters.
        reason: why it was skipped, at most 2,000 characters; needed for ``skip``.
        mode: ``blind`` or ``open``.
        revises: a decision of the reviewer's own on this sentence that this one replaces; the one
            that stands where None.
    """

    sentence_id: int
    kind: str
    client_key: str
    labels: tuple[str, ...] = ()
    hard: bool = False
    note: str = ""
    reason: str = ""
    mode: str = "blind"
    revises: int | None = None


def check_decision(reviewer: str, decision: NewDecision) -> None:
    """Refuse a decision that does not hold together.

    Raises:
        InputError: see :func:`claimwire.serve.review.decisions.record_decision`.
    """
    check_name("reviewer", reviewer)
    check_name("client_key", decision.client_key)
    kinds = [kind for kind in DECISION_KINDS if kind not in ("undo", ADJUDICATE)]
    if decision.kind not in kinds:
        raise _wrong("kind", " or ".join(kinds), decision.kind)
    if decision.mode not in MODES:
        raise _wrong("mode", " or ".join(MODES), decision.mode)
    if decision.kind == "label":
        problem = problem_with_labels(list(decision.labels))
        if problem:
            raise InputError(f"labels: {problem}")
    elif decision.labels:
        raise _wrong("labels", f"none with a {decision.kind}", list(decision.labels))
    if decision.kind == "skip" and not decision.reason.strip():
        raise _wrong("reason", "why it is skipped", decision.reason)
    _check_texts(decision)


def check_adjudication(adjudicator: str, decision: NewDecision) -> None:
    """Refuse an adjudication that does not hold together.

    Raises:
        InputError: see :func:`claimwire.serve.review.adjudicating.adjudicate`.
    """
    check_name("reviewer", adjudicator)
    check_name("client_key", decision.client_key)
    if decision.mode not in MODES:
        raise _wrong("mode", " or ".join(MODES), decision.mode)
    problem = problem_with_labels(list(decision.labels)) if decision.labels else ""
    if problem:
        raise InputError(f"labels: {problem}")
    if not decision.reason.strip():
        raise _wrong("reason", "why it is decided so", decision.reason)
    _check_texts(decision)


def _check_texts(decision: NewDecision) -> None:
    for name, text in (("note", decision.note), ("reason", decision.reason)):
        if len(text) > MAX_CHARACTERS:
            raise _wrong(name, f"at most {MAX_CHARACTERS:,} characters", f"{len(text):,}")
        require_storable(name, text)


def check_name(field: str, value: str) -> None:
    """Refuse a reviewer's name or a client key that is blank or too long.

    Raises:
        InputError: it is.
    """
    if not value.strip() or len(value) > MAX_NAME:
        raise _wrong(field, f"1 to {MAX_NAME} characters", value[: MAX_NAME + 1])
    require_storable(field, value)


def check_revised(revised: DecisionRow | None, reviewer: str, decision: NewDecision) -> None:
    """Refuse to revise anything but an own decision on the same sentence.

    Raises:
        InputError: ``revised``, the decision found, is no such one.
    """
    if (
        revised is None
        or revised.kind in ("undo", ADJUDICATE)
        or (revised.reviewer, revised.sentence_id) != (reviewer, decision.sentence_id)
    ):
        raise _wrong(
            "revises", f"a decision of {reviewer}'s own on this sentence", decision.revises
        )


def _wrong(field: str, expected: str, found: object) -> InputError:
    return InputError(f"{field}: expected {expected}, found {found!r}: correct it")
