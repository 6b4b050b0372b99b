"""Every page in a real browser: accessible, in both themes, narrow, and deaf to hostile text."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from claimwire.serve.review import users
from claimwire.serve.review.store import ReviewStore

from .browsing import Tab, open_tab
from .support import HOSTILE, SENTENCES, Server, make_store, records, serving, visit_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = ("/", "/?search=drone", "/sentences/1", "/sentences/2", "/estimates", "/guidelines", "/no")
STATES = (
    ((), "#open", "Blind"),
    (("Shift+Digit2", "h"), "#pending", "Second label: Interception claim."),
    (("Escape", "h", "s"), "#skip", "Skip, because"),
    (("n",), "#note", "Note on this sentence"),
    (("g",), "#guide", "Guidelines in short"),
    (("o",), "#why", "Marked: words for attack claim"),
    (("o", "4", "u"), "#remarks", "Undone: Background."),
    (("1",), "#toast", "The model agreed"),
)
"""Keys that lead to the judging page's states, where it tells, and what."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A desk with a decision of each kind, which no test of this module changes."""
    path = tmp_path_factory.mktemp("desk") / "review.db"
    with make_store(path) as store:
        visit = visit_of(store).start()
        visit.decide(1, "background", note="a note", hard=True)
        visit.decide(1, "attack_claim")
        visit.decide(6, kind="skip", reason="The text is damaged")
    with serving(path) as running:
        yield running


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def violations(tab: Tab) -> list[str]:
    """Return what axe-core finds wrong."""
    script = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    tab.page.evaluate(script)
    result: dict[str, Any] = tab.page.evaluate("() => axe.run({resultTypes: ['violations']})")
    return [
        f"{found['id']}: {node['html']}: {node['failureSummary']}"
        for found in result["violations"]
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("width", [1280, 360])
def test_every_page_is_accessible(
    browser: Browser, server: Server, scheme: str, width: int
) -> None:
    view: Any = {"color_scheme": scheme, "viewport": {"width": width, "height": 700}}
    with open_tab(browser, server.url, **view) as tab:
        for path in PAGES:
            tab.open(path)
            assert violations(tab) == [], path
            assert _overflow(tab) <= 0, path


def test_the_judging_page_is_accessible_in_every_state(
    browser: Browser, database: Path, scheme: str
) -> None:
    view: Any = {"color_scheme": scheme, "reduced_motion": "reduce"}
    with serving(database) as server, open_tab(browser, server.url, **view) as tab:
        tab.open("/judge?queue=skipped")
        tab.says("#empty", "Nothing is left in this queue")
        assert violations(tab) == []
        for keys, selector, text in STATES:
            tab.open("/judge")
            tab.shows(SENTENCES[0])
            tab.press(*keys)
            tab.says(selector, text)
            assert violations(tab) == [], keys
            tab.press("Escape")
        tab.saved()
        server.kill()
        tab.press("2")
        tab.says("#trouble", "The desk does not answer")
        assert violations(tab) == []


def test_the_sign_in_page_is_accessible(
    browser: Browser, database: Path, store: ReviewStore, scheme: str
) -> None:
    users.add_user(store, "ana", "correct horse battery")
    view: Any = {"color_scheme": scheme}
    with (
        serving(database, sign_in=True) as server,
        open_tab(browser, server.url, **view) as tab,
    ):
        tab.open("/estimates")
        tab.says("h1", "Sign in")
        assert violations(tab) == []
        tab.page.get_by_label("Name").fill("ana")
        tab.page.get_by_label("Password").fill("wrong")
        tab.press("Enter")
        tab.says("#problem", "This name and password do not fit together.")
        assert violations(tab) == []


def test_a_narrow_screen_is_enough(browser: Browser, database: Path, store: ReviewStore) -> None:
    view: Any = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
    with serving(database) as server, open_tab(browser, server.url, **view) as tab:
        tab.open("/judge")
        tab.shows(SENTENCES[0])
        assert _overflow(tab) <= 0
        sentence = tab.page.locator("#sentence").bounding_box()
        assert sentence is not None
        for name in ("Attack", "Interception", "Attribution", "Background"):
            button = tab.page.get_by_role("button", name=name, exact=False).first
            box = button.bounding_box()
            assert box is not None
            assert box["y"] > sentence["y"] + sentence["height"]
            assert 0 <= box["x"] <= box["x"] + box["width"] <= 360, name
            assert box["y"] + box["height"] <= 640, name
            assert box["height"] >= 40, name
        tab.page.get_by_role("button", name="Attack claim as second label").tap()
        tab.page.get_by_role("button", name="Interception").first.tap()
        tab.shows(SENTENCES[1])
        tab.page.get_by_role("button", name="Skip").tap()
        tab.page.get_by_label("The text is damaged").tap()
        tab.page.locator("#skip").get_by_role("button", name="Skip").tap()
        tab.shows(SENTENCES[2])
        tab.saved()


def test_hostile_text_is_text(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "hostile.db"
    more = {"title": HOSTILE[1], "theatre": HOSTILE[2], "source": HOSTILE[3]}
    with make_store(path, records(HOSTILE, **more)) as store:
        visit_of(store).start().decide(1, kind="skip", reason=HOSTILE[3])
    with serving(path) as server, open_tab(browser, server.url) as tab:
        tab.open("/judge?queue=skipped")
        tab.says("#remarks", HOSTILE[3])
        tab.open("/judge?queue=all")
        for text in HOSTILE[1:]:
            # Spaces are shown as one; what would steer the text is shown as a replacement.
            tab.shows(_seen(text))
            assert tab.page.locator("#title").inner_text() == HOSTILE[1]
            tab.press("o")
            tab.says("#verdict", "Attack claim")
            tab.shows(_seen(text))
            tab.press("o", "n")
            tab.page.keyboard.type("</textarea><script>window.hacked = 7</script>")
            tab.press("Enter", "4")
        tab.says("#empty", "Nothing is left")
        tab.saved()
        for number in range(1, len(HOSTILE) + 1):
            tab.open(f"/sentences/{number}?show=true")
            assert _overflow(tab) <= 0
        tab.open("/")
        assert tab.page.evaluate("() => window.hacked") is None


def test_a_long_sentence_leaves_the_buttons_in_sight(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "long.db"
    make_store(path, records(("word " * 20_000, "Short."))).close()
    view: Any = {"viewport": {"width": 390, "height": 700}}
    with serving(path) as server, open_tab(browser, server.url, **view) as tab:
        tab.open("/judge")
        tab.shows("word word")
        box = tab.page.get_by_role("button", name="Background").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 700
        tab.press("4")
        tab.shows("Short.")


def _seen(text: str) -> str:
    for character in "\x01\x07\x1b\u202e\u202c\u2066":
        text = text.replace(character, "\ufffd")
    return " ".join(text.split())[:5_000]


def _overflow(tab: Tab) -> int:
    """Return by how many pixels the page is wider than the window."""
    wide = tab.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert isinstance(wide, int)
    return wide
