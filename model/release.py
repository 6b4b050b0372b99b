"""The release: a directory with everything that is served, and nothing else.

::

    NAME/
    ├── manifest.json    what this is, how to decide, and the sha256 of every other file
    ├── model.onnx       the network, weights inside
    ├── tokenizer.json   read by the tokenizers library
    └── MODEL_CARD.md    for people

Loading verifies every byte and never unpickles or runs anything.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from claimwire.data.errors import ReleaseError, ReleaseIntegrityError
from claimwire.model.companions import companion_directory
from claimwire.model.manifest import (
    CARD_NAME,
    MANIFEST_NAME,
    MODEL_NAME,
    PAYLOAD_NAMES,
    READABLE_FORMATS,
    TOKENIZER_NAME,
    Manifest,
    ManifestDraft,
    digest_of_content,
)

BASE: Final = "base"
"""What ``--model`` and ``Tagger.load`` call the larger release."""
BASE_DISTRIBUTION: Final = "claimwire-base"
SHIPPED_RELEASES: Final = Path(__file__).parent / "releases"
_MAX_MANIFEST_BYTES: Final = 1_000_000
_WHAT_TO_DO: Final = (
    "reinstall claimwire if this is the shipped release, else fetch or export the release again"
)


@dataclass(frozen=True, slots=True)
class ReleaseLayout:
    """Where each file of a release lies."""

    directory: Path

    @property
    def manifest(self) -> Path:
        """The manifest, JSON."""
        return self.directory / MANIFEST_NAME

    @property
    def model(self) -> Path:
        """The network, ONNX with its weights inside."""
        return self.directory / MODEL_NAME

    @property
    def tokenizer(self) -> Path:
        """The tokenizer, in the format of the tokenizers library."""
        return self.directory / TOKENIZER_NAME

    @property
    def card(self) -> Path:
        """The model card, Markdown."""
        return self.directory / CARD_NAME


@dataclass(frozen=True)
class Release:
    """A verified release on disk."""

    directory: Path
    manifest: Manifest

    @property
    def layout(self) -> ReleaseLayout:
        """Where its files lie."""
        return ReleaseLayout(self.directory)

    @cached_property
    def digest(self) -> str:
        """The sha256 of manifest.json, which through it covers every file; 64 hex digits."""
        return hashlib.sha256(self.manifest.to_bytes()).hexdigest()

    @property
    def id(self) -> str:
        """Short identity for outputs and logs, such as ``claimwire 1.2.0 0a1b2c3d``."""
        return f"{self.manifest.name} {self.manifest.version} {self.digest[:8]}"


def write_release(
    directory: Path,
    draft: ManifestDraft,
    *,
    model_onnx: Path,
    tokenizer_json: Path,
    model_card: str,
) -> Release:
    """Write a release, whole or not at all.

    Everything is written into a hidden sibling that is renamed at the end, so a reader never sees
    half a release and a failure leaves nothing behind.

    Raises:
        ReleaseError: ``directory`` exists already, or a source file is missing.
    """
    directory = Path(directory)
    _refuse_existing(directory)
    for source in (model_onnx, tokenizer_json):
        if not source.is_file():
            raise ReleaseError(f"{source}: expected a file to put into the release, found none")
    directory.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        layout = ReleaseLayout(partial)
        shutil.copyfile(model_onnx, layout.model)
        shutil.copyfile(tokenizer_json, layout.tokenizer)
        layout.card.write_text(model_card, encoding="utf-8", newline="\n")
        files = {name: sha256_of(partial / name) for name in PAYLOAD_NAMES}
        manifest = Manifest.of_draft(draft, files)
        layout.manifest.write_bytes(manifest.to_bytes())
        partial.chmod(0o755)  # mkdtemp makes it private
        _flush_to_disk(partial)
        _refuse_existing(directory)
        os.replace(partial, directory)  # noqa: PTH105 - named for what it does: an atomic rename
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return Release(directory, manifest)


def load_release(directory: Path) -> Release:
    """Read a release and verify every byte of it.

    Raises:
        ReleaseError: no release there, or one that this version of claimwire cannot read.
        ReleaseIntegrityError: files that are missing, foreign, altered, or outside the directory.
    """
    directory = Path(directory)
    manifest = _read_manifest(directory)
    _check_names(directory, manifest)
    for name, expected in manifest.files.items():
        found = sha256_of(directory / name)
        if found != expected:
            raise ReleaseIntegrityError(
                f"{directory / name}: its content is not what was released (expected sha256 "
                f"{expected}, found {found}): {_WHAT_TO_DO}"
            )
    return Release(directory, manifest)


def base_release() -> Path:
    """Return claimwire-base: larger, slower and better than the default; a distribution of its own.

    Raises:
        ReleaseError: it is not installed, and this is no clone of the repository.
    """
    directory = companion_directory(BASE_DISTRIBUTION)
    if directory is not None and (directory / "release" / MANIFEST_NAME).is_file():
        return directory / "release"
    raise ReleaseError(
        f"{BASE}: expected the package {BASE_DISTRIBUTION}, found none: in a clone of the "
        f"repository run pip install ./packages/{BASE_DISTRIBUTION}, or leave the model out for "
        "the default one"
    )


def default_release() -> Path:
    """Return the release that ships in the package.

    Raises:
        ReleaseError: none is there, or more than one.
    """
    found = (
        sorted(path.parent for path in SHIPPED_RELEASES.glob(f"*/{MANIFEST_NAME}"))
        if SHIPPED_RELEASES.is_dir()
        else []
    )
    if len(found) == 1:
        return found[0]
    if not found:
        raise ReleaseError(
            f"no release ships with this installation (expected one in {SHIPPED_RELEASES}): "
            "reinstall claimwire, or name a release directory or a registered model "
            "such as models:/claimwire@champion"
        )
    raise ReleaseError(
        f"expected one release in {SHIPPED_RELEASES}, found {', '.join(p.name for p in found)}: "
        "name the one you mean, or reinstall claimwire"
    )


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's content, 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_manifest(directory: Path) -> Manifest:
    path = ReleaseLayout(directory).manifest
    raw = _manifest_bytes(directory, path)
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:  # brackets nested thousands deep
        raise ReleaseIntegrityError(
            f"{path}: expected JSON, found something else ({error}): {_WHAT_TO_DO}"
        ) from error
    if not isinstance(content, dict):
        raise ReleaseIntegrityError(
            f"{path}: expected a JSON object, found {type(content).__name__}: {_WHAT_TO_DO}"
        )
    _check_format_version(path, content.get("format_version"))
    stated = content.pop("manifest_digest", None)
    try:
        manifest = Manifest.from_content(content)
    except ValidationError as error:
        raise ReleaseIntegrityError(f"{path}: {_first_problem(error)}: {_WHAT_TO_DO}") from error
    if stated != digest_of_content(content) or raw != manifest.to_bytes():
        raise ReleaseIntegrityError(
            f"{path}: its content is not what was released (its manifest_digest, {stated!r}, "
            f"does not fit): {_WHAT_TO_DO}"
        )
    return manifest


def _manifest_bytes(directory: Path, path: Path) -> bytes:
    if not directory.is_dir():
        what = "a file" if directory.exists() else "nothing"
        raise ReleaseError(
            f"{directory}: expected a release directory, found {what}: check the path, or name "
            "a registered model such as models:/claimwire@champion"
        )
    if not path.is_file():
        raise ReleaseError(
            f"{directory}: expected a release, found a directory without {MANIFEST_NAME}: "
            "name the directory that holds it"
        )
    with path.open("rb") as stream:
        raw = stream.read(_MAX_MANIFEST_BYTES + 1)
    if len(raw) > _MAX_MANIFEST_BYTES:
        raise ReleaseIntegrityError(
            f"{path}: expected at most {_MAX_MANIFEST_BYTES} bytes, found more: {_WHAT_TO_DO}"
        )
    return raw


def _check_format_version(path: Path, found: object) -> None:
    if found not in READABLE_FORMATS or isinstance(found, bool):
        raise ReleaseError(
            f"{path}: this claimwire reads format_version "
            f"{' and '.join(map(str, READABLE_FORMATS))}, found {found!r}: "
            "use a claimwire of the release's own age, or export the release again"
        )


def _check_names(directory: Path, manifest: Manifest) -> None:
    expected = {MANIFEST_NAME, *manifest.files}
    found = {entry.name for entry in directory.iterdir()}
    for name in sorted(expected - found):
        raise ReleaseIntegrityError(
            f"{directory / name}: expected this file, found none: {_WHAT_TO_DO}"
        )
    for name in sorted(found - expected):
        raise ReleaseIntegrityError(
            f"{directory / name}: not a file of this release (its manifest lists only "
            f"{', '.join(sorted(manifest.files))}): remove it, or {_WHAT_TO_DO}"
        )
    root = directory.resolve()
    for name in sorted(expected):
        target = (directory / name).resolve()
        if target.parent != root or not target.is_file():
            raise ReleaseIntegrityError(
                f"{directory / name}: expected a file inside the release, found something that "
                f"leaves it or is no file ({target}): {_WHAT_TO_DO}"
            )


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"]) or "the manifest"
    return f"{where}: {problem['msg']} (found {str(problem['input'])[:200]!r})"


def _refuse_existing(directory: Path) -> None:
    if directory.exists() or directory.is_symlink():
        raise ReleaseError(
            f"{directory}: expected a path that is free, found something there: a release is "
            "never overwritten; choose another name or remove it first"
        )


def _flush_to_disk(directory: Path) -> None:
    for path in directory.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
