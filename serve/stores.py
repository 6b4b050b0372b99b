"""Files at addresses such as ``s3://bucket/news``, and folders to write that are there or local.

pyarrow's file systems do the work: local disks, S3, Google Cloud Storage, Azure and HDFS are its
own, every other scheme is asked of fsspec. pyarrow is imported when an address is used.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, Final, cast

from claimwire.data.errors import InputError, MissingExtraError
from claimwire.serve.items import Failure, Note
from claimwire.serve.sources import (
    MISSING,
    NOTHING_KNOWN,
    Found,
    Remote,
    Source,
    find_path,
    is_address,
    is_known,
    left_out,
)

_OWN_SCHEMES: Final = frozenset({"file", "s3", "gs", "gcs", "abfs", "abfss", "hdfs", "viewfs"})
_APPEARS_WHOLE: Final = frozenset({"s3", "gcs", "abfs"})
"""pyarrow's names of stores in which a file appears when its writer closes it, as a whole."""
_PATTERN: Final = re.compile(r"[*\[]")
_SECRET: Final = re.compile(r"(?<=://)[^/@]*@")
_BUFFER: Final = 1 << 20
"""Bytes read or copied at once: a request to a store costs more than they do."""


def find_anywhere(given: str, leave_out: Collection[Path]) -> Iterator[Found]:
    """Return the inputs that a path or an address names, in order.

    A folder gives its files of known suffixes, recursively and sorted; in an address ``*`` stands
    for anything inside one part between slashes, and ``?`` begins options of the file system.

    Raises:
        InputError: there is no file system for such an address.
    """
    if not is_address(given):
        yield from find_path(given, leave_out)
        return
    try:
        yield from _find_at(given)
    except OSError as error:
        reason = f"expected a readable address, found: {error}: check it and your access to it"
        yield Failure(shown_address(given), None, reason)


def open_remote(remote: Remote) -> io.BufferedIOBase:
    """Open a file at an address.

    Raises:
        OSError: it cannot be opened.
    """
    files, _ = _file_system(remote.root)
    raw = files.open_input_file(remote.path)
    return io.BufferedReader(raw, _BUFFER)


def shown_address(address: str) -> str:
    """Return an address, or a path, without the password and the options that may be in it."""
    return _SECRET.sub("", address.partition("?")[0]) if is_address(address) else address


class Folder:
    """A folder to write: a local path, or an address.

    A file appears in it whole or not at all.

    Attributes:
        address: how messages name it.

    Args:
        address: the folder, which need not be there.

    Raises:
        InputError: there is no file system for such an address.
    """

    def __init__(self, address: str) -> None:
        self.address = shown_address(address)
        self._files, self._base = _file_system(address)

    def names(self) -> list[str]:
        """Return what is in the folder, sorted; nothing where there is no folder."""
        from pyarrow import fs

        entries = self._files.get_file_info(fs.FileSelector(self._base, allow_not_found=True))
        return sorted(entry.base_name for entry in entries)

    def has(self, name: str) -> bool:
        """Say whether there is such a file."""
        from pyarrow import fs

        return bool(self._files.get_file_info(self._path(name)).type == fs.FileType.File)

    def prepare(self, *subfolders: str) -> None:
        """Make the folder and some in it where a file system has such things."""
        if self._files.type_name not in _APPEARS_WHOLE:
            for name in ("", *subfolders):
                self._files.create_dir(self._path(name), recursive=True)

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None where there is none."""
        if not self.has(name):
            return None
        with self.open(name) as stream:
            return stream.read()

    def open(self, name: str) -> BinaryIO:
        """Open a file to read it; it can seek."""
        raw = self._files.open_input_file(self._path(name))
        return cast("BinaryIO", io.BufferedReader(raw, _BUFFER))

    def digest(self, name: str) -> str | None:
        """Return the sha256 of a file, None where there is none."""
        if not self.has(name):
            return None
        with self.open(name) as stream:
            return digest_of(stream)

    def write(self, name: str, content: bytes) -> None:
        """Write a small file."""
        self.put(name, io.BytesIO(content))

    def put(self, name: str, content: IO[bytes]) -> None:
        """Write what a stream holds from its beginning; a file of that name is replaced."""
        content.seek(0)
        path = self._path(name)
        in_one_go = self._files.type_name in _APPEARS_WHOLE
        target = path if in_one_go else path + ".partial"
        with self._files.open_output_stream(target, compression=None) as stream:
            shutil.copyfileobj(content, stream, _BUFFER)
        if not in_one_go:
            self._files.move(target, path)

    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""
        if self.has(name):
            self._files.delete_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._base}/{name}" if name else self._base


def digest_of(stream: BinaryIO | io.BufferedIOBase) -> str:
    """Return the sha256 of what is left in a stream, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    while chunk := stream.read(_BUFFER):
        digest.update(chunk)
    return digest.hexdigest()


def _find_at(given: str) -> Iterator[Found]:
    from pyarrow import fs

    address, pattern = _without_pattern(given)
    files, base = _file_system(address)
    shown = shown_address(address).rstrip("/")
    if not pattern and files.get_file_info(base).type == fs.FileType.File:
        yield Source(shown, None, PurePosixPath(base).name, remote=Remote(address, base))
        return
    below = files.get_file_info(fs.FileSelector(base, recursive=True, allow_not_found=True))
    paths = sorted(found.path for found in below if found.type == fs.FileType.File)
    inner = {path: path.removeprefix(base).lstrip("/") for path in paths}
    visible = [path for path in paths if not _is_hidden(inner[path])]
    fits = partial(_matches, pattern=pattern) if pattern else _is_known
    wanted = [path for path in visible if fits(inner[path])]
    others = [inner[path] for path in visible if not fits(inner[path])]
    if not wanted:
        reason = MISSING if pattern or not paths else NOTHING_KNOWN
        yield Failure(shown_address(given), None, reason)
    elif others and not pattern:
        yield Note(shown, None, left_out(others))
    for path in wanted:
        name = PurePosixPath(path).name
        yield Source(f"{shown}/{inner[path]}", None, name, remote=Remote(address, path))


def _is_known(path: str) -> bool:
    return is_known(PurePosixPath(path))


def _without_pattern(given: str) -> tuple[str, list[str]]:
    """Return an address as far as it is no pattern, and the parts of the pattern behind it."""
    address, mark, options = given.partition("?")
    parts = address.split("/")
    for number, part in enumerate(parts):
        if number > 2 and _PATTERN.search(part):  # after SCHEME://HOST
            return "/".join(parts[:number]) + mark + options, parts[number:]
    return given, []


def _matches(path: str, pattern: list[str]) -> bool:
    parts = path.split("/")
    return len(parts) == len(pattern) and all(map(fnmatchcase, parts, pattern))


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def _file_system(address: str) -> tuple[Any, str]:
    """Return the file system of an address or local path, and the path in it."""
    try:
        from pyarrow import fs
    except ImportError as error:
        raise MissingExtraError("ray", "--engine ray") from error
    if not is_address(address):
        return fs.LocalFileSystem(), str(Path(address).absolute())
    is_own = address.partition("://")[0].lower() in _OWN_SCHEMES
    try:
        files, path = fs.FileSystem.from_uri(address if is_own else f"fsspec+{address}")
    except (OSError, ValueError, ImportError) as error:
        raise InputError(
            f"{shown_address(address)}: expected an address that pyarrow or fsspec knows, such as "
            f"s3://BUCKET/FOLDER, found: {' '.join(str(error).split())[:200]}: check it, or "
            "install fsspec's package for it"
        ) from error
    return files, path.rstrip("/")
