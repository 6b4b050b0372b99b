"""From a fine-tuned network to a release: export, quantize, decide, measure, write.

Calibration, thresholds and the review threshold are chosen on validation, from the outputs of the
very file that is served; the test set is only measured.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from claimwire.data.corpus import Example
from claimwire.data.labels import CLAIM_LABELS, LABELS
from claimwire.model.decision import Decision, LabelOrder, calibrate, decide
from claimwire.model.export import export_onnx, write_tokenizer
from claimwire.model.manifest import ManifestDraft
from claimwire.model.quantize import OFF_THE_OLD_STEPS, quantize_onnx
from claimwire.model.release import Release, write_release
from claimwire.model.released_network import RELEASED, is_released, open_released
from claimwire.model.runtime import Runtime
from claimwire.train.calibration import (
    FittedCalibration,
    Method,
    choose_calibration,
    cross_fitted,
)
from claimwire.train.config import Config
from claimwire.train.evaluate import evaluate_decisions
from claimwire.train.fine_tune import FineTuned
from claimwire.train.metrics import Evaluation
from claimwire.train.model_card import model_card
from claimwire.train.reliability import CalibrationReport, quality_of
from claimwire.train.soup import described, opened
from claimwire.train.thresholds import (
    ReviewChoice,
    ThresholdChoice,
    choose_review_threshold,
    choose_thresholds,
    documents_of,
)


@dataclass(frozen=True, slots=True)
class Measured:
    """A release, what it is worth on each set of held-out sentences, and how it decides."""

    release: Release
    evaluations: dict[str, Evaluation]
    calibration_report: CalibrationReport


@dataclass(frozen=True, slots=True)
class _Outputs:
    """Sentences and what the network says about them: logits ``[n, 4]``, and who was cut."""

    examples: list[Example]
    logits: npt.NDArray[np.float32]
    truncated: npt.NDArray[np.bool_]

    def decide(self, draft: ManifestDraft) -> list[Decision]:
        return decide(
            calibrate(self.logits, draft.calibration),
            draft.thresholds,
            draft.review_threshold,
            self.truncated,
            self.logits if draft.label_order == "output" else None,
        )


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What validation decided; ``draft`` has it all filled in."""

    draft: ManifestDraft
    calibration: FittedCalibration
    thresholds: ThresholdChoice
    review: ReviewChoice | None


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
        examples: all splits; decisions are chosen on validation, figures are of both.
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
        outputs = _outputs(Runtime(uncalibrated), examples)
        chosen = _choose_decisions(config, draft, outputs.get("validation"))
        evaluations = {
            name: evaluate_decisions(held_out.examples, held_out.decide(chosen.draft))
            for name, held_out in outputs.items()
        }
        report = _report(draft, chosen, outputs)
        draft = chosen.draft.model_copy(update={"metrics": _metrics(evaluations, report)})
        release = write_release(
            directory,
            draft,
            model_onnx=onnx,
            tokenizer_json=tokenizer,
            model_card=model_card(_as_chosen(config, report), draft, examples, evaluations),
        )
    return Measured(release, evaluations, report)


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
    quantize_onnx(full, small, largest_weight=OFF_THE_OLD_STEPS if _began_as_int8(config) else 1.0)
    return small


def _began_as_int8(config: Config) -> bool:
    """Return whether the network is of an int8 release, trained on or averaged with others."""
    began = opened(config.soup)
    if not began and is_released(config.model.base):
        began = [open_released(config.model.base)]
    return any(release.manifest.precision == "int8" for release in began)


def _draft(config: Config, corpus_digest: str) -> ManifestDraft:
    return ManifestDraft(
        name=config.release.name,
        version=config.release.version,
        base=_base_as_told(config),
        thresholds=dict.fromkeys(CLAIM_LABELS, config.decision.threshold),
        review_threshold=config.decision.review_threshold,
        max_length=config.model.max_length,
        precision=config.release.precision,
        corpus_digest=corpus_digest,
        config_digest=config.digest(),
    )


def _base_as_told(config: Config) -> str:
    """Return the base as others can make use of it."""
    if config.soup.releases:
        return described(config.soup)
    base = config.model.base
    if is_released(base):
        return f"{RELEASED}{open_released(base).id}"
    # A directory's full path says nothing to others, and too much of this machine.
    return Path(base).name if Path(base).is_dir() else base


def _outputs(runtime: Runtime, examples: Sequence[Example]) -> dict[str, _Outputs]:
    """Run the network once over all held-out sentences; return each set's part."""
    held_out = [example for example in examples if example.split != "train"]
    logits, truncated = runtime.logits([example.text for example in held_out])
    row_of = {id(example): row for row, example in enumerate(held_out)}
    outputs = {}
    for name, members in evaluation_sets(examples).items():
        rows = [row_of[id(example)] for example in members]
        outputs[name] = _Outputs(members, logits[rows], truncated[rows])
    return outputs


def _choose_decisions(config: Config, draft: ManifestDraft, validation: _Outputs | None) -> _Chosen:
    """Choose calibration, then thresholds, then the review threshold, all on validation."""
    if validation is None:
        validation = _Outputs([], np.zeros((0, len(LABELS)), np.float32), np.zeros(0, np.bool_))
    examples = validation.examples
    calibration = choose_calibration(
        validation.logits, targets_of(examples), documents_of(examples), config.decision.calibration
    )
    draft = draft.model_copy(update={"calibration": calibration.calibration})
    probabilities = calibrate(validation.logits, calibration.calibration)
    order = config.decision.label_order
    if order == "auto":
        order = _better_order(validation, calibration.method, config.decision.threshold)
    # The manifest is validated again, with its format, when the release is written.
    draft = draft.model_copy(update={"label_order": order})
    thresholds = choose_thresholds(
        probabilities,
        examples,
        config.decision.threshold,
        ranking=validation.logits if order == "output" else None,
        tune=config.decision.thresholds == "tuned",
    )
    draft = draft.model_copy(update={"thresholds": thresholds.thresholds})
    review = None
    if config.decision.review_precision is not None and not validation.truncated.all():
        review = choose_review_threshold(
            validation.decide(draft), examples, config.decision.review_precision
        )
        draft = draft.model_copy(update={"review_threshold": review.threshold})
    return _Chosen(draft, calibration, thresholds, review)


def _better_order(validation: _Outputs, method: Method, start: float) -> LabelOrder:
    """Return the order of claims that has the higher primary macro-F1; of equals probability.

    Judged with calibrations that have not seen the sentence: one fitted to these very sentences
    would look better at ordering their claims than it is.
    """
    examples = validation.examples
    if not examples:
        return "probability"
    probabilities = cross_fitted(
        validation.logits, targets_of(examples), documents_of(examples), method
    )
    scores = [
        choose_thresholds(
            probabilities, examples, start, ranking=ranking, tune=False
        ).macro_f1_before
        for ranking in (None, validation.logits)
    ]
    return "output" if scores[1] > scores[0] else "probability"


def _report(
    start: ManifestDraft, chosen: _Chosen, outputs: dict[str, _Outputs]
) -> CalibrationReport:
    """Compare the decisions of ``start``, nothing calibrated or tuned, with the chosen ones."""
    sets = {name: outputs[name] for name in ("validation", "test") if name in outputs}
    return CalibrationReport(
        method=chosen.calibration.method,
        cv_log_loss=chosen.calibration.cv_log_loss,
        before={name: quality_of(o.examples, o.decide(start)) for name, o in sets.items()},
        after={name: quality_of(o.examples, o.decide(chosen.draft)) for name, o in sets.items()},
        thresholds=chosen.thresholds,
        review=chosen.review,
    )


def _metrics(evaluations: dict[str, Evaluation], report: CalibrationReport) -> dict[str, float]:
    metrics = report.flat()
    for name, evaluation in evaluations.items():
        metrics |= evaluation.flat(name)
    return {key: round(value, 6) for key, value in metrics.items()}


def _as_chosen(config: Config, report: CalibrationReport) -> Config:
    """Return the configuration with the method that ``auto`` came to, for the model card."""
    decision = config.decision.model_copy(update={"calibration": report.method})
    return config.model_copy(update={"decision": decision})


def targets_of(examples: Sequence[Example]) -> npt.NDArray[np.float64]:
    """Return ``[n, 4]``: 1 where the label is given, else 0, columns in the order of LABELS."""
    return np.array(
        [[float(label in example.labels) for label in LABELS] for example in examples]
    ).reshape(-1, len(LABELS))
