from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch  # noqa: TID253

from claimwire.data.errors import EncoderError
from claimwire.model.encoders import PACKAGED_MINILM
from claimwire.model.export import export_onnx
from claimwire.model.network import build_classifier
from claimwire.model.quantize import quantize_onnx

SHAPES = [(1, 3), (1, 64), (5, 17), (16, 40)]


def batch(shape: tuple[int, int], vocabulary: int) -> dict[str, np.ndarray[Any, Any]]:
    """Random ids; row i is padded by i tokens, as far as it goes."""
    rows, width = shape
    rng = np.random.default_rng(rows * width)
    ids = rng.integers(5, vocabulary, shape)
    mask = np.ones(shape, dtype=np.int64)
    for row in range(rows):
        padding = min(row, width - 2)
        if padding:
            ids[row, -padding:] = 0
            mask[row, -padding:] = 0
    return {"input_ids": ids, "attention_mask": mask}


def run(path: Path, inputs: dict[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    logits = session.run(["logits"], inputs)[0]
    assert isinstance(logits, np.ndarray)
    return logits


@pytest.fixture(scope="module", params=["tiny", PACKAGED_MINILM])
def exported(
    request: pytest.FixtureRequest, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Path]:
    torch.manual_seed(1)
    base = str(tiny_base) if request.param == "tiny" else request.param
    model, _ = build_classifier(base)
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    export_onnx(model.train(), path)  # dropout must be left out whatever the mode
    return model.eval(), path


@pytest.mark.parametrize("shape", SHAPES)
def test_onnx_equals_torch(exported: tuple[Any, Path], shape: tuple[int, int]) -> None:
    model, path = exported
    inputs = batch(shape, model.config.vocab_size)
    with torch.inference_mode():
        tensors = {name: torch.from_numpy(value) for name, value in inputs.items()}
        expected = model(**tensors).logits.numpy()
    assert np.abs(run(path, inputs) - expected).max() < 1e-4


def test_int8_is_close_and_small(exported: tuple[Any, Path], tmp_path: Path) -> None:
    model, path = exported
    small = tmp_path / "int8.onnx"
    quantize_onnx(path, small)
    # Of the tiny network half the bytes are names and layer norms.
    assert small.stat().st_size < 0.5 * path.stat().st_size
    if model.config.dim == 384:
        assert small.stat().st_size < 26e6
    inputs = batch((8, 30), model.config.vocab_size)
    full, quantized = run(path, inputs), run(small, inputs)
    assert 0 < np.abs(full - quantized).max() < 0.15 * full.std() + 0.02


def test_int8_does_not_depend_on_batch_mates(exported: tuple[Any, Path], tmp_path: Path) -> None:
    model, path = exported
    small = tmp_path / "int8.onnx"
    quantize_onnx(path, small)
    inputs = batch((12, 40), model.config.vocab_size)
    together = run(small, inputs)
    for row in range(12):
        length = int(inputs["attention_mask"][row].sum())
        alone = {name: value[row : row + 1, :length] for name, value in inputs.items()}
        assert np.abs(run(small, alone) - together[row]).max() < 1e-3


def test_the_same_weights_give_the_same_bytes(exported: tuple[Any, Path], tmp_path: Path) -> None:
    model, path = exported
    again = tmp_path / "again.onnx"
    export_onnx(model, again)
    assert again.read_bytes() == path.read_bytes()


def test_another_activation_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    model, _ = build_classifier(str(tiny_base))
    model.config.activation = "relu"
    with pytest.raises(EncoderError, match="relu"):
        export_onnx(model, tmp_path / "model.onnx")
