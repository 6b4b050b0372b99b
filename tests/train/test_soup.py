"""Averaging releases in place of training."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import mlflow  # noqa: TID253
import pytest
import torch  # noqa: TID253
from rich.console import Console

from claimwire.data.errors import ConfigError, ReleaseError
from claimwire.model.export import export_onnx, write_tokenizer
from claimwire.model.manifest import ManifestDraft
from claimwire.model.network import build_classifier
from claimwire.model.quantize import OFF_THE_OLD_STEPS
from claimwire.model.release import load_release, write_release
from claimwire.model.released_network import released_classifier
from claimwire.train.config import Config
from claimwire.train.pipeline import run_training
from claimwire.train.repeats import run_repeats
from claimwire.train.soup import averaged

MakeConfig = Callable[..., Config]


def released(base: str, folder: Path, seed: int, like: Path, *, layers: int | None = None) -> Path:
    """Write a 32-bit release of a network with random weights."""
    torch.manual_seed(seed)
    model, tokenizer = build_classifier(base)
    if layers is not None:
        model.distilbert.transformer.layer = model.distilbert.transformer.layer[:layers]
        model.config.n_layers = layers
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    folder.mkdir()
    export_onnx(model, folder / "model.onnx")
    write_tokenizer(tokenizer, folder / "tokenizer.json")
    manifest = load_release(like).manifest.model_dump(exclude={"files"})
    write_release(
        folder / "release",
        ManifestDraft.model_validate(manifest | {"version": f"0.0.{seed}", "precision": "fp32"}),
        model_onnx=folder / "model.onnx",
        tokenizer_json=folder / "tokenizer.json",
        model_card="# card\n",
    )
    return folder / "release"


@pytest.fixture
def two(tiny_base: Path, tiny_release: Path, tmp_path: Path) -> tuple[Path, Path]:
    return tuple(  # type: ignore[return-value]
        released(str(tiny_base), tmp_path / f"made-{seed}", seed, tiny_release) for seed in (1, 2)
    )


def tensors(release: Path) -> dict[str, torch.Tensor]:
    return released_classifier(load_release(release)).state_dict()


def test_the_mean_is_weighed_and_does_not_depend_on_the_order(
    quick_config: MakeConfig, two: tuple[Path, Path]
) -> None:
    a, b = two
    ours = averaged(quick_config(f"soup.releases=[{a},{b}]", "soup.weights=[1,3]")).model
    theirs = averaged(quick_config(f"soup.releases=[{b},{a}]", "soup.weights=[6,2]")).model
    first, second = tensors(a), tensors(b)
    for name, found in ours.state_dict().items():
        assert torch.equal(found, theirs.state_dict()[name]), name
        assert torch.allclose(found, 0.25 * first[name] + 0.75 * second[name], atol=1e-6), name


def test_a_run_makes_a_measured_release_of_the_mean_and_trains_nothing(
    quick_config: MakeConfig, two: tuple[Path, Path]
) -> None:
    config = quick_config(f"soup.releases=[{two[0]},{two[1]}]", "release.precision=fp32")
    done = run_training(config, Console(quiet=True))
    made = done.measured.release
    expected = [load_release(each).id for each in two]
    assert made.manifest.base == f"mean of 0.5 x {expected[0]}, 0.5 x {expected[1]}"
    assert made.manifest.metrics["test/primary_macro_f1"] >= 0
    assert done.report.is_file()
    run = mlflow.MlflowClient(f"sqlite:///{config.output_dir / 'mlflow.db'}").get_run(
        done.mlflow_run_id
    )
    assert run.data.tags["base_release"] == made.manifest.base
    assert "train/steps" not in run.data.metrics
    first, second = tensors(two[0]), tensors(two[1])
    for name, found in tensors(made.directory).items():
        assert torch.allclose(found, (first[name] + second[name]) / 2, atol=1e-6), name


def test_only_what_was_int8_is_rounded_to_steps_of_its_own(
    quick_config: MakeConfig, two: tuple[Path, Path], tiny_release: Path
) -> None:
    for began, share in (((tiny_release, tiny_release), OFF_THE_OLD_STEPS), (two, 1.0)):
        config = quick_config(
            f"soup.releases=[{began[0]},{began[1]}]", "tracking.registered_model=null"
        )
        made = run_training(config, Console(quiet=True)).measured.release
        name = "distilbert.transformer.layer.0.ffn.lin1.weight"
        mean = (tensors(began[0])[name] + tensors(began[1])[name]) / 2
        largest = tensors(made.directory)[name].abs().amax(dim=1)
        assert torch.allclose(largest, share * mean.abs().amax(dim=1), rtol=1e-5)


def test_another_tokenizer_or_shape_is_refused(
    quick_config: MakeConfig,
    two: tuple[Path, Path],
    tiny_base: Path,
    tiny_release: Path,
    tmp_path: Path,
) -> None:
    lower = released(str(tiny_base), tmp_path / "lower", 3, tiny_release, layers=1)
    for pair in ((two[0], lower), (lower, two[0])):
        with pytest.raises(ConfigError, match="expected networks of one shape, found tiny 0"):
            averaged(quick_config(f"soup.releases=[{pair[0]},{pair[1]}]"))
    with pytest.raises(ConfigError, match="expected one tokenizer"):
        averaged(quick_config(f"soup.releases=[{two[0]},small]"))


def test_a_damaged_release_is_refused(
    quick_config: MakeConfig, two: tuple[Path, Path], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(two[1], copy)
    (copy / "model.onnx").write_bytes(b"nothing")
    with pytest.raises(ReleaseError, match="sha256"):
        averaged(quick_config(f"soup.releases=[{two[0]},{copy}]"))


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("soup.releases=[small]", "expected two releases or more, found only small"),
        ("soup.weights=[1,2]", "expected a weight a release, found 2 for 0"),
        ("soup={releases: [small, base], weights: [1]}", "found 1 for 2"),
        ("soup={releases: [small, base], weights: [1, 0]}", "greater than 0"),
    ],
)
def test_what_makes_no_soup_is_refused(
    quick_config: MakeConfig, override: str, expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected):
        quick_config(override)


def test_seeds_and_folds_have_nothing_to_train(
    quick_config: MakeConfig, two: tuple[Path, Path]
) -> None:
    config = quick_config(f"soup.releases=[{two[0]},{two[1]}]", "train.seeds=[1,2]")
    with pytest.raises(ConfigError, match="expected something to train, found soup"):
        run_repeats(config, Console(quiet=True))


def test_the_releases_are_part_of_the_digest(quick_config: MakeConfig) -> None:
    plain = quick_config()
    with_soup = quick_config("soup.releases=[small,base]")
    assert with_soup.digest() != plain.digest()
    assert with_soup.digest() != quick_config("soup.releases=[base,small]").digest()
