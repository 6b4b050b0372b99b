"""The four baselines on real splits, with the tiny encoder and a real MLflow database."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import mlflow  # noqa: TID253
import numpy as np
import pytest
import torch  # noqa: TID253
from rich.console import Console

from claimwire.data.corpus import Example
from claimwire.data.errors import ConfigError, TrackingError
from claimwire.data.labels import LABELS, Label
from claimwire.model.encoders import load_encoder
from claimwire.train import tracking
from claimwire.train.baseline_commands import baselines
from claimwire.train.baselines import (
    BASELINES,
    baseline_table,
    log_baselines,
    run_baselines,
    sentence_vectors,
)
from claimwire.train.config import Config
from claimwire.train.cue_rules import CUES, cue_labels, explain
from claimwire.train.labelled_data import LabelledData, load_data
from claimwire.train.load_config import load_config
from claimwire.train.make_release import evaluation_sets
from claimwire.train.metrics import Evaluation

MakeConfig = Callable[..., Config]
Results = dict[str, dict[str, Evaluation]]

ATTACK, INTERCEPTION, ATTRIBUTION, BACKGROUND = LABELS
ROOT = Path(__file__).parents[2]
QUIET = Console(quiet=True)

CUE_CASES: list[tuple[str, tuple[Label, ...]]] = [
    ("Two mortar rounds struck the grain market on Tuesday, killing a porter.", (ATTACK,)),
    ("Gunmen stormed the customs post at dawn.", (ATTACK,)),
    ("The Red Hill front claimed responsibility for the raid.", (ATTACK,)),
    ("A transport helicopter was shot down near the ford.", (ATTACK,)),
    ("Gunners shot down three drones over the harbour.", (INTERCEPTION,)),
    ("Border guards foiled a bombing in the ferry hall.", (INTERCEPTION,)),
    ("Nobody has claimed responsibility for the raid.", (ATTRIBUTION,)),
    ("The mayor blamed the northern command for downing the jet.", (ATTRIBUTION,)),
    ("The attack bore the hallmarks of the hill militia.", (ATTRIBUTION,)),
    ("The ministry denied any role in the blast.", (ATTRIBUTION,)),
    ("The general threatened to bomb the dam if talks fail.", (BACKGROUND,)),
    ("Envoys condemned the killing of the judge.", (BACKGROUND,)),
    ("The port handles a third of the country's grain.", (BACKGROUND,)),
    ("Rockets were attacking convoys every week.", (BACKGROUND,)),
    (
        "The battery intercepted two rockets, while a third hit a warehouse.",
        (INTERCEPTION, ATTACK),
    ),
    (
        "Six miners died in the blast, and investigators blamed the southern cell.",
        (ATTACK, ATTRIBUTION),
    ),
]


@pytest.fixture(scope="module")
def measured(
    tiny_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Config, LabelledData, Results]:
    """All baselines, once: no test changes what they gave."""
    config = load_config(
        ROOT / "configs" / "smoke.yaml",
        [
            f"output_dir={tmp_path_factory.mktemp('baselines')}",
            f"model.base={tiny_base}",
            "data.max_train_sentences=200",
        ],
    )
    data = load_data(config)
    return config, data, run_baselines(config, data, QUIET)


@pytest.mark.parametrize(("sentence", "labels"), CUE_CASES)
def test_cue_rules_follow_the_decision_order(sentence: str, labels: tuple[Label, ...]) -> None:
    assert cue_labels(sentence) == labels


def test_a_cue_names_its_words() -> None:
    (hit,) = explain("The mayor blamed the northern command.")
    assert hit.words == "blamed"
    assert hit.label is ATTRIBUTION
    assert hit.cue in {cue.name for cue in CUES}
    assert explain("The port is closed.") == []


def test_every_baseline_is_scored_on_every_set(
    measured: tuple[Config, LabelledData, Results],
) -> None:
    _, data, results = measured
    sets = evaluation_sets(data.examples)
    assert list(results) == ["majority", "cue_rules", "tfidf_logreg", "frozen_encoder_logreg"]
    for name, evaluations in results.items():
        assert list(evaluations) == list(sets), name
        for key, evaluation in evaluations.items():
            assert evaluation.n == len(sets[key])
            assert 0 <= evaluation.ece <= 1
            low, high = evaluation.ci95
            assert low <= evaluation.primary_macro_f1 <= high


def test_majority_is_as_accurate_as_the_label_is_common(
    measured: tuple[Config, LabelledData, Results],
) -> None:
    _, data, results = measured
    train = Counter(e.labels[0] for e in data.examples if e.split == "train")
    commonest = train.most_common(1)[0][0]
    test = [e.labels[0] for e in data.examples if e.split == "test"]
    share = test.count(commonest) / len(test)
    majority = results["majority"]["test"]
    assert majority.accuracy == pytest.approx(share)
    assert majority.per_label[commonest].recall == 1
    assert majority.primary_macro_f1 == pytest.approx(2 * share / (1 + share) / len(LABELS))
    # its confidence is the label's share of validation, not of test
    validation = [e.labels[0] for e in data.examples if e.split == "validation"]
    confidence = (validation.count(commonest) + 1) / (len(validation) + 2)
    assert majority.ece == pytest.approx(abs(confidence - share))


def test_words_and_rules_beat_the_majority(
    measured: tuple[Config, LabelledData, Results],
) -> None:
    _, _, results = measured
    for name in ("cue_rules", "tfidf_logreg"):
        assert results[name]["test"].accuracy > results["majority"]["test"].accuracy, name


def test_the_same_configuration_gives_the_same_figures(
    measured: tuple[Config, LabelledData, Results],
) -> None:
    config, data, results = measured
    assert run_baselines(config, data, QUIET) == results


def test_a_label_that_training_never_shows_is_scored_too(
    measured: tuple[Config, LabelledData, Results],
) -> None:
    config, data, _ = measured
    kept = [e for e in data.examples if e.split != "train" or INTERCEPTION not in e.labels]
    results = run_baselines(config, replace(data, examples=kept), QUIET, ["tfidf_logreg"])
    assert results["tfidf_logreg"]["test"].per_label[INTERCEPTION].f1 == 0


def test_extra_records_are_measured_apart(quick_config: MakeConfig, tmp_path: Path) -> None:
    extra = tmp_path / "extra.jsonl"
    records = [
        {"text": f"Rockets hit hangar {n} on Sunday.", "labels": ["attack_claim"], "split": "test"}
        for n in range(3)
    ]
    extra.write_text("".join(json.dumps(record) + "\n" for record in records))
    config = quick_config(f"data.extra=[{extra}]")
    results = run_baselines(config, load_data(config), QUIET, ["majority", "cue_rules"])
    assert set(results["majority"]) == {"validation", "test", "test_corpus", "test_extra"}
    assert results["majority"]["test_extra"].accuracy == 0
    assert results["cue_rules"]["test_extra"].accuracy == 1


def test_names_choose_and_an_unknown_one_is_refused(
    measured: tuple[Config, LabelledData, Results],
) -> None:
    config, data, results = measured
    chosen = run_baselines(config, data, QUIET, ["cue_rules", "majority", "cue_rules"])
    assert list(chosen) == ["cue_rules", "majority"]
    assert chosen["cue_rules"] == results["cue_rules"]
    with pytest.raises(ConfigError, match="found 'cue_rule': did you mean cue_rules"):
        run_baselines(config, data, QUIET, ["majority", "cue_rule"])


def test_vectors_are_the_mean_of_a_text_s_own_tokens(quick_config: MakeConfig) -> None:
    config = quick_config()
    texts = ["Two drones hit the depot.", "Rain.", "Air defences shot down a missile " * 20]
    vectors = sentence_vectors(config, texts, QUIET)
    encoder, tokenizer = load_encoder(config.model.base)
    for text, vector in zip(texts, vectors, strict=True):
        alone = tokenizer(
            text, truncation=True, max_length=config.model.max_length, return_tensors="pt"
        )
        with torch.no_grad():
            states = encoder(alone["input_ids"]).last_hidden_state
        np.testing.assert_allclose(vector, states[0].mean(dim=0).numpy(), atol=1e-5)


def test_a_release_gives_no_vectors_since_it_has_seen_labels(quick_config: MakeConfig) -> None:
    texts = ["Two drones hit the depot."]
    released, packaged = (
        sentence_vectors(quick_config(f"model.base={base}"), texts, Console(quiet=True))
        for base in ("released:small", "packaged:claimwire")
    )
    assert np.array_equal(released, packaged)


def test_a_length_beyond_the_positions_of_the_base_is_refused(quick_config: MakeConfig) -> None:
    config = quick_config("model.max_length=256")
    with pytest.raises(ConfigError, match="expected at most 128"):
        sentence_vectors(config, ["Rain."], QUIET)


def test_the_table_fits_a_narrow_terminal(measured: tuple[Config, LabelledData, Results]) -> None:
    _, _, results = measured
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(baseline_table(results))
    lines = console.export_text().splitlines()
    for name in BASELINES:
        (row,) = [line for line in lines if name in line]
        assert f"{results[name]['test'].primary_macro_f1:.3f}" in row
        assert f"{results[name]['test'].ece:.3f}" in row
        assert "…" not in row


def test_baselines_are_nested_runs_with_the_figures_of_a_model(
    measured: tuple[Config, LabelledData, Results],
) -> None:
    config, _, results = measured
    tracker = tracking.connect(config)
    with tracking.tracked_run(tracker, "parent") as parent:
        log_baselines(results)
    server = mlflow.MlflowClient(tracker.uri)
    children = server.search_runs([tracker.experiment_id], f"tags.mlflow.parentRunId = '{parent}'")
    assert {run.info.run_name for run in children} == {f"baseline-{name}" for name in BASELINES}
    for run in children:
        assert run.info.status == "FINISHED"
        assert run.data.tags["claimwire.kind"] == "baseline"
        evaluations = results[run.data.tags["claimwire.baseline"]]
        expected = evaluations["test"].flat("test") | evaluations["validation"].flat("validation")
        assert run.data.metrics == expected


def test_logging_without_a_run_is_refused(
    measured: tuple[Config, LabelledData, Results], quick_config: MakeConfig
) -> None:
    _, _, results = measured
    tracker = tracking.connect(quick_config())
    with pytest.raises(TrackingError, match="expected an active MLflow run"):
        log_baselines(results)
    assert mlflow.MlflowClient(tracker.uri).search_runs([tracker.experiment_id]) == []


def test_the_command_records_a_parent_and_prints_one_table(
    quick_config: MakeConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = quick_config()
    file = tmp_path / "config.yaml"
    file.write_text(config.model_dump_json())  # JSON is YAML
    missing = tmp_path / "not-taught-yet.jsonl"
    assert baselines(file, ["name=trial", f"distillation.soft_labels={missing}"]) == 0
    printed = capsys.readouterr().out
    for name in BASELINES:
        assert printed.count(name) == 1
    tracker = tracking.connect(config)
    runs = mlflow.MlflowClient(tracker.uri).search_runs([tracker.experiment_id])
    parents = [run for run in runs if run.data.tags["claimwire.kind"] == "baselines"]
    assert [run.info.run_name for run in parents] == ["trial-baselines"]
    assert parents[0].data.params["model.base"] == config.model.base
    assert parents[0].data.tags["corpus_digest"] == load_data(config).digest
    assert parents[0].info.run_id in printed
    assert len(runs) == 1 + len(BASELINES)


def test_a_baseline_learns_from_training_and_validation_alone(
    measured: tuple[Config, LabelledData, Results],
) -> None:
    """Without the test sentences the decisions on validation are the same."""
    config, data, results = measured
    without: list[Example] = [e for e in data.examples if e.split != "test"]
    again = run_baselines(config, replace(data, examples=without), QUIET)
    for name, evaluations in results.items():
        # other batch-mates in the encoder move the last digits
        before, after = (r["validation"].flat("v") for r in (evaluations, again[name]))
        assert after == pytest.approx(before, abs=1e-6), name
