"""The pages as the server renders them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from claimwire.data.labels import DEFINITIONS, LABELS
from claimwire.serve.review.decisions import history
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.web import guidelines
from claimwire.serve.review.web.view import moment, percent

from .support import RELEASE, SENTENCES, Visit, make_store, records, visit_of

ROOT = Path(__file__).parents[4]


def text_of(page: str) -> str:
    """Return a page's text on one line."""
    body = page.partition("<main")[2].partition("<dialog id=")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_the_start_page_counts_each_queue(visit: Visit) -> None:
    visit.decide(1, "attack_claim")
    visit.decide(2, kind="skip", reason="The text is damaged")
    text = text_of(visit.get("/").text)
    assert "Most uncertain Where the model was least sure, least sure first. 5 open, 1 done" in text
    assert "All sentences Everything that was imported. 5 open, 1 done" in text
    assert "Skipped What somebody passed over, with the reason. 1 open, 0 done" in text
    assert f"Your last decisions Skipped {SENTENCES[1]} Attack claim {SENTENCES[0]}" in text


def test_an_empty_desk_has_its_pages(tmp_path: Path) -> None:
    with make_store(tmp_path / "review.db", records(())) as store:
        visit = visit_of(store)
        assert "0 open, 0 done Nothing here." in text_of(visit.get("/").text)
        assert "There is no prediction yet" in visit.get("/estimates").text
        assert visit.get("/judge").status_code == 200


def test_filters_stay_in_the_addresses(tmp_path: Path) -> None:
    odd = records(("A bridge fell.",), article="b", theatre='a & "b"', source="River Times")
    with make_store(tmp_path / "review.db", records(), odd) as store:
        visit = visit_of(store)
        page = visit.get("/?theatre=a+%26+%22b%22&search=bridge").text
        assert "1 open, 0 done" in text_of(page)
        links = re.findall(r'href="(/judge\?[^"]+)"', page)
        assert links
        for link in links:
            address = link.replace("&amp;", "&")
            assert "theatre=a+%26+%22b%22" in address
            judged = visit.get(address)
            assert judged.status_code == 200
            assert "of " not in text_of(judged.text).partition("Label")[0]
        assert text_of(visit.get("/?label=background").text).count("0 open") == 6


@pytest.mark.parametrize("query", ["queue=none", "label=none", "search=" + "x" * 501])
def test_an_address_that_does_not_hold_is_told_in_words(visit: Visit, query: str) -> None:
    answer = visit.get(f"/judge?{query}")
    assert answer.status_code == 422
    assert "That did not work" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", ["/sentences/999", "/sentences/none", "/nothing", "/%00", "/../x"])
def test_what_is_not_there_is_told_in_words(visit: Visit, path: str) -> None:
    answer = visit.get(path)
    assert answer.status_code in (404, 422)
    assert "That did not work" in answer.text


def test_a_sentences_page_hides_what_would_sway(visit: Visit, store: ReviewStore) -> None:
    other = visit_of(store, reviewer="ben").start()
    other.decide(1, "interception_claim", note="ben's note")
    page = visit.get("/sentences/1").text
    assert "1 decision of others is hidden until you have judged the sentence." in page
    assert "Hidden until you have judged the sentence." in page
    for hidden in (RELEASE, "ben&#39;s note", "30%"):
        assert hidden not in page
    visit.decide(1, "background")
    page = visit.get("/sentences/1").text
    for shown in (RELEASE, "ben&#39;s note", "30%", "Interception claim"):
        assert shown in page


def test_whoever_asks_for_the_prediction_judges_openly(visit: Visit, store: ReviewStore) -> None:
    assert RELEASE in visit.get("/sentences/1?show=true").text
    visit.decide(1, "background")
    assert history(store, 1)[0].mode == "open"


def test_a_history_tells_what_stands(visit: Visit) -> None:
    first = visit.decide(1, "background", note="a note", hard=True)
    visit.decide(1, "attack_claim", "interception_claim")
    second = visit.json("/api/last")["decision"]["id"]
    undo = {"client_key": "0" * 32, "decision_id": second}
    assert visit.post("/api/undo", undo).status_code == 200
    text = text_of(visit.get("/sentences/1").text)
    assert "Undid decision 2" in text
    assert "Attack claim + Interception claim undone" in text
    assert "Background hard Note: a note Decision 1, by ana" in text
    assert first["decision"]["id"] == 1


def test_estimates_come_with_intervals_and_what_is_needed(visit: Visit) -> None:
    for number in range(1, 7):
        visit.decide(number, "attack_claim" if number != 2 else "background")
    text = text_of(visit.get("/estimates?half_width=0.1").text)
    assert "Attack claim Precision" in text
    assert re.search(r"\d+% to \d+%", text)
    assert re.search(r"about \d+ more", text)
    assert "give or take 10 points" in text
    for query in ("half_width=2", "half_width=x", "half_width=nan", "release=none"):
        assert visit.get(f"/estimates?{query}").status_code == 422, query
    assert visit.get(f"/estimates?release={RELEASE}").status_code == 200


def test_the_help_is_in_the_guidelines_words() -> None:
    guide = (ROOT / "docs" / "annotation-guidelines.md").read_text(encoding="utf-8")
    assert f"Version {guidelines.VERSION}." in guide
    whole = _plain(guide)
    texts = [guidelines.UNIT, *guidelines.ORDER, guidelines.SEVERAL]
    texts += [*guidelines.EXAMPLES, *guidelines.RULES]
    for entry in guidelines.HELP.values():
        texts += [entry.definition, *entry.cases]
    for text in texts:
        assert _plain(text) in whole, text
    assert tuple(guidelines.HELP) == LABELS
    assert set(DEFINITIONS) == set(guidelines.HELP)


def _plain(text: str) -> str:
    """Return text on one line without its marks of emphasis, lists and tables."""
    bare = re.sub(r"^(?:\d+\. |- |\| `\w+` \| )|[*`|]", "", text, flags=re.MULTILINE)
    return " ".join(bare.split())


def test_the_help_is_beside_judging_and_on_its_own_page(visit: Visit) -> None:
    for path in ("/judge", "/guidelines"):
        text = " ".join(visit.get(path).text.split())
        for entry in guidelines.HELP.values():
            assert entry.definition[1:] in text


def test_shares_are_never_rounded_to_all_or_nothing() -> None:
    shares = (0, 0.001, 0.005, 0.5, 0.994, 0.996, 1)
    said = ["0%", "under 1%", "under 1%", "50%", "99%", "over 99%", "100%"]
    assert [percent(share) for share in shares] == said


def test_times_are_in_words() -> None:
    assert moment("2026-06-03T16:05:59.123456+02:00") == "3 June 2026, 14:05 UTC"
