"""From the trained network to ONNX.

The graph is written operator by operator instead of being traced. DistilBERT is small enough for
that, and it gives what tracing does not: fused attention, the same bytes for the same weights, no
dependence on the exporter of one torch version, and a last layer that computes only the [CLS] row,
the only one that the head reads. A test holds it to the torch model.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from claimwire.data.errors import EncoderError
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
        EncoderError: the model uses an activation other than GELU.
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
    build = GraphBuilder()
    mask = build.node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    hidden = _embeddings(build, weights)
    for layer in range(config.n_layers):
        last = layer == config.n_layers - 1
        hidden = _layer(build, weights, layer, hidden, mask, heads=config.n_heads, last=last)
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


def _embeddings(build: GraphBuilder, weights: _Weights) -> str:
    """Word and position embeddings, normalised: ``[batch, length, dim]``."""
    prefix = "distilbert.embeddings"
    words = build.node(
        "Gather",
        [build.weight("words", weights[f"{prefix}.word_embeddings.weight"]), "input_ids"],
        "embedded",
    )
    shape = build.node("Shape", ["input_ids"], "length", start=1, end=2)  # [length]
    table = build.weight("positions", weights[f"{prefix}.position_embeddings.weight"])
    zero = build.weight("zero", np.array([0], dtype=np.int64))
    positions = build.node("Slice", [table, zero, shape, zero], "positions_used")  # [length, dim]
    summed = build.node("Add", [words, positions], "summed")
    return build.node(
        "LayerNormalization",
        [
            summed,
            build.weight("embeddings.norm.weight", weights[f"{prefix}.LayerNorm.weight"]),
            build.weight("embeddings.norm.bias", weights[f"{prefix}.LayerNorm.bias"]),
        ],
        "hidden",
        axis=-1,
        epsilon=LAYER_NORM_EPSILON,
    )


def _layer(
    build: GraphBuilder,
    weights: _Weights,
    layer: int,
    hidden: str,
    mask: str,
    *,
    heads: int,
    last: bool,
) -> str:
    """One transformer layer; the last one gives ``[batch, 1, dim]``, its [CLS] row alone."""
    source, name = f"distilbert.transformer.layer.{layer}", f"layer{layer}"

    def linear(values: str, part: str) -> str:
        matrix = weights[f"{source}.{part}.weight"].T  # [in, out]
        return build.node(
            "MatMul", [values, build.weight(f"{name}.{part}", matrix)], f"{name}.{part}.out"
        )

    def vector(part: str) -> str:
        return build.weight(f"{name}.{part}", weights[f"{source}.{part}"])

    query_rows = _first_row(build, hidden, f"{name}.cls") if last else hidden
    bias = np.concatenate([weights[f"{source}.attention.{x}_lin.bias"] for x in "qkv"])
    attended = build.fused(
        "MultiHeadAttention",
        [
            linear(query_rows, "attention.q_lin"),
            linear(hidden, "attention.k_lin"),
            linear(hidden, "attention.v_lin"),
            build.weight(f"{name}.attention.bias", bias),
            mask,
        ],
        f"{name}.attention",
        num_heads=heads,
    )
    after_attention = _add_and_norm(
        build,
        (linear(attended, "attention.out_lin"), vector("attention.out_lin.bias"), query_rows),
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


def _first_row(build: GraphBuilder, hidden: str, name: str) -> str:
    """``[batch, length, dim] -> [batch, 1, dim]``."""
    return build.node(
        "Slice",
        [
            hidden,
            build.weight(f"{name}.start", np.array([0], dtype=np.int64)),
            build.weight(f"{name}.end", np.array([1], dtype=np.int64)),
            build.weight(f"{name}.axis", np.array([1], dtype=np.int64)),
        ],
        name,
    )


def _head(build: GraphBuilder, weights: _Weights, hidden: str) -> str:
    """``[batch, 1, dim] -> [batch, 4]``; too small to be worth quantizing (Gemm is left alone)."""
    cls = build.node(
        "Squeeze", [hidden, build.weight("row_axis", np.array([1], dtype=np.int64))], "cls"
    )
    parts = {part: weights[part] for part in weights if part.startswith(("pre_", "classifier"))}
    for part, array in parts.items():
        build.weight(part, array)
    pooled = build.node(
        "Gemm", [cls, "pre_classifier.weight", "pre_classifier.bias"], "pooled", transB=1
    )
    active = build.node("Relu", [pooled], "pooled.active")
    return build.node("Gemm", [active, "classifier.weight", "classifier.bias"], "logits", transB=1)
