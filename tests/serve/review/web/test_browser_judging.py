"""Judging in a real browser, by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claimwire.serve.review.decisions import effective_decisions, history
from claimwire.serve.review.store import ReviewStore

from .browsing import Tab, open_tab
from .support import RELEASE, SENTENCES, Server, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Response


@pytest.fixture
def server(database: Path) -> Iterator[Server]:
    with serving(database) as running:
        yield running


@pytest.fixture
def tab(browser: Browser, server: Server) -> Iterator[Tab]:
    with open_tab(browser, server.url) as opened:
        yield opened


def test_a_session_by_keyboard_alone(
    tab: Tab, store: ReviewStore, record_property: Callable[[str, object], None]
) -> None:
    tab.open("/")
    tab.press("Enter")  # the first queue has the focus
    tab.shows(SENTENCES[0])
    tab.press("1")
    tab.shows(SENTENCES[1])
    tab.press("Shift+Digit1", "Shift+Digit3", "Shift+Digit3", "2")
    tab.shows(SENTENCES[2])
    tab.press("h", "n")
    tab.page.keyboard.type("could be either")
    tab.press("Enter", "3")
    tab.shows(SENTENCES[3])
    tab.press("s", "4")
    tab.shows(SENTENCES[4])
    tab.press("x")
    tab.shows(SENTENCES[5])
    tab.press("u")
    tab.shows(SENTENCES[4])
    tab.says("#remarks", "Undone: Not a sentence. Please judge it again.")
    tab.press("Shift+Digit2", "1", "4")
    tab.says("#empty", "Nothing is left in this queue")
    tab.saved()
    milliseconds = tab.page.locator("#main").get_attribute("data-last-next-ms")
    assert milliseconds
    record_property("milliseconds from key to next sentence", milliseconds)

    said = {entry.sentence_id: entry for entry in effective_decisions(store)}
    assert [(said[n].kind, said[n].labels) for n in range(1, 7)] == [
        ("label", ("attack_claim",)),
        ("label", ("interception_claim", "attack_claim")),
        ("label", ("attribution_inference",)),
        ("skip", ()),
        ("label", ("attack_claim", "interception_claim")),
        ("label", ("background",)),
    ]
    assert (said[3].hard, said[3].note) == (True, "could be either")
    assert said[4].reason == "I do not read this language"
    assert [entry.mode for entry in said.values()] == ["blind"] * 4 + ["open", "blind"]
    assert [entry.kind for entry in history(store, 5)] == ["not_a_sentence", "undo", "label"]


def test_reasons_notes_and_help_close_by_keyboard(tab: Tab, store: ReviewStore) -> None:
    tab.open("/judge")
    tab.shows(SENTENCES[0])
    for key in ("s", "n", "g", "?"):
        tab.press(key)
        tab.dialogs(1)
        tab.press("Escape")
        tab.dialogs(0)
    tab.press("g", "g", "s", "5")
    tab.page.keyboard.type("two sentences in one")
    tab.press("Enter")
    tab.shows(SENTENCES[1])
    tab.press("s", "Enter")  # the first reason
    tab.shows(SENTENCES[2])
    tab.saved()
    assert [history(store, number)[0].reason for number in (1, 2)] == [
        "two sentences in one",
        "I cannot tell from the sentence",
    ]


def test_the_prediction_is_not_sent_before_the_decision(tab: Tab) -> None:
    received: list[Response] = []
    tab.page.on("response", lambda response: received.append(response))
    tab.open("/judge")
    tab.shows(SENTENCES[0])
    tab.page.wait_for_load_state("networkidle")
    assert any("/api/next" in response.url for response in received)
    for response in received:
        text = response.text()
        assert RELEASE not in text, response.url
        assert '"confidence"' not in text, response.url
    tab.press("4")
    tab.says("#toast", "The model said: Attack claim, 30%.")
    tab.shows(SENTENCES[1])
    tab.press("1")
    tab.says("#toast", "The model agreed: Attack claim, 40%.")


def test_open_mode_shows_what_the_model_says_and_why(tab: Tab, store: ReviewStore) -> None:
    tab.open("/judge")
    tab.shows(SENTENCES[0])
    tab.press("o")
    tab.says("#verdict", "Attack claim, 30% sure; it asks for review")
    tab.says("#score-background", "23%")
    tab.says("#why", re.compile("Marked: words for attack claim|No single word decides it"))
    tab.shows(SENTENCES[0])
    tab.press("1")
    tab.shows(SENTENCES[1])
    tab.says("#verdict", "Attack claim, 40% sure; it asks for review")
    tab.press("o")
    tab.hides("#model")
    tab.press("2")
    tab.shows(SENTENCES[2])
    tab.press("3")
    tab.shows(SENTENCES[3])
    tab.saved()
    # The second one was seen open before it was judged blind; the third one was not.
    assert [history(store, number)[0].mode for number in (1, 2, 3)] == ["open", "open", "blind"]


def test_background_stands_alone(tab: Tab, store: ReviewStore) -> None:
    tab.open("/judge")
    tab.shows(SENTENCES[0])
    tab.press("Shift+Digit4", "Shift+Digit2", "4")
    tab.says("#toast", "Background stands alone: take the second label off first (Esc).")
    tab.shows(SENTENCES[0])
    tab.press("Escape", "4")
    tab.shows(SENTENCES[1])
    tab.saved()
    assert history(store, 1)[0].labels == ("background",)


@pytest.mark.parametrize(("key", "code"), [("&", "Digit1"), ("١", "Digit1"), ("1", "Numpad1")])
def test_digits_go_by_their_place(tab: Tab, key: str, code: str) -> None:
    tab.open("/judge")
    tab.shows(SENTENCES[0])
    tab.page.locator("body").dispatch_event("keydown", {"key": key, "code": code})
    tab.shows(SENTENCES[1])


def test_letters_go_by_their_place_where_they_are_not_latin(tab: Tab) -> None:
    tab.open("/judge")
    tab.shows(SENTENCES[0])
    tab.page.locator("body").dispatch_event("keydown", {"key": "ы", "code": "KeyS"})
    tab.dialogs(1)


@pytest.mark.parametrize("extra", ["repeat", "ctrlKey", "altKey", "metaKey"])
def test_a_held_key_or_a_chord_judges_nothing(tab: Tab, extra: str) -> None:
    tab.open("/judge")
    tab.shows(SENTENCES[0])
    tab.page.locator("body").dispatch_event("keydown", {"key": "1", "code": "Digit1", extra: True})
    tab.press("h")  # the next key is heard
    tab.pressed("#hard")
    tab.shows(SENTENCES[0])


def test_single_keys_can_be_switched_off(tab: Tab, store: ReviewStore) -> None:
    tab.open("/judge")
    tab.shows(SENTENCES[0])
    tab.press("g")
    tab.page.locator("#keys").uncheck()
    tab.press("Escape", "1")
    tab.page.get_by_role("button", name="Background").click()
    tab.shows(SENTENCES[1])
    tab.saved()
    assert history(store, 1)[0].labels == ("background",)


def test_a_reload_keeps_what_was_begun_and_what_can_be_undone(tab: Tab, store: ReviewStore) -> None:
    tab.open("/judge")
    tab.shows(SENTENCES[0])
    tab.press("1")
    tab.shows(SENTENCES[1])
    tab.press("Shift+Digit3", "h", "n")
    tab.page.keyboard.type("not done yet")
    tab.press("Enter")
    tab.saved()
    tab.page.reload()
    tab.shows(SENTENCES[1])
    tab.says("#own-note", "Note: not done yet")
    tab.pressed("#hard")
    tab.says("#pending", "Second label: Attribution inference.")
    tab.press("u")
    tab.shows(SENTENCES[0])
    tab.press("2", "1")
    tab.shows(SENTENCES[2])
    tab.saved()
    assert [entry.kind for entry in history(store, 1)] == ["label", "undo", "label"]
    assert history(store, 2)[0].labels == ("attack_claim", "attribution_inference")


def test_a_sentence_is_judged_again_from_its_history(tab: Tab, store: ReviewStore) -> None:
    tab.open("/judge")
    tab.shows(SENTENCES[0])
    tab.press("1")
    tab.shows(SENTENCES[1])
    tab.saved()
    tab.open("/sentences/1")
    tab.page.get_by_role("link", name="Judge it again").press("Enter")
    tab.shows(SENTENCES[0])
    tab.says("#remarks", "You judged it before: Attack claim. A new judgement replaces it.")
    tab.press("4")
    tab.shows(SENTENCES[1])
    tab.saved()
    before, after = history(store, 1)
    assert (after.labels, after.revises) == (("background",), before.id)
