"""The command of promotion: its options, what it says, and the sentences it judges on."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import mlflow  # noqa: TID253
import pytest

from claimwire.data.errors import ConfigError, InputError
from claimwire.model.references import resolve_release
from claimwire.train.promote_commands import PromoteOptions, held_out, promote_command

from .promote_support import ALIKE, GOOD, MODEL, UNSURE, champion, tags, write_records

pytestmark = pytest.mark.slow  # a registry takes MLflow seconds to make


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_force_without_a_reason_is_refused_before_anything_is_read(reason: str | None) -> None:
    with pytest.raises(ConfigError, match="--reason TEXT with --force"):
        promote_command("2", PromoteOptions(force=True, reason=reason))


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
    printed = capsys.readouterr()
    assert "test split of the corpus" in printed.out
    assert "Downloading" not in printed.err  # MLflow's bars are for terminals
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
