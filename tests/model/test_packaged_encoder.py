"""packaged:claimwire as it is shipped, and the format it is stored in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch  # noqa: TID253

from claimwire.data.errors import EncoderError
from claimwire.model import companions
from claimwire.model.encoders import load_encoder
from claimwire.model.packaged_encoder import (
    PACKAGED_CLAIMWIRE,
    WEIGHTS,
    claimwire_encoder_directory,
    pack,
    read_packed,
)


def test_it_loads_and_is_its_own() -> None:
    encoder, tokenizer = load_encoder(PACKAGED_CLAIMWIRE)
    begun, _ = load_encoder("packaged:minilm")
    assert encoder.config.dim == 384
    assert encoder.config.n_layers == 6
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    assert not torch.allclose(
        encoder.embeddings.word_embeddings.weight, begun.embeddings.word_embeddings.weight
    )
    assert len(tokenizer("word " * 300)["input_ids"]) == 302  # no limit of its own
    batch = tokenizer(["Drones hit the depot.", "Calm."], padding=True, return_tensors="pt")
    with torch.no_grad():
        states = encoder(**batch).last_hidden_state
    assert bool(states.isfinite().all())


def test_what_is_packed_comes_back_within_half_a_step(tiny_base: Path, tmp_path: Path) -> None:
    pack(tiny_base, tmp_path / "packed")
    read = read_packed((tmp_path / "packed" / WEIGHTS).read_bytes())
    encoder, _ = load_encoder(str(tiny_base))
    wanted = encoder.state_dict()
    assert set(read) == set(wanted)
    for name, tensor in wanted.items():
        step = tensor.abs().amax() / 127 if tensor.dim() == 2 else tensor.abs().amax() / 1024
        assert float((read[name] - tensor).abs().max()) <= float(step) * 0.51 + 1e-6, name
    assert any(name.endswith(".rows") for name in _names(tmp_path / "packed" / WEIGHTS))


def _names(path: Path) -> list[str]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as tensors:
        return list(tensors.keys())


def test_a_damaged_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "claimwire-encoder" / "src" / "claimwire_encoder"
    shutil.copytree(claimwire_encoder_directory(), copy)
    content = bytearray((copy / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (copy / WEIGHTS).write_bytes(content)
    monkeypatch.setattr(companions, "PACKAGES", tmp_path)
    with pytest.raises(EncoderError, match="claimwire-encoder"):
        load_encoder(PACKAGED_CLAIMWIRE)


def test_without_it_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(companions, "PACKAGES", tmp_path)
    with pytest.raises(EncoderError, match=r"pip install \./packages/claimwire-encoder"):
        load_encoder(PACKAGED_CLAIMWIRE)


def test_packing_needs_a_whole_encoder(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"config\.json"):
        pack(tmp_path, tmp_path / "packed")
