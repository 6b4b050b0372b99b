"""The dashboard's figures, compared with what was planned and counted here once more."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations, pairwise
from pathlib import Path
from typing import Literal

import pytest

from claimwire.data.agreement import krippendorff_alpha
from claimwire.data.errors import InputError
from claimwire.data.labels import LABELS
from claimwire.serve.review.dashboard import Board, Dashboard, Sample
from claimwire.serve.review.estimates import audit
from claimwire.serve.review.hashes import GENESIS
from claimwire.serve.review.intervals import wilson
from claimwire.serve.review.pace import pace
from claimwire.serve.review.queues import QueueName, queue_sizes
from claimwire.serve.review.store import ReviewStore

from .dashboard_support import FIRST_DAY, REVIEWERS, WEEKS, Plan
from .out_support import ATTACK, FIRST, SECOND, judge, load, tagged


@pytest.fixture
def store(judged_desk: tuple[Path, Plan], tmp_path: Path) -> Iterator[ReviewStore]:
    shutil.copy(judged_desk[0], tmp_path / "review.db")
    with ReviewStore.open(str(tmp_path / "review.db")) as opened:
        yield opened


@pytest.fixture(scope="module")
def plan(judged_desk: tuple[Path, Plan]) -> Plan:
    return judged_desk[1]


@pytest.fixture(scope="module")
def board(judged_desk: tuple[Path, Plan]) -> Iterator[Board]:
    with ReviewStore.open(str(judged_desk[0])) as store:
        yield Dashboard(store).board()


def test_the_desk_is_as_planned(board: Board, plan: Plan) -> None:
    figures = board.figures
    assert sum(map(len, plan.said.values())) > 200
    assert figures.decisions > 200
    assert figures.judged == len(plan.said)
    assert figures.disputed == sum(plan.outcome(text) is None for text in plan.said) > 5
    assert len(plan.settled) > 5
    assert figures.release == SECOND
    assert figures.releases == (SECOND, FIRST)


def sampled(plan: Plan) -> list[str]:
    """Texts that the estimates may rest on: judged in turn, agreed upon, and sentences."""
    found, waiting = [], 0
    for place, text in enumerate((t for t in plan.order if t in plan.random), start=1):
        if text not in plan.said or plan.outcome(text) is None:
            waiting += 1
        elif waiting <= max(3, 0.05 * place) and plan.outcome(text):
            found.append(text)
    return found


@pytest.mark.parametrize("release", [FIRST, SECOND])
def test_precision_and_recall_are_those_of_the_estimates(store: ReviewStore, release: str) -> None:
    board = Dashboard(store).board(release)
    figures = board.figures
    assert figures.audit == audit(store, release=release)
    assert figures.audit.sample == len(board.sampled)
    assert [each.release for each in figures.audits] == [SECOND, FIRST]
    for each in figures.audit.estimates:
        assert each.rate == pytest.approx(each.hits / each.n)
        assert (each.low, each.high) == pytest.approx(wilson(each.hits / each.n, each.n))


def test_the_random_sample_is_what_was_judged_in_turn(board: Board, plan: Plan) -> None:
    texts = {number: text for text, number in plan.ids.items()}
    assert {texts[number] for number in board.sampled} == set(sampled(plan))
    assert len(board.sampled) > 60


@pytest.mark.parametrize("sample", ["random", "all"])
def test_confusion(board: Board, plan: Plan, sample: Sample) -> None:
    matrix = board.figures.confusion[sample]
    texts = sampled(plan) if sample == "random" else [t for t in plan.said if plan.outcome(t)]
    expected = Counter(
        (plan.predicted[SECOND][text][0], (plan.outcome(text) or ("",))[0]) for text in texts
    )
    found = {(row, column): n for row, each in matrix.counts.items() for column, n in each.items()}
    assert {key: n for key, n in found.items() if n} == dict(expected)
    assert matrix.sentences == len(texts)
    assert matrix.same == sum(n for (row, column), n in expected.items() if row == column)
    for row in LABELS:
        total = sum(n for (predicted, _), n in expected.items() if predicted == row)
        assert matrix.row(row) == total
        assert matrix.share(row, ATTACK) == pytest.approx(expected[row, ATTACK] / total)
    assert sum(matrix.column(label) for label in LABELS) == len(texts)
    if sample == "all":
        assert matrix.disputed == board.figures.disputed
        assert matrix.not_sentences == sum(plan.outcome(text) == () for text in plan.said) > 0


def test_agreement(board: Board, plan: Plan) -> None:
    from sklearn.metrics import cohen_kappa_score

    found = board.figures.agreement
    twice = {text: said for text, said in plan.first.items() if len(said) > 1}
    assert found.all.sentences == len(twice)
    assert [(pair.first, pair.second) for pair in found.pairs] == list(combinations(REVIEWERS, 2))
    for pair in found.pairs:
        both = [
            [(said[name] or ("x",))[0] for name in (pair.first, pair.second)]
            for said in twice.values()
            if pair.first in said and pair.second in said
        ]
        assert pair.alphas.sentences == len(both) > 20
        assert pair.kappa == pytest.approx(cohen_kappa_score(*zip(*both, strict=True)))
        assert pair.alphas.primary == pytest.approx(krippendorff_alpha(both))
    assert tuple(found.weeks) == WEEKS
    for week, alphas in found.weeks.items():
        units = [said.values() for text, said in twice.items() if plan.week[text] == week]
        assert alphas.sentences == len(units)
        for label in LABELS:
            expected = krippendorff_alpha([label in said for said in unit] for unit in units)
            assert alphas.labels[label] == expected


def test_queues_are_those_of_the_start_page(store: ReviewStore, plan: Plan) -> None:
    figures = Dashboard(store).board().figures
    assert figures.queues == queue_sizes(store)
    done = figures.queues[QueueName.RANDOM][1]
    assert done == sum(text in plan.random for text in plan.said)


def test_pace(board: Board, plan: Plan) -> None:
    today = max(plan.when.values()).date() + timedelta(days=2)
    found = pace(board.sentences, today)
    assert found.verdicts == len(plan.when)
    assert {each.name: each.verdicts for each in found.reviewers} == Counter(
        reviewer for _, reviewer in plan.when
    )
    by_day = Counter((when.date().isoformat(), who) for (_, who), when in plan.when.items())
    for day, counts in found.days.items():
        assert counts == {name: by_day[day, name] for name in REVIEWERS}
    assert next(iter(found.days)) == FIRST_DAY.date().isoformat()
    assert list(found.days)[-1] == today.isoformat()
    week_ago = today - timedelta(days=6)
    assert found.last_week == sum(when.date() >= week_ago for when in plan.when.values())
    for each in found.reviewers:
        times = sorted(when for (_, who), when in plan.when.items() if who == each.name)
        gaps = [later - sooner for sooner, later in pairwise(times)]
        worked = [gap for gap in gaps if gap <= timedelta(minutes=5)]
        hours = sum(worked, timedelta()) / timedelta(hours=1)
        assert each.per_hour == pytest.approx(len(worked) / hours)
        assert each.per_day == each.verdicts / len({time.date() for time in times})


def test_drift_is_of_all_predictions_judged_or_not(board: Board, plan: Plan) -> None:
    found = board.figures.drift
    assert tuple(week.week for week in found.weeks) == WEEKS
    assert (found.articles, found.dated) == (48, 48)
    for week in found.weeks:
        texts = [text for text, name in plan.week.items() if name == week.week]
        labels = Counter(plan.predicted[SECOND][text][0] for text in texts)
        assert week.labels == {label: labels[label] for label in LABELS}
        assert week.sentences == 64


def test_an_empty_desk_has_figures(sqlite_store: ReviewStore) -> None:
    figures = Dashboard(sqlite_store).board().figures
    assert figures.release is None
    assert (figures.decisions, figures.head, figures.judged) == (0, GENESIS, 0)
    assert figures.audit.sample == 0
    assert figures.drift.weeks == ()
    assert figures.pace.reviewers == ()


def test_an_unknown_release_is_refused(store: ReviewStore) -> None:
    with pytest.raises(InputError, match="release: expected one of those imported"):
        Dashboard(store).board("first 1.0 aaaaaaaaaaab")


@pytest.mark.parametrize("change", ["decision", "release", "date", "noise"])
def test_figures_are_kept_until_something_changes(
    store: ReviewStore, change: Literal["decision", "release", "date", "noise"]
) -> None:
    load(store, [tagged("A new sentence.", [ATTACK], SECOND, id="new")])
    dashboard = Dashboard(store)
    before = dashboard.board()
    assert dashboard.board().sentences is before.sentences
    match change:
        case "decision":
            judge(store, "A new sentence.", ATTACK)
        case "release":
            load(store, [tagged("A new sentence.", [ATTACK], "third 3.0 cccccccccccc", id="new")])
        case "date":
            load(store, [tagged("A new sentence.", [ATTACK], SECOND, id="new", date="2026-01-05")])
        case "noise":
            load(store, [tagged("A new sentence.", [ATTACK], SECOND, id="new", noise=0.5)])
    after = dashboard.board()
    assert after.figures != before.figures


def test_it_counts_the_same_on_postgresql(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make = request.getfixturevalue("new_postgresql")
    records = [
        tagged(
            f"Sentence {n}.",
            [LABELS[n % 4].value],
            id=str(n),
            date=f"2026-03-{1 + n:02d}",
            noise=n / 20,
        )
        for n in range(20)
    ]
    boards = []
    for url in (str(tmp_path / "review.db"), make()):
        with ReviewStore.open(url) as store:
            load(store, records)
            for n in range(12):
                judge(store, f"Sentence {n}.", LABELS[n % 3].value, reviewer=REVIEWERS[n % 2])
                judge(store, f"Sentence {n}.", LABELS[n % 4].value, reviewer=REVIEWERS[2])
            boards.append(Dashboard(store).board())
    one, other = boards
    assert one.sampled == other.sampled
    assert one.figures.agreement == other.figures.agreement
    assert one.figures.confusion == other.figures.confusion
    assert one.figures.drift == other.figures.drift
    assert one.figures.queues == other.figures.queues
    queues = [[each.queues for each in board.sentences] for board in boards]
    assert queues[0] == queues[1]
