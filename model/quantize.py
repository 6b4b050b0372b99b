"""Int8 weights, and activations quantized token by token: small, fast, and fair to every sentence.

onnxruntime's ordinary dynamic quantization takes one scale for a whole batch, so that a
sentence's scores would depend on what else is in the batch. Here each token has a scale of its own:

    x  ~  r * (q - 128),     r = max|x| / 127 over the token's values,   q in 1..255
                             (behind GELU max(max x, 0.1701) / 127: below 0 it goes no further)
    W  ~  s * w,             s = c max|W| / 63 over an output's weights, w in -63..63
    x W  ~  r s * ((q - 128) w)                    the product in integers, exact

Weights take 7 bits: processors without VNNI add two 8-bit products in 16 bits, which 8-bit weights
can overflow, and then results would differ between machines. Word embeddings are kept as int8
rows with a scale each, and so are the last layer's keys and values, which become floats again when
a session opens. Products of attention, biases, layer norms and the head stay in 32-bit floats.

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

from claimwire.model.attention import INPUT_AXES
from claimwire.model.graph import GraphBuilder, save_graph

WEIGHT_RANGE: Final = 63
ROW_RANGE: Final = 127
ACTIVATION_ZERO: Final = 128
OFF_THE_OLD_STEPS: Final = 0.97
"""Share of the largest weight that is the new largest, where a network began as an int8 release:
its steps then fall elsewhere than the release's. Measured on a mean of two releases and 1,516
sentences: 17 primary labels other than in 32 bits with 1, 2 with 0.97."""
LOWEST_GELU: Final = 0.1701
"""Above the largest absolute value that GELU has below zero (0.16997 by erf, 0.17004 by tanh)."""
_SMALLEST: Final = 1e-10
"""Keeps a token of zeros from a division by zero."""


def quantize_onnx(source: Path, target: Path, *, largest_weight: float = 1.0) -> None:
    """Write an int8 copy of a network that :func:`claimwire.model.export.export_onnx` wrote.

    Matrix products with constant weights, GELU and embedding look-ups of float tables are
    rewritten, and the weights of products by head are kept as int8; everything else is copied.

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
        self._activated: set[str] = set()
        self._constants: set[str] = set()

    def add(self, node: Any) -> None:
        table = self._weights.get(node.input[0]) if node.op_type == "Gather" else None
        matrix = self._weights.get(node.input[1]) if node.op_type == "MatMul" else None
        by_head = self._weights.get(node.input[1]) if node.op_type == "FusedMatMul" else None
        if table is not None and table.dtype == np.float32:
            self._gather(node, table)
        elif matrix is not None:
            self._matmul(node, matrix)
        elif by_head is not None:
            self._product_by_head(node, by_head)
        elif node.op_type == "BiasGelu":
            self._gelu(node)
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
        """``[rows, in] x [in, out]`` in integers, then both scales."""
        values, name, output = node.input[0], node.input[1], node.output[0]
        quantized, scales = _symmetric(matrix, WEIGHT_RANGE, 0, self._largest_weight)
        rows, row_scale = self._quantize_rows(values)
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

    def _product_by_head(self, node: Any, matrices: NDArray[Any]) -> None:
        """A product that is too small to be worth it in integers: only the file gets smaller.

        The session turns the weights into floats when it is opened.
        """
        name = node.input[1]
        axis = INPUT_AXES[name.rpartition(".")[2]]
        quantized, scales = _symmetric(matrices, WEIGHT_RANGE, axis, self._largest_weight)
        found = self._to_float(self.build.weight(f"{name}.int8", quantized))
        scale = self.build.weight(f"{name}.scale", scales)
        node.input[1] = self.build.node("Mul", [found, scale], f"{name}.float")
        self.build.nodes.append(node)

    def _quantize_rows(self, values: str) -> tuple[str, str]:
        """Quantize ``[rows, in]`` row by row, once for all products that read it.

        Returns:
            The names of the integers ``[rows, in]`` and of the scales ``[rows, 1]``.
        """
        if values not in self._quantized_inputs:
            build = self.build
            step = self._constant("activation_step", np.float32(1 / ROW_RANGE))
            scale = build.node("Mul", [self._largest(values), step], f"{values}.scale")
            axis = self._constant("column", np.array([1], dtype=np.int64))
            column = build.node("Unsqueeze", [scale, axis], f"{values}.column")
            self._quantized_inputs[values] = (self._rounded(values, scale), column)
        return self._quantized_inputs[values]

    def _largest(self, values: str) -> str:
        """Largest absolute value of each row, ``[rows]``; never 0."""
        build = self.build
        if values in self._activated:
            # GELU has no value under its lowest point, so that no sign has to be taken off.
            sizes, floor = values, self._constant("lowest_gelu", np.float32(LOWEST_GELU))
        else:
            sizes = build.node("Abs", [values], f"{values}.abs")
            floor = self._constant("smallest", np.float32(_SMALLEST))
        largest = build.node("ReduceMax", [sizes], f"{values}.rowmax", axes=[-1], keepdims=0)
        return build.node("Clip", [largest, floor], f"{values}.largest")

    def _rounded(self, values: str, scale: str) -> str:
        """Values over their row's scale, rounded and shifted to uint8 by one operator."""
        build = self.build
        zero = self._constant("activation_zero", np.uint8(ACTIVATION_ZERO))
        rows = build.node("Shape", [scale], f"{values}.rows")
        zeros = build.node("Expand", [zero, rows], f"{values}.zeros")
        return build.node("QuantizeLinear", [values, scale, zeros], f"{values}.uint8", axis=0)

    def _gelu(self, node: Any) -> None:
        """GELU by tanh: 40% faster than by erf, and off by less than int8 rounds away."""
        self.build.fused("FastGelu", list(node.input), node.output[0])
        self._activated.add(node.output[0])

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
