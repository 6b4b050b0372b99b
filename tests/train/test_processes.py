"""Two real processes over gloo: one run, one release, one set of gradients."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow  # noqa: TID253
import pytest
from datasets import DatasetDict  # noqa: TID253
from transformers import TrainerCallback, set_seed  # noqa: TID253

from claimwire.data.corpus import Example, default_corpus, load_examples, to_dataset_dict
from claimwire.data.errors import ConfigError
from claimwire.model.network import build_classifier
from claimwire.model.release import load_release
from claimwire.train.config import Config
from claimwire.train.fine_tune import fit
from claimwire.train.hardware import available_cpus, training_threads
from claimwire.train.processes import call_in_all, lead_or_follow, require_single_process

MakeConfig = Callable[..., Config]
ROOT = Path(__file__).parents[2]
BATCH = 16
# What `accelerate launch` starts several processes with; without a GPU they meet over gloo.
ACCELERATE = ["accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
ACCELERATE += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
ACCELERATE += ["--main_process_port", "0"]
TORCHRUN = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def launch(launcher: list[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *launcher, *arguments],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def arguments(config: Config) -> list[str]:
    return [
        str(ROOT / "configs" / "smoke.yaml"),
        f"output_dir={config.output_dir}",
        f"model.base={config.model.base}",
        "data.max_train_sentences=200",
        "train.epochs=2",
        "train.learning_rate=0.003",
    ]


@pytest.mark.slow
def test_two_processes_make_one_run_with_one_release(quick_config: MakeConfig) -> None:
    config = quick_config()
    done = launch([*ACCELERATE, "-m", "claimwire"], "train", *arguments(config))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("training smoke on") == 1
    assert done.stdout.count("test set") == 1

    folders = list((config.output_dir / "runs").iterdir())
    assert [folder.name for folder in folders] == ["smoke-1"]
    assert json.loads((folders[0] / "run.json").read_text())["finished"] is True
    load_release(folders[0] / "release")

    database = f"sqlite:///{config.output_dir / 'mlflow.db'}"
    # A run made in this process before has set another registry for the whole process.
    server = mlflow.MlflowClient(database, registry_uri=database)
    experiment = server.get_experiment_by_name("claimwire")
    assert experiment is not None
    (run,) = server.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.metrics["train/processes"] == 2
    # 200 sentences, two epochs, 16 sentences a step and process: 7 steps an epoch, not 13.
    assert run.data.metrics["train/steps"] == 14
    versions = server.search_model_versions(f"name='{config.tracking.registered_model}'")
    assert [version.run_id for version in versions] == [run.info.run_id]


class _Noted(TrainerCallback):
    """Norms of the gradients that the optimizer is given, before they are clipped."""

    def __init__(self) -> None:
        self.norms: list[float] = []

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if "grad_norm" in kwargs["logs"]:
            self.norms.append(float(kwargs["logs"]["grad_norm"]))


def train_ten_steps(config: Config, folder: Path) -> None:
    """Train on one batch over and over, without dropout; write what came of it to ``folder``."""
    chosen: list[Example] = []
    for split in ("train", "validation"):
        chosen += [e for e in load_examples(default_corpus()) if e.split == split][:BATCH]
    set_seed(0)
    model, tokenizer = build_classifier(config.model.base, dropout=0.0, classifier_dropout=0.0)
    noted = _Noted()
    fit(model, tokenizer, config, to_dataset_dict(chosen), folder / "checkpoints", [noted])
    weights = {name: float(p.detach().double().sum()) for name, p in model.named_parameters()}
    rank = os.environ.get("RANK", "0")
    content = {"norms": noted.norms, "weights": weights}
    (folder / f"rank-{rank}.json").write_text(json.dumps(content))


def _ten_steps(make: MakeConfig, batch_size: int) -> Config:
    # The whole split is one step, an epoch; the log has the norm of each tenth step. Small steps
    # keep the two trainings together: Adam makes much of the last digits of a small gradient.
    overrides = (f"train.batch_size={batch_size}", "train.epochs=10", "train.patience=10")
    return make(*overrides, "train.learning_rate=1e-5")


@pytest.mark.slow
def test_gradients_are_the_mean_over_all_processes(
    quick_config: MakeConfig, tmp_path: Path
) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    alone.mkdir()
    together.mkdir()
    train_ten_steps(_ten_steps(quick_config, BATCH), alone)

    script = tmp_path / "both.py"
    config = _ten_steps(quick_config, BATCH // 2)
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_processes import train_ten_steps\n"
        "from claimwire.train.config import Config\n"
        "from claimwire.train.processes import call_in_all, lead_or_follow\n"
        f"config = Config.model_validate_json({config.model_dump_json()!r})\n"
        "def work():\n"
        f"    call_in_all(train_ten_steps, config, Path({str(together)!r}))\n"
        "    return 0\n"
        "sys.exit(lead_or_follow(work))\n"
    )
    done = launch(TORCHRUN, str(script))
    assert done.returncode == 0, done.stderr

    single = json.loads((alone / "rank-0.json").read_text())
    first, second = (json.loads((together / f"rank-{rank}.json").read_text()) for rank in (0, 1))
    assert first["weights"] == second["weights"]
    assert single["norms"][0] > 0
    assert first["norms"] == pytest.approx(single["norms"], rel=1e-3)


def test_alone_a_command_and_a_call_are_plain() -> None:
    assert lead_or_follow(lambda: 3) == 3
    assert call_in_all(lambda a, b: a - b, 5, b=2) == 3


def test_a_command_for_one_process_refuses_several(monkeypatch: pytest.MonkeyPatch) -> None:
    require_single_process("claimwire sweep")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match=r"claimwire sweep: expected a single process, found 2"):
        require_single_process("claimwire sweep")


def test_a_checkpoint_of_another_number_of_processes_is_refused(
    quick_config: MakeConfig, tmp_path: Path
) -> None:
    config = quick_config()
    checkpoint = tmp_path / "checkpoint-7"
    checkpoint.mkdir()
    for rank in (0, 1):
        (checkpoint / f"rng_state_{rank}.pth").touch()
    model, tokenizer = build_classifier(config.model.base)
    with pytest.raises(ConfigError, match=r"expected 2 process\(es\).*found 1: start as many"):
        fit(model, tokenizer, config, DatasetDict(), tmp_path, resume_from=checkpoint)


def test_processes_of_a_machine_share_its_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    assert training_threads(None) == available_cpus()
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(available_cpus()))
    assert training_threads(None) == 1
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(2 * available_cpus()))
    assert training_threads(None) == 1
    assert training_threads(3) == 3
