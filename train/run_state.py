"""The folder of one training run, and the note in it that lets an interrupted run go on."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from claimwire.data.errors import ConfigError
from claimwire.train.config import Config

_STATE_FILE: Final = "run.json"


@dataclass(frozen=True, slots=True)
class RunState:
    """What ``run.json`` says of a run."""

    mlflow_run_id: str
    config_digest: str
    data_digest: str
    finished: bool = False


@dataclass(frozen=True, slots=True)
class RunFolder:
    """``artifacts/runs/NAME-N``: checkpoints, and the release at the end."""

    path: Path

    @property
    def checkpoints(self) -> Path:
        """Where the Trainer writes ``checkpoint-STEP``."""
        return self.path / "checkpoints"

    @property
    def release(self) -> Path:
        """Where the run's release is written."""
        return self.path / "release"

    def read_state(self) -> RunState | None:
        """Return the run's note, or None where there is none that can be read."""
        try:
            return RunState(**json.loads((self.path / _STATE_FILE).read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write_state(self, state: RunState) -> None:
        """Write the note whole or not at all."""
        self.path.mkdir(parents=True, exist_ok=True)
        partial = self.path / (_STATE_FILE + ".partial")
        partial.write_text(json.dumps(asdict(state), indent=1), encoding="utf-8")
        partial.replace(self.path / _STATE_FILE)

    def mark_finished(self) -> None:
        """Note that nothing is left to resume."""
        state = self.read_state()
        if state is not None:
            self.write_state(replace(state, finished=True))

    def last_checkpoint(self) -> Path | None:
        """Return the newest complete checkpoint, or None before the first epoch's end.

        Raises:
            ConfigError: one of its files is damaged.
        """
        # The Trainer writes its state last: a checkpoint without it was cut off.
        complete = [p.parent for p in self.checkpoints.glob("checkpoint-*/trainer_state.json")]
        last = max(complete, key=lambda p: int(p.name.rpartition("-")[2]), default=None)
        if last is not None and (damaged := _damaged_file(last)) is not None:
            raise ConfigError(
                f"train.resume: expected a whole checkpoint, found {damaged} damaged: remove the "
                f"folder {last} to go on from the checkpoint before it, if there is one, or start "
                "afresh without train.resume"
            )
        return last


def _damaged_file(checkpoint: Path) -> Path | None:
    """Return a file of a checkpoint that cannot be read as what it is."""
    checks = {
        ".pt": zipfile.is_zipfile,
        ".pth": zipfile.is_zipfile,
        ".safetensors": _is_whole_safetensors,
        ".json": _is_json,
    }
    for path in sorted(checkpoint.iterdir()):
        if path.suffix in checks and not checks[path.suffix](path):
            return path
    return None


def _is_whole_safetensors(path: Path) -> bool:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy"):  # it compares the header with the size of the file
            return True
    except SafetensorError:
        return False


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    return True


def new_run_folder(config: Config) -> RunFolder:
    """Make the next free ``runs/NAME-N`` folder and return it."""
    root = config.output_dir / "runs"
    root.mkdir(parents=True, exist_ok=True)
    number = 1 + max((_number(p, config.name) for p in root.iterdir()), default=0)
    while True:
        folder = root / f"{config.name}-{number}"
        try:
            folder.mkdir()
        except FileExistsError:  # a run beside this one was quicker
            number += 1
        else:
            return RunFolder(folder)


def find_interrupted(config: Config, data_digest: str) -> tuple[RunFolder, RunState]:
    """Return the newest unfinished run of the same configuration and data.

    Raises:
        ConfigError: there is none; the message says what there is instead.
    """
    root = config.output_dir / "runs"
    known = sorted(root.iterdir(), key=lambda p: _number(p, config.name)) if root.is_dir() else []
    candidates = [RunFolder(p) for p in known if _number(p, config.name)]
    for folder in reversed(candidates):
        state = folder.read_state()
        if state is None or state.finished or state.config_digest != config.digest():
            continue
        if state.data_digest != data_digest:
            raise ConfigError(
                f"train.resume: {folder.path} was begun on other data ({state.data_digest[:19]}) "
                f"than there is now ({data_digest[:19]}): put the data back, or start afresh "
                "without train.resume"
            )
        return folder, state
    raise ConfigError(
        f"train.resume: expected an interrupted run named {config.name!r} of this very "
        f"configuration in {root}, found none among {len(candidates)} run(s): start it without "
        "train.resume"
    )


def _number(folder: Path, name: str) -> int:
    stem, _, number = folder.name.rpartition("-")
    return int(number) if stem == name and number.isdigit() else 0
