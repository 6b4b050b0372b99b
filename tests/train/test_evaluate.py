from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from claimwire.cli import app
from claimwire.data.errors import CorpusError, InputError
from claimwire.train.evaluate import read_dataset

ROOT = Path(__file__).parents[2]
TEST_SPLIT = ROOT / "data" / "corpus" / "test"
runner = CliRunner()


def test_one_json_object_on_the_corpus_test_split(tiny_release: Path) -> None:
    arguments = ["evaluate", str(TEST_SPLIT), "--model", str(tiny_release), "--format", "json"]
    result = runner.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert {"primary_macro_f1", "label_set_macro_f1", "per_label", "ece", "n", "ci95"} <= set(
        content
    )
    assert content["n"] == len(read_dataset(TEST_SPLIT))
    assert content["ci95"][0] <= content["primary_macro_f1"] <= content["ci95"][1]


def test_the_table_names_labels_and_interval(tiny_release: Path) -> None:
    result = runner.invoke(app, ["evaluate", str(TEST_SPLIT), "--model", str(tiny_release)])
    assert result.exit_code == 0
    assert "attribution_inference" in result.stdout
    assert "95% interval" in result.stdout


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("as_folder", [True, False])
def test_training_text_is_warned_of(
    tiny_release: Path, tmp_path: Path, split: str, as_folder: bool
) -> None:
    (tmp_path / split).mkdir()
    path = tmp_path / split / "a.jsonl"
    record = {"text": "The base lies north of the town.", "labels": ["background"]}
    path.write_text(json.dumps(record if as_folder else {**record, "split": split}) + "\n")
    given = tmp_path if as_folder else path
    result = runner.invoke(app, ["evaluate", str(given), "--model", str(tiny_release)])
    assert result.exit_code == 0
    assert ("has sentences of a training split" in result.stderr) == (split == "train")


def test_single_records_are_read_too(tiny_release: Path, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text('{"text": "The base lies north of the town.", "labels": ["background"]}\n')
    result = runner.invoke(
        app, ["evaluate", str(path), "--model", str(tiny_release), "--format", "json"]
    )
    assert json.loads(result.stdout)["n"] == 1


def test_real_dev_runs(tiny_release: Path) -> None:
    shared = os.environ.get("CLAIMWIRE_SHARED")
    if not shared:
        pytest.skip("CLAIMWIRE_SHARED is unset: no real text beside this checkout")
    path = Path(shared) / "real-dev" / "real-dev.jsonl"
    result = runner.invoke(
        app, ["evaluate", str(path), "--model", str(tiny_release), "--format", "json"]
    )
    assert json.loads(result.stdout)["n"] == 434


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="check the path"):
        read_dataset(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match=r"\.jsonl files"):
        read_dataset(tmp_path)
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text('{"text": "A.", "labels": ["strike"]}\n')
    with pytest.raises(CorpusError, match=r"wrong\.jsonl:1"):
        read_dataset(wrong)
