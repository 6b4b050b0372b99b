"""The network: DistilBERT with four sigmoid outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from claimwire.data.labels import LABELS
from claimwire.model.encoders import load_encoder
from claimwire.model.labelled_config import with_labels
from claimwire.model.released_network import is_released, open_released, released_classifier

if TYPE_CHECKING:
    import torch
    from transformers import DistilBertForSequenceClassification, PreTrainedTokenizerFast


def build_classifier(
    base: str,
    *,
    config_dir: Path | None = None,
    dropout: float | None = None,
    attention_dropout: float | None = None,
    classifier_dropout: float | None = None,
) -> tuple[DistilBertForSequenceClassification, PreTrainedTokenizerFast]:
    """Put a fresh head with four outputs, in the order of LABELS, on a base encoder.

    The head is random (seed torch before the call for a reproducible one), unless the base is a
    release, or the directory of a classifier of the same four labels, which is then trained on.
    Logits are ``[batch, 4]``; a label's probability is the sigmoid of its own logit.

    Args:
        base: the encoder, see :mod:`claimwire.model.encoders`.
        config_dir: directory that a relative ``base`` is relative to.
        dropout: of the hidden layers, 0 to 1; the base's own by default.
        attention_dropout: of the attention weights, 0 to 1; the base's own by default.
        classifier_dropout: before the last layer, 0 to 1; the base's own by default.

    Raises:
        EncoderError: see :func:`claimwire.model.encoders.load_encoder`.
    """
    from transformers import DistilBertForSequenceClassification

    encoder, tokenizer = load_encoder(base, config_dir)
    config = with_labels(encoder.config)
    if dropout is not None:
        config.dropout = dropout
    if attention_dropout is not None:
        config.attention_dropout = attention_dropout
    if classifier_dropout is not None:
        config.seq_classif_dropout = classifier_dropout
    model = DistilBertForSequenceClassification(config)
    model.distilbert.load_state_dict(encoder.state_dict())
    head = _trained_head(base, config_dir)
    if head:
        model.load_state_dict(head, strict=False)
    return model, tokenizer


def _trained_head(base: str, config_dir: Path | None) -> dict[str, torch.Tensor]:
    """Return the head's tensors where the base is a release or a classifier of the four labels.

    Nothing for any other base: an encoder has no head, and that of other labels is no use.
    """
    if is_released(base):
        return _head_of(released_classifier(open_released(base, config_dir)))
    directory = (config_dir or Path()) / Path(base).expanduser()
    if base.startswith("packaged:") or not (directory / "config.json").is_file():
        return {}
    content = json.loads((directory / "config.json").read_bytes())
    if content.get("label2id") != {label.value: index for index, label in enumerate(LABELS)}:
        return {}
    import torch
    from transformers import DistilBertForSequenceClassification

    trained = DistilBertForSequenceClassification.from_pretrained(
        str(directory), dtype=torch.float32, use_safetensors=True
    )
    return _head_of(trained)


def _head_of(model: DistilBertForSequenceClassification) -> dict[str, torch.Tensor]:
    tensors = model.state_dict()
    return {name: tensors[name] for name in tensors if not name.startswith("distilbert.")}
