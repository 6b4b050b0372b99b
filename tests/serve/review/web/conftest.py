"""Fixtures of the desk's web tests: a database, a visit, and a browser where there is one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from claimwire.serve.review.store import ReviewStore

from .support import Visit, make_store, visit_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the article of six sentences, which tests copy: that is quicker."""
    path = tmp_path_factory.mktemp("review") / "review.db"
    make_store(path).close()
    return path


@pytest.fixture
def database(prepared: Path, tmp_path: Path) -> Path:
    """A database of the test's own."""
    path = tmp_path / "review.db"
    shutil.copy(prepared, path)
    return path


@pytest.fixture
def store(database: Path) -> Iterator[ReviewStore]:
    with ReviewStore.open(str(database)) as opened:
        yield opened


@pytest.fixture
def visit(store: ReviewStore) -> Iterator[Visit]:
    """A browser at a desk where nobody signs in."""
    made = visit_of(store)
    with made.client:
        yield made.start()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium, for one module: Playwright keeps an event loop running in this thread,
    and tests of other modules start their own.
    """
    if not CHROMIUM.exists():
        pytest.skip(f"needs Chromium at {CHROMIUM}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield launched
        launched.close()
