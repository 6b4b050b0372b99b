"""The four labels in a DistilBERT's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claimwire.data.labels import LABELS

if TYPE_CHECKING:
    from transformers import DistilBertConfig


def with_labels(config: DistilBertConfig) -> DistilBertConfig:
    """Return a copy of a DistilBERT's config that carries the four labels."""
    from transformers import DistilBertConfig

    content = config.to_dict()
    content.update(
        id2label={index: label.value for index, label in enumerate(LABELS)},
        label2id={label.value: index for index, label in enumerate(LABELS)},
        problem_type="multi_label_classification",
        architectures=["DistilBertForSequenceClassification"],
    )
    return DistilBertConfig(**content)
