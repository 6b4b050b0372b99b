"""Releases that are damaged or hostile: refused by every command, with a clear message."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from claimwire import Tagger
from claimwire.cli import app
from claimwire.data.errors import ReleaseError, ReleaseIntegrityError
from claimwire.model.manifest import ManifestDraft
from claimwire.model.release import load_release, write_release

runner = CliRunner()
SAMPLE = Path(__file__).parents[2] / "data" / "samples" / "article.txt"

Damage = Callable[[Path], object]


def change_a_byte(release: Path) -> None:
    path = release / "model.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0x80
    path.write_bytes(content)


def lose_the_end(release: Path) -> None:
    os.truncate(release / "model.onnx", (release / "model.onnx").stat().st_size - 1)


def lose_a_file(release: Path) -> None:
    (release / "tokenizer.json").unlink()


def put_a_folder_in_its_place(release: Path) -> None:
    (release / "MODEL_CARD.md").unlink()
    (release / "MODEL_CARD.md").mkdir()


def leave_the_directory(release: Path) -> None:
    outside = release.parent / "outside.onnx"
    shutil.move(release / "model.onnx", outside)
    (release / "model.onnx").symlink_to(outside)


def name_a_path_outside(release: Path) -> None:
    path = release / "manifest.json"
    content = json.loads(path.read_text())
    content["files"]["../outside.onnx"] = "0" * 64
    path.write_text(json.dumps(content))


def add_a_file(release: Path) -> None:
    (release / "weights.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (change_a_byte, "model.onnx"),
        (lose_the_end, "model.onnx"),
        (lose_a_file, "tokenizer.json"),
        (put_a_folder_in_its_place, "MODEL_CARD.md"),
        (leave_the_directory, "model.onnx"),
        (name_a_path_outside, "manifest.json"),
        (add_a_file, "weights.pkl"),
    ],
)
def test_every_command_refuses_it_and_writes_nothing(
    tiny_release: Path, tmp_path: Path, damage: Damage, named: str
) -> None:
    release = Path(shutil.copytree(tiny_release, tmp_path / "release"))
    damage(release)
    with pytest.raises(ReleaseIntegrityError, match=named.replace(".", r"\.")):
        Tagger.load(release)
    output = tmp_path / "out.jsonl"
    for arguments in (
        ["models", "verify", str(release)],
        ["models", "show", str(release)],
        ["tag", str(SAMPLE), "-o", str(output), "--model", str(release)],
        ["tag", str(SAMPLE), "-o", str(tmp_path / "out"), "--model", str(release), "--engine=ray"],
        ["explain", "A shell fell.", "--model", str(release)],
        ["serve", "--port", "0", "--model", str(release)],
    ):
        result = runner.invoke(app, arguments)
        assert result.exit_code == 1, result.output
        assert result.stderr.startswith(("claimwire: error: ", "claimwire: not verified: "))
        assert named in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir() if "out" in path.name) == (
        ["outside.onnx"] if damage is leave_the_directory else []
    )


@pytest.mark.parametrize("location", ["weights.bin", "../weights.bin", "sub/../../weights.bin"])
def test_weights_outside_the_network_are_not_read(
    tiny_release: Path, tmp_path: Path, location: str
) -> None:
    """ONNX may say that weights are in another file, which no sha256 of the release covers."""
    import onnx

    network = onnx.load(tiny_release / "model.onnx")
    moved = max(network.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    (tmp_path / "weights.bin").write_bytes(moved.raw_data)
    length = str(len(moved.raw_data))
    moved.ClearField("raw_data")
    moved.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", length)):
        moved.external_data.add(key=key, value=value)
    (tmp_path / "network.onnx").write_bytes(network.SerializeToString())
    write_like(tiny_release, tmp_path / "release", model_onnx=tmp_path / "network.onnx")
    load_release(tmp_path / "release")  # its files are what was written
    with pytest.raises(ReleaseError, match=r"model\.onnx.*[Ee]xternal data"):
        Tagger.load(tmp_path / "release")


@pytest.mark.parametrize("sentences", [1, 3])
def test_a_tokenizer_without_cls_is_said_where_a_sentence_has_no_token(
    tiny_release: Path, tmp_path: Path, sentences: int
) -> None:
    content = json.loads((tiny_release / "tokenizer.json").read_text(encoding="utf-8"))
    content["post_processor"] = None
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    write_like(tiny_release, tmp_path / "release", tokenizer_json=tmp_path / "tokenizer.json")
    tagger = Tagger.load(tmp_path / "release")
    with pytest.raises(ReleaseError, match=r"tokenizer\.json.*\[CLS\]"):
        tagger.tag_sentences(["\u200b"] * sentences)


def write_like(release: Path, target: Path, **files: Path) -> None:
    """Write a release like another one, but for the files that are given."""
    content = load_release(release).manifest.model_dump()
    draft = {name: content[name] for name in ManifestDraft.model_fields if name in content}
    own = {
        "model_onnx": release / "model.onnx",
        "tokenizer_json": release / "tokenizer.json",
    }
    write_release(target, ManifestDraft.model_validate(draft), **own | files, model_card="")
