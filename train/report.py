"""The report of a run: one HTML file that needs nothing else, for reading on any screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from claimwire.data.corpus import Example
from claimwire.data.errors import MissingExtraError
from claimwire.data.labels import LABEL_INDEX, LABELS
from claimwire.model.decision import Decision
from claimwire.model.release import Release
from claimwire.train.line_chart import Line, line_chart
from claimwire.train.metrics import confusion_matrix, primary_indices
from claimwire.train.reliability import reliability_svg

if TYPE_CHECKING:
    from claimwire.train.behaviour import BehaviourReport, SwapReport
    from claimwire.train.fine_tune import EpochPoint
    from claimwire.train.metrics import Evaluation
    from claimwire.train.reliability import CalibrationReport
    from claimwire.train.slices import Slice

TEMPLATE: Final = Path(__file__).with_name("report.html.j2")
MOST_ERRORS: Final = 40
MOST_FAILURES: Final = 40


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """Everything that a report tells.

    Attributes:
        release: the run's release.
        configuration: the configuration as YAML.
        evaluations: by set of held-out sentences.
        baselines: test evaluations of the simple methods by name; empty: not run.
        calibration: before and after.
        test: the test examples.
        decisions: one for each of them.
        slices: of the test set.
        behaviour: the behavioural suite's.
        swap: the actor-swap flips of the test set.
        history: one point an epoch.
    """

    release: Release
    configuration: str
    evaluations: Mapping[str, Evaluation]
    baselines: Mapping[str, Evaluation]
    calibration: CalibrationReport
    test: Sequence[Example]
    decisions: Sequence[Decision]
    slices: Sequence[Slice]
    behaviour: BehaviourReport
    swap: SwapReport
    history: Sequence[EpochPoint]


def report_html(facts: ReportFacts) -> str:
    """Return the report; article text in it is escaped and can never run.

    Raises:
        MissingExtraError: the extra [train] is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined
        from markupsafe import Markup
    except ImportError as error:
        raise MissingExtraError("train", "the report of a run") from error
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    wrong = worst_errors(facts.test, facts.decisions)
    before, after = facts.calibration.before["test"], facts.calibration.after["test"]
    return template.render(
        facts=facts,
        short=[str(label).split("_")[0] for label in LABELS],
        confusion=_confusion(facts.test, facts.decisions),
        # Charts are made here of numbers and fixed words: the only markup that is not escaped.
        reliability=Markup(reliability_svg(before.bins, after.bins)),  # noqa: S704
        precision_recall=Markup(_precision_recall_chart(facts)),  # noqa: S704
        learning=Markup(_learning_chart(facts.history)),  # noqa: S704
        wrong=wrong[:MOST_ERRORS],
        wrong_count=len(wrong),
        failures=facts.behaviour.failures[:MOST_FAILURES],
    )


def worst_errors(
    examples: Sequence[Example], decisions: Sequence[Decision]
) -> list[tuple[Example, Decision]]:
    """Return the sentences with a wrong primary label, those first that were surest."""
    pairs = zip(examples, decisions, strict=True)
    wrong = [(e, d) for e, d in pairs if e.labels[0] != d.label]
    return sorted(wrong, key=lambda pair: -pair[1].confidence)


def _confusion(examples: Sequence[Example], decisions: Sequence[Decision]) -> list[list[int]]:
    gold = primary_indices([example.labels for example in examples])
    found = primary_indices([decision.labels for decision in decisions])
    counts: list[list[int]] = confusion_matrix(gold, found).tolist()
    return counts


def precision_recall(
    scores: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return recall and precision, 0 to 1, at every threshold from the highest score down.

    Equal scores are one threshold. Both are empty where nothing is positive.

    Args:
        scores: ``[n]``.
        positive: ``[n]``, whether the label holds.
    """
    if not positive.any():
        return np.empty(0), np.empty(0)
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(positive[order])
    last = np.append(np.diff(scores[order]) != 0, True)  # the end of each run of equal scores
    found = np.arange(1, len(scores) + 1)
    return (hits / positive.sum())[last], (hits / found)[last]


def _precision_recall_chart(facts: ReportFacts) -> str:
    lines = []
    for label in LABELS:
        scores = np.array([decision.scores[label] for decision in facts.decisions])
        positive = np.array([label in example.labels for example in facts.test])
        recall, precision = precision_recall(scores, positive)
        lines.append(Line(str(label), recall.tolist(), precision.tolist(), LABEL_INDEX[label]))
    return line_chart(lines, "Precision over recall by label, test set", "recall", "precision")


def _learning_chart(history: Sequence[EpochPoint]) -> str:
    epochs = [point.epoch for point in history]
    scores = [point.macro_f1 for point in history]
    return line_chart(
        [Line("validation macro-F1", epochs, scores, 0, marks=True)],
        "Validation macro-F1 by epoch, before calibration",
        "epoch",
        "macro-F1",
        highest_x=max(epochs, default=1.0),
    )
