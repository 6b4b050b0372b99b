"""Roll-backs of promotions, and versions, models and registries that are not there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import mlflow  # noqa: TID253
import pytest

from claimwire.data.errors import MissingExtraError, ReleaseError, TrackingError
from claimwire.train.promote import roll_back

from .promote_support import ALIKE, GOOD, MODEL, UNSURE, champion, judged, tags, tampered

pytestmark = pytest.mark.slow  # a registry takes MLflow seconds to make


def test_roll_back_goes_to_the_champion_before(client: mlflow.MlflowClient) -> None:
    judged(ALIKE)
    done = roll_back(MODEL, "complaints from the desk")
    assert done is not None
    assert (done.version, done.restored) == (ALIKE, GOOD)
    assert champion(client) == GOOD
    recorded = tags(client, ALIKE)
    assert recorded["rolled_back_to"] == GOOD
    assert recorded["rolled_back_at"].endswith("Z")
    assert recorded["rolled_back_reason"] == "complaints from the desk"
    assert tags(client, GOOD) == {}
    assert roll_back(MODEL) is None
    assert champion(client) == GOOD


def test_a_version_promoted_again_has_no_tags_of_its_roll_back(
    client: mlflow.MlflowClient,
) -> None:
    judged(ALIKE)
    roll_back(MODEL, "a mistake")
    judged(ALIKE)
    assert tags(client, ALIKE).keys() == {"promoted_at", "promotion", "previous_champion"}


def test_roll_backs_undo_one_promotion_after_the_other(client: mlflow.MlflowClient) -> None:
    for version in (ALIKE, UNSURE, GOOD):
        judged(version, forced_reason="to have a history")
    assert champion(client) == GOOD
    restored = [done.restored for done in iter(lambda: roll_back(MODEL), None) if done]
    assert restored == [UNSURE, ALIKE, GOOD]
    assert champion(client) == GOOD


def test_roll_back_to_a_damaged_release_is_refused(
    client: mlflow.MlflowClient, registered: Path
) -> None:
    judged(ALIKE)
    with tampered(registered, GOOD), pytest.raises(ReleaseError, match="sha256"):
        roll_back(MODEL)
    assert champion(client) == ALIKE


def test_roll_back_to_a_deleted_version_says_so(client: mlflow.MlflowClient) -> None:
    judged(ALIKE)
    client.delete_model_version(MODEL, GOOD)
    with pytest.raises(TrackingError, match="found no version '1': there are 2, 3, 4, 5, 6"):
        roll_back(MODEL)
    assert champion(client) == ALIKE


@pytest.mark.parametrize("version", ["7", "latest", "99999999999999999999", ""])
def test_an_unknown_version_names_those_there_are(
    client: mlflow.MlflowClient, version: str
) -> None:
    with pytest.raises(TrackingError, match=r"there are 1, 2, 3, 4, 5, 6 \(champion: 1\)"):
        judged(version)
    assert champion(client) == GOOD


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("move", [lambda: judged("1", model="clamwire"), lambda: roll_back("no")])
def test_an_unknown_model_names_those_there_are(move: Callable[[], object]) -> None:
    with pytest.raises(TrackingError, match=r"expected a registered model .* found claimwire"):
        move()


def test_no_registry_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrackingError, match="found no file"):
        roll_back(MODEL)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_extra_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingExtraError, match=r"claimwire\[train\]"):
        roll_back(MODEL)
