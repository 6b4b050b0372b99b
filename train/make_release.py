"""From a fine-tuned network to a release: export, quantize, calibrate, measure, write."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from claimwire.data.corpus import Example
from claimwire.data.labels import CLAIM_LABELS, LABELS, Label
from claimwire.model.decision import Calibration, calibrate, decide
from claimwire.model.export import export_onnx, write_tokenizer
from claimwire.model.quantize import quantize_onnx
from claimwire.model.release import ManifestDraft, Release, write_release
from claimwire.model.runtime import Runtime
from claimwire.train.calibration import fit_calibration
from claimwire.train.config import Config
from claimwire.train.evaluate import evaluate_decisions
from claimwire.train.fine_tune import FineTuned
from claimwire.train.metrics import Evaluation
from claimwire.train.model_card import model_card


@dataclass(frozen=True, slots=True)
class Measured:
    """A release, and what it is worth on each set of held-out sentences."""

    release: Release
    evaluations: dict[str, Evaluation]


def make_release(
    config: Config,
    tuned: FineTuned,
    examples: Sequence[Example],
    corpus_digest: str,
    directory: Path,
) -> Measured:
    """Write the run's release and measure it through the runtime that will serve it.

    Args:
        config: the experiment.
        tuned: the network and its tokenizer.
        examples: all splits; calibration is fitted on validation, figures are of test.
        corpus_digest: digest of the labelled files.
        directory: where the release is written; must not exist.
    """
    with tempfile.TemporaryDirectory(prefix="claimwire-export-") as scratch:
        folder = Path(scratch)
        onnx = _export(config, tuned, folder)
        tokenizer = folder / "tokenizer.json"
        write_tokenizer(tuned.tokenizer, tokenizer)
        draft = _draft(config, corpus_digest)
        uncalibrated = write_release(
            folder / "uncalibrated", draft, model_onnx=onnx, tokenizer_json=tokenizer, model_card=""
        )
        runtime = Runtime(uncalibrated)
        calibration = _calibrate(config, runtime, examples)
        evaluations = {
            name: _evaluate(chosen, runtime, calibration, draft)
            for name, chosen in evaluation_sets(examples).items()
        }
        metrics = {
            key: round(value, 6)
            for name, evaluation in evaluations.items()
            for key, value in evaluation.flat(name).items()
        }
        draft = draft.model_copy(update={"calibration": calibration, "metrics": metrics})
        release = write_release(
            directory,
            draft,
            model_onnx=onnx,
            tokenizer_json=tokenizer,
            model_card=model_card(config, draft, examples, evaluations),
        )
    return Measured(release, evaluations)


def evaluation_sets(examples: Sequence[Example]) -> dict[str, list[Example]]:
    """Return the sets that a run is measured on, by metric prefix.

    ``test`` is all test sentences. Where some come from the corpus and some from ``data.extra``,
    each part also stands alone, since a mean over both answers neither question.
    """
    sets = {
        "validation": [example for example in examples if example.split == "validation"],
        "test": [example for example in examples if example.split == "test"],
    }
    for split in ("validation", "test"):
        origins = {example.origin for example in sets[split]}
        for origin in sorted(origins) if len(origins) > 1 else ():
            sets[f"{split}_{origin}"] = [e for e in sets[split] if e.origin == origin]
    return {name: chosen for name, chosen in sets.items() if chosen}


def _export(config: Config, tuned: FineTuned, folder: Path) -> Path:
    full = folder / "fp32.onnx"
    export_onnx(tuned.model.cpu().float(), full)
    if config.release.precision == "fp32":
        return full
    small = folder / "int8.onnx"
    quantize_onnx(full, small)
    return small


def _draft(config: Config, corpus_digest: str) -> ManifestDraft:
    base = Path(config.model.base)
    return ManifestDraft(
        name=config.release.name,
        version=config.release.version,
        # A directory's full path says nothing to others, and too much of this machine.
        base=base.name if base.is_dir() else config.model.base,
        thresholds=dict.fromkeys(CLAIM_LABELS, config.decision.threshold),
        review_threshold=config.decision.review_threshold,
        max_length=config.model.max_length,
        precision=config.release.precision,
        corpus_digest=corpus_digest,
        config_digest=config.digest(),
    )


def _calibrate(
    config: Config, runtime: Runtime, examples: Sequence[Example]
) -> dict[Label, Calibration]:
    validation = [example for example in examples if example.split == "validation"]
    logits, _ = runtime.logits([example.text for example in validation])
    return fit_calibration(logits, targets_of(validation), config.decision.calibration)


def targets_of(examples: Sequence[Example]) -> npt.NDArray[np.float64]:
    """Return ``[n, 4]``: 1 where the label is given, else 0, columns in the order of LABELS."""
    return np.array(
        [[float(label in example.labels) for label in LABELS] for example in examples]
    ).reshape(-1, len(LABELS))


def _evaluate(
    examples: Sequence[Example],
    runtime: Runtime,
    calibration: Mapping[Label, Calibration],
    draft: ManifestDraft,
) -> Evaluation:
    logits, truncated = runtime.logits([example.text for example in examples])
    decisions = decide(
        calibrate(logits, calibration), draft.thresholds, draft.review_threshold, truncated
    )
    return evaluate_decisions(examples, decisions)
