from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch  # noqa: TID253
from onnx import TensorProto, helper  # noqa: TID253

from claimwire.data.errors import EncoderError
from claimwire.model.encoders import PACKAGED_MINILM
from claimwire.model.export import export_onnx
from claimwire.model.graph import CONTRIB, IR_VERSION, OPSET, GraphBuilder
from claimwire.model.network import build_classifier
from claimwire.model.quantize import LOWEST_GELU, quantize_onnx

from .network_support import add_to_biases, lively_network

CPU = "CPUExecutionProvider"
SHAPES = [(1, 1), (1, 3), (5, 1), (1, 64), (5, 17), (16, 40)]


def batch(shape: tuple[int, int], vocabulary: int) -> dict[str, np.ndarray[Any, Any]]:
    """Random ids; row i is padded by i tokens, as far as it goes."""
    rows, width = shape
    rng = np.random.default_rng(rows * width)
    ids = rng.integers(5, vocabulary, shape)
    mask = np.ones(shape, dtype=np.int64)
    for row in range(rows):
        padding = max(0, min(row, width - 2))
        if padding:
            ids[row, -padding:] = 0
            mask[row, -padding:] = 0
    return {"input_ids": ids, "attention_mask": mask}


def run(path: Path, inputs: dict[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    session = onnxruntime.InferenceSession(str(path), providers=[CPU])
    logits = session.run(["logits"], inputs)[0]
    assert isinstance(logits, np.ndarray)
    return logits


@pytest.fixture(scope="module", params=["two heads", "one head", PACKAGED_MINILM])
def exported(
    request: pytest.FixtureRequest, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Path]:
    torch.manual_seed(1)
    if request.param == PACKAGED_MINILM:
        model, _ = build_classifier(request.param)
        add_to_biases(model, 0.03)
    elif request.param == "one head":  # nothing tells its heads' axes by their sizes
        model = lively_network(tiny_base, n_layers=1, n_heads=1)
    else:
        model = lively_network(tiny_base, n_layers=2, n_heads=2)
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
    inputs = batch((24, 30), model.config.vocab_size)
    full, quantized = run(path, inputs), run(small, inputs)
    error = np.sqrt(((full - quantized) ** 2).mean())
    # Against what sentences differ by, which is little under an untrained head; labels differ more.
    allowed = 0.25 if model.config.dim == 384 else 0.05
    assert 0 < error < allowed * full.std(axis=0).mean()


def test_gelu_goes_no_lower_than_its_rows_are_scaled_for() -> None:
    values = np.linspace(-10, 10, 200_001, dtype=np.float32)
    build = GraphBuilder()
    build.fused("FastGelu", ["values"], "activated")
    graph = helper.make_graph(
        build.nodes,
        "gelu",
        [helper.make_tensor_value_info("values", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("activated", TensorProto.FLOAT, ["n"])],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=[CPU])
    lowest = session.run(None, {"values": values})[0].min()
    assert 0.999 * -LOWEST_GELU > lowest > -LOWEST_GELU


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


def test_weights_that_are_no_numbers_are_refused(tiny_base: Path, tmp_path: Path) -> None:
    model = lively_network(tiny_base)
    with torch.no_grad():
        model.distilbert.transformer.layer[0].ffn.lin1.bias[3] = torch.nan
    with pytest.raises(EncoderError, match=r"ffn\.lin1\.bias: expected finite weights"):
        export_onnx(model, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()
