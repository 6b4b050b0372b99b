"""The pages: rendered on the server, the script only makes them quick."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from claimwire.serve.review.adjudicating import ADJUDICATORS, open_disputes
from claimwire.serve.review.blindness import sight_of
from claimwire.serve.review.decisions import history, recent, standing
from claimwire.serve.review.estimates import audit
from claimwire.serve.review.queues import Filter, QueueName, facets, item, queue_sizes
from claimwire.serve.review.standing import adjudication
from claimwire.serve.review.tables import SentenceRow
from claimwire.serve.review.web import guidelines
from claimwire.serve.review.web.api import tells_the_label, twice
from claimwire.serve.review.web.desk import Desk, SentenceId
from claimwire.serve.review.web.page import Page, PageDep
from claimwire.serve.review.web.view import QUEUE_NAMES, filter_of, query_of

router = APIRouter(default_response_class=Response)

RECENT: Final = 8
"""Decisions of one's own on the start page."""

HALF_WIDTHS: Final = (0.1, 0.05, 0.03, 0.02)
"""Half-widths that the estimates page offers."""


@router.get("/")
def start(page: PageDep) -> Response:
    """Show the queues."""
    flt = filter_of(page.request.query_params)
    visitor = page.visitor
    sizes = queue_sizes(page.desk.store, flt, reviewer=visitor.name, double=twice(visitor))
    queues = [
        {
            "name": name,
            "title": title,
            "about": about,
            "open": sizes[name][0],
            "done": sizes[name][1],
            "query": urlencode({**query_of(flt), "queue": name.value}),
        }
        for name, (title, about) in QUEUE_NAMES.items()
    ]
    first = next((queue["name"] for queue in queues if queue["open"]), None)
    return page.render(
        "desk.html",
        queues=queues,
        first=first,
        flt=flt,
        is_filtered=len(query_of(flt)) > 1,
        facets=facets(page.desk.store),
        disputes=_disputes(page),
        recent=_with_texts(page.desk, page.visitor.name),
    )


@router.get("/judge")
def judge(page: PageDep) -> Response:
    """Show the judging page; the script fetches the sentences."""
    flt = filter_of(page.request.query_params)
    sizes = queue_sizes(
        page.desk.store, flt, reviewer=page.visitor.name, double=twice(page.visitor)
    )
    still_open, done = sizes[flt.queue]
    given = page.request.query_params.get("sentence", "")
    return page.render(
        "judge.html",
        flt=flt,
        query=urlencode(query_of(flt)),
        title=QUEUE_NAMES[flt.queue][0],
        open=still_open,
        done=done,
        sentence=given if given.isdecimal() else "",
        only_open=tells_the_label(flt),
        **guidelines.GUIDE,
    )


@router.get("/sentences/{sentence_id}")
def sentence(
    page: PageDep,
    sentence_id: SentenceId,
    show: bool = False,
) -> Response:
    """Show a sentence, and what was decided on it.

    Before judging it, a reviewer sees neither the prediction, unless they ask for it, nor what
    others decided; see :mod:`claimwire.serve.review.blindness`.
    """
    entry = item(page.desk.store, sentence_id)
    decisions = history(page.desk.store, sentence_id)
    visitor = page.visitor
    sight = sight_of(
        page.desk.store,
        sentence_id,
        decisions,
        visitor.name,
        may_adjudicate=visitor.role in ADJUDICATORS,
    )
    sees_others = any(each.reviewer != visitor.name for each in sight.decisions)
    if (show or sees_others) and not sight.has_judged:  # no later verdict of theirs is blind
        page.desk.seen.add(visitor.name, sentence_id)
    settled = adjudication(decisions)
    stands = {decision.id for decision in standing(decisions).values()}
    return page.render(
        "sentence.html",
        item=entry,
        decisions=sight.decisions,
        hidden=sight.hidden,
        waits=sight.waits and visitor.may_adjudicate,
        stands=stands if settled is None else {*stands, settled.id},
        undone={d.revises for d in decisions if d.kind == "undo"},
        shows_prediction=sight.has_judged or show,
    )


@router.get("/estimates")
def estimates(
    page: PageDep,
    release: str | None = None,
    half_width: float = 0.05,
) -> Response:
    """Show precision and recall of each label in production."""
    found = audit(page.desk.store, release=release or None, half_width=half_width)
    releases = facets(page.desk.store)["releases"]
    return page.render(
        "estimates.html",
        audit=found,
        rows=found.by_label(),
        releases=releases,
        half_widths=sorted({*HALF_WIDTHS, half_width}, reverse=True),
        judge_query=urlencode(query_of(Filter(queue=QueueName.RANDOM))),
    )


@router.get("/guidelines")
def guide(page: PageDep) -> Response:
    """Show the annotation guidelines in short."""
    return page.render("guidelines.html", **guidelines.GUIDE)


def _disputes(page: Page) -> int:
    """Return how many disagreements wait for the visitor."""
    visitor = page.visitor
    if not visitor.may_adjudicate:
        return 0
    return open_disputes(page.desk.store, visitor.name, alone=visitor.alone)


def _with_texts(desk: Desk, reviewer: str) -> list[dict[str, object]]:
    """Return a reviewer's last decisions, each with its sentence."""
    decisions = recent(desk.store, reviewer, RECENT)
    wanted = select(SentenceRow.id, SentenceRow.text).where(
        SentenceRow.id.in_([decision.sentence_id for decision in decisions])
    )
    with desk.store.read() as session:
        texts = {row.id: row.text for row in session.execute(wanted)}
    return [{"decision": decision, "text": texts[decision.sentence_id]} for decision in decisions]
