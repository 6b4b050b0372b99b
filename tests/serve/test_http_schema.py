"""The OpenAPI document against the service, by schemathesis: valid and wrong requests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from claimwire.serve.http.openapi import OPERATIONS

from .http_support import Running, running

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def server(tiny_release: Path) -> Iterator[Running]:
    with running(tiny_release, "--batch-wait-ms", "0") as server:
        yield server


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("path", [path for path, made in OPERATIONS.items() if made.request])
def test_answers_are_those_that_the_document_promises(
    server: Running, path: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    tried = 0

    @settings(max_examples=40, deadline=None, database=None)
    @given(schema[path]["POST"].as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        nonlocal tried
        tried += 1
        case.call_and_validate(checks=CHECKS)

    ask()
    assert tried >= 10


@pytest.mark.parametrize("path", [path for path, made in OPERATIONS.items() if not made.request])
def test_what_takes_no_request_answers_as_promised(server: Running, path: str) -> None:
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    case = schema[path]["GET"].Case()
    assert case.call_and_validate(checks=CHECKS).status_code == 200
