"""A desk with a few hundred decisions by three reviewers over six weeks, and what they said."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from claimwire.serve.review.adjudicating import adjudicate
from claimwire.serve.review.decisions import NewDecision, record_decision, undo
from claimwire.serve.review.importing import import_records
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.tables import QueueRow, SentenceRow

from .out_support import ATTACK, ATTRIBUTION, BACKGROUND, FIRST, INTERCEPTION, SECOND, tagged

REVIEWERS = ("ines", "mara", "olu")
WEEKS = tuple(f"2026-W{number}" for number in range(10, 16))
FIRST_DAY = datetime(2026, 4, 13, 8, tzinfo=UTC)
"""When judging began."""

_LABELS = (ATTACK, INTERCEPTION, ATTRIBUTION, BACKGROUND)

Said = tuple[str, ...]
"""Labels, primary first; none for *not a sentence*."""


@dataclass
class Plan:
    """What the desk was given, told apart from the desk.

    Attributes:
        week: of each sentence, by text.
        predicted: labels of each sentence, by release and text.
        confidence: by release and text.
        said: what each reviewer said last, by text.
        first: what each reviewer said first, by text.
        settled: what the adjudicator said, by text.
        when: time of that last verdict, by text and reviewer.
        random: texts of the random stratum.
        ids: of the sentences.
        order: texts in the order of the random queue.
    """

    week: dict[str, str] = field(default_factory=dict)
    predicted: dict[str, dict[str, Said]] = field(default_factory=lambda: {FIRST: {}, SECOND: {}})
    confidence: dict[str, dict[str, float]] = field(default_factory=lambda: {FIRST: {}, SECOND: {}})
    said: dict[str, dict[str, Said]] = field(default_factory=lambda: defaultdict(dict))
    first: dict[str, dict[str, Said]] = field(default_factory=lambda: defaultdict(dict))
    settled: dict[str, Said] = field(default_factory=dict)
    when: dict[tuple[str, str], datetime] = field(default_factory=dict)
    random: set[str] = field(default_factory=set)
    ids: dict[str, int] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def outcome(self, text: str) -> Said | None:
        """What the adjudicator or all say of a sentence; None where they differ."""
        if text in self.settled:
            return self.settled[text]
        answers = list(self.said[text].values())
        same = all(set(a) == set(answers[0]) and a[:1] == answers[0][:1] for a in answers)
        return answers[0] if same else None


def _records(plan: Plan, model: str, rng: random.Random, skill: float) -> Iterator[dict[str, Any]]:
    for number, week in enumerate(WEEKS):
        for article in range(8):
            day = date(2026, 3, 2) + timedelta(days=7 * number + article % 7)
            for index in range(8):
                text = f"Report {number}.{article}.{index} from the coast."
                label = _LABELS[min(3, (number + article * 3 + index) % 7)]
                labels: Said = (label,)
                if rng.random() > skill:
                    labels = (rng.choice(_LABELS),)
                elif label == ATTACK and index % 3 == 0:
                    labels = (ATTACK, INTERCEPTION)
                plan.week[text] = week
                plan.predicted[model][text] = labels
                plan.confidence[model][text] = round(rng.uniform(0.4, 0.99), 4)
                yield tagged(
                    text,
                    labels,
                    model,
                    article_id=f"{number}.{article}",
                    sentence_index=index,
                    date=day.isoformat(),
                    confidence=plan.confidence[model][text],
                    needs_review=plan.confidence[model][text] < 0.6,
                )


def make_desk(path: Path, patch: pytest.MonkeyPatch) -> Plan:
    """Fill a database through the desk's own functions.

    The random stratum is judged in its order, two thirds of it; every third sentence by two
    reviewers. Then some that the stratum does not hold. There are slips, skips and an undo.
    """
    plan, rng = Plan(), random.Random(11)
    clock = [FIRST_DAY]
    patch.setattr(
        "claimwire.serve.review.appending.now", lambda: clock[0].isoformat("T", "microseconds")
    )
    patch.setattr("claimwire.serve.review.batches.now", lambda: "2026-04-12T00:00:00.000000+00:00")
    with ReviewStore.open(str(path)) as store:
        for model, skill in ((FIRST, 0.75), (SECOND, 0.9)):
            import_records(
                store, _records(plan, model, rng, skill), random_share=0.6, double_share=0.0
            )
        order = plan.order = _order(store, plan)
        stratum = [text for text in order if text in plan.random]
        rest = [text for text in order if text not in plan.random]
        for number, text in enumerate([*stratum[: len(stratum) * 2 // 3], *rest[:40]]):
            judges = [REVIEWERS[number % 3], REVIEWERS[(number + 1) % 3]]
            for reviewer in judges[: 2 if number % 2 == 0 else 1]:
                _judge(store, plan, rng, clock, text, reviewer)
        _mend(store, plan, clock, stratum[0])
        _adjudicate(store, plan)
    return plan


def _order(store: ReviewStore, plan: Plan) -> list[str]:
    query = (
        select(SentenceRow.text, SentenceRow.id, QueueRow.stratum)
        .join(QueueRow, QueueRow.sentence_id == SentenceRow.id)
        .order_by(QueueRow.digest)
    )
    with store.read() as session:
        rows = session.execute(query).all()
    plan.ids = {text: number for text, number, _ in rows}
    plan.random = {text for text, _, stratum in rows if stratum == "random"}
    return [text for text, _, _ in rows]


def _judge(
    store: ReviewStore,
    plan: Plan,
    rng: random.Random,
    clock: list[datetime],
    text: str,
    reviewer: str,
) -> None:
    labels = plan.predicted[SECOND][text]
    chance = rng.random()
    if chance < 0.1:
        labels = (rng.choice(_LABELS),)
    elif chance < 0.13:
        labels = ()
    _send(store, plan, clock, text, reviewer, labels)


def _send(
    store: ReviewStore,
    plan: Plan,
    clock: list[datetime],
    text: str,
    reviewer: str,
    labels: Said,
) -> int:
    kind = "label" if labels else "not_a_sentence"
    clock[0] += timedelta(seconds=20)
    if clock[0].minute == 20:  # an hour's work is done
        clock[0] = clock[0].replace(hour=8, minute=0, second=0) + timedelta(days=1)
    decision = NewDecision(plan.ids[text], kind, str(uuid4()), labels)
    plan.said[text][reviewer] = labels
    plan.first[text].setdefault(reviewer, labels)
    plan.when[text, reviewer] = clock[0]
    return record_decision(store, reviewer, decision).id


def _mend(store: ReviewStore, plan: Plan, clock: list[datetime], text: str) -> None:
    """Let a second reviewer follow the first after seeing, and undo a verdict of a third."""
    first, second = list(plan.said[text])
    changed = (ATTRIBUTION,) if plan.said[text][first] != (ATTRIBUTION,) else (BACKGROUND,)
    _send(store, plan, clock, text, second, changed)
    _send(store, plan, clock, text, second, plan.said[text][first])
    [third] = set(REVIEWERS) - {first, second}
    number = _send(store, plan, clock, text, third, changed)
    undo(store, third, number, str(uuid4()))
    for said in (plan.said, plan.first):
        del said[text][third]
    del plan.when[text, third]


def _adjudicate(store: ReviewStore, plan: Plan) -> None:
    """Let an adjudicator settle every other disagreement."""
    disputed = [text for text in plan.order if text in plan.said and plan.outcome(text) is None]
    for text in disputed[::2]:
        decision = NewDecision(
            plan.ids[text], "adjudicate", str(uuid4()), (ATTACK,), reason="It says where and when."
        )
        adjudicate(store, "dana", decision, alone=False)
        plan.settled[text] = (ATTACK,)
