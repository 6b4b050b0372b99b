from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch  # noqa: TID253

from claimwire.data.corpus import default_corpus, load_examples, to_dataset_dict
from claimwire.data.labels import CLAIM_LABELS, LABELS
from claimwire.model.decision import Calibration, calibrate, decide
from claimwire.train.features import (
    make_loss,
    positive_weights,
    primary_from_logits,
    with_second_target,
)


def test_the_training_metric_follows_the_decision_rule() -> None:
    logits = np.random.default_rng(0).normal(0, 2, (500, 4))
    decisions = decide(
        calibrate(logits, {label: Calibration() for label in LABELS}),
        dict.fromkeys(CLAIM_LABELS, 0.5),
        0.5,
        np.zeros(500, dtype=np.bool_),
    )
    assert [LABELS[i] for i in primary_from_logits(logits)] == [d.label for d in decisions]


def test_loss_reads_four_targets_and_leaves_the_primary_column() -> None:
    logits = torch.tensor([[4.0, -4.0, -4.0, -4.0]])
    outputs = SimpleNamespace(logits=logits)
    loss = make_loss(0.0, None)
    right = loss(outputs, torch.tensor([[1.0, 0, 0, 0, 3.0]]))
    wrong = loss(outputs, torch.tensor([[0.0, 1, 0, 0, 3.0]]))
    assert float(right) == pytest.approx(np.log1p(np.exp(-4)), rel=1e-5)
    assert wrong > right


def test_label_smoothing_and_class_weights_change_the_loss_as_stated() -> None:
    outputs = SimpleNamespace(logits=torch.zeros(1, 4))
    labels = torch.tensor([[1.0, 0, 0, 0, 0]])
    plain = float(make_loss(0.0, None)(outputs, labels))
    weighted = float(make_loss(0.0, [3.0, 1, 1, 1])(outputs, labels))
    assert weighted == pytest.approx(plain * 6 / 4)
    sharp = SimpleNamespace(logits=torch.tensor([[9.0, -9, -9, -9]]))
    assert make_loss(0.1, None)(sharp, labels) > make_loss(0.0, None)(sharp, labels)


def test_positive_weights_grow_with_rarity() -> None:
    targets = np.zeros((100, 4))
    targets[:50, 0] = 1
    targets[:4, 1] = 1
    weights = positive_weights(targets)
    assert weights[0] == pytest.approx(1.0)
    assert weights[1] == pytest.approx(np.sqrt(96 / 4))
    assert weights[2] == pytest.approx(np.sqrt(99 / 1))  # never seen: counted as one


def test_only_a_label_that_is_not_primary_gets_the_second_target() -> None:
    train = to_dataset_dict(load_examples(default_corpus()))["train"]
    assert with_second_target(train, 1.0) is train
    lowered = with_second_target(train, 0.7)
    assert lowered.features == train.features
    two = 0
    for before, after in zip(train, lowered, strict=True):
        expected = list(before["targets"])
        for index, target in enumerate(expected):
            if target == 1 and index != before["primary"]:
                expected[index] = 0.7
                two += 1
        assert after["targets"] == pytest.approx(expected)
        assert after["text"] == before["text"]
    assert two == sum(len(row["labels"]) - 1 for row in train) > 0
