"""A DistilBERT that begins as some layers of a larger encoder, and the loss that teaches it.

DistilBERT was made so: every second layer of BERT, then taught to follow the whole (Sanh, Debut,
Chaumond, Wolf: DistilBERT, a distilled version of BERT, 2019). MPNet is a BERT but for its relative
position bias, which a DistilBERT has no place for, and its ids, which begin with four tokens of its
own. The loss compares hidden states, layer by layer (Jiao et al.: TinyBERT, 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import torch  # noqa: TID253 - imported by what trains only
from torch import nn  # noqa: TID253

from claimwire.data.errors import ConfigError, EncoderError

if TYPE_CHECKING:
    from transformers import DistilBertModel, PreTrainedTokenizerFast

SPECIAL_TOKENS: Final = {"[PAD]": "<pad>", "[CLS]": "<s>", "[SEP]": "</s>", "[MASK]": "<mask>"}
"""BERT's tokens and those that MPNet was trained with in their place."""
_LAYER_NAMES: Final = {
    "attention.q_lin": "attention.attn.q",
    "attention.k_lin": "attention.attn.k",
    "attention.v_lin": "attention.attn.v",
    "attention.out_lin": "attention.attn.o",
    "sa_layer_norm": "attention.LayerNorm",
    "ffn.lin1": "intermediate.dense",
    "ffn.lin2": "output.dense",
    "output_layer_norm": "output.LayerNorm",
}


def teacher_ids(
    tokenizer: PreTrainedTokenizerFast, teacher_tokenizer: PreTrainedTokenizerFast
) -> torch.Tensor:
    """Return for each id of a BERT vocabulary the teacher's id of the same token, ``[vocabulary]``.

    Raises:
        EncoderError: the teacher does not know a token.
    """
    vocabulary, known = tokenizer.get_vocab(), teacher_tokenizer.get_vocab()
    ids = torch.zeros(max(vocabulary.values()) + 1, dtype=torch.long)
    for token, index in vocabulary.items():
        theirs = known.get(SPECIAL_TOKENS.get(token, token), known.get(token))
        if theirs is None:
            raise EncoderError(
                f"teacher.base: expected a vocabulary with BERT's token {token!r}, found none: "
                "choose an MPNet over BERT's uncased vocabulary"
            )
        ids[index] = theirs
    return ids


def student_of(teacher: nn.Module, layers: Sequence[int], ids: torch.Tensor) -> DistilBertModel:
    """Return a DistilBERT with the teacher's embeddings and the named ones of its layers.

    Args:
        teacher: an ``MPNetModel``.
        layers: numbers of layers from 0, rising.
        ids: the teacher's id of each token, ``[vocabulary]``, see :func:`teacher_ids`.

    Raises:
        EncoderError: the teacher is no MPNet.
        ConfigError: it has no such layer.
    """
    from transformers import DistilBertConfig, DistilBertModel, MPNetModel

    if not isinstance(teacher, MPNetModel):
        raise EncoderError(
            f"teacher.base: expected an MPNet to take layers from, found {type(teacher).__name__}: "
            "choose packaged:mpnet, or another encoder.start"
        )
    shape = teacher.config
    if layers[-1] >= shape.num_hidden_layers:
        raise ConfigError(
            f"encoder.layers: expected numbers below {shape.num_hidden_layers}, the layers of the "
            f"teacher, found {layers[-1]}"
        )
    first_position = int(shape.pad_token_id or 0) + 1  # positions begin behind the padding's
    student = DistilBertModel(
        DistilBertConfig(
            vocab_size=len(ids),
            max_position_embeddings=shape.max_position_embeddings - first_position,
            n_layers=len(layers),
            n_heads=shape.num_attention_heads,
            dim=shape.hidden_size,
            hidden_dim=shape.intermediate_size,
            dropout=shape.hidden_dropout_prob,
            attention_dropout=shape.attention_probs_dropout_prob,
            activation=shape.hidden_act,
            pad_token_id=0,
        )
    )
    theirs = teacher.state_dict()
    tensors = {
        "embeddings.word_embeddings.weight": theirs["embeddings.word_embeddings.weight"][ids],
        "embeddings.position_embeddings.weight": theirs["embeddings.position_embeddings.weight"][
            first_position:
        ],
    }
    for part in ("weight", "bias"):
        tensors[f"embeddings.LayerNorm.{part}"] = theirs[f"embeddings.LayerNorm.{part}"]
        for place, layer in enumerate(layers):
            for ours, name in _LAYER_NAMES.items():
                source = f"encoder.layer.{layer}.{name}.{part}"
                tensors[f"transformer.layer.{place}.{ours}.{part}"] = theirs[source]
    student.load_state_dict(tensors)
    return student


class Imitation(nn.Module):
    """Student and teacher under one loss: how far the student's hidden states are from theirs.

    The loss of a layer is the mean squared difference over the tokens, divided by the variance of
    the teacher's states, so that 1 is what the best constant would reach; layers count alike. Where
    the widths differ a linear map of the student's last layer is compared, and thrown away later.

    Args:
        student: a DistilBertModel.
        teacher: an encoder with as many layers or more; it is not trained.
        layers: of the teacher, one for each layer of the student; None: only the last of both.
        ids: the teacher's id of each token, ``[vocabulary]``.
    """

    def __init__(
        self,
        student: DistilBertModel,
        teacher: nn.Module,
        layers: Sequence[int] | None,
        ids: torch.Tensor,
    ) -> None:
        super().__init__()
        self.student = student
        widths = (student.config.dim, int(teacher.config.hidden_size))  # type: ignore[union-attr, arg-type]
        self.widen = nn.Identity() if widths[0] == widths[1] else nn.Linear(*widths)
        # In a list, so that it is neither trained nor written into checkpoints.
        self._teacher = [teacher.eval().requires_grad_(requires_grad=False)]
        self._layers = layers
        self.register_buffer("ids", ids, persistent=False)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, return_loss: bool = True
    ) -> dict[str, torch.Tensor]:
        """Return ``{"loss": ...}`` for ids of the student and mask, both ``[batch, tokens]``.

        ``return_loss`` is there for the Trainer, which reads from it that no labels are needed.
        """
        teacher = self._teacher[0].to(input_ids.device)
        with torch.no_grad():
            theirs = teacher(
                input_ids=self.ids[input_ids],  # type: ignore[index]
                attention_mask=attention_mask,
                output_hidden_states=True,
            ).hidden_states
        ours = self.student(
            input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True
        ).hidden_states
        mask = attention_mask.bool()
        if self._layers is None:
            return {"loss": _relative_error(self.widen(ours[-1]), theirs[-1], mask)}
        losses = [
            # hidden_states[0] are the embeddings
            _relative_error(ours[place + 1], theirs[layer + 1], mask)
            for place, layer in enumerate(self._layers)
        ]
        return {"loss": torch.stack(losses).mean()}


def _relative_error(ours: torch.Tensor, theirs: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return squared error over variance of states ``[batch, tokens, width]`` where mask is set."""
    a, b = ours[mask].float(), theirs[mask].float()  # [tokens of all rows, width]
    return (a - b).square().mean() / (b - b.mean(dim=0)).square().mean()
