"""Fine-tuning with the Hugging Face Trainer."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from claimwire.data.errors import ConfigError
from claimwire.model.network import build_classifier
from claimwire.train.config import Config
from claimwire.train.features import configured_loss, tokenize, validation_metrics
from claimwire.train.hardware import resolve_precision, training_threads
from claimwire.train.processes import call_in_all, process_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    import datasets
    import torch
    from transformers import (
        DistilBertForSequenceClassification,
        PreTrainedTokenizerFast,
        TrainerCallback,
        TrainingArguments,
    )


@dataclass(frozen=True, slots=True)
class EpochPoint:
    """What one epoch came to: ``macro_f1`` (0 to 1) and ``loss`` are of validation."""

    epoch: float
    macro_f1: float
    loss: float


@dataclass(frozen=True, slots=True)
class FineTuned:
    """The network with the weights of its best epoch, and one point an epoch."""

    model: DistilBertForSequenceClassification
    tokenizer: PreTrainedTokenizerFast
    best_validation_macro_f1: float
    steps: int
    seconds: float
    history: tuple[EpochPoint, ...] = ()


def fine_tune(
    config: Config,
    dataset: datasets.DatasetDict,
    checkpoints: Path,
    callbacks: Sequence[TrainerCallback] = (),
    resume_from: Path | None = None,
) -> FineTuned:
    """Fine-tune the configured base on ``dataset["train"]``.

    Args:
        config: the experiment.
        dataset: splits ``train`` and ``validation`` as of ``claimwire.data.corpus``.
        checkpoints: folder for the Trainer's checkpoints, one an epoch.
        callbacks: of the Trainer, beside early stopping.
        resume_from: a checkpoint folder to go on from.

    Raises:
        EncoderError: the base cannot be had.
        ConfigError: ``model.max_length`` is beyond the base's positions.
    """
    from transformers import set_seed

    set_seed(config.train.seed)
    model, tokenizer = build_classifier(
        config.model.base,
        dropout=config.model.dropout,
        classifier_dropout=config.model.classifier_dropout,
    )
    positions = model.config.max_position_embeddings
    if config.model.max_length > positions:
        raise ConfigError(
            f"model.max_length: expected at most {positions}, the positions that "
            f"{config.model.base} knows, found {config.model.max_length}: lower it"
        )
    fitted = fit(model, tokenizer, config, dataset, checkpoints, callbacks, resume_from)
    return FineTuned(
        model.eval(),
        tokenizer,
        fitted.best_macro_f1,
        fitted.steps,
        fitted.seconds,
        fitted.history,
    )


@dataclass(frozen=True, slots=True)
class Fitted:
    """What the Trainer says at its end: ``best_macro_f1`` is of validation, 0 to 1."""

    best_macro_f1: float
    steps: int
    seconds: float
    history: tuple[EpochPoint, ...]


def fit(
    model: torch.nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    config: Config,
    dataset: datasets.DatasetDict,
    checkpoints: Path,
    callbacks: Sequence[TrainerCallback] = (),
    resume_from: Path | None = None,
) -> Fitted:
    """Train a network with four outputs in place; it ends with the weights of its best epoch.

    Args:
        model: from ``input_ids`` and ``attention_mask`` to an output with ``logits`` [batch, 4].
        tokenizer: of the network's base.
        config: the experiment.
        dataset: see :func:`fine_tune`.
        checkpoints: see :func:`fine_tune`.
        callbacks: see :func:`fine_tune`.
        resume_from: see :func:`fine_tune`.

    Under ``accelerate launch`` or ``torchrun`` every process trains on a part of each batch.

    Raises:
        ConfigError: ``model.frozen_layers`` does not fit the network, or the checkpoint was
            written by another number of processes.
    """
    if resume_from is not None:
        _check_processes(resume_from)
    return call_in_all(
        _fit, model, tokenizer, config, dataset, checkpoints, resume_from, callbacks=callbacks
    )


def _check_processes(checkpoint: Path) -> None:
    written = len(list(checkpoint.glob("rng_state*.pth")))  # each process writes its own
    if written != process_count():
        raise ConfigError(
            f"train.resume: expected {written} process(es), as wrote {checkpoint}, found "
            f"{process_count()}: start as many, or start afresh without train.resume"
        )


def _fit(
    model: torch.nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    config: Config,
    dataset: datasets.DatasetDict,
    checkpoints: Path,
    resume_from: Path | None,
    callbacks: Sequence[TrainerCallback] = (),
) -> Fitted:
    import torch
    from transformers import (
        DataCollatorWithPadding,
        EarlyStoppingCallback,
        PreTrainedModel,
        Trainer,
    )
    from transformers.trainer_callback import PrinterCallback, ProgressCallback

    hush_libraries()
    torch.set_num_threads(training_threads(config.train.threads))
    freeze(model, config.model.frozen_layers)
    with _quiet_datasets():
        train, validation = (
            tokenize(dataset[split], tokenizer, config.model.max_length)
            for split in ("train", "validation")
        )
    trainer = Trainer(
        model=model,
        args=_arguments(
            config,
            checkpoints,
            use_cpu=not torch.cuda.is_available(),
            # The classifier uses every weight in every step; a teacher's pooler goes unused.
            all_used=isinstance(model, PreTrainedModel),
        ),
        train_dataset=train,
        eval_dataset=validation,
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_loss_func=configured_loss(config.train, dataset["train"]),
        compute_metrics=validation_metrics,
        callbacks=[
            EarlyStoppingCallback(early_stopping_patience=config.train.patience),
            *callbacks,
        ],
    )
    # Ours reports progress; the stock ones would print every dictionary as well.
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    output = trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
    return Fitted(
        best_macro_f1=float(trainer.state.best_metric or 0.0),
        steps=trainer.state.global_step,
        seconds=float(output.metrics["train_runtime"]),
        history=tuple(
            EpochPoint(entry["epoch"], entry["eval_primary_macro_f1"], entry["eval_loss"])
            for entry in trainer.state.log_history
            if "eval_primary_macro_f1" in entry
        ),
    )


def freeze(model: torch.nn.Module, layers: int | None) -> None:
    """Stop the embeddings and the lowest ``layers`` layers from being trained; None: nothing.

    Raises:
        ConfigError: the network has no such layers.
    """
    if layers is None:
        return
    parts = dict(model.named_modules())
    stacks = [
        part
        for name, part in parts.items()
        if name.endswith(("encoder.layer", "transformer.layer")) and len(list(part.children()))
    ]
    embeddings = [part for name, part in parts.items() if name.endswith("embeddings")][:1]
    if not stacks or not embeddings or layers > len(list(stacks[0].children())):
        most = len(list(stacks[0].children())) if stacks else 0
        raise ConfigError(
            f"frozen_layers: expected at most {most}, the layers of this network, found {layers}"
        )
    for part in (*embeddings, *list(stacks[0].children())[:layers]):
        part.requires_grad_(requires_grad=False)


def _arguments(
    config: Config, checkpoints: Path, *, use_cpu: bool, all_used: bool
) -> TrainingArguments:
    from transformers import TrainingArguments

    train = config.train
    return TrainingArguments(
        output_dir=str(checkpoints),
        seed=train.seed,
        num_train_epochs=train.epochs,
        per_device_train_batch_size=train.batch_size,
        per_device_eval_batch_size=2 * train.batch_size,
        learning_rate=train.learning_rate,
        weight_decay=train.weight_decay,
        warmup_steps=train.warmup,  # below 1: a share of all steps
        lr_scheduler_type=train.scheduler,
        bf16=resolve_precision(train.precision) == "bf16",
        use_cpu=use_cpu,
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="primary_macro_f1",
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        logging_strategy="steps",
        logging_steps=10,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=not use_cpu,
        label_names=["labels"],
        # Ours is a mean over the batch, which must not be multiplied by the number of processes.
        average_tokens_across_devices=False,
        ddp_find_unused_parameters=not all_used,
    )


@contextmanager
def _quiet_datasets() -> Iterator[None]:
    """Hide the tokenizing bars: they take a second and drown the one that matters."""
    import datasets

    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()


def hush_libraries() -> None:
    """Keep libraries' chatter off the terminal: bars, notes and warnings nobody can act on."""
    from transformers.utils import logging as transformers_logging

    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    # MLflow warns of its own code, and of hints that a written-out signature makes needless;
    # nobody who trains can act on it.
    for message in (
        ".*Any type hint is inferred as AnyType",
        ".*Add type hints to the `predict` method",
        ".*noload.* loader strategy",
        "Operation with range is deprecated",
    ):
        warnings.filterwarnings("ignore", message=message)
