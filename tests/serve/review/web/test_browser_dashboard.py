"""The dashboard in a real browser: accessible, in both themes, narrow, as a file of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from claimwire.serve.review.dashboard import Dashboard
from claimwire.serve.review.dashboard_html import dashboard_html
from claimwire.serve.review.store import ReviewStore

from .browsing import Tab, open_tab
from .support import Server, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = (
    "/dashboard",
    "/dashboard?sample=all",
    "/dashboard/sentences",
    "/dashboard/sentences?reviewer=mara&other=olu&differ=yes",
)
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
OPEN = "for (const each of document.querySelectorAll('details')) each.open = true"
OUTSIDE = """() => [...document.querySelectorAll('svg.plot')].flatMap((plot) => {
  const frame = plot.getBoundingClientRect();
  return [...plot.querySelectorAll('text, circle, rect')]
    .map((part) => [part.textContent, part.getBoundingClientRect()])
    .filter(([, box]) => box.left < frame.left - 1 || box.right > frame.right + 1
      || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
    .map(([text]) => text);
})"""
"""What sticks out of its plot."""


@pytest.fixture(scope="module")
def desk(judged_desk: tuple[Path, object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("desk") / "review.db"
    shutil.copy(judged_desk[0], path)
    return path


@pytest.fixture(scope="module")
def server(desk: Path) -> Iterator[Server]:
    with serving(desk, reviewer="mara") as server:
        yield server


def violations(tab: Tab) -> list[str]:
    """Return what axe-core finds wrong."""
    script = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    tab.page.evaluate(script)
    result: dict[str, Any] = tab.page.evaluate("() => axe.run({resultTypes: ['violations']})")
    return [
        f"{found['id']}: {node['html']}"
        for found in result["violations"]
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_are_accessible_and_fit(
    browser: Browser, server: Server, scheme: str, width: int
) -> None:
    size = {"width": width, "height": 900}
    with open_tab(browser, server.url, color_scheme=scheme, viewport=size) as tab:
        for path in PAGES:
            tab.open(path)
            tab.page.evaluate(OPEN)
            assert tab.page.evaluate(OVERFLOW) == 0, path
            assert violations(tab) == [], path
            assert tab.page.evaluate(OUTSIDE) == [], path


def test_a_number_leads_to_its_sentences(browser: Browser, server: Server) -> None:
    with open_tab(browser, server.url) as tab:
        tab.open("/dashboard?sample=all")
        tab.page.locator(".confusion .right a").first.click()
        tab.says("h1", "judged sentences")
        tab.says(".active", "Predicted: Attack claim")
        tab.says(".active", "Judged: Attack claim")
        tab.page.locator(".sentences a").first.click()
        tab.says("h1", "Sentence")


def test_the_export_needs_nothing_else(browser: Browser, desk: Path, tmp_path: Path) -> None:
    with ReviewStore.open(str(desk)) as store:
        page = dashboard_html(Dashboard(store).board().figures, str)
    file = tmp_path / "dashboard.html"
    file.write_text(page, encoding="utf-8")
    with open_tab(browser, "", viewport={"width": 390, "height": 900}) as tab:
        asked: list[str] = []
        tab.page.on("request", lambda request: asked.append(request.url))
        tab.open(file.as_uri())
        tab.page.evaluate(OPEN)
        assert asked == [file.as_uri()]
        tab.says("h1", "Review dashboard")
        assert tab.page.evaluate(OVERFLOW) == 0
        assert tab.page.evaluate(OUTSIDE) == []
        addresses = tab.page.eval_on_selector_all(
            "a", "all => all.map((a) => a.getAttribute('href'))"
        )
        assert addresses
        assert all(address.startswith("#") for address in addresses)
        tab.page.locator('a[href="#drift"]').click()
        assert tab.page.locator("#drift").is_visible()
