"""Sentences as vectors: the mean of the token vectors of a base encoder that nobody has trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from claimwire.data.errors import ConfigError
from claimwire.model.encoders import load_encoder
from claimwire.model.packaged_encoder import PACKAGED_CLAIMWIRE
from claimwire.model.released_network import is_released
from claimwire.train.config import Config
from claimwire.train.hardware import available_cpus

if TYPE_CHECKING:
    import torch
    from transformers import DistilBertModel, PreTrainedTokenizerFast

FloatArray = npt.NDArray[np.float64]

TOKENS_A_BATCH: Final = 4096
"""Tokens with padding: larger batches waste less of a processor than they pad."""


def sentence_vectors(config: Config, texts: Sequence[str], console: Console) -> FloatArray:
    """Return the mean of each text's token vectors, ``[n, width]``, from the untrained base.

    A release is no untrained base, and has perhaps seen the labels of these very sentences: in its
    place stands ``packaged:claimwire``. Batches are sorted by length, so that hardly anything is
    padded; a bar shows the progress.

    Raises:
        EncoderError: the base cannot be had.
        ConfigError: ``model.max_length`` is beyond the base's positions.
    """
    import torch

    base = config.model.base
    encoder, tokenizer = load_encoder(PACKAGED_CLAIMWIRE if is_released(base) else base)
    _check_length(config, encoder.config.max_position_embeddings)
    torch.set_num_threads(config.train.threads or available_cpus())
    module: torch.nn.Module = encoder.eval()  # transformers types its own .to() otherwise
    module.to("cuda" if torch.cuda.is_available() else "cpu")
    ids = tokenizer(list(texts), truncation=True, max_length=config.model.max_length)["input_ids"]
    vectors = np.zeros((len(texts), encoder.config.hidden_size))
    columns = (TextColumn("[bold]encoding"), BarColumn(), MofNCompleteColumn())
    with (
        torch.inference_mode(),
        Progress(
            *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
        ) as bar,
    ):
        task = bar.add_task("encoding", total=len(texts))
        for rows in _batches([len(tokens) for tokens in ids]):
            vectors[rows] = _mean_pooled(encoder, tokenizer, [ids[row] for row in rows])
            bar.advance(task, len(rows))
    return vectors


def _check_length(config: Config, positions: int) -> None:
    if config.model.max_length > positions:
        raise ConfigError(
            f"model.max_length: expected at most {positions}, the positions that "
            f"{config.model.base} knows, found {config.model.max_length}: lower it"
        )


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Return row numbers in batches of like length, each of TOKENS_A_BATCH tokens at most."""
    batches: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        # Rows come by rising length, so the newest decides how far its batch is padded.
        if not batches or (len(batches[-1]) + 1) * lengths[row] > TOKENS_A_BATCH:
            batches.append([])
        batches[-1].append(row)
    return batches


def _mean_pooled(
    encoder: DistilBertModel, tokenizer: PreTrainedTokenizerFast, ids: list[list[int]]
) -> FloatArray:
    batch = tokenizer.pad({"input_ids": ids}, return_tensors="pt")
    device = next(encoder.parameters()).device
    mask = batch["attention_mask"].to(device)  # [batch, tokens]
    states = encoder(batch["input_ids"].to(device), mask).last_hidden_state
    weights = mask.unsqueeze(-1).to(states.dtype)
    means: FloatArray = ((states * weights).sum(1) / weights.sum(1)).double().cpu().numpy()
    return means
