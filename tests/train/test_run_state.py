from __future__ import annotations

import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from safetensors.numpy import save_file

from claimwire.data.errors import ConfigError
from claimwire.train.config import Config
from claimwire.train.run_state import RunFolder, RunState, find_interrupted, new_run_folder

MakeConfig = Callable[..., Config]


def begun(config: Config, data_digest: str = "sha256:data") -> RunFolder:
    folder = new_run_folder(config)
    folder.write_state(RunState("run-id", config.digest(), data_digest))
    return folder


def test_folders_are_numbered_and_never_reused(quick_config: MakeConfig) -> None:
    config = quick_config()
    names = [new_run_folder(config).path.name for _ in range(3)]
    assert names == ["smoke-1", "smoke-2", "smoke-3"]
    assert new_run_folder(quick_config("name=smoke-other")).path.name == "smoke-other-1"


def test_the_newest_unfinished_run_of_the_same_configuration_is_found(
    quick_config: MakeConfig,
) -> None:
    config = quick_config()
    begun(config)
    second = begun(config)
    begun(config).mark_finished()
    begun(quick_config("train.seed=99"))
    found, state = find_interrupted(quick_config("train.resume=true"), "sha256:data")
    assert found == second
    assert state.mlflow_run_id == "run-id"


def test_nothing_to_resume_is_said(quick_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match="found none among 0 run"):
        find_interrupted(quick_config(), "sha256:data")
    begun(quick_config("train.seed=99"))
    with pytest.raises(ConfigError, match="found none among 1 run"):
        find_interrupted(quick_config(), "sha256:data")


def test_changed_data_is_not_resumed_on(quick_config: MakeConfig) -> None:
    begun(quick_config())
    with pytest.raises(ConfigError, match="begun on other data"):
        find_interrupted(quick_config(), "sha256:other")


def test_a_checkpoint_that_was_cut_off_is_passed_over(quick_config: MakeConfig) -> None:
    folder = new_run_folder(quick_config())
    assert folder.last_checkpoint() is None
    for step, complete in ((9, True), (10, True), (11, False)):
        checkpoint = folder.checkpoints / f"checkpoint-{step}"
        checkpoint.mkdir(parents=True)
        if complete:
            (checkpoint / "trainer_state.json").write_text("{}")
    last = folder.last_checkpoint()
    assert last is not None
    assert last.name == "checkpoint-10"


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "trainer_state.json"])
def test_a_damaged_checkpoint_is_named(quick_config: MakeConfig, name: str) -> None:
    checkpoint = new_run_folder(quick_config()).checkpoints / "checkpoint-9"
    checkpoint.mkdir(parents=True)
    (checkpoint / "trainer_state.json").write_text("{}")
    save_file({"a": np.ones(300)}, checkpoint / "model.safetensors")
    with zipfile.ZipFile(checkpoint / "optimizer.pt", "w") as archive:
        archive.writestr("data", "numbers")
    folder = RunFolder(checkpoint.parents[1])
    assert folder.last_checkpoint() == checkpoint
    path = checkpoint / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ConfigError, match=f"found .*{name} damaged: remove the folder"):
        folder.last_checkpoint()


def test_a_damaged_note_is_no_run(quick_config: MakeConfig) -> None:
    folder = begun(quick_config())
    (folder.path / "run.json").write_text("{half")
    assert folder.read_state() is None
