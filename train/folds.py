"""Folds of whole documents, and the roles that they take in turn.

In round i, fold i is held out and only measured; the fold after it chooses the best epoch, the
calibration and the thresholds; the others are trained on. So no figure is of sentences that
anything was chosen on. The test split takes no part.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console

from claimwire.data.corpus import Example
from claimwire.data.errors import ConfigError, MissingExtraError
from claimwire.data.labels import LABELS
from claimwire.train import tracking
from claimwire.train.config import Config
from claimwire.train.labelled_data import LabelledData
from claimwire.train.make_release import make_release
from claimwire.train.pipeline import fine_tune_logged
from claimwire.train.repeat_summary import Metrics, flat_metrics
from claimwire.train.run_state import RunFolder
from claimwire.train.suspects import document_numbers, primary_labels


def fold_examples(examples: Sequence[Example], folds: int, seed: int) -> list[list[Example]]:
    """Part the sentences of train and validation into folds, labels spread as evenly as can be.

    Args:
        examples: of all splits; those of ``test`` are left out.
        folds: how many, 2 or more.
        seed: another gives other folds.

    Raises:
        ConfigError: fewer documents than folds, or a fold without sentences of some label.
        MissingExtraError: the extra [train] is not installed.
    """
    try:
        from sklearn.model_selection import StratifiedGroupKFold
    except ImportError as error:
        raise MissingExtraError("train", "cross-validation") from error
    usable = [example for example in examples if example.split != "test"]
    groups = document_numbers(usable)
    _require_documents(groups, folds)
    given = primary_labels(usable)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    parts = []
    with warnings.catch_warnings():
        # Of a label with fewer sentences than folds; what matters is checked below.
        warnings.filterwarnings("ignore", message="The least populated class")
        try:
            rows = [held_out for _, held_out in splitter.split(given, given, groups)]
        except ValueError as error:  # no label has as many sentences as there are folds
            raise ConfigError(
                f"train.folds: expected enough sentences of each label for {folds} folds, found "
                f"{len(usable)} sentences: lower train.folds or label more ({error})"
            ) from None
    for number, held_out in enumerate(rows, start=1):
        _require_labels(given[held_out], number, folds)
        parts.append([usable[row] for row in held_out])
    return parts


def with_roles(parts: Sequence[Sequence[Example]], number: int) -> list[Example]:
    """Return all sentences with the split that they are in while fold ``number`` is held out.

    Args:
        parts: the folds, 3 or more.
        number: 0 to folds - 1. That fold becomes ``test``, the next one ``validation``.
    """
    chooser = (number + 1) % len(parts)
    return [
        replace(
            example,
            split="test" if part == number else "validation" if part == chooser else "train",
        )
        for part, members in enumerate(parts)
        for example in members
    ]


def measure_fold(
    config: Config, data: LabelledData, folder: RunFolder, console: Console
) -> Metrics:
    """Train without a fold and measure, on it, the release that would be served.

    Args:
        config: the experiment.
        data: the sentences, in their roles (:func:`with_roles`).
        folder: of the run; gets the checkpoints.
        console: shows the progress.

    Returns:
        Figures under ``validation`` and ``held_out``, which the active MLflow run gets too.
    """
    import mlflow

    tracking.log_configuration(config)
    tuned = fine_tune_logged(config, data, folder, console)
    with (
        tempfile.TemporaryDirectory(prefix="claimwire-fold-") as scratch,
        console.status("measuring the fold held out"),
    ):
        measured = make_release(
            config, tuned, data.examples, data.digest, Path(scratch) / "release"
        )
    named = {
        # The fold is no test set, and must not be taken for the one there is.
        name.replace("test", "held_out", 1) if name.startswith("test") else name: evaluation
        for name, evaluation in measured.evaluations.items()
    }
    metrics = flat_metrics(named)
    mlflow.log_metrics(metrics, step=tuned.steps + 1)
    return metrics


def _require_documents(groups: npt.NDArray[np.int64], folds: int) -> None:
    documents = len(set(groups.tolist()))
    if documents < folds:
        raise ConfigError(
            f"train.folds: expected at least {folds} documents in train and validation, one or "
            f"more a fold, found {documents}: lower train.folds or label more documents"
        )


def _require_labels(given: npt.NDArray[np.int64], number: int, folds: int) -> None:
    """Refuse a fold in which a label's F1 would be 0 whatever the network does."""
    missing = [str(label) for index, label in enumerate(LABELS) if index not in given]
    if missing:
        raise ConfigError(
            f"train.folds: expected every label in each of {folds} folds, found no "
            f"{', '.join(missing)} in fold {number}: lower train.folds, try another train.seed, "
            "or label more documents with it"
        )
