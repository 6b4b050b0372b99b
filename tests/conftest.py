"""Shared fixtures: an isolated environment, a tiny encoder and a tiny release made for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimwire.data.corpus import default_corpus, load_examples


@pytest.fixture(autouse=True)
def _isolated_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hub, and no tracking server of the person who runs the tests."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in hub format: 2 layers x 32, random weights, words of the corpus."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import DistilBertConfig, DistilBertModel, PreTrainedTokenizerFast

    directory = tmp_path_factory.mktemp("tiny-base")
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    texts = [e.text for e in load_examples(default_corpus()) if e.split == "train"]
    tokenizer.train_from_iterator(
        texts, trainers.WordPieceTrainer(vocab_size=800, special_tokens=special)
    )
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(directory)
    torch.manual_seed(0)
    config = DistilBertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        dim=32,
        hidden_dim=64,
        n_layers=2,
        n_heads=2,
        max_position_embeddings=128,
    )
    DistilBertModel(config).save_pretrained(directory)
    return directory


@pytest.fixture(scope="session")
def tiny_release(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release directory, int8, made by the real export from the tiny base; an untrained head."""
    import torch

    from claimwire.data.labels import CLAIM_LABELS
    from claimwire.model.export import export_onnx, write_tokenizer
    from claimwire.model.manifest import ManifestDraft
    from claimwire.model.network import build_classifier
    from claimwire.model.quantize import quantize_onnx
    from claimwire.model.release import write_release

    folder = tmp_path_factory.mktemp("tiny-release")
    torch.manual_seed(0)
    model, tokenizer = build_classifier(str(tiny_base))
    with torch.no_grad():  # spread the random logits, so that every label comes up
        model.classifier.weight.mul_(40)
    export_onnx(model, folder / "fp32.onnx")
    quantize_onnx(folder / "fp32.onnx", folder / "int8.onnx")
    write_tokenizer(tokenizer, folder / "tokenizer.json")
    draft = ManifestDraft(
        name="tiny",
        version="0.0.1",
        created="2026-01-01T00:00:00Z",
        base="tiny",
        thresholds=dict.fromkeys(CLAIM_LABELS, 0.5),
        review_threshold=0.6,
        max_length=64,
        precision="int8",
        corpus_digest="sha256:none",
        config_digest="sha256:none",
    )
    write_release(
        folder / "release",
        draft,
        model_onnx=folder / "int8.onnx",
        tokenizer_json=folder / "tokenizer.json",
        model_card="# tiny\n",
    )
    return folder / "release"
