"""``packaged:claimwire``: the project's own encoder, in 8 bits a weight.

``packaged:minilm`` taught on with sentences of conflict reporting, without labels, to follow a
larger encoder (``claimwire encoder``, ``configs/encoder.yaml``). Each row of a matrix is stored as
8-bit integers and one scale, its largest magnitude / 127; everything else in 16-bit floats. Read
back to 32-bit floats it is fine-tuned like any other encoder.

It lies in a clone of the repository, and in a distribution of its own, ``claimwire-encoder``, since
tagging needs none of it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claimwire.data.errors import EncoderError
from claimwire.model.companions import companion_directory

if TYPE_CHECKING:
    import torch

PACKAGED_CLAIMWIRE: Final = "packaged:claimwire"
DISTRIBUTION: Final = "claimwire-encoder"
WEIGHTS: Final = "weights.safetensors"
TOKENIZER: Final = "tokenizer.json"
CONFIG: Final = "config.json"
WEIGHTS_SHA256: Final = "0ea9cfb1e81bb2ff7480952a71d620113b5590753eb3fc9f5b05b40a0761a3db"
TOKENIZER_SHA256: Final = "9114256b104cca80e04367526f03f46aa3c443c2ed174904142a73bbf13b9fbb"
_ROWS: Final = ".rows"
_SCALE: Final = ".scale"
_FEWEST_VALUES: Final = 10_000
"""Smaller matrices and all vectors stay in 16-bit floats."""


def claimwire_encoder_directory() -> Path:
    """Return the directory of the encoder's files, without running their package.

    Raises:
        EncoderError: the distribution is not installed, and this is no clone of the repository.
    """
    directory = companion_directory(DISTRIBUTION)
    if directory is not None:
        return directory
    raise EncoderError(
        f"{PACKAGED_CLAIMWIRE}: expected the package {DISTRIBUTION}, found none: in a clone of the "
        f"repository run pip install ./packages/{DISTRIBUTION}, or set model.base=packaged:minilm"
    )


def read_packed(content: bytes) -> dict[str, torch.Tensor]:
    """Return an encoder's tensors in 32-bit floats from the bytes that :func:`pack` wrote."""
    from safetensors.torch import load

    packed = load(content)
    tensors = {}
    for name, tensor in packed.items():
        if name.endswith(_ROWS):
            plain = name.removesuffix(_ROWS)
            tensors[plain] = tensor.float() * packed[plain + _SCALE]
        elif not name.endswith(_SCALE):
            tensors[name] = tensor.float()
    return tensors


def pack(directory: Path, target: Path) -> None:
    """Write an encoder in hub format as :func:`read_packed` reads it.

    Args:
        directory: of a DistilBertModel, with ``config.json``, ``model.safetensors`` and
            ``tokenizer.json``.
        target: a directory; its files of the same names are replaced.

    Raises:
        EncoderError: a file is missing.
    """
    from safetensors.torch import load_file, save_file

    for name in (CONFIG, "model.safetensors", TOKENIZER):
        if not (directory / name).is_file():
            raise EncoderError(f"{directory}: expected {name}, found none: name an encoder")
    packed: dict[str, torch.Tensor] = {}
    for name, tensor in load_file(directory / "model.safetensors").items():
        if tensor.dim() == 2 and tensor.numel() >= _FEWEST_VALUES:
            rows = tensor.float()
            scale = rows.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / 127
            packed[name + _ROWS] = (rows / scale).round().char()
            packed[name + _SCALE] = scale
        else:
            packed[name] = tensor.half()
    target.mkdir(parents=True, exist_ok=True)
    save_file(packed, target / WEIGHTS)
    tokenizer = json.loads((directory / TOKENIZER).read_bytes())
    tokenizer |= {"truncation": None, "padding": None}
    (target / TOKENIZER).write_text(
        json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")), encoding="utf-8"
    )
    (target / WEIGHTS).chmod(0o644)
    config: dict[str, Any] = json.loads((directory / CONFIG).read_bytes())
    for name in ("dtype", "transformers_version"):  # once read they are 32-bit floats anywhere
        config.pop(name, None)
    text = json.dumps(config, indent=1, sort_keys=True) + "\n"
    (target / CONFIG).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    pack(Path(sys.argv[1]), Path(sys.argv[2]))
