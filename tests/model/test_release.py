from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from claimwire.data.errors import ReleaseError, ReleaseIntegrityError
from claimwire.data.labels import CLAIM_LABELS, LABELS
from claimwire.model.decision import Calibration, calibrate
from claimwire.model.manifest import PAYLOAD_NAMES, Manifest, ManifestDraft
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


def bent(*knots: tuple[float, float], **changes: float) -> dict[str, Any]:
    """A manifest's calibration in which the second label has these knots."""
    straight = {label.value: {"scale": 1.5, "bias": -0.5} for label in LABELS}
    return straight | {LABELS[1].value: {"scale": 1.0, "bias": 0.0, "knots": knots} | changes}


def write(release: Path, target: Path, **changes: Any) -> Path:
    """Write a release with the network of another one."""
    write_release(
        target,
        draft(**changes),
        model_onnx=release / "model.onnx",
        tokenizer_json=release / "tokenizer.json",
        model_card="",
    )
    return target


def test_a_manifest_without_knots_is_written_as_before_there_were_any() -> None:
    moment, files = "2026-11-25T15:04:05Z", dict.fromkeys(PAYLOAD_NAMES, "0" * 64)
    calibration = {label.value: {"scale": 1.5, "bias": -0.5} for label in LABELS}
    made = draft(created=moment, calibration=calibration)
    raw = Manifest.of_draft(made, files).to_bytes()
    # of the bytes that claimwire 0.3.0 wrote for this draft
    assert hashlib.sha256(raw).hexdigest() == (
        "44f97185b4e8648246782b7eb1140f4a207bab19f068d6aea79edf24f20a62e3"
    )
    written = json.loads(raw)
    assert written["format_version"] == 1
    assert written["calibration"] == calibration
    again = Manifest.from_content({k: v for k, v in written.items() if k != "manifest_digest"})
    assert again == Manifest.of_draft(made, files)


def test_a_calibration_that_bends_goes_through_a_release(release: Path, tmp_path: Path) -> None:
    knots = ((-1.5, -4.0), (0.1, -1 / 3), (2.0, 0.7))
    loaded = load_release(write(release, tmp_path / "new", calibration=bent(*knots)))
    assert loaded.manifest.format_version == 2
    assert loaded.manifest.calibration == {
        label: Calibration(knots=knots) if label == LABELS[1] else Calibration(1.5, -0.5)
        for label in LABELS
    }
    runtime = Runtime(loaded, threads=1)
    texts = ["Two drones were shot down.", "The town lies on a river."]
    logits, _ = runtime.logits(texts)
    scores = [list(decision.scores.values()) for decision in runtime.predict(texts)]
    assert np.array(scores) == pytest.approx(calibrate(logits, loaded.manifest.calibration))
    line = calibrate(logits, dict.fromkeys(LABELS, Calibration()))
    assert np.abs(np.array(scores)[:, 1] - line[:, 1]).min() > 0.01


def test_claims_in_the_order_of_the_outputs_go_through_a_release(
    release: Path, tmp_path: Path
) -> None:
    thresholds = dict.fromkeys(CLAIM_LABELS, 0.0)  # every claim is made
    turned = {
        label: Calibration(1.0, -9.0 * number) for number, label in enumerate(reversed(LABELS))
    }
    plain = load_release(
        write(release, tmp_path / "plain", thresholds=thresholds, calibration=turned)
    )
    assert plain.manifest.label_order == "probability"
    assert b"label_order" not in (plain.directory / "manifest.json").read_bytes()
    new = write(
        release,
        tmp_path / "new",
        thresholds=thresholds,
        calibration=turned,
        label_order="output",
    )
    loaded = load_release(new)
    assert loaded.manifest.format_version == 2
    texts = ["Two drones were shot down.", "The town lies on a river."]
    runtime = Runtime(loaded, threads=1)
    logits, _ = runtime.logits(texts)
    for row, ranked, probable in zip(
        logits, runtime.predict(texts), Runtime(plain, threads=1).predict(texts), strict=True
    ):
        assert ranked.labels == tuple(
            sorted(CLAIM_LABELS, key=lambda label: -row[LABELS.index(label)])
        )
        assert probable.labels == tuple(reversed(CLAIM_LABELS))
    edit_manifest(new, format_version=1)
    with pytest.raises(ReleaseError, match="format_version 2 with label_order"):
        load_release(new)


def test_knots_in_a_manifest_of_format_1_are_refused(release: Path, tmp_path: Path) -> None:
    new = write(release, tmp_path / "new", calibration=bent((0.0, 0.0), (1.0, 2.0)))
    edit_manifest(new, format_version=1)
    with pytest.raises(
        ReleaseError, match="expected format_version 2 where a label has knots, found 1"
    ):
        load_release(new)


@pytest.mark.parametrize(
    ("calibration", "expected"),
    [
        (bent((0.0, 0.0)), "expected 2 to 64 points, found 1"),
        (bent(*((float(n), float(n)) for n in range(65))), "found 65"),
        (bent((0.0, 0.0), (1.0, float("nan"))), "finite"),
        (bent((0.0, 0.0), (float("inf"), 1.0)), "finite"),
        (bent((0.0, 0.0), (0.0, 1.0)), "rise strictly"),
        (bent((0.0, 0.0), (1.0, 0.0)), "rise strictly"),
        (bent((0.0, 0.0), (1.0, 1.0), (0.5, 2.0)), "rise strictly"),
        (bent((0.0, 0.0), (5e-324, 1.0)), "rise strictly"),
        (bent((-1e308, 0.0), (1e308, 1e-300)), "rise strictly"),
        (bent((0.0, 0.0), (1.0, 1.0), scale=2.0), "scale 1 and bias 0"),
        (bent((0.0, 0.0), (1.0, 1.0), bias=0.1), "scale 1 and bias 0"),
    ],
)
def test_knots_that_are_no_rising_map_are_refused(
    calibration: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ValidationError, match=expected) as caught:
        draft(calibration=calibration)
    assert LABELS[1].value in str(caught.value) or expected == "finite"


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
