r"""Macro-F1 against labelled sentences, with one recipe: figures and plots.

Run from the repository's root, with the extra [dev] installed and the real sentences rebuilt::

    claimwire corpus rebuild
    python benchmarks/learning_curve.py --seeds 13 --held-out REAL-DEV.jsonl
    python benchmarks/learning_curve.py train.learning_rate=1.0e-4 --base packaged:minilm \
        --sets real both --seeds 13 14 15 --held-out REAL-DEV.jsonl
    python benchmarks/learning_curve.py train.learning_rate=1.0e-4 train.epochs=6 \
        --base packaged:minilm --sets composed --seeds 13 14 15 --held-out REAL-DEV.jsonl

The first form goes by rounds of real text. A point trains ``configs/release.yaml`` with three
epochs and without second target or teacher on the composed corpus and the rounds up to one; it is
measured on the whole validation split, on its real part, and on ``--held-out``, a file of real
sentences that nothing is chosen by. The recorded points are of that file as it was in the rounds'
days (packaged:minilm); three are of other runs, evaluated by the same functions; their ``note``
says which. Writes ``benchmarks/results/learning-curve.json``
and ``docs/figures/learning-curve.svg``.

The other two say what composed and real sentences are worth: see
``benchmarks/composed_and_real.py``, which they run; ``--sizes`` draws parts of the composed text.

Points that are in the results already are not trained again, so either can be stopped.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import composed_and_real
from rich.console import Console

from claimwire.data.documents import read_records
from claimwire.model.runtime import Runtime
from claimwire.train.evaluate import evaluate_records
from claimwire.train.load_config import load_config
from claimwire.train.pipeline import run_training

RESULTS = Path("benchmarks/results/learning-curve.json")
PLOT = Path("docs/figures/learning-curve.svg")
SERIES = {"held_out": "real development text", "validation_real": "real validation"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--rounds", type=int, nargs="+", default=[0, 2, 3, 4, 5])
    parser.add_argument("--seeds", type=int, nargs="+", default=[13])
    parser.add_argument("--held-out", type=Path)
    parser.add_argument("--real", type=Path, default=Path("artifacts/corpus/real"))
    parser.add_argument("--plot-only", action="store_true")
    composed_and_real.add_options(parser)
    parser.add_argument("overrides", nargs="*", help="KEY=VALUE of the configuration")
    options = parser.parse_args()
    if options.sets:
        composed_and_real.run(options)
        return
    points = json.loads(RESULTS.read_text()) if RESULTS.is_file() else []
    for seed in [] if options.plot_only else options.seeds:
        for last in options.rounds:
            if any(p["rounds"] == last and p["seed"] == seed for p in points):
                continue
            points.append(_point(last, seed, options))
            RESULTS.write_text(json.dumps(points, indent=1) + "\n")
    _plot(points)


class _Raw(argparse.RawDescriptionHelpFormatter):
    pass


def _point(last: int, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Train on the rounds up to ``last`` (0: the composed corpus alone) and measure."""
    real = options.real
    with tempfile.TemporaryDirectory(prefix="claimwire-curve-") as scratch:
        train = Path(scratch) / "train.jsonl"
        lines = (real / "train.jsonl").read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if json.loads(line)["round"] <= last]
        train.write_text("\n".join(kept) + "\n", encoding="utf-8")
        files = [*([train] if kept else []), real / "validation.jsonl", real / "test.jsonl"]
        config = load_config(
            Path("configs/release.yaml"),
            [
                f"name=curve-{last}",
                f"train.seed={seed}",
                f"data.extra=[{', '.join(str(file.resolve()) for file in files)}]",
                "train.epochs=3",
                "train.second_target=1.0",
                "distillation.soft_labels=null",
                "tracking.registered_model=null",
                *options.overrides,
            ],
        )
        outcome = run_training(config, Console())
    measured = {"validation": outcome.measured.evaluations["validation"]}
    measured["validation_real"] = outcome.measured.evaluations["validation_extra"]
    if options.held_out is not None:
        runtime = Runtime(outcome.measured.release)
        measured["held_out"] = evaluate_records(read_records(options.held_out), runtime)
    return {
        "rounds": last,
        "seed": seed,
        "real_sentences": len(kept),
        **{name: composed_and_real.figures(each) for name, each in measured.items()},
    }


def _plot(points: Sequence[dict[str, Any]]) -> None:
    plt = composed_and_real.pyplot()
    figure, axes = plt.subplots(figsize=(7, 4.2))
    for shift, (series, title) in enumerate(SERIES.items()):
        chosen = sorted((p for p in points if series in p), key=lambda p: p["real_sentences"])
        if not chosen:
            continue
        x = [p["real_sentences"] + 60 * shift for p in chosen]
        y = [p[series]["macro_f1"] for p in chosen]
        low = [p[series]["macro_f1"] - p[series]["ci95"][0] for p in chosen]
        high = [p[series]["ci95"][1] - p[series]["macro_f1"] for p in chosen]
        label = f"{title} (n {chosen[-1][series]['n']:,})"
        axes.errorbar(x, y, yerr=[low, high], marker="o", capsize=3, label=label)
    axes.set_xlabel("labelled real sentences in training (beside the composed corpus)")
    axes.set_ylabel("primary macro-F1, 95% interval over documents")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.tight_layout()
    composed_and_real.save(figure, PLOT)


if __name__ == "__main__":
    main()
