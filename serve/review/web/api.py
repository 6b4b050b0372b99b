"""What the script asks for and sends: JSON under ``/api``.

A prediction leaves the server through two doors only: the answer to a decision that was stored,
and :func:`prediction` (with :func:`explanation`), which remembers that it was looked at, so that
the decision that follows is recorded as open, whatever the browser says.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from claimwire.data.errors import InputError
from claimwire.data.labels import LABELS, Label
from claimwire.serve.review.decisions import (
    DecisionView,
    NewDecision,
    history,
    recent,
    record_decision,
    standing,
    undo,
)
from claimwire.serve.review.queues import Filter, item, next_items
from claimwire.serve.review.tables import VERDICT_KINDS, DecisionRow
from claimwire.serve.review.web.auth import Visitor
from claimwire.serve.review.web.desk import ChangingDep, Desk, DeskDep, ReviewerDep, SentenceId
from claimwire.serve.review.web.view import (
    decision_record,
    explanation_record,
    filter_of,
    item_record,
    prediction_record,
)

router = APIRouter(prefix="/api")

MOST_ITEMS = 10
"""Most sentences handed out at once."""

_Key = Annotated[str, Field(min_length=16, max_length=64, pattern="^[A-Za-z0-9-]+$")]
_Text = Annotated[str, Field(max_length=2_000)]


def _held(
    exclude: Annotated[str, Query(max_length=4_000, pattern=r"^(\d{1,18}(,\d{1,18})*)?$")] = "",
) -> list[int]:
    return [int(number) for number in exclude.split(",") if number]


HeldDep = Annotated[list[int], Depends(_held)]
"""Ids of the sentences that the browser has already, from ``?exclude=1,2``."""


class Sent(BaseModel):
    """What the browser sends to be stored, under a key of its own, so that it is stored once."""

    model_config = ConfigDict(extra="forbid")

    client_key: _Key


class SentDecision(Sent):
    """A decision as the browser sends it."""

    sentence_id: SentenceId
    kind: Literal["label", "skip", "not_a_sentence"]
    labels: list[Label] = Field(default_factory=list, max_length=len(LABELS))
    hard: bool = False
    note: _Text = ""
    reason: _Text = ""
    mode: Literal["blind", "open"] = "blind"

    def decision(self, mode: str) -> NewDecision:
        """Return it as the store takes it, with the mode that the server knows of."""
        return NewDecision(
            sentence_id=self.sentence_id,
            kind=self.kind,
            client_key=self.client_key,
            labels=tuple(label.value for label in self.labels),
            hard=self.hard,
            note=self.note,
            reason=self.reason,
            mode=mode,
        )


class SentUndo(Sent):
    """An undo: of a decision that the browser made, by its key, or of one from the history."""

    decision_key: _Key | None = None
    decision_id: SentenceId | None = None


@router.get("/session")
def session(desk: DeskDep, visitor: ReviewerDep) -> dict[str, object]:
    """Say who is signed in, with the token that changes need."""
    return {"desk": desk.id, "reviewer": visitor.name, "csrf": visitor.csrf}


@router.get("/next")
def upcoming(
    request: Request,
    desk: DeskDep,
    visitor: ReviewerDep,
    held: HeldDep,
    count: Annotated[int, Query(ge=1, le=MOST_ITEMS)] = 3,
) -> dict[str, object]:
    """Hand out the next sentences of a queue."""
    flt = filter_of(request.query_params)
    items = next_items(
        desk.store, flt, visitor.name, count=count, exclude=held, double=twice(visitor)
    )
    if tells_the_label(flt):
        for entry in items:
            desk.seen.add(visitor.name, entry.sentence_id)
    return {"items": [item_record(entry, told_apart(visitor)) for entry in items]}


@router.get("/sentences/{sentence_id}")
def sentence(sentence_id: SentenceId, desk: DeskDep, visitor: ReviewerDep) -> dict[str, object]:
    """Give one sentence, with one's own decision on it."""
    own = standing(history(desk.store, sentence_id)).get(visitor.name)
    record = item_record(item(desk.store, sentence_id), told_apart(visitor))
    return {**record, "own": decision_record(own) if own else None}


@router.get("/sentences/{sentence_id}/prediction")
def prediction(sentence_id: SentenceId, desk: DeskDep, visitor: ReviewerDep) -> dict[str, object]:
    """Give what the model said: from here on the sentence is judged openly."""
    found = item(desk.store, sentence_id).prediction
    desk.seen.add(visitor.name, sentence_id)
    return {"prediction": prediction_record(found)}


@router.get("/sentences/{sentence_id}/explanation")
def explanation(
    sentence_id: SentenceId, desk: DeskDep, visitor: ReviewerDep, label: Label | None = None
) -> dict[str, object]:
    """Give the words that drove a label, by default the prediction's."""
    entry = item(desk.store, sentence_id)
    desk.seen.add(visitor.name, sentence_id)
    if entry.prediction is None:
        raise HTTPException(404, "The model has said nothing of this sentence.")
    release, found = desk.explainer.explain(entry.text, label or entry.prediction.label)
    same = release == entry.prediction.release
    return {**explanation_record(release, found), "same_release": same}


@router.get("/last")
def last(desk: DeskDep, visitor: ReviewerDep) -> dict[str, object]:
    """Give one's own latest decision that stands, for undo after a reload."""
    found = recent(desk.store, visitor.name, 1)
    return {"decision": decision_record(found[0]) if found else None}


@router.post("/decisions")
def decide(sent: SentDecision, desk: DeskDep, visitor: ChangingDep) -> dict[str, object]:
    """Store a decision; one sent again is stored once. Only then the prediction is told."""
    mode = _mode(desk, visitor.name, sent)
    try:
        stored = record_decision(desk.store, visitor.name, sent.decision(mode))
    except InputError:
        again = _mode(desk, visitor.name, sent)
        if again == mode:
            raise
        # The same decision was sent twice at once, and the other one was stored in between.
        stored = record_decision(desk.store, visitor.name, sent.decision(again))
    return {"decision": decision_record(stored), "prediction": _told(desk, stored)}


@router.post("/undo")
def take_back(sent: SentUndo, desk: DeskDep, visitor: ChangingDep) -> dict[str, object]:
    """Undo one of one's own decisions."""
    decision_id = sent.decision_id
    if sent.decision_key is not None:
        decision_id = _id_of(desk, sent.decision_key)
    if decision_id is None:
        raise HTTPException(409, "The decision to undo has not arrived yet.")
    try:
        stored = undo(desk.store, visitor.name, decision_id, sent.client_key)
    except InputError:
        done = _undo_of(desk, visitor.name, decision_id)
        if done is None:
            raise
        stored = done  # from another tab: what was wanted is so
    return {"decision": decision_record(stored)}


def twice(visitor: Visitor) -> bool | None:
    """Whether some sentences take two reviewers: never where nobody signs in."""
    return False if visitor.alone else None


def told_apart(visitor: Visitor) -> str | None:
    """Return whose skips alone are told with their reason; None where there is nobody else."""
    return None if visitor.alone else visitor.name


def tells_the_label(flt: Filter) -> bool:
    """Whether a filter gives away what the model said, so that nothing in it is judged blind."""
    return flt.label is not None


def has_judged(desk: Desk, reviewer: str, sentence_id: int) -> bool:
    """Whether a reviewer has ever judged a sentence, and so was told the prediction."""
    return any(
        decision.reviewer == reviewer and decision.kind in VERDICT_KINDS
        for decision in history(desk.store, sentence_id)
    )


def mode_of(
    desk: Desk, reviewer: str, sentence_id: int, client_key: str, *, is_open: bool = False
) -> str:
    """Return how a sentence was judged: as it is stored, where the decision is sent again.

    Args:
        desk: the desk.
        reviewer: who judged it.
        sentence_id: the sentence.
        client_key: of the decision.
        is_open: whether the browser says that the prediction was in sight.
    """
    with desk.store.read() as session:
        stored = session.scalar(
            select(DecisionRow.mode).where(DecisionRow.client_key == client_key)
        )
    if stored is not None:
        return stored
    knows = (reviewer, sentence_id) in desk.seen or has_judged(desk, reviewer, sentence_id)
    return "open" if is_open or knows else "blind"


def _mode(desk: Desk, reviewer: str, sent: SentDecision) -> str:
    is_open = sent.mode == "open"
    return mode_of(desk, reviewer, sent.sentence_id, sent.client_key, is_open=is_open)


def _told(desk: Desk, stored: DecisionView) -> dict[str, object] | None:
    """Return the prediction after a verdict; what was skipped comes back blind."""
    if stored.kind not in VERDICT_KINDS:
        return None
    return prediction_record(item(desk.store, stored.sentence_id).prediction)


def _undo_of(desk: Desk, reviewer: str, decision_id: int) -> DecisionView | None:
    with desk.store.read() as session:
        wanted = select(DecisionRow.sentence_id).where(
            DecisionRow.id == decision_id, DecisionRow.reviewer == reviewer
        )
        sentence_id = session.scalar(wanted)
    decisions = [] if sentence_id is None else history(desk.store, sentence_id)
    undos = (entry for entry in decisions if entry.kind == "undo")
    return next((entry for entry in undos if entry.revises == decision_id), None)


def _id_of(desk: Desk, client_key: str) -> int | None:
    with desk.store.read() as session:
        wanted = select(DecisionRow.id).where(DecisionRow.client_key == client_key)
        return session.scalar(wanted)
