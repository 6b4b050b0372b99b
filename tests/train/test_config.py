from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from claimwire.data.errors import ConfigError
from claimwire.train.config import Config
from claimwire.train.load_config import load_config

CONFIGS = Path(__file__).parents[2] / "configs"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "experiment.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_committed_configurations_load(path: Path) -> None:
    config = load_config(path)
    assert config.output_dir == CONFIGS.parent / "artifacts"


def test_paths_are_relative_to_the_file_and_overrides_to_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "data: {corpus: corpus, extra: [../a.jsonl]}\noutput_dir: out\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    config = load_config(path)
    assert config.data.corpus == tmp_path / "corpus"
    assert config.data.extra == (tmp_path.parent / "a.jsonl",)
    assert config.output_dir == tmp_path / "out"
    overridden = load_config(path, ["data.extra=[b.jsonl]", "output_dir=out"])
    assert overridden.data.extra == (elsewhere / "b.jsonl",)
    assert overridden.output_dir == elsewhere / "out"


def test_overrides_are_read_as_yaml(tmp_path: Path) -> None:
    config = load_config(
        write(tmp_path, "train: {epochs: 2}\n"),
        ["train.epochs=3", "train.learning_rate=5e-5", "train.resume=true", "model.base=some/dir"],
    )
    assert config.train.epochs == 3
    assert config.train.learning_rate == 5e-5
    assert config.train.resume is True
    assert config.model.base == "some/dir"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("train: {epoch: 3}", "train.epoch: unknown key; did you mean train.epochs?"),
        ("learning_rate: 0.1", "learning_rate: unknown key; did you mean train.learning_rate?"),
        ("tracking: {zzz: 1}", "tracking.zzz: unknown key; known here: experiment"),
        ("train: {batch_size: 0}", "train.batch_size: Input should be greater than or equal to 1"),
        ("model: {max_length: 9999}", "less than or equal to 512, found 9999"),
        ("train: {precision: fp8}", "train.precision: Input should be 'auto', 'fp32' or 'bf16'"),
        ("release: {name: 'Not a name'}", "release.name"),
        (
            "encoder: {layers: [3, 1]}",
            "  encoder.layers: expected rising numbers of layers, found [3, 1]",
        ),
        ("soup: {releases: [a]}", "  soup: expected two releases or more, found only a"),
        ("- a\n- b", "expected a mapping of keys to values, found a list"),
        ("train: [", "expected valid YAML"),
    ],
)
def test_problems_are_named(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text))
    assert expected in str(caught.value)
    assert "experiment.yaml" in str(caught.value)


def test_all_problems_are_listed_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"2 problem\(s\)"):
        load_config(write(tmp_path, "train: {epoch: 3, batch_size: -1}"))


def test_a_missing_file_names_what_is_beside_it() -> None:
    with pytest.raises(ConfigError, match=r"default\.yaml"):
        load_config(CONFIGS / "defualt.yaml")


@pytest.mark.parametrize("override", ["train.epochs", "=3", "train..epochs=3"])
def test_malformed_overrides_are_refused(override: str) -> None:
    with pytest.raises(ConfigError, match="key=value"):
        load_config(CONFIGS / "smoke.yaml", [override])


def test_an_override_below_a_value_is_refused() -> None:
    with pytest.raises(ConfigError, match="single value"):
        load_config(CONFIGS / "smoke.yaml", ["name.first=x"])


def test_digest_ignores_what_does_not_change_the_result() -> None:
    digest = load_config(CONFIGS / "smoke.yaml").digest()
    same = load_config(
        CONFIGS / "smoke.yaml",
        ["train.resume=true", "output_dir=elsewhere", "tracking.experiment=other"],
    )
    assert same.digest() == digest
    moved = load_config(
        CONFIGS / "smoke.yaml", ["data.corpus=somewhere/else", "data.extra=[x.jsonl]"]
    )
    assert moved.digest() == digest
    assert load_config(CONFIGS / "smoke.yaml", ["train.seed=99"]).digest() != digest


def test_every_field_has_a_description() -> None:
    pending: list[type[BaseModel]] = [Config]
    seen = 0
    while pending:
        for name, field in pending.pop().model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                pending.append(field.annotation)
            else:
                assert field.description, name
                seen += 1
    assert seen > 25


def test_one_path_may_stand_without_a_list(tmp_path: Path) -> None:
    config = load_config(CONFIGS / "smoke.yaml", [f"data.extra={tmp_path / 'mine.jsonl'}"])
    assert config.data.extra == (tmp_path / "mine.jsonl",)
    assert load_config(CONFIGS / "smoke.yaml", ["data.extra=null"]).data.extra == ()


@pytest.mark.parametrize("override", ["train.batch_size=true", "train.warmup=false"])
def test_truth_is_no_number(override: str) -> None:
    with pytest.raises(ConfigError, match="expected another kind of value, found"):
        load_config(CONFIGS / "smoke.yaml", [override])
