"""A tab of a real browser, as the browser tests use it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

PATIENCE = 30_000
"""Milliseconds that a page may take on a busy machine."""


class Tab:
    """A tab at a desk; what it is expected to show may take a while."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.problems: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("dialog", lambda dialog: self.problems.append(dialog.message))
        page.on("console", lambda message: self._note(message.text))

    def _note(self, text: str) -> None:
        if "Content Security Policy" in text:
            self.problems.append(text)

    def open(self, path: str) -> None:
        self.page.goto(self.url + path)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def shows(self, sentence: str) -> None:
        self.says("#sentence", sentence)

    def says(self, selector: str, text: str | re.Pattern[str]) -> None:
        from playwright.sync_api import expect

        expect(self.page.locator(selector)).to_contain_text(text, timeout=PATIENCE)

    def hides(self, selector: str) -> None:
        from playwright.sync_api import expect

        expect(self.page.locator(selector)).to_be_hidden(timeout=PATIENCE)

    def pressed(self, selector: str) -> None:
        from playwright.sync_api import expect

        button = self.page.locator(selector)
        expect(button).to_have_attribute("aria-pressed", "true", timeout=PATIENCE)

    def dialogs(self, count: int) -> None:
        from playwright.sync_api import expect

        expect(self.page.locator("dialog[open]")).to_have_count(count, timeout=PATIENCE)

    def saved(self) -> None:
        self.says("#state", "All saved")


@contextmanager
def open_context(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """Give a browser that knows nothing yet, with cookies and storage of its own."""
    context = browser.new_context(**options)
    try:
        yield context
    finally:
        context.close()


@contextmanager
def open_tab(browser: Browser, url: str, **options: Any) -> Iterator[Tab]:
    """Give a tab in a browser of its own; no script may fail in it and nothing may be blocked."""
    with open_context(browser, **options) as context:
        tab = Tab(context.new_page(), url)
        yield tab
        assert tab.problems == []
