"""What the routes of one desk share."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, Request
from pydantic import Field

from claimwire.serve.review.tables import SettingRow
from claimwire.serve.review.web.auth import Auth, RoleError, Visitor

if TYPE_CHECKING:
    from jinja2 import Environment

    from claimwire.serve.review.store import ReviewStore
    from claimwire.serve.review.web.explaining import Explainer
    from claimwire.serve.review.web.settings import DeskSettings
    from claimwire.serve.review.web.statics import Statics

MOST_SEEN: Final = 50_000
"""Sentences remembered whose prediction a reviewer has looked at."""

_DESK_ID: Final = "desk_id"


class Seen:
    """Whose predictions were looked at before judging, since the desk was started."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, reviewer: str, sentence_id: int) -> None:
        """Remember that a reviewer has seen a sentence's prediction."""
        with self._lock:
            self._seen[reviewer, sentence_id] = None
            if len(self._seen) > MOST_SEEN:
                self._seen.popitem(last=False)

    def __contains__(self, key: tuple[str, int]) -> bool:
        return key in self._seen


@dataclass(frozen=True, slots=True)
class Desk:
    """One desk.

    Attributes:
        id: tells this database's desk from another one at the same address, so that decisions that
            wait in a browser are never sent to the wrong one.
        store: the database.
        settings: how it is served.
        auth: who is asking.
        explainer: the model that explains.
        templates: the pages.
        statics: script, style and icon.
        seen: predictions that were looked at.
    """

    id: str
    store: ReviewStore
    settings: DeskSettings
    auth: Auth
    explainer: Explainer
    templates: Environment
    statics: Statics
    seen: Seen = field(default_factory=Seen)


def desk_id(store: ReviewStore) -> str:
    """Return the database's identity, made when it is first asked for."""
    with store.write() as session:
        row = session.get(SettingRow, _DESK_ID)
        if row is None:
            row = SettingRow(key=_DESK_ID, value=secrets.token_hex(8))
            session.add(row)
        return str(row.value)


def _desk(request: Request) -> Desk:
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk


DeskDep = Annotated[Desk, Depends(_desk)]
"""The desk that a request is for."""


def _reviewer(request: Request, desk: DeskDep) -> Visitor:
    return desk.auth.reviewer(request)


def _changing(request: Request, desk: DeskDep) -> Visitor:
    return desk.auth.changing(request)


def _adjudicator(visitor: Annotated[Visitor, Depends(_reviewer)]) -> Visitor:
    if not visitor.may_adjudicate:
        raise RoleError
    return visitor


def _changing_adjudicator(visitor: Annotated[Visitor, Depends(_changing)]) -> Visitor:
    return _adjudicator(visitor)


SentenceId = Annotated[int, Field(ge=1, lt=2**31)]
"""An id that the database can hold."""

ReviewerDep = Annotated[Visitor, Depends(_reviewer)]
"""Whoever is signed in; nobody is refused with 401, or sent to the sign-in page."""

ChangingDep = Annotated[Visitor, Depends(_changing)]
"""Whoever is signed in, and whose request carries the session's token."""

AdjudicatorDep = Annotated[Visitor, Depends(_adjudicator)]
"""Whoever is signed in and may adjudicate; others are refused with 403."""

ChangingAdjudicatorDep = Annotated[Visitor, Depends(_changing_adjudicator)]
"""The same, and the request carries the session's token."""
