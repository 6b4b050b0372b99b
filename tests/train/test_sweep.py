"""Sweeps: real studies in SQLite, real trials of the tiny encoder."""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console
from transformers import TrainerCallback  # noqa: TID253

from claimwire.data.errors import ConfigError
from claimwire.train import pipeline, progress, sweep_commands
from claimwire.train.config import Config
from claimwire.train.labelled_data import load_data
from claimwire.train.load_config import load_config
from claimwire.train.search_space import VARIABLE, Parameter, Scalar, read_space, with_values
from claimwire.train.study import open_study, set_interrupted_aside, trials_that_count
from claimwire.train.sweep import SweepOutcome, run_sweep, study_file
from claimwire.train.sweep_summary import overrides_of, sweep_table

from .tracked import children, client

MakeConfig = Callable[..., Config]
ROOT = Path(__file__).parents[2]
SPACE = "sweep.space={train.learning_rate: {low: 1.0e-4, high: 1.0e-2, log: true}}"


def run(config: Config, trials: int, study: Path | None = None) -> SweepOutcome:
    return run_sweep(config, Console(quiet=True), trials, study)


# Search spaces


def test_a_space_is_read_as_it_is_written(quick_config: MakeConfig) -> None:
    space = read_space(
        quick_config(
            "sweep.space={train.epochs: {low: 2, high: 6}, train.batch_size: [16, 32],"
            " train.learning_rate: {low: 1e-5, high: 1e-3, log: true},"
            " model.dropout: {low: 0.0, high: 0.3, step: 0.1},"
            " train.class_weights: {choices: [none, balanced]},"
            " model.frozen_layers: [null, 1]}"
        )
    )
    assert space["train.epochs"].whole
    assert space["train.batch_size"] == Parameter(choices=(16, 32))
    assert space["train.learning_rate"] == Parameter(low=1e-5, high=1e-3, log=True)
    assert not space["model.dropout"].whole
    assert space["model.frozen_layers"].choices == (None, 1)


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        ("{}", "expected keys and their values, found none"),
        ("{train.epoch: [1, 2]}", "train.epoch: unknown key; did you mean train.epochs?"),
        ("{learning_rate: [1, 2]}", "unknown key; did you mean train.learning_rate?"),
        ("{train: [1, 2]}", "a section, not a field"),
        ("{decision.threshold: [0.4, 0.5]}", "not for a sweep, which compares networks"),
        ("{data.corpus: [a, b]}", "not for a sweep, which compares networks"),
        ("{train.seed: [1, 2]}", "not for a sweep: a lucky seed"),
        ("{train.epochs: 3}", "expected a list of choices, or a mapping"),
        ("{train.epochs: {lo: 1, high: 2}}", "lo: Extra inputs are not permitted"),
        ("{train.epochs: {low: 3, high: 2}}", "expected low below high, found low 3 and high 2"),
        ("{train.epochs: {high: 2}}", "expected low below high, found low None"),
        ("{train.epochs: [2]}", "expected two different choices or more"),
        ("{train.epochs: [2, 2]}", "expected two different choices or more"),
        ("{train.epochs: {low: 1, high: 2, choices: [1, 2]}}", "found both"),
        ("{model.dropout: {low: 0, high: 0.3, log: true}}", "log with a low above 0"),
        ("{model.dropout: {low: 0.0, high: 0.3, step: 0.2}}", "in whole steps, found 0.2"),
        ("{train.learning_rate: {low: 0.1, high: 5.0}}", "the field does not take 5.0"),
        ("{train.batch_size: {low: 8.0, high: 32.0}}", "the field does not take 17.168"),
        ("{train.scheduler: [linear, cosin]}", "the field does not take 'cosin'"),
    ],
)
def test_a_space_that_cannot_work_is_refused(
    quick_config: MakeConfig, space: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_space(quick_config(f"sweep.space={space}"))
    assert expected in str(caught.value)


def test_all_problems_of_a_space_are_listed_at_once(quick_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match=r"2 problem\(s\)"):
        read_space(quick_config("sweep.space={train.epoch: [1, 2], train.epochs: [1]}"))


def test_no_key_that_decides_what_a_trial_is_judged_on_can_be_varied() -> None:
    assert "train.learning_rate" in VARIABLE
    assert {k for k in VARIABLE if k.startswith("data.")} == {"data.max_train_sentences"}
    assert not {"train.seed", "train.seeds", "train.folds", "train.resume"} & set(VARIABLE)


def test_printed_overrides_are_read_as_the_values_they_were(quick_config: MakeConfig) -> None:
    values: dict[str, Scalar] = {
        "train.learning_rate": 1.2345e-05,
        "train.batch_size": 32,
        "train.class_weights": "balanced",
        "model.frozen_layers": None,
        "model.base": "a base: with # signs",
    }
    config = quick_config()
    pasted = shlex.split(" ".join(overrides_of(values)))
    loaded = load_config(ROOT / "configs" / "smoke.yaml", pasted)
    wanted = with_values(config, values)
    assert (loaded.train.learning_rate, loaded.train.batch_size) == (1.2345e-05, 32)
    assert loaded.train.class_weights == wanted.train.class_weights
    assert loaded.model == wanted.model


# Studies


def test_a_study_keeps_its_experiment(quick_config: MakeConfig, tmp_path: Path) -> None:
    file = tmp_path / "s.db"
    with open_study(file, quick_config(SPACE), "sha256:data"):
        pass
    with open_study(file, quick_config(SPACE, "sweep.trials=99"), "sha256:data"):
        pass
    for config, digest, what in (
        (quick_config(SPACE, "train.epochs=7"), "sha256:data", "another configuration:"),
        (quick_config(SPACE), "sha256:other", "another data:"),
        (quick_config("sweep.space={train.epochs: [1, 2]}"), "sha256:data", "search space:"),
    ):
        with pytest.raises(ConfigError, match=what), open_study(file, config, digest):
            pass


def test_one_sweep_at_a_time(quick_config: MakeConfig, tmp_path: Path) -> None:
    config = quick_config(SPACE)
    with (
        open_study(tmp_path / "s.db", config, "sha256:data"),
        pytest.raises(ConfigError, match="no other sweep is working on"),
        open_study(tmp_path / "s.db", config, "sha256:data"),
    ):
        pass


def test_a_file_that_is_no_study_is_refused_and_left_as_it_is(
    quick_config: MakeConfig, tmp_path: Path
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a data base " * 100)
    with (
        pytest.raises(ConfigError, match="expected the SQLite file of a sweep"),
        open_study(file, quick_config(SPACE), "sha256:data"),
    ):
        pass
    assert file.read_text() == "not a data base " * 100
    with (
        pytest.raises(ConfigError, match="expected a place for the SQLite file"),
        open_study(file / "s.db", quick_config(SPACE), "sha256:data"),
    ):
        pass


def test_a_trial_that_was_cut_off_does_not_count_and_is_first_in_line(
    quick_config: MakeConfig, tmp_path: Path
) -> None:
    config = quick_config(SPACE)
    with open_study(tmp_path / "s.db", config, "sha256:data") as study:
        left = study.ask()
        rate = left.suggest_float("train.learning_rate", 1e-4, 1e-2, log=True)
    with open_study(tmp_path / "s.db", config, "sha256:data") as study:
        set_interrupted_aside(study)
        assert trials_that_count(study) == []
        again = study.ask()
        assert again.suggest_float("train.learning_rate", 1e-4, 1e-2, log=True) == rate
        study.tell(again, 0.5)
        assert [t.number for t in trials_that_count(study)] == [1]


def test_a_second_call_does_not_draw_what_the_first_has_drawn(
    quick_config: MakeConfig, tmp_path: Path
) -> None:
    rates = []
    for _ in range(3):
        with open_study(tmp_path / "s.db", quick_config(SPACE), "sha256:data") as study:
            trial = study.ask()
            rates.append(trial.suggest_float("train.learning_rate", 1e-4, 1e-2, log=True))
            study.tell(trial, 0.5)
    assert len(set(rates)) == 3


def test_a_hopeless_trial_is_pruned_and_only_if_wanted(
    quick_config: MakeConfig, tmp_path: Path
) -> None:
    for prune in (True, False):
        config = quick_config(SPACE, f"sweep.prune={str(prune).lower()}")
        with open_study(tmp_path / f"{prune}.db", config, "sha256:data") as study:
            for _ in range(5):
                good = study.ask()
                good.report(0.8, 1)
                good.report(0.9, 2)
                study.tell(good, 0.9)
            bad = study.ask()
            bad.report(0.1, 1)
            assert not bad.should_prune()  # the first epoch is not held against it
            bad.report(0.1, 2)
            assert bool(bad.should_prune()) is prune


# Whole sweeps


@pytest.mark.slow
def test_a_sweep_goes_on_to_its_trials_under_one_run(quick_config: MakeConfig) -> None:
    config = quick_config(SPACE, "train.epochs=1")
    first = run(config, 1)
    second = run(config, 3)
    assert second.mlflow_run_id == first.mlflow_run_id
    assert [t.number for t in second.trials] == [0, 1, 2]
    assert second.trials[0].params == first.trials[0].params
    assert second.best is not None
    assert second.best.value == max(t.value or 0 for t in second.trials)
    assert run(config, 2).trials == second.trials  # there are more already: nothing is done

    found = children(config, second.mlflow_run_id)
    assert set(found) == {"trial-0", "trial-1", "trial-2"}
    for trial in second.trials:
        child = found[f"trial-{trial.number}"]
        assert child.info.status == "FINISHED"
        recorded = float(child.data.params["train.learning_rate"])
        assert recorded == trial.params["train.learning_rate"]
        assert not any(key.startswith("test/") for key in child.data.metrics)
    parent = client(config).get_run(second.mlflow_run_id)
    assert parent.data.metrics["validation/primary_macro_f1/best"] == second.best.value
    assert parent.data.tags["claimwire.best"] == f"trial-{second.best.number}"
    assert not client(config).search_registered_models()

    names = {file.path for file in client(config).list_artifacts(second.mlflow_run_id)}
    assert {"sweep.json", "trials.csv", "best.json", "history.svg"} <= names
    rows = list(csv.DictReader((second.folder / "trials.csv").read_text().splitlines()))
    assert [row["state"] for row in rows] == ["finished"] * 3
    best = json.loads((second.folder / "best.json").read_text())["best"]
    assert best["params"] == second.best.params
    assert ElementTree.parse(second.folder / "history.svg").getroot().tag.endswith("svg")
    assert not list(second.folder.glob("checkpoints*"))


@pytest.mark.slow
def test_a_failed_trial_is_recorded_with_its_reason_and_the_others_go_on(
    quick_config: MakeConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    config = quick_config("sweep.space={model.frozen_layers: [1, 9]}", "train.epochs=1")
    done = run(config, 6)
    assert len(done.trials) == 6
    failed = [t for t in done.trials if t.state.name == "FAIL"]
    assert {t.params["model.frozen_layers"] for t in failed} == {9}
    assert done.best is not None
    assert done.best.params == {"model.frozen_layers": 1}
    reason = failed[0].user_attrs["reason"]
    assert reason.startswith("ConfigError: frozen_layers: expected at most 2")
    child = children(config, done.mlflow_run_id)[f"trial-{failed[0].number}"]
    assert child.info.status == "FAILED"
    assert child.data.tags["claimwire.reason"] == reason
    Console(width=80).print(sweep_table(done.trials, done.best))
    printed = capsys.readouterr().out
    assert "expected at most 2" in printed
    assert max(map(len, printed.splitlines())) <= 80


class _InterruptSecondTrial(TrainerCallback):
    trials = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        type(self).trials += 1
        if type(self).trials == 2:
            raise KeyboardInterrupt


def test_an_interrupted_sweep_repeats_the_trial_that_was_cut_off(
    quick_config: MakeConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = quick_config(SPACE, "train.epochs=1")
    study = tmp_path / "studies" / "mine.db"
    _InterruptSecondTrial.trials = 0
    monkeypatch.setattr(pipeline, "progress_callback", lambda _: _InterruptSecondTrial())
    with pytest.raises(KeyboardInterrupt):
        run(config, 2, study)
    monkeypatch.setattr(pipeline, "progress_callback", progress.progress_callback)
    with open_study(study, config, load_data(config).digest) as opened:
        assert len(trials_that_count(opened)) == 1
        cut_off = opened.trials[1].params
        parent = opened.user_attrs["mlflow_run_id"]
    assert children(config, parent)["trial-1"].info.status == "KILLED"
    assert client(config).get_run(parent).info.status == "KILLED"

    done = run(config, 2, study)
    assert [t.number for t in done.trials] == [0, 2]
    assert done.trials[1].params == cut_off
    assert done.mlflow_run_id == parent
    assert client(config).get_run(parent).info.status == "FINISHED"


def test_seeds_in_a_sweep_are_refused(quick_config: MakeConfig) -> None:
    for override in ("train.seeds=[1,2]", "train.folds=3"):
        config = quick_config(SPACE, override)
        with pytest.raises(ConfigError, match="expected both unset in a sweep"):
            run(config, 1)
        assert not study_file(config).exists()


def test_the_command_prints_what_can_be_pasted(
    quick_config: MakeConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    config = quick_config()
    path = ROOT / "configs" / "smoke.yaml"
    overrides = [f"output_dir={config.output_dir}", f"model.base={config.model.base}"]
    assert sweep_commands.sweep(path, [*overrides, SPACE], 1, None) == 0
    printed = capsys.readouterr().out
    pasted = shlex.split(next(x for x in printed.splitlines() if "claimwire train" in x))
    assert pasted[:3] == ["claimwire", "train", str(path)]
    best = json.loads((config.output_dir / "sweeps/smoke-trials/best.json").read_text())["best"]
    loaded = load_config(path, pasted[3:])
    assert loaded.train.learning_rate == best["params"]["train.learning_rate"]


def test_a_sweep_of_which_nothing_came_says_so(
    quick_config: MakeConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    config = quick_config()
    overrides = [
        f"output_dir={config.output_dir}",
        f"model.base={config.model.base}",
        "sweep.space={model.frozen_layers: [8, 9]}",
    ]
    assert sweep_commands.sweep(ROOT / "configs" / "smoke.yaml", overrides, 1, None) == 1
    assert "no trial finished" in capsys.readouterr().out
