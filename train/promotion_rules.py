"""The rules of a promotion: what they look at, their bounds, and the verdict of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from claimwire.train.behaviour import BehaviourReport
from claimwire.train.compare import FEWEST_DOCUMENTS, Comparison
from claimwire.train.slices import Slice

COMPARING_RULES: Final = ("macro_f1", "slices", "behaviour", "calibration", "latency")
_SLACK: Final = 1e-9
"""So that rounding never decides whether a bound is passed."""
_MOST_LISTED: Final = 5

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class PromotionRules(BaseModel):
    """The bounds of a promotion.

    Two rules have none: macro-F1 must not be worse beyond its interval, and the release must
    verify.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )

    slice_fewest: Annotated[int, Field(ge=1)] = 50
    """Sentences, 1 or more: smaller slices are not judged."""
    slice_fall: Fraction = 0.08
    """Most that the accuracy of a slice may fall, 0 to 1."""
    capability_fall: Fraction = 0.10
    """Most that the pass rate of one behavioural capability may fall, 0 to 1."""
    behaviour_fall: Fraction = 0.03
    """Most that the pass rate of all behavioural cases may fall, 0 to 1."""
    ece: Fraction = 0.05
    """Calibration error of confidence, 0 to 1, that is good enough whatever the champion's."""
    ece_rise: Fraction = 0.01
    """Most that the calibration error may rise where it is above ``ece``, 0 to 1."""
    latency_ratio: Annotated[float, Field(gt=0)] = 1.5
    """Most that the median time a sentence may be, as a multiple of the champion's, above 0."""
    latency_sentences: Annotated[int, Field(ge=1)] = 200
    """Sentences of the set, 1 or more, that are timed, one by one and spread over the set."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """Whether one rule holds, and the figures that say so."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Measurements:
    """What the rules look at; in each pair the champion stands first.

    Attributes:
        comparison: on the labelled set, A the champion and B the candidate.
        slices: of the labelled set, the same ones in the same order.
        behaviour: on the same cases.
        seconds: median time a sentence.
    """

    comparison: Comparison
    slices: tuple[list[Slice], list[Slice]]
    behaviour: tuple[BehaviourReport, BehaviourReport]
    seconds: tuple[float, float]


def judge(measured: Measurements, rules: PromotionRules) -> list[RuleResult]:
    """Return one result for each of :data:`COMPARING_RULES`, in their order."""
    return [
        _judge_macro_f1(measured.comparison),
        _judge_slices(*measured.slices, rules),
        _judge_behaviour(*measured.behaviour, rules),
        _judge_calibration(measured.comparison, rules),
        _judge_latency(*measured.seconds, rules),
    ]


def _judge_macro_f1(comparison: Comparison) -> RuleResult:
    found = comparison.metrics["primary_macro_f1"]
    low, high = found.interval
    detail = (
        f"{found.a:.3f} to {found.b:.3f}, difference {found.difference:+z.3f} (95% interval "
        f"{low:+z.3f} to {high:+z.3f}): {found.verdict}"
    )
    if comparison.documents < FEWEST_DOCUMENTS:  # undecided for want of data is no pass
        detail = (
            f"expected at least {FEWEST_DOCUMENTS} documents, found {comparison.documents}: "
            "too few to decide"
        )
        return RuleResult("macro_f1", False, detail)
    return RuleResult("macro_f1", found.verdict != "worse", detail)


@dataclass(frozen=True, slots=True)
class _Change:
    """A share of the champion's and of the candidate's, 0 to 1, and the fall that is allowed."""

    name: str
    before: float
    after: float
    allowed: float

    @property
    def fall(self) -> float:
        return self.before - self.after

    @property
    def too_much(self) -> bool:
        return self.fall > self.allowed + _SLACK

    def __str__(self) -> str:
        return f"{self.name} {self.before:.3f} to {self.after:.3f}"


def _judge_changes(
    name: str, changes: Sequence[_Change], looked_at: str, bounds: str
) -> RuleResult:
    """Return the result of a rule that no share may fall beyond its bound."""
    by_fall = sorted(changes, key=lambda change: change.allowed - change.fall)
    fallen = [change for change in by_fall if change.too_much]
    if fallen:
        more = len(fallen) - _MOST_LISTED
        listed = "; ".join(str(change) for change in fallen[:_MOST_LISTED])
        rest = f"; and {more} more" if more > 0 else ""
        return RuleResult(name, False, f"fell by more than {bounds}: {listed}{rest}")
    nearest = f"; nearest to its bound: {by_fall[0]}" if by_fall else ""
    return RuleResult(name, True, f"{looked_at}, none fell by more than {bounds}{nearest}")


def _judge_slices(
    champion: Sequence[Slice], candidate: Sequence[Slice], rules: PromotionRules
) -> RuleResult:
    changes = [
        _Change(f"{a.kind} {a.name} ({a.n})", a.accuracy, b.accuracy, rules.slice_fall)
        for a, b in zip(champion, candidate, strict=True)
        if a.accuracy is not None and b.accuracy is not None
    ]
    looked_at = f"{len(changes)} slices of at least {rules.slice_fewest} sentences"
    return _judge_changes("slices", changes, looked_at, f"{rules.slice_fall:g} accuracy")


def _judge_behaviour(
    champion: BehaviourReport, candidate: BehaviourReport, rules: PromotionRules
) -> RuleResult:
    if champion.overall.n == 0:
        return RuleResult("behaviour", False, "expected behavioural cases, found none")
    changes = [
        _Change(name, share.rate, candidate.by_capability[name].rate, rules.capability_fall)
        for name, share in champion.by_capability.items()
    ]
    before, after = champion.overall, candidate.overall
    changes.append(_Change("all cases", before.rate, after.rate, rules.behaviour_fall))
    looked_at = f"{before.rate:.3f} to {after.rate:.3f} of {after.n} cases passed"
    bounds = f"{rules.capability_fall:g} in a capability or {rules.behaviour_fall:g} over all"
    return _judge_changes("behaviour", changes, looked_at, bounds)


def _judge_calibration(comparison: Comparison, rules: PromotionRules) -> RuleResult:
    found = comparison.metrics["ece"]
    most = max(rules.ece, found.a + rules.ece_rise)
    detail = f"ECE {found.a:.3f} to {found.b:.3f}, at most {most:.3f}"
    return RuleResult("calibration", found.b <= most + _SLACK, detail)


def _judge_latency(champion: float, candidate: float, rules: PromotionRules) -> RuleResult:
    detail = (
        f"median {champion * 1000:.2f} to {candidate * 1000:.2f} ms a sentence, at most "
        f"{rules.latency_ratio:g} times the champion's"
    )
    return RuleResult("latency", candidate <= champion * rules.latency_ratio, detail)
