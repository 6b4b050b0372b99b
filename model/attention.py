"""Attention as operators of onnxruntime, and the shapes of a batch that it needs.

Rows ``[length * batch, dim]`` are sorted by place in the sentence: first the first token of every
sentence, then the second of every sentence, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from claimwire.model.graph import GraphBuilder

MASKED: Final = -1e9
"""Added to the attention score of padding: softmax in 32-bit floats makes 0 of it."""
INPUT_AXES: Final = {"k_lin": 2, "v_lin": 1}
"""Axis of inputs in the last layer's weights by head: ``[heads, head_dim, in]`` of keys,
``[heads, in, head_dim]`` of values."""


@dataclass(frozen=True, slots=True)
class BatchShape:
    """What all layers need to know of a batch, by the names of tensors.

    Attributes:
        batch: number of sentences, ``[1]``.
        length: tokens a sentence, padding included, ``[1]``.
        rows: shape of rows, ``[-1, dim]``.
        by_token: shape that makes ``[length, batch, dim]`` of rows.
        by_head: shape that makes ``[length, batch, heads, dim / heads]`` of rows.
        by_head_of_first: shape that makes ``[batch, heads, dim / heads]`` of the sentences' first
            rows.
        mask: added to attention scores, ``[batch, 1, length, length]``: 0, or where a token is
            padding so little that it gets no weight.
        mask_of_first: the same for scores of one query a sentence, ``[batch, 1, length]``.
        head_dim: ``dim / heads``.
        zero: the integer 0, ``[1]``.
    """

    batch: str
    length: str
    rows: str
    by_token: str
    by_head: str
    by_head_of_first: str
    mask: str
    mask_of_first: str
    head_dim: int
    zero: str


def batch_shape(build: GraphBuilder, heads: int, dim: int) -> BatchShape:
    """Add what finds out a batch's shape, and its masks."""

    def integers(name: str, *values: int) -> str:
        return build.weight(name, np.array(values, dtype=np.int64))

    batch = build.node("Shape", ["input_ids"], "batch", start=0, end=1)
    length = build.node("Shape", ["input_ids"], "length", start=1, end=2)
    rest = integers("rest", -1)
    split = integers("heads", heads, dim // heads)  # the reader of releases learns heads from it

    def joined(name: str, *parts: str) -> str:
        return build.node("Concat", list(parts), name, axis=0)

    mask_of_first, mask = _added_masks(build, batch, length)
    return BatchShape(
        batch=batch,
        length=length,
        rows=integers("rows", -1, dim),
        by_token=joined("by_token", rest, batch, integers("dim", dim)),
        by_head=joined("by_head", rest, batch, split),
        by_head_of_first=joined("by_head_of_first", rest, split),
        mask=mask,
        mask_of_first=mask_of_first,
        head_dim=dim // heads,
        zero=integers("zero", 0),
    )


def _added_masks(build: GraphBuilder, batch: str, length: str) -> tuple[str, str]:
    """Attention mask ``[batch, length]`` of 1 and 0 as summands.

    Returns:
        ``[batch, 1, length]`` and ``[batch, 1, length, length]``. The latter could do with one row
        for all queries; but it is added in every layer, and short rows are slow to broadcast.
    """
    from onnx import TensorProto

    floats = build.node("Cast", ["attention_mask"], "mask.float", to=TensorProto.FLOAT)
    one = build.weight("mask.one", np.array(1, dtype=np.float32))
    absent = build.node("Sub", [one, floats], "mask.absent")
    large = build.weight("mask.large", np.array(MASKED, dtype=np.float32))
    summands = build.node("Mul", [absent, large], "mask.summands")
    axis = build.weight("mask.axis", np.array([1], dtype=np.int64))
    of_first = build.node("Unsqueeze", [summands, axis], "mask.of_first")
    by_head = build.node("Unsqueeze", [of_first, axis], "mask.by_head")
    square = build.node("Concat", [batch, axis, length, length], "mask.shape", axis=0)
    return of_first, build.node("Expand", [by_head, square], "mask.by_query")


def attention(
    build: GraphBuilder, query: str, key: str, value: str, shape: BatchShape, name: str
) -> str:
    """Softmax attention over rows, head by head: ``[queries * batch, dim]``.

    onnxruntime's MultiHeadAttention moves the heads of all three inputs before the sentences' rows
    in memory. Where a token's rows of all sentences lie together, its products can read them where
    they are (transBatch): only the result is moved.
    """
    heads = {
        part: build.node("Reshape", [rows, shape.by_head], f"{name}.{part}")
        for part, rows in (("query", query), ("key", key), ("value", value))
    }  # [length, batch, heads, head_dim]
    scores = build.fused(
        "FusedMatMul",
        [heads["query"], heads["key"]],
        f"{name}.scores",
        alpha=shape.head_dim**-0.5,
        transBatchA=1,
        transBatchB=1,
        transB=1,
    )  # [batch, heads, queries, length]
    masked = build.node("Add", [scores, shape.mask], f"{name}.masked")
    shares = build.node("Softmax", [masked], f"{name}.shares", axis=-1)
    context = build.fused(
        "FusedMatMul", [shares, heads["value"]], f"{name}.context", transBatchB=1
    )  # [batch, heads, queries, head_dim]
    moved = build.node("Transpose", [context], f"{name}.moved", perm=[2, 0, 1, 3])
    return build.node("Reshape", [moved, shape.rows], name)


def attention_of_first(
    build: GraphBuilder,
    query: str,
    hidden: str,
    key: NDArray[np.float32],
    value: NDArray[np.float32],
    shape: BatchShape,
    name: str,
) -> str:
    """Attention of one query a sentence, ``[batch, dim]``, without computing keys and values.

    For a single query ``q`` it is less work to bring it to the tokens ``x`` than the tokens to it::

        q . (K x)          = (q K) . x         one product a sentence instead of one a token
        sum_i p_i (V x_i)  = V (sum_i p_i x_i)

    Args:
        build: takes the nodes.
        query: rows ``[batch, dim]``.
        hidden: rows ``[length * batch, dim]``.
        key: weights ``[out, in]``.
        value: weights ``[out, in]``.
        shape: the batch's.
        name: prefix of names.
    """
    dim = key.shape[0]
    split = (dim // shape.head_dim, shape.head_dim, dim)  # [heads, head_dim, in]
    queries = build.node("Reshape", [query, shape.by_head_of_first], f"{name}.query")
    tokens = build.node("Reshape", [hidden, shape.by_token], f"{name}.tokens")
    brought = build.fused(
        "FusedMatMul",
        [queries, build.weight(f"{name}.k_lin", key.reshape(split))],
        f"{name}.brought",
        alpha=shape.head_dim**-0.5,
        transBatchA=1,
    )  # [heads, batch, dim]
    scores = build.fused(
        "FusedMatMul",
        [brought, tokens],
        f"{name}.scores",
        transBatchA=1,
        transBatchB=1,
        transB=1,
    )  # [batch, heads, length]
    masked = build.node("Add", [scores, shape.mask_of_first], f"{name}.masked")
    shares = build.node("Softmax", [masked], f"{name}.shares", axis=-1)
    means = build.fused(
        "FusedMatMul", [shares, tokens], f"{name}.means", transBatchB=1
    )  # [batch, heads, dim]
    by_head = np.swapaxes(value.reshape(split), 1, 2)  # [heads, in, head_dim]
    context = build.fused(
        "FusedMatMul",
        [means, build.weight(f"{name}.v_lin", by_head)],
        f"{name}.context",
        transBatchA=1,
    )  # [heads, batch, head_dim]
    moved = build.node("Transpose", [context], f"{name}.moved", perm=[1, 0, 2])
    return build.node("Reshape", [moved, shape.rows], name)
