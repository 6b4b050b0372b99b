"""From the trained network to ONNX.

The graph is written operator by operator instead of being traced. DistilBERT is small enough for
that, and it gives what tracing does not: the operators that are fastest, the same bytes for the
same weights, no dependence on the exporter of one torch version, and a last layer that computes
only the [CLS] rows, the only ones that the head reads. A test holds it to the torch model.

Between input and output everything is a table of rows ``[length * batch, dim]``, in the order that
:mod:`claimwire.model.attention` wants.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from claimwire.data.errors import EncoderError
from claimwire.model.attention import BatchShape, attention, attention_of_first, batch_shape
from claimwire.model.graph import GraphBuilder, save_graph

if TYPE_CHECKING:
    from transformers import DistilBertForSequenceClassification

LAYER_NORM_EPSILON: Final = 1e-12
"""DistilBERT's, fixed in its code."""

_Weights = dict[str, NDArray[np.float32]]


def export_onnx(model: DistilBertForSequenceClassification, path: Path) -> None:
    """Write the network as ONNX, in 32-bit floats, weights inside the one file.

    Inputs ``input_ids`` and ``attention_mask``, int64 ``[batch, length]``, both dimensions free;
    output ``logits``, float32 ``[batch, 4]``. Dropout is left out, whatever mode the model is in.

    Raises:
        EncoderError: the model uses an activation other than GELU, or has weights that are NaN or
            infinite (which int8 would turn into numbers).
    """
    from onnx import TensorProto, helper

    config = model.config
    if config.activation != "gelu":
        raise EncoderError(
            f"config.activation: expected 'gelu', found {config.activation!r}: "
            "export supports DistilBERT's standard activation only"
        )
    weights = {
        name: tensor.detach().cpu().float().numpy() for name, tensor in model.state_dict().items()
    }
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise EncoderError(
                f"{name}: expected finite weights, found NaN or infinity: training went wrong; "
                "train again, such as at a lower learning rate"
            )
    build = GraphBuilder()
    shape = batch_shape(build, config.n_heads, config.dim)
    hidden = _embeddings(build, weights, shape)
    for layer in range(config.n_layers):
        last = layer == config.n_layers - 1
        hidden = _layer(build, weights, layer, hidden, shape, last=last)
    _head(build, weights, hidden)
    save_graph(
        build.nodes,
        build.initializers,
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", config.num_labels])],
        path,
    )


def write_tokenizer(tokenizer: Any, path: Path) -> None:
    """Write a transformers tokenizer as a release's tokenizer.json, without padding or cutting."""
    from tokenizers import Tokenizer

    copy: Any = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    copy.no_truncation()
    copy.no_padding()
    path.write_text(copy.to_str(), encoding="utf-8", newline="\n")


def _embeddings(build: GraphBuilder, weights: _Weights, shape: BatchShape) -> str:
    """Word and position embeddings, normalised: rows ``[length * batch, dim]``."""
    prefix = "distilbert.embeddings"
    words = build.node(
        "Gather",
        [
            build.weight("words", weights[f"{prefix}.word_embeddings.weight"]),
            build.node("Transpose", ["input_ids"], "ids", perm=[1, 0]),  # [length, batch]
        ],
        "embedded",
    )
    table = build.weight("positions", weights[f"{prefix}.position_embeddings.weight"])
    positions = build.node("Slice", [table, shape.zero, shape.length, shape.zero], "positions_used")
    axis = build.weight("batch_axis", np.array([1], dtype=np.int64))
    placed = build.node("Unsqueeze", [positions, axis], "placed")  # [length, 1, dim]
    summed = build.node("Add", [words, placed], "summed")
    normalised = build.node(
        "LayerNormalization",
        [
            summed,
            build.weight("embeddings.norm.weight", weights[f"{prefix}.LayerNorm.weight"]),
            build.weight("embeddings.norm.bias", weights[f"{prefix}.LayerNorm.bias"]),
        ],
        "normalised",
        axis=-1,
        epsilon=LAYER_NORM_EPSILON,
    )
    return build.node("Reshape", [normalised, shape.rows], "hidden")


def _layer(
    build: GraphBuilder,
    weights: _Weights,
    layer: int,
    hidden: str,
    shape: BatchShape,
    *,
    last: bool,
) -> str:
    """One transformer layer over rows; the last one gives ``[batch, dim]``, its [CLS] rows."""
    source, name = f"distilbert.transformer.layer.{layer}", f"layer{layer}"

    def linear(values: str, part: str) -> str:
        matrix = weights[f"{source}.{part}.weight"].T  # [in, out]
        return build.node(
            "MatMul", [values, build.weight(f"{name}.{part}", matrix)], f"{name}.{part}.out"
        )

    def vector(part: str) -> str:
        return build.weight(f"{name}.{part}", weights[f"{source}.{part}"])

    query_rows = _first_rows(build, hidden, shape, f"{name}.cls") if last else hidden
    query = build.node(
        "Add",
        [linear(query_rows, "attention.q_lin"), vector("attention.q_lin.bias")],
        f"{name}.query",
    )
    if last:
        attended = attention_of_first(
            build,
            query,
            hidden,
            weights[f"{source}.attention.k_lin.weight"],
            weights[f"{source}.attention.v_lin.weight"],
            shape,
            f"{name}.attention",
        )
    else:
        key, value = linear(hidden, "attention.k_lin"), linear(hidden, "attention.v_lin")
        attended = attention(build, query, key, value, shape, f"{name}.attention")
    # A key's bias adds the same to all scores of a query, which softmax does not see. A value's
    # bias comes through whole, since attention weights sum to 1: it is added to the output's.
    bias = build.weight(
        f"{name}.attention.out_lin.bias", _output_bias(weights, f"{source}.attention")
    )
    after_attention = _add_and_norm(
        build,
        (linear(attended, "attention.out_lin"), bias, query_rows),
        (vector("sa_layer_norm.weight"), vector("sa_layer_norm.bias")),
        f"{name}.attention.normalised",
    )
    activated = build.fused(
        "BiasGelu",
        [linear(after_attention, "ffn.lin1"), vector("ffn.lin1.bias")],
        f"{name}.activated",
    )
    return _add_and_norm(
        build,
        (linear(activated, "ffn.lin2"), vector("ffn.lin2.bias"), after_attention),
        (vector("output_layer_norm.weight"), vector("output_layer_norm.bias")),
        f"{name}.normalised",
    )


def _output_bias(weights: _Weights, attention: str) -> NDArray[np.float32]:
    """Attention's output bias, with what the values' bias comes to behind the output's weights."""
    matrix, bias, values = (
        weights[f"{attention}.{part}"].astype(np.float64)
        for part in ("out_lin.weight", "out_lin.bias", "v_lin.bias")
    )  # in 64 bits, so that 32 of them are the same whatever library multiplies
    return (bias + matrix @ values).astype(np.float32)


def _add_and_norm(
    build: GraphBuilder, summands: tuple[str, str, str], norm: tuple[str, str], name: str
) -> str:
    """Values, bias and residual summed, then normalised over the last axis.

    onnxruntime's fused SkipLayerNormalization does the same and took five times as long as the
    three plain operators (1.32 with AVX-512: 550 against 115 microseconds a sentence).
    """
    values, bias, residual = summands
    biased = build.node("Add", [values, bias], f"{name}.biased")
    summed = build.node("Add", [biased, residual], f"{name}.summed")
    return build.node(
        "LayerNormalization", [summed, *norm], name, axis=-1, epsilon=LAYER_NORM_EPSILON
    )


def _first_rows(build: GraphBuilder, hidden: str, shape: BatchShape, name: str) -> str:
    """The rows of the sentences' first tokens, ``[batch, dim]``."""
    return build.node("Slice", [hidden, shape.zero, shape.batch, shape.zero], name)


def _head(build: GraphBuilder, weights: _Weights, cls: str) -> str:
    """``[batch, dim] -> [batch, 4]``; too small to be worth quantizing (Gemm is left alone)."""
    parts = {part: weights[part] for part in weights if part.startswith(("pre_", "classifier"))}
    for part, array in parts.items():
        build.weight(part, array)
    pooled = build.node(
        "Gemm", [cls, "pre_classifier.weight", "pre_classifier.bias"], "pooled", transB=1
    )
    active = build.node("Relu", [pooled], "pooled.active")
    return build.node("Gemm", [active, "classifier.weight", "classifier.bias"], "logits", transB=1)
