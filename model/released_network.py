"""``released:REFERENCE``: a release's own network, to be trained on.

A release holds an ONNX graph that :mod:`claimwire.model.export` wrote, so its weights can be read
back under the names that they were written with. Those of int8 releases come back as what they
stand for, ``int8 value * scale``; quantizing them again gives the same integers and scales.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from claimwire.data.errors import EncoderError
from claimwire.model.attention import INPUT_AXES
from claimwire.model.labelled_config import with_labels
from claimwire.model.references import resolve_release
from claimwire.model.release import Release, load_release

if TYPE_CHECKING:
    from transformers import DistilBertForSequenceClassification

RELEASED: Final = "released:"
"""Begins a ``model.base`` that is a release; a reference as after ``--model`` follows."""

_Weights = dict[str, NDArray[np.float32]]
_HEAD: Final = ("pre_classifier", "classifier")


def is_released(base: str) -> bool:
    """Return whether a ``model.base`` names a release."""
    return base.startswith(RELEASED)


def open_released(base: str, config_dir: Path | None = None) -> Release:
    """Return the release that a ``model.base`` names, its files verified.

    Args:
        base: ``released:small``, ``released:base``, ``released:DIRECTORY`` or
            ``released:models:/NAME@ALIAS``.
        config_dir: directory that a relative directory is relative to.

    Raises:
        ReleaseError: there is none, or it is damaged.
        TrackingError: the registry cannot be reached, or knows no such model.
    """
    reference = base.removeprefix(RELEASED)
    beside = (config_dir or Path()) / Path(reference).expanduser()
    return load_release(beside if beside.is_dir() else resolve_release(reference))


def released_classifier(release: Release) -> DistilBertForSequenceClassification:
    """Build the torch network of a release, in 32-bit floats and in evaluation mode.

    Its logits are those of the release, but for what int8 activations round away, and GELU by tanh
    instead of by erf in int8 graphs.

    Raises:
        EncoderError: the graph is not one that this version's export writes.
    """
    import onnx
    import torch
    from transformers import DistilBertForSequenceClassification

    graph = onnx.load(release.layout.model).graph
    try:
        weights = _read_weights(graph)
        tensors, layers = _named_as_torch(weights)
        model = DistilBertForSequenceClassification(_config(graph, weights, layers))
        # The default, a random network, must not shine through: every tensor has to be there.
        model.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    except (IndexError, KeyError, StopIteration, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise EncoderError(
            f"{RELEASED}{release.id}: expected a network as `claimwire train` writes it, found "
            f"another graph ({reason}): name a release that this version made"
        ) from error
    model.eval()
    return model


def _read_weights(graph: Any) -> _Weights:
    """Return the graph's constants by name, quantized ones as floats."""
    from onnx import numpy_helper

    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights: _Weights = {}
    for name, array in arrays.items():
        if name.endswith(".int8"):
            whole = name.removesuffix(".int8")
            weights[whole] = array.astype(np.float32) * arrays[f"{whole}.scale"]
        elif array.dtype == np.float32:
            weights[name] = array
    return weights


def _named_as_torch(weights: _Weights) -> tuple[_Weights, int]:
    """Return the weights under the names of the torch network, and how many layers there are."""
    embeddings = "distilbert.embeddings"
    tensors = {
        f"{embeddings}.word_embeddings.weight": weights["words"],
        f"{embeddings}.position_embeddings.weight": weights["positions"],
        f"{embeddings}.LayerNorm.weight": weights["embeddings.norm.weight"],
        f"{embeddings}.LayerNorm.bias": weights["embeddings.norm.bias"],
    }
    layer = 0
    while f"layer{layer}.ffn.lin1" in weights:
        source, target = f"layer{layer}", f"distilbert.transformer.layer.{layer}"
        biases = _attention_biases(weights, source)
        for part, bias in zip(("q_lin", "k_lin", "v_lin"), biases, strict=True):
            matrix = _linear(weights[f"{source}.attention.{part}"], part)
            tensors[f"{target}.attention.{part}.weight"] = matrix
            tensors[f"{target}.attention.{part}.bias"] = bias
        for part in ("attention.out_lin", "ffn.lin1", "ffn.lin2"):
            tensors[f"{target}.{part}.weight"] = weights[f"{source}.{part}"].T
            tensors[f"{target}.{part}.bias"] = weights[f"{source}.{part}.bias"]
        for norm in ("sa_layer_norm", "output_layer_norm"):
            for part in ("weight", "bias"):
                tensors[f"{target}.{norm}.{part}"] = weights[f"{source}.{norm}.{part}"]
        layer += 1
    for part in _HEAD:
        for kind in ("weight", "bias"):
            tensors[f"{part}.{kind}"] = weights[f"{part}.{kind}"]
    # Copies, since constants read from a file cannot be written to.
    return {name: np.array(array, dtype=np.float32) for name, array in tensors.items()}, layer


def _linear(matrix: NDArray[np.float32], part: str) -> NDArray[np.float32]:
    """Return weights ``[out, in]`` of ``[in, out]``, or of those that export split by heads."""
    if matrix.ndim == 2:
        return matrix.T
    by_head = np.swapaxes(matrix, INPUT_AXES[part], 2)  # [heads, head_dim, in]
    return by_head.reshape(-1, by_head.shape[2])


def _attention_biases(weights: _Weights, layer: str) -> list[NDArray[np.float32]]:
    """Return the biases of queries, keys and values.

    Export leaves out the keys' and adds the values' to the output's, which comes to the same.
    Graphs made before it did (as claimwire-base 0.4.1's) have all three in one.
    """
    if f"{layer}.attention.bias" in weights:
        return np.split(weights[f"{layer}.attention.bias"], 3)
    query = weights[f"{layer}.attention.q_lin.bias"]
    return [query, np.zeros_like(query), np.zeros_like(query)]


def _heads(graph: Any) -> int:
    """Return the number of attention heads."""
    from onnx import numpy_helper

    for tensor in graph.initializer:
        if tensor.name == "heads":
            return int(numpy_helper.to_array(tensor)[0])
    attention = next(node for node in graph.node if node.op_type == "MultiHeadAttention")
    return int(next(each.i for each in attention.attribute if each.name == "num_heads"))


def _config(graph: Any, weights: _Weights, layers: int) -> Any:
    from transformers import DistilBertConfig

    vocabulary, dim = weights["words"].shape
    return with_labels(
        DistilBertConfig(
            vocab_size=vocabulary,
            max_position_embeddings=weights["positions"].shape[0],
            n_layers=layers,
            n_heads=_heads(graph),
            dim=dim,
            hidden_dim=weights["layer0.ffn.lin1"].shape[1],
        )
    )
