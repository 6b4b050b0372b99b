"""What every request passes: host, origin, token, size; and the headers of every answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from claimwire.serve.review.decisions import history
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.web.security import HEADERS, POLICY
from claimwire.serve.review.web.signing import own_path

from .support import HOST, HOSTILE, Visit, client_of, decision, make_store, records, visit_of

PAGES = ("/", "/judge", "/sentences/1", "/estimates", "/guidelines")


def test_every_answer_has_the_headers(visit: Visit) -> None:
    answers = [visit.get(path) for path in (*PAGES, "/api/next", "/nothing", "/api/nothing")]
    answers += [visit.get("/sentences/0"), visit.post("/api/decisions", {}), visit.post("/x", {})]
    answers += [visit.client.get("/", headers={"Host": "elsewhere.example"})]
    for answer in answers:
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, answer.url
        assert answer.headers["cache-control"] == "no-store", answer.url
    assert "unsafe" not in POLICY


def test_a_failure_has_them_too_and_says_nothing_of_itself(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claimwire.serve.review.web.api.next_items", _fail)
    answer = visit.get("/api/next")
    assert answer.status_code == 500
    assert answer.headers["content-security-policy"] == POLICY
    assert "secret" not in answer.text


def _fail(*_: object, **__: object) -> None:
    raise RuntimeError("a secret")


def test_pages_hold_nothing_that_the_policy_would_stop(visit: Visit) -> None:
    for path in PAGES:
        page = visit.get(path).text
        assert " style=" not in page, path
        assert " onclick=" not in page, path
        assert page.count("<script") == 1, path
        assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", ""), path


def test_static_files_are_kept_under_an_address_that_changes_with_them(visit: Visit) -> None:
    page = visit.get("/judge").text
    paths = [part.split('"')[0] for part in page.split('="') if part.startswith("/static/")]
    assert {path.rpartition(".")[2] for path in paths} == {"css", "js", "svg"}
    for path in paths:
        answer = visit.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert visit.get("/static/old/judge.js").headers["cache-control"] == "no-store"
    for path in ("/static/x/none.js", "/static/x/..%2fapp.py", "/static/../app.py"):
        assert visit.get(path).status_code == 404, path


@pytest.mark.parametrize(
    "host",
    ["elsewhere.example", "127.0.0.1.example", "192.0.2.1:8765", "", "127.0.0.1:x", "[::1", "a b"],
)
def test_a_host_that_is_not_the_desks_is_refused(visit: Visit, host: str) -> None:
    answer = visit.client.get("/", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "host")


@pytest.mark.parametrize("host", ["localhost:9999", "127.0.0.1", "[::1]:8765", "LOCALHOST"])
def test_this_machines_names_are_the_desks(visit: Visit, host: str) -> None:
    assert visit.client.get("/", headers={"Host": host}).status_code == 200


def test_a_name_can_be_allowed(store: ReviewStore) -> None:
    client = client_of(store, allowed_hosts=("review.example.org",))
    assert client.get("/", headers={"Host": "review.example.org"}).status_code == 200
    assert client.get("/", headers={"Host": "other.example.org"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Origin": "http://127.0.0.1:8766"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": f"file://{HOST}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_page_changes_nothing(
    visit: Visit, store: ReviewStore, headers: dict[str, str]
) -> None:
    answer = visit.post("/api/decisions", decision(1, "attack_claim"), headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "origin")
    assert history(store, 1) == []


def test_another_page_asks_for_nothing(visit: Visit) -> None:
    for site in ("cross-site", "same-site"):
        answer = visit.get("/api/next", headers={"Sec-Fetch-Site": site})
        assert (answer.status_code, answer.json()["code"]) == (403, "origin")
    for site in ("same-origin", "none"):
        assert visit.get("/api/next", headers={"Sec-Fetch-Site": site}).status_code == 200
    # A link from elsewhere leads to a page all the same.
    assert visit.get("/judge", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_a_change_without_an_origin_is_refused(visit: Visit) -> None:
    sent = decision(1, "attack_claim")
    answer = visit.client.post("/api/decisions", json=sent, headers={"X-CSRF-Token": visit.csrf})
    assert answer.status_code == 403


@pytest.mark.parametrize("token", [b"", b"0" * 64, "ü".encode()])
def test_a_change_without_the_token_is_refused(
    visit: Visit, store: ReviewStore, token: bytes
) -> None:
    headers = {"X-CSRF-Token": token}
    answer = visit.post("/api/decisions", decision(1, "attack_claim"), headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "token")
    assert visit.post("/api/undo", {}, headers).status_code == 403
    assert history(store, 1) == []


def test_the_token_is_the_visits_own(visit: Visit, store: ReviewStore) -> None:
    other = Visit(TestClient(visit.client.app, base_url=f"http://{HOST}")).start()
    assert other.csrf != visit.csrf
    other.csrf = visit.csrf
    assert other.post("/api/decisions", decision(1, "attack_claim")).status_code == 403


def test_a_restarted_desk_gives_a_new_token_to_the_same_visit(
    visit: Visit, store: ReviewStore
) -> None:
    restarted = visit_of(store)
    restarted.client.cookies = visit.client.cookies
    restarted.csrf = visit.csrf
    assert restarted.post("/api/decisions", decision(1, "attack_claim")).json()["code"] == "token"
    restarted.csrf = restarted.json("/api/session")["csrf"]
    assert restarted.post("/api/decisions", decision(1, "attack_claim")).status_code == 200


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_body_that_is_too_large_is_refused(visit: Visit, is_streamed: bool) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(70):
            yield b" " * 1024

    content = chunks() if is_streamed else b"".join(chunks())
    headers = {"X-CSRF-Token": visit.csrf, "Origin": f"http://{HOST}"}
    answer = visit.client.post("/api/decisions", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "size")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b'{"a": NaN}'])
def test_a_body_that_is_no_decision_is_refused(visit: Visit, content: bytes) -> None:
    headers = {
        "X-CSRF-Token": visit.csrf,
        "Origin": f"http://{HOST}",
        "Content-Type": "application/json",
    }
    answer = visit.client.post("/api/decisions", content=content, headers=headers)
    assert answer.status_code in (400, 422), answer.text


def test_there_is_no_websocket_and_no_interface_description(visit: Visit) -> None:
    with pytest.raises(WebSocketDisconnect), visit.client.websocket_connect("/"):
        pass
    for path in ("/docs", "/openapi.json", "/redoc"):
        assert visit.get(path).status_code == 404


def test_cookies_are_for_the_browser_alone(store: ReviewStore) -> None:
    cookie = client_of(store).get("/").headers["set-cookie"].lower()
    assert cookie.startswith("claimwire_visit_8765=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    behind = client_of(store, https=True).get("/").headers["set-cookie"].lower()
    assert behind.startswith("__host-claimwire_visit_8765=")
    assert "secure" in behind
    assert "path=/" in behind


def test_hostile_text_is_escaped_on_every_page(tmp_path: Path) -> None:
    more = {"title": HOSTILE[1], "theatre": HOSTILE[2], "source": HOSTILE[3]}
    with make_store(tmp_path / "review.db", records(HOSTILE, **more)) as store:
        visit = visit_of(store, reviewer='"><script>ana</script>').start()
        visit.decide(1, "background", note=HOSTILE[0], hard=True)
        visit.decide(2, kind="skip", reason=HOSTILE[1])
        paths = [f"/sentences/{number}?show=true" for number in range(1, len(HOSTILE) + 1)]
        for path in (*PAGES, *paths, "/?search=<script>", "/judge?search=</textarea><script>"):
            page = visit.get(path)
            assert page.status_code == 200, path
            assert page.text.count("<script") == 1, path
            assert "<img src=x" not in page.text, path
            assert "<svg onload" not in page.text, path
            assert "<b>bold" not in page.text, path
            assert not set(page.text) & set("\x01\x07\x1b\u202e\u2066"), path


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//elsewhere.example",
        "/\\elsewhere.example",
        "\\\\elsewhere.example",
        "https://elsewhere.example",
        "javascript:alert(1)",
        "elsewhere",
        "/\t/elsewhere.example",
        "",
        "/\nSet-Cookie: a=b",
    ],
)
def test_sign_in_leads_nowhere_else(elsewhere: str) -> None:
    assert own_path(elsewhere) == "/"


def test_sign_in_leads_to_the_desks_pages() -> None:
    assert own_path("/judge?queue=all&search=a%20b") == "/judge?queue=all&search=a%20b"
