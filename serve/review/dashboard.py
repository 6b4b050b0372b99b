"""The dashboard: every figure of the review desk at one moment, and what it rests on."""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from claimwire.serve.review.agreement import Agreement, agreement
from claimwire.serve.review.confusion import Confusion, confusion
from claimwire.serve.review.drift import Drift, drift
from claimwire.serve.review.estimates import (
    Audit,
    audit_of,
    imported_releases,
    named_release,
    sample_of,
)
from claimwire.serve.review.facts import Judged, judged_sentences
from claimwire.serve.review.hashes import GENESIS
from claimwire.serve.review.pace import Pace, pace
from claimwire.serve.review.queues import QueueName, judges_twice, queue_sizes
from claimwire.serve.review.stratum import predicted_labels, read_stratum
from claimwire.serve.review.tables import (
    ArticleRow,
    DecisionRow,
    PredictionRow,
    SentenceRow,
)

if TYPE_CHECKING:
    from claimwire.serve.review.store import ReviewStore

MOST_RELEASES: Final = 6
"""Releases whose precision and recall stand beside each other, the latest ones."""

Sample = Literal["random", "all"]
"""Which judged sentences: those of the random stratum that the estimates rest on, or all."""

SAMPLES: Final[tuple[Sample, ...]] = ("random", "all")

_KEPT: Final = 8
"""Releases whose results are kept."""

ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class Figures:
    """Every figure, about the judgements so far and the predictions of one release.

    Attributes:
        release: the release; None where none predicted anything.
        releases: all releases, the latest first.
        decisions: number of decisions in the chain.
        head: hash of the last one; 64 zeros where there is none.
        time: when this was counted, UTC.
        judged: sentences on which a verdict stands.
        disputed: of these, those whose reviewers disagree.
        audits: precision and recall of the latest releases, the latest first.
        confusion: by :data:`Sample`.
        agreement: of the reviewers.
        queues: open and done of each queue.
        pace: of the reviewers.
        drift: of the release's predictions.
    """

    release: str | None
    releases: tuple[str, ...]
    decisions: int
    head: str
    time: str
    judged: int
    disputed: int
    audits: tuple[Audit, ...]
    confusion: dict[Sample, Confusion]
    agreement: Agreement
    queues: dict[QueueName, tuple[int, int]]
    pace: Pace
    drift: Drift

    @property
    def audit(self) -> Audit:
        """Precision and recall of :attr:`release`."""
        return next(each for each in self.audits if each.release == self.release)


@dataclass(frozen=True, slots=True)
class Board:
    """Figures with the sentences behind them.

    Attributes:
        figures: the figures.
        sentences: the judged sentences, by id, under the release's predictions.
        sampled: ids of those that the release's estimates rest on.
    """

    figures: Figures
    sentences: tuple[Judged, ...]
    sampled: frozenset[int]


class _Kept(Generic[ValueT]):
    """Results by release, kept as long as what they were counted from stays as it is."""

    def __init__(self) -> None:
        self._state: object = None
        self._results: OrderedDict[str | None, ValueT] = OrderedDict()

    def result(self, state: object, release: str | None, count: Callable[[], ValueT]) -> ValueT:
        """Return a result, counted where there is none of this state.

        Args:
            state: stands for what is counted; another one makes all results out of date.
            release: which result.
            count: counts it.
        """
        if state != self._state:
            self._results.clear()
            self._state = state
        if release not in self._results:
            self._results[release] = count()
            if len(self._results) > _KEPT:
                self._results.popitem(last=False)
        self._results.move_to_end(release)
        return self._results[release]


class Dashboard:
    """Counts what the dashboard shows, and keeps it until something is decided or imported.

    Safe for many threads: what is being counted is counted once.

    Args:
        store: the review desk's database.
    """

    def __init__(self, store: ReviewStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._boards = _Kept[Board]()
        self._drifts = _Kept[Drift]()

    def board(self, release: str | None = None) -> Board:
        """Return the figures of a release and what they rest on.

        Args:
            release: its name; None: the one imported last.

        Raises:
            InputError: the release is not known.
        """
        now = datetime.now(UTC)
        with self._lock:
            with self._store.read() as session:
                releases = imported_releases(session)
                name = named_release(release, releases)
                material, decisions = _material(session), _decisions(session)
            state = (material, decisions, now.date())
            with _without_collecting():
                board = self._boards.result(
                    state, name, lambda: self._count(name, releases, material, now)
                )
        queues = queue_sizes(self._store)  # an import of suspected noise alone changes these
        return replace(board, figures=replace(board.figures, queues=queues))

    def _count(
        self,
        name: str | None,
        releases: dict[str, int],
        material: tuple[int, ...],
        now: datetime,
    ) -> Board:
        release_id = None if name is None else releases[name]
        with self._store.read() as session:
            decisions, head = _decisions(session)
            judged = judged_sentences(session, release_id)
            audits = _audits(session, releases, name, judged)
            drifted = self._drifts.result(material, name, lambda: drift(session, release_id))
        sampled = audits[name][1]
        figures = Figures(
            release=name,
            releases=tuple(reversed(releases)),
            decisions=decisions,
            head=head,
            time=now.isoformat(timespec="seconds"),
            judged=len(judged),
            disputed=sum(each.outcome is None for each in judged),
            audits=tuple(audit for audit, _ in audits.values()),
            confusion={
                "random": confusion(each for each in judged if each.sentence_id in sampled),
                "all": confusion(judged),
            },
            agreement=agreement(judged),
            queues={},
            pace=pace(judged, now.date()),
            drift=drifted,
        )
        return Board(figures, tuple(judged), sampled)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Keep the garbage collector away from a count, which makes many objects and no cycles.

    It would walk through everything that the server holds, several times: a fifth of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _audits(
    session: Session, releases: dict[str, int], named: str | None, judged: Iterable[Judged]
) -> dict[str | None, tuple[Audit, frozenset[int]]]:
    """Return audits of the latest releases and the one named, each with the sentences counted."""
    audited: list[str | None] = [*list(reversed(releases))[:MOST_RELEASES]]
    if named not in audited:  # an old one; or None, which has an audit without figures
        audited.append(named)
    stratum = read_stratum(session, (each.result for each in judged))
    found = {}
    for name in audited:
        predicted = predicted_labels(session, None if name is None else releases[name])
        sample = frozenset(each.sentence_id for each in sample_of(stratum, predicted))
        found[name] = audit_of(stratum, predicted, name), sample
    return found


def _material(session: Session) -> tuple[int, ...]:
    """Return numbers that change with what figures could depend on, decisions aside."""
    numbers = select(
        select(func.max(PredictionRow.id)).scalar_subquery(),
        select(func.max(SentenceRow.id)).scalar_subquery(),
        select(func.count(ArticleRow.published)).scalar_subquery(),
    )
    found = session.execute(numbers).one()
    return (*(number or 0 for number in found), int(judges_twice(session)))


def _decisions(session: Session) -> tuple[int, str]:
    """Return the number of decisions and the hash of the last one."""
    last = select(DecisionRow.id, DecisionRow.hash).order_by(DecisionRow.id.desc()).limit(1)
    found = session.execute(last).one_or_none()
    return (0, GENESIS) if found is None else (found.id, found.hash)
