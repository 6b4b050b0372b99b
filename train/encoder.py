"""``claimwire encoder``: make a smaller encoder from the teacher's, on text without labels."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from claimwire.data.errors import ConfigError
from claimwire.model.encoders import load_encoder
from claimwire.model.released_network import is_released
from claimwire.train import tracking
from claimwire.train.config import Config
from claimwire.train.fine_tune import hush_libraries
from claimwire.train.hardware import resolve_precision, training_threads
from claimwire.train.labelled_data import LabelledData, load_data
from claimwire.train.pipeline import open_folder, require_extra
from claimwire.train.progress import progress_callback
from claimwire.train.run_state import RunFolder, RunState
from claimwire.train.teacher import read_texts

if TYPE_CHECKING:
    from transformers import DistilBertModel, PreTrainedTokenizerFast

    from claimwire.train.student_encoder import Imitation

FROM_TEACHER: Final = "teacher"
HELD_BACK: Final = 50
"""Every so many-th sentence is not trained on: the loss on them says how far the student is."""


@dataclass(frozen=True, slots=True)
class Made:
    """What ``claimwire encoder`` leaves behind.

    Attributes:
        directory: the encoder, in hub format.
        sentences: trained on.
        held_out: sentences left out because they stand in validation or test.
        loss_before: on the sentences held back, of the untrained student; 1 is a constant's.
        loss_after: the same at the end.
        mlflow_run_id: of the run.
    """

    directory: Path
    sentences: int
    held_out: int
    loss_before: float
    loss_after: float
    mlflow_run_id: str


def make_encoder(config: Config, console: Console) -> Made:
    """Teach a student encoder to follow the teacher's, and write it in hub format.

    Raises:
        ConfigError: ``encoder.directory`` is unset or there already, or layers that do not exist.
        CorpusError: labelled or unlabelled data that breaks the contract.
        EncoderError: teacher or start cannot be had, or do not fit.
        TrackingError: MLflow cannot be reached.
        MissingExtraError: the extra [train] is not installed.
    """
    require_extra()
    hush_libraries()
    target = _target(config)
    if is_released(config.teacher.base):
        raise ConfigError(
            "teacher.base: expected an encoder whose hidden states a student can follow, found "
            f"{config.teacher.base}: name packaged:mpnet or a directory in hub format"
        )
    making = _making_config(config)
    data = load_data(making)
    texts, held_out = _texts(config, data)
    data = replace(data, digest=_digest(data.digest, texts))
    tracker = tracking.connect(making)
    folder, run_id = open_folder(making, data)
    console.print(
        f"an encoder of {config.encoder.start} after {config.teacher.base}: {len(texts)} sentences",
        highlight=False,
        soft_wrap=True,
    )
    with tracking.tracked_run(tracker, making.name, run_id) as mlflow_run_id:
        if run_id is None:
            folder.write_state(RunState(mlflow_run_id, making.digest(), data.digest))
        tracking.log_configuration(making)
        student, tokenizer, losses = _taught(config, texts, folder, console)
        _write(student, tokenizer, target)
        folder.mark_finished()
    return Made(target, len(texts), held_out, *losses, mlflow_run_id)


def _target(config: Config) -> Path:
    target = config.encoder.directory
    if target is None:
        raise ConfigError(
            "encoder.directory: expected the folder that the encoder goes to, found none: set it"
        )
    if target.exists():
        raise ConfigError(
            f"encoder.directory: expected a folder that is not there yet, found {target}: name "
            "another, or remove it"
        )
    return target


def _making_config(config: Config) -> Config:
    """Return the experiment as a run of its own, without what only a classifier has.

    What decides the encoder stands where it stands for a classifier, so that it is recorded and
    counts in the digest, by which an interrupted run is found again.
    """
    encoder = config.encoder
    base = f"{encoder.start} after {config.teacher.base}"
    if encoder.start == FROM_TEACHER:
        base = f"layers {', '.join(map(str, encoder.layers))} of {config.teacher.base}"
    training = {name: getattr(encoder, name) for name in ("epochs", "batch_size", "learning_rate")}
    return config.model_copy(
        update={
            "name": f"{config.name}-encoder",
            "model": config.model.model_copy(update={"base": base}),
            "train": config.train.model_copy(update=training),
            "distillation": config.distillation.model_copy(update={"soft_labels": ()}),
        }
    )


def _digest(labelled: str, texts: list[str]) -> str:
    """Return the digest of labelled data and of the sentences that are trained on."""
    whole = hashlib.sha256(labelled.encode())
    for text in texts:
        whole.update(f"{text}\0".encode())
    return f"sha256:{whole.hexdigest()}"


def _texts(config: Config, data: LabelledData) -> tuple[list[str], int]:
    """Return the sentences, each once, and how many were left out as held-out ones."""
    training = [example.text for example in data.examples if example.split == "train"]
    others = read_texts(config.encoder.texts)
    new = [text for text in others if not data.is_held_out(text)]
    return list(dict.fromkeys([*training, *new])), len(others) - len(new)


def _taught(
    config: Config, texts: list[str], folder: RunFolder, console: Console
) -> tuple[DistilBertModel, PreTrainedTokenizerFast, tuple[float, float]]:
    import mlflow
    import torch
    from datasets import Dataset
    from transformers import DataCollatorWithPadding, Trainer, set_seed
    from transformers.trainer_callback import PrinterCallback, ProgressCallback

    set_seed(config.train.seed)
    torch.set_num_threads(training_threads(config.train.threads))
    imitation, tokenizer = _begun(config)
    ids = tokenizer(texts, truncation=True, max_length=config.model.max_length)["input_ids"]
    rows = [{"input_ids": row, "length": len(row)} for row in ids]
    trainer = Trainer(
        model=imitation,
        args=_arguments(config, folder),
        train_dataset=Dataset.from_list([r for n, r in enumerate(rows) if n % HELD_BACK]),
        eval_dataset=Dataset.from_list(rows[::HELD_BACK]),
        data_collator=DataCollatorWithPadding(tokenizer),
        callbacks=[progress_callback(console), tracking.metrics_callback()],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    before = float(trainer.evaluate()["eval_loss"])
    last = folder.last_checkpoint() if config.train.resume else None
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    after = float(trainer.evaluate()["eval_loss"])
    mlflow.log_metrics({"encoder/loss_before": before, "encoder/loss_after": after})
    return imitation.student, tokenizer, (before, after)


def _begun(config: Config) -> tuple[Imitation, PreTrainedTokenizerFast]:
    """Return the student as it begins beside its teacher, and the student's tokenizer."""
    from claimwire.train.student_encoder import Imitation, student_of, teacher_ids
    from claimwire.train.teacher_network import load_teacher_encoder

    start = config.encoder.start
    teacher, teacher_tokenizer = load_teacher_encoder(config.teacher.base)
    # A student made of the teacher's layers has BERT's vocabulary, as every DistilBERT has.
    begun, tokenizer = load_encoder(config.model.base if start == FROM_TEACHER else start)
    ids = teacher_ids(tokenizer, teacher_tokenizer)
    if start != FROM_TEACHER:
        return Imitation(_without_dropout(begun), teacher, None, ids), tokenizer
    layers = config.encoder.layers
    student = student_of(teacher, layers, ids)
    return Imitation(_without_dropout(student), teacher, layers, ids), tokenizer


def _without_dropout(student: DistilBertModel) -> DistilBertModel:
    """Switch dropout off: noise in the states that are compared can only be learnt around."""
    from torch import nn

    for part in student.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    return student


def _arguments(config: Config, folder: RunFolder) -> Any:
    import torch
    from transformers import TrainingArguments

    encoder, use_cpu = config.encoder, not torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(folder.checkpoints),
        seed=config.train.seed,
        num_train_epochs=encoder.epochs,
        per_device_train_batch_size=encoder.batch_size,
        per_device_eval_batch_size=encoder.batch_size,
        learning_rate=encoder.learning_rate,
        weight_decay=config.train.weight_decay,
        warmup_steps=config.train.warmup,
        bf16=resolve_precision(config.train.precision) == "bf16",
        use_cpu=use_cpu,
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        remove_unused_columns=True,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        prediction_loss_only=True,
        logging_strategy="steps",
        logging_steps=10,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=not use_cpu,
        ddp_find_unused_parameters=False,
    )


def _write(student: DistilBertModel, tokenizer: PreTrainedTokenizerFast, target: Path) -> None:
    """Write the encoder in 16-bit floats, whole or not at all."""
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    student.half().cpu().save_pretrained(partial)
    tokenizer.backend_tokenizer.no_truncation()  # as far as one call had set it
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.save_pretrained(partial)
    partial.rename(target)
