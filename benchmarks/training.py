"""Training speed: ``claimwire train``'s loop against a plain Hugging Face Trainer loop.

Run from the repository's root, with the extra [dev] installed and nothing else running::

    python benchmarks/training.py --config configs/release.yaml data.max_train_sentences=3000

Both loops get the same sentences, base, seed, loss, hyperparameters and epochs, and both keep their
best epoch. The plain one is fp32, pads every sentence to the maximal length, takes them in random
order and leaves everything else as the Trainer has it. Their speed is sentences over the seconds of
the whole loop, evaluations and checkpoints included; their macro-F1 is of the primary label on
validation, from plain logits. Below, what each single step buys, on fewer sentences and without
evaluations. Speeds are written as ratios: seconds depend on the machine.

That takes about half an hour on two cores, nearly all of it in the plain loop, and needs the
rebuilt real sentences; without options the composed corpus is taken, whose validation split is too
small to tell two scores apart. Writes ``benchmarks/results/training.md``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets  # noqa: TID253
import numpy as np
import numpy.typing as npt
import torch  # noqa: TID253
from transformers import (  # noqa: TID253
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    default_data_collator,
    set_seed,
)
from transformers.trainer_callback import PrinterCallback, ProgressCallback  # noqa: TID253

from claimwire.data.corpus import to_dataset_dict
from claimwire.model.network import build_classifier
from claimwire.train.config import Config
from claimwire.train.features import (
    configured_loss,
    primary_from_logits,
    tokenize,
    validation_metrics,
)
from claimwire.train.fine_tune import fine_tune, hush_libraries
from claimwire.train.hardware import resolve_precision
from claimwire.train.labelled_data import load_data
from claimwire.train.load_config import load_config
from claimwire.train.metrics import (
    bootstrap_macro_f1,
    confusion_matrix,
    confusion_per_document,
    document_weights,
    macro_f1,
)

RESULTS = Path("benchmarks/results/training.md")
GOAL = 4.0
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Way:
    """How a loop of the Trainer is fed."""

    name: str
    padded_to_maximum: bool = False
    grouped: bool = True
    bf16: bool = False
    attention_dropout: float | None = None


PLAIN = Way("plain: fp32, padded to the maximal length, random order", True, False)
STEPS = (
    PLAIN,
    Way("padded to the longest of the batch", grouped=False),
    Way("and batches of like length"),
    Way("and no dropout of attention weights", attention_dropout=0.0),
)
BF16 = Way("batches of like length, bf16", bf16=True)


@dataclass(frozen=True)
class Trained:
    model: torch.nn.Module
    tokenizer: Any
    sentences: float
    seconds: float

    @property
    def speed(self) -> float:
        return self.sentences / self.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--step-sentences", type=int, default=480, help="for the single steps")
    parser.add_argument("--repeats", type=int, default=3, help="of a single step; the best counts")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("overrides", nargs="*", help="KEY=VALUE of the configuration")
    options = parser.parse_args()
    overrides = [f"train.threads={options.threads}", *options.overrides]
    config = load_config(options.config, overrides)
    hush_libraries()
    datasets.disable_progress_bars()
    torch.set_num_threads(options.threads)
    data = to_dataset_dict(load_data(config).examples)

    steps = _single_steps(config, data, options.step_sentences, options.repeats)
    plain = _train(PLAIN, config, data, evaluate=True)
    print(f"plain: {plain.speed:.2f} sentences/s")
    ours = _claimwire(config, data)
    print(f"claimwire: {ours.speed:.2f} sentences/s, {ours.speed / plain.speed:.2f} times")
    text = _report(config, data, options, {"plain Trainer": plain, "claimwire": ours}, steps)
    options.output.write_text(text, encoding="utf-8")
    print(text)


class _Raw(argparse.RawDescriptionHelpFormatter):
    pass


def _single_steps(
    config: Config, data: datasets.DatasetDict, sentences: int, repeats: int
) -> dict[str, float]:
    """Return sentences/s of each way, the best of the repeats, which take turns."""
    part = data["train"].shuffle(seed=0).select(range(min(sentences, len(data["train"]))))
    few = datasets.DatasetDict({**data, "train": part})
    once = config.model_copy(update={"train": config.train.model_copy(update={"epochs": 1.0})})
    ways = (*STEPS, BF16) if resolve_precision("auto") == "bf16" else STEPS
    best = dict.fromkeys((way.name for way in ways), 0.0)
    for _ in range(repeats):
        for way in ways:
            best[way.name] = max(best[way.name], _train(way, once, few, evaluate=False).speed)
    for name, speed in best.items():
        print(f"{name}: {speed:.2f} sentences/s")
    return best


def _train(way: Way, config: Config, data: datasets.DatasetDict, *, evaluate: bool) -> Trained:
    """Train with a Trainer that is as its authors ship it, but for what ``way`` says."""
    set_seed(config.train.seed)
    model, tokenizer = build_classifier(
        config.model.base,
        dropout=config.model.dropout,
        classifier_dropout=config.model.classifier_dropout,
        attention_dropout=way.attention_dropout,
    )
    ready = {split: tokenize(data[split], tokenizer, config.model.max_length) for split in data}
    if way.padded_to_maximum:
        ready = {
            split: rows.map(
                lambda row: tokenizer.pad(
                    {key: row[key] for key in ("input_ids", "attention_mask")},
                    padding="max_length",
                    max_length=config.model.max_length,
                )
            )
            for split, rows in ready.items()
        }
    dynamic = DataCollatorWithPadding(tokenizer)
    collate: Any = default_data_collator if way.padded_to_maximum else dynamic
    with tempfile.TemporaryDirectory(prefix="claimwire-speed-") as scratch:
        trainer = Trainer(
            model=model,
            args=_arguments(way, config, scratch, evaluate=evaluate),
            train_dataset=ready["train"],
            eval_dataset=ready["validation"],
            processing_class=tokenizer,
            data_collator=collate,
            compute_loss_func=configured_loss(config.train, data["train"]),
            compute_metrics=validation_metrics,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.remove_callback(ProgressCallback)
        output = trainer.train()
    sentences = len(data["train"]) * float(trainer.state.epoch or 0)
    return Trained(model.eval(), tokenizer, sentences, float(output.metrics["train_runtime"]))


def _arguments(way: Way, config: Config, scratch: str, *, evaluate: bool) -> TrainingArguments:
    train = config.train
    chosen: dict[str, Any] = {
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "save_total_limit": 2,
        "load_best_model_at_end": True,
        "metric_for_best_model": "primary_macro_f1",
        "greater_is_better": True,
    }
    grouped: dict[str, Any] = {
        "train_sampling_strategy": "group_by_length",
        "length_column_name": "length",
    }
    return TrainingArguments(
        output_dir=scratch,
        seed=train.seed,
        num_train_epochs=train.epochs,
        per_device_train_batch_size=train.batch_size,
        learning_rate=train.learning_rate,
        weight_decay=train.weight_decay,
        warmup_steps=train.warmup,
        lr_scheduler_type=train.scheduler,
        bf16=way.bf16,
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
        label_names=["labels"],
        report_to="none",
        disable_tqdm=True,
        **(chosen if evaluate else {"save_strategy": "no"}),
        **(grouped if way.grouped else {}),
    )


def _claimwire(config: Config, data: datasets.DatasetDict) -> Trained:
    """Train as ``claimwire train`` does."""
    with tempfile.TemporaryDirectory(prefix="claimwire-speed-") as scratch:
        tuned = fine_tune(config, data, Path(scratch))
    sentences = len(data["train"]) * tuned.history[-1].epoch
    return Trained(tuned.model, tuned.tokenizer, sentences, tuned.seconds)


@torch.inference_mode()
def _predict(trained: Trained, texts: list[str], max_length: int) -> Labels:
    device = next(trained.model.parameters()).device
    found = []
    for start in range(0, len(texts), 32):
        batch = trained.tokenizer(
            texts[start : start + 32],
            truncation=True,
            max_length=max_length,
            padding=True,
            return_tensors="pt",
        ).to(device)
        found.append(trained.model(**batch).logits.float().cpu().numpy())
    return primary_from_logits(np.concatenate(found))


def _report(
    config: Config,
    data: datasets.DatasetDict,
    options: argparse.Namespace,
    runs: dict[str, Trained],
    steps: dict[str, float],
) -> str:
    held = data["validation"]
    gold = np.array(held["primary"], dtype=np.int64)
    documents = list(held["doc_id"])
    predicted = {
        name: _predict(run, list(held["text"]), config.model.max_length)
        for name, run in runs.items()
    }
    slowest = next(iter(runs.values())).speed
    rows = []
    for name, run in runs.items():
        score = float(macro_f1(confusion_matrix(gold, predicted[name])))
        low, high = bootstrap_macro_f1(gold, predicted[name], documents)
        rows.append(f"| {name} | {run.speed / slowest:.2f} | {score:.3f} ({low:.3f}-{high:.3f}) |")
    pair = (predicted["plain Trainer"], predicted["claimwire"])
    difference, low, high = _difference(gold, *pair, documents)
    ratio = list(runs.values())[-1].speed / slowest
    first = next(iter(steps.values()))
    return "\n".join(
        [
            "# Training speed",
            "",
            f"`python benchmarks/training.py {' '.join(sys.argv[1:])}`".replace(" `", "`"),
            "",
            f"{options.config}, {len(data['train']):,} sentences to train on, "
            f"{len(held):,} of validation, {config.train.epochs:g} epochs, batches of "
            f"{config.train.batch_size}, at most {config.model.max_length} tokens, seed "
            f"{config.train.seed}; {options.threads} threads, {_machine()}; "
            f"claimwire in {resolve_precision(config.train.precision)}.",
            "",
            "| loop | sentences/s, as a ratio | macro-F1 on validation (95% interval) |",
            "|---|---|---|",
            *rows,
            "",
            f"claimwire is {ratio:.2f} times as fast (the goal, at least {GOAL:g}, is "
            f"{'met' if ratio >= GOAL else 'missed'}). Its macro-F1 less that of the plain loop: "
            f"{difference:+.3f}, 95% interval of a paired bootstrap over documents {low:+.3f} to "
            f"{high:+.3f}.",
            "",
            f"Single steps, training alone on {min(options.step_sentences, len(data['train'])):,} "
            f"sentences, the best of {options.repeats}:",
            "",
            "| loop | sentences/s, as a ratio |",
            "|---|---|",
            *(f"| {name} | {speed / first:.2f} |" for name, speed in steps.items()),
            "",
        ]
    )


def _difference(
    gold: Labels, plain: Labels, ours: Labels, documents: list[str]
) -> tuple[float, float, float]:
    """Return macro-F1 of ours less that of plain, and its interval."""
    a, b = (confusion_per_document(gold, predicted, documents) for predicted in (plain, ours))
    drawn = np.concatenate(
        [
            macro_f1(np.tensordot(weights, b, axes=1)) - macro_f1(np.tensordot(weights, a, axes=1))
            for weights in document_weights(len(a))
        ]
    )
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(macro_f1(b.sum(axis=0)) - macro_f1(a.sum(axis=0))), float(low), float(high)


def _machine() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"a processor with {torch.backends.cpu.get_cpu_capability()}"


if __name__ == "__main__":
    main()
