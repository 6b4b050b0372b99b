"""Promotion in a real registry, between real releases of a tiny network."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow  # noqa: TID253
import pytest

from claimwire.data.behaviour_cases import Case
from claimwire.data.documents import Record
from claimwire.data.errors import (
    ConfigError,
    InputError,
    MissingExtraError,
    ReleaseError,
    TrackingError,
)
from claimwire.data.labels import CLAIM_LABELS, LABELS, Label
from claimwire.model.decision import Calibration
from claimwire.model.manifest import ManifestDraft
from claimwire.model.references import resolve_release
from claimwire.model.release import Release, write_release
from claimwire.train import tracking
from claimwire.train.config import Config, TrackingConfig
from claimwire.train.promote import LabelledSet, Promotion, promote, roll_back
from claimwire.train.promote_commands import (
    PromoteOptions,
    held_out,
    promote_command,
)
from claimwire.train.promotion_rules import COMPARING_RULES, PromotionRules

pytestmark = pytest.mark.slow  # a registry takes MLflow seconds to make

MODEL = "claimwire"
GOOD, ALIKE, UNTRAINED, UNSURE, NO_ATTACKS, NO_INTERCEPTIONS = "1", "2", "3", "4", "5", "6"
LENIENT = PromotionRules(latency_ratio=1000, latency_sentences=4)
"""Nothing here depends on how busy the machine is."""

PLACES = ("the port", "the northern depot", "the old bridge", "the air base", "the hill town")
DAYS = ("Monday", "Tuesday", "Friday", "Sunday")
SENTENCES: dict[Label, tuple[str, str]] = {
    Label.ATTACK_CLAIM: ("africa", "{n} rockets struck {place} on {day}, killing two people."),
    Label.INTERCEPTION_CLAIM: (
        "gulf-yemen",
        "Air defences shot down {n} drones near {place} on {day}.",
    ),
    Label.ATTRIBUTION_INFERENCE: (
        "other",
        "Officials blamed a militia for the attack of {day} on {place}, the group of {n}.",
    ),
    Label.BACKGROUND: ("other", "The ministers will meet in {place} on {day} to discuss {n} laws."),
}


def labelled_sentences() -> list[Record]:
    """Return 60 documents of one sentence a label."""
    return [
        Record.model_validate(
            {
                "text": text.format(n=n + 2, place=PLACES[n % 5], day=DAYS[n % 4]),
                "labels": [str(label)],
                "doc_id": f"report-{n}",
                "theatre": theatre,
            }
        )
        for n in range(60)
        for label, (theatre, text) in SENTENCES.items()
    ]


RECORDS = labelled_sentences()
DATA = LabelledSet("reports", RECORDS)
CASES = [
    Case(str(record.labels[0]), number, (record.text,), record.labels[0])
    for number, record in enumerate(RECORDS[:40], 1)
]


def learn(model: Any, tokenizer: Any) -> None:
    """Fit the sentences, which takes a second or two."""
    import torch

    tokens = tokenizer([record.text for record in RECORDS], padding=True, return_tensors="pt")
    targets = torch.tensor([[float(label in r.labels) for label in LABELS] for r in RECORDS])
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(60):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(**tokens).logits, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()


@pytest.fixture(scope="module")
def registered(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Register six releases; return the folder of the database. Tests work on copies of it."""
    import torch

    from claimwire.model.export import export_onnx, write_tokenizer
    from claimwire.model.network import build_classifier

    folder = tmp_path_factory.mktemp("registry")
    torch.manual_seed(0)
    network, tokenizer = build_classifier(str(tiny_base))
    write_tokenizer(tokenizer, folder / "tokenizer.json")
    export_onnx(network, folder / "untrained.onnx")
    learn(network, tokenizer)
    export_onnx(network, folder / "good.onnx")

    def release(version: str, onnx: str = "good.onnx", **changes: Any) -> Release:
        content: dict[str, Any] = {
            "name": "tiny",
            "version": f"0.{version}",
            "base": "tiny",
            "thresholds": dict.fromkeys(CLAIM_LABELS, 0.5),
            "review_threshold": 0.6,
            "max_length": 64,
            "precision": "fp32",
            "corpus_digest": "sha256:none",
            "config_digest": "sha256:none",
        }
        return write_release(
            folder / f"release-{version}",
            ManifestDraft(**content | changes),
            model_onnx=folder / onnx,
            tokenizer_json=folder / "tokenizer.json",
            model_card="# tiny\n",
        )

    def blind_to(label: Label) -> dict[Label, float]:
        return dict.fromkeys(CLAIM_LABELS, 0.5) | {label: 1.0}

    releases = [
        release(GOOD),
        release(ALIKE),
        release(UNTRAINED, "untrained.onnx"),
        release(UNSURE, calibration=dict.fromkeys(LABELS, Calibration(scale=0.1))),
        release(NO_ATTACKS, thresholds=blind_to(Label.ATTACK_CLAIM)),
        release(NO_INTERCEPTIONS, thresholds=blind_to(Label.INTERCEPTION_CLAIM)),
    ]
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    tracker = tracking.connect(Config(output_dir=folder, tracking=TrackingConfig(uri=uri)))
    with tracking.tracked_run(tracker, "tiny"):
        versions = [tracking.register_release(each, MODEL) for each in releases[:2]]
    client = mlflow.MlflowClient(uri, uri)
    for each in releases[2:]:  # without a logged model, which takes MLflow seconds
        registered = client.create_model_version(MODEL, each.directory.as_uri())
        versions.append(str(registered.version))
    assert versions == [GOOD, ALIKE, UNTRAINED, UNSURE, NO_ATTACKS, NO_INTERCEPTIONS]
    return folder


@pytest.fixture
def client(
    registered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> mlflow.MlflowClient:
    """Return a client of a registry of one's own."""
    shutil.copyfile(registered / "mlflow.db", tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return mlflow.MlflowClient(uri, uri)


def champion(client: mlflow.MlflowClient) -> str:
    return str(client.get_model_version_by_alias(MODEL, "champion").version)


def tags(client: mlflow.MlflowClient, version: str) -> dict[str, str]:
    found = client.get_model_version(MODEL, version).tags
    return {
        key.removeprefix("claimwire."): value
        for key, value in found.items()
        if key.startswith("claimwire.")
    }


def judged(version: str, **changes: Any) -> Promotion:
    arguments: dict[str, Any] = {"model": MODEL, "rules": LENIENT} | changes
    return promote(version, DATA, CASES, **arguments)


def detail(promotion: Promotion, rule: str) -> str:
    return next(result.detail for result in promotion.results if result.name == rule)


@contextmanager
def tampered(registered: Path, release: str) -> Iterator[None]:
    """Alter the weights of a registered release where they are stored."""
    manifests = registered.glob("mlartifacts/**/manifest.json")
    path = next(
        manifest.parent / "model.onnx"
        for manifest in manifests
        if json.loads(manifest.read_text())["version"] == f"0.{release}"
    )
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    try:
        yield
    finally:
        path.write_bytes(before)


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


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_force_without_a_reason_is_refused_before_anything_is_read(reason: str | None) -> None:
    with pytest.raises(ConfigError, match="--reason TEXT with --force"):
        promote_command("2", PromoteOptions(force=True, reason=reason))


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


def write_records(path: Path, split: str | None = None) -> None:
    content = [record.model_dump(mode="json", exclude_defaults=True) for record in RECORDS]
    marked = content if split is None else [line | {"split": split} for line in content]
    path.write_text("".join(json.dumps(line) + "\n" for line in marked))


def test_the_command_says_which_rule_failed_then_what_moved(
    client: mlflow.MlflowClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset, lenient = tmp_path / "real.jsonl", tmp_path / "lenient.yaml"
    write_records(dataset)
    lenient.write_text(
        "latency_ratio: 1000\nlatency_sentences: 4\ncapability_fall: 1\nbehaviour_fall: 1\n"
    )
    options = PromoteOptions(model=MODEL, dataset=dataset, rules=lenient)
    assert promote_command(UNSURE, options) == 1
    shown = capsys.readouterr().out
    row = next(line for line in shown.splitlines() if "calibration" in line)
    assert "FAILED" in row
    assert "refused: calibration. @champion stays where it was; --force --reason" in shown
    assert champion(client) == GOOD

    forced = dataclasses.replace(options, force=True, reason="known")
    assert promote_command(UNSURE, forced) == 0
    assert "although these rules failed: calibration" in capsys.readouterr().out
    assert champion(client) == UNSURE
    assert promote_command(UNSURE, options) == 0
    assert "is @champion already" in capsys.readouterr().out

    back = PromoteOptions(model=MODEL, roll_back=True)
    assert promote_command(None, back) == 0
    assert "version 1 of claimwire is @champion again, not 4" in capsys.readouterr().out
    assert promote_command(None, back) == 1
    assert "nothing to roll back to" in capsys.readouterr().out


def test_the_command_judges_on_the_test_split_and_the_shipped_cases(
    client: mlflow.MlflowClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("latency_ratio: 1000")
    assert promote_command(ALIKE, PromoteOptions(model=MODEL, rules=rules)) == 0
    assert "test split of the corpus" in capsys.readouterr().out
    assert champion(client) == ALIKE
    content = json.loads(tags(client, ALIKE)["promotion"])
    assert content["sentences"] == len(held_out(None).records)
    assert resolve_release("models:/claimwire@champion").is_dir()


@pytest.mark.parametrize(
    ("version", "options", "message"),
    [
        (None, PromoteOptions(), "a version to promote, or --roll-back"),
        ("2", PromoteOptions(reason="why not"), "found it alone"),
        ("2", PromoteOptions(roll_back=True), "--roll-back with --model and --reason alone"),
        (None, PromoteOptions(roll_back=True, force=True, reason="x"), "found more"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    version: str | None, options: PromoteOptions, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        promote_command(version, options)


def test_sentences_that_a_release_has_seen_are_left_out(tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        write_records(tmp_path / f"{split}.jsonl", split)
    data = held_out(tmp_path)
    assert {record.split for record in data.records} == {"test"}
    assert "without 480 of train and validation" in data.name
    with pytest.raises(InputError, match="train and validation alone"):
        held_out(tmp_path / "train.jsonl")


def test_of_a_corpus_folder_the_test_split_is_read() -> None:
    corpus = Path(__file__).parents[2] / "data" / "corpus"
    assert list(held_out(corpus).records) == list(held_out(None).records)


def test_the_digest_tells_sets_apart() -> None:
    assert LabelledSet("a", RECORDS).digest == LabelledSet("b", RECORDS).digest
    assert LabelledSet("a", RECORDS[1:]).digest != LabelledSet("a", RECORDS).digest
