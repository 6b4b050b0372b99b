"""Promotion in a real registry, between real releases of a tiny network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import mlflow  # noqa: TID253
import pytest

from claimwire.data.behaviour_cases import Case
from claimwire.data.errors import TrackingError
from claimwire.train.promote import LabelledSet, promote, roll_back
from claimwire.train.promotion_rules import COMPARING_RULES, PromotionRules

from .promote_support import (
    ALIKE,
    CASES,
    DATA,
    GOOD,
    LENIENT,
    MODEL,
    NO_ATTACKS,
    NO_INTERCEPTIONS,
    RECORDS,
    UNSURE,
    UNTRAINED,
    champion,
    detail,
    judged,
    tags,
    tampered,
)

pytestmark = pytest.mark.slow  # a registry takes MLflow seconds to make


def test_a_version_that_keeps_every_rule_becomes_champion(client: mlflow.MlflowClient) -> None:
    promotion = judged(ALIKE)
    assert promotion.failed == []
    assert [result.name for result in promotion.results] == ["verifies", *COMPARING_RULES]
    assert champion(client) == ALIKE
    recorded = tags(client, ALIKE)
    assert recorded.keys() == {"promoted_at", "promotion", "previous_champion"}
    assert recorded["previous_champion"] == GOOD
    assert recorded["promoted_at"].endswith("Z")
    content = json.loads(recorded["promotion"])
    assert content["passed"] is True
    assert [result["name"] for result in content["results"]] == ["verifies", *COMPARING_RULES]
    assert content["dataset_digest"] == DATA.digest
    assert content["rules"]["latency_ratio"] == LENIENT.latency_ratio
    assert tags(client, GOOD) == {"replaced_by": ALIKE}


def test_worse_weights_are_refused_by_macro_f1_and_behaviour(client: mlflow.MlflowClient) -> None:
    promotion = judged(UNTRAINED)
    assert {"macro_f1", "behaviour", "slices"} <= set(promotion.failed)
    assert "worse" in detail(promotion, "macro_f1")
    assert "all cases 1.000 to" in detail(promotion, "behaviour")
    assert champion(client) == GOOD
    recorded = tags(client, UNTRAINED)
    assert recorded.keys() == {"refused_at", "refusal"}
    assert json.loads(recorded["refusal"])["passed"] is False
    assert tags(client, GOOD) == {}


def test_worse_calibration_alone_is_refused(client: mlflow.MlflowClient) -> None:
    promotion = judged(UNSURE)
    assert promotion.failed == ["calibration"]
    assert champion(client) == GOOD


def test_a_slice_that_falls_is_refused_where_macro_f1_is_undecided(
    client: mlflow.MlflowClient,
) -> None:
    client.set_registered_model_alias(MODEL, "champion", NO_ATTACKS)
    promotion = judged(NO_INTERCEPTIONS)
    assert "undecided" in detail(promotion, "macro_f1")
    assert "slices" in promotion.failed
    assert "macro_f1" not in promotion.failed
    assert "theatre gulf-yemen (60) 1.000 to 0.000" in detail(promotion, "slices")
    assert "africa" not in detail(promotion, "slices")  # it rose
    assert champion(client) == NO_ATTACKS


def test_slices_below_the_fewest_sentences_are_not_judged(client: mlflow.MlflowClient) -> None:
    client.set_registered_model_alias(MODEL, "champion", NO_ATTACKS)
    rules = LENIENT.model_copy(update={"slice_fewest": 241})
    promotion = judged(NO_INTERCEPTIONS, rules=rules)
    assert "slices" not in promotion.failed
    assert "0 slices of at least 241" in detail(promotion, "slices")


def test_latency_is_refused_by_a_bound_that_nothing_keeps(client: mlflow.MlflowClient) -> None:
    rules = PromotionRules(latency_ratio=1e-9)
    assert judged(ALIKE, rules=rules).failed == ["latency"]
    assert champion(client) == GOOD


def test_too_few_documents_decide_nothing(client: mlflow.MlflowClient) -> None:
    few = LabelledSet("one document", RECORDS[:4])
    promotion = promote(ALIKE, few, CASES, model=MODEL, rules=LENIENT)
    assert promotion.failed == ["macro_f1"]
    assert "found 1: too few" in detail(promotion, "macro_f1")
    assert champion(client) == GOOD


def test_a_damaged_release_is_refused_whatever_the_reason(
    client: mlflow.MlflowClient, registered: Path
) -> None:
    with tampered(registered, ALIKE):
        promotion = judged(ALIKE, forced_reason="in a hurry")
    assert promotion.failed == ["verifies", *COMPARING_RULES]
    assert "sha256" in detail(promotion, "verifies")
    assert not promotion.is_champion
    assert champion(client) == GOOD
    assert "forced_reason" not in tags(client, ALIKE)


def test_a_damaged_champion_is_replaced_by_force_alone(
    client: mlflow.MlflowClient, registered: Path
) -> None:
    with tampered(registered, GOOD):
        refused = judged(ALIKE)
        assert refused.failed == list(COMPARING_RULES)
        assert champion(client) == GOOD
        assert judged(ALIKE, forced_reason="the champion is damaged").forced
    assert champion(client) == ALIKE


def test_force_with_a_reason_moves_the_alias_and_is_recorded(client: mlflow.MlflowClient) -> None:
    judged(UNSURE)
    promotion = judged(UNSURE, forced_reason=" confidence is not used here ")
    assert promotion.forced
    assert promotion.failed == ["calibration"]
    assert champion(client) == UNSURE
    recorded = tags(client, UNSURE)
    assert recorded["forced_reason"] == "confidence is not used here"
    assert recorded["previous_champion"] == GOOD
    assert "refusal" not in recorded
    assert json.loads(recorded["promotion"])["passed"] is False


def test_a_blank_reason_forces_nothing(client: mlflow.MlflowClient) -> None:
    assert not judged(UNSURE, forced_reason=" ").is_champion
    assert champion(client) == GOOD


def test_a_reason_is_not_recorded_where_force_was_not_needed(client: mlflow.MlflowClient) -> None:
    assert not judged(ALIKE, forced_reason="to be sure").forced
    assert champion(client) == ALIKE
    assert "forced_reason" not in tags(client, ALIKE)


def test_the_first_promotion_passes_with_a_note(client: mlflow.MlflowClient) -> None:
    client.delete_registered_model_alias(MODEL, "champion")
    promotion = judged(UNTRAINED)
    assert promotion.failed == []
    assert {detail(promotion, rule) for rule in COMPARING_RULES} == {"no champion to compare with"}
    assert champion(client) == UNTRAINED
    assert "previous_champion" not in tags(client, UNTRAINED)
    assert roll_back(MODEL) is None


def test_the_champion_itself_is_not_judged(client: mlflow.MlflowClient) -> None:
    promotion = judged(GOOD)
    assert promotion.results == ()
    assert promotion.is_champion
    assert tags(client, GOOD) == {}


def test_an_alias_that_moved_meanwhile_is_left_alone(client: mlflow.MlflowClient) -> None:
    class Overtaken(list[Case]):
        """Cases on whose reading somebody else promotes another version."""

        def __iter__(self) -> Iterator[Case]:
            client.set_registered_model_alias(MODEL, "champion", UNSURE)
            return super().__iter__()

    with pytest.raises(TrackingError, match=r"expected version 1 .* found version 4"):
        promote(ALIKE, DATA, Overtaken(CASES), model=MODEL, rules=LENIENT)
    assert champion(client) == UNSURE
    assert tags(client, ALIKE) == {}


def test_the_digest_tells_sets_apart() -> None:
    assert LabelledSet("a", RECORDS).digest == LabelledSet("b", RECORDS).digest
    assert LabelledSet("a", RECORDS[1:]).digest != LabelledSet("a", RECORDS).digest
