"""Outcomes: one verdict, agreement, disagreement, adjudication; and who is asked for them."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from claimwire.data.errors import InputError
from claimwire.serve.review import users
from claimwire.serve.review.adjudicating import (
    adjudicate,
    dispute,
    next_disputes,
    open_disputes,
)
from claimwire.serve.review.chain import verify_chain
from claimwire.serve.review.decision_view import DecisionView
from claimwire.serve.review.decisions import NewDecision, history, undo
from claimwire.serve.review.exporting import export
from claimwire.serve.review.outcomes import Outcome, agree, differ, outcomes
from claimwire.serve.review.queues import Filter, QueueName, next_items, queue_sizes
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.tables import DONE, FRESH, HALF_DONE, QueueRow

from .store_support import article, contents, count_decisions, decide, load, many, tamper

ALL = Filter(QueueName.ALL)
ATTACK, INTERCEPTION, BACKGROUND = "attack_claim", "interception_claim", "background"


@pytest.fixture
def desk(store: ReviewStore) -> ReviewStore:
    """Six sentences; each needs two reviewers."""
    load(store, *article(), double_share=1)
    return store


def ids(store: ReviewStore, reviewer: str = "ann", *, double: bool | None = True) -> list[int]:
    found = [i.sentence_id for i in next_items(store, ALL, reviewer, count=99, double=double)]
    with store.write() as session:  # given back, so that the next one may have it
        session.execute(text("DELETE FROM assignments"))
    return found


def by_id(store: ReviewStore) -> dict[int, Outcome]:
    with store.read() as session:
        return {each.sentence_id: each for each in outcomes(session)}


def settle(
    store: ReviewStore, who: str, sentence_id: int, *labels: str, alone: bool = False
) -> DecisionView:
    key = str(uuid4())
    new = NewDecision(sentence_id, "adjudicate", key, labels, reason="by the guidelines")
    return adjudicate(store, who, new, alone=alone)


def stage(store: ReviewStore, sentence_id: int = 1) -> int:
    with store.read() as session:
        return session.scalars(
            select(QueueRow.stage).where(QueueRow.sentence_id == sentence_id)
        ).one()


def disagree(store: ReviewStore, sentence_id: int = 1) -> None:
    decide(store, "ann", sentence_id, ATTACK, note="a strike")
    decide(store, "bob", sentence_id, BACKGROUND, hard=True)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (["a"], ["a"], True),
        (["a", "b", "c"], ["a", "c", "b"], True),
        (["a", "b"], ["b", "a"], False),
        (["a"], ["a", "b"], False),
        ([], ["a"], False),
        ([], [], True),
    ],
)
def test_order_matters_for_the_primary_label_alone(
    one: list[str], other: list[str], same: bool
) -> None:
    assert agree(one, other) is same
    assert differ([one, other]) is not same


def test_every_way_to_an_outcome(desk: ReviewStore) -> None:
    decide(desk, "ann", 1, ATTACK)
    for name in ("ann", "bob"):
        decide(desk, name, 2, kind="not_a_sentence")
    disagree(desk, 3)
    disagree(desk, 4)
    settled = settle(desk, "cem", 4, INTERCEPTION, ATTACK)
    decide(desk, "ann", 5, kind="skip")
    found = by_id(desk)
    assert sorted(found) == [1, 2, 3, 4]
    assert {
        number: (each.kind, each.labels, each.how, len(each.verdicts))
        for number, each in found.items()
    } == {
        1: ("label", (ATTACK,), "single", 1),
        2: ("not_a_sentence", (), "agreed", 2),
        3: ("open", (), "disputed", 2),
        4: ("label", (INTERCEPTION, ATTACK), "adjudicated", 2),
    }
    assert found[4].decision == settled.id
    assert found[2].decision == found[2].verdicts[-1].id
    assert found[3].decision is None
    assert [v.reviewer for v in found[3].verdicts] == ["ann", "bob"]
    assert verify_chain(desk).problems == ()


def test_an_adjudication_holds_whatever_the_reviewers_say_later(desk: ReviewStore) -> None:
    disagree(desk)
    settle(desk, "cem", 1, ATTACK)
    decide(desk, "ann", 1, BACKGROUND)
    assert (by_id(desk)[1].how, by_id(desk)[1].labels) == ("adjudicated", (ATTACK,))
    assert verify_chain(desk).problems == ()


def test_a_sentence_for_two_comes_to_a_second_reviewer_alone(desk: ReviewStore) -> None:
    decide(desk, "ann", 1)
    assert stage(desk) == HALF_DONE
    assert 1 not in ids(desk, "ann")
    assert ids(desk, "bob")[0] == 1
    assert queue_sizes(desk, double=True)[QueueName.ALL] == (6, 0)
    assert queue_sizes(desk, double=True, reviewer="ann")[QueueName.ALL] == (5, 1)
    assert queue_sizes(desk, double=True, reviewer="bob")[QueueName.ALL] == (6, 0)
    second = decide(desk, "bob", 1)
    assert stage(desk) == DONE
    assert 1 not in ids(desk, "cem")
    undo(desk, "bob", second.id, "undo")
    assert 1 not in ids(desk, "cem")  # it is on bob's screen again
    assert 1 in ids(desk, "bob")


def test_both_halves_of_a_queue_come_in_its_one_order(store: ReviewStore) -> None:
    load(store, *many(6), double_share=1)
    for queue in (QueueName.UNCERTAIN, QueueName.RANDOM, QueueName.ALL):
        flt = Filter(queue)
        whole = [i.sentence_id for i in next_items(store, flt, "ann", count=99, double=True)]
        for number in whole[1:9:3]:
            decide(store, "bob", number)
        again = [i.sentence_id for i in next_items(store, flt, "ann", count=99, double=True)]
        assert again == whole


def test_nobody_waits_for_a_second_reviewer_who_cannot_come(desk: ReviewStore) -> None:
    decide(desk, "ann", 1)
    assert ids(desk, "bob", double=None) == [2, 3, 4, 5, 6]
    assert queue_sizes(desk)[QueueName.ALL] == (5, 1)
    for name in ("ann", "bob"):
        users.add_user(desk, name, "correct horse")
    assert ids(desk, "bob", double=None) == [1, 2, 3, 4, 5, 6]
    assert queue_sizes(desk)[QueueName.ALL] == (6, 0)
    users.set_active(desk, "bob", False)
    assert queue_sizes(desk)[QueueName.ALL] == (5, 1)


def test_which_sentences_need_two_follows_from_their_text(
    store: ReviewStore, tmp_path: Path
) -> None:
    records = list(many(100))
    report = load(store, *records, double_share=0.2, random_share=0.5)
    assert 150 <= report.doubly <= 250
    with store.read() as session:
        rows = session.execute(select(QueueRow.digest, QueueRow.needed, QueueRow.stratum)).all()
    assert sum(row.needed == 2 for row in rows) == report.doubly
    # The two draws have nothing to do with each other.
    share = sum(row.stratum == "random" for row in rows if row.needed == 2) / report.doubly
    assert 0.4 < share < 0.6
    before = contents(store, "created_at")["queue_rows"]
    assert load(store, *records, double_share=1).doubly == 0
    assert contents(store, "created_at")["queue_rows"] == before
    with ReviewStore.open(str(tmp_path / "other.db")) as other:
        load(other, *reversed_articles(records), double_share=0.2, random_share=0.5)
        with other.read() as session:
            found = session.execute(select(QueueRow.digest, QueueRow.needed, QueueRow.stratum))
            assert Counter(tuple(row) for row in found) == Counter(tuple(row) for row in rows)


def reversed_articles(records: list[dict[str, object]]) -> list[dict[str, object]]:
    return [record for at in range(len(records), 0, -10) for record in records[at - 10 : at]]


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_from_nothing_to_all(store: ReviewStore, share: float) -> None:
    with pytest.raises(InputError, match="double_share: expected a number from 0 to 1"):
        load(store, *article(), double_share=share)


def test_answers_have_no_names_and_keep_their_order(desk: ReviewStore) -> None:
    for number in range(1, 7):
        disagree(desk, number)
    orders = []
    for found in next_disputes(desk, "cem", count=9):
        assert [answer.name for answer in found.answers] == ["A", "B"]
        assert {(a.labels, a.note, a.hard) for a in found.answers} == {
            ((ATTACK,), "a strike", False),
            ((BACKGROUND,), "", True),
        }
        orders.append(found.answers[0].labels)
        again = dispute(desk, "cem", found.item.sentence_id, alone=False)
        assert again.answers == found.answers
    first = next_disputes(desk, "cem", count=1)[0]
    decide(desk, "ann", first.item.sentence_id, INTERCEPTION)
    [changed] = next_disputes(desk, "cem", count=1)
    assert changed.answers != first.answers
    unchanged = [a.name for a in first.answers if a.labels == (BACKGROUND,)]
    assert [a.name for a in changed.answers if a.labels == (BACKGROUND,)] == unchanged


def test_two_adjudicators_get_different_disagreements(desk: ReviewStore) -> None:
    disagree(desk, 1)
    disagree(desk, 2)
    numbers = [
        [d.item.sentence_id for d in next_disputes(desk, n, count=1)] for n in ("cem", "dee")
    ]
    assert numbers == [[1], [2]]
    assert next_disputes(desk, "eva") == []
    assert next_disputes(desk, "cem", exclude=[1, -5, 2**60]) == []
    assert open_disputes(desk, "eva") == 2


def test_whoever_judged_leaves_it_to_another_adjudicator(desk: ReviewStore) -> None:
    for name, role in (("ann", "adjudicator"), ("bob", "reviewer"), ("cem", "admin")):
        users.add_user(desk, name, "correct horse", role)
    disagree(desk)
    assert (open_disputes(desk, "ann"), open_disputes(desk, "cem"), open_disputes(desk)) == (
        *(0, 1, 1),
    )
    with pytest.raises(InputError, match="is one of its reviewers"):
        settle(desk, "ann", 1, ATTACK)
    assert count_decisions(desk) == 2
    # Where all who could have judged it, or nobody else is there, it may be one of them.
    decide(desk, "cem", 1, INTERCEPTION)
    assert (open_disputes(desk, "ann"), open_disputes(desk, "cem")) == (1, 1)
    settle(desk, "ann", 1, ATTACK)
    assert by_id(desk)[1].how == "adjudicated"


def test_the_only_adjudicator_may_settle_what_they_judged(desk: ReviewStore) -> None:
    users.add_user(desk, "ann", "correct horse", "adjudicator")
    users.add_user(desk, "bob", "correct horse")
    disagree(desk)
    assert [len(d.answers) for d in next_disputes(desk, "ann")] == [2]
    settle(desk, "ann", 1, BACKGROUND)
    assert verify_chain(desk).problems == ()
    assert by_id(desk)[1].labels == (BACKGROUND,)


def test_only_a_disagreement_is_settled_and_only_once(desk: ReviewStore) -> None:
    decide(desk, "ann", 1)
    for number in (1, 2, 99, 2**40):
        with pytest.raises(InputError, match="expected a disagreement that waits for cem"):
            settle(desk, "cem", number, ATTACK)
    decide(desk, "bob", 1, BACKGROUND)
    settle(desk, "cem", 1, ATTACK)
    with pytest.raises(InputError, match="expected a disagreement that waits"):
        settle(desk, "dee", 1, BACKGROUND)
    assert open_disputes(desk) == 0


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"reason": " "}, "reason: expected why it is decided so"),
        ({"labels": (BACKGROUND, ATTACK)}, "labels: "),
        ({"kind": "label"}, "kind: expected adjudicate"),
        ({"revises": 1}, "kind: expected adjudicate that revises nothing"),
        ({"note": "n" * 2_001}, "note: expected at most 2,000"),
        ({"mode": "shut"}, "mode: expected"),
    ],
)
def test_an_adjudication_has_to_hold_together(
    desk: ReviewStore, fields: dict[str, object], problem: str
) -> None:
    disagree(desk)
    given = {"sentence_id": 1, "kind": "adjudicate", "client_key": "k", "reason": "so", **fields}
    with pytest.raises(InputError, match=problem):
        adjudicate(desk, "cem", NewDecision(**given))  # type: ignore[arg-type]
    assert count_decisions(desk) == 2


def test_an_adjudication_sent_again_is_stored_once(desk: ReviewStore) -> None:
    disagree(desk)
    new = NewDecision(1, "adjudicate", "key", (ATTACK,), reason="so")
    stored = adjudicate(desk, "cem", new)
    assert adjudicate(desk, "cem", new) == stored
    with pytest.raises(InputError, match="client_key"):
        adjudicate(desk, "dee", new)
    assert (stored.kind, stored.labels, stored.reason, stored.revises) == (
        *("adjudicate", (ATTACK,), "so", None),
    )
    assert count_decisions(desk) == 3


def test_an_undone_adjudication_waits_again(desk: ReviewStore) -> None:
    disagree(desk)
    stored = settle(desk, "cem", 1)
    assert by_id(desk)[1].kind == "not_a_sentence"
    with pytest.raises(InputError, match="a decision of dee's own"):
        undo(desk, "dee", stored.id, "u0")
    undo(desk, "cem", stored.id, "u1")
    assert by_id(desk)[1].how == "disputed"
    with pytest.raises(InputError, match="expected a decision that stands"):
        undo(desk, "cem", stored.id, "u2")
    settle(desk, "dee", 1, ATTACK)
    assert by_id(desk)[1].labels == (ATTACK,)
    assert [each.kind for each in history(desk, 1)][2:] == ["adjudicate", "undo", "adjudicate"]
    assert verify_chain(desk).problems == ()


def test_nobody_slips_an_adjudication_in_as_a_verdict(desk: ReviewStore) -> None:
    disagree(desk)
    with pytest.raises(InputError, match="kind: expected"):
        decide(desk, "ann", 1, ATTACK, kind="adjudicate")
    settled = settle(desk, "ann", 1, ATTACK, alone=True)
    with pytest.raises(InputError, match="revises: expected"):
        decide(desk, "ann", 1, BACKGROUND, revises=settled.id)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE queue_rows SET adjudication_id = NULL WHERE sentence_id = 1",
        "UPDATE queue_rows SET adjudication_id = 1 WHERE sentence_id = 2",
        "UPDATE queue_rows SET is_disputed = false WHERE sentence_id = 2",
        "UPDATE queue_rows SET is_disputed = true WHERE sentence_id = 3",
        "UPDATE queue_rows SET stage = 2 WHERE sentence_id = 3",
        "UPDATE queue_rows SET stage = 0 WHERE sentence_id = 1",
        "DELETE FROM queue_rows WHERE sentence_id = 2",
    ],
)
def test_what_follows_from_the_chain_is_verified(desk: ReviewStore, statement: str) -> None:
    disagree(desk, 1)
    disagree(desk, 2)
    decide(desk, "ann", 3)
    settle(desk, "cem", 1, ATTACK)
    assert tamper(desk) == ()
    [problem] = tamper(desk, statement)
    assert "in its queue's row" in problem or "expected its queue's row" in problem


def test_a_changed_adjudication_is_noticed(desk: ReviewStore) -> None:
    disagree(desk)
    settled = settle(desk, "cem", 1, ATTACK)
    statement = f"UPDATE decisions SET reason = 'otherwise' WHERE id = {settled.id}"
    assert any(f"decision {settled.id}:" in problem for problem in tamper(desk, statement))


def test_what_waits_is_left_out_of_exports_and_counted(desk: ReviewStore, tmp_path: Path) -> None:
    disagree(desk, 1)
    disagree(desk, 2)
    settle(desk, "cem", 2, ATTACK)
    decide(desk, "ann", 3, BACKGROUND)
    report = export(desk, tmp_path / "out.jsonl", "corpus")
    assert (report.written, report.disputed) == (2, 1)
    said = (tmp_path / "out.provenance.jsonl").read_text(encoding="utf-8")
    assert '"how": "adjudicated", "verdicts": [3, 4]' in said
    assert '"how": "single", "verdicts": [6]' in said
    assert export(desk, tmp_path / "all.jsonl", "jsonl").written == 6


def test_a_fresh_sentence_is_at_the_first_stage(desk: ReviewStore) -> None:
    assert stage(desk) == FRESH


def test_two_adjudicators_at_once_settle_it_once(desk: ReviewStore) -> None:
    disagree(desk)
    start = Barrier(4)

    def attempt(name: str) -> bool:
        start.wait()
        try:
            settle(desk, name, 1, ATTACK)
        except InputError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, ["cem", "dee", "eva", "fay"])) == 1
    assert count_decisions(desk) == 3
    assert verify_chain(desk).problems == ()
