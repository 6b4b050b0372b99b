"""A real ``claimwire review serve`` and a headless browser, for the benchmarks of the desk."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

CHROMIUM: Final = Path("/usr/bin/chromium")
_FLAGS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


@contextmanager
def serving(db: str, *options: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Start the desk as its users do; give its port and its process, and stop it at the end.

    What it says after its announcement goes to standard error.
    """
    command = [sys.executable, "-m", "claimwire", "review", "serve", "--port", "0", "--no-browser"]
    process = subprocess.Popen(
        [*command, *options],
        env={**os.environ, "CLAIMWIRE_REVIEW_DB": db},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = threading.Thread(target=sys.stderr.writelines, args=(process.stderr,), daemon=True)
    try:
        line = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found, line + process.stderr.read()
        said.start()
        yield int(found[1]), process
    finally:
        process.terminate()
        process.wait()
        if said.ident is not None:
            said.join()


def launch(playwright: Playwright) -> Browser:
    """Start Debian's Chromium, headless."""
    return playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(_FLAGS))
