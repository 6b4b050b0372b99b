"""Which of the decisions on a sentence stand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from claimwire.serve.review.tables import DONE, FRESH, HALF_DONE


class Link(Protocol):
    """What :func:`standing` needs to know of a decision."""

    @property
    def id(self) -> int:
        """See :class:`~claimwire.serve.review.tables.DecisionRow`."""

    @property
    def reviewer(self) -> str:
        """See :class:`~claimwire.serve.review.tables.DecisionRow`."""

    @property
    def kind(self) -> str:
        """See :class:`~claimwire.serve.review.tables.DecisionRow`."""

    @property
    def revises(self) -> int | None:
        """See :class:`~claimwire.serve.review.tables.DecisionRow`."""


LinkT = TypeVar("LinkT", bound=Link)


def standing(decisions: Iterable[LinkT]) -> dict[str, LinkT]:
    """Return what stands of a sentence's decisions, in order of id, by reviewer.

    A reviewer's last decision stands, unless it was undone; then the one before it stands again.
    Adjudications are apart from it: see :func:`adjudication`.
    """
    stacks: dict[str, list[LinkT]] = {}
    for decision in decisions:
        if decision.kind == "adjudicate":
            continue
        stack = stacks.setdefault(decision.reviewer, [])
        if decision.kind == "undo":
            stack[:] = [before for before in stack if before.id != decision.revises]
        else:
            stack.append(decision)
    return {reviewer: stack[-1] for reviewer, stack in stacks.items() if stack}


def adjudication(decisions: Iterable[LinkT]) -> LinkT | None:
    """Return the adjudication that stands of a sentence's decisions, in order of id."""
    made: list[LinkT] = []
    for decision in decisions:
        if decision.kind == "undo":
            made = [before for before in made if before.id != decision.revises]
        elif decision.kind == "adjudicate":
            made.append(decision)
    return made[-1] if made else None


def stage(judgements: int, needed: int, *, is_adjudicated: bool) -> int:
    """Return how far a sentence is: see :data:`claimwire.serve.review.tables.DONE`."""
    if is_adjudicated or judgements >= needed:
        return DONE
    return HALF_DONE if judgements else FRESH
