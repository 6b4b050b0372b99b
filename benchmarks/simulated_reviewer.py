"""A simulated reviewer of ``benchmarks/review.py``: a thread that does as a browser does."""

from __future__ import annotations

import argparse
import http.client
import json
import re
import threading
import time
import uuid
from collections import Counter, defaultdict, deque
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

from claimwire.data.labels import LABELS

PASSWORD: Final = "a benchmark's password"

SKIPPED, NO_SENTENCE, UNDONE = 0.05, 0.03, 0.05
"""Shares of the decisions."""

NO_ANSWER: Final = 599
_TRIES: Final = 20
_FORM: Final = "application/x-www-form-urlencoded"


Note = tuple[str, int, str, tuple[str, ...], int | None]
"""A decision: client key, sentence, kind, labels, and the decision that was undone."""


class Reviewer(threading.Thread):
    """A reviewer's browser: one connection, a second one now and then, and notes of its own.

    Attributes:
        reviewer: the name.
        notes: acknowledged decisions as they were sent, in order.
        ids: the numbers that answers gave to the decision of each key.
        unanswered: keys of decisions that were never acknowledged.
        times: milliseconds of each answer, by call.
        statuses: answers by call and status; for none, the error's kind.
        broken: whether it stopped before its time.
        start_time: of the first request for sentences, in seconds of ``time.perf_counter``.
        end: after the last answer.
    """

    def __init__(
        self, port: int, number: int, ready: threading.Barrier, options: argparse.Namespace
    ) -> None:
        super().__init__(daemon=True)
        self.reviewer = f"reviewer-{number}"
        self.notes: list[Note] = []
        self.ids: dict[str, set[int]] = defaultdict(set)
        self.unanswered: set[str] = set()
        self.times: dict[str, list[float]] = defaultdict(list)
        self.statuses: Counter[tuple[str, str]] = Counter()
        self.broken = True
        self.start_time, self.end = float("inf"), 0.0
        self._ready, self._options, self._random = ready, options, Random(number)
        self._queue = ("uncertain", "all")[number % 2]
        self._address = f"127.0.0.1:{port}"
        self._lines = [http.client.HTTPConnection(self._address, timeout=60) for _ in range(2)]
        self._cookies: dict[str, str] = {}
        self._csrf, self._page, self._status = "", "", 0

    def run(self) -> None:
        self._sign_in()
        self._ready.wait(60)
        self.start_time = time.perf_counter()
        end = self.start_time + self._options.seconds
        ahead: deque[dict[str, Any]] = deque()
        while time.perf_counter() < end:
            if not ahead:
                found = self._send("GET /api/next", f"/api/next?count=3&queue={self._queue}")
                ahead.extend(found["items"] if found else [])
                if not ahead:
                    time.sleep(0.2)
                continue
            sentence_id = ahead.popleft()["id"]
            self._think()
            decided = self._decide(sentence_id)
            if decided and self._random.random() < UNDONE:
                self._think()
                if self._post("/api/undo", "undo", sentence_id, decision_id=decided["id"]):
                    ahead.appendleft({"id": sentence_id})  # it comes back on the screen
        self.end = time.perf_counter()
        self.broken = False

    def _think(self) -> None:
        time.sleep(self._options.think * self._random.uniform(0.5, 1.5))

    def _sign_in(self) -> None:
        self._send("GET /sign-in", "/sign-in")
        found = re.search(r'name="csrf" value="([^"]+)"', self._page)
        assert found, self._page
        form = {"csrf": found[1], "next": "/", "name": self.reviewer, "password": PASSWORD}
        self._send("POST /sign-in", "/sign-in", urlencode(form).encode())
        session = self._send("GET /api/session", "/api/session")
        assert session is not None, self._page
        assert session["reviewer"] == self.reviewer, session
        self._csrf = session["csrf"]

    def _decide(self, sentence_id: int) -> dict[str, Any] | None:
        drawn = self._random.random()
        if drawn < SKIPPED:
            return self._post("/api/decisions", "skip", sentence_id, reason="I cannot tell.")
        if drawn < SKIPPED + NO_SENTENCE:
            return self._post("/api/decisions", "not_a_sentence", sentence_id)
        labels = [label.value for label in self._random.sample(list(LABELS), 1)]
        return self._post("/api/decisions", "label", sentence_id, labels=labels)

    def _post(self, path: str, kind: str, sentence_id: int, **more: Any) -> dict[str, Any] | None:
        """Send a decision until it is answered, some of them twice; note what was acknowledged."""
        key = str(uuid.uuid4())
        body = {"client_key": key, **more}
        if kind != "undo":
            body |= {"sentence_id": sentence_id, "kind": kind}
        raw = json.dumps(body).encode()
        twice = kind != "undo" and self._random.random() < self._options.twice
        at_once = twice and self._random.random() < 0.5
        name = f"POST {path}"
        if at_once:
            self._lines[1].close()  # the desk closes idle connections: take a new one
            second = self._begin(path, raw, self._lines[1])
        for _ in range(_TRIES):
            answer = self._send(f"{name} (twice at once)" if at_once else name, path, raw)
            if answer is not None or self._status < 500:
                break
            time.sleep(0.5)
        answers = [answer]
        if at_once:
            answers.append(self._end(f"{name} (twice at once)", self._lines[1], second))
        elif twice:
            answers.append(self._send(f"{name} (sent again)", path, raw))
        made = [entry["decision"] for entry in answers if entry is not None]
        if not made:
            self.unanswered.add(key)
            return None
        self.ids[key] |= {entry["id"] for entry in made}
        labels = tuple(more.get("labels", ()))
        self.notes.append((key, sentence_id, kind, labels, more.get("decision_id")))
        first: dict[str, Any] = made[0]
        return first

    def _send(self, name: str, path: str, raw: bytes | None = None) -> dict[str, Any] | None:
        """Send a request and wait for its answer; None for an answer of 400 and above, or none."""
        return self._end(name, self._lines[0], self._begin(path, raw, self._lines[0]))

    def _begin(self, path: str, raw: bytes | None, line: http.client.HTTPConnection) -> float:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Origin": f"http://{self._address}", "X-CSRF-Token": self._csrf}
        headers |= {"Cookie": cookies} if cookies else {}
        if raw is not None:
            headers["Content-Type"] = "application/json" if self._csrf else _FORM
        start = time.perf_counter()
        try:
            line.request("GET" if raw is None else "POST", path, raw, headers)
        except (OSError, http.client.HTTPException):
            line.close()  # the answer will be missed
        return start

    def _end(
        self, name: str, line: http.client.HTTPConnection, start: float
    ) -> dict[str, Any] | None:
        try:
            answer = line.getresponse()
            self._page = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            line.close()
            self._status = NO_ANSWER
            self.statuses[name, type(error).__name__] += 1
            return None
        self._status = answer.status
        self.times[name].append((time.perf_counter() - start) * 1_000)
        self.statuses[name, str(answer.status)] += 1
        for cookie in answer.headers.get_all("Set-Cookie", []):
            key, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[key] = value
        is_json = answer.headers.get_content_type() == "application/json"
        return json.loads(self._page) if is_json and answer.status == 200 else None
