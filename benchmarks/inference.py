"""Inference speed: claimwire against what people would otherwise run, same sentences, same weights.

Run from the repository's root, with the extra [dev] installed and nothing else running::

    python benchmarks/inference.py                     # sentences of the composed corpus
    python benchmarks/inference.py --sentences FILE    # JSON Lines with a ``text`` a line

All contestants run one network, ``packaged:claimwire`` under a head of random weights (speed does
not depend on what they are), on the same number of threads, without a cache: the Hugging Face
pipeline one by one and at its best batch size, torch in bf16, onnxruntime fp32 and int8 in arrival
order and in batches of 32, CTranslate2, OpenVINO and its int8 by NNCF where they are installed, and
claimwire's own Runtime. Each is warmed up, then all are timed in turn, ``--rounds`` times, so that
a neighbour on the same machine does not slow one of them alone; the best time of each counts. Rates
are written as ratios to the pipeline one by one, since seconds depend on the machine. Writes
``benchmarks/results/inference.md``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
import torch  # noqa: TID253

from claimwire.data.corpus import default_corpus, load_examples
from claimwire.data.labels import CLAIM_LABELS
from claimwire.model.export import export_onnx, write_tokenizer
from claimwire.model.manifest import ManifestDraft
from claimwire.model.network import build_classifier
from claimwire.model.quantize import quantize_onnx
from claimwire.model.release import load_release, write_release
from claimwire.model.runtime import Runtime

RESULTS: Final = Path("benchmarks/results/inference.md")
MAX_LENGTH: Final = 128
BATCH: Final = 32
PIPELINE_BATCHES: Final = (8, 32, 128)
CALIBRATION: Final = 300
"""Sentences that OpenVINO's quantization sees."""
FEW: Final = 200
"""Sentences for the slow contestants; a rate needs no more."""

Contestant = Callable[[Sequence[str]], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--sentences", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    sentences = _sentences(options.sentences, options.count)
    with tempfile.TemporaryDirectory(prefix="claimwire-benchmark-") as scratch:
        contestants = dict(_contestants(Path(scratch), options.threads))
        rates = _rates(contestants, sentences, options.rounds)
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


def _rates(
    contestants: dict[str, tuple[Contestant, bool]], sentences: Sequence[str], rounds: int
) -> dict[str, float]:
    """Return sentences a second, the best of all rounds."""
    few = _like_all(sentences, FEW)
    shares = {name: few if slow else sentences for name, (_, slow) in contestants.items()}
    seconds = dict.fromkeys(contestants, float("inf"))
    for contestant, _ in contestants.values():
        contestant(few[: FEW // 4])
    for round_ in range(rounds):
        for name, (contestant, _) in contestants.items():
            start = time.perf_counter()
            contestant(shares[name])
            seconds[name] = min(seconds[name], time.perf_counter() - start)
        print(f"round {round_ + 1} of {rounds}", flush=True)
    return {name: len(shares[name]) / seconds[name] for name in contestants}


def _like_all(sentences: Sequence[str], count: int) -> list[str]:
    """Return so many sentences, as long as all are in the mean, in the same order."""
    by_length = sorted(range(len(sentences)), key=lambda row: len(sentences[row]))
    count = min(count, len(sentences))
    middles = ((2 * place + 1) * len(sentences) // (2 * count) for place in range(count))
    return [sentences[row] for row in sorted(by_length[place] for place in middles)]


def _contestants(scratch: Path, threads: int) -> Iterator[tuple[str, tuple[Contestant, bool]]]:
    """Yield name and contestant, and whether it is so slow that it gets :data:`FEW` sentences."""
    torch.manual_seed(0)
    model, tokenizer = build_classifier("packaged:claimwire")
    model.eval()
    hub, full, small = scratch / "hub", scratch / "fp32.onnx", scratch / "int8.onnx"
    model.save_pretrained(hub)
    tokenizer.save_pretrained(hub)
    export_onnx(model, full)
    quantize_onnx(full, small)
    write_tokenizer(tokenizer, scratch / "tokenizer.json")

    from transformers import pipeline

    pipe = pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None, device=-1)

    def piped(batch_size: int) -> Contestant:
        return lambda texts: pipe(
            list(texts), batch_size=batch_size, truncation=True, max_length=MAX_LENGTH
        )

    yield "pipeline one by one", (piped(1), True)
    for batch_size in PIPELINE_BATCHES:
        yield f"pipeline, batches of {batch_size}", (piped(batch_size), True)

    def batches(texts: Sequence[str]) -> Iterator[dict[str, Any]]:
        for start in range(0, len(texts), BATCH):
            yield dict(
                tokenizer(
                    list(texts[start : start + BATCH]),
                    truncation=True,
                    max_length=MAX_LENGTH,
                    padding=True,
                    return_tensors="np",
                )
            )

    def in_bf16(texts: Sequence[str]) -> None:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            for batch in batches(texts):
                model(**{name: torch.from_numpy(array) for name, array in batch.items()})

    yield f"torch bf16, batches of {BATCH}", (in_bf16, True)
    for name, path in (("fp32", full), ("int8", small)):
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(str(path), settings, ["CPUExecutionProvider"])

        def in_ort(texts: Sequence[str], session: onnxruntime.InferenceSession = session) -> None:
            for batch in batches(texts):
                session.run(["logits"], batch)

        yield f"onnxruntime {name}, batches of {BATCH}", (in_ort, False)
    if importlib.util.find_spec("openvino") is not None:
        network = _openvino_network(model, next(batches(["A short sentence."])))
        for precision in ("f32", "bf16"):
            contestant = _in_openvino(network, threads, batches, precision)
            yield f"OpenVINO {precision}, batches of {BATCH}", (contestant, False)
        if importlib.util.find_spec("nncf") is not None:
            network = _quantized_by_nncf(network, batches(_sentences(None, CALIBRATION)))
            contestant = _in_openvino(network, threads, batches, "f32")
            yield f"OpenVINO int8, batches of {BATCH}", (contestant, False)
    if importlib.util.find_spec("ctranslate2") is not None:
        yield (
            f"CTranslate2 int8, batches of {BATCH}",
            (_in_ct2(hub, scratch, threads, tokenizer), False),
        )
    draft = ManifestDraft(
        name="benchmark",
        version="1",
        base="packaged:claimwire",
        thresholds=dict.fromkeys(CLAIM_LABELS, 0.5),
        review_threshold=0.5,
        max_length=MAX_LENGTH,
        precision="int8",
        corpus_digest="sha256:0",
        config_digest="sha256:0",
    )
    written = write_release(
        scratch / "release",
        draft,
        model_onnx=small,
        tokenizer_json=scratch / "tokenizer.json",
        model_card="",
    )
    yield "claimwire", (Runtime(load_release(written.directory), threads).predict, False)


def _openvino_network(model: Any, example: dict[str, Any]) -> Any:
    """The torch network as OpenVINO's own converter takes it over."""
    import openvino

    tensors = {name: torch.from_numpy(array) for name, array in example.items()}
    return openvino.convert_model(model, example_input=tensors)


def _quantized_by_nncf(network: Any, batches: Iterator[dict[str, Any]]) -> Any:
    import nncf

    return nncf.quantize(
        network, nncf.Dataset(list(batches)), model_type=nncf.ModelType.TRANSFORMER
    )


def _in_openvino(network: Any, threads: int, batches: Any, precision: str) -> Contestant:
    """A batch a thread, which is faster for it than all threads in one batch."""
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": threads,
        "PERFORMANCE_HINT": "THROUGHPUT",
        "INFERENCE_PRECISION_HINT": precision,
    }
    compiled = openvino.Core().compile_model(network, "CPU", settings)
    queue = openvino.AsyncInferQueue(compiled, threads)

    def run(texts: Sequence[str]) -> None:
        for batch in batches(texts):
            queue.start_async(batch)
        queue.wait_all()

    return run


def _in_ct2(hub: Path, scratch: Path, threads: int, tokenizer: Any) -> Contestant:
    import ctranslate2

    converted = scratch / "ct2"
    ctranslate2.converters.TransformersConverter(str(hub)).convert(
        str(converted), quantization="int8"
    )
    encoder = ctranslate2.Encoder(str(converted), intra_threads=threads, compute_type="int8")

    def run(texts: Sequence[str]) -> None:
        for start in range(0, len(texts), BATCH):
            ids = tokenizer(
                list(texts[start : start + BATCH]), truncation=True, max_length=MAX_LENGTH
            )["input_ids"]
            np.asarray(encoder.forward_batch(ids).last_hidden_state)

    return run


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
    ids = tokenizer(list(sentences), truncation=True, max_length=MAX_LENGTH)["input_ids"]
    tokens = float(np.mean([len(row) for row in ids]))
    weights = 4 * shape.dim**2 + 2 * shape.dim * shape.hidden_dim
    # The last layer computes one row a sentence.
    return rate * 2 * weights * ((shape.n_layers - 1) * tokens + 1) / ceiling


def _report(rates: dict[str, float], sentences: Sequence[str], threads: int, ceiling: float) -> str:
    first = rates["pipeline one by one"]
    rows = [f"| {name} | {rate / first:.2f} |" for name, rate in rates.items()]
    best_other = max(rate for name, rate in rates.items() if name != "claimwire")
    words = float(np.mean([len(text.split()) for text in sentences]))
    return "\n".join(
        [
            "# Inference speed",
            "",
            f"{len(sentences):,} sentences of {words:.0f} words in the mean ({FEW} for pipelines "
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
