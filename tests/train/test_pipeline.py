"""Whole runs: the real Trainer, MLflow, export and runtime, on a tiny encoder."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow  # noqa: TID253
import numpy as np
import pytest
from rich.console import Console
from transformers import TrainerCallback  # noqa: TID253

from claimwire.data.errors import ConfigError, CorpusError, MissingExtraError, TrackingError
from claimwire.data.labels import Label
from claimwire.model.references import resolve_release
from claimwire.model.release import load_release
from claimwire.model.runtime import Runtime
from claimwire.train import pipeline, progress
from claimwire.train.config import Config
from claimwire.train.pipeline import Outcome, run_training

MakeConfig = Callable[..., Config]
SENTENCES = [
    "Two drones hit the depot on Friday.",
    "Air defences shot down a missile over the bay.",
    "The minister spoke about trade.",
]


def run(config: Config) -> Outcome:
    return run_training(config, Console(quiet=True))


def client(config: Config) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(f"sqlite:///{config.output_dir / 'mlflow.db'}")


@pytest.fixture
def outcome(quick_config: MakeConfig) -> tuple[Config, Outcome]:
    config = quick_config()
    return config, run(config)


def test_a_run_ends_with_a_verified_release_and_its_figures(
    outcome: tuple[Config, Outcome],
) -> None:
    config, done = outcome
    release = load_release(done.folder / "release")
    assert release.manifest.config_digest == config.digest()
    assert release.manifest.base == Path(config.model.base).name
    test = done.measured.evaluations["test"]
    assert release.manifest.metrics["test/primary_macro_f1"] == round(test.primary_macro_f1, 6)
    assert test.n == sum(score.support for score in test.per_label.values())
    assert f"{test.primary_macro_f1:.3f}" in release.layout.card.read_text()
    assert len(Runtime(release).predict(SENTENCES)) == 3


def test_a_run_is_recorded_in_mlflow(outcome: tuple[Config, Outcome]) -> None:
    config, done = outcome
    server = client(config)
    recorded = server.get_run(done.mlflow_run_id)
    assert recorded.info.status == "FINISHED"
    assert recorded.data.params["train.learning_rate"] == "0.003"
    assert recorded.data.params["model.base"] == config.model.base
    assert recorded.data.tags["config_digest"] == config.digest()
    test = done.measured.evaluations["test"]
    assert recorded.data.metrics["test/primary_macro_f1"] == test.primary_macro_f1
    assert recorded.data.metrics["test/f1/attack_claim"] == test.per_label[Label.ATTACK_CLAIM].f1
    for key in ("train/loss", "validation/primary_macro_f1"):
        steps = [point.step for point in server.get_metric_history(done.mlflow_run_id, key)]
        assert steps == sorted(set(steps)), key
        assert steps[-1] > steps[0], key
    assert recorded.inputs is not None
    inputs = {
        item.dataset.name: next(tag.value for tag in item.tags if tag.key == "mlflow.data.context")
        for item in recorded.inputs.dataset_inputs
    }
    assert inputs == {f"claimwire-{s}": s for s in ("train", "validation", "test")}
    assert rows_of(done, config) == 200
    artifacts = {file.path for file in server.list_artifacts(done.mlflow_run_id)}
    assert "config.yaml" in artifacts


def rows_of(done: Outcome, config: Config) -> int:
    """Return the rows of the training data set that MLflow shows for a run."""
    inputs = client(config).get_run(done.mlflow_run_id).inputs
    assert inputs is not None
    [train] = [
        each.dataset for each in inputs.dataset_inputs if each.dataset.name.endswith("train")
    ]
    return int(json.loads(train.profile or "{}")["num_rows"])


def test_the_release_is_a_registered_model_and_the_first_is_champion(
    outcome: tuple[Config, Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, done = outcome
    assert done.model_version == "1"
    name = str(config.tracking.registered_model)
    second = run(config)
    assert second.model_version == "2"
    fewer = config.model_copy(
        update={"data": config.data.model_copy(update={"max_train_sentences": 100})}
    )
    assert rows_of(run(fewer), config) == 100
    champion = client(config).get_model_version_by_alias(name, "champion")
    assert str(champion.version) == "1"

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{config.output_dir / 'mlflow.db'}")
    monkeypatch.setenv("MLFLOW_ALLOW_MODEL_CODE_EXECUTION", "false")
    directory = resolve_release(f"models:/{name}@champion")
    assert load_release(directory).id == done.measured.release.id


def test_the_registered_model_predicts_as_a_pyfunc(outcome: tuple[Config, Outcome]) -> None:
    import pandas as pd

    config, done = outcome
    mlflow.set_tracking_uri(f"sqlite:///{config.output_dir / 'mlflow.db'}")
    model = mlflow.pyfunc.load_model(f"models:/{config.tracking.registered_model}/1")
    frame = model.predict(pd.DataFrame({"text": SENTENCES}))
    expected = Runtime(done.measured.release).predict(SENTENCES)
    assert list(frame["label"]) == [str(decision.label) for decision in expected]
    assert np.allclose(frame["confidence"], [decision.confidence for decision in expected])
    assert model.metadata.signature is not None


def test_the_same_configuration_gives_the_same_model(quick_config: MakeConfig) -> None:
    first, second = (run(quick_config()).measured.release for _ in range(2))
    assert first.manifest.files == second.manifest.files | {
        "MODEL_CARD.md": first.manifest.files["MODEL_CARD.md"]
    }
    assert first.manifest.metrics == second.manifest.metrics


class _InterruptAfterFirstEpoch(TrainerCallback):
    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.epoch is not None and state.epoch > 1.3:
            raise KeyboardInterrupt


def test_label_noise_of_the_training_split_is_part_of_the_run(quick_config: MakeConfig) -> None:
    config = quick_config("report.label_noise=true", "train.epochs=1")
    done = run(config)
    metrics = client(config).get_run(done.mlflow_run_id).data.metrics
    path = client(config).download_artifacts(done.mlflow_run_id, "suspects.jsonl")
    suspects = [json.loads(line) for line in Path(path).read_text().splitlines()]
    assert suspects
    assert metrics["data/train_suspects"] == len(suspects)
    assert {suspect["split"] for suspect in suspects} == {"train"}


def test_documents_too_few_for_label_noise_do_not_end_the_run(
    quick_config: MakeConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    config = quick_config(
        "report.label_noise=true", "train.epochs=1", "data.max_train_sentences=12"
    )
    run_training(config, Console())
    assert "no label noise: " in capsys.readouterr().out


def test_a_release_is_trained_on_from_where_it_stands(
    quick_config: MakeConfig, tiny_release: Path
) -> None:
    begun = load_release(tiny_release)
    config = quick_config(
        f"model.base=released:{tiny_release}",
        "model.dropout=0",
        "model.classifier_dropout=0",
        "train.epochs=1",
        "train.learning_rate=1e-9",
    )
    done = run(config)
    assert done.measured.release.manifest.base == f"released:{begun.id}"
    assert client(config).get_run(done.mlflow_run_id).data.tags["base_release"] == begun.id
    # Hardly trained at all, it says what the release says: head and encoder are there.
    expected, _ = Runtime(begun).logits(SENTENCES)
    found, _ = Runtime(done.measured.release).logits(SENTENCES)
    assert found == pytest.approx(expected, abs=0.01 * float(np.abs(expected).max()))


def test_an_interrupted_run_goes_on_to_the_same_model_in_the_same_mlflow_run(
    quick_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(quick_config("name=whole", "train.epochs=3")).measured

    reporting = progress.progress_callback
    monkeypatch.setattr(pipeline, "progress_callback", lambda _: _InterruptAfterFirstEpoch())
    config = quick_config("name=broken", "train.epochs=3")
    with pytest.raises(KeyboardInterrupt):
        run(config)
    monkeypatch.setattr(pipeline, "progress_callback", reporting)
    state = json.loads((config.output_dir / "runs/broken-1/run.json").read_text())
    assert client(config).get_run(state["mlflow_run_id"]).info.status == "KILLED"

    resumed = run(quick_config("name=broken", "train.epochs=3", "train.resume=true"))
    assert resumed.mlflow_run_id == state["mlflow_run_id"]
    assert resumed.folder.name == "broken-1"
    assert client(config).get_run(resumed.mlflow_run_id).info.status == "FINISHED"
    logits = [
        Runtime(release).logits(SENTENCES)[0]
        for release in (whole.release, resumed.measured.release)
    ]
    np.testing.assert_allclose(logits[0], logits[1], atol=1e-5)
    with pytest.raises(ConfigError, match="expected an interrupted run"):
        run(quick_config("name=broken", "train.epochs=3", "train.resume=true"))


def test_an_unreachable_tracking_server_stops_the_run_before_training(
    quick_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    config = quick_config()
    with pytest.raises(TrackingError, match="nothing was trained") as caught:
        run(config)
    assert address in str(caught.value)
    assert not (config.output_dir / "runs").exists()


def test_extra_records_join_their_splits_and_are_measured_apart(
    quick_config: MakeConfig, tmp_path: Path
) -> None:
    extra = tmp_path / "extra.jsonl"
    records = [
        {"text": f"Rockets hit hangar {n} on Sunday.", "labels": ["attack_claim"], "split": split}
        for n, split in enumerate(["train"] * 5 + ["validation"] * 3 + ["test"] * 2)
    ]
    extra.write_text("".join(json.dumps(record) + "\n" for record in records))
    plain = quick_config("train.epochs=1")
    config = quick_config("train.epochs=1", f"data.extra=[{extra}]")
    done = run(config)
    assert done.measured.evaluations["test_extra"].n == 2
    assert done.measured.evaluations["test"].n == 2 + done.measured.evaluations["test_corpus"].n
    assert done.measured.release.manifest.corpus_digest != (
        run(plain).measured.release.manifest.corpus_digest
    )


def test_a_wrong_label_in_extra_data_stops_the_run(
    quick_config: MakeConfig, tmp_path: Path
) -> None:
    extra = tmp_path / "extra.jsonl"
    extra.write_text('{"text": "A.", "labels": ["attack"]}\n')
    with pytest.raises(CorpusError, match=r"extra\.jsonl:1"):
        run(quick_config(f"data.extra=[{extra}]"))


def test_a_length_beyond_the_positions_of_the_base_is_refused(quick_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match="expected at most 128"):
        run(quick_config("model.max_length=256"))


@pytest.mark.parametrize("library", ["transformers", "mlflow", "onnx"])
def test_a_missing_extra_names_itself(
    quick_config: MakeConfig, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=r"claimwire\[train\]"):
        run(quick_config())


def test_fp32_and_class_weights_and_temperature_run_too(quick_config: MakeConfig) -> None:
    done = run(
        quick_config(
            "train.epochs=1",
            "train.class_weights=balanced",
            "train.label_smoothing=0.1",
            "decision.calibration=temperature",
            "release.precision=fp32",
            "tracking.registered_model=null",
        )
    )
    assert done.model_version is None
    manifest = done.measured.release.manifest
    assert manifest.precision == "fp32"
    assert len({calibration.scale for calibration in manifest.calibration.values()}) == 1
