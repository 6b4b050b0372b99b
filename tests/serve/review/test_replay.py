"""Replays: judged sentences tagged again by a real release, errors mended and made."""

from __future__ import annotations

from itertools import product

import pytest

from claimwire.data.labels import LABELS, Label
from claimwire.serve.review.adjudicating import adjudicate
from claimwire.serve.review.new_decision import NewDecision
from claimwire.serve.review.replay import ReplayOutcome, replay, sign_test
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.tagger import Tagger

from .out_support import ATTACK, BACKGROUND, FIRST, INTERCEPTION, judge, load, tagged

SENTENCES = {
    "struck": "Two drones struck the fuel depot at Maresk before dawn on Monday.",
    "shot": "Air defence crews shot down a third drone over the river.",
    "port": "The port handles most of the country's grain.",
    "crane": "Its cranes were built in 1974.",
}
TRUE = {"struck": ATTACK, "shot": INTERCEPTION, "port": BACKGROUND, "crane": BACKGROUND}


@pytest.fixture(scope="module")
def shipped() -> Tagger:
    return Tagger.load(threads=1)


@pytest.fixture
def store(sqlite_store: ReviewStore) -> ReviewStore:
    return sqlite_store


@pytest.fixture
def judged(store: ReviewStore, shipped: Tagger) -> ReviewStore:
    """The release of then had two of four right; the one of now has all but one, as is judged."""
    now = shipped.tag_sentences(SENTENCES.values())
    assert {s.text: [s.label] for s in now} == {SENTENCES[k]: [v] for k, v in TRUE.items()}
    before = {"struck": BACKGROUND, "shot": INTERCEPTION, "port": ATTACK, "crane": ATTACK}
    load(store, [tagged(text, [before[key]]) for key, text in SENTENCES.items()])
    judge(store, SENTENCES["struck"], ATTACK)
    judge(store, SENTENCES["shot"], INTERCEPTION)
    judge(store, SENTENCES["port"], BACKGROUND)
    judge(store, SENTENCES["crane"], ATTACK)
    return store


def test_what_was_mended_and_what_was_broken(judged: ReviewStore, shipped: Tagger) -> None:
    report = replay(judged, shipped)
    outcomes = {each.text: each.outcome for each in report.sentences}
    assert outcomes == {
        SENTENCES["struck"]: ReplayOutcome.FIXED,
        SENTENCES["shot"]: ReplayOutcome.STILL_RIGHT,
        SENTENCES["port"]: ReplayOutcome.FIXED,
        SENTENCES["crane"]: ReplayOutcome.BROKEN,
    }
    assert report.release == shipped.model
    assert report.counts() == {
        ReplayOutcome.FIXED: 2,
        ReplayOutcome.BROKEN: 1,
        ReplayOutcome.STILL_WRONG: 0,
        ReplayOutcome.STILL_RIGHT: 1,
    }
    assert [each.text for each in report.with_outcome(ReplayOutcome.BROKEN)] == [SENTENCES["crane"]]


def test_labels_are_counted_one_by_one(judged: ReviewStore, shipped: Tagger) -> None:
    table = replay(judged, shipped).by_label()
    assert table[ATTACK] == {
        ReplayOutcome.FIXED: 2,  # struck got it, port lost it
        ReplayOutcome.BROKEN: 1,  # crane lost it, and should not have
        ReplayOutcome.STILL_WRONG: 0,
        ReplayOutcome.STILL_RIGHT: 0,  # shot never had to do with it
    }
    assert table[INTERCEPTION][ReplayOutcome.STILL_RIGHT] == 1
    assert sum(table["attribution_inference"].values()) == 0


def test_what_reviewers_disagree_on_is_left_out_until_it_is_settled(
    judged: ReviewStore, shipped: Tagger
) -> None:
    given = judge(judged, SENTENCES["crane"], BACKGROUND, reviewer="olu")
    report = replay(judged, shipped)
    assert report.counts()[ReplayOutcome.BROKEN] == 0
    assert (len(report.sentences), report.disputed) == (3, 1)
    new = NewDecision(given.sentence_id, "adjudicate", "a", (BACKGROUND,), reason="so")
    settled = adjudicate(judged, "ivo", new)
    [again] = [each for each in replay(judged, shipped).sentences if each.decision == settled.id]
    assert (again.labels, again.outcome) == ((BACKGROUND,), ReplayOutcome.FIXED)


def test_what_is_no_verdict_is_left_out(store: ReviewStore, shipped: Tagger) -> None:
    texts = list(SENTENCES.values())
    load(store, [tagged(text) for text in texts[:2]])
    load(store, [{"text": texts[2]}])
    judge(store, texts[0], kind="skip", reason="needs the map")
    judge(store, texts[1], kind="not_a_sentence")
    judge(store, texts[2], BACKGROUND)
    report = replay(store, shipped)
    assert (report.sentences, report.unpredicted) == ((), 1)
    assert report.to_json()["p_value"]["all"] == 1.0


def test_sentences_trained_on_are_told_apart(judged: ReviewStore, shipped: Tagger) -> None:
    report = replay(judged, shipped, trained_on=[SENTENCES["struck"].upper()])
    assert [each.text for each in report.sentences if each.trained_on] == [SENTENCES["struck"]]
    assert report.counts(report.unseen)[ReplayOutcome.FIXED] == 1
    assert report.counts(report.random)[ReplayOutcome.FIXED] == 1
    figures = report.to_json()
    assert figures["outcomes"]["all"]["fixed"] == 2
    assert figures["outcomes"]["not_trained_on"]["fixed"] == 1


def test_the_list_tells_all_of_a_sentence(judged: ReviewStore, shipped: Tagger) -> None:
    line = replay(judged, shipped).sentences[0].to_json()
    assert line["outcome"] == "fixed"
    assert (line["labels"], line["before"], line["now"]) == ([ATTACK], [BACKGROUND], [ATTACK])
    assert set(line["scores"]) == {label.value for label in LABELS}
    assert line["scores"][Label.ATTACK_CLAIM] > 0.5
    assert line["release_before"] == FIRST


def changed(fixed: int, broken: int) -> dict[ReplayOutcome, int]:
    counts = {ReplayOutcome.FIXED: fixed, ReplayOutcome.BROKEN: broken}
    return dict.fromkeys(ReplayOutcome, 0) | counts


@pytest.mark.parametrize(
    ("fixed", "broken", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (10, 2, 0.03857421875), (3, 3, 1.0)],
)
def test_the_sign_test(fixed: int, broken: int, p: float) -> None:
    assert sign_test(changed(fixed, broken)) == p
    assert sign_test(changed(broken, fixed)) == p


def test_the_sign_test_bears_many_sentences() -> None:
    assert 0.1 < sign_test(changed(3_000, 2_900)) < 0.3


def test_every_change_has_an_outcome() -> None:
    pairs = product((False, True), repeat=2)
    found = {ReplayOutcome.of(was_right=was, is_right=now) for was, now in pairs}
    assert found == set(ReplayOutcome)
