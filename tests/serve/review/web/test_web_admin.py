"""Managing users in the browser: who may, what is shown once, and what an admin cannot do."""

from __future__ import annotations

import re

import pytest

from claimwire.serve.review import users
from claimwire.serve.review.store import ReviewStore

from .support import Visit
from .test_web_team import PASSWORD, TEAM, _client, desk, quick_hashes, sign_in, team

__all__ = ["desk", "quick_hashes", "team"]

CHANGES: dict[str, dict[str, str]] = {
    "/admin/users/add": {"name": "new", "role": "reviewer"},
    "/admin/users/role": {"name": "ben", "role": "admin"},
    "/admin/users/state": {"name": "ben", "active": "no"},
    "/admin/users/reset": {"name": "ben"},
}


def everybody(store: ReviewStore) -> dict[str, users.User]:
    return {user.name: user for user in users.list_users(store)}


def shown_password(text: str) -> str:
    found = re.search(r'id="temporary">([^<]+)<', text)
    assert found, text
    return found[1]


@pytest.mark.parametrize("path", CHANGES)
def test_only_an_admin_changes_users_and_only_from_the_page(
    team: dict[str, Visit], desk: ReviewStore, path: str
) -> None:
    before = everybody(desk)
    fields = CHANGES[path]
    for name in ("ana", "ada"):
        answer = team[name].form(path, csrf=team[name].csrf, **fields)
        assert answer.status_code == 403
        assert team[name].get("/admin/users").status_code == 403
        assert "/admin/users" not in team[name].get("/").text
    nobody = Visit(_client(team["ana"]))
    assert nobody.form(path, **fields).headers["location"] == "/sign-in?next=%2F"
    root = team["root"]
    for token in ("", "forged", team["ana"].csrf):
        assert root.form(path, csrf=token, **fields).status_code == 403
    elsewhere = root.client.post(
        path, data={**fields, "csrf": root.csrf}, headers={"Origin": "http://evil.example"}
    )
    assert elsewhere.status_code == 403
    assert everybody(desk) == before
    assert root.form(path, csrf=root.csrf, **fields).status_code == 200
    assert everybody(desk) != before


def test_a_new_user_chooses_a_password_before_anything_else(
    team: dict[str, Visit], desk: ReviewStore
) -> None:
    root = team["root"]
    answer = root.form("/admin/users/add", csrf=root.csrf, name="dora", role="adjudicator")
    given = shown_password(answer.text)
    assert answer.headers["cache-control"] == "no-store"
    assert given not in root.get("/admin/users").text
    dora = Visit(_client(root))
    page = dora.get("/sign-in")
    csrf = re.findall(r'data-csrf="([^"]+)"', page.text)[0]
    dora.form("/sign-in", name="dora", password=given, csrf=csrf, next="/judge?queue=all")
    for path in ("/", "/judge", "/sentences/1", "/estimates", "/dashboard", "/adjudicate"):
        answer = dora.get(path, follow_redirects=False)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/password?next="), path
    for path in ("/api/next", "/api/session", "/api/sentences/1", "/api/disputes"):
        answer = dora.get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "password"), path
    dora.csrf = re.findall(r'data-csrf="([^"]+)"', dora.get("/password").text)[0]
    assert dora.post("/api/decisions", {}).json()["code"] in ("password", "input")

    def change(current: str, new: str, again: str) -> tuple[int, str]:
        fields = {"csrf": dora.csrf, "current": current, "new": new, "again": again}
        answer = dora.form("/password", next="/judge?queue=all", **fields)
        found = re.search(r'id="problem">([^<]+)<', answer.text)
        return answer.status_code, found[1] if found else answer.headers["location"]

    assert change(given, "one of my own", "another one") == (
        *(422, "The two new passwords differ."),
    )
    assert change(given, given, given) == (422, "The new password is the old one.")
    assert change("wrong", "one of my own", "one of my own") == (
        *(401, "This is not your present password."),
    )
    status, problem = change(given, "short", "short")
    assert status == 422
    assert "expected 8 to" in problem
    assert everybody(desk)["dora"].must_change
    assert change(given, "one of my own", "one of my own") == (303, "/judge?queue=all")
    assert dora.get("/judge", follow_redirects=False).status_code == 200
    assert not everybody(desk)["dora"].must_change
    assert users.check_password(desk, "dora", given) is None


def test_guessing_at_the_present_password_is_slowed_down(team: dict[str, Visit]) -> None:
    ana = team["ana"]
    new = {"new": "one of my own", "again": "one of my own"}
    answers = [
        ana.form("/password", csrf=ana.csrf, current=f"guess {number}", **new)
        for number in range(11)
    ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert ana.form("/password", csrf="forged", current=PASSWORD, **new).status_code == 403


def test_a_reset_signs_a_user_out_everywhere(team: dict[str, Visit], desk: ReviewStore) -> None:
    root, ben = team["root"], team["ben"]
    answer = root.form("/admin/users/reset", csrf=root.csrf, name="ben")
    given = shown_password(answer.text)
    assert ben.get("/api/session").status_code == 401
    assert users.check_password(desk, "ben", PASSWORD) is None
    user = users.check_password(desk, "ben", given)
    assert user is not None
    assert user.must_change


def test_a_role_holds_from_the_next_request_on(team: dict[str, Visit]) -> None:
    root, ana, ada = team["root"], team["ana"], team["ada"]
    root.form("/admin/users/role", csrf=root.csrf, name="ana", role="adjudicator")
    root.form("/admin/users/role", csrf=root.csrf, name="ada", role="reviewer")
    assert ana.get("/api/disputes").status_code == 200
    assert ada.get("/api/disputes").status_code == 403


def test_whoever_is_disabled_is_out_until_enabled(team: dict[str, Visit]) -> None:
    root, ben = team["root"], team["ben"]
    root.form("/admin/users/state", csrf=root.csrf, name="ben", active="no")
    assert ben.get("/api/session").status_code == 401
    page = root.get("/admin/users").text
    assert "disabled" in page
    root.form("/admin/users/state", csrf=root.csrf, name="ben", active="yes")
    sign_in(ben, "ben")


def test_the_last_admin_stays(team: dict[str, Visit], desk: ReviewStore) -> None:
    root = team["root"]
    for path, fields in (
        ("/admin/users/role", {"role": "reviewer"}),
        ("/admin/users/state", {"active": "no"}),
    ):
        answer = root.form(path, csrf=root.csrf, name="root", **fields)
        assert answer.status_code == 422
        assert "this is the last one" in answer.text
    assert everybody(desk)["root"].role == "admin"
    root.form("/admin/users/role", csrf=root.csrf, name="ada", role="admin")
    answer = root.form("/admin/users/state", csrf=root.csrf, name="root", active="no")
    assert answer.status_code == 200
    assert root.get("/admin/users", follow_redirects=False).status_code == 303


@pytest.mark.parametrize(
    ("path", "fields", "problem"),
    [
        ("add", {"name": "ana", "role": "reviewer"}, "found that it is taken"),
        ("add", {"name": " ", "role": "reviewer"}, "expected a name"),
        ("add", {"name": "x", "role": "owner"}, "role: expected one of"),
        ("role", {"name": "ana", "role": "owner"}, "role: expected one of"),
        ("role", {"name": "nobody", "role": "admin"}, "expected a user"),
        ("state", {"name": "nobody", "active": "no"}, "expected a user"),
        ("reset", {"name": "nobody"}, "expected a user"),
        ("reset", {"name": "root"}, "This is you"),
        ("reset", {}, "expected a user"),
    ],
)
def test_what_does_not_fit_is_told_and_changes_nothing(
    team: dict[str, Visit], desk: ReviewStore, path: str, fields: dict[str, str], problem: str
) -> None:
    before = everybody(desk)
    root = team["root"]
    answer = root.form(f"/admin/users/{path}", csrf=root.csrf, **fields)
    assert answer.status_code == 422
    assert problem in answer.text
    assert "temporary" not in answer.text.partition("<table")[0]
    assert everybody(desk) == before
    assert set(before) == set(TEAM)


def test_names_are_text(team: dict[str, Visit]) -> None:
    root = team["root"]
    hostile = "<b onclick=x>'\"&"
    answer = root.form("/admin/users/add", csrf=root.csrf, name=hostile, role="reviewer")
    assert answer.status_code == 200
    assert "<b onclick" not in answer.text
    answer = root.form("/admin/users/role", csrf=root.csrf, name=hostile, role="adjudicator")
    assert answer.status_code == 200
