"""What composed and real sentences are worth to a model: macro-F1 by training set and size.

Run by ``benchmarks/learning_curve.py --sets``. A point fine-tunes the base on one of the sets

- ``composed``: the training documents of ``data/corpus``, or with ``--sizes`` as many whole
  documents, drawn by the seed, as hold that many sentences;
- ``real``: the rebuilt real training sentences;
- ``both``

and makes a release of it, decisions chosen on all of validation whatever the set, so that only what
is trained on differs. ``packaged:minilm`` wants ``train.learning_rate=1.0e-4``: at twice that it
ends as the majority class. ``tfidf``, a logistic regression on words and pairs of words, is
measured beside it the same way (``claimwire.train.baselines``); its seed only draws the documents.
Measured on: the composed test split, the real one, and ``--held-out``, real sentences that nothing
is chosen by. The recipe is ``configs/default.yaml`` with ``--base`` and without swapped parties.

Writes ``benchmarks/results/composed-and-real.json`` point by point, then the table
``benchmarks/results/composed-and-real.md`` and the plot ``docs/figures/composed-and-real.svg``.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from rich.console import Console

from claimwire.data.corpus import Example, load_examples, to_dataset_dict
from claimwire.model.decision import Decision
from claimwire.model.runtime import Runtime
from claimwire.train.baselines import BASELINES
from claimwire.train.config import Config
from claimwire.train.evaluate import evaluate_decisions
from claimwire.train.fine_tune import fine_tune, hush_libraries
from claimwire.train.load_config import load_config
from claimwire.train.make_release import make_release
from claimwire.train.metrics import Evaluation

RESULTS = Path("benchmarks/results/composed-and-real.json")
TABLE = Path("benchmarks/results/composed-and-real.md")
PLOT = Path("docs/figures/composed-and-real.svg")
SETS = ("composed", "real", "both")
MEASURED = {
    "test_composed": "composed test",
    "test_real": "real test",
    "held_out": "real development text",
}
TFIDF = "tfidf"

Point = dict[str, Any]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of :func:`run` that ``learning_curve.py`` does not have itself."""
    parser.add_argument("--sets", nargs="+", choices=SETS, default=[])
    parser.add_argument("--base", default="packaged:minilm")
    parser.add_argument("--sizes", type=int, nargs="+", default=[], help="composed sentences")
    parser.add_argument("--models", nargs="+", choices=("base", TFIDF), default=["base", TFIDF])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--plot", type=Path, default=PLOT)


def run(options: argparse.Namespace) -> None:
    """Train and measure what is not in the results yet; then write table and plot."""
    points: list[Point] = []
    if options.results.is_file():
        points = json.loads(options.results.read_text(encoding="utf-8"))
    for wanted in [] if options.plot_only else _wanted(options):
        if any(all(point[key] == value for key, value in wanted.items()) for point in points):
            continue
        points.append(wanted | _measured(wanted, options))
        options.results.write_text(json.dumps(points, indent=1) + "\n", encoding="utf-8")
        print(json.dumps(points[-1]))
    table = TABLE if options.results == RESULTS else options.results.with_suffix(".md")
    table.write_text(_table(points), encoding="utf-8")
    _plot(points, options.plot)


def _wanted(options: argparse.Namespace) -> Iterator[Point]:
    models = [options.base if model == "base" else model for model in options.models]
    for seed in options.seeds:
        for name in options.sets:
            for size in [None] if name == "real" else [*options.sizes, None]:
                for model in models:
                    if (model, size) != (TFIDF, None) or seed == options.seeds[0]:
                        yield {"model": model, "set": name, "size": size, "seed": seed}


def _measured(wanted: Point, options: argparse.Namespace) -> Point:
    """Fit one model on one set and return its figures and the sizes of its training set."""
    overrides = [f"train.seed={wanted['seed']}", f"model.base={options.base}", *options.overrides]
    config = load_config(Path("configs/default.yaml"), overrides)
    examples = _examples(wanted, options.real)
    with tempfile.TemporaryDirectory(prefix="claimwire-sets-") as scratch:
        decide = _fitted(wanted["model"], config, examples, Path(scratch))
        sets = _sets(examples, options.held_out)
        evaluations = {name: evaluate_decisions(each, decide(each)) for name, each in sets.items()}
    train = [example.origin for example in examples if example.split == "train"]
    tuned = wanted["model"] != TFIDF
    return {
        "epochs": config.train.epochs if tuned else None,
        "learning_rate": config.train.learning_rate if tuned else None,
        "composed_sentences": train.count("corpus"),
        "real_sentences": train.count("extra"),
        **{name: figures(evaluation) for name, evaluation in evaluations.items()},
    }


def _examples(wanted: Point, real: Path) -> list[Example]:
    """Return the sentences of one set's training split and of all that is held out."""
    files = [real / f"{split}.jsonl" for split in ("train", "validation", "test")]
    examples = load_examples(None, files)
    kept = _drawn(examples, wanted["size"], wanted["seed"])
    left_out = {"composed": "extra", "real": "corpus"}.get(wanted["set"])
    return [
        example
        for example in examples
        if example.split != "train"
        or (example.origin != left_out and (example.origin == "extra" or example.doc_id in kept))
    ]


def _drawn(examples: Sequence[Example], size: int | None, seed: int) -> set[str | None]:
    """Return composed training documents until they hold ``size`` sentences; None: all."""
    train = [e for e in examples if e.split == "train" and e.origin == "corpus"]
    documents = {name: len(list(members)) for name, members in groupby(train, lambda e: e.doc_id)}
    names = list(documents)
    random.Random(seed).shuffle(names)
    kept: set[str | None] = set()
    for name in names:
        if size is not None and sum(documents[each] for each in kept) >= size:
            break
        kept.add(name)
    return kept


def _fitted(
    model: str, config: Config, examples: Sequence[Example], scratch: Path
) -> Callable[[Sequence[Example]], Sequence[Decision]]:
    """Return what turns sentences into decisions, as it would be served."""
    if model == TFIDF:
        return BASELINES["tfidf_logreg"](config, examples, Console())
    hush_libraries()
    tuned = fine_tune(config, to_dataset_dict(examples), scratch / "checkpoints")
    measured = make_release(config, tuned, examples, "sha256:" + "0" * 64, scratch / "release")
    runtime = Runtime(measured.release)
    return lambda chosen: runtime.predict([example.text for example in chosen])


def _sets(examples: Sequence[Example], held_out: Path | None) -> dict[str, list[Example]]:
    test = [example for example in examples if example.split == "test"]
    sets = {
        "test_composed": [example for example in test if example.origin == "corpus"],
        "test_real": [example for example in test if example.origin == "extra"],
    }
    if held_out is not None:
        sets["held_out"] = load_examples(extra=[held_out], use_corpus=False)
    return sets


def figures(evaluation: Evaluation) -> Point:
    """Return what is kept of an evaluation."""
    return {
        "macro_f1": evaluation.primary_macro_f1,
        "ci95": list(evaluation.ci95),
        "n": evaluation.n,
    }


def _table(points: Sequence[Point]) -> str:
    """Return the whole sets: mean over the seeds, their deviation, the mean interval."""
    lines = [
        "Primary macro-F1: mean over the seeds (SD: standard deviation), and the",
        "95% interval of a bootstrap over documents, its ends averaged over the seeds.",
        "",
        f"| model | trained on | epochs | seeds | sentences | {' | '.join(MEASURED.values())} |",
        f"|---|---|---:|---:|---:|{'---|' * len(MEASURED)}",
    ]
    whole = [point for point in points if point["size"] is None]
    for model in dict.fromkeys(point["model"] for point in whole):
        for name in SETS:
            chosen = [p for p in whole if (p["model"], p["set"]) == (model, name)]
            if chosen:
                size = chosen[0]["composed_sentences"] + chosen[0]["real_sentences"]
                cells = " | ".join(_cell(chosen, series) for series in MEASURED)
                epochs = "" if model == TFIDF else f"{chosen[0]['epochs']:g}"
                lines.append(
                    f"| {model} | {name} | {epochs} | {len(chosen)} | {size:,} | {cells} |"
                )
    return "\n".join(lines) + "\n"


def _cell(chosen: Sequence[Point], series: str) -> str:
    found = [point[series] for point in chosen if series in point]
    if not found:
        return ""
    values = [each["macro_f1"] for each in found]
    deviation = f" (SD {stdev(values):.3f})" if len(values) > 1 else ""
    low, high = (mean(each["ci95"][end] for each in found) for end in (0, 1))
    return f"{mean(values):.3f}{deviation}, {low:.3f} to {high:.3f}"


def _plot(points: Sequence[Point], path: Path) -> None:
    """Plot macro-F1 against composed sentences: one panel a test set, one line a model and kind.

    A model trained on real text alone stands at 0 composed sentences of the line with real text.
    Small dots are single seeds.
    """
    figure, panels = pyplot().subplots(
        1, len(MEASURED), figsize=(11, 4.4), sharey=True, layout="constrained"
    )
    for axes, (series, title) in zip(panels, MEASURED.items(), strict=True):
        for model in dict.fromkeys(point["model"] for point in points):
            for with_real, style in ((False, "--"), (True, "-")):
                chosen = [
                    p
                    for p in points
                    if p["model"] == model and (p["set"] != "composed") is with_real and series in p
                ]
                label = f"{model}, {'composed and real' if with_real else 'composed'}"
                if chosen:
                    x, y = _means(chosen, series)
                    (line,) = axes.plot(x, y, style, marker="o", label=label)
                    axes.scatter(
                        [p["composed_sentences"] for p in chosen],
                        [p[series]["macro_f1"] for p in chosen],
                        s=9,
                        alpha=0.45,
                        color=line.get_color(),
                    )
        axes.set_title(title)
        axes.set_xlabel("composed sentences in training")
    panels[0].set_ylabel("primary macro-F1, mean over seeds")
    for axes in panels:
        axes.grid(alpha=0.3)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    save(figure, path)


def _means(points: Sequence[Point], series: str) -> tuple[list[float], list[float]]:
    """Return the mean size and macro-F1 of the points of each size that was asked for.

    Whole documents are drawn, so the seeds of one size differ by some sentences.
    """
    groups: dict[tuple[str, int | None], list[Point]] = {}
    for point in points:
        groups.setdefault((point["set"], point["size"]), []).append(point)
    pairs = sorted(
        (
            mean(p["composed_sentences"] for p in members),
            mean(p[series]["macro_f1"] for p in members),
        )
        for members in groups.values()
    )
    return [x for x, _ in pairs], [y for _, y in pairs]


def pyplot() -> Any:
    """Return matplotlib's pyplot, set up for SVG files that are the same for the same figures."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "claimwire"
    from matplotlib import pyplot as plt

    return plt


def save(figure: Any, path: Path) -> None:
    """Write a figure without its date, which would make each file another one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
