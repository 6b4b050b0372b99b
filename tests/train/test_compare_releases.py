"""Comparisons of real releases of random networks."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from claimwire.data.errors import InputError, ReleaseError
from claimwire.data.labels import LABELS
from claimwire.model.release import load_release
from claimwire.model.runtime import Runtime
from claimwire.train.compare import FEWEST_DOCUMENTS, KINDS, compare_releases
from claimwire.train.compare_commands import compare
from claimwire.train.evaluate import evaluate_records, read_dataset

from .compare_support import differences

ROOT = Path(__file__).parents[2]
TEST_SPLIT = ROOT / "data" / "corpus" / "test"


def make_release(base: Path, folder: Path, name: str, seed: int, like: Path) -> Path:
    """Make a release of a random network whose decisions vary from sentence to sentence."""
    import torch

    from claimwire.model.export import export_onnx, write_tokenizer
    from claimwire.model.manifest import ManifestDraft
    from claimwire.model.network import build_classifier
    from claimwire.model.release import write_release

    torch.manual_seed(seed)
    model, tokenizer = build_classifier(str(base))
    with torch.no_grad():  # small random weights would give every sentence the same logits
        for weight in model.parameters():
            if weight.ndim == 2:
                weight.mul_(10)
    export_onnx(model, folder / "model.onnx")
    write_tokenizer(tokenizer, folder / "tokenizer.json")
    manifest = load_release(like).manifest.model_dump(exclude={"files"})
    return write_release(
        folder / "release",
        ManifestDraft.model_validate(manifest | {"name": name, "precision": "fp32"}),
        model_onnx=folder / "model.onnx",
        tokenizer_json=folder / "tokenizer.json",
        model_card=f"# {name}\n",
    ).directory


@pytest.fixture(scope="module")
def release_a(
    tiny_base: Path, tiny_release: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return make_release(tiny_base, tmp_path_factory.mktemp("release-a"), "first", 1, tiny_release)


@pytest.fixture(scope="module")
def release_b(
    tiny_base: Path, tiny_release: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return make_release(tiny_base, tmp_path_factory.mktemp("release-b"), "second", 2, tiny_release)


@pytest.fixture(scope="module")
def runtimes(release_a: Path, release_b: Path) -> tuple[Runtime, Runtime]:
    return Runtime(load_release(release_a)), Runtime(load_release(release_b))


def test_releases_are_compared_as_they_are_evaluated(runtimes: tuple[Runtime, Runtime]) -> None:
    records = read_dataset(TEST_SPLIT)
    comparison = compare_releases(records, *runtimes)
    evaluations = [evaluate_records(records, runtime) for runtime in runtimes]
    for name, found in comparison.metrics.items():
        assert (found.a, found.b) == pytest.approx([getattr(e, name) for e in evaluations])
        assert found.interval[0] <= found.difference <= found.interval[1]
    for label, found in comparison.per_label.items():
        assert (found.a, found.b) == pytest.approx([e.per_label[label].f1 for e in evaluations])
    assert (comparison.n, comparison.documents) == (evaluations[0].n, evaluations[0].documents)
    accuracy = comparison.metrics["accuracy"].difference * len(records)
    fixed, broken = (len(comparison.of_kind(kind)) for kind in ("fixed", "broken"))
    assert min(fixed, broken) > 0
    assert fixed - broken == pytest.approx(accuracy)


def test_a_real_release_against_itself(runtimes: tuple[Runtime, Runtime]) -> None:
    comparison = compare_releases(read_dataset(TEST_SPLIT), runtimes[0], runtimes[0])
    assert {(each.difference, each.interval) for each in differences(comparison)} == {(0, (0, 0))}
    assert comparison.changed == ()


def test_one_json_object(
    release_a: Path, release_b: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(str(release_a), str(release_b), TEST_SPLIT, "json", most_shown=1) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["a"].startswith("first 0.0.1 ")
    assert content["b"].startswith("second 0.0.1 ")
    assert content["verdict"] == content["metrics"]["primary_macro_f1"]["verdict"]
    assert set(content["per_label"]) == {label.value for label in LABELS}
    assert len(content["changed"]) == sum(content["changed_counts"].values()) > 1
    assert {change["kind"] for change in content["changed"]} <= set(KINDS)


def _opened(release: Path) -> Runtime:
    return Runtime(load_release(release))


def test_tables_name_both_releases_and_show_so_many_sentences(
    release_a: Path, release_b: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(str(release_a), str(release_b), TEST_SPLIT, "table", most_shown=2) == 0
    output = capsys.readouterr().out
    assert load_release(release_a).id in output
    assert load_release(release_b).id in output
    assert "primary macro-F1" in output
    assert "F1 attribution_inference" in output
    records = read_dataset(TEST_SPLIT)
    fixed = len(compare_releases(records, *map(_opened, (release_a, release_b))).of_kind("fixed"))
    assert f"fixed: only B is right ({min(2, fixed)} of {fixed})" in output
    compare(str(release_a), str(release_b), TEST_SPLIT, "table", most_shown=0)
    assert "only B is right" not in capsys.readouterr().out


def test_what_is_not_there_is_said(release_a: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="check the path"):
        compare(str(release_a), str(release_a), tmp_path / "none.jsonl", "table")
    with pytest.raises(ReleaseError, match="expected a release directory"):
        compare(str(release_a), str(tmp_path / "none"), TEST_SPLIT, "table")


def test_real_dev_is_compared(runtimes: tuple[Runtime, Runtime]) -> None:
    shared = os.environ.get("CLAIMWIRE_SHARED")
    if not shared:
        pytest.skip("CLAIMWIRE_SHARED is unset: no real text beside this checkout")
    records = read_dataset(Path(shared) / "real-dev" / "real-dev.jsonl")
    comparison = compare_releases(records, *runtimes)
    assert comparison.n == 434
    assert comparison.documents >= FEWEST_DOCUMENTS
