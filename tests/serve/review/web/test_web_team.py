"""A team at the desk: who sees what before they have judged, who may do what, over every route."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi.routing import APIRoute
from sqlalchemy import update

from claimwire.serve.review import users
from claimwire.serve.review.decisions import history
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.tables import QueueRow

from .support import SENTENCES, Visit, decision, visit_of

PASSWORD = "correct horse battery"
NOTE = "to me it says that zebras struck"
REASON = "the guidelines speak of quaggas"
TEAM = {
    "ana": "reviewer",
    "ben": "reviewer",
    "caro": "reviewer",
    "ada": "adjudicator",
    "root": "admin",
}


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "_hasher", lambda: PasswordHasher(1, 8, 1))


@pytest.fixture
def desk(store: ReviewStore, monkeypatch: pytest.MonkeyPatch) -> ReviewStore:
    """A desk with a team, where every sentence takes two."""
    users._nobodys_hash.cache_clear()
    for name, role in TEAM.items():
        users.add_user(store, name, PASSWORD, role)
    with store.write() as session:
        session.execute(update(QueueRow).values(needed=2))
    return store


@pytest.fixture
def team(desk: ReviewStore) -> dict[str, Visit]:
    """Everybody's browser, signed in."""
    first = visit_of(desk, sign_in=True)
    visits = {name: Visit(_client(first)) for name in TEAM}
    for name, visit in visits.items():
        sign_in(visit, name)
    return visits


def _client(visit: Visit) -> Any:
    """Return another browser at the same desk."""
    client = type(visit.client)(
        visit.client.app, base_url=str(visit.client.base_url), raise_server_exceptions=False
    )
    return client


def sign_in(visit: Visit, name: str, password: str = PASSWORD) -> Visit:
    page = visit.get("/sign-in")
    found = re.search(r'data-csrf="([^"]+)"', page.text)
    assert found
    answer = visit.form("/sign-in", name=name, password=password, csrf=found[1], next="/")
    assert answer.status_code == 303, answer.text
    return visit.start()


def settle(visit: Visit, sentence_id: int, *labels: str, **more: object) -> Any:
    sent = {
        "client_key": str(uuid.uuid4()),
        "sentence_id": sentence_id,
        "kind": "label" if labels else "not_a_sentence",
        "labels": list(labels),
        "reason": REASON,
        **more,
    }
    return visit.post("/api/adjudications", sent)


def disagree(team: dict[str, Visit], sentence_id: int = 1) -> None:
    team["ana"].decide(sentence_id, "interception_claim", note=NOTE)
    team["ben"].decide(sentence_id, "background")


def paths(visit: Visit) -> list[str]:
    """Return an address for each route that can be read, sentences and searches filled in."""
    app: Any = visit.client.app
    routes: set[str] = set()
    pending = list(app.router.routes)
    while pending:
        route = pending.pop()
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
            routes.add(route.path)
        included = getattr(route, "original_router", None) or getattr(route, "router", None)
        pending += getattr(included, "routes", [])
    assert {"/", "/api/next", "/sentences/{sentence_id}", "/api/disputes"} <= routes
    addresses = [path.replace("{sentence_id}", "1") for path in sorted(routes)]
    more = [
        *(f"/?search={words}" for words in ("Maresk", "zebras")),
        *(f"/api/next?queue={queue}&count=10" for queue in ("all", "skipped", "uncertain")),
        "/judge?queue=all&sentence=1",
        *(f"/dashboard/sentences?judged={what}" for what in ("interception_claim", "disputed")),
        "/dashboard/sentences?reviewer=ana",
        "/dashboard/sentences?differ=yes",
        "/sentences/1?show=true",
    ]
    return [path for path in addresses if "{" not in path] + more


def tells(text: str, sentence_id: int = 1) -> bool:
    """Whether an answer tells what ana said: her note is in it, or her verdict on the sentence."""
    if "zebras" in text.replace("search=zebras", "").replace('value="zebras"', ""):
        return True
    try:
        body = json.loads(text)
    except ValueError:
        entries = re.findall(r"<li.*?</li>", text, re.DOTALL)
        link = f'/sentences/{sentence_id}"'
        return any(link in entry and "Interception claim" in entry for entry in entries)
    return "interception_claim" in re.sub(r'"scores": ?{[^}]*}', "", json.dumps(body))


@pytest.mark.parametrize("name", ["ben", "caro", "ada", "root"])
def test_no_route_tells_an_answer_before_ones_own(team: dict[str, Visit], name: str) -> None:
    """One of two verdicts is there: nobody else sees it, whatever they ask and whoever they are."""
    team["ana"].decide(1, "interception_claim", note=NOTE)
    for path in paths(team[name]):
        if path == "/sign-in":
            continue
        answer = team[name].get(path)
        assert answer.status_code in (200, 303, 403, 404, 422), path
        assert not tells(answer.text), path


def test_the_check_sees_what_is_told(team: dict[str, Visit]) -> None:
    """The same routes tell it to whoever may know, so that the test above tests something."""
    team["ana"].decide(1, "interception_claim", note=NOTE)
    own = [path for path in paths(team["ana"]) if tells(team["ana"].get(path).text)]
    listed = "/dashboard/sentences?judged=interception_claim"
    assert {"/", "/sentences/1", "/api/sentences/1", "/api/last", listed} <= set(own)


def test_after_ones_own_verdict_the_others_are_told(team: dict[str, Visit]) -> None:
    team["ana"].decide(1, "interception_claim", note=NOTE)
    assert "is hidden until you have judged" in team["ben"].get("/sentences/1").text
    answer = team["ben"].decide(1, "background")
    assert not tells(json.dumps(answer))
    assert "zebras" in team["ben"].get("/sentences/1").text
    assert "zebras" not in team["caro"].get("/sentences/1").text


def test_undoing_a_verdict_hides_nothing_that_was_seen_but_is_judged_openly(
    team: dict[str, Visit], desk: ReviewStore
) -> None:
    disagree(team)
    made = history(desk, 1)[-1]
    key = str(uuid.uuid4())
    assert team["ben"].post("/api/undo", {"client_key": key, "decision_id": made.id}).is_success
    team["ben"].decide(1, "interception_claim")
    assert history(desk, 1)[-1].mode == "open"


@pytest.mark.parametrize("name", ["ada", "root"])
def test_adjudicators_see_answers_of_complete_sentences(
    team: dict[str, Visit], desk: ReviewStore, name: str
) -> None:
    team["ana"].decide(1, "interception_claim", note=NOTE)
    team["ben"].decide(1, "interception_claim")
    assert "zebras" in team[name].get("/sentences/1").text
    assert "zebras" not in team["caro"].get("/sentences/1").text
    team[name].decide(1, "interception_claim")
    assert history(desk, 1)[-1].mode == "open"  # they have seen what others said


@pytest.mark.parametrize("name", ["ada", "root"])
def test_a_disagreement_is_seen_without_names_until_it_is_settled(
    team: dict[str, Visit], name: str
) -> None:
    disagree(team)
    visit = team[name]
    page = visit.get("/sentences/1").text
    assert "zebras" not in page
    assert "/adjudicate?sentence=1" in page
    [found] = visit.json("/api/disputes")["items"]
    assert {tuple(answer["labels"]) for answer in found["answers"]} == {
        ("interception_claim",),
        ("background",),
    }
    told = json.dumps(found) + visit.get("/adjudicate").text
    assert NOTE in told
    assert not re.search(r"\b(ana|ben)\b", told)
    assert visit.json("/api/disputes/1") == found
    assert settle(visit, 1, "attack_claim").status_code == 200
    page = visit.get("/sentences/1").text
    assert "zebras" in page
    assert "quaggas" in page
    assert "quaggas" in team["ana"].get("/sentences/1").text  # who judged it may know
    assert "quaggas" not in team["caro"].get("/sentences/1").text


def test_somebody_elses_skip_is_told_without_its_reason(team: dict[str, Visit]) -> None:
    team["ana"].decide(1, kind="skip", reason="zebras, or an interception_claim?")
    for path in paths(team["ben"]):
        assert "zebras, or" not in team["ben"].get(path).text, path
    assert team["ben"].json("/api/sentences/1")["skips"] == ["by somebody else"]
    assert team["ana"].json("/api/sentences/1")["skips"][0].startswith("ana: zebras")


def test_a_sentence_for_two_goes_to_a_second_reviewer(team: dict[str, Visit]) -> None:
    team["ana"].decide(1, "background")
    numbers = [each["id"] for each in team["ana"].json("/api/next?queue=all&count=10")["items"]]
    assert numbers == [2, 3, 4, 5, 6]
    assert "<b>5</b> open, 1 done" in team["ana"].get("/").text
    assert "<b>6</b> open, 0 done" in team["ben"].get("/").text
    assert [e["id"] for e in team["ben"].json("/api/next?queue=all&count=10")["items"]] == [1]
    team["ben"].decide(1, "background")
    assert "<b>5</b> open, 1 done" in team["caro"].get("/").text


def test_without_sign_in_one_verdict_is_enough(desk: ReviewStore) -> None:
    with visit_of(desk).client as client:
        visit = Visit(client).start()
        visit.decide(1, "background")
        items = visit.json("/api/next?queue=all&count=10")["items"]
        assert [each["id"] for each in items] == [2, 3, 4, 5, 6]
        assert "<b>5</b> open, 1 done" in visit.get("/").text
        assert visit.get("/admin/users").status_code == 403
        assert visit.get("/adjudicate").status_code == 200
        assert visit.get("/password", follow_redirects=False).status_code == 303


@pytest.mark.parametrize("name", ["ana", "caro"])
def test_a_reviewer_does_not_adjudicate(
    team: dict[str, Visit], desk: ReviewStore, name: str
) -> None:
    disagree(team)
    visit = team[name]
    for path in ("/adjudicate", "/api/disputes", "/api/disputes/1", "/api/last-adjudication"):
        assert visit.get(path).status_code == 403, path
    answer = settle(visit, 1, "background")
    assert (answer.status_code, answer.json()["code"]) == (403, "role")
    assert "Adjudicate" not in visit.get("/").text
    assert len(history(desk, 1)) == 2


def test_an_adjudication_needs_token_reason_and_labels(
    team: dict[str, Visit], desk: ReviewStore
) -> None:
    disagree(team)
    ada = team["ada"]
    for wrong in (
        {"reason": ""},
        {"reason": "  "},
        {"kind": "label", "labels": []},
        {"kind": "not_a_sentence", "labels": ["background"]},
        {"labels": ["background", "attack_claim"]},
        {"kind": "skip"},
        {"reviewer": "ana"},
    ):
        assert settle(ada, 1, "background", **wrong).status_code == 422, wrong
    assert settle(ada, 2, "background").status_code == 422
    token, ada.csrf = ada.csrf, "forged"
    assert settle(ada, 1, "background").status_code == 403
    ada.csrf = token
    assert len(history(desk, 1)) == 2
    key = str(uuid.uuid4())
    first, again = (settle(ada, 1, "background", client_key=key) for _ in range(2))
    assert first.json() == again.json()
    assert first.json()["decision"]["kind"] == "adjudicate"
    assert ada.json("/api/last-adjudication")["decision"]["id"] == 3
    undo = {"client_key": str(uuid.uuid4()), "decision_key": key}
    assert team["root"].post("/api/undo", undo).status_code == 422
    assert ada.post("/api/undo", undo).status_code == 200
    assert ada.json("/api/last-adjudication")["decision"] is None
    assert [each["id"] for each in ada.json("/api/disputes")["items"]] == [1]


def test_a_verdict_cannot_be_sent_as_an_adjudication(team: dict[str, Visit]) -> None:
    disagree(team)
    sent = decision(1, "background", kind="adjudicate", reason="mine")
    assert team["ada"].post("/api/decisions", sent).status_code == 422


def test_an_adjudicator_who_judged_it_leaves_it_to_another(team: dict[str, Visit]) -> None:
    team["ada"].decide(1, "background")
    team["ben"].decide(1, "attack_claim")
    assert team["ada"].json("/api/disputes")["items"] == []
    assert team["ada"].get("/api/disputes/1").status_code == 422
    assert settle(team["ada"], 1, "background").status_code == 422
    assert "reviewers disagree" not in team["ada"].get("/").text
    assert "On 1 sentence reviewers disagree" in team["root"].get("/").text
    assert settle(team["root"], 1, "background").status_code == 200


def test_hostile_text_is_text_in_answers_too(team: dict[str, Visit]) -> None:
    team["ana"].decide(1, "background", note="<script>1</script>\u202eback")
    team["ben"].decide(1, "attack_claim")
    answer = team["ada"].get("/api/disputes")
    assert answer.headers["content-type"] == "application/json"
    assert "\u202e" not in answer.json()["items"][0]["answers"][0]["note"]
    assert answer.json()["items"][0]["text"] == SENTENCES[0]
