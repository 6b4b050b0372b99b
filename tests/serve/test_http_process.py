"""The command as a process: starting, batching, stopping without losing anything."""

from __future__ import annotations

import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from claimwire.model.release import load_release
from claimwire.serve.http import problems

from .conftest import ARTICLE, ARTICLE_SENTENCES
from .http_support import Running, assert_same_records, running

TRIES = 100_000
"""Requests after which a state that was waited for will not come any more."""


def ask(
    server: Running, method: str, path: str, value: object = None, **headers: str
) -> tuple[int, Any]:
    """Send one request on a connection of its own; return status and JSON or text."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
        raw = None if value is None else json.dumps(value)
        connection.request(method, path, raw, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        text = answer.read().decode()
    return answer.status, json.loads(text) if text.startswith("{") else text


def until(condition: Any) -> None:
    assert any(condition() for _ in range(TRIES)), "it never came true"


def test_it_says_where_it_is_and_serves(tiny_release: Path) -> None:
    with running(tiny_release) as server:
        assert load_release(tiny_release).id in server.announced
        assert ask(server, "GET", "/readyz") == (200, {"status": "ready"})
        status, answer = ask(server, "POST", "/v1/tag", {"text": ARTICLE})
        assert status == 200
        texts = [record["text"] for record in answer["articles"][0]["sentences"]]
        assert texts == ARTICLE_SENTENCES
        server.terminate()
        assert server.process.wait() == 0


def test_many_clients_get_what_each_would_get_alone(tiny_release: Path) -> None:
    with running(tiny_release, "--batch-wait-ms", "20") as server:
        numbers = range(60)
        texts = [
            [f"Shell {number} fell.", ARTICLE_SENTENCES[number % 4]] * (number % 5 + 1)
            for number in numbers
        ]

        def tagged(sentences: list[str]) -> list[dict[str, Any]]:
            status, answer = ask(server, "POST", "/v1/tag-sentences", {"sentences": sentences})
            assert status == 200
            records = answer["sentences"]
            assert isinstance(records, list)
            return records

        with ThreadPoolExecutor(20) as pool:
            together = list(pool.map(tagged, texts))
        for number in numbers[:10]:
            assert_same_records(together[number], tagged(texts[number]))
        for number in numbers:
            assert [record["text"] for record in together[number]] == texts[number]
        server.terminate()
        assert server.process.wait() == 0


def test_stopping_finishes_what_was_accepted_and_refuses_what_is_new(tiny_release: Path) -> None:
    raw = json.dumps({"sentences": ARTICLE_SENTENCES * 25}).encode()
    with running(tiny_release) as server:
        accepted = [_half_sent(server, raw) for _ in range(8)]
        in_progress = "claimwire_http_requests_in_progress 8.0"
        until(lambda: in_progress in ask(server, "GET", "/metrics")[1])
        server.terminate()
        until(lambda: ask(server, "GET", "/readyz")[0] == 503)
        status, problem = ask(server, "POST", "/v1/tag", {"text": ARTICLE})
        assert (status, problem["type"]) == (503, problems.SHUTTING_DOWN.type)
        assert ask(server, "GET", "/healthz")[0] == 200
        assert server.process.poll() is None
        for connection in accepted:
            connection.send(raw[len(raw) // 2 :])
        for connection in accepted:
            answer = connection.getresponse()
            assert answer.status == 200
            assert len(json.loads(answer.read())["sentences"]) == 100
            connection.close()
        assert server.process.wait() == 0


def test_stopping_under_load_loses_no_request(tiny_release: Path) -> None:
    with running(tiny_release, "--drain-seconds", "3") as server:
        answered = count()

        def ask_until_refused(number: int) -> list[int]:
            statuses = [200]
            while statuses[-1] == 200:
                value = {"sentences": [f"Shell {number} fell."] * 20}
                status, answer = ask(server, "POST", "/v1/tag-sentences", value)
                statuses.append(status)
                assert status != 200 or len(answer["sentences"]) == 20
                if next(answered) == 40:
                    server.terminate()
            return statuses[1:]

        with ThreadPoolExecutor(8) as pool:
            statuses = [s for found in pool.map(ask_until_refused, range(8)) for s in found]
        assert server.process.wait() == 0
    assert statuses.count(503) == 8
    assert statuses.count(200) == len(statuses) - 8 > 30


def test_tokens_of_a_file_guard_a_public_address(tiny_release: Path, tmp_path: Path) -> None:
    token = "only-for-this-test-0001"
    path = tmp_path / "tokens.txt"
    path.write_text(token + "\n", encoding="utf-8")
    with running(tiny_release, "--tokens-file", str(path), "--access-log") as server:
        assert "without tokens" not in server.announced
        assert ask(server, "GET", "/v1/model")[0] == 401
        headers = {"Authorization": f"Bearer {token}"}
        assert ask(server, "GET", "/v1/model", **headers)[0] == 200
        server.terminate()
        assert server.process.wait() == 0
        assert server.process.stderr is not None
        log = server.process.stderr.read()
    assert "GET /v1/model" in log
    assert token not in log


def test_a_body_beyond_the_limit_is_answered(tiny_release: Path) -> None:
    with running(tiny_release, CLAIMWIRE_SERVE_MAX_BODY_BYTES="1000") as server:
        status, problem = ask(server, "POST", "/v1/tag", {"text": "A shell fell. " * 500})
        assert (status, problem["type"]) == (413, problems.BODY_TOO_LARGE.type)
        assert ask(server, "GET", "/readyz")[0] == 200


def test_bytes_that_are_no_http_leave_it_alone(tiny_release: Path) -> None:
    with running(tiny_release) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 400")
        assert ask(server, "GET", "/readyz")[0] == 200


def _half_sent(server: Running, raw: bytes) -> http.client.HTTPConnection:
    """Begin a request that the server cannot answer before the rest is sent."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.putrequest("POST", "/v1/tag-sentences")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(raw)))
    connection.endheaders()
    connection.send(raw[: len(raw) // 2])
    return connection
