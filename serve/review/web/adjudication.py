"""The page on which disagreements are settled, and what its script asks for and sends."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from claimwire.data.errors import InputError
from claimwire.data.labels import LABELS, Label
from claimwire.serve.review.adjudicating import (
    Dispute,
    adjudicate,
    dispute,
    last_adjudication,
    next_disputes,
    open_disputes,
)
from claimwire.serve.review.new_decision import NewDecision
from claimwire.serve.review.tables import ADJUDICATE
from claimwire.serve.review.web import guidelines
from claimwire.serve.review.web.api import MOST_ITEMS, HeldDep, Sent, mode_of
from claimwire.serve.review.web.desk import (
    AdjudicatorDep,
    ChangingAdjudicatorDep,
    DeskDep,
    SentenceId,
)
from claimwire.serve.review.web.page import AdjudicatorPageDep
from claimwire.serve.review.web.view import decision_record, item_record, shown

router = APIRouter()

REASONS: Final = (
    "The guidelines settle it",
    "One answer overlooks a part of the sentence",
    "One answer reads more into it than it says",
)
"""Reasons that one key gives."""


class SentAdjudication(Sent):
    """An adjudication as the browser sends it."""

    sentence_id: SentenceId
    kind: Literal["label", "not_a_sentence"]
    labels: list[Label] = Field(default_factory=list, max_length=len(LABELS))
    hard: bool = False
    reason: Annotated[str, Field(min_length=1, max_length=2_000)]

    def require_whole(self) -> None:
        """Refuse a label without labels, and no sentence with some.

        Raises:
            InputError: it is so.
        """
        if bool(self.labels) != (self.kind == "label"):
            raise InputError(
                f"labels: expected {'some' if self.kind == 'label' else 'none'} with kind "
                f"{self.kind}, found {len(self.labels)}: reload the page"
            )


@router.get("/adjudicate", response_class=Response)
def page(page: AdjudicatorPageDep, sentence: str = "") -> Response:
    """Show the page; its script fetches the sentences."""
    visitor = page.visitor
    return page.render(
        "adjudicate.html",
        waiting=open_disputes(page.desk.store, visitor.name, alone=visitor.alone),
        sentence=sentence if sentence.isdecimal() else "",
        reasons=REASONS,
        **guidelines.GUIDE,
    )


@router.get("/api/disputes")
def disputes(
    desk: DeskDep,
    visitor: AdjudicatorDep,
    held: HeldDep,
    count: Annotated[int, Query(ge=1, le=MOST_ITEMS)] = 3,
) -> dict[str, object]:
    """Hand out the next disagreements."""
    found = next_disputes(desk.store, visitor.name, count=count, exclude=held, alone=visitor.alone)
    return {"items": [_record(each) for each in found]}


@router.get("/api/disputes/{sentence_id}")
def one(sentence_id: SentenceId, desk: DeskDep, visitor: AdjudicatorDep) -> dict[str, object]:
    """Give one disagreement."""
    return _record(dispute(desk.store, visitor.name, sentence_id, alone=visitor.alone))


@router.get("/api/last-adjudication")
def last(desk: DeskDep, visitor: AdjudicatorDep) -> dict[str, object]:
    """Give one's own latest adjudication that stands, for undo after a reload."""
    found = last_adjudication(desk.store, visitor.name)
    return {"decision": decision_record(found) if found else None}


@router.post("/api/adjudications")
def decide(
    sent: SentAdjudication, desk: DeskDep, visitor: ChangingAdjudicatorDep
) -> dict[str, object]:
    """Settle a disagreement; an adjudication sent again is stored once."""
    sent.require_whole()
    decision = NewDecision(
        sentence_id=sent.sentence_id,
        kind=ADJUDICATE,
        client_key=sent.client_key,
        labels=tuple(label.value for label in sent.labels),
        hard=sent.hard,
        reason=sent.reason,
        mode=mode_of(desk, visitor.name, sent.sentence_id, sent.client_key),
    )
    stored = adjudicate(desk.store, visitor.name, decision, alone=visitor.alone)
    return {"decision": decision_record(stored)}


def _record(found: Dispute) -> dict[str, Any]:
    """Return a disagreement for the script: nothing in it says whose an answer is."""
    return {
        **item_record(found.item),
        "skips": [],
        "answers": [
            {
                "name": answer.name,
                "labels": list(answer.labels),
                "hard": answer.hard,
                "note": shown(answer.note),
            }
            for answer in found.answers
        ],
    }
