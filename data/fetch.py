"""The public files that the labelled sentences stand in: from a local folder, or downloaded.

Files are fetched one by one at the pinned commit, not as an archive of the whole repository: only a
few are needed, and each has its own checksum, which the archives that GitHub makes do not keep.
A folder holds them as ``OWNER+REPOSITORY/path/in/the/repository``.
"""

from __future__ import annotations

import hashlib
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from claimwire.data.errors import ConfigError, CorpusError, InputError

ADDRESS: Final = "https://raw.githubusercontent.com"
"""Serves ``/OWNER/REPOSITORY/COMMIT/path``; a mirror must do likewise."""

TIMEOUT: Final = 30.0
"""Seconds to wait for the server."""

TRIES: Final = 3
PAUSE: Final = 1.0
"""Seconds before the second try; doubled before the third."""

_PASSING: Final = frozenset({429, 500, 502, 503, 504})
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Source(BaseModel):
    """A public repository that holds the text of labelled sentences.

    Attributes:
        name: as in the labels.
        repository: ``OWNER/REPOSITORY`` on GitHub.
        commit: the commit that was labelled, 40 hexadecimal digits.
        licence: of the text.
        attribution: whom to name where the text is used.
        files: sha256 of the files that were labelled, by path, where it is known.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: str
    repository: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    licence: str
    attribution: str
    files: dict[str, _Sha256]

    @property
    def folder(self) -> str:
        """Name of its folder beside the other sources."""
        return self.repository.replace("/", "+")


class FileUnavailableError(InputError):
    """One file of a source is not there or is not the one that was labelled; others may be."""


FileReader = Callable[[Source, str], bytes]
"""Gives the bytes of a file, by source and path; raises FileUnavailableError."""


def read_sources(path: Path) -> dict[str, Source]:
    """Read the list of sources, by name.

    Raises:
        InputError: there is no such file, or it cannot be read.
        CorpusError: it is not a list of sources.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: expected the list of sources beside the labels, found none "
            f"({error.strerror}): put sources.json of the repository's data/standoff there"
        ) from error
    try:
        sources = TypeAdapter(list[Source]).validate_json(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CorpusError(
            f"{path}: {place}: {first['msg']}: restore the file from the repository"
        ) from None
    return {source.name: source for source in sources}


@dataclass(slots=True)
class LocalFiles:
    """Reads files from a folder; one that differs from the labelled one is used and noted."""

    folder: Path
    notes: list[str] = field(default_factory=list)

    def __call__(self, source: Source, path: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            FileUnavailableError: there is no such file, or it cannot be read.
        """
        file = self.folder / source.folder / path
        try:
            raw = file.read_bytes()
        except OSError as error:
            raise FileUnavailableError(
                f"{file}: expected a file of {source.name}, found none ({error.strerror})"
            ) from error
        if not _as_labelled(source, path, raw):
            self.notes.append(f"{file}: differs from the file that was labelled")
        return raw


@dataclass(slots=True)
class Downloads:
    """Downloads files to a folder and keeps them there; what is there already is not fetched again.

    Attributes:
        folder: where the files go.
        address: serves ``/OWNER/REPOSITORY/COMMIT/path``.
        pause: seconds before the second try.
        notes: what a reader should know.
    """

    folder: Path
    address: str = ADDRESS
    pause: float = PAUSE
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse an address that is not of the web, such as ``file:``.

        Raises:
            ConfigError: the address begins with neither ``https://`` nor ``http://``.
        """
        if not self.address.startswith(("https://", "http://")):
            raise ConfigError(
                f"--address: expected an address with https:// or http://, found {self.address!r}: "
                "for local copies use --source-dir"
            )

    def __call__(self, source: Source, path: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            FileUnavailableError: the server has no such file, or not the one that was labelled.
            InputError: the server cannot be reached, or the file cannot be kept.
        """
        file = self.folder / source.folder / path
        if file.is_file() and _as_labelled(source, path, raw := file.read_bytes()):
            return raw
        url = f"{self.address.rstrip('/')}/{source.repository}/{source.commit}/{quote(path)}"
        raw = self._fetch(url)
        if not _as_labelled(source, path, raw):
            raise FileUnavailableError(
                f"{url}: expected sha256 {source.files[path]}, found "
                f"{hashlib.sha256(raw).hexdigest()}: not the file that was labelled, left out"
            )
        if path not in source.files:
            self.notes.append(f"{url}: no checksum is known, the file is used as it came")
        _keep(file, raw)
        return raw

    def _fetch(self, url: str) -> bytes:
        """Return what ``url`` serves, trying again where the trouble may pass."""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(self.pause * 2 ** (attempt - 1))
            try:
                with urllib.request.urlopen(url, timeout=TIMEOUT) as response:  # noqa: S310 - http(s) only
                    return bytes(response.read())
            except urllib.error.HTTPError as error:
                error.close()
                trouble: Exception = FileUnavailableError(
                    f"{url}: expected a file, found HTTP status {error.code} ({error.reason})"
                )
                if error.code not in _PASSING:
                    break
            except (OSError, HTTPException) as error:  # a time-out, a connection that broke off
                trouble = InputError(
                    f"{url}: the server cannot be reached ({getattr(error, 'reason', error)}): "
                    "check the network, or give local copies with --source-dir"
                )
        raise trouble


def _as_labelled(source: Source, path: str, raw: bytes) -> bool:
    """Tell whether the checksum is right; one that is not known counts as right."""
    known = source.files.get(path)
    return known is None or hashlib.sha256(raw).hexdigest() == known


def _keep(file: Path, raw: bytes) -> None:
    """Write a file, whole or not at all."""
    partial = file.with_name(f"{file.name}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(raw)
        partial.replace(file)
    except OSError as error:
        raise InputError(
            f"{file}: expected a file that can be written, found none ({error.strerror}): "
            "choose another folder"
        ) from error
