"""Seeds and folds as whole runs: the real Trainer, MLflow and releases, on a tiny encoder."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import stdev
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console
from transformers import TrainerCallback  # noqa: TID253

from claimwire.data.corpus import default_corpus, load_examples, to_dataset_dict
from claimwire.data.errors import ConfigError
from claimwire.data.labels import Label
from claimwire.model.release import load_release
from claimwire.train import commands, pipeline, progress
from claimwire.train.config import Config
from claimwire.train.folds import fold_examples, with_roles
from claimwire.train.labelled_data import load_data
from claimwire.train.pipeline import run_training
from claimwire.train.repeat_summary import (
    Repeat,
    best_by_validation,
    repeat_table,
    summarise,
)
from claimwire.train.repeats import RepeatsOutcome, run_repeats
from claimwire.train.spread import Spread

from .tracked import children, client

MakeConfig = Callable[..., Config]
ROOT = Path(__file__).parents[2]
EXAMPLES = load_examples(default_corpus())


def run(config: Config) -> RepeatsOutcome:
    return run_repeats(config, Console(quiet=True))


def repeat(name: str, validation: float, test: float) -> Repeat:
    metrics = {"validation/primary_macro_f1": validation, "test/primary_macro_f1": test}
    return Repeat(name, f"id-{name}", metrics, Path(name))


# Folds


def test_folds_hold_whole_documents_of_train_and_validation_once() -> None:
    parts = fold_examples(EXAMPLES, 4, seed=13)
    usable = [e for e in EXAMPLES if e.split != "test"]
    assert Counter(e.position for part in parts for e in part) == Counter(
        e.position for e in usable
    )
    documents = [{e.document_key for e in part} for part in parts]
    assert sum(map(len, documents)) == len(set().union(*documents))
    assert parts == fold_examples(EXAMPLES, 4, seed=13)
    assert parts != fold_examples(EXAMPLES, 4, seed=14)


def test_a_fold_is_measured_once_and_chosen_on_once_and_never_trained_on_then() -> None:
    parts = fold_examples(EXAMPLES, 3, seed=13)
    for number in range(3):
        roles = with_roles(parts, number)
        of = {
            split: {e.position for e in roles if e.split == split}
            for split in ("train", "validation", "test")
        }
        assert of["test"] == {e.position for e in parts[number]}
        assert of["validation"] == {e.position for e in parts[(number + 1) % 3]}
        assert of["train"] == {e.position for e in parts[(number + 2) % 3]}


def test_sentences_without_a_document_stay_with_their_copies() -> None:
    alone = [replace(e, doc_id=None) for e in EXAMPLES if e.split == "train"]
    parts = fold_examples([*alone, *alone], 5, seed=1)
    texts = [{e.text for e in part} for part in parts]
    assert sum(map(len, texts)) == len(set().union(*texts))


def test_folds_that_the_data_cannot_fill_are_refused() -> None:
    few = sorted({e.doc_id for e in EXAMPLES if e.split == "train" and e.doc_id})[:2]
    some = [e for e in EXAMPLES if e.doc_id in few]
    with pytest.raises(ConfigError, match=r"at least 3 documents .*, found 2"):
        fold_examples(some, 3, seed=13)


def test_a_fold_without_a_label_is_refused() -> None:
    rare = Label.ATTRIBUTION_INFERENCE
    only = next(e for e in EXAMPLES if e.split == "train" and e.labels[0] == rare).document_key
    kept = [e for e in EXAMPLES if e.labels[0] != rare or e.document_key == only]
    with pytest.raises(ConfigError, match="found no attribution_inference in fold"):
        fold_examples(kept, 5, seed=13)


# Summaries


def test_a_spread_is_that_of_the_sample() -> None:
    values = [0.5, 0.75, 0.625]
    assert Spread.of(values) == Spread(0.625, stdev(values), 0.5, 0.75, 3)
    assert Spread.of([0.5]) == Spread(0.5, 0.0, 0.5, 0.5, 1)


def test_the_best_is_chosen_by_validation_whatever_test_says() -> None:
    repeats = [repeat("a", 0.6, 0.9), repeat("b", 0.7, 0.1), repeat("c", 0.7, 0.8)]
    assert best_by_validation(repeats).name == "b"
    assert summarise(repeats)["test/primary_macro_f1"].max == 0.9


# Whole runs


@pytest.mark.slow
def test_seeds_are_runs_under_one_that_summarises_and_the_best_is_registered(
    quick_config: MakeConfig,
) -> None:
    config = quick_config("train.seeds=[13,99]", "report.baselines=true", "train.epochs=1")
    done = run(config)
    server = client(config)
    parent = server.get_run(done.mlflow_run_id)
    found = children(config, done.mlflow_run_id)
    assert set(found) == {"smoke-seed-13", "smoke-seed-99"}
    for key in ("validation/primary_macro_f1", "test/primary_macro_f1", "test/f1/background"):
        values = [r.metrics[key] for r in done.repeats]
        assert parent.data.metrics[f"{key}/mean"] == pytest.approx(sum(values) / 2)
        assert parent.data.metrics[f"{key}/std"] == pytest.approx(stdev(values))
        assert parent.data.metrics[f"{key}/min"] == min(values)
        assert parent.data.metrics[f"{key}/max"] == max(values)
        recorded = sorted(r.data.metrics[key] for r in found.values())
        assert recorded == sorted(values)
    assert parent.info.status == "FINISHED"

    versions = server.search_model_versions(f"name='{config.tracking.registered_model}'")
    assert [str(v.version) for v in versions] == [done.model_version] == ["1"]
    assert done.best is best_by_validation(done.repeats)
    assert versions[0].run_id == done.best.mlflow_run_id
    release = load_release(done.best.folder / "release")
    assert versions[0].tags["release"] == release.id

    baselines = [children(config, r.mlflow_run_id) for r in done.repeats]
    assert [len(each) for each in baselines] == [4, 0]  # measured once, shown in both reports
    for each in done.repeats:
        assert "baseline on test" in (each.folder / "report.html").read_text(encoding="utf-8")
        assert not (each.folder / "checkpoints").exists()

    names = {file.path for file in server.list_artifacts(done.mlflow_run_id)}
    assert {"config.yaml", "summary.json", "summary.csv", "summary.svg"} <= names
    rows = list(csv.DictReader((done.folder / "summary.csv").read_text().splitlines()))
    assert [row["run"] for row in rows] == ["seed-13", "seed-99"]
    summary = json.loads((done.folder / "summary.json").read_text())
    assert summary["metrics"]["test/ece"]["n"] == 2
    chart = ElementTree.parse(done.folder / "summary.svg").getroot()
    assert len(chart.findall(".//{http://www.w3.org/2000/svg}circle")) == 2 * 6

    out = io.StringIO()
    Console(file=out, width=80).print(repeat_table(done.repeats, "test", done.best))
    assert f"{done.best.name} *" in out.getvalue()
    assert max(map(len, out.getvalue().splitlines())) <= 80
    assert "…" not in out.getvalue()


def test_a_seed_of_several_makes_the_very_release_that_it_makes_alone(
    quick_config: MakeConfig,
) -> None:
    alone = run_training(quick_config("train.seed=99", "train.epochs=1"), Console(quiet=True))
    several = run(quick_config("train.seeds=[99]", "train.epochs=1", "name=smoke"))
    release = load_release(several.repeats[0].folder / "release")
    assert release.manifest.config_digest == alone.measured.release.manifest.config_digest
    assert release.manifest.metrics == alone.measured.release.manifest.metrics


class _InterruptInSecondRun(TrainerCallback):
    runs = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        type(self).runs += 1

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if type(self).runs == 2 and state.epoch is not None and state.epoch > 1.3:
            raise KeyboardInterrupt


@pytest.mark.slow
@pytest.mark.parametrize("what", ["train.seeds=[13,99]", "train.folds=3"])
def test_interrupted_runs_go_on_without_doing_finished_ones_again(
    quick_config: MakeConfig, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    whole = run(quick_config("name=whole", what))
    _InterruptInSecondRun.runs = 0
    monkeypatch.setattr(pipeline, "progress_callback", lambda _: _InterruptInSecondRun())
    config = quick_config("name=broken", what)
    with pytest.raises(KeyboardInterrupt):
        run(config)
    monkeypatch.setattr(pipeline, "progress_callback", progress.progress_callback)
    state = json.loads((config.output_dir / "runs/broken-1/run.json").read_text())
    before = children(config, state["mlflow_run_id"])
    assert [before[name].info.status for name in sorted(before)] == ["FINISHED", "KILLED"]
    first = next(run for run in before.values() if run.info.status == "FINISHED")

    resumed = run(quick_config("name=broken", what, "train.resume=true"))
    assert resumed.mlflow_run_id == state["mlflow_run_id"]
    after = children(config, resumed.mlflow_run_id)
    assert set(before) <= set(after)
    assert len(after) == len(whole.repeats)
    again = after[first.info.run_name]
    assert (again.info.run_id, again.data.metrics) == (first.info.run_id, first.data.metrics)
    assert {run.info.status for run in after.values()} == {"FINISHED"}
    assert [r.metrics for r in resumed.repeats] == [
        pytest.approx(r.metrics, abs=1e-6) for r in whole.repeats
    ]
    with pytest.raises(ConfigError, match="expected an interrupted run"):
        run(quick_config("name=broken", what, "train.resume=true"))


def test_folds_leave_the_test_set_alone_and_register_nothing(
    quick_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = quick_config("train.folds=3", "train.epochs=1")
    data = load_data(config)
    test = {e.position for e in data.examples if e.split == "test"}
    seen: set[Any] = set()

    def watched(examples: Any) -> Any:
        seen.update(e.position for e in examples)
        return to_dataset_dict(examples)

    monkeypatch.setattr(pipeline, "to_dataset_dict", watched)
    done = run(config)
    usable = [e for e in data.examples if e.split != "test"]
    assert seen == {e.position for e in usable}
    assert not seen & test
    assert sum(r.metrics["held_out/n"] for r in done.repeats) == len(usable)
    assert done.best is None
    assert done.model_version is None
    assert not client(config).search_registered_models()
    for name, child in children(config, done.mlflow_run_id).items():
        assert name.startswith("smoke-fold-")
        assert not any(key.startswith("test/") for key in child.data.metrics)
        assert "held_out/f1/background" in child.data.metrics
    parent = client(config).get_run(done.mlflow_run_id)
    assert parent.data.metrics["held_out/primary_macro_f1/mean"] == pytest.approx(
        sum(r.metrics["held_out/primary_macro_f1"] for r in done.repeats) / 3
    )


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["train.seeds=[1,2]", "train.folds=3"], "expected one of them"),
        (["train.seeds=[1,2,1]"], "expected every seed once"),
        (["train.folds=400"], "expected at least 400 documents|lower train.folds"),
    ],
)
def test_what_cannot_work_is_refused_before_training(
    quick_config: MakeConfig, overrides: list[str], expected: str
) -> None:
    config = quick_config(*overrides)
    with pytest.raises(ConfigError, match=expected):
        run(config)
    assert not (config.output_dir / "runs").exists()


def test_folds_with_a_teacher_that_has_seen_them_are_refused(
    quick_config: MakeConfig, tmp_path: Path
) -> None:
    soft = tmp_path / "soft.jsonl"
    with pytest.raises(ConfigError, match="the teacher has seen the documents"):
        run(quick_config("train.folds=3", f"distillation.soft_labels={soft}"))


def test_folds_from_a_release_that_has_seen_them_are_refused(quick_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match="its training may have seen the documents"):
        run(quick_config("train.folds=3", "model.base=released:small"))


@pytest.mark.parametrize("override", ["train.folds=2", "train.seeds=[]", "train.seeds=[-1]"])
def test_values_out_of_range_are_refused(quick_config: MakeConfig, override: str) -> None:
    with pytest.raises(ConfigError, match=override.partition("=")[0]):
        quick_config(override)


def test_a_single_run_refuses_seeds_rather_than_overlook_them(quick_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match="call run_repeats"):
        run_training(quick_config("train.seeds=[1]"), Console(quiet=True))


def test_one_run_has_the_digest_that_it_had_before_there_were_seeds_and_sweeps(
    quick_config: MakeConfig,
) -> None:
    plain = quick_config()
    assert quick_config("sweep.trials=3", "train.seeds=null").digest() == plain.digest()
    assert quick_config("train.seeds=[13]").digest() != plain.digest()
    assert quick_config("train.folds=3").digest() != plain.digest()


def test_the_command_prints_the_table_and_the_winner(
    quick_config: MakeConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    config = quick_config()
    overrides = [
        f"output_dir={config.output_dir}",
        f"model.base={config.model.base}",
        "train.seeds=[5]",
    ]
    assert commands.train(ROOT / "configs" / "smoke.yaml", overrides) == 0
    printed = capsys.readouterr().out
    assert "best by validation: seed-5" in printed
    assert "version 1 of claimwire-smoke" in printed
    assert "std" in printed
