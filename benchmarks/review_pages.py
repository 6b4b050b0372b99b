"""Speed of the review desk: pages and API over 10,000 sentences, and from a key to the next one.

Run from the repository's root, with the extra [dev] installed and nothing else running::

    python benchmarks/review_pages.py
    python benchmarks/review_pages.py --db postgresql://USER:PASSWORD@HOST/EMPTY_DATABASE

Imports sentences of the composed corpus, each with a number of its own, as articles of twenty;
judges a tenth of them; starts the real server as a process; and asks for each page and API route
``--requests`` times, one after the other on one connection, never the same sentence twice in a row.
A request counts from before it is sent until its body is read. Then, where Debian's Chromium and
Playwright are there, judges by keyboard in a headless browser: from the key's own time stamp until
the frame that shows the next sentence was handed to the screen. The server, the browser and this
script share the machine. Writes ``benchmarks/results/review_pages.md``.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import numpy as np

from claimwire.data.corpus import default_corpus, load_examples
from claimwire.data.labels import LABELS
from claimwire.serve.review.decisions import NewDecision, record_decision
from claimwire.serve.review.importing import import_records
from claimwire.serve.review.queues import Filter, QueueName, next_items
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.tagger import Tagger

RESULTS: Final = Path("benchmarks/results/review_pages.md")
CHROMIUM: Final = Path("/usr/bin/chromium")
CHROMIUM_FLAGS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
ARTICLE_SENTENCES: Final = 20
JUDGED: Final = 0.1
"""Share of the sentences judged before anything is measured."""

PAGE_GOAL_MS: Final = 300
KEY_GOAL_MS: Final = 100

THEATRES: Final = ("fictional", "gulf-yemen", "ukraine-russia", "other")
SOURCES: Final = ("wire", "paper", "radio")

Times = dict[str, list[float]]
"""Milliseconds, by what was measured."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--sentences", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--keys", type=int, default=300)
    parser.add_argument("--db", help="an empty database (default: a SQLite file)")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    load = f"{os.getloadavg()[0]:.1f} processes before the start, which slows everything from 1 on"
    with tempfile.TemporaryDirectory(prefix="claimwire-benchmark-") as scratch:
        db = options.db or str(Path(scratch) / "review.db")
        facts = _fill(db, options.sentences)
        with serving(db) as port:
            times = _requests(port, options.requests, options.sentences)
            keys = _keys(port, options.keys)
    text = _report({**facts, "other load": load}, times, keys, options)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text, encoding="utf-8")
    print(text)


class _Raw(argparse.RawDescriptionHelpFormatter):
    pass


def _records(size: int) -> Iterator[dict[str, Any]]:
    """Yield tagged records, sentence after sentence of an article."""
    texts = list(dict.fromkeys(example.text for example in load_examples(default_corpus())))
    tagger = Tagger.load()
    verdicts = [tagged.verdict() for tagged in tagger.tag_sentences(texts)]
    for number in range(size):
        text, verdict = texts[number % len(texts)], verdicts[number % len(texts)]
        article = number // ARTICLE_SENTENCES
        yield {
            "article_id": f"article-{article}",
            "sentence_index": number % ARTICLE_SENTENCES,
            "text": f"{text} ({number})",
            **verdict,
            "model": tagger.model,
            "title": f"Article number {article}",
            "theatre": THEATRES[article % len(THEATRES)],
            "source": SOURCES[article % len(SOURCES)],
            "noise": (number * 37 % 1000) / 1000,
        }


def _fill(db: str, size: int) -> dict[str, str]:
    """Import sentences and judge some; return what is to be told of it."""
    with ReviewStore.open(db) as store:
        records = list(_records(size))
        start = time.perf_counter()
        report = import_records(store, records)
        imported = time.perf_counter() - start
        judged = round(size * JUDGED)
        start = time.perf_counter()
        _judge(store, QueueName.RANDOM, judged // 2)
        _judge(store, QueueName.UNCERTAIN, judged - judged // 2)
        decided = time.perf_counter() - start
    return {
        "database": store.url.partition(":")[0],
        "sentences": f"{report.sentences:,} in {report.articles:,} articles",
        "imported": f"{size / imported:,.0f} sentences/s",
        "judged": f"{judged:,}, {judged / decided:,.0f}/s by one process",
    }


def _judge(store: ReviewStore, queue: QueueName, size: int) -> None:
    labels = cycle(LABELS)
    while size > 0:
        items = next_items(store, Filter(queue), "earlier reviewer", count=min(size, 10))
        for item in items:
            given = (next(labels).value,)
            decision = NewDecision(item.sentence_id, "label", str(uuid.uuid4()), labels=given)
            record_decision(store, "earlier reviewer", decision)
        size -= len(items)


@contextmanager
def serving(db: str, reviewer: str = "bench") -> Iterator[int]:
    """Start the desk as its users do; give its port."""
    command = [sys.executable, "-m", "claimwire", "review", "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--no-browser", "--reviewer", reviewer],
        env={**os.environ, "CLAIMWIRE_REVIEW_DB": db},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found, line + process.stderr.read()
        yield int(found[1])
    finally:
        process.terminate()
        process.wait()


class _Client:
    """One connection to the desk, as a browser has it."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._headers = {"Origin": f"http://127.0.0.1:{port}"}
        self.times: Times = {}
        answer = self.send("GET", "/", name="(first page of a cold server)")
        self._headers["Cookie"] = str(answer.headers["Set-Cookie"]).partition(";")[0]
        session = self.get("/api/session")
        self._headers["X-CSRF-Token"] = session["csrf"]

    def send(
        self, method: str, path: str, body: object = None, name: str = ""
    ) -> http.client.HTTPResponse:
        raw = None if body is None else json.dumps(body).encode()
        headers = {**self._headers, **({"Content-Type": "application/json"} if raw else {})}
        start = time.perf_counter()
        self._connection.request(method, path, raw, headers)
        answer = self._connection.getresponse()
        self.body = answer.read()
        elapsed = (time.perf_counter() - start) * 1_000
        assert answer.status == 200, (method, path, answer.status, self.body[:300])
        self.times.setdefault(name or f"{method} {path}", []).append(elapsed)
        return answer

    def get(self, path: str, name: str = "") -> Any:
        self.send("GET", path, name=name)
        return json.loads(self.body)

    def post(self, path: str, body: object) -> Any:
        self.send("POST", path, body)
        return json.loads(self.body)


PAGES: Final = {
    "GET / (queues)": "/",
    "GET / (queues, filtered)": "/?label=attack_claim&theatre=fictional",
    "GET / (queues, searched)": "/?search=drone",
    **{f"GET /judge ({queue})": f"/judge?queue={queue}" for queue in QueueName},
    "GET /judge (searched)": "/judge?queue=all&search=drone",
    "GET /sentences/ID": "/sentences/{id}",
    "GET /estimates": "/estimates",
    "GET /guidelines": "/guidelines",
}

CALLS: Final = {
    "GET /api/session": "/api/session",
    **{f"GET /api/next ({queue})": f"/api/next?queue={queue}" for queue in QueueName},
    "GET /api/next (filtered)": "/api/next?queue=uncertain&label=attack_claim&source=wire",
    "GET /api/next (searched)": "/api/next?queue=all&search=drone",
    "GET /api/sentences/ID": "/api/sentences/{id}",
    "GET /api/sentences/ID/prediction": "/api/sentences/{id}/prediction",
    "GET /api/sentences/ID/explanation": "/api/sentences/{id}/explanation",
    "GET /api/last": "/api/last",
}


def _requests(port: int, count: int, sentences: int) -> Times:
    client = _Client(port)
    ids = (1 + number * 7919 % sentences for number in range(10**9))
    client.send("GET", "/api/sentences/1/explanation", name="(first explanation: loads the model)")
    for name, path in {**PAGES, **CALLS}.items():
        for _ in range(count):
            client.send("GET", path.format(id=next(ids)), name=name)
    labels = cycle(LABELS)
    for _ in range(count):
        (item,) = client.get("/api/next?queue=random&count=1", "(for a decision)")["items"]
        decision = {
            "client_key": str(uuid.uuid4()),
            "sentence_id": item["id"],
            "kind": "label",
            "labels": [next(labels).value],
        }
        made = client.post("/api/decisions", decision)["decision"]
        client.post("/api/undo", {"client_key": str(uuid.uuid4()), "decision_id": made["id"]})
    return {name: times for name, times in client.times.items() if name != "(for a decision)"}


WATCH: Final = """
() => {
  window.times = [];
  let pressed = 0;
  addEventListener("keydown", (event) => { pressed = event.timeStamp; }, true);
  const watcher = new MutationObserver(() => {
    const start = pressed;
    if (!start) return;
    pressed = 0;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      // The message comes after the frame was drawn.
      port1.onmessage = () => {
        window.times.push(performance.now() - start);
        window.tell();
      };
      port2.postMessage(0);
    });
  });
  const sentence = document.getElementById("sentence");
  watcher.observe(sentence, { childList: true, characterData: true, subtree: true });
}
"""
EXPECT: Final = "() => { window.shown = new Promise((resolve) => { window.tell = resolve; }); }"
SAVED: Final = """
async () => {
  const state = document.getElementById("state");
  while (state.dataset.state !== "ok") await new Promise((resolve) => setTimeout(resolve, 20));
}
"""


def _keys(port: int, count: int) -> Times:
    """Judge by keyboard in a browser; nothing where there is none."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return {}
    if not CHROMIUM.exists():
        return {}
    times: Times = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=list(CHROMIUM_FLAGS)
        )
        page = browser.new_page()
        for queue in ("uncertain", "random"):
            page.goto(f"http://127.0.0.1:{port}/judge?queue={queue}")
            page.wait_for_selector("#work:not([hidden])")
            page.evaluate(WATCH)
            for number in range(count):
                page.evaluate(EXPECT)
                page.keyboard.press(str(1 + number % len(LABELS)))
                page.evaluate("() => window.shown")
            times[f"key to next sentence ({queue})"] = page.evaluate("() => window.times")
            page.evaluate(SAVED)
        browser.close()
    return times


def _rows(times: Mapping[str, Sequence[float]]) -> Iterator[str]:
    for name, found in times.items():
        p50, p95 = np.percentile(found, [50, 95])
        worst = f"{max(found):.1f}"
        yield f"| `{name}` | {len(found)} | {p50:.1f} | {p95:.1f} | {worst} |"


def _report(
    facts: Mapping[str, str], times: Times, keys: Times, options: argparse.Namespace
) -> str:
    once = {name: found for name, found in times.items() if len(found) == 1}
    many = {name: found for name, found in times.items() if len(found) > 1}
    worst = max(many, key=lambda name: float(np.percentile(many[name], 95)))
    slowest = float(np.percentile(many[worst], 95))
    head = "| | n | p50 | p95 | most |\n|---|---:|---:|---:|---:|"
    lines = [
        "# The review desk under 10,000 sentences"
        if options.sentences == 10_000
        else f"# The review desk under {options.sentences:,} sentences",
        "",
        f"`python benchmarks/review_pages.py`; {os.cpu_count()} cores, which server, browser and "
        "benchmark share. Milliseconds.",
        "",
        *(f"- {name}: {value}" for name, value in facts.items()),
        "",
        f"**Slowest page or call at the 95th percentile: {slowest:.0f} ms, `{worst}`** "
        f"(goal: under {PAGE_GOAL_MS}).",
    ]
    if keys:
        together = [value for found in keys.values() for value in found]
        p95 = float(np.percentile(together, 95))
        lines += [
            f"**From a key to the next sentence on the screen at the 95th percentile: {p95:.0f} "
            f"ms** (goal: under {KEY_GOAL_MS}; headless Chromium, the picture included).",
        ]
    lines += ["", "## In the browser", "", head, *_rows(keys)] if keys else []
    pages = {name: found for name, found in many.items() if "/api/" not in name}
    calls = {name: found for name, found in many.items() if "/api/" in name}
    lines += ["", "## Pages", "", head, *_rows(pages)]
    lines += ["", "## Calls of the script", "", head, *_rows(calls)]
    lines += ["", "## Once", "", head, *_rows(once), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
