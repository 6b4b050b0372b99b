"""Each number of the dashboard links to the sentences that it counts, and nobody sees too much."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from claimwire.data.labels import LABELS
from claimwire.serve.review.dashboard import SAMPLES, Board, Dashboard, Sample
from claimwire.serve.review.dashboard_view import LIST, Links, context_of
from claimwire.serve.review.facts import Judged
from claimwire.serve.review.listing import Viewer, Wanted, listed, page_of
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.web.dashboard_pages import wanted_of
from claimwire.serve.review.web.view import environment

from .dashboard_support import REVIEWERS, WEEKS, Plan
from .out_support import ATTACK, BACKGROUND, FIRST, SECOND

ADMIN = Viewer("root", "admin")
EXACT = ("estimates", "confusion", "agreement", "queues", "pace")
"""Sections whose every number counts sentences."""


@pytest.fixture(scope="module")
def dashboard(
    judged_desk: tuple[Path, Plan], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Dashboard]:
    path = tmp_path_factory.mktemp("copy") / "review.db"
    shutil.copy(judged_desk[0], path)
    with ReviewStore.open(str(path)) as store:
        yield Dashboard(store)


@pytest.fixture(scope="module")
def board(dashboard: Dashboard) -> Board:
    return dashboard.board()


def links(board: Board, sample: Sample) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield section, text and filters of every link to a list on the page."""
    context = context_of(board.figures, sample, Links(board.figures.release), str)
    page = environment().get_template("_dashboard.html").render(**context)
    parts = re.split(r'<section id="(\w+)"', page)
    for section, body in zip(["facts", *parts[1::2]], parts[::2], strict=True):
        for address, text in re.findall(r'<a href="([^"#][^"]*)">(.*?)</a>', body):
            found = urlsplit(unescape(address))
            if found.path == LIST:
                yield section, text, dict(parse_qsl(found.query))


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_number_counts_what_its_link_lists(dashboard: Dashboard, sample: Sample) -> None:
    board = dashboard.board()
    counted = dict.fromkeys(("facts", *EXACT, "drift"), 0)
    for section, text, query in links(board, sample):
        of = dashboard.board(query["release"])
        _, total, _ = page_of(of, wanted_of(query), ADMIN)
        counted[section] += 1
        if section == "drift":  # all predictions are counted there, of which some are judged
            assert total > 0 or query.get("predicted")
        elif section == "pace" and "reviewer" not in query:  # verdicts of a day: two on some
            assert 0 < total <= int(text)
        else:
            assert total == int(text.replace(",", "")), (section, text, query)
    assert all(counted.values()), counted
    assert counted["estimates"] > 25
    assert counted["agreement"] > 15


def texts_of(plan: Plan, found: Iterator[Judged]) -> set[str]:
    names = {number: text for text, number in plan.ids.items()}
    return {names[each.sentence_id] for each in found}


@pytest.mark.parametrize("reviewer", REVIEWERS)
def test_a_reviewer_sees_what_they_judged_themselves(
    board: Board, judged_desk: tuple[Path, Plan], reviewer: str
) -> None:
    plan = judged_desk[1]
    own = {text for text, said in plan.said.items() if reviewer in said}
    assert own != set(plan.said)
    viewer = Viewer(reviewer, "reviewer")
    assert texts_of(plan, listed(board, Wanted(), viewer)) == own
    for wanted in (
        Wanted(differ=True, several=True),
        Wanted(judged=BACKGROUND),
        Wanted(week=WEEKS[0]),
    ):
        assert texts_of(plan, listed(board, wanted, viewer)) <= own
    stranger = Viewer("nobody", "reviewer")
    assert list(listed(board, Wanted(), stranger)) == []


@pytest.mark.parametrize("role", ["adjudicator", "admin"])
def test_who_may_adjudicate_sees_answers_but_not_whose_while_they_wait(
    board: Board, role: str
) -> None:
    viewer = Viewer("dana", role)
    disputed = list(listed(board, Wanted(judged="disputed"), viewer))
    assert len(disputed) == board.figures.disputed
    for each in disputed:
        assert not viewer.knows_names(each)
        answers = [verdict.answer for verdict in viewer.verdicts(each)]
        assert answers == sorted(answers)  # an order that follows from what was said alone
    settled = list(listed(board, Wanted(), viewer))
    assert all(viewer.knows_names(each) for each in settled if each.outcome is not None)
    judge = disputed[0].verdicts[0].reviewer
    assert Viewer(judge, role).knows_names(disputed[0])  # who judged it does not adjudicate it


def test_lists_go_on_after_the_last_sentence(board: Board) -> None:
    everything = [each.sentence_id for each in listed(board, Wanted(), ADMIN)]
    found: list[int] = []
    has_more = True
    while has_more:
        after = found[-1] if found else 0
        page, total, has_more = page_of(board, Wanted(), ADMIN, after=after, count=37)
        assert total == len(everything)
        assert len(page) == 37 or not has_more
        found += [each.sentence_id for each in page]
    assert found == everything
    assert page_of(board, Wanted(), ADMIN, after=everything[-1]) == ([], len(everything), False)


def test_filters_by_hand(dashboard: Dashboard, judged_desk: tuple[Path, Plan]) -> None:
    plan = judged_desk[1]

    def found(release: str = SECOND, **wanted: object) -> set[str]:
        some = Wanted(**wanted)  # type: ignore[arg-type]
        return texts_of(plan, listed(dashboard.board(release), some, ADMIN))

    said = plan.said
    assert found(predicted=ATTACK) == {t for t in said if plan.predicted[SECOND][t][0] == ATTACK}
    assert found(FIRST, predicted=ATTACK) == {
        t for t in said if plan.predicted[FIRST][t][0] == ATTACK
    }
    assert found(predicted=LABELS[1], any_label=True) == {
        t for t in said if LABELS[1] in plan.predicted[SECOND][t]
    }
    assert found(judged="not_a_sentence") == {t for t in said if plan.outcome(t) == ()}
    assert found(judged="disputed") == {t for t in said if plan.outcome(t) is None}
    assert found(week=WEEKS[2]) == {t for t in said if plan.week[t] == WEEKS[2]}
    assert found(reviewer="ines", other="mara") == {
        t for t, each in said.items() if {"ines", "mara"} <= set(each)
    }
    assert found(reviewer="ines", other="mara", differ=True) == {
        t
        for t, each in plan.first.items()
        if {"ines", "mara"} <= set(each)
        and (each["ines"][:1], set(each["ines"])) != (each["mara"][:1], set(each["mara"]))
    }
    assert found(sample="random") <= plan.random
    day = min(plan.when.values()).date().isoformat()
    assert found(reviewer="olu", since=day, until=day) == {
        t for (t, who), when in plan.when.items() if who == "olu" and when.date().isoformat() == day
    }
    assert found(queue="flagged") == {t for t in said if plan.confidence[SECOND][t] < 0.6}
