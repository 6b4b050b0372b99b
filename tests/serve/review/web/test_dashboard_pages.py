"""The dashboard's pages over HTTP: who sees what, hostile names and texts, wrong filters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from claimwire.serve.review import users
from claimwire.serve.review.decisions import NewDecision, record_decision
from claimwire.serve.review.importing import import_records
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.web.dashboard_pages import PAGE

from .support import HOSTILE, SENTENCES, Visit, records, visit_of

PASSWORD = "correct horse battery"
LIST = "/dashboard/sentences"
NASTY = '"><script>alert(1)</script>'


def decide(store: ReviewStore, who: str, sentence_id: int, *labels: str) -> None:
    decision = NewDecision(sentence_id, "label", f"{who[:20]}-{sentence_id}-{labels}", labels)
    record_decision(store, who, decision)


def sign_in(store: ReviewStore, name: str) -> Visit:
    visit = visit_of(store, sign_in=True)
    page = visit.get("/sign-in").text
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    fields = {"csrf": found[1], "name": name, "password": PASSWORD, "next": "/"}
    assert visit.form("/sign-in", **fields).status_code == 303
    return visit


def shown_in(page: str) -> list[str]:
    return [text for text in SENTENCES if text in page.replace("&#39;", "'")]


@pytest.fixture
def team(tmp_path: Path) -> Iterator[ReviewStore]:
    """Six sentences that take two verdicts each, four people, some verdicts."""
    with ReviewStore.open(str(tmp_path / "team.db")) as store:
        import_records(store, records(), random_share=0.5, double_share=1.0)
        for name in ("ann", "bob", "cleo"):
            users.add_user(store, name, PASSWORD)
        users.add_user(store, "dana", PASSWORD, "adjudicator")
        users.add_user(store, "root", PASSWORD, "admin")
        decide(store, "ann", 1, "attack_claim")
        decide(store, "bob", 1, "attack_claim")
        decide(store, "ann", 2, "attack_claim")
        decide(store, "bob", 2, "background")
        decide(store, "ann", 3, "background")
        yield store


def test_nobody_sees_an_answer_before_their_own(team: ReviewStore) -> None:
    for path in (LIST, f"{LIST}?judged=background", f"{LIST}?reviewer=ann", f"{LIST}?differ=yes"):
        page = sign_in(team, "cleo").get(path).text
        assert shown_in(page) == [], path
        assert "<b>0</b>" in page
    bob = sign_in(team, "bob")
    assert shown_in(bob.get(LIST).text) == list(SENTENCES[:2])
    assert shown_in(bob.get(f"{LIST}?week=&reviewer=ann").text) == list(SENTENCES[:2])
    assert shown_in(sign_in(team, "ann").get(LIST).text) == list(SENTENCES[:3])


@pytest.mark.parametrize("name", ["dana", "root"])
def test_who_adjudicates_sees_what_is_complete(team: ReviewStore, name: str) -> None:
    visit = sign_in(team, name)
    page = visit.get(LIST).text
    assert shown_in(page) == list(SENTENCES[:2])  # the third lacks a verdict
    agreed, disputed = re.findall(r"<li>\s*<p class=\"text\".*?</li>", page, re.S)
    assert "<bdi>ann</bdi>" in agreed
    assert "<bdi>bob</bdi>" in agreed
    assert "disagree" in disputed
    assert "Attack claim" in disputed
    assert "Background" in disputed
    assert "ann" not in disputed.replace("Background", "")
    assert "bob" not in disputed
    assert disputed.count("One says") == 2
    decide(team, "bob", 3, "background")
    assert shown_in(visit.get(LIST).text) == list(SENTENCES[:3])


def test_whoever_is_not_signed_in_sees_nothing(team: ReviewStore) -> None:
    for path in ("/dashboard", LIST):
        answer = visit_of(team, sign_in=True).get(path, follow_redirects=False)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?next=%2Fdashboard")


def test_the_dashboard_is_in_the_navigation(visit: Visit) -> None:
    assert '<a href="/dashboard">Dashboard</a>' in visit.get("/").text
    page = visit.get("/dashboard").text
    assert '<a href="/dashboard" aria-current="page">Dashboard</a>' in page
    assert "Nothing has been judged yet." in page
    visit.decide(1, "attack_claim")
    page = visit.get("/dashboard").text
    assert "<b>1</b> decision" in page
    release = re.escape(urlencode({"release": "tiny 0.0.1 0123456789ab"}))
    assert re.search(rf'<b><a href="/dashboard/sentences\?{release}">1</a></b> sentence', page)


def test_an_empty_desk_has_a_dashboard(tmp_path: Path) -> None:
    with ReviewStore.open(str(tmp_path / "empty.db")) as store:
        visit = visit_of(store)
        page = visit.get("/dashboard").text
        assert "There is no prediction yet" in page
        assert visit.get(LIST).status_code == 200


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("release=tiny", "release: expected one of those imported"),
        ("predicted=attack", "predicted: expected one of attack_claim"),
        ("judged=attack", "judged: expected one of attack_claim"),
        ("sample=some", "sample: expected one of random, all"),
        ("week=2026-W99", "week: expected one such as 2026-W09"),
        ("queue=none", "queue: expected one of random"),
        ("since=yesterday", "since: expected a day such as 2026-03-01"),
        (f"reviewer={'x' * 101}", "reviewer: expected 100 characters at most"),
        ("after=-1", "after:"),
        ("after=x", "after:"),
    ],
)
def test_a_wrong_filter_is_told(visit: Visit, query: str, told: str) -> None:
    answer = visit.get(f"{LIST}?{query}")
    assert answer.status_code == 422
    assert told in answer.text


def test_a_sample_that_does_not_exist_is_told(visit: Visit) -> None:
    assert visit.get("/dashboard?sample=some").status_code == 422
    assert "Counted is every judged sentence" not in visit.get("/dashboard?sample=random").text


def test_long_lists_have_pages(tmp_path: Path) -> None:
    texts = tuple(f"Sentence {number}." for number in range(2 * PAGE + 1))
    with ReviewStore.open(str(tmp_path / "long.db")) as store:
        import_records(store, records(texts))
        for number in range(1, len(texts) + 1):
            decide(store, "ana", number, "attack_claim")
        visit = visit_of(store)
        path, found = f"{LIST}?judged=attack_claim", []
        while path:
            page = visit.get(path).text
            found += re.findall(r"Sentence \d+\.", page)
            following = re.search(r'href="([^"]+)" rel="next"', page)
            path = following[1].replace("&amp;", "&") if following else ""
        assert found == list(texts)


def test_hostile_texts_and_names_are_only_text(tmp_path: Path) -> None:
    with ReviewStore.open(str(tmp_path / "hostile.db")) as store:
        import_records(store, records(HOSTILE, title=NASTY, model=NASTY))
        for number in range(1, len(HOSTILE) + 1):
            decide(store, NASTY, number, "attack_claim")
            decide(store, "ana", number, "background")
        visit = visit_of(store)
        pages = ["/dashboard", LIST, f"{LIST}?{urlencode({'reviewer': NASTY, 'other': 'ana'})}"]
        for path in pages:
            page = visit.get(path)
            assert page.status_code == 200
            for nasty in (
                "<script>",
                "<img src=x",
                "<b>bold",
                "\"' onmouseover",
                "\u202e",
            ):
                assert nasty not in page.text.replace('<script type="module"', ""), nasty
        assert f"<b>{len(HOSTILE)}</b> sentences" in visit.get(pages[2]).text
