"""Labelled examples to what the Trainer eats: token ids, targets, loss and metric."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from claimwire.data.labels import CLAIM_LABELS, LABEL_INDEX, LABELS
from claimwire.train.config import TrainConfig
from claimwire.train.metrics import confusion_matrix, macro_f1

if TYPE_CHECKING:
    import datasets
    import torch
    from transformers import EvalPrediction, PreTrainedTokenizerBase

PRIMARY_COLUMN: Final = len(LABELS)
"""Column of ``labels`` behind the four targets: the index of the primary label.

It travels with the targets because the Trainer evaluates in an order of its own.
"""
_CLAIM_COLUMNS: Final = [LABEL_INDEX[label] for label in CLAIM_LABELS]


def tokenize(
    split: datasets.Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int
) -> datasets.Dataset:
    """Return columns ``input_ids``, ``attention_mask``, ``labels`` ([5] floats) and ``length``."""

    def encode(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        encoded = tokenizer(batch["text"], truncation=True, max_length=max_length)
        return {
            "input_ids": encoded["input_ids"],
            "attention_mask": encoded["attention_mask"],
            "labels": [
                [*targets, float(primary)]
                for targets, primary in zip(batch["targets"], batch["primary"], strict=True)
            ],
            "length": [len(ids) for ids in encoded["input_ids"]],
        }

    return split.map(encode, batched=True, remove_columns=split.column_names)


def with_second_target(split: datasets.Dataset, second_target: float) -> datasets.Dataset:
    """Return the split with ``second_target`` in the place of 1 for labels that are not primary.

    The decision puts the most probable label first, so the order of two labels is learnt only where
    their targets differ.
    """
    from datasets import Dataset

    if second_target == 1:
        return split
    targets = [
        [t if index == primary or t == 0 else second_target for index, t in enumerate(row)]
        for row, primary in zip(split["targets"], split["primary"], strict=True)
    ]
    columns = {name: split[name] for name in split.column_names}
    return Dataset.from_dict({**columns, "targets": targets}, features=split.features)


def positive_weights(targets: npt.NDArray[np.float64]) -> list[float]:
    """Return sqrt(negatives / positives) for each label from targets ``[n, 4]``.

    The square root is half way, on a log scale, to full balance, which overshoots where a label
    is one in twenty.
    """
    positives = np.maximum(targets.sum(axis=0), 1)
    weights: list[float] = np.sqrt((len(targets) - positives).clip(min=1) / positives).tolist()
    return weights


def configured_loss(config: TrainConfig, train: datasets.Dataset) -> Callable[..., Any]:
    """Return the loss of a configuration; class weights are counted on the training split."""
    weights = None
    if config.class_weights == "balanced":
        weights = positive_weights(np.array(train["targets"], dtype=np.float64))
    return make_loss(config.label_smoothing, weights)


def make_loss(label_smoothing: float, pos_weight: Sequence[float] | None) -> Callable[..., Any]:
    """Return binary cross-entropy over the four outputs, for ``Trainer(compute_loss_func=...)``.

    Args:
        label_smoothing: s of ``t * (1 - s) + s / 2``, 0 to below 1.
        pos_weight: weight of each label's positives, four values above 0, or None.
    """

    def loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        from torch.nn import functional

        logits = outputs.logits.float()  # [batch, 4]
        targets = labels[:, : len(LABELS)] * (1 - label_smoothing) + label_smoothing / 2
        weight = None if pos_weight is None else logits.new_tensor(pos_weight)
        return functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=weight)

    return loss


def primary_from_logits(logits: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the primary label's index ``[n]`` by the decision rule at threshold 0.5.

    Before calibration a probability of 0.5 is a logit of 0.
    """
    claims = logits[:, _CLAIM_COLUMNS]
    best = np.array(_CLAIM_COLUMNS)[claims.argmax(axis=1)]
    return np.where(claims.max(axis=1) >= 0, best, LABEL_INDEX[LABELS[-1]]).astype(np.int64)


def validation_metrics(prediction: EvalPrediction) -> dict[str, float]:
    """Return macro-F1 of the primary label, and each label's F1, for ``compute_metrics``."""
    labels = np.asarray(prediction.label_ids)
    gold = labels[:, PRIMARY_COLUMN].astype(np.int64)
    confusion = confusion_matrix(gold, primary_from_logits(np.asarray(prediction.predictions)))
    total = confusion.sum(axis=0) + confusion.sum(axis=1)
    f1 = 2 * confusion.diagonal() / np.maximum(total, 1)
    return {
        "primary_macro_f1": float(macro_f1(confusion)),
        **{f"f1/{label}": float(f1[index]) for index, label in enumerate(LABELS)},
    }
