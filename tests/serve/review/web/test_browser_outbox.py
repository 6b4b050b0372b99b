"""Nothing is lost: a killed server, closed tabs, two tabs, another desk, a signed-out reviewer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from claimwire.serve.review import users
from claimwire.serve.review.decisions import effective_decisions, history
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.tables import SessionRow

from .browsing import Tab, open_context, open_tab
from .support import SENTENCES, make_store, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LABELS = ("attack_claim", "interception_claim", "attribution_inference", "background")


def labels(store: ReviewStore) -> list[tuple[int, tuple[str, ...]]]:
    """Return what stands, in the order in which it was stored."""
    return [(entry.sentence_id, entry.labels) for entry in effective_decisions(store)]


def test_a_killed_server_loses_nothing(
    browser: Browser, database: Path, store: ReviewStore
) -> None:
    with serving(database) as server, open_tab(browser, server.url) as tab:
        tab.open("/judge")
        tab.shows(SENTENCES[0])
        tab.press("1")
        tab.shows(SENTENCES[1])
        tab.saved()
        server.kill()
        tab.press("2")
        tab.shows(SENTENCES[2])  # the next ones are here already
        tab.press("3")
        tab.shows(SENTENCES[3])
        tab.press("u", "4")  # what never arrived can be undone too
        tab.shows(SENTENCES[3])
        tab.says("#state", "4 unsent")
        tab.says("#trouble", "The desk does not answer. It is tried again by itself")
        assert labels(store) == [(1, ("attack_claim",))]
        with serving(database, port=server.port):
            tab.saved()
            tab.hides("#trouble")
            expected = [(1, (LABELS[0],)), (2, (LABELS[1],)), (3, (LABELS[3],))]
            assert labels(store) == expected
            kinds = [entry.kind for entry in history(store, 3)]
            assert kinds == ["label", "undo", "label"]
            tab.press("4")
            tab.shows(SENTENCES[4])
            tab.saved()


def test_a_tab_closed_with_unsent_decisions_loses_nothing(
    browser: Browser, database: Path, store: ReviewStore
) -> None:
    with serving(database) as server, open_context(browser) as context:
        tab = Tab(context.new_page(), server.url)
        tab.open("/judge")
        tab.shows(SENTENCES[0])
        tab.page.wait_for_load_state("networkidle")
        server.kill()
        tab.press("1", "2")
        tab.says("#state", "2 unsent")
        tab.page.close()
        with serving(database, port=server.port):
            later = Tab(context.new_page(), server.url)
            later.open("/guidelines")  # any page sends what waits
            later.saved()
            assert labels(store) == [(1, (LABELS[0],)), (2, (LABELS[1],))]
            assert later.problems == tab.problems == []


def test_two_tabs_judge_no_sentence_twice(
    browser: Browser, database: Path, store: ReviewStore
) -> None:
    with serving(database) as server, open_context(browser) as context:
        one, other = (Tab(context.new_page(), server.url) for _ in range(2))
        for tab in (one, other):
            tab.open("/judge")
            tab.shows(SENTENCES[0])
            tab.page.wait_for_load_state("networkidle")
        one.press("1")
        for tab in (one, other):
            tab.shows(SENTENCES[1])  # the other one goes on by itself
            tab.saved()
        server.kill()
        other.press("2")
        one.shows(SENTENCES[2])
        one.press("3")
        other.shows(SENTENCES[3])
        for tab in (one, other):
            tab.says("#state", "2 unsent")
        with serving(database, port=server.port):
            for tab in (one, other):
                tab.saved()
            expected = [(1, (LABELS[0],)), (2, (LABELS[1],)), (3, (LABELS[2],))]
            assert labels(store) == expected
            assert [len(history(store, number)) for number in (1, 2, 3, 4)] == [1, 1, 1, 0]
            assert one.problems == other.problems == []


def test_decisions_wait_for_their_own_desk(
    browser: Browser, database: Path, store: ReviewStore, tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    make_store(other).close()
    with serving(database) as server, open_tab(browser, server.url) as tab:
        tab.open("/judge")
        tab.shows(SENTENCES[0])
        server.kill()
        tab.press("1")
        tab.says("#trouble", "The desk does not answer")
        with serving(other, port=server.port) as stranger:
            tab.says("#trouble", "Another reviewer or another desk is here now.")
            stranger.kill()
        with ReviewStore.open(str(other)) as opened:
            assert labels(opened) == []
        with serving(database, port=server.port):
            tab.saved()
            assert labels(store) == [(1, (LABELS[0],))]


def test_a_signed_out_reviewer_signs_in_again_and_loses_nothing(
    browser: Browser, database: Path, store: ReviewStore
) -> None:
    users.add_user(store, "ben", "correct horse battery")
    with (
        serving(database, sign_in=True) as server,
        open_tab(browser, server.url) as tab,
    ):
        tab.open("/judge?queue=all")
        _sign_in(tab)
        tab.shows(SENTENCES[0])
        with store.write() as session:
            session.query(SessionRow).delete()
        tab.press("1")
        tab.says("#trouble", "1 decision unsent. You are signed out.")
        tab.page.get_by_role("link", name="Sign in").press("Enter")
        _sign_in(tab)
        # The page says "All saved" until its script has looked; then a sentence is shown, too.
        tab.shows(SENTENCES[1])
        tab.saved()
        assert history(store, 1)[0].reviewer == "ben"
        tab.page.get_by_role("button", name="Sign out").press("Enter")
        tab.says("h1", "Sign in")


def _sign_in(tab: Tab) -> None:
    tab.says("h1", "Sign in")
    tab.page.keyboard.type("ben")  # the name has the focus
    tab.press("Tab")
    tab.page.keyboard.type("correct horse battery")
    tab.press("Enter")


def test_what_the_desk_refuses_is_shown_and_stops_nothing(
    browser: Browser, database: Path, store: ReviewStore
) -> None:
    with serving(database) as server, open_tab(browser, server.url) as tab:
        tab.open("/judge")
        tab.shows(SENTENCES[0])
        # A sentence that this database does not know, put where the outbox keeps its entries.
        tab.page.evaluate(
            """() => {
              const { desk, reviewer } = document.documentElement.dataset;
              const key = "0".repeat(32);
              const body = { sentence_id: 999, kind: "label", labels: ["background"] };
              const entry = { key, order: 1, path: "/api/decisions", body };
              const name = `claimwire:${desk}:${reviewer}:out:0000000000000001:${key}`;
              localStorage.setItem(name, JSON.stringify(entry));
            }"""
        )
        tab.press("1")
        tab.says("#state", re.compile("^1 refused$"))
        assert labels(store) == [(1, (LABELS[0],))]
        tab.page.locator("#state").press("Enter")
        tab.says("#outbox-refused", "Sentence 999: background. ")
        tab.page.get_by_role("button", name="Forget").press("Enter")
        tab.says("#outbox", "Nothing: the desk has every decision.")
        tab.press("Escape")
        tab.saved()


def test_without_storage_the_desk_works_and_says_so_when_left(
    browser: Browser, database: Path, store: ReviewStore
) -> None:
    with serving(database) as server, open_tab(browser, server.url) as tab:
        tab.page.add_init_script(
            "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })"
        )
        tab.open("/judge")
        tab.shows(SENTENCES[0])
        tab.press("1")
        tab.shows(SENTENCES[1])
        tab.saved()
        assert labels(store) == [(1, (LABELS[0],))]
