"""Signing in: sessions, tokens, cookies, and a limit to tries."""

from __future__ import annotations

import re

import pytest

from claimwire.serve.review import users
from claimwire.serve.review.decisions import history
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.web.limits import (
    MOST_KEYS,
    TRIES_FOR_A_NAME,
    TRIES_FROM_AN_ADDRESS,
    WINDOW_SECONDS,
    SignInLimit,
)

from .support import Visit, decision, visit_of

PASSWORD = "correct horse battery"
SESSION = "claimwire_session_8765"


@pytest.fixture
def outside(store: ReviewStore) -> Visit:
    """A browser at a desk with sign-in, before it."""
    users.add_user(store, "ana", PASSWORD)
    return visit_of(store, sign_in=True)


def sign_in(visit: Visit, name: str = "ana", password: str = PASSWORD, target: str = "/") -> int:
    page = visit.get("/sign-in")
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found
    fields = {"csrf": found[1], "name": name, "password": password, "next": target}
    return visit.form("/sign-in", **fields).status_code


def test_without_a_session_there_is_only_the_sign_in_page(outside: Visit) -> None:
    for path in ("/", "/judge?queue=all", "/sentences/1", "/estimates", "/guidelines"):
        answer = outside.get(path, follow_redirects=False)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/sign-in?next=%2F"), path
    for path in ("/api/next", "/api/session", "/api/sentences/1", "/api/last"):
        answer = outside.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "signed-out"), path
    for path in ("/api/sentences/1/prediction", "/api/sentences/1/explanation"):
        assert outside.get(path).status_code == 401
    assert outside.post("/api/decisions", decision(1, "attack_claim")).status_code == 401
    assert outside.get("/sign-in").status_code == 200


def test_name_and_password_open_a_session(outside: Visit, store: ReviewStore) -> None:
    page = outside.get("/judge?queue=all")
    assert 'name="next" value="/judge?queue=all"' in page.text
    assert sign_in(outside) == 303
    outside.start()
    assert outside.json("/api/session")["reviewer"] == "ana"
    outside.decide(1, "attack_claim")
    assert history(store, 1)[0].reviewer == "ana"
    assert outside.get("/sign-in", follow_redirects=False).status_code == 303


def test_the_session_cookie_is_strict_and_made_by_the_sign_in(outside: Visit) -> None:
    outside.client.cookies.set(SESSION, "chosen by somebody else")
    outside.get("/sign-in")
    page = outside.get("/sign-in").text
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    answer = outside.form("/sign-in", csrf=csrf, name="ana", password=PASSWORD, next="//x.example")
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{SESSION}=")
    assert "chosen" not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Max-Age=43200" in cookie


@pytest.mark.parametrize(
    ("name", "password"),
    [("ana", "wrong"), ("nobody", PASSWORD), ("", ""), ("ana", ""), ("ana\x00", PASSWORD + "x")],
)
def test_what_does_not_fit_opens_nothing(outside: Visit, name: str, password: str) -> None:
    assert sign_in(outside, name, password) == 401
    assert outside.get("/api/session").status_code == 401


def test_the_form_needs_its_own_token(outside: Visit) -> None:
    outside.get("/sign-in")
    answer = outside.form("/sign-in", csrf="0" * 64, name="ana", password=PASSWORD)
    assert answer.status_code == 403
    elsewhere = {"Origin": "http://elsewhere.example"}
    fields = {"name": "ana", "password": PASSWORD}
    assert outside.client.post("/sign-in", data=fields, headers=elsewhere).status_code == 403


def test_signing_out_closes_the_session_on_both_sides(outside: Visit) -> None:
    sign_in(outside)
    outside.start()
    token = outside.client.cookies[SESSION]
    assert outside.form("/sign-out", csrf="").status_code == 403
    assert outside.form("/sign-out", csrf=outside.csrf).status_code == 303
    assert outside.get("/api/session").status_code == 401
    outside.client.cookies.set(SESSION, token)
    assert outside.get("/api/session").status_code == 401


def test_a_disabled_user_is_out_at_once(outside: Visit, store: ReviewStore) -> None:
    sign_in(outside)
    outside.start()
    users.set_active(store, "ana", False)
    assert outside.post("/api/decisions", decision(1, "attack_claim")).status_code == 401
    assert sign_in(outside) == 401


def test_two_sessions_have_two_tokens(outside: Visit, store: ReviewStore) -> None:
    sign_in(outside)
    first = outside.start().csrf
    outside.form("/sign-out", csrf=first)
    sign_in(outside)
    assert outside.start().csrf != first
    outside.csrf = first
    assert outside.post("/api/decisions", decision(1, "attack_claim")).json()["code"] == "token"


def test_too_many_tries_have_to_wait(outside: Visit) -> None:
    for _ in range(TRIES_FOR_A_NAME):
        assert sign_in(outside, password="wrong") == 401
    assert sign_in(outside, name=" ANA ", password="wrong") == 429
    assert sign_in(outside) == 429  # the right password, too
    assert sign_in(outside, name="ben", password="wrong") == 401
    page = outside.get("/sign-in").text
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    answer = outside.form("/sign-in", csrf=csrf, name="ana", password=PASSWORD)
    assert 0 < int(answer.headers["retry-after"]) <= WINDOW_SECONDS
    assert "Please try again in 15 minutes." in answer.text


def test_where_nobody_signs_in_the_form_leads_back(visit: Visit) -> None:
    assert visit.get("/sign-in", follow_redirects=False).headers["location"] == "/"
    assert visit.form("/sign-in", name="ana", password="x").headers["location"] == "/"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_tries_are_counted_for_a_name_and_forgotten_after_a_while() -> None:
    clock = Clock()
    limit = SignInLimit(clock)
    for number in range(TRIES_FOR_A_NAME):
        assert limit.try_now("ana", f"192.0.2.{number}") == 0
    assert limit.try_now("Ana", "192.0.2.99") == WINDOW_SECONDS
    clock.now = WINDOW_SECONDS - 0.5
    assert limit.try_now("ana", "192.0.2.99") == 1
    clock.now = WINDOW_SECONDS
    assert limit.try_now("ana", "192.0.2.99") == 0


def test_tries_are_counted_for_an_address() -> None:
    limit = SignInLimit(Clock())
    for number in range(TRIES_FROM_AN_ADDRESS):
        assert limit.try_now(f"user{number}", "192.0.2.1") == 0
    assert limit.try_now("another", "192.0.2.1") > 0
    assert limit.try_now("another", "192.0.2.2") == 0


def test_success_is_no_try() -> None:
    limit = SignInLimit(Clock())
    for _ in range(TRIES_FROM_AN_ADDRESS * 2):
        assert limit.try_now("ana", "192.0.2.1") == 0
        limit.succeeded("ana", "192.0.2.1")


def test_memory_is_bounded() -> None:
    limit = SignInLimit(Clock())
    for number in range(MOST_KEYS):
        limit.try_now(f"user{number}", f"address{number}")
    assert len(limit._tries) <= MOST_KEYS
