"""Tagging over HTTP: the same records as the command line, and everything around them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from claimwire.data.labels import LABELS
from claimwire.model.release import load_release
from claimwire.serve.http.schemas import ArticlesOut, ModelOut, SentencesOut, StatusOut

from .conftest import ARTICLE, ARTICLE_SENTENCES, PAGE, RunTag, write_lines
from .http_support import assert_same_records, serving


@pytest.fixture(scope="module")
def client(tiny_release: Path) -> Iterator[TestClient]:
    with serving(tiny_release) as client:
        yield client


def test_an_article_gives_the_records_of_the_command_line(
    client: TestClient, run_tag: RunTag, tmp_path: Path
) -> None:
    path = write_lines(tmp_path / "a.jsonl", {"text": ARTICLE})
    answer = client.post("/v1/tag", json={"text": ARTICLE}).json()
    ArticlesOut.model_validate(answer)
    [article] = answer["articles"]
    assert article["notes"] == []
    assert_same_records(article["sentences"], run_tag(path).records)


def test_sentences_give_the_records_of_the_command_line(
    client: TestClient, run_tag: RunTag, tmp_path: Path
) -> None:
    path = write_lines(tmp_path / "s.jsonl", *({"text": text} for text in ARTICLE_SENTENCES))
    answer = client.post("/v1/tag-sentences", json={"sentences": ARTICLE_SENTENCES}).json()
    SentencesOut.model_validate(answer)
    assert_same_records(answer["sentences"], run_tag(path, unit="sentence").records)


def test_a_page_gives_its_text_with_its_first_record(client: TestClient) -> None:
    as_page = client.post("/v1/tag", content=PAGE, headers={"Content-Type": "text/html"}).json()
    as_json = client.post("/v1/tag", json={"text": PAGE}).json()
    assert as_page == as_json
    ArticlesOut.model_validate(as_page)
    records = as_page["articles"][0]["sentences"]
    text = records[0]["article_text"]
    assert all(text[r["start"] : r["end"]] == r["text"] for r in records)
    assert [r["text"] for r in records if r["text"] in ARTICLE_SENTENCES] == ARTICLE_SENTENCES
    assert all("article_text" not in record for record in records[1:])


def test_plain_text_is_one_article(client: TestClient) -> None:
    headers = {"Content-Type": "text/plain; charset=UTF-8"}
    answer = client.post("/v1/tag", content=ARTICLE.encode(), headers=headers).json()
    [article] = answer["articles"]
    assert article["article_id"] == 1
    assert [record["text"] for record in article["sentences"]] == ARTICLE_SENTENCES
    marked = client.post("/v1/tag", content=ARTICLE.encode("utf-16"), headers=headers).json()
    assert marked == answer


def test_several_articles_keep_their_order_and_get_numbers(client: TestClient) -> None:
    articles = [{"text": ARTICLE}, {"text": "A shell fell.", "id": "b"}, {"text": "x", "id": -7}]
    answer = client.post("/v1/tag", json={"articles": articles}).json()
    assert [article["article_id"] for article in answer["articles"]] == [1, "b", -7]
    assert [len(article["sentences"]) for article in answer["articles"][:2]] == [4, 1]


def test_what_is_no_prose_is_named(client: TestClient) -> None:
    text = "Advertisement\n\n" + ARTICLE
    [article] = client.post("/v1/tag", json={"text": text}).json()["articles"]
    assert [record["text"] for record in article["sentences"]] == ARTICLE_SENTENCES
    [removed] = article["removed"]
    assert removed["text"] == "Advertisement" == text[removed["start"] : removed["end"]]
    assert removed["reason"]
    [empty] = client.post("/v1/tag", json={"text": "Advertisement"}).json()["articles"]
    assert (empty["sentences"], len(empty["removed"])) == ([], 1)


def test_text_that_is_not_english_is_flagged(client: TestClient) -> None:
    text = "Der Angriff wurde nach Angaben der Behörden von zwei Drohnen auf das Depot verübt."
    [article] = client.post("/v1/tag", json={"text": text}).json()["articles"]
    assert not article["sentences"][0]["english"]
    assert [note[:11] for note in article["notes"]] == ["not English"]


def test_what_was_replaced_is_noted(client: TestClient) -> None:
    broken = client.post(
        "/v1/tag", content=b"A shell \xff fell.", headers={"Content-Type": "text/plain"}
    ).json()
    half = client.post(
        "/v1/tag",
        content=b'{"text": "A shell \\ud83d fell."}',
        headers={"Content-Type": "application/json"},
    ).json()
    assert broken == half
    [article] = broken["articles"]
    assert article["sentences"][0]["text"] == "A shell \ufffd fell."
    assert article["notes"] == ["1 invalid bytes or halves of surrogate pairs became U+FFFD"]
    sentences = client.post(
        "/v1/tag-sentences",
        content=b'{"sentences": ["a", "b \\udc00"]}',
        headers={"Content-Type": "application/json"},
    ).json()
    assert sentences["notes"][0].startswith("sentence 2: 1 ")


def test_a_page_is_read_as_text_where_the_request_says_so(client: TestClient) -> None:
    [article] = client.post("/v1/tag", json={"text": PAGE, "format": "text"}).json()["articles"]
    assert all("article_text" not in record for record in article["sentences"])


def test_long_sentences_are_marked(client: TestClient) -> None:
    answer = client.post("/v1/tag-sentences", json={"sentences": ["A shell fell " * 500]}).json()
    [record] = answer["sentences"]
    assert record["truncated"]
    assert record["needs_review"]


def test_the_model_is_described(client: TestClient, tiny_release: Path) -> None:
    answer = client.get("/v1/model").json()
    ModelOut.model_validate(answer)
    release = load_release(tiny_release)
    assert answer["model"] == release.id
    assert answer["digest"] == release.digest
    assert answer["labels"] == [label.value for label in LABELS]
    assert answer["limits"]["max_articles"] == 100


def test_probes(client: TestClient) -> None:
    for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
        answer = client.get(path)
        assert answer.status_code == 200
        assert StatusOut.model_validate(answer.json()).status == status


def test_metrics_count_requests_sentences_labels_and_reviews(tiny_release: Path) -> None:
    with serving(tiny_release) as client:
        records = client.post("/v1/tag-sentences", json={"sentences": ARTICLE_SENTENCES}).json()
        client.get("/nobody/knows/this/path")
        answer = client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    counted = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    asked = '{method="POST",path="/v1/tag-sentences",status="200"}'
    assert float(counted[f"claimwire_http_requests_total{asked}"]) == 1
    unknown = '{method="GET",path="other",status="404"}'
    assert float(counted[f"claimwire_http_requests_total{unknown}"]) == 1
    buckets = 'claimwire_http_request_seconds_bucket{le="+Inf",path="/v1/tag-sentences"}'
    assert float(counted[buckets]) == 1
    assert float(counted["claimwire_sentences_total"]) == 4
    found = records["sentences"]
    for label in LABELS:
        expected = sum(record["label"] == label.value for record in found)
        name = f'claimwire_sentences_by_label_total{{label="{label.value}"}}'
        assert float(counted[name]) == expected
    reviews = sum(record["needs_review"] for record in found)
    assert float(counted["claimwire_sentences_for_review_total"]) == reviews
    assert float(counted["claimwire_review_share"]) == reviews / 4
    assert float(counted["claimwire_http_requests_in_progress"]) == 0


def test_two_applications_count_apart(tiny_release: Path) -> None:
    with serving(tiny_release) as one, serving(tiny_release) as other:
        one.post("/v1/tag-sentences", json={"sentences": ["A shell fell."]})
        assert "claimwire_sentences_total 1.0" in one.get("/metrics").text
        assert "claimwire_sentences_total 0.0" in other.get("/metrics").text


class TestOpenApi:
    @pytest.fixture
    def document(self, client: TestClient) -> dict[str, Any]:
        document = client.get("/openapi.json").json()
        assert isinstance(document, dict)
        return document

    def test_its_examples_work(self, client: TestClient, document: dict[str, Any]) -> None:
        tried = 0
        for path, operations in document["paths"].items():
            for media_type, content in (
                operations.get("post", {}).get("requestBody", {}).get("content", {}).items()
            ):
                examples = [entry["value"] for entry in content.get("examples", {}).values()]
                examples += [content["example"]] if "example" in content else []
                assert examples, (path, media_type)
                for example in examples:
                    raw = example if isinstance(example, str) else json.dumps(example)
                    headers = {"Content-Type": media_type}
                    answer = client.post(path, content=raw, headers=headers)
                    assert answer.status_code == 200, answer.text
                    tried += 1
        assert tried == 5

    def test_every_reference_leads_somewhere(self, document: dict[str, Any]) -> None:
        text = json.dumps(document)
        references = {part.split('"', 1)[0] for part in text.split('"$ref": "')[1:]}
        assert references
        for reference in references:
            found: Any = document
            for part in reference.removeprefix("#/").split("/"):
                found = found[part]
            assert found["type"] in ("object", "string")

    def test_problems_are_described(self, document: dict[str, Any]) -> None:
        answers = document["paths"]["/v1/tag"]["post"]["responses"]
        wrong = {status for status in answers if status != "200"}
        assert wrong == {"400", "401", "408", "413", "415", "422", "429", "500", "503"}
        assert all(set(answers[s]["content"]) == {"application/problem+json"} for s in wrong)
        assert "Retry-After" in answers["429"]["headers"]
        assert "securitySchemes" not in document["components"]
