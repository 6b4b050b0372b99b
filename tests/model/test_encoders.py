from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch  # noqa: TID253

from claimwire.data.errors import EncoderError
from claimwire.data.labels import LABELS
from claimwire.model import encoders
from claimwire.model.encoders import PACKAGED_MINILM, load_encoder, packaged_directory
from claimwire.model.network import build_classifier

TEXTS = [
    "Two drones hit the depot.",
    "Nobody was hurt, the governor said, and went home.",
]


def test_the_packaged_encoder_equals_the_bert_it_comes_from() -> None:
    from transformers import AutoModel, AutoTokenizer

    source = packaged_directory()
    bert = AutoModel.from_pretrained(source, dtype=torch.float32).eval()
    encoder, tokenizer = load_encoder(PACKAGED_MINILM)
    batch = AutoTokenizer.from_pretrained(source)(TEXTS, padding=True, return_tensors="pt")
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    with torch.inference_mode():
        expected = bert(**batch).last_hidden_state
        found = encoder(**inputs).last_hidden_state
    kept = inputs["attention_mask"].bool()
    assert (expected - found)[kept].abs().max() < 1e-5
    assert list(tokenizer.model_input_names) == ["input_ids", "attention_mask"]


def test_the_packaged_tokenizer_neither_cuts_nor_pads() -> None:
    _, tokenizer = load_encoder(PACKAGED_MINILM)
    lengths = [len(ids) for ids in tokenizer(["word " * 300, "word"])["input_ids"]]
    assert lengths == [302, 3]


def test_altered_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "model"
    shutil.copytree(packaged_directory(), copy)
    weights = copy / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    monkeypatch.setattr(encoders, "packaged_directory", lambda: copy)
    with pytest.raises(EncoderError, match="sha256"):
        load_encoder(PACKAGED_MINILM)


def test_a_local_directory_is_loaded(tiny_base: Path) -> None:
    encoder, tokenizer = load_encoder(str(tiny_base))
    assert encoder.config.dim == 32
    assert tokenizer("drone")["input_ids"][0] == tokenizer.cls_token_id
    relative, _ = load_encoder(tiny_base.name, config_dir=tiny_base.parent)
    assert torch.equal(
        relative.embeddings.word_embeddings.weight, encoder.embeddings.word_embeddings.weight
    )


def test_a_foreign_architecture_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    shutil.copytree(tiny_base, foreign)
    config = json.loads((foreign / "config.json").read_text())
    (foreign / "config.json").write_text(json.dumps(config | {"model_type": "roberta"}))
    with pytest.raises(EncoderError, match="roberta"):
        load_encoder(str(foreign))


def cache_of_a_hub_model(source: Path, home: Path, name: str, revision: str) -> None:
    """Lay files out as the hub's client keeps what it downloaded."""
    root = home / "hub" / ("models--" + name.replace("/", "--"))
    snapshot = root / "snapshots" / ("a" * 40)
    shutil.copytree(source, snapshot)
    (root / "refs").mkdir()
    (root / "refs" / revision).write_text("a" * 40)


@pytest.mark.parametrize("reference", ["some/distilbert", "some/distilbert@main"])
def test_a_hub_model_is_loaded_from_the_cache(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    from huggingface_hub import constants

    cache_of_a_hub_model(tiny_base, tmp_path, "some/distilbert", "main")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("transformers.utils.hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    encoder, _ = load_encoder(reference)
    assert encoder.config.n_layers == 2


def test_a_hub_model_that_cannot_be_had_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(EncoderError, match="packaged:minilm"):
        load_encoder("distilbert/distilbert-base-uncased")


def test_an_unknown_packaged_encoder_names_the_known() -> None:
    with pytest.raises(EncoderError, match="packaged:minilm"):
        load_encoder("packaged:maxilm")


def test_the_classifier_has_our_outputs(tiny_base: Path) -> None:
    model, _ = build_classifier(str(tiny_base), dropout=0.3, classifier_dropout=0.4)
    assert list((model.config.id2label or {}).values()) == list(LABELS)
    assert model.config.problem_type == "multi_label_classification"
    assert (model.config.dropout, model.config.seq_classif_dropout) == (0.3, 0.4)
    assert model.classifier.out_features == 4
