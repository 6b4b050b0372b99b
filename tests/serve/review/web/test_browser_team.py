"""Two reviewers and an adjudicator in a real browser, from sign-in to the exported outcome."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from claimwire.serve.review import users
from claimwire.serve.review.chain import verify_chain
from claimwire.serve.review.decisions import NewDecision, history, record_decision
from claimwire.serve.review.exporting import export
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.tables import QueueRow

from .browsing import Tab, open_tab
from .support import SENTENCES, Server, make_store, serving
from .test_browser_pages import _overflow, scheme, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["scheme"]

PASSWORD = "correct horse battery"
TEAM = {"ana": "reviewer", "ben": "reviewer", "ada": "adjudicator", "root": "admin"}


def make_team(path: Path) -> ReviewStore:
    """Return a desk with a team, where every sentence takes two."""
    store = make_store(path)
    for name, role in TEAM.items():
        users.add_user(store, name, PASSWORD, role)
    with store.write() as session:
        session.execute(update(QueueRow).values(needed=2))
    return store


def sign_in(tab: Tab, name: str, password: str = PASSWORD, page: str = "/") -> None:
    tab.open(page)
    tab.page.get_by_label("Name").fill(name)
    tab.page.get_by_label("Password").fill(password)
    tab.press("Enter")


def judge(tab: Tab, *answers: tuple[str, ...]) -> None:
    """Judge the first sentences, each by its keys."""
    for sentence, keys in zip(SENTENCES, answers, strict=False):
        tab.shows(sentence)
        tab.press(*keys)
    tab.saved()


def test_from_two_verdicts_to_the_exported_outcome(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "review.db"
    with make_team(path) as store, serving(path, sign_in=True) as server:
        with open_tab(browser, server.url) as ana, open_tab(browser, server.url) as ben:
            sign_in(ana, "ana", page="/judge?queue=all")
            judge(ana, ("1",), ("2",), ("3",), ("4",), ("Shift+Digit2", "1"), ("3",))
            ana.says("#empty", "Nothing is left in this queue")
            ana.open("/adjudicate")
            ana.says("main", "Your role does not go so far")
            sign_in(ben, "ben", page="/judge?queue=all")
            ben.shows(SENTENCES[0])
            ben.press("n")
            ben.page.keyboard.type("a depot is no target")
            ben.press("Enter")
            judge(ben, ("4",), ("2",), ("1",), ("4",), ("2",), ("3",))
            ben.open("/sentences/1")
            ben.says("main", "by ana")
        _adjudicate(browser, server)
        _check_outcome(store, tmp_path)


def _adjudicate(browser: Browser, server: Server) -> None:
    with open_tab(browser, server.url) as ada:
        sign_in(ada, "ada")
        ada.says(".waits", "On 3 sentences reviewers disagree")
        ada.open("/sentences/1")
        ada.says("main", "Reviewers disagree. Adjudicate it")
        ada.page.get_by_role("link", name="Adjudicate it").click()
        ada.shows(SENTENCES[0])
        ada.says("#count", "3 waiting")
        ada.says("#answers", "Attack claim")
        ada.says("#answers", "Note: a depot is no target")
        assert not re.search(r"\b(ana|ben)\b", ada.page.inner_text("main"))
        ada.press("1")
        ada.says("#because-title", "Attack claim")
        ada.press("Escape", "4", "1")  # background after all, by the guidelines
        ada.shows(SENTENCES[2])
        ada.says("#last", "Last: Background.")
        ada.press("u")
        ada.shows(SENTENCES[0])
        ada.says("#remarks", "Undone: Background. Please decide again.")
        ada.press("h", "1", "2")
        ada.shows(SENTENCES[2])
        ada.press("s")
        ada.shows(SENTENCES[4])
        first = ada.page.locator("#answers .tag").first.inner_text()
        ada.press("a", "4")
        ada.says("#because-title", first)
        ada.page.keyboard.type("thirty-one were shot down")
        ada.press("Enter")
        ada.says("#empty", "Those that you left for later come again")
        ada.saved()
        ada.page.get_by_role("button", name="Look again").click()
        ada.shows(SENTENCES[2])
        ada.press("x", "1")
        ada.says("#empty", "No disagreement is left for you")
        ada.saved()
        ada.open("/adjudicate")
        ada.says("#empty", "No disagreement is left for you")
        ada.press("u")  # of before the reload
        ada.shows(SENTENCES[2])
        ada.press("b", "3")
        ada.saved()


def _check_outcome(store: ReviewStore, tmp_path: Path) -> None:
    assert verify_chain(store).problems == ()
    report = export(store, tmp_path / "out.jsonl", "corpus", real_names=True)
    assert (report.written, report.disputed) == (6, 0)
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    records = {record["text"]: record for record in map(json.loads, lines)}
    assert records[SENTENCES[0]]["labels"] == ["attack_claim"]
    assert records[SENTENCES[0]]["hard"] is True
    assert records[SENTENCES[1]]["labels"] == ["interception_claim"]
    assert records[SENTENCES[2]]["labels"] in (["attack_claim"], ["attribution_inference"])
    told = (tmp_path / "out.provenance.jsonl").read_text(encoding="utf-8").splitlines()
    origins = [json.loads(line) for line in told]
    assert [origin["how"] for origin in origins] == [
        *("adjudicated", "agreed", "adjudicated", "agreed", "adjudicated", "agreed"),
    ]
    assert {origin["reviewer"] for origin in origins if origin["how"] == "adjudicated"} == {"ada"}
    reasons = [each.reason for each in history(store, 5) if each.kind == "adjudicate"]
    assert reasons == ["thirty-one were shot down"]


def test_an_admin_adds_a_reviewer_who_chooses_a_password(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "review.db"
    with make_team(path) as store, serving(path, sign_in=True) as server:
        with open_tab(browser, server.url) as root, open_tab(browser, server.url) as dora:
            sign_in(root, "root", page="/admin/users")
            root.page.get_by_label("Name").fill("dora")
            root.press("Enter")
            root.says(".told", "dora has been added.")
            given = root.page.inner_text("#temporary")
            sign_in(dora, "dora", given, "/judge?queue=all")
            dora.says("main", "Yours is a temporary one.")
            dora.page.get_by_label("Present password").fill(given)
            dora.page.get_by_label("New password", exact=True).fill("one of my own")
            dora.page.get_by_label("New password, again").fill("one of my own")
            dora.press("Enter")
            judge(dora, ("1",))
            root.page.get_by_role("button", name="Disable dora").click()
            root.says(".told", "dora may no longer sign in.")
            dora.press("1")
            dora.says("#trouble", "You are signed out.")
        assert [each.reviewer for each in history(store, 1)] == ["dora"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A desk where two disagree, which no test of this module changes for good."""
    path = tmp_path_factory.mktemp("team") / "review.db"
    with make_team(path) as store:
        for number, (one, other) in enumerate((("attack_claim", "background"),) * 2, start=1):
            for name, label in (("ana", one), ("ben", other)):
                new = NewDecision(number, "label", f"{name}-{number}", (label,), note="why not?")
                record_decision(store, name, new)
    with serving(path, sign_in=True) as running:
        yield running


@pytest.mark.parametrize("width", [1280, 360])
def test_the_teams_pages_are_accessible(
    browser: Browser, server: Server, scheme: str, width: int
) -> None:
    view: Any = {
        "color_scheme": scheme,
        "viewport": {"width": width, "height": 700},
        "reduced_motion": "reduce",
    }
    with open_tab(browser, server.url, **view) as tab:
        sign_in(tab, "root")
        tab.says(".waits", "On 2 sentences reviewers disagree")
        assert violations(tab) == []
        tab.open("/adjudicate")
        for keys, selector, text in (
            ((), "#answers", "Answer B"),
            (("Shift+Digit2", "h"), "#pending", "Second label: Interception claim."),
            (("Escape", "x"), "#because-title", "Not a sentence"),
            (("Escape", "g"), "#guide", "Guidelines in short"),
            (("Escape", "s", "s"), "#empty", "No disagreement is left"),
        ):
            tab.press(*keys)
            tab.says(selector, text)
            assert violations(tab) == [], keys
            assert _overflow(tab) <= 0, keys
        for path, text in (("/admin/users", "Add a user"), ("/password", "Choose a password")):
            tab.open(path)
            tab.says("main", text)
            assert violations(tab) == [], path
            assert _overflow(tab) <= 0, path
