"""What of other people's answers somebody may see: none before their own, whatever way they ask.

A reviewer sees what others said of a sentence once they have judged it themselves. Adjudicators and
admins see it too when the sentence has all its verdicts; but while a disagreement waits for them,
they are to weigh answers and not names, and see it on the page for that alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from claimwire.serve.review.decision_view import DecisionView
from claimwire.serve.review.queues import judges_twice
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.tables import DONE, FRESH, VERDICT_KINDS, QueueRow


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody sees of the decisions on a sentence.

    Attributes:
        decisions: those shown, oldest first.
        hidden: how many are not.
        has_judged: whether they have ever judged it.
        waits: whether a disagreement on it waits for an adjudicator.
    """

    decisions: tuple[DecisionView, ...]
    hidden: int
    has_judged: bool
    waits: bool


def sight_of(
    store: ReviewStore,
    sentence_id: int,
    decisions: Sequence[DecisionView],
    reviewer: str,
    *,
    may_adjudicate: bool = False,
) -> Sight:
    """Return what of the decisions on a sentence somebody sees.

    Args:
        store: where the sentence is.
        sentence_id: the sentence, which is known.
        decisions: all of them.
        reviewer: who asks.
        may_adjudicate: whether they are an adjudicator or admin.
    """
    has_judged = any(each.reviewer == reviewer and each.kind in VERDICT_KINDS for each in decisions)
    with store.read() as session:
        row = session.get_one(QueueRow, sentence_id)
        complete = row.stage == DONE or (row.stage > FRESH and not judges_twice(session))
    sees_all = has_judged or (may_adjudicate and complete and not row.is_disputed)
    shown = tuple(each for each in decisions if sees_all or each.reviewer == reviewer)
    return Sight(shown, len(decisions) - len(shown), has_judged, row.is_disputed)
