from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from claimwire.data.errors import ReleaseError, ReleaseIntegrityError
from claimwire.data.labels import CLAIM_LABELS, LABELS
from claimwire.model.manifest import PAYLOAD_NAMES, ManifestDraft
from claimwire.model.release import ReleaseLayout, load_release, write_release
from claimwire.model.runtime import Runtime


def draft(**changes: Any) -> ManifestDraft:
    content = {
        "name": "test",
        "version": "1.0.0",
        "base": "tiny",
        "thresholds": dict.fromkeys(CLAIM_LABELS, 0.5),
        "review_threshold": 0.6,
        "max_length": 64,
        "precision": "fp32",
        "corpus_digest": "sha256:0",
        "config_digest": "sha256:0",
    }
    return ManifestDraft.model_validate(content | changes)


@pytest.fixture
def release(tiny_release: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "release"
    shutil.copytree(tiny_release, copy)
    return copy


def edit_manifest(release: Path, **changes: Any) -> None:
    path = release / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_written_release_loads_as_it_was_written(release: Path, tmp_path: Path) -> None:
    layout = ReleaseLayout(release)
    written = write_release(
        tmp_path / "deep" / "new",
        draft(metrics={"test/ece": 0.1}),
        model_onnx=layout.model,
        tokenizer_json=layout.tokenizer,
        model_card="# card\n",
    )
    loaded = load_release(tmp_path / "deep" / "new")
    assert loaded.manifest == written.manifest
    assert loaded.id == written.id == f"test 1.0.0 {written.digest[:8]}"
    assert sorted(loaded.manifest.files) == sorted(PAYLOAD_NAMES)
    assert loaded.layout.card.read_text() == "# card\n"


@pytest.mark.parametrize("name", PAYLOAD_NAMES)
def test_one_changed_byte_is_found(release: Path, name: str) -> None:
    path = release / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ReleaseIntegrityError, match=name) as caught:
        load_release(release)
    assert "reinstall" in str(caught.value)


@pytest.mark.parametrize("name", [*PAYLOAD_NAMES, "manifest.json"])
def test_a_missing_file_is_found(release: Path, name: str) -> None:
    (release / name).unlink()
    with pytest.raises(ReleaseError, match=name):
        load_release(release)


def test_a_foreign_file_is_found(release: Path) -> None:
    (release / "extra.pkl").write_bytes(b"x")
    with pytest.raises(ReleaseIntegrityError, match=r"extra\.pkl"):
        load_release(release)


@pytest.mark.parametrize("name", ["../outside.onnx", "/etc/passwd", "sub/model.onnx"])
def test_a_path_that_leaves_the_directory_is_refused(release: Path, name: str) -> None:
    files = json.loads((release / "manifest.json").read_text())["files"]
    edit_manifest(release, files=files | {name: "0" * 64})
    with pytest.raises(ReleaseError):
        load_release(release)


def test_a_link_out_of_the_directory_is_refused(release: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.onnx"
    shutil.move(release / "model.onnx", outside)
    (release / "model.onnx").symlink_to(outside)
    with pytest.raises(ReleaseIntegrityError, match=r"model\.onnx"):
        load_release(release)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"format_version": 99}, "format_version"),
        ({"labels": list(reversed(LABELS))}, "labels"),
        ({"thresholds": {"attack_claim": 0.5}}, "thresholds"),
        ({"surprise": 1}, "surprise"),
        ({"max_length": 0}, "max_length"),
        ({"review_threshold": 2}, "review_threshold"),
    ],
)
def test_a_manifest_that_breaks_the_contract_is_refused(
    release: Path, changes: dict[str, Any], expected: str
) -> None:
    edit_manifest(release, **changes)
    with pytest.raises(ReleaseError, match=expected):
        load_release(release)


def test_a_manifest_that_is_no_json_is_refused(release: Path) -> None:
    (release / "manifest.json").write_text("{half")
    with pytest.raises(ReleaseError, match=r"manifest\.json"):
        load_release(release)


def test_a_manifest_nested_without_end_is_refused(release: Path) -> None:
    (release / "manifest.json").write_text("[" * 200_000)
    with pytest.raises(ReleaseIntegrityError, match="expected JSON"):
        load_release(release)


def test_every_bit_of_the_manifest_counts(release: Path) -> None:
    path = release / "manifest.json"
    written = path.read_bytes()
    for place in range(0, len(written), 7):
        changed = bytearray(written)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        with pytest.raises(ReleaseError, match=r"manifest\.json"):
            load_release(release)


def test_a_network_shorter_than_max_length_says_so(release: Path, tmp_path: Path) -> None:
    written = write_release(
        tmp_path / "new",
        draft(max_length=512),  # the tiny network has 128 positions
        model_onnx=release / "model.onnx",
        tokenizer_json=release / "tokenizer.json",
        model_card="",
    )
    runtime = Runtime(written, threads=1)
    assert len(runtime.predict(["drone " * 50])) == 1
    with pytest.raises(ReleaseError, match=r"max_length \(512\)"):
        runtime.predict(["drone " * 300])


def test_a_release_is_never_overwritten(release: Path) -> None:
    layout = ReleaseLayout(release)
    with pytest.raises(ReleaseError, match="release"):
        write_release(
            release,
            draft(),
            model_onnx=layout.model,
            tokenizer_json=layout.tokenizer,
            model_card="",
        )
    load_release(release)


def test_nothing_half_written_stays_behind(release: Path, tmp_path: Path) -> None:
    target = tmp_path / "releases" / "new"
    with pytest.raises(ReleaseError, match=r"none\.json"):
        write_release(
            target,
            draft(),
            model_onnx=release / "model.onnx",
            tokenizer_json=tmp_path / "none.json",
            model_card="",
        )
    assert not target.exists()
    assert not target.parent.exists() or not list(target.parent.iterdir())


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_file_of_another_kind_is_refused_when_it_is_used(
    release: Path, tmp_path: Path, name: str
) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"not what it should be")
    sources = {"model.onnx": release / "model.onnx", "tokenizer.json": release / "tokenizer.json"}
    sources[name] = garbage
    written = write_release(
        tmp_path / "new",
        draft(),
        model_onnx=sources["model.onnx"],
        tokenizer_json=sources["tokenizer.json"],
        model_card="",
    )
    with pytest.raises(ReleaseError, match=name.replace(".", r"\.")):
        Runtime(written)


def test_a_foreign_operator_is_refused(release: Path, tmp_path: Path) -> None:
    import onnx

    model = onnx.load(release / "model.onnx")
    model.graph.node[0].domain = "evil.example"
    model.opset_import.append(onnx.helper.make_opsetid("evil.example", 1))
    onnx.save(model, tmp_path / "foreign.onnx")
    written = write_release(
        tmp_path / "new",
        draft(),
        model_onnx=tmp_path / "foreign.onnx",
        tokenizer_json=release / "tokenizer.json",
        model_card="",
    )
    with pytest.raises(ReleaseError, match=r"ONNX and com\.microsoft operators"):
        Runtime(written)
