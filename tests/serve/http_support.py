"""What the HTTP tests share: applications in this process and real ones in another."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from claimwire.model.release import load_release
from claimwire.serve.http.app import create_app
from claimwire.serve.http.problems import PROBLEM_TYPE, Kind
from claimwire.serve.http.service import Service
from claimwire.serve.http.settings import ServeSettings
from claimwire.serve.http.tokens import Tokens

COMMAND = Path(sys.executable).parent / "claimwire"


def make_app(release: Path, tokens: tuple[str, ...] = (), **settings: Any) -> FastAPI:
    chosen = ServeSettings(**{"threads": 1, **settings})
    return create_app(load_release(release), chosen, Tokens(tokens))


def service_of(app: FastAPI) -> Service:
    service = app.state.service
    assert isinstance(service, Service)
    return service


@contextmanager
def serving(release: Path, tokens: tuple[str, ...] = (), **settings: Any) -> Iterator[TestClient]:
    """Run the application in this process, with its lifespan."""
    with TestClient(make_app(release, tokens, **settings)) as client:
        yield client


def client_of(app: FastAPI) -> httpx2.AsyncClient:
    """Return a client whose requests run side by side; the worker starts when the test says so."""
    transport = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=transport, base_url="http://test")


def assert_same_records(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Compare records; probabilities may differ by what else is in the batch, within 0.001."""
    assert [list(record) for record in found] == [list(record) for record in expected]
    for one, other in zip(found, expected, strict=True):
        for name, value in one.items():
            is_probability = name in ("scores", "confidence")
            wanted = pytest.approx(other[name], abs=1e-3) if is_probability else other[name]
            assert value == wanted, name


def assert_problem(response: httpx2.Response, kind: Kind) -> dict[str, Any]:
    """Check an answer against RFC 9457 and its kind."""
    assert response.status_code == kind.status, response.text
    assert response.headers["content-type"] == PROBLEM_TYPE
    body = response.json()
    assert isinstance(body, dict)
    assert set(body) <= {"type", "title", "status", "detail", "instance", "errors"}
    assert (body["type"], body["title"], body["status"]) == (kind.type, kind.title, kind.status)
    assert body["instance"] == f"urn:uuid:{response.headers['x-request-id']}"
    assert re.search("expected .+, found ", body["detail"]) or body.get("errors"), body
    return body


@contextmanager
def running(release: Path, *options: str, **environment: str) -> Iterator[Running]:
    """Start the console command and wait until it says where it listens."""
    process = subprocess.Popen(
        [COMMAND, "serve", "--model", release, "--port", "0", "--threads", "1", *options],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stderr is not None
    try:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if match := re.search(r"serving .+ at http://127\.0\.0\.1:(\d+)", line):
                yield Running(process, int(match[1]), line)
                break
        else:
            raise AssertionError(f"it did not start: {''.join(lines)}")
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stderr.close()


class Running:
    """A server in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], port: int, announced: str) -> None:
        self.process = process
        self.port = port
        self.announced = announced

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)
