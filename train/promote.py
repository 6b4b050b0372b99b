"""Promotion: is a registered version good enough to be ``@champion``? Moving the alias, and back.

The version and the champion tag the same labelled sentences and the same behavioural cases, and
take turns on the same sentences for their speed. Only where every rule holds does the alias move.
What was decided stands as tags on the version, under ``claimwire.``: the latest decision replaces
an earlier one.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Final

from claimwire.data.behaviour_cases import Case
from claimwire.data.corpus import Example, Position
from claimwire.data.documents import Record
from claimwire.data.errors import ClaimwireError, ReleaseError, TrackingError
from claimwire.model.decision import Decision
from claimwire.model.manifest import utc_now
from claimwire.model.references import (
    REGISTRY_SCHEME,
    resolve_release,
)
from claimwire.model.release import load_release
from claimwire.model.runtime import Runtime
from claimwire.train.behaviour import run_behaviour
from claimwire.train.compare import compare_decisions
from claimwire.train.promotion_rules import (
    COMPARING_RULES,
    Measurements,
    PromotionRules,
    RuleResult,
    judge,
)
from claimwire.train.registry import PREFIX, Registry
from claimwire.train.slices import Slice, slice_metrics

_OF_AN_EARLIER_DECISION: Final = (
    "previous_champion",
    "forced_reason",
    "refused_at",
    "refusal",
    "replaced_by",
    "rolled_back_at",
    "rolled_back_to",
    "rolled_back_reason",
)
_WARM_UP: Final = 5


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """The sentences that a promotion is decided on, and what they are called."""

    name: str
    records: Sequence[Record]

    @property
    def digest(self) -> str:
        """``sha256:...`` of the records in their order."""
        lines = "\n".join(record.model_dump_json() for record in self.records)
        return "sha256:" + hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Promotion:
    """What came of a promotion.

    Attributes:
        model: the registered model.
        version: the version that was judged.
        champion: the champion before; None: there was none.
        results: one a rule; empty where the version was champion already.
        forced: rules failed, and the alias moved all the same.
    """

    model: str
    version: str
    champion: str | None
    results: tuple[RuleResult, ...]
    forced: bool = False

    @property
    def failed(self) -> list[str]:
        """The names of the rules that failed."""
        return [result.name for result in self.results if not result.passed]

    @property
    def is_champion(self) -> bool:
        """Whether the version is the champion now."""
        return self.forced or not self.failed


@dataclass(frozen=True, slots=True)
class RollBack:
    """The champion that was taken back, and the version that is champion again."""

    model: str
    version: str
    restored: str


def promote(
    version: str,
    data: LabelledSet,
    cases: Sequence[Case],
    *,
    model: str = "claimwire",
    rules: PromotionRules | None = None,
    forced_reason: str | None = None,
) -> Promotion:
    """Judge a registered version and, where every rule holds, make it the champion.

    Args:
        version: number of the version.
        data: labelled sentences that neither release was trained on, at least one.
        cases: the behavioural suite, at least one case.
        model: the registered model.
        rules: the bounds; None: the defaults.
        forced_reason: why the version becomes champion even if rules fail; None or blank: it does
            not. A release that does not verify never does: whoever loads the champion would be
            refused.

    Raises:
        TrackingError: no registry, no such model or version, or somebody else moved the alias
            meanwhile; the alias is where it was.
        MissingExtraError: MLflow is not installed.
    """
    rules = rules or PromotionRules()
    reason = (forced_reason or "").strip()
    registry = Registry.open(model)
    before = registry.look()
    before.require(version)
    if before.champion == version:
        return Promotion(model, version, version, ())
    results = tuple(_assess(model, version, before.champion, data, cases, rules))
    failed = {result.name for result in results if not result.passed}
    forced = bool(failed and reason) and "verifies" not in failed
    promotion = Promotion(model, version, before.champion, results, forced)
    record = _record(promotion, data, rules)
    if not promotion.is_champion:
        registry.tag(version, {"refused_at": utc_now(), "refusal": record})
        return promotion
    now = registry.look()
    now.require(version)
    if now.champion != before.champion:
        raise TrackingError(
            f"{model}: expected {_named(before.champion)} to be champion still, found "
            f"{_named(now.champion)}: somebody moved the alias while version {version} was judged; "
            "run the promotion again"
        )
    tags = {"promotion": record}
    if before.champion:
        tags["previous_champion"] = before.champion
    if forced:
        tags["forced_reason"] = reason
    registry.clear(version, _OF_AN_EARLIER_DECISION)
    registry.tag(version, tags)  # before the alias moves, so that there is always a way back
    registry.move_champion(version)
    registry.tag(version, {"promoted_at": utc_now()})
    if before.champion:
        registry.tag(before.champion, {"replaced_by": version})
    return promotion


def roll_back(model: str = "claimwire", reason: str | None = None) -> RollBack | None:
    """Make the champion before this one champion again.

    Each promotion is undone once: another roll-back goes to the champion before that.

    Returns:
        What moved; None where the champion replaced none, or there is no champion.

    Raises:
        TrackingError: no registry, no such model, or the version before is gone.
        ReleaseError: the version before does not verify; the alias is where it was.
        MissingExtraError: MLflow is not installed.
    """
    registry = Registry.open(model)
    found = registry.look()
    tags = found.versions.get(found.champion or "", {})
    previous = tags.get(PREFIX + "previous_champion")
    if found.champion is None or previous is None:
        return None
    found.require(previous)
    load_release(resolve_release(f"{REGISTRY_SCHEME}{model}/{previous}"))
    registry.move_champion(previous)
    told = {"rolled_back_at": utc_now(), "rolled_back_to": previous}
    registry.tag(found.champion, told | ({"rolled_back_reason": reason} if reason else {}))
    registry.clear(found.champion, ["previous_champion"])
    registry.clear(previous, ["replaced_by"])
    return RollBack(model, found.champion, previous)


def _named(version: str | None) -> str:
    return "no version" if version is None else f"version {version}"


def _record(promotion: Promotion, data: LabelledSet, rules: PromotionRules) -> str:
    content = {
        "champion": promotion.champion,
        "dataset": data.name,
        "dataset_digest": data.digest,
        "sentences": len(data.records),
        "passed": not promotion.failed,
        "results": [asdict(result) for result in promotion.results],
        "rules": rules.model_dump(),
    }
    return json.dumps(content)


def _assess(
    model: str,
    version: str,
    champion: str | None,
    data: LabelledSet,
    cases: Sequence[Case],
    rules: PromotionRules,
) -> list[RuleResult]:
    """Return one result a rule; what cannot be measured has failed."""
    texts = [record.text for record in data.records]
    try:
        candidate = _Opened.load(model, version, texts)
    except ReleaseError as error:
        refused = RuleResult("verifies", False, str(error))
        return [refused, *_unmeasured(False, "not measured: the release does not verify")]
    verified = RuleResult("verifies", True, f"{candidate.runtime.release.id}: files as released")
    if champion is None:
        return [verified, *_unmeasured(True, "no champion to compare with")]
    try:
        current = _Opened.load(model, champion, texts)
    except ClaimwireError as error:
        why = f"not measured: the champion, version {champion}, cannot be used: {error}"
        return [verified, *_unmeasured(False, why)]
    measured = _measure(data.records, current, candidate, cases, rules)
    return [verified, *judge(measured, rules)]


def _unmeasured(passed: bool, detail: str) -> list[RuleResult]:
    return [RuleResult(name, passed, detail) for name in COMPARING_RULES]


@dataclass(frozen=True, slots=True)
class _Opened:
    """A verified release that runs, and its decisions on the labelled set."""

    runtime: Runtime
    decisions: list[Decision]

    @classmethod
    def load(cls, model: str, version: str, texts: Sequence[str]) -> _Opened:
        directory = resolve_release(f"{REGISTRY_SCHEME}{model}/{version}")
        runtime = Runtime(load_release(directory))
        return cls(runtime, runtime.predict(texts))


def _measure(
    records: Sequence[Record],
    champion: _Opened,
    candidate: _Opened,
    cases: Sequence[Case],
    rules: PromotionRules,
) -> Measurements:
    examples = [_example(record, row) for row, record in enumerate(records)]
    return Measurements(
        compare_decisions(records, champion.decisions, candidate.decisions),
        (_slices(examples, champion, rules), _slices(examples, candidate, rules)),
        (run_behaviour(cases, champion.runtime), run_behaviour(cases, candidate.runtime)),
        time_alternately(
            champion.runtime,
            candidate.runtime,
            _spread([record.text for record in records], rules.latency_sentences),
        ),
    )


def _slices(examples: Sequence[Example], opened: _Opened, rules: PromotionRules) -> list[Slice]:
    # One resample: the rule looks at accuracy alone, never at a slice's interval.
    return slice_metrics(examples, opened.decisions, rules.slice_fewest, resamples=1)


def _example(record: Record, row: int) -> Example:
    return Example(
        text=record.text,
        labels=tuple(record.labels),
        doc_id=record.doc_id,
        split="test",
        origin="extra",
        theatre=record.theatre,
        genre=record.genre,
        source=record.source,
        hard=record.hard,
        is_title=record.is_title,
        position=Position("record", row + 1),
    )


def _spread(texts: Sequence[str], most: int) -> list[str]:
    """Return at most ``most`` texts, at even distances."""
    count = min(len(texts), most)
    return [texts[index * len(texts) // count] for index in range(count)]


def time_alternately(first: Runtime, second: Runtime, texts: Sequence[str]) -> tuple[float, float]:
    """Return each release's median seconds a sentence, tagged one by one, in turns.

    Whatever else the machine does meets both alike, and each goes first on every other sentence.
    """
    seconds: tuple[list[float], list[float]] = ([], [])
    runtimes = (first, second)
    for runtime in runtimes:
        for text in texts[:_WARM_UP]:
            runtime.predict([text])
    for turn, text in enumerate(texts):
        for which in (turn % 2, 1 - turn % 2):
            start = time.perf_counter()
            runtimes[which].predict([text])
            seconds[which].append(time.perf_counter() - start)
    return median(seconds[0]), median(seconds[1])
