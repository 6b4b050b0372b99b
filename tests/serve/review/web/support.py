"""What the desk's web tests share: invented articles, applications, servers, browsers' ways."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from starlette.testclient import TestClient

from claimwire.data.labels import LABELS
from claimwire.serve.review.importing import import_records
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.web.app import create_app
from claimwire.serve.review.web.settings import DeskSettings

HOST = "127.0.0.1:8765"
RELEASE = "tiny 0.0.1 0123456789ab"

SENTENCES = (
    "Two drones struck the fuel depot at Maresk before dawn on Monday.",
    "Air defence crews shot down a third one over the river.",
    "No group has said that it was behind the attack.",
    "The port handles most of the country’s grain.",
    "Forty drones were launched overnight and thirty-one were shot down.",
    "Investigators traced the debris to a workshop in the north.",
)
"""Six sentences of our own; the first is the most uncertain one, and so on."""

HOSTILE = (
    "<script>window.hacked = 1</script>",
    "</textarea></p></main><script>window.hacked = 2</script>",
    '"\' onmouseover=window.hacked=3 autofocus onfocus=window.hacked=3 x="',
    '<img src=x onerror="window.hacked=4"><svg onload="window.hacked=4">',
    "javascript:window.hacked=5",
    "{{ 7 * 7 }} {% raw %} ${7 * 7} </script><!--",
    "before \u202egnirts desrever\u202c and \u2066isolated",
    "start \x01 bell \x07 escape \x1b[31m and a lone \ufeff mark",
    "x" * 20_000 + " " + "word " * 4_000,
    "&lt;b&gt; &amp;amp; <b>bold</b> <a href='javascript:window.hacked=6'>link</a>",
)
"""Sentences that want to be more than text."""


def records(
    texts: tuple[str, ...] = SENTENCES,
    *,
    article: str = "a",
    label: str = "attack_claim",
    **more: Any,
) -> Iterator[dict[str, Any]]:
    """Yield tagged records of one article, each sentence a little surer than the one before."""
    for index, text in enumerate(texts):
        confidence = round(0.3 + 0.6 * index / len(texts), 4)
        rest = round((1 - confidence) / (len(LABELS) - 1), 4)
        yield {
            "article_id": article,
            "sentence_index": index,
            "start": None,
            "end": None,
            "text": text,
            "label": label,
            "labels": [label],
            "scores": {name.value: confidence if name == label else rest for name in LABELS},
            "confidence": confidence,
            "needs_review": confidence < 0.5,
            "truncated": False,
            "model": RELEASE,
            "title": "Night over Maresk",
            "theatre": "fictional",
            "source": "Harbour Post",
            **more,
        }


def make_store(path: Path, *batches: Iterator[dict[str, Any]]) -> ReviewStore:
    """Return a database with articles, by default the one of :data:`SENTENCES`."""
    store = ReviewStore.open(str(path))
    for batch in batches or (records(),):
        report = import_records(store, batch, random_share=0.5)
        assert not report.problems
    return store


class Visit:
    """A browser's ways without one: cookies, the session's token, the desk's own origin."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.csrf = ""

    def get(self, path: str, **options: Any) -> httpx2.Response:
        return self.client.get(path, **options)

    def json(self, path: str) -> dict[str, Any]:
        response = self.get(path)
        assert response.status_code == 200, response.text
        body = response.json()
        assert isinstance(body, dict)
        return body

    def start(self) -> Visit:
        """Load the first page, as a browser does, and take the token from it."""
        page = self.get("/")
        found = re.search(r'data-csrf="([^"]+)"', page.text)
        assert found, page.text
        self.csrf = found[1]
        return self

    def post(
        self,
        path: str,
        body: Mapping[str, object],
        headers: Mapping[str, str | bytes] | None = None,
    ) -> httpx2.Response:
        own = {"X-CSRF-Token": self.csrf, "Origin": f"http://{HOST}", **(headers or {})}
        raw = [
            (name.encode(), value if isinstance(value, bytes) else value.encode())
            for name, value in own.items()
        ]
        return self.client.post(path, json=body, headers=httpx2.Headers(raw))

    def form(self, path: str, **fields: str) -> httpx2.Response:
        headers = {"Origin": f"http://{HOST}"}
        return self.client.post(path, data=fields, headers=headers, follow_redirects=False)

    def decide(self, sentence_id: int, *labels: str, **more: object) -> dict[str, Any]:
        sent = decision(sentence_id, *labels, **more)
        response = self.post("/api/decisions", sent)
        assert response.status_code == 200, response.text
        return {**response.json(), "key": sent["client_key"]}


def decision(sentence_id: int, *labels: str, **more: object) -> dict[str, object]:
    """Return a decision as the browser sends it."""
    return {
        "client_key": str(uuid.uuid4()),
        "sentence_id": sentence_id,
        "kind": "label",
        "labels": list(labels),
        **more,
    }


def client_of(store: ReviewStore, **settings: Any) -> TestClient:
    """Return a client whose server errors are answers, as they are to a browser."""
    app = create_app(store, DeskSettings(**{"reviewer": "ana", **settings}))
    return TestClient(app, base_url=f"http://{HOST}", raise_server_exceptions=False)


def visit_of(store: ReviewStore, **settings: Any) -> Visit:
    return Visit(client_of(store, **settings))


@dataclass
class Server:
    """A desk in a process of its own."""

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(path: Path, port: int = 0, **options: Any) -> Iterator[Server]:
    """Run the desk in another process until the block ends, and wait until it listens."""
    chosen = {"reviewer": "ana", "open_browser": False, "port": port, **options}
    program = (
        "from claimwire.serve.review.web.server import run_desk\n"
        f"run_desk({str(path)!r}, **{chosen!r})"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert process.stderr is not None
    try:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if match := re.search(r"review desk at http://127\.0\.0\.1:(\d+)/", line):
                yield Server(process, int(match[1]))
                break
        else:
            raise AssertionError(f"it did not start: {''.join(lines)}")
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stderr.close()
