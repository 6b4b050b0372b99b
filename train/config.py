"""The training configuration: typed, with a unit and a range for every field.

A configuration is one YAML file; ``key=value`` overrides change single fields by their dotted
name (``train.epochs=3``). Relative paths are relative to the file, and those in overrides to
the current directory. Unknown keys are refused with the nearest known name.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

_NOT_IN_DIGEST = (
    ("train", "resume"),
    ("data", "corpus"),
    ("data", "extra"),
    ("data", "extra_missing"),
    ("distillation", "soft_labels"),
)
DISTILBERT_LAYERS = (0, 2, 4, 7, 9, 11)
"""Those of BERT that DistilBERT began with (Sanh et al. 2019, the authors' released code)."""
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
OpenFraction = Annotated[float, Field(ge=0.0, lt=1.0)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


def _one_or_several(value: object) -> object:
    if value is None:
        return ()
    return (value,) if isinstance(value, str | Path) else value


Files = Annotated[tuple[Path, ...], BeforeValidator(_one_or_several)]
"""A list of paths; one may stand without a list, and null is none."""


class _Section(BaseModel):
    """A part of the configuration: fixed once loaded, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @field_validator("*", mode="before")
    @classmethod
    def _truth_is_no_number(cls, value: object, info: ValidationInfo) -> object:
        field = cls.model_fields[str(info.field_name)]
        if isinstance(value, bool) and "bool" not in str(field.annotation):
            raise ValueError(f"expected another kind of value, found {str(value).lower()}")
        return value


class DataConfig(_Section):
    """Which labelled sentences are used."""

    corpus: Path | None = None
    """Folder with train/, validation/ and test/ of documents. Unset: the corpus of the package."""
    extra: Files = ()
    """Files of labelled records from elsewhere. A record's ``split`` says where it goes; one
    without a split is trained on. Their digest is recorded with the run."""
    extra_missing: Literal["error", "skip"] = "error"
    """What a file of ``extra`` that does not exist is: an error, or left out, which the run says
    and records."""
    use_corpus: bool = True
    """False trains and evaluates on ``extra`` alone."""
    swap_parties: bool = False
    """True: each training sentence that names a party of a known conflict is trained on a second
    time with the opponents exchanged, so that who does something does not decide what is said."""
    max_train_sentences: Annotated[int, Field(ge=1)] | None = None
    """Sentences, 1 or more: train on a random part only, for learning curves and quick trials."""


class ModelConfig(_Section):
    """The network."""

    base: str = "packaged:minilm"
    """Base encoder: ``packaged:claimwire``, ``packaged:minilm``, a directory in hub format, or a
    hub name (``NAME`` or ``NAME@REVISION``). Or a release that is trained on, its head with it:
    ``released:small``, ``released:base``, ``released:DIRECTORY``,
    ``released:models:/NAME@ALIAS``."""
    max_length: Annotated[int, Field(ge=8, le=512)] = 128
    """Tokens, 8 to 512: longer sentences are cut and flagged as truncated."""
    dropout: OpenFraction = 0.1
    """Share of encoder units dropped in training, 0 to below 1."""
    classifier_dropout: OpenFraction = 0.2
    """Share of units dropped before the four outputs, 0 to below 1."""
    frozen_layers: Annotated[int, Field(ge=0)] | None = None
    """Unset: every weight is trained. A number: the embeddings and that many of the lowest layers
    stay as the base has them, which saves time and memory."""


class TrainConfig(_Section):
    """How the network is fine-tuned."""

    seed: Seed = 13
    """Seed of weights, order and dropout, 0 to 2**32 - 1."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] | None = None
    """Unset: one run with ``seed``. A list: one run a seed, under a run that has mean, standard
    deviation, minimum and maximum; the best by validation is registered. ``claimwire train``."""
    folds: Annotated[int, Field(ge=3)] | None = None
    """Cross-validation in that many folds, 3 or more, of whole documents of train and validation;
    the test set is left alone and nothing is registered. ``claimwire train``."""
    epochs: Annotated[float, Field(gt=0, le=1000)] = 6.0
    """Passes over the training sentences, above 0."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 32
    """Sentences an optimizer step and device, 1 to 4096."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-4
    """Peak rate of AdamW, above 0."""
    weight_decay: Fraction = 0.01
    """AdamW's decoupled weight decay, 0 to 1."""
    warmup: OpenFraction = 0.1
    """Share of the steps in which the rate rises to its peak, 0 to below 1."""
    scheduler: Literal["linear", "cosine", "constant_with_warmup"] = "linear"
    """How the rate falls after its peak."""
    label_smoothing: OpenFraction = 0.0
    """Targets become ``t * (1 - s) + s / 2``, 0 to below 1."""
    second_target: Annotated[float, Field(gt=0.5, le=1)] = 1.0
    """Target of a label that is not the sentence's primary one, above 0.5 to 1: below 1 teaches
    which of two labels comes first."""
    class_weights: Literal["none", "balanced"] = "none"
    """``balanced`` weighs each label's positives by sqrt(negatives / positives)."""
    patience: Annotated[int, Field(ge=1)] = 3
    """Evaluations (one an epoch) without a better validation macro-F1 before training stops."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """``auto`` takes bf16 where the processor multiplies it natively (AMX, AVX512-BF16, CUDA)."""
    threads: Annotated[int, Field(ge=1)] | None = None
    """CPU threads for torch. Unset: all that this process may use."""
    resume: bool = False
    """Go on with the last interrupted run of this same configuration, in the same MLflow run."""


class SoupConfig(_Section):
    """A model soup: releases that are averaged in place of training."""

    releases: tuple[str, ...] = ()
    """Two or more releases of one architecture and one ancestor, as after ``--model``. Where they
    are named nothing is trained: the release is the mean of their weights, with decisions chosen on
    this configuration's validation split."""
    weights: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    """How much each counts, above 0; the sum does not matter. Unset: all the same."""

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if len(self.releases) == 1:
            raise ValueError(f"expected two releases or more, found only {self.releases[0]}")
        if self.weights is not None and len(self.weights) != len(self.releases):
            raise ValueError(
                f"expected a weight a release, found {len(self.weights)} for {len(self.releases)}"
            )
        return self


class DistillationConfig(_Section):
    """What a larger teacher adds to the labels (see ``claimwire teach``)."""

    soft_labels: Files = ()
    """Files of a teacher's probabilities by sentence, one a teacher (one path may stand without a
    list); of several the mean is taken. Unlabelled sentences in them are trained on as well.
    Unset: labels alone. Their digest is recorded with the run."""
    weight: Fraction = 0.5
    """Share of the teacher in the target of a labelled sentence, 0 to 1."""
    keep_certain: Fraction = 1.0
    """Share kept, 0 to 1, of the transfer sentences that the teacher is certain are background
    (95% or more): most of any newspaper, of which a few teach as much as all."""


class TeacherConfig(_Section):
    """The larger network that ``claimwire teach`` fine-tunes and asks for soft labels."""

    base: str = "packaged:mpnet"
    """Encoder: ``packaged:mpnet`` (five packages of PyPI), a directory in hub format, or a hub
    name. Or a release, ``released:base``: it is asked as it is, and nothing is trained."""
    epochs: Annotated[float, Field(gt=0, le=1000)] = 2.0
    """Passes over the training sentences, above 0."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 16
    """Sentences an optimizer step, 1 to 4096."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 4e-5
    """Peak rate of AdamW, above 0."""
    frozen_layers: Annotated[int, Field(ge=0)] | None = 2
    """As ``model.frozen_layers``, for the teacher."""
    unlabelled: Files = ()
    """JSON Lines files with a ``text`` a line: sentences without labels that the teacher judges as
    well (``claimwire corpus rebuild --unlabelled`` writes one)."""
    skip: tuple[str, ...] = ()
    """Files of training sentences that the teacher is not asked about, so that they are learnt from
    their labels alone: what it is known to judge badly. ``train/contrasts.jsonl`` for a file of the
    corpus, the path for one of ``data.extra``."""


class EncoderConfig(_Section):
    """The smaller encoder that ``claimwire encoder`` makes from the teacher's."""

    directory: Path | None = None
    """Folder that the encoder goes to, in hub format: a later ``model.base``."""
    start: str = "teacher"
    """``teacher``: the teacher's embeddings and some of its layers, with the tokenizer of
    ``model.base``; else what ``model.base`` may be, an encoder that is taught on."""
    layers: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (
        DISTILBERT_LAYERS
    )
    """Layers of the teacher that a student's layers begin as and are taught to follow, from 0,
    rising. With another ``start`` only the last layer is taught."""
    texts: Files = ()
    """JSON Lines files with a ``text`` a line, beside the training sentences. No labels are used,
    and sentences of validation and test are left out."""
    epochs: Annotated[float, Field(gt=0, le=1000)] = 3.0
    """Passes over the sentences, above 0."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 64
    """Sentences an optimizer step and device, 1 to 4096."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 3e-4
    """Peak rate of AdamW, above 0."""

    @field_validator("layers")
    @classmethod
    def _rising(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError(f"expected rising numbers of layers, found {list(value)}")
        return value


class DecisionConfig(_Section):
    """How logits become probabilities and labels."""

    calibration: Literal["auto", "spline", "platt", "temperature", "none"] = "auto"
    """Fitted on validation: a rising spline or Platt scaling per label, one temperature for all
    labels, or none. ``auto`` takes the one of the first three that has the lowest log loss in
    cross-validation, the spline only where it is lower by more than one standard error."""
    threshold: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    """Calibrated probability from which a claim is given, above 0 and below 1."""
    label_order: Literal["auto", "probability", "output"] = "auto"
    """What orders the claims of one sentence, whose first is the primary label: calibrated
    probability, or the network's output, which calibration of each label alone does not bend.
    ``auto`` takes the one with the higher macro-F1 on validation."""
    thresholds: Literal["fixed", "tuned"] = "tuned"
    """``fixed``: ``threshold`` for every claim. ``tuned``: each claim's starts at ``threshold`` and
    moves where validation shows a gain in macro-F1 of at least one standard error."""
    review_precision: Fraction | None = 0.9
    """Precision of the primary label, 0 to 1, that sentences without ``needs_review`` are to reach
    on validation; it decides the review threshold. null: ``review_threshold`` does."""
    review_threshold: Fraction = 0.6
    """Confidence below which a sentence is marked ``needs_review``, 0 to 1, where
    ``review_precision`` is null."""


class ReportConfig(_Section):
    """What is measured beside the release's scores."""

    baselines: bool = True
    """Also measure majority, cue words, TF-IDF and the frozen encoder on the same splits."""
    label_noise: bool = True
    """Also find training labels that cross-validation over the frozen encoder contradicts."""


class SweepConfig(_Section):
    """What ``claimwire sweep`` searches."""

    space: dict[str, Any] = {}
    """By dotted key either ``{low: ..., high: ...}``, with ``log: true`` or a ``step`` where
    wanted (whole numbers stay whole), or a list of choices."""
    trials: Annotated[int, Field(ge=1)] = 20
    """Trials of the whole study, 1 or more, those of earlier calls included."""
    prune: bool = True
    """Stop a trial after an epoch whose best validation macro-F1 so far is below the median of the
    earlier trials at that epoch."""


class ReleaseConfig(_Section):
    """The release that the run ends with."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")] = "claimwire"
    """Name in the manifest: lower-case letters, digits, dot, dash, underscore."""
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._+-]*$")] = "0.1.0"
    """Version in the manifest."""
    precision: Literal["int8", "fp32"] = "int8"
    """Weights of the ONNX model: int8 (about a quarter of the size) or fp32."""


class TrackingConfig(_Section):
    """Where the run is recorded."""

    uri: str | None = None
    """MLflow tracking address. Unset: MLFLOW_TRACKING_URI, else a database in ``output_dir``."""
    experiment: Annotated[str, Field(min_length=1)] = "claimwire"
    """MLflow experiment."""
    registered_model: Annotated[str, Field(min_length=1)] | None = "claimwire"
    """Registered model that gets the release as a new version; null registers nothing."""


class Config(_Section):
    """A whole experiment."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] = "default"
    """Name of the experiment's runs: letters, digits, dot, dash, underscore."""
    output_dir: Path = Path("artifacts")
    """Folder for everything that the run writes: database, checkpoints, release."""
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    soup: SoupConfig = SoupConfig()
    distillation: DistillationConfig = DistillationConfig()
    teacher: TeacherConfig = TeacherConfig()
    encoder: EncoderConfig = EncoderConfig()
    decision: DecisionConfig = DecisionConfig()
    report: ReportConfig = ReportConfig()
    sweep: SweepConfig = SweepConfig()
    release: ReleaseConfig = ReleaseConfig()
    tracking: TrackingConfig = TrackingConfig()

    def digest(self) -> str:
        """Return ``sha256:...`` of what decides the result.

        Paths of data do not count, since the digest of the data itself is recorded beside this
        one; nor does ``train.resume``, nor where things are written. So the same experiment has
        the same digest on every machine, and a resumed run is recognised.
        """
        content = self.model_dump(mode="json")
        for section, key in _NOT_IN_DIGEST:
            content[section].pop(key)
        if not self.data.swap_parties:  # as before it came
            content["data"].pop("swap_parties")
        if not self.distillation.soft_labels:
            content.pop("distillation")  # it decides nothing
        if not self.soup.releases:
            content.pop("soup")
        for key in ("seeds", "folds"):
            if content["train"][key] is None:  # one run has the digest it had before they came
                content["train"].pop(key)
        content.pop("output_dir")
        content.pop("tracking")
        content.pop("report")
        content.pop("sweep")  # what it found stands in the other fields
        content.pop("teacher")  # what it did is in the soft labels, whose digest is recorded
        content.pop("encoder")  # what it made is named by model.base
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
