"""Whatever is sent, the service answers below 500, and its answers keep their shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from claimwire.serve.http.problems import KINDS, PROBLEM_TYPE
from claimwire.serve.http.schemas import ArticlesOut, ProblemOut, SentencesOut

from .http_support import serving

CASES = settings(max_examples=150, deadline=None)
JSON = {"Content-Type": "application/json"}
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
NEARLY_ARTICLE = st.fixed_dictionaries(
    {"text": ANY_TEXT | ANY_TEXT.map("<html><body><p>{}</p></body></html>".format) | ANY_JSON},
    optional={"id": ANY_JSON, "format": st.sampled_from(["auto", "text", "html", "x"])},
)
NEARLY_RIGHT = st.one_of(
    NEARLY_ARTICLE,
    st.fixed_dictionaries({"articles": st.lists(NEARLY_ARTICLE | ANY_JSON, max_size=4)}),
    st.fixed_dictionaries({"sentences": st.lists(ANY_TEXT, max_size=6) | ANY_JSON}),
)


@pytest.fixture(scope="module")
def client(tiny_release: Path) -> Iterator[TestClient]:
    with serving(tiny_release, batch_wait_ms=0) as client:
        yield client


def check(answer: httpx2.Response) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code == 200:
        model = SentencesOut if "sentences" in answer.json() else ArticlesOut
        model.model_validate(answer.json())
    else:
        assert answer.headers["content-type"] == PROBLEM_TYPE
        problem = ProblemOut.model_validate(answer.json())
        assert problem.type in {kind.type for kind in KINDS}


@CASES
@given(path=st.sampled_from(["/v1/tag", "/v1/tag-sentences"]), value=ANY_JSON | NEARLY_RIGHT)
def test_any_json(client: TestClient, path: str, value: object) -> None:
    check(client.post(path, content=json.dumps(value).encode(), headers=JSON))


@CASES
@given(
    st.binary(max_size=200) | ANY_TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from(["application/json", "text/plain", "text/html", "text/html; charset=utf-16"]),
)
def test_any_bytes(client: TestClient, raw: bytes, media_type: str) -> None:
    check(client.post("/v1/tag", content=raw, headers={"Content-Type": media_type}))


@CASES
@given(st.lists(ANY_TEXT.filter(str.strip), min_size=1, max_size=8))
def test_any_sentences_come_back_one_for_one(client: TestClient, sentences: list[str]) -> None:
    raw = json.dumps({"sentences": sentences}).encode()
    answer = client.post("/v1/tag-sentences", content=raw, headers=JSON)
    check(answer)
    # In JSON two halves side by side are one character; a half alone becomes U+FFFD.
    whole = [s.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for s in sentences]
    found: list[dict[str, Any]] = answer.json()["sentences"]
    assert [record["text"] for record in found] == whole


@CASES
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "X"]),
    ANY_TEXT.map(lambda text: "/" + quote(text, errors="replace")),
    st.binary(max_size=30).map(lambda raw: raw.decode("latin-1")).filter(str.isprintable),
)
def test_any_path_method_and_header(
    client: TestClient, method: str, path: str, header: str
) -> None:
    headers = {"Content-Type": header, "Content-Length": "0", "Authorization": header}
    raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    answer = client.request(method, path, headers=raw)
    assert answer.status_code in (404, 405)
    assert answer.headers["content-type"] == PROBLEM_TYPE
    wrong = client.post("/v1/tag", headers=raw)
    assert wrong.status_code in (400, 415, 422)
