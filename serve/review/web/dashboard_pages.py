"""The dashboard's pages: the figures, and the lists of the sentences behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from markupsafe import Markup, escape
from sqlalchemy import select
from starlette.responses import Response

from claimwire.data.errors import InputError
from claimwire.data.labels import LABELS
from claimwire.serve.review.dashboard import SAMPLES, Board, Dashboard, Sample
from claimwire.serve.review.dashboard_view import LIST, Links, context_of
from claimwire.serve.review.facts import Answer, Judged
from claimwire.serve.review.listing import DISPUTED, SOME, Viewer, Wanted, page_of
from claimwire.serve.review.outcomes import NOT_A_SENTENCE
from claimwire.serve.review.queues import QueueName
from claimwire.serve.review.tables import ArticleRow, SentenceRow
from claimwire.serve.review.web.page import Page, PageDep
from claimwire.serve.review.web.view import QUEUE_NAMES, label_name, labels_name, shown
from claimwire.serve.review.weeks import day_of, monday_of, week_name

router = APIRouter(default_response_class=Response)

PAGE: Final = 50
"""Sentences on one page of a list."""

_LONGEST_NAME: Final = 100
_SOME: Final = {SOME: "Some label"}
_OUTCOMES: Final = {**_SOME, NOT_A_SENTENCE: "Not a sentence", DISPUTED: "Reviewers disagree"}
_BOTH: Final = (("yes", "Yes"), ("no", "No"))

ValueT = TypeVar("ValueT")


def _dashboard(request: Request) -> Dashboard:
    """Return the desk's dashboard, which keeps figures between requests."""
    state = request.app.state
    if not hasattr(state, "dashboard"):
        state.dashboard = Dashboard(state.desk.store)
    made: Dashboard = state.dashboard
    return made


DashboardDep = Annotated[Dashboard, Depends(_dashboard)]


@router.get("/dashboard")
def dashboard(
    page: PageDep, counted: DashboardDep, release: str = "", sample: str = "random"
) -> Response:
    """Show the figures."""
    chosen: Sample = _one_of("sample", sample, SAMPLES)
    figures = counted.board(release or None).figures
    context = context_of(figures, chosen, Links(figures.release), str)
    return page.render("dashboard.html", **context)


@router.get(LIST)
def sentences(
    page: PageDep,
    counted: DashboardDep,
    release: str = "",
    after: Annotated[int, Query(ge=0, lt=2**31)] = 0,
) -> Response:
    """List the sentences behind a figure, those that the visitor may see."""
    board = counted.board(release or None)
    wanted = wanted_of(page.request.query_params)
    viewer = Viewer(page.visitor.name, page.visitor.role)
    found, total, has_more = page_of(board, wanted, viewer, after=after, count=PAGE)
    here = Links(board.figures.release).address(**_query_of(wanted))
    fields = _fields(board, wanted)
    days = [("since", "Judged from", wanted.since), ("until", "Judged until", wanted.until)]
    return page.render(
        "dashboard_sentences.html",
        fields=fields,
        days=days,
        active=[*_active(fields), *((title, day) for _, title, day in days if day)],
        releases=board.figures.releases,
        chosen_release=board.figures.release,
        back=f"?{urlencode({'release': release})}" if release else "",
        entries=_entries(page, viewer, found),
        total=total,
        is_reviewer=viewer.role == "reviewer",
        answer=_answer,
        week_name=week_name,
        first_page=here if after else None,
        next_page=f"{here}&after={found[-1].sentence_id}" if has_more else None,
    )


def wanted_of(given: Mapping[str, str]) -> Wanted:
    """Return which sentences a page's address asks for.

    Raises:
        InputError: a filter has a value that does not exist.
    """
    labels = [label.value for label in LABELS]
    return Wanted(
        sample=_one_of("sample", given.get("sample") or "all", SAMPLES),
        predicted=_chosen(given, "predicted", [*labels, SOME]),
        judged=_chosen(given, "judged", [*labels, *_OUTCOMES]),
        any_label=_is_yes(given, "any_label") or False,
        week=_week(given.get("week")),
        queue=_chosen(given, "queue", list(QueueName)),
        complete=_is_yes(given, "complete") or False,
        reviewer=_name(given, "reviewer"),
        other=_name(given, "other"),
        several=_is_yes(given, "several") or False,
        differ=_is_yes(given, "differ"),
        since=_day(given, "since"),
        until=_day(given, "until"),
    )


def _query_of(wanted: Wanted) -> dict[str, Any]:
    """Return the parts of an address that ask for what is wanted."""
    default = asdict(Wanted())
    return {name: value for name, value in asdict(wanted).items() if value != default[name]}


def _fields(board: Board, wanted: Wanted) -> list[tuple[str, str, Iterable[Any], str | None]]:
    """Return the choices of the form: name, title, values with their names, and what is chosen."""
    labels = [(label.value, label_name(label)) for label in LABELS]
    weeks = sorted({each.week for each in board.sentences}, reverse=True)
    queues = [(queue.value, title) for queue, (title, _) in QUEUE_NAMES.items()]
    people = [(each.name, shown(each.name)) for each in board.figures.pace.reviewers]
    people.sort()
    differ = {True: "yes", False: "no", None: None}[wanted.differ]
    return [
        ("predicted", "Predicted", [*labels, *_SOME.items()], wanted.predicted),
        ("judged", "Judged", [*labels, *_OUTCOMES.items()], wanted.judged),
        ("any_label", "Second labels count", (("yes", "Yes"),), _yes(wanted.any_label)),
        ("sample", "Sample", (("random", "Random, as estimated"),), wanted.sample),
        ("week", "Week of the article", [(week, week_name(week)) for week in weeks], wanted.week),
        ("queue", "Queue", queues, wanted.queue),
        ("complete", "Complete", (("yes", "Yes"),), _yes(wanted.complete)),
        ("reviewer", "Judged by", people, wanted.reviewer),
        ("other", "And by", people, wanted.other),
        ("several", "Judged twice", (("yes", "Yes"),), _yes(wanted.several)),
        ("differ", "Disagreed at first", _BOTH, differ),
    ]


def _active(
    fields: Iterable[tuple[str, str, Iterable[Any], str | None]],
) -> Iterator[tuple[str, str]]:
    """Yield title and value of what is chosen."""
    for _, title, choices, chosen in fields:
        for value, name in choices:
            if value == chosen:
                yield title, name


def _entries(page: Page, viewer: Viewer, found: Sequence[Judged]) -> list[dict[str, Any]]:
    query = (
        select(SentenceRow.id, SentenceRow.text, ArticleRow.title, ArticleRow.key)
        .join(ArticleRow, ArticleRow.id == SentenceRow.article_id)
        .where(SentenceRow.id.in_([each.sentence_id for each in found]))
    )
    with page.desk.store.read() as session:
        texts = {number: rest for number, *rest in session.execute(query)}
    return [
        {
            "id": each.sentence_id,
            "judged": each,
            "verdicts": viewer.verdicts(each),
            "has_names": viewer.knows_names(each),
            **dict(zip(("text", "title", "article"), texts[each.sentence_id], strict=True)),
        }
        for each in found
    ]


def _answer(answer: Answer) -> Markup:
    """Return an answer as the pages show labels."""
    name = labels_name(answer.labels) if answer.labels else "Not a sentence"
    tone = escape(answer.labels[0] if answer.labels else "none")
    return Markup('<span class="tag {}">{}</span>').format(tone, name)


def _yes(is_on: bool) -> str | None:
    return "yes" if is_on else None


def _one_of(name: str, value: str, known: Sequence[ValueT]) -> ValueT:
    for each in known:
        if each == value:
            return each
    raise InputError(
        f"{name}: expected one of {', '.join(map(str, known))}, found {shown(value)[:50]!r}"
    )


def _chosen(given: Mapping[str, str], name: str, known: Sequence[str]) -> str | None:
    value = given.get(name)
    return str(_one_of(name, value, known)) if value else None


def _is_yes(given: Mapping[str, str], name: str) -> bool | None:
    """Return whether a filter says yes; None where it says nothing."""
    return {"yes": True, "no": False, None: None}[_chosen(given, name, ["yes", "no"])]


def _name(given: Mapping[str, str], name: str) -> str | None:
    value = given.get(name)
    if value and len(value) > _LONGEST_NAME:
        raise InputError(f"{name}: expected {_LONGEST_NAME} characters at most")
    return value or None


def _week(value: str | None) -> str | None:
    if not value:
        return None
    try:
        monday_of(value)
    except ValueError:
        raise InputError(
            f"week: expected one such as 2026-W09, found {shown(value)[:50]!r}"
        ) from None
    return value


def _day(given: Mapping[str, str], name: str) -> str | None:
    value = given.get(name)
    if value and day_of(value) != value:
        raise InputError(f"{name}: expected a day such as 2026-03-01, found {shown(value)[:50]!r}")
    return value or None
