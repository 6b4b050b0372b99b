"""The teacher's network: any encoder of transformers, the mean of its tokens, four outputs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch  # noqa: TID253 - imported by what trains only
from torch import nn  # noqa: TID253

from claimwire.data.errors import EncoderError
from claimwire.data.labels import LABELS
from claimwire.model.packaged_parts import PACKAGED_MPNET, joined, packaged_parts
from claimwire.train.hardware import supports_bf16

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


class MeanPooledClassifier(nn.Module):
    """Encoder, mean over the tokens, dropout, one linear layer.

    Sentence encoders such as MPNet's are trained on the mean of the token vectors, so that is
    what carries most (Reimers and Gurevych: Sentence-BERT, 2019).
    """

    def __init__(self, encoder: nn.Module, width: int, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(width, len(LABELS))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        """Return an output with ``logits`` ``[batch, 4]`` for ids and mask ``[batch, tokens]``."""
        from transformers.modeling_outputs import SequenceClassifierOutput

        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(states.dtype)  # [batch, tokens, 1]
        mean = (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        return SequenceClassifierOutput(logits=self.output(self.dropout(mean)))


def build_teacher(
    base: str, dropout: float
) -> tuple[MeanPooledClassifier, PreTrainedTokenizerFast]:
    """Put a fresh head on an encoder; seed torch before the call for a reproducible one.

    Args:
        base: ``packaged:mpnet``, a directory in hub format, or a hub name.
        dropout: before the last layer, 0 to below 1.

    Raises:
        EncoderError: the encoder is missing or cannot be loaded.
    """
    encoder, tokenizer = load_teacher_encoder(base)
    width = int(encoder.config.hidden_size)  # type: ignore[union-attr, arg-type]
    return MeanPooledClassifier(encoder, width, dropout), tokenizer


def load_teacher_encoder(base: str) -> tuple[nn.Module, PreTrainedTokenizerFast]:
    """Return a teacher's encoder in 32-bit floats and its tokenizer; see :func:`build_teacher`.

    Raises:
        EncoderError: the encoder is missing or cannot be loaded.
    """
    from transformers import AutoModel, AutoTokenizer

    with ExitStack() as stack:
        place = base
        if base == PACKAGED_MPNET:
            place = str(stack.enter_context(joined(packaged_parts())))
        elif base.startswith("packaged:"):
            raise EncoderError(f"teacher.base: expected {PACKAGED_MPNET}, found {base!r}")
        try:
            encoder = AutoModel.from_pretrained(place, dtype=torch.float32, use_safetensors=True)
            tokenizer: Any = AutoTokenizer.from_pretrained(place)
        except (OSError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())[:300]
            raise EncoderError(
                f"teacher.base {base!r}: cannot be loaded ({reason}): name a directory written by "
                f"save_pretrained, or {PACKAGED_MPNET}"
            ) from error
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
    return encoder, tokenizer


@torch.inference_mode()
def judge(
    model: MeanPooledClassifier,
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
    max_length: int,
    batch_size: int | None = None,
) -> list[tuple[float, ...]]:
    """Return four probabilities a text, in the order of LABELS; batches are sorted by length.

    Args:
        model: the teacher.
        tokenizer: of its base.
        texts: sentences.
        max_length: tokens, longer sentences are cut.
        batch_size: sentences at once; None: what suits the device.
    """
    model.eval()
    device = next(model.parameters()).device
    on_gpu = device.type == "cuda"
    batch_size = batch_size or (256 if on_gpu else 16)
    half = torch.autocast(device.type, torch.bfloat16, enabled=on_gpu and supports_bf16())
    encoded = tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
    order = sorted(range(len(texts)), key=lambda i: len(encoded[i]))
    judged: list[tuple[float, ...]] = [()] * len(texts)
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        batch = tokenizer.pad({"input_ids": [encoded[i] for i in chosen]}, return_tensors="pt")
        with half:
            logits = model(batch["input_ids"].to(device), batch["attention_mask"].to(device)).logits
        for index, row in zip(chosen, torch.sigmoid(logits.float()).tolist(), strict=True):
            judged[index] = tuple(row)
    return judged


def save_teacher(model: MeanPooledClassifier, folder: Path) -> None:
    """Write the weights as ``teacher.safetensors``."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(tensors, folder / "teacher.safetensors")
