"""Inference speed: claimwire against what people would otherwise run, same sentences, same weights.

Run from the repository's root, with the extra [dev] installed and nothing else running::

    python benchmarks/inference.py                     # sentences of the composed corpus
    python benchmarks/inference.py --sentences FILE    # JSON Lines with a ``text`` a line
    pip install openvino nncf ctranslate2              # for all contestants

All contestants (``benchmarks/contestants.py``) run one network, ``packaged:claimwire`` under a head
of random weights (speed does not depend on what they are), on the same number of threads, without
a cache: the Hugging Face pipeline one by one and at its best batch size, torch in bf16, onnxruntime
fp32 and int8 in arrival order and in batches of 32, CTranslate2, OpenVINO and its int8 by NNCF
where they are installed, and claimwire's own Runtime. Each has a process of its own, which waits
while others are timed: in one process the thread pools of some slow others down. All are timed in
turn, ``--rounds`` times, so that a neighbour on the same machine does not meet one of them alone;
the best time of each counts. Rates are written as ratios to the pipeline one by one, since seconds
depend on the machine. Writes ``benchmarks/results/inference.md``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import contestants
import numpy as np
import torch  # noqa: TID253

from claimwire.data.corpus import default_corpus, load_examples

RESULTS: Final = Path("benchmarks/results/inference.md")
FEW: Final = 200
"""Sentences for the slow contestants; a rate needs no more."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--sentences", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    sentences = _sentences(options.sentences, options.count)
    with tempfile.TemporaryDirectory(prefix="claimwire-benchmark-") as scratch:
        contestants.prepare(Path(scratch))
        rates = _rates(Path(scratch), sentences, options.threads, options.rounds)
        torch.set_num_threads(options.threads)
        ceiling = _share_of_ceiling(Path(scratch), sentences, rates["claimwire"])
    text = _report(rates, sentences, options.threads, ceiling)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text, encoding="utf-8")
    print(text)


class _Raw(argparse.RawDescriptionHelpFormatter):
    pass


def _sentences(path: Path | None, count: int) -> list[str]:
    if path is None:
        texts = [example.text for example in load_examples(default_corpus())]
    else:
        lines = path.read_text(encoding="utf-8").splitlines()
        texts = [json.loads(line)["text"] for line in lines if line.strip()]
    distinct = list(dict.fromkeys(texts))  # nothing is to be had twice
    np.random.default_rng(0).shuffle(distinct)
    return distinct[:count]


def _rates(scratch: Path, sentences: Sequence[str], threads: int, rounds: int) -> dict[str, float]:
    """Return sentences a second, the best of all rounds."""
    few = _like_all(sentences, FEW)
    built = contestants.builders()
    shares = {name: few if slow else sentences for name, (_, slow) in built.items()}
    seconds = dict.fromkeys(built, float("inf"))
    with _processes(scratch, threads) as ends:
        for name in built:
            _timed(ends[name], few[: FEW // 4])
            print(f"{name}: ready", flush=True)
        for round_ in range(rounds):
            for name, share in shares.items():
                seconds[name] = min(seconds[name], _timed(ends[name], share))
            print(f"round {round_ + 1} of {rounds}", flush=True)
    rates = {name: len(shares[name]) / seconds[name] for name in built}
    for name, rate in rates.items():
        print(f"{name}: {rate:.1f} sentences/s")
    return rates


@contextmanager
def _processes(scratch: Path, threads: int) -> Iterator[dict[str, Connection]]:
    """Start a process a contestant; what is sent to it is timed, and the seconds come back."""
    context = multiprocessing.get_context("spawn")
    ends: dict[str, Connection] = {}
    running = []
    try:
        for name in contestants.builders():
            ends[name], other = context.Pipe()
            process = context.Process(
                target=_serve, args=(name, scratch, threads, other), daemon=True
            )
            process.start()
            running.append(process)
            other.close()
            # Built one after the other: some take all processors while they convert the network.
            _timed(ends[name], ["One sentence."])
        yield ends
    finally:
        for end in ends.values():
            with suppress(OSError):  # one that failed has hung up
                end.send(None)
        for process in running:
            process.join(timeout=10)


def _timed(end: Connection, texts: Sequence[str]) -> float:
    end.send(list(texts))
    seconds: float = end.recv()
    return seconds


def _serve(name: str, scratch: Path, threads: int, end: Connection) -> None:
    contestant = contestants.builders()[name][0](scratch, threads)
    while (texts := end.recv()) is not None:
        start = time.perf_counter()
        contestant(texts)
        end.send(time.perf_counter() - start)


def _like_all(sentences: Sequence[str], count: int) -> list[str]:
    """Return so many sentences, as long as all are in the mean, in the same order."""
    by_length = sorted(range(len(sentences)), key=lambda row: len(sentences[row]))
    count = min(count, len(sentences))
    middles = ((2 * place + 1) * len(sentences) // (2 * count) for place in range(count))
    return [sentences[row] for row in sorted(by_length[place] for place in middles)]


def _share_of_ceiling(scratch: Path, sentences: Sequence[str], rate: float) -> float:
    """Return claimwire's matrix operations a second over those of a large bf16 product."""
    a = torch.rand(1536, 1536).bfloat16()
    b = torch.rand(1536, 1536).bfloat16()
    best = float("inf")
    for _ in range(8):
        start = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - start)
    ceiling = 2 * 1536**3 / best
    from transformers import AutoConfig, AutoTokenizer

    shape = AutoConfig.from_pretrained(scratch / "hub")
    tokenizer = AutoTokenizer.from_pretrained(scratch / "hub")
    longest = contestants.MAX_LENGTH
    ids = tokenizer(list(sentences), truncation=True, max_length=longest)["input_ids"]
    tokens = float(np.mean([len(row) for row in ids]))
    weights = 4 * shape.dim**2 + 2 * shape.dim * shape.hidden_dim
    # The last layer computes one row a sentence.
    return rate * 2 * weights * ((shape.n_layers - 1) * tokens + 1) / ceiling


def _report(rates: dict[str, float], sentences: Sequence[str], threads: int, ceiling: float) -> str:
    first = rates["pipeline one by one"]
    rows = [f"| {name} | {rate / first:.2f} |" for name, rate in rates.items()]
    best_other = max(rate for name, rate in rates.items() if name != "claimwire")
    few = min(FEW, len(sentences))
    words = float(np.mean([len(text.split()) for text in sentences]))
    return "\n".join(
        [
            "# Inference speed",
            "",
            f"{len(sentences):,} sentences of {words:.0f} words in the mean ({few} for pipelines "
            f"and torch), {threads} threads, {os.cpu_count()} processors.",
            "",
            "| contestant | sentences/s, as a ratio |",
            "|---|---|",
            *rows,
            "",
            f"claimwire is {rates['claimwire'] / first:.1f} times the pipeline one by one and "
            f"{rates['claimwire'] / best_other:.2f} times the fastest of the others. Its matrix "
            f"products run at {ceiling:.0%} of the rate of a large product in bf16 by torch, in "
            "the same run.",
            "",
        ]
    )


if __name__ == "__main__":
    main()
