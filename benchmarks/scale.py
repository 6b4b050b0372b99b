"""Throughput of ``--engine ray`` with 1 and 2 workers, as a ratio to the local engine.

Run from the repository's root, with the extra [ray] installed and nothing else running::

    python benchmarks/scale.py [--sentences 16000] [--files 8] [--rounds 3]

All tag the same files of sentences, none of which comes twice, with one processor thread a tagger;
the local engine is measured with two threads as well. Ray is started once and told apart: what is
left of its cost in a run is to start the actors, each of which loads the release. The contestants
take turns and the best round of each counts. Records are compared: labels exactly, scores
within 0.001. Writes ``benchmarks/results/scale.md``.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from claimwire.data.corpus import default_corpus, load_examples
from claimwire.serve import ray_engine
from claimwire.serve.commands import TagOptions, tag
from claimwire.serve.tagger import Tagger

RESULTS: Final = Path("benchmarks/results/scale.md")
TOLERANCE: Final = 1e-3

Contestant = Callable[[Path], object]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sentences", type=int, default=16_000)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_inputs(folder / "in", options.sentences, options.files)
        before = time.perf_counter()
        ray = ray_engine.import_ray()
        ray_engine.start(ray, 2)
        start_seconds = time.perf_counter() - before
        seconds, outputs = race(folder, options.model, options.rounds)
        ray.shutdown()
        same = compare(outputs)
    what = f"{options.sentences:,} sentences in {options.files} files"
    model = Tagger.load(options.model).model
    text = report(seconds, start_seconds, f"{what}, {model}", same)
    options.output.write_text(text, encoding="utf-8")
    print(text)
    return 0 if same else 1


def write_inputs(folder: Path, sentences: int, files: int) -> None:
    """Write JSON Lines of sentences, each of them once: repeats would come from the cache."""
    folder.mkdir()
    texts = [example.text.rstrip(".") for example in load_examples(default_corpus())]
    for part in range(files):
        numbers = range(part, sentences, files)
        lines = (
            json.dumps({"id": n, "text": f"{texts[n % len(texts)]}, report {n}."}) for n in numbers
        )
        (folder / f"{part}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def race(
    folder: Path, model: str | None, rounds: int
) -> tuple[dict[str, float], dict[str, list[dict[str, Any]]]]:
    """Return the best seconds of each contestant, and its records."""
    contestants: dict[str, dict[str, Any]] = {
        "local, 1 thread": {"threads": 1},
        "local, 2 threads": {"threads": 2},
        "Ray, 1 worker": {"threads": 1, "engine": "ray", "workers": 1},
        "Ray, 2 workers": {"threads": 1, "engine": "ray", "workers": 2},
    }
    seconds: dict[str, float] = {}
    outputs: dict[str, list[dict[str, Any]]] = {}
    for turn in range(rounds):
        for number, (name, settings) in enumerate(contestants.items()):
            output = folder / f"out-{turn}-{number}"
            options = TagOptions(
                unit="sentence", output_format="jsonl", output=output, model=model, **settings
            )
            before = time.perf_counter()
            with contextlib.redirect_stderr(io.StringIO()):
                tag([str(folder / "in")], options)
            taken = time.perf_counter() - before
            seconds[name] = min(taken, seconds.get(name, taken))
            outputs[name] = records(output)
    return seconds, outputs


def records(output: Path) -> list[dict[str, Any]]:
    paths = sorted(output.glob("0*.jsonl")) if output.is_dir() else [output]
    return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]


def compare(outputs: dict[str, list[dict[str, Any]]]) -> bool:
    """Say whether all have the labels of the first, and its scores as nearly as promised."""
    expected, *others = outputs.values()
    return all(
        len(one) == len(expected)
        and all(
            a["id"] == b["id"]
            and a["labels"] == b["labels"]
            and max(abs(a["scores"][k] - b["scores"][k]) for k in a["scores"]) <= TOLERANCE
            for a, b in zip(expected, one, strict=True)
        )
        for one in others
    )


def report(seconds: dict[str, float], start_seconds: float, what: str, same: bool) -> str:
    base = seconds["local, 1 thread"]
    lines = [
        "# Scale-out",
        "",
        f"By `python benchmarks/scale.py`: {what}, 2 processors.",
        "",
        "| engine | sentences/s, as a ratio to the first |",
        "|---|---|",
        *(f"| {name} | {base / taken:.2f} |" for name, taken in seconds.items()),
        "",
        f"Starting Ray took {start_seconds / base:.2f} of the first one's time and is not in "
        "these. "
        + ("All gave the same labels, and scores within 0.001." if same else "RECORDS DIFFER."),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
