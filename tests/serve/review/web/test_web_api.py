"""The API: sentences out, decisions in, and no prediction before its time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from claimwire.data.errors import InputError
from claimwire.data.labels import LABELS
from claimwire.serve.review.decisions import history
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.web.explaining import WAITING

from .support import HOSTILE, RELEASE, SENTENCES, Visit, decision, make_store, records, visit_of


def first(visit: Visit, **query: str) -> dict[str, Any]:
    asked = "&".join(f"{name}={value}" for name, value in {"count": "1", **query}.items())
    (item,) = visit.json(f"/api/next?{asked}")["items"]
    assert isinstance(item, dict)
    return item


def test_the_most_uncertain_come_first_with_their_context(visit: Visit) -> None:
    items = visit.json("/api/next?count=3")["items"]
    assert [item["text"] for item in items] == list(SENTENCES[:3])
    assert [sentence["text"] for sentence in items[1]["before"]] == [SENTENCES[0]]
    assert [sentence["text"] for sentence in items[1]["after"]] == list(SENTENCES[2:5])
    assert (items[0]["title"], items[0]["theatre"]) == ("Night over Maresk", "fictional")


def test_what_the_browser_holds_is_left_out(visit: Visit) -> None:
    held = [str(item["id"]) for item in visit.json("/api/next?count=2")["items"]]
    more = visit.json(f"/api/next?count=2&exclude={','.join(held)}")["items"]
    assert [item["text"] for item in more] == list(SENTENCES[2:4])


def test_no_prediction_leaves_before_the_decision_is_stored(visit: Visit) -> None:
    item = first(visit)
    pages = [f"/sentences/{item['id']}", "/judge", "/", "/api/next", "/api/last"]
    pages.append(f"/api/sentences/{item['id']}")
    for page in pages:
        text = visit.get(page).text
        assert RELEASE not in text, page
        assert "scores" not in text or "score-" in text, page
        assert "confidence" not in text, page
    answer = visit.decide(item["id"], "interception_claim", "attack_claim")
    assert answer["prediction"]["labels"] == ["attack_claim"]
    assert set(answer["prediction"]["scores"]) == set(LABELS)
    assert answer["decision"]["labels"] == ["interception_claim", "attack_claim"]


def test_a_skip_tells_no_prediction_and_keeps_its_reason(visit: Visit) -> None:
    item = first(visit)
    answer = visit.decide(item["id"], kind="skip", reason="The text is damaged")
    assert answer["prediction"] is None
    assert first(visit)["id"] != item["id"]
    again = visit.json(f"/api/sentences/{item['id']}")
    assert again["skips"] == ["ana: The text is damaged"]


def test_a_decision_sent_again_is_stored_once(visit: Visit, store: ReviewStore) -> None:
    sent = decision(first(visit)["id"], "attack_claim", note="as seen", hard=True)
    answers = [visit.post("/api/decisions", sent) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    (stored,) = history(store, answers[0].json()["decision"]["sentence_id"])
    assert (stored.note, stored.hard, stored.mode) == ("as seen", True, "blind")


def test_a_key_is_for_one_decision(visit: Visit) -> None:
    sent = decision(first(visit)["id"], "attack_claim")
    assert visit.post("/api/decisions", sent).status_code == 200
    other = visit.post("/api/decisions", {**sent, "labels": ["background"]})
    assert other.status_code == 422
    assert other.json()["code"] == "input"


def test_whoever_saw_the_prediction_judged_openly(visit: Visit, store: ReviewStore) -> None:
    blind, seen, said = (item["id"] for item in visit.json("/api/next?count=3")["items"])
    shown = visit.json(f"/api/sentences/{seen}/prediction")["prediction"]
    assert shown["release"] == RELEASE
    visit.decide(blind, "background")
    visit.decide(seen, "background")
    visit.decide(said, "background", mode="open")
    modes = {id_: history(store, id_)[-1].mode for id_ in (blind, seen, said)}
    assert modes == {blind: "blind", seen: "open", said: "open"}


def test_a_second_judgement_is_an_open_one(visit: Visit, store: ReviewStore) -> None:
    item = first(visit)
    visit.decide(item["id"], "background")
    visit.decide(item["id"], "attack_claim")
    before, after = history(store, item["id"])
    assert (before.mode, after.mode, after.revises) == ("blind", "open", before.id)
    own = visit.json(f"/api/sentences/{item['id']}")["own"]
    assert own["labels"] == ["attack_claim"]


def test_a_selection_by_the_models_label_is_judged_openly(visit: Visit, store: ReviewStore) -> None:
    item = first(visit, label="attack_claim")
    visit.decide(item["id"], "background")
    assert history(store, item["id"])[0].mode == "open"


def test_undo_by_key_and_by_id(visit: Visit, store: ReviewStore) -> None:
    item = first(visit)
    made = visit.decide(item["id"], "background")
    assert first(visit)["id"] != item["id"]
    undone = {"client_key": "0" * 32, "decision_key": made["key"]}
    for _ in range(2):  # sent twice
        answer = visit.post("/api/undo", undone)
        assert answer.status_code == 200, answer.text
    assert [entry.kind for entry in history(store, item["id"])] == ["label", "undo"]
    assert first(visit)["id"] == item["id"]
    made = visit.decide(item["id"], "attack_claim")
    by_id = {"client_key": "1" * 32, "decision_id": made["decision"]["id"]}
    assert visit.post("/api/undo", by_id).status_code == 200
    assert visit.json("/api/last")["decision"] is None


def test_undone_in_two_tabs_is_undone_once(visit: Visit, store: ReviewStore) -> None:
    made = visit.decide(first(visit)["id"], "background")
    for key in ("2" * 32, "3" * 32):
        sent = {"client_key": key, "decision_key": made["key"]}
        assert visit.post("/api/undo", sent).status_code == 200
    assert len(history(store, made["decision"]["sentence_id"])) == 2


def test_an_undo_waits_for_its_decision(visit: Visit) -> None:
    answer = visit.post("/api/undo", {"client_key": "4" * 32, "decision_key": "5" * 32})
    assert answer.status_code == 409
    assert answer.json()["code"] == "http"


def test_nobody_undoes_anothers_decision(visit: Visit, store: ReviewStore) -> None:
    made = visit.decide(first(visit)["id"], "background")
    other = visit_of(store, reviewer="ben").start()
    sent = {"client_key": "6" * 32, "decision_id": made["decision"]["id"]}
    assert other.post("/api/undo", sent).status_code == 422
    assert other.json("/api/last")["decision"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"labels": []},
        {"labels": ["attack_claim", "background"]},
        {"labels": ["attack_claim", "attack_claim"]},
        {"labels": ["something"]},
        {"labels": "attack_claim"},
        {"kind": "undo"},
        {"kind": "skip", "labels": []},
        {"kind": "skip", "labels": [], "reason": "  "},
        {"kind": "not_a_sentence"},
        {"mode": "loud"},
        {"note": "x" * 2_001},
        {"note": "a NUL \x00"},
        {"sentence_id": 999},
        {"sentence_id": 0},
        {"sentence_id": 2**63},
        {"client_key": "short"},
        {"client_key": "x" * 65},
        {"client_key": "<script>alert(1)</script>"},
        {"reviewer": "somebody else"},
        {"revises": 1},
    ],
)
def test_what_does_not_hold_is_refused_and_stored_nowhere(
    visit: Visit, store: ReviewStore, change: dict[str, object]
) -> None:
    sent = {**decision(first(visit)["id"], "attack_claim"), **change}
    answer = visit.post("/api/decisions", sent)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "input"
    assert answer.json()["detail"]
    assert history(store, 1) == []


@pytest.mark.parametrize(
    "query",
    ["queue=none", "label=none", "count=0", "count=11", "exclude=1,x", "search=" + "x" * 501],
)
def test_a_query_that_does_not_hold_is_refused(visit: Visit, query: str) -> None:
    assert visit.get(f"/api/next?{query}").status_code == 422
    assert visit.get("/api/sentences/999").status_code == 422
    assert visit.get("/api/sentences/none").status_code == 422


def test_filters_choose(tmp_path: Path) -> None:
    more = records(("A bridge fell.",), article="b", theatre="africa", source="River Times")
    with make_store(tmp_path / "review.db", records(), more) as store:
        visit = visit_of(store)
        for query in ("theatre=africa", "source=River%20Times", "search=BRIDGE"):
            (item,) = visit.json(f"/api/next?{query}")["items"]
            assert item["text"] == "A bridge fell."
        assert visit.json("/api/next?theatre=africa&search=drone")["items"] == []


def test_an_explanation_gives_the_sentence_in_parts(visit: Visit, store: ReviewStore) -> None:
    item = first(visit)
    found = visit.json(f"/api/sentences/{item['id']}/explanation")
    assert "".join(part["text"] for part in found["parts"]) == item["text"]
    assert all(-3 <= part["weight"] <= 3 for part in found["parts"])
    assert found["label"] == "attack_claim"
    assert found["release"].startswith("claimwire-")
    assert found["same_release"] is False
    other = visit.json(f"/api/sentences/{item['id']}/explanation?label=background")
    assert other["label"] == "background"
    visit.decide(item["id"], "background")
    assert history(store, item["id"])[0].mode == "open"


def test_explanations_do_not_take_every_thread(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    explainer = visit.client.app.state.desk.explainer  # type: ignore[attr-defined]
    for _ in range(WAITING):
        explainer._room.acquire()
    answer = visit.get("/api/sentences/1/explanation")
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    explainer._room.release()
    assert visit.get("/api/sentences/1/explanation").status_code == 200


def test_a_model_that_is_not_there_is_said_so(store: ReviewStore, tmp_path: Path) -> None:
    visit = visit_of(store, model=str(tmp_path / "none"))
    answer = visit.get("/api/sentences/1/explanation")
    assert (answer.status_code, answer.json()["code"]) == (503, "model")


def test_hostile_text_is_given_as_text(tmp_path: Path) -> None:
    with make_store(tmp_path / "review.db", records(HOSTILE)) as store:
        visit = visit_of(store)
        for place, text in enumerate(HOSTILE, start=1):
            answer = visit.get(f"/api/sentences/{place}")
            assert answer.headers["content-type"] == "application/json"
            given = json.loads(answer.text)["text"]
            assert len(given) == len(text)
            assert not set(given) & set("\x01\x07\x1b\u202e\u2066")


def test_a_database_that_is_busy_or_gone_is_asked_again(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("server closed the connection"))

    def busy(*_: object) -> None:
        try:
            gone()
        except OperationalError:
            raise InputError("expected its lock within 10 s") from None

    for failing, code in ((gone, "database"), (busy, "busy")):
        monkeypatch.setattr("claimwire.serve.review.web.api.record_decision", failing)
        answer = visit.post("/api/decisions", decision(1, "background"))
        assert (answer.status_code, answer.json()["code"]) == (503, code)
        assert answer.headers["retry-after"] == "1"
        assert "INSERT" not in answer.text


def test_two_desks_have_two_identities(store: ReviewStore, tmp_path: Path) -> None:
    one, again = (visit_of(store).json("/api/session")["desk"] for _ in range(2))
    with make_store(tmp_path / "other.db") as other:
        assert visit_of(other).json("/api/session")["desk"] != one
    assert one == again
