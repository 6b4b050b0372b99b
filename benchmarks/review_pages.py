"""Speed of the review desk: pages and API over 10,000 sentences, and from a key to the next one.

Run from the repository's root, with the extra [dev] installed and nothing else running::

    python benchmarks/review_pages.py
    python benchmarks/review_pages.py --db postgresql://USER:PASSWORD@HOST/EMPTY_DATABASE

Imports sentences of the composed corpus, each with a number of its own, as articles of twenty;
judges a tenth of them, some twice; starts the real server as a process, for one person who does not
sign in; and asks for each page and API route of such a desk, which has none for accounts,
``--requests`` times, one after the other on one connection, never the same sentence twice in a row.
A request counts from before it is sent until its body is read. Then, where Debian's Chromium and
Playwright are there, judges by keyboard in a headless browser: from the key's own time stamp until
the frame that shows the next sentence was handed to the screen. The server, the browser and this
script share the machine. Writes ``benchmarks/results/review_pages.md``.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from review_desk import serving
from review_keys import key_times

from claimwire.data.corpus import default_corpus, load_examples
from claimwire.data.labels import LABELS, Label
from claimwire.serve.review.decisions import NewDecision, record_decision
from claimwire.serve.review.importing import import_records
from claimwire.serve.review.queues import Filter, Item, QueueName, next_items
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.tagger import Tagger

RESULTS: Final = Path("benchmarks/results/review_pages.md")
ARTICLE_SENTENCES: Final = 20
JUDGED: Final = 0.1
"""Share of the sentences judged before anything is measured."""
TWICE: Final = 5
"""Of so many judged sentences a second reviewer judges one, and disagrees on every other of those.
"""

PAGE_GOAL_MS: Final = 300
KEY_GOAL_MS: Final = 100

THEATRES: Final = ("fictional", "gulf-yemen", "ukraine-russia", "other")
SOURCES: Final = ("wire", "paper", "radio")

Times = dict[str, list[float]]
"""Milliseconds, by what was measured."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
        with serving(db, "--reviewer", "bench") as (port, _):
            times = _requests(port, options.requests, options.sentences)
            keys = key_times(port, options.keys)
    text = _report({**facts, "other load": load}, times, keys, options)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text, encoding="utf-8")
    print(text)


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
    labels = itertools.cycle(LABELS)
    while size > 0:
        items = next_items(store, Filter(queue), "earlier reviewer", count=min(size, 10))
        for item in items:
            given = next(labels)
            _decide(store, "earlier reviewer", item, given)
            if size % TWICE == 0:
                _decide(store, "second reviewer", item, next(labels) if size % 2 else given)
            size -= 1


def _decide(store: ReviewStore, reviewer: str, item: Item, label: Label) -> None:
    key = str(uuid.uuid4())
    record_decision(store, reviewer, NewDecision(item.sentence_id, "label", key, (label.value,)))


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

    def decide(self, path: str, sentence_id: int, label: Label, **more: str) -> int:
        """Give a sentence a label; return the decision's number."""
        given = {"sentence_id": sentence_id, "kind": "label", "labels": [label.value], **more}
        return int(self.post(path, {"client_key": str(uuid.uuid4()), **given})["decision"]["id"])

    def undo(self, decision: int) -> None:
        self.post("/api/undo", {"client_key": str(uuid.uuid4()), "decision_id": decision})


PAGES: Final = {
    "GET / (queues)": "/",
    "GET / (queues, filtered)": "/?label=attack_claim&theatre=fictional",
    "GET / (queues, searched)": "/?search=drone",
    **{f"GET /judge ({queue})": f"/judge?queue={queue}" for queue in QueueName},
    "GET /judge (searched)": "/judge?queue=all&search=drone",
    "GET /sentences/ID": "/sentences/{id}",
    "GET /estimates": "/estimates",
    "GET /guidelines": "/guidelines",
    "GET /dashboard": "/dashboard",
    "GET /dashboard (all judged)": "/dashboard?sample=all",
    "GET /dashboard/sentences": "/dashboard/sentences",
    "GET /dashboard/sentences (filtered)": "/dashboard/sentences?predicted=attack_claim",
    "GET /adjudicate": "/adjudicate",
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
    "GET /api/last-adjudication": "/api/last-adjudication",
}


def _requests(port: int, count: int, sentences: int) -> Times:
    client = _Client(port)
    ids = (1 + number * 7919 % sentences for number in itertools.count())
    client.send("GET", "/api/sentences/1/explanation", name="(first explanation: loads the model)")
    for name, path in {**PAGES, **CALLS}.items():
        for _ in range(count):
            client.send("GET", path.format(id=next(ids)), name=name)
    _judge_and_undo(client, count)
    _settle_and_undo(client, count)
    return {name: times for name, times in client.times.items() if name != "(for a decision)"}


def _judge_and_undo(client: _Client, count: int) -> None:
    labels = itertools.cycle(LABELS)
    for _ in range(count):
        (item,) = client.get("/api/next?queue=random&count=1", "(for a decision)")["items"]
        made = client.decide("/api/decisions", item["id"], next(labels))
        client.send("GET", "/dashboard", name="GET /dashboard (after a decision)")
        client.undo(made)


def _settle_and_undo(client: _Client, count: int) -> None:
    """Settle two disagreements in turn."""
    labels = itertools.cycle(LABELS)
    last = 0
    for _ in range(count):
        path = f"/api/disputes?count=1&exclude={last}"
        (item,) = client.get(path, "GET /api/disputes")["items"]
        last = item["id"]
        client.get(f"/api/disputes/{last}", "GET /api/disputes/ID")
        made = client.decide("/api/adjudications", last, next(labels), reason="For the benchmark.")
        client.undo(made)


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
        f"# The review desk under {options.sentences:,} sentences",
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
