"""Limits and wrong requests: each kind of problem, as RFC 9457 wants it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from claimwire.data.errors import MissingExtraError
from claimwire.serve.http import problems
from claimwire.serve.http.problems import PROBLEM_BASE

from .conftest import ARTICLE
from .http_support import assert_problem, client_of, make_app, service_of, serving

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def client(tiny_release: Path) -> Iterator[TestClient]:
    limits: dict[str, Any] = {"max_body_bytes": 4_000, "max_articles": 3, "max_sentences": 8}
    with serving(tiny_release, **limits) as client:
        yield client


def post_scope(headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    """Return the ASGI scope of a POST to /v1/tag, for bodies that no client would send so."""
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/tag",
        "raw_path": b"/v1/tag",
        "root_path": "",
        "query_string": b"",
        "headers": headers,
    }


def test_kinds_are_distinct_and_sorted() -> None:
    assert len({kind.type for kind in problems.KINDS}) == len(problems.KINDS)
    assert [kind.status for kind in problems.KINDS] == sorted(k.status for k in problems.KINDS)
    assert all(kind.type.startswith(PROBLEM_BASE) for kind in problems.KINDS)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/tag/", "/docs", "/v1/tag/..", "/%00", "/a b"])
def test_an_unknown_path(client: TestClient, path: str) -> None:
    assert_problem(client.get(path), problems.NOT_FOUND)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/v1/tag", "POST"), ("POST", "/v1/model", "GET"), ("DELETE", "/healthz", "GET")],
)
def test_a_method_that_does_not_fit(
    client: TestClient, method: str, path: str, allowed: str
) -> None:
    answer = client.request(method, path)
    assert_problem(answer, problems.METHOD_NOT_ALLOWED)
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe\xfd",
        b'{"text": "a", "text": "b"}',
        b'{"text": NaN}',
        b'{"text": "a"} x',
        b"[" * 1_900,
        b'{"text": ' + b"9" * 3_900 + b"1}",
    ],
    ids=lambda raw: raw[:12].decode("latin-1"),
)
def test_a_body_that_is_no_json(client: TestClient, raw: bytes) -> None:
    answer = client.post("/v1/tag", content=raw, headers=JSON)
    kind = problems.INVALID if raw.endswith(b"1}") else problems.MALFORMED
    assert_problem(answer, kind)


def test_a_number_of_endless_digits(tiny_release: Path) -> None:
    with serving(tiny_release) as client:
        raw = b'{"text": "a", "id": ' + b"9" * 10_000 + b"}"
        body = assert_problem(client.post("/v1/tag", content=raw, headers=JSON), problems.MALFORMED)
    assert "endless digits" in body["detail"]


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ([], ""),
        ("A shell fell.", ""),
        (None, ""),
        ({}, "/text"),
        ({"text": 7}, "/text"),
        ({"text": " \n"}, "/text"),
        ({"text": "a", "txt": "b"}, "/txt"),
        ({"text": "a", "id": True}, "/id"),
        ({"text": "a", "id": 1.5}, "/id"),
        ({"text": "a", "id": ""}, "/id"),
        ({"text": "a", "id": "x" * 201}, "/id"),
        ({"text": "a", "format": "pdf"}, "/format"),
        ({"text": "<html><body></body></html>"}, "/text"),
        ({"articles": []}, "/articles"),
        ({"articles": {"text": "a"}}, "/articles"),
        ({"articles": ["a"]}, "/articles/0"),
        ({"articles": [{"text": "a"}, {"text": ""}]}, "/articles/1/text"),
        ({"articles": [{"text": "a"}], "text": "b"}, "/text"),
        ({"text": "a", "a/b~c": 1}, "/a~1b~0c"),
    ],
    ids=repr,
)
def test_a_body_of_another_shape_is_pointed_at(
    client: TestClient, value: object, pointer: str
) -> None:
    answer = client.post("/v1/tag", content=json.dumps(value).encode(), headers=JSON)
    body = assert_problem(answer, problems.INVALID)
    assert {error["pointer"] for error in body["errors"]} == {pointer}


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ({"text": "a"}, "/sentences"),
        ({"sentences": "a"}, "/sentences"),
        ({"sentences": []}, "/sentences"),
        ({"sentences": ["a", 7]}, "/sentences/1"),
        ({"sentences": ["a", "b", "  "]}, "/sentences/2"),
    ],
    ids=repr,
)
def test_sentences_of_another_shape_are_pointed_at(
    client: TestClient, value: object, pointer: str
) -> None:
    body = assert_problem(client.post("/v1/tag-sentences", json=value), problems.INVALID)
    assert pointer in {error["pointer"] for error in body["errors"]}


def test_every_article_at_fault_is_named_and_none_is_tagged(client: TestClient) -> None:
    value = {"articles": [{"text": " "}, {"text": "A shell fell."}, {"text": "\t"}]}
    body = assert_problem(client.post("/v1/tag", json=value), problems.INVALID)
    assert [error["pointer"] for error in body["errors"]] == [
        "/articles/0/text",
        "/articles/2/text",
    ]
    assert body["detail"].endswith("(and 1 more)")


def test_pages_that_this_server_does_not_read_are_pointed_at(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise MissingExtraError("files", "reading HTML")

    monkeypatch.setattr("claimwire.data.html._trafilatura", missing)
    value = {"articles": [{"text": " "}, {"text": "<html></html>"}, {"text": "A shell fell."}]}
    body = assert_problem(client.post("/v1/tag", json=value), problems.UNSUPPORTED)
    pointers = [error["pointer"] for error in body["errors"]]
    assert pointers == ["/articles/0/text", "/articles/1/text"]
    page = client.post("/v1/tag", content="<html></html>", headers={"Content-Type": "text/html"})
    assert "extra [files]" in assert_problem(page, problems.UNSUPPORTED)["detail"]


def test_blank_plain_text(client: TestClient) -> None:
    answer = client.post("/v1/tag", content=b" \n ", headers={"Content-Type": "text/plain"})
    body = assert_problem(answer, problems.INVALID)
    assert body["errors"][0]["pointer"] == ""


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/pdf"},
        {"Content-Type": "text/plain; charset=latin-1"},
        {"Content-Type": "nonsense"},
        {"Content-Type": "text/plain", "Content-Encoding": "gzip"},
    ],
    ids=repr,
)
def test_a_type_that_is_not_read(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/v1/tag", content=b"A shell fell.", headers=headers)
    assert_problem(answer, problems.UNSUPPORTED)


def test_binary_data_is_no_text(client: TestClient) -> None:
    headers = {"Content-Type": "text/plain"}
    answer = client.post("/v1/tag", content=b"%PDF-1.7 \x00\x01", headers=headers)
    assert_problem(answer, problems.UNSUPPORTED)


def test_sentences_come_as_json_alone(client: TestClient) -> None:
    headers = {"Content-Type": "text/plain"}
    answer = client.post("/v1/tag-sentences", content=b"A shell fell.", headers=headers)
    assert_problem(answer, problems.UNSUPPORTED)


def test_json_may_say_nothing_of_its_type_or_be_a_dialect(client: TestClient) -> None:
    raw = json.dumps({"text": "A shell fell."}).encode()
    assert client.post("/v1/tag", content=raw).status_code == 200
    headers = {"Content-Type": "application/vnd.wire+json"}
    assert client.post("/v1/tag", content=raw, headers=headers).status_code == 200


def test_a_body_that_is_too_large(client: TestClient) -> None:
    large = json.dumps({"text": "A shell fell. " * 400}).encode()
    assert_problem(client.post("/v1/tag", content=large, headers=JSON), problems.BODY_TOO_LARGE)
    in_chunks = (large[start : start + 100] for start in range(0, len(large), 100))
    answer = client.post("/v1/tag", content=in_chunks, headers=JSON)
    assert_problem(answer, problems.BODY_TOO_LARGE)


def test_a_body_that_just_fits(client: TestClient) -> None:
    frame = len(json.dumps({"sentences": [""]}))
    raw = json.dumps({"sentences": ["x" * (4_000 - frame)]}).encode()
    assert len(raw) == 4_000
    assert client.post("/v1/tag-sentences", content=raw, headers=JSON).status_code == 200
    answer = client.post("/v1/tag-sentences", content=raw + b" ", headers=JSON)
    assert_problem(answer, problems.BODY_TOO_LARGE)


def test_too_many_articles(client: TestClient) -> None:
    value = {"articles": [{"text": "A shell fell."}] * 4}
    assert_problem(client.post("/v1/tag", json=value), problems.TOO_MANY_ARTICLES)
    value["articles"].pop()
    assert client.post("/v1/tag", json=value).status_code == 200


def test_too_many_sentences(client: TestClient) -> None:
    value = {"articles": [{"text": ARTICLE}] * 2}
    assert client.post("/v1/tag", json=value).status_code == 200
    value["articles"].append({"text": ARTICLE})
    assert_problem(client.post("/v1/tag", json=value), problems.TOO_MANY_SENTENCES)
    answer = client.post("/v1/tag-sentences", json={"sentences": ["a"] * 9})
    assert_problem(answer, problems.TOO_MANY_SENTENCES)


@pytest.mark.parametrize(
    ("limits", "first", "found"),
    [
        ({"queue_requests": 1}, 1, "1 requests"),
        ({"queue_sentences": 3, "max_sentences": 3}, 2, "2 sentences"),
    ],
    ids=["requests", "sentences"],
)
def test_a_full_queue(tiny_release: Path, limits: dict[str, Any], first: int, found: str) -> None:
    app = make_app(tiny_release, **limits)
    service = service_of(app)

    async def ask_twice() -> None:
        async with client_of(app) as client:
            waiting = asyncio.create_task(
                client.post("/v1/tag-sentences", json={"sentences": ["A shell fell."] * first})
            )
            while service.batcher.waiting < first:
                await asyncio.sleep(0)
            refused = await client.post("/v1/tag-sentences", json={"sentences": ["a", "b"]})
            body = assert_problem(refused, problems.QUEUE_FULL)
            assert found in body["detail"]
            assert int(refused.headers["retry-after"]) >= 1
            service.start()
            assert (await waiting).status_code == 200
            again = await client.post("/v1/tag-sentences", json={"sentences": ["a", "b"]})
            assert again.status_code == 200

    asyncio.run(ask_twice())
    service.close()


def test_a_request_that_cannot_be_done_in_time_leaves_the_queue(tiny_release: Path) -> None:
    app = make_app(tiny_release, timeout_seconds=0.2)  # and its worker never starts
    service = service_of(app)
    answer = TestClient(app).post("/v1/tag-sentences", json={"sentences": ["A shell fell."]})
    assert_problem(answer, problems.TIMED_OUT)
    assert int(answer.headers["retry-after"]) >= 1
    service.start()
    service.close()
    assert service.batcher.waiting == 0
    assert "claimwire_batch_sentences_count 0.0" in service.metrics.render().decode()


def test_a_body_that_never_arrives(tiny_release: Path) -> None:
    app = make_app(tiny_release, timeout_seconds=0.05)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(
        app(
            post_scope([(b"content-type", b"application/json"), (b"content-length", b"10")]),
            receive,
            send,
        )
    )
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["type"] == problems.SLOW_BODY.type


def test_a_body_that_breaks_off(tiny_release: Path) -> None:
    app = make_app(tiny_release)
    sent: list[dict[str, Any]] = []
    arriving: list[dict[str, Any]] = [
        {"type": "http.request", "body": b'{"te', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return arriving.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(post_scope([]), receive, send))
    assert sent[0]["status"] == 400


def test_a_service_that_is_stopping_refuses_new_work(tiny_release: Path) -> None:
    app = make_app(tiny_release)
    with TestClient(app) as client:
        service_of(app).draining = True
        for answer in (
            client.get("/readyz"),
            client.get("/v1/model"),
            client.post("/v1/tag", json={"text": "A shell fell."}),
        ):
            assert_problem(answer, problems.SHUTTING_DOWN)
            assert int(answer.headers["retry-after"]) >= 1
        assert client.get("/healthz").status_code == 200
        assert client.get("/metrics").status_code == 200


def test_probes_tell_of_a_dead_worker(tiny_release: Path) -> None:
    client = TestClient(make_app(tiny_release))  # without its lifespan nothing was started
    assert_problem(client.get("/healthz"), problems.NOT_WORKING)
    assert_problem(client.get("/readyz"), problems.NOT_WORKING)


def test_an_error_inside_is_told_to_the_log_alone(
    tiny_release: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(tiny_release)
    service = service_of(app)

    def broken(spans: object) -> object:
        raise RuntimeError("the secret of the cellar")

    with TestClient(app) as client:
        monkeypatch.setattr(service.batcher, "submit", broken)
        with caplog.at_level(logging.ERROR):
            answer = client.post("/v1/tag", json={"text": "A shell fell."})
    body = assert_problem(answer, problems.INTERNAL)
    assert "cellar" not in answer.text
    assert "cellar" in caplog.text
    assert body["instance"].removeprefix("urn:uuid:") in caplog.text
