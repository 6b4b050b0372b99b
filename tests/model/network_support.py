"""Networks for the tests of export, quantization and reading back."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def lively_network(tiny_base: Path, **shape: int) -> Any:
    """Return a random network whose attention and biases count for what comes out.

    A new network's attention is near uniform and its biases are zero: whatever goes wrong there
    would not be seen.

    Args:
        tiny_base: a directory in hub format, for its config.
        shape: other numbers of layers and heads.
    """
    import torch
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    from claimwire.model.labelled_config import with_labels

    config = DistilBertConfig.from_pretrained(tiny_base)
    config.update({"initializer_range": 0.1, **shape})
    model = DistilBertForSequenceClassification(with_labels(config))
    with torch.no_grad():
        add_to_biases(model, 0.1)
        model.pre_classifier.weight.mul_(2)
        model.classifier.weight.mul_(10)
    return model.eval()


def add_to_biases(model: Any, spread: float) -> None:
    """Add random numbers with this standard deviation to all biases of the encoder."""
    import torch

    with torch.no_grad():
        for name, tensor in model.distilbert.named_parameters():
            if name.endswith(".bias"):
                tensor.add_(spread * torch.randn_like(tensor))
