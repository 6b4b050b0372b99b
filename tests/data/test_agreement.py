from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from claimwire.cli import app
from claimwire.data.agreement import agreement, krippendorff_alpha
from claimwire.data.labels import Label
from claimwire.data.standoff_labels import Labelling, read_labels, standoff_folder

runner = CliRunner()


def labelling(number: int, labeller: str, *labels: Label) -> Labelling:
    return Labelling.model_validate(
        {
            "id": f"{number:016x}",
            "source": "made-up",
            "doc_id": "d",
            "path": "d.md",
            "theatre": "other",
            "split": "test",
            "labels": list(labels),
            "hard": False,
            "round": 1,
            "labeller": labeller,
        }
    )


def test_alpha_of_a_worked_example() -> None:
    # Krippendorff 2011, section B: two observers, nominal data, alpha 0.692
    first = ["a", "a", "b", "b", "d", "c", "c", "c", "e", "d", "d", "a"]
    second = ["b", "a", "b", "b", "b", "c", "c", "c", "e", "d", "d", "d"]
    assert krippendorff_alpha(zip(first, second, strict=True)) == pytest.approx(0.692, abs=5e-4)


def test_alpha_with_missing_values_of_the_same_paper() -> None:
    # section C: four observers, twelve units, gaps; nominal alpha 0.743
    rows = [
        ["1", "2", "3", "3", "2", "1", "4", "1", "2", ".", ".", "."],
        ["1", "2", "3", "3", "2", "2", "4", "1", "2", "5", ".", "3"],
        [".", "3", "3", "3", "2", "3", "4", "2", "2", "5", "1", "."],
        ["1", "2", "3", "3", "2", "4", "4", "1", "2", "5", "1", "."],
    ]
    units = [[value for value in unit if value != "."] for unit in zip(*rows, strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=5e-4)


@given(st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=1, max_size=40))
def test_alpha_is_one_exactly_where_all_agree(units: list[list[int]]) -> None:
    alpha = krippendorff_alpha(units)
    if alpha is None:
        assert len({value for unit in units for value in unit}) == 1
    else:
        assert alpha <= 1
        assert (alpha == 1) == all(len(set(unit)) == 1 for unit in units)


def test_only_blind_passes_count() -> None:
    attack, background = Label.ATTACK_CLAIM, Label.BACKGROUND
    found = agreement(
        [
            labelling(1, "first", attack),
            labelling(1, "second", background),
            labelling(1, "final", attack),
            labelling(2, "first", background),
            labelling(2, "second", background),
            labelling(3, "first", attack),
        ]
    )
    assert (found.sentences, found.same) == (2, 1)
    assert found.per_label[Label.INTERCEPTION_CLAIM] is None
    assert found.primary == pytest.approx(0.0)


def test_the_committed_held_out_labels_agree() -> None:
    path = standoff_folder() / "labels.jsonl"
    held_out = [e for e in read_labels(path).labellings if e.split != "train"]
    found = agreement(held_out)
    assert found.sentences >= 1286
    assert found.primary is not None
    assert found.primary >= 0.85


def test_the_command_prints_a_table_and_json() -> None:
    assert "validation" in runner.invoke(app, ["corpus", "agreement"]).stdout
    content = json.loads(runner.invoke(app, ["corpus", "agreement", "--format", "json"]).stdout)
    assert content["test"]["primary"] > 0.85


def test_nothing_labelled_twice_is_said(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(labelling(1, "first", Label.BACKGROUND).model_dump_json() + "\n")
    result = runner.invoke(app, ["corpus", "agreement", "--labels", str(path)])
    assert result.exit_code == 2
    assert "second pass" in result.stderr
