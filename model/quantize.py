"""Int8 weights, and activations quantized token by token: small, fast, and fair to every sentence.

onnxruntime's ordinary dynamic quantization takes one scale for a whole batch, so that a
sentence's scores would depend on what else is in the batch. Here each token has a scale of its own:

    x  ~  r * (q - 128),     r = max|x| / 127 over the token's values,   q in 1..255
    W  ~  s * w,             s = c max|W| / 63 over an output's weights, w in -63..63
    x W  ~  r s * ((q - 128) w)                    the product in integers, exact

Weights take 7 bits: processors without VNNI add two 8-bit products in 16 bits, which 8-bit weights
can overflow, and then results would differ between machines. Word embeddings are kept as int8
rows with a scale each. Biases, layer norms and the head stay in 32-bit floats.

The share ``c`` is 1 for a network that was trained from an encoder. One that was trained on from
an int8 release, or averaged of such, has weights that lie near that release's own steps, and
rounding to the same steps again would take back much of what it learnt
(:data:`OFF_THE_OLD_STEPS`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from claimwire.model.graph import GraphBuilder, save_graph

WEIGHT_RANGE: Final = 63
ROW_RANGE: Final = 127
ACTIVATION_ZERO: Final = 128
OFF_THE_OLD_STEPS: Final = 0.97
"""Share of the largest weight that is the new largest, where a network began as an int8 release:
its steps then fall elsewhere than the release's. Measured on a mean of two releases and 1,516
sentences: 17 primary labels other than in 32 bits with 1, 2 with 0.97."""
_SMALLEST_SCALE: Final = 1e-12
"""Keeps a token of zeros from a division by zero."""


def quantize_onnx(source: Path, target: Path, *, largest_weight: float = 1.0) -> None:
    """Write an int8 copy of a network that :func:`claimwire.model.export.export_onnx` wrote.

    Matrix products with constant weights and embedding look-ups of float tables are quantized;
    everything else is copied.

    Args:
        source: the network in 32-bit floats.
        target: the file to write.
        largest_weight: share of an output's largest weight that the largest integer stands for,
            above 0 to 1; weights beyond it are cut to it.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load(source)
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    rewriter = _Rewriter(weights, largest_weight)
    for node in model.graph.node:
        rewriter.add(node)
    build = rewriter.build
    used = {name for node in build.nodes for name in node.input}
    for name, array in weights.items():
        if name in used:
            build.weight(name, array)
    save_graph(
        build.nodes, build.initializers, list(model.graph.input), list(model.graph.output), target
    )


class _Rewriter:
    """Copies nodes, replacing those that can be quantized."""

    def __init__(self, weights: dict[str, NDArray[Any]], largest_weight: float) -> None:
        self.build = GraphBuilder()
        self._weights = weights
        self._largest_weight = largest_weight
        self._quantized_inputs: dict[str, tuple[str, str]] = {}
        self._constants: set[str] = set()

    def add(self, node: Any) -> None:
        table = self._weights.get(node.input[0]) if node.op_type == "Gather" else None
        matrix = self._weights.get(node.input[1]) if node.op_type == "MatMul" else None
        if table is not None and table.dtype == np.float32:
            self._gather(node, table)
        elif matrix is not None:
            self._matmul(node, matrix)
        else:
            self.build.nodes.append(node)

    def _gather(self, node: Any, table: NDArray[Any]) -> None:
        """Look up int8 rows ``[*, dim]`` and their scales ``[*, 1]``."""
        name, indices, output = node.input[0], node.input[1], node.output[0]
        rows, scales = _symmetric(table, ROW_RANGE, axis=1)
        build = self.build
        found = build.node(
            "Gather", [build.weight(f"{name}.int8", rows), indices], f"{output}.int8"
        )
        scale = build.node(
            "Gather", [build.weight(f"{name}.scale", scales), indices], f"{output}.scale"
        )
        build.node("Mul", [self._to_float(found), scale], output)

    def _matmul(self, node: Any, matrix: NDArray[Any]) -> None:
        """``[*, in] x [in, out]`` in integers, then both scales."""
        values, name, output = node.input[0], node.input[1], node.output[0]
        quantized, scales = _symmetric(matrix, WEIGHT_RANGE, 0, self._largest_weight)
        rows, row_scale = self._quantize_tokens(values)
        build = self.build
        product = build.fused(
            "MatMulIntegerToFloat",
            [
                rows,
                build.weight(f"{name}.int8", quantized),
                self._constant("one", np.float32(1)),
                build.weight(f"{name}.scale", scales[0]),
                self._constant("activation_zero", np.uint8(ACTIVATION_ZERO)),
            ],
            f"{output}.scaled",
        )
        build.node("Mul", [product, row_scale], output)

    def _quantize_tokens(self, values: str) -> tuple[str, str]:
        """Quantize ``[*, dim]`` row by row, once for all products that read it."""
        if values not in self._quantized_inputs:
            build = self.build
            sizes = build.node("Abs", [values], f"{values}.abs")
            largest = build.node("ReduceMax", [sizes], f"{values}.largest", axes=[-1], keepdims=1)
            step = self._constant("activation_step", np.float32(1 / ROW_RANGE))
            scale = build.node("Mul", [largest, step], f"{values}.step")
            floor = self._constant("smallest_scale", np.float32(_SMALLEST_SCALE))
            scale = build.node("Max", [scale, floor], f"{values}.scale")
            self._quantized_inputs[values] = (self._shifted(values, scale), scale)
        return self._quantized_inputs[values]

    def _shifted(self, values: str, scale: str) -> str:
        """Values over their token's scale, rounded and shifted to uint8 by one operator."""
        build = self.build
        inverse = build.node("Reciprocal", [scale], f"{values}.inverse")
        unit = build.node("Mul", [values, inverse], f"{values}.unit")
        one = self._constant("one", np.float32(1))
        zero = self._constant("activation_zero", np.uint8(ACTIVATION_ZERO))
        return build.node("QuantizeLinear", [unit, one, zero], f"{values}.uint8")

    def _to_float(self, values: str) -> str:
        from onnx import TensorProto

        return self.build.node("Cast", [values], f"{values}.float", to=TensorProto.FLOAT)

    def _constant(self, name: str, value: Any) -> str:
        if name not in self._constants:
            self._constants.add(name)
            self.build.weight(name, np.asarray(value))
        return name


def _symmetric(
    array: NDArray[Any], largest: int, axis: int, share: float = 1.0
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return int8 values and scales along ``axis``, with ``array ~ values * scales``.

    ``largest`` stands for ``share`` of the largest absolute value; what is beyond is cut to it.
    """
    scales = share * np.abs(array).max(axis=axis, keepdims=True) / largest
    scales = np.where(scales == 0, 1, scales).astype(np.float32)
    return np.clip(np.rint(array / scales), -largest, largest).astype(np.int8), scales
