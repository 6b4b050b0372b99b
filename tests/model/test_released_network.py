from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx  # noqa: TID253
import pytest
import torch  # noqa: TID253
from onnx import helper, numpy_helper  # noqa: TID253

from claimwire.data.corpus import load_examples
from claimwire.data.errors import EncoderError, ReleaseError
from claimwire.model.encoders import load_encoder
from claimwire.model.export import export_onnx
from claimwire.model.graph import CONTRIB
from claimwire.model.manifest import ManifestDraft
from claimwire.model.network import build_classifier
from claimwire.model.quantize import OFF_THE_OLD_STEPS, WEIGHT_RANGE, quantize_onnx
from claimwire.model.release import default_release, load_release, write_release
from claimwire.model.released_network import open_released, released_classifier
from claimwire.model.runtime import Runtime

from .network_support import lively_network


def constants(path: Path) -> dict[str, np.ndarray]:
    return {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}


def with_network(release: Path, network: Path, target: Path) -> Path:
    """Write a release like another one with a network of its own."""
    manifest = load_release(release).manifest
    write_release(
        target,
        ManifestDraft.model_validate(manifest.model_dump(exclude={"files"})),
        model_onnx=network,
        tokenizer_json=release / "tokenizer.json",
        model_card="# card\n",
    )
    return target


def torch_logits(base: str, texts: list[str]) -> np.ndarray:
    model, tokenizer = build_classifier(base)
    batch = tokenizer(texts, return_tensors="pt", padding=True)
    with torch.inference_mode():
        found: np.ndarray = model.eval()(**batch).logits.numpy()
    return found


def test_the_network_of_the_shipped_release_says_what_the_release_says() -> None:
    texts = [each.text for each in load_examples() if each.split == "validation"][:60]
    expected, _ = Runtime(load_release(default_release())).logits(texts)
    found = torch_logits("released:small", texts)
    # Activations of the release have 8 bits, those here 32.
    assert np.abs(found - expected).mean() < 0.1
    assert (found.argmax(1) == expected.argmax(1)).mean() >= 0.95


def test_a_32_bit_release_comes_back_as_it_was(
    tiny_release: Path, tiny_base: Path, tmp_path: Path
) -> None:
    texts = ["A drone hit the port.", "Both drones were shot down over the sea."]
    torch.manual_seed(2)
    model = lively_network(tiny_base)
    export_onnx(model, tmp_path / "model.onnx")
    released = with_network(tiny_release, tmp_path / "model.onnx", tmp_path / "release")
    expected, _ = Runtime(load_release(released)).logits(texts)
    assert torch_logits(f"released:{released}", texts) == pytest.approx(expected, abs=1e-5)
    found, _ = build_classifier(f"released:{released}")
    tensors = found.state_dict()
    # Biases of keys say nothing, and those of values came into the output's.
    moved = ("k_lin.bias", "v_lin.bias", "out_lin.bias")
    assert all(
        torch.equal(tensors[name], tensor)
        for name, tensor in model.state_dict().items()
        if not name.endswith(moved)
    )
    export_onnx(found, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "model.onnx").read_bytes()


def test_a_graph_of_older_releases_is_read(
    tiny_release: Path, tiny_base: Path, tmp_path: Path
) -> None:
    """Such as claimwire-base 0.4.1: MultiHeadAttention, the biases of its three inputs in one."""
    torch.manual_seed(2)
    network = lively_network(tiny_base, n_heads=4)
    expected = network.state_dict()
    export_onnx(network, tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    as_before(model.graph, {name: tensor.numpy() for name, tensor in expected.items()})
    onnx.save(model, tmp_path / "old.onnx")
    release = with_network(tiny_release, tmp_path / "old.onnx", tmp_path / "release")
    found = released_classifier(load_release(release))
    assert all(torch.equal(found.state_dict()[name], each) for name, each in expected.items())
    assert found.config.n_heads == 4


def as_before(graph: Any, weights: dict[str, np.ndarray]) -> None:
    """Put a network's weights into a graph in the way that export wrote them until 0.5.0."""
    written = {
        name.replace("distilbert.transformer.layer.", "layer").removesuffix(".weight"): array.T
        for name, array in weights.items()
        if ".layer." in name and array.ndim == 2
    }
    for layer in range(2):
        source = f"distilbert.transformer.layer.{layer}"
        biases = [weights[f"{source}.attention.{part}_lin.bias"] for part in "qkv"]
        written[f"layer{layer}.attention.bias"] = np.concatenate(biases)
        for part in ("attention.out_lin.bias", "ffn.lin1.bias", "ffn.lin2.bias"):
            written[f"layer{layer}.{part}"] = weights[f"{source}.{part}"]
        for norm in ("sa_layer_norm", "output_layer_norm"):
            for part in ("weight", "bias"):
                written[f"layer{layer}.{norm}.{part}"] = weights[f"{source}.{norm}.{part}"]
    others = {
        "words": "distilbert.embeddings.word_embeddings.weight",
        "positions": "distilbert.embeddings.position_embeddings.weight",
        "embeddings.norm.weight": "distilbert.embeddings.LayerNorm.weight",
        "embeddings.norm.bias": "distilbert.embeddings.LayerNorm.bias",
    }
    written |= {name: weights[source] for name, source in others.items()}
    written |= {name: array for name, array in weights.items() if "classifier" in name}
    del graph.initializer[:]
    graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(array), name)
        for name, array in written.items()
    )
    graph.node.append(
        helper.make_node("MultiHeadAttention", ["query"], ["attended"], domain=CONTRIB, num_heads=4)
    )


@pytest.mark.parametrize("network", ["shipped", "random"])
def test_quantized_again_the_weights_are_the_same_integers(
    network: str, tiny_release: Path, tiny_base: Path, tmp_path: Path
) -> None:
    if network == "shipped":
        release = load_release(default_release())
    else:
        torch.manual_seed(2)
        export_onnx(lively_network(tiny_base), tmp_path / "full.onnx")
        quantize_onnx(tmp_path / "full.onnx", tmp_path / "small.onnx")
        made = with_network(tiny_release, tmp_path / "small.onnx", tmp_path / "release")
        release = load_release(made)
    export_onnx(released_classifier(release), tmp_path / "fp32.onnx")
    quantize_onnx(tmp_path / "fp32.onnx", tmp_path / "int8.onnx")
    before, after = constants(release.layout.model), constants(tmp_path / "int8.onnx")
    assert before.keys() == after.keys()
    for name, array in before.items():
        if array.dtype == np.int8:
            assert np.array_equal(array, after[name]), name
        else:
            assert after[name] == pytest.approx(array, rel=1e-6), name


def test_off_the_old_steps_small_changes_of_a_release_survive(tmp_path: Path) -> None:
    model: Any = released_classifier(load_release(default_release()))
    weight = model.distilbert.transformer.layer[0].ffn.lin1.weight  # [out, in]
    before = weight.detach().clone()
    step = before.abs().amax(dim=1, keepdim=True) / WEIGHT_RANGE
    torch.manual_seed(3)
    change = 0.3 * step * torch.sign(torch.randn_like(before))
    with torch.no_grad():
        weight += change
    export_onnx(model, tmp_path / "fp32.onnx")

    def kept(largest_weight: float) -> float:
        quantize_onnx(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", largest_weight=largest_weight)
        found = constants(tmp_path / "int8.onnx")
        read = found["layer0.ffn.lin1.int8"] * found["layer0.ffn.lin1.scale"]  # [in, out]
        moved = torch.from_numpy(read).T - before
        return float((moved * change).sum() / (change * change).sum())

    assert kept(OFF_THE_OLD_STEPS) > 0.85
    assert kept(1) < 0.5


def test_dropout_is_the_callers_and_the_encoder_alone_can_be_had(tiny_release: Path) -> None:
    base = f"released:{tiny_release}"
    model, _ = build_classifier(base, dropout=0.3, classifier_dropout=0.4)
    assert (model.config.dropout, model.config.seq_classif_dropout) == (0.3, 0.4)
    encoder, _ = load_encoder(base)
    tensors = encoder.state_dict()
    assert all(torch.equal(tensors[name], t) for name, t in model.distilbert.state_dict().items())


def test_a_directory_is_found_beside_the_configuration(tiny_release: Path) -> None:
    found = open_released(f"released:{tiny_release.name}", tiny_release.parent)
    assert found.directory == tiny_release


def test_another_graph_is_refused(tiny_release: Path, tmp_path: Path) -> None:
    model = onnx.load(tiny_release / "model.onnx")
    for tensor in model.graph.initializer:
        tensor.name = tensor.name.replace("layer0.", "block0.")
    for node in model.graph.node:
        node.input[:] = [name.replace("layer0.", "block0.") for name in node.input]
    onnx.save(model, tmp_path / "model.onnx")
    released = with_network(tiny_release, tmp_path / "model.onnx", tmp_path / "release")
    with pytest.raises(EncoderError, match="expected a network as `claimwire train` writes it"):
        build_classifier(f"released:{released}")


def test_a_damaged_release_or_none_is_refused(tiny_release: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_release, copy)
    content = bytearray((copy / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "model.onnx").write_bytes(content)
    with pytest.raises(ReleaseError, match="sha256"):
        build_classifier(f"released:{copy}")
    with pytest.raises(ReleaseError, match="expected a release directory"):
        build_classifier("released:nowhere")
