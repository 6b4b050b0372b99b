"""What claimwire's runtime is measured against: one network, run in other ways.

Each contestant is built by a function that takes the directory of :func:`prepare` and a number of
threads, and gives a function of sentences.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
import torch  # noqa: TID253

from claimwire.data.corpus import default_corpus, load_examples
from claimwire.model.export import export_onnx, write_tokenizer
from claimwire.model.manifest import ManifestDraft
from claimwire.model.network import build_classifier
from claimwire.model.quantize import quantize_onnx
from claimwire.model.release import default_release, load_release, write_release
from claimwire.model.runtime import Runtime

BASE: Final = "packaged:claimwire"
MAX_LENGTH: Final = 128
BATCH: Final = 32
PIPELINE_BATCHES: Final = (8, 32, 128)
CALIBRATION: Final = 300
"""Sentences that OpenVINO's quantization sees."""

Contestant = Callable[[Sequence[str]], object]
Builder = Callable[[Path, int], Contestant]


def prepare(scratch: Path) -> None:
    """Write the network as a hub directory, as ONNX in 32 bits and in int8, and as a release."""
    torch.manual_seed(0)
    model, tokenizer = build_classifier(BASE)
    model.eval().save_pretrained(scratch / "hub")
    tokenizer.save_pretrained(scratch / "hub")
    export_onnx(model, scratch / "fp32.onnx")
    quantize_onnx(scratch / "fp32.onnx", scratch / "int8.onnx")
    write_tokenizer(tokenizer, scratch / "tokenizer.json")
    like = load_release(default_release()).manifest.model_dump(exclude={"files"})
    write_release(
        scratch / "release",
        ManifestDraft.model_validate(
            like | {"name": "benchmark", "base": BASE, "max_length": MAX_LENGTH}
        ),
        model_onnx=scratch / "int8.onnx",
        tokenizer_json=scratch / "tokenizer.json",
        model_card="",
    )


def builders() -> dict[str, tuple[Builder, bool]]:
    """Return each contestant that is installed, and whether it is a slow one."""
    found: dict[str, tuple[Builder, bool]] = {"pipeline one by one": (_pipeline(1), True)}
    for size in PIPELINE_BATCHES:
        found[f"pipeline, batches of {size}"] = (_pipeline(size), True)
    found[f"torch bf16, batches of {BATCH}"] = (_in_bf16, True)
    for precision in ("fp32", "int8"):
        found[f"onnxruntime {precision}, batches of {BATCH}"] = (_onnxruntime(precision), False)
    if importlib.util.find_spec("openvino") is not None:
        for precision in ("f32", "bf16"):
            found[f"OpenVINO {precision}, batches of {BATCH}"] = (_openvino(precision), False)
        if importlib.util.find_spec("nncf") is not None:
            found[f"OpenVINO int8, batches of {BATCH}"] = (_openvino("int8"), False)
    if importlib.util.find_spec("ctranslate2") is not None:
        found[f"CTranslate2 int8, batches of {BATCH}"] = (_in_ctranslate2, False)
    found["claimwire"] = (_claimwire, False)
    return found


def _claimwire(scratch: Path, threads: int) -> Contestant:
    return Runtime(load_release(scratch / "release"), threads).predict


def _loaded(scratch: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(scratch / "hub", dtype=torch.float32)
    return model.eval(), AutoTokenizer.from_pretrained(scratch / "hub")


def _pipeline(batch_size: int) -> Builder:
    def build(scratch: Path, threads: int) -> Contestant:
        from transformers import pipeline

        torch.set_num_threads(threads)
        model, tokenizer = _loaded(scratch)
        pipe = pipeline(
            "text-classification", model=model, tokenizer=tokenizer, top_k=None, device=-1
        )
        return lambda texts: pipe(
            list(texts), batch_size=batch_size, truncation=True, max_length=MAX_LENGTH
        )

    return build


def _batches(tokenizer: Any, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Token ids and masks in the order of the sentences, padded to the longest of a batch."""
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


def _in_bf16(scratch: Path, threads: int) -> Contestant:
    torch.set_num_threads(threads)
    model, tokenizer = _loaded(scratch)

    def run(texts: Sequence[str]) -> None:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            for batch in _batches(tokenizer, texts):
                model(**{name: torch.from_numpy(array) for name, array in batch.items()})

    return run


def _onnxruntime(precision: str) -> Builder:
    def build(scratch: Path, threads: int) -> Contestant:
        tokenizer = _loaded(scratch)[1]
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(
            str(scratch / f"{precision}.onnx"), settings, ["CPUExecutionProvider"]
        )

        def run(texts: Sequence[str]) -> None:
            for batch in _batches(tokenizer, texts):
                session.run(["logits"], batch)

        return run

    return build


def _openvino(precision: str) -> Builder:
    """The torch network by OpenVINO's own converter; a batch a thread, which is its fastest."""

    def build(scratch: Path, threads: int) -> Contestant:
        import openvino

        model, tokenizer = _loaded(scratch)
        example = next(_batches(tokenizer, ["A short sentence."]))
        tensors = {name: torch.from_numpy(array) for name, array in example.items()}
        network = openvino.convert_model(model, example_input=tensors)
        if precision == "int8":
            network = _quantized_by_nncf(network, tokenizer)
        settings = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": threads,
            "PERFORMANCE_HINT": "THROUGHPUT",
            "INFERENCE_PRECISION_HINT": "f32" if precision == "int8" else precision,
        }
        compiled = openvino.Core().compile_model(network, "CPU", settings)
        queue = openvino.AsyncInferQueue(compiled, threads)

        def run(texts: Sequence[str]) -> None:
            for batch in _batches(tokenizer, texts):
                queue.start_async(batch)
            queue.wait_all()

        return run

    return build


def _quantized_by_nncf(network: Any, tokenizer: Any) -> Any:
    import nncf

    texts = [each.text for each in load_examples(default_corpus()) if each.split == "train"]
    dataset = nncf.Dataset(list(_batches(tokenizer, texts[:CALIBRATION])))
    return nncf.quantize(network, dataset, model_type=nncf.ModelType.TRANSFORMER)


def _in_ctranslate2(scratch: Path, threads: int) -> Contestant:
    import ctranslate2

    tokenizer = _loaded(scratch)[1]
    converted = scratch / "ct2"
    ctranslate2.converters.TransformersConverter(str(scratch / "hub")).convert(
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
