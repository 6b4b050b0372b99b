"""The release's runtime: sentences in, decisions out, on onnxruntime alone.

Sentences are tokenized, sorted by length and run in batches of bounded size, one batch a thread;
the results come back in the order of the input and do not depend on which sentences shared a batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from claimwire.data.errors import InputError, ReleaseError
from claimwire.data.labels import LABELS
from claimwire.model.decision import Decision, calibrate, decide

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer

    from claimwire.model.release import Release

TOKEN_BUDGET: Final = 512
"""Most tokens, padding included, that one batch holds (a longer sentence runs alone). Enough that
starting an operator costs little beside what it does; larger batches are padded more."""
CHUNK: Final = 1024
"""Sentences tokenized and sorted at a time: bounds memory, whatever the length of the input."""
CHARACTERS_PER_TOKEN: Final = 50
"""Text beyond ``max_length * CHARACTERS_PER_TOKEN`` characters is not even tokenized. A token has
about 5 characters, so whatever is cut here would not have been read anyway."""
MAX_DEFAULT_THREADS: Final = 4


@dataclass(frozen=True, slots=True)
class _Tokens:
    """One tokenized sentence."""

    ids: list[int]
    truncated: bool


class Runtime:
    """Runs one release.

    Args:
        release: a verified release.
        threads: batches computed at the same time, each by one thread; by default the processors
            that this process may use, at most :data:`MAX_DEFAULT_THREADS`.

    Raises:
        InputError: ``threads`` is below 1.
        ReleaseError: the network or the tokenizer cannot be read by this installation.
    """

    def __init__(self, release: Release, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise InputError(f"threads: expected 1 or more, or None, found {threads}")
        self.release = release
        self._max_length = release.manifest.max_length
        self._tokenizer = _open_tokenizer(release)
        self._pad = _token_id(release, self._tokenizer, "[PAD]")
        self._sep = _token_id(release, self._tokenizer, "[SEP]")
        self._threads = default_threads() if threads is None else threads
        self._session = _open_session(release)
        self._pool: tuple[int, ThreadPoolExecutor] | None = None

    def predict(self, sentences: Sequence[str]) -> list[Decision]:
        """Return one decision a sentence, in order; an empty input gives an empty list."""
        manifest = self.release.manifest
        logits, truncated = self.logits(sentences)
        return decide(
            calibrate(logits, manifest.calibration),
            manifest.thresholds,
            manifest.review_threshold,
            truncated,
            logits if manifest.label_order == "output" else None,
        )

    def logits(self, sentences: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the raw outputs ``[n, 4]`` and, for each sentence, whether it was truncated."""
        logits = np.zeros((len(sentences), len(LABELS)), dtype=np.float32)
        truncated = np.zeros(len(sentences), dtype=np.bool_)
        for start in range(0, len(sentences), CHUNK):
            tokens = self._tokenize(sentences[start : start + CHUNK])
            truncated[start : start + len(tokens)] = [entry.truncated for entry in tokens]
            batches = list(_batches([len(entry.ids) for entry in tokens]))
            results = self._run_all([[tokens[row].ids for row in rows] for rows in batches])
            for rows, batch in zip(batches, results, strict=True):
                logits[[start + row for row in rows]] = batch
        if not np.isfinite(logits).all():
            raise ReleaseError(
                f"{self.release.id}: expected finite outputs, found NaN or infinity: "
                "this network is damaged; export or retrain it"
            )
        return logits, truncated

    def _tokenize(self, sentences: Sequence[str]) -> list[_Tokens]:
        most = self._max_length * CHARACTERS_PER_TOKEN
        texts = [_readable(text[:most]) for text in sentences]
        encodings = self._tokenizer.encode_batch_fast(texts)
        return [
            self._cut(encoding.ids, already_cut=len(text) > most)
            for text, encoding in zip(sentences, encodings, strict=True)
        ]

    def _cut(self, ids: list[int], *, already_cut: bool) -> _Tokens:
        if len(ids) <= self._max_length:
            return _Tokens(ids, already_cut)
        return _Tokens([*ids[: self._max_length - 1], self._sep], True)

    def _run_all(self, batches: list[list[list[int]]]) -> list[NDArray[np.float32]]:
        """Run batches side by side, one thread a batch.

        Two threads so do twice the work of one; two threads in one matrix product, which is too
        small here to be shared out, do one and a half times as much.
        """
        if self._threads < 2 or len(batches) < 2:
            return [self._run(batch) for batch in batches]
        return list(self._workers().map(self._run, batches))

    def _workers(self) -> ThreadPoolExecutor:
        """Return the threads; they are started once a process, since a fork takes none along."""
        process = os.getpid()
        if self._pool is None or self._pool[0] != process:
            self._pool = process, ThreadPoolExecutor(self._threads, "claimwire-runtime")
        return self._pool[1]

    def _run(self, batch: list[list[int]]) -> NDArray[np.float32]:
        """Run the network on token ids, ``[n, 4]``; shorter rows are padded and masked."""
        width = max(len(ids) for ids in batch)
        if width == 0:
            raise ReleaseError(
                f"{self.release.layout.tokenizer}: expected one token or more of each sentence, "
                "found none, not even [CLS]: export the release again"
            )
        input_ids = np.full((len(batch), width), self._pad, dtype=np.int64)
        mask = np.zeros((len(batch), width), dtype=np.int64)
        for row, ids in enumerate(batch):
            input_ids[row, : len(ids)] = ids
            mask[row, : len(ids)] = 1
        inputs = {"input_ids": input_ids, "attention_mask": mask}
        try:
            logits: NDArray[np.float32] = self._session.run(["logits"], inputs)[0]
        except Exception as error:
            # A position or a token that the network has no row for, or no memory left.
            raise ReleaseError(
                f"{self.release.layout.model}: cannot run {len(batch)} x {width} tokens "
                f"({_one_line(error)}): expected a network that fits the manifest's max_length "
                f"({self._max_length}) and the tokenizer; export the release again"
            ) from error
        return logits


def default_threads() -> int:
    """Return the number of threads used where none is given."""
    if hasattr(os, "sched_getaffinity"):
        available = len(os.sched_getaffinity(0))
    else:
        available = os.cpu_count() or 1
    return max(1, min(available, MAX_DEFAULT_THREADS))


def _batches(lengths: Sequence[int], budget: int = TOKEN_BUDGET) -> Iterator[list[int]]:
    """Group row numbers, longest first, so that rows times longest row stays in ``budget``."""
    # Ties keep the input's order, so the same input always makes the same batches.
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    batch: list[int] = []
    for row in order:
        if batch and (len(batch) + 1) * lengths[batch[0]] > budget:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _readable(text: str) -> str:
    """Replace lone surrogates, which no encoding of text holds, by U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _open_tokenizer(release: Release) -> Tokenizer:
    from tokenizers import Tokenizer

    path = release.layout.tokenizer
    try:
        tokenizer: Tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise ReleaseError(
            f"{path}: expected a tokenizer that the installed tokenizers library reads, found "
            f"{error}: upgrade tokenizers, or export the release again"
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _token_id(release: Release, tokenizer: Tokenizer, token: str) -> int:
    found: int | None = tokenizer.token_to_id(token)
    if found is None:
        raise ReleaseError(
            f"{release.layout.tokenizer}: expected a tokenizer with {token}, found none: "
            "export the release again from a DistilBERT tokenizer"
        )
    return found


def _open_session(release: Release) -> onnxruntime.InferenceSession:
    """Open the network; its ``run`` computes on the thread that calls it, and may be shared."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what matters is raised
    path = release.layout.model
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise ReleaseError(
            f"{path}: expected a network of ONNX and com.microsoft operators that the installed "
            f"onnxruntime {onnxruntime.__version__} runs, found: {_one_line(error)}: "
            "upgrade onnxruntime, or export the release again"
        ) from error
    _check_interface(release, session)
    return session


def _check_interface(release: Release, session: Any) -> None:
    inputs = {entry.name: entry.type for entry in session.get_inputs()}
    outputs = {entry.name: entry.shape[-1] for entry in session.get_outputs()}
    expected = {"input_ids": "tensor(int64)", "attention_mask": "tensor(int64)"}
    if inputs != expected or outputs != {"logits": len(LABELS)}:
        raise ReleaseError(
            f"{release.layout.model}: expected inputs {expected} and one output logits of width "
            f"{len(LABELS)}, found {inputs} and {outputs}: export the release again"
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:500]
