"""From the paths of a command line to the inputs that are read: files, directories, globs, '-'."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Final

from claimwire.data.errors import InputError
from claimwire.serve.items import Failure, Note

STDIN: Final = "-"
STDIN_NAME: Final = "stdin"

TEXT_SUFFIXES: Final = frozenset({".txt", ".text", ".md", ".markdown"})
HTML_SUFFIXES: Final = frozenset({".html", ".htm", ".xhtml"})
JSONL_SUFFIXES: Final = frozenset({".jsonl", ".ndjson"})
CSV_SUFFIXES: Final = frozenset({".csv", ".tsv"})
PARQUET_SUFFIXES: Final = frozenset({".parquet"})
GZIP_SUFFIX: Final = ".gz"
"""After the suffix of any format of text, such as ``.jsonl.gz``."""
ZIPPED_SUFFIXES: Final = TEXT_SUFFIXES | HTML_SUFFIXES | JSONL_SUFFIXES | CSV_SUFFIXES
KNOWN_SUFFIXES: Final = ZIPPED_SUFFIXES | PARQUET_SUFFIXES

_SHOWN_FILES: Final = 3
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(frozen=True, slots=True)
class Remote:
    """A file that stands at an address.

    Attributes:
        root: the address of the file itself or of a folder above it, which tells the file system.
        path: the file in that file system.
    """

    root: str
    path: str


@dataclass(frozen=True, slots=True)
class Source:
    """One input.

    Attributes:
        given: how messages name it: the path as given, or ``"stdin"``.
        path: the file, None for standard input and where it is ``remote``.
        name: the article id of a text or HTML file: its file name, or ``given`` where two
            inputs of the call share one.
        among_others: whether the call has further inputs, so that a line number alone does not
            tell its records from theirs.
        remote: the file where it stands at an address.
    """

    given: str
    path: Path | None
    name: str
    among_others: bool = False
    remote: Remote | None = None

    @property
    def suffix(self) -> str:
        """The suffix that tells the format, in lower case, without that of gzip."""
        path = self.path if self.remote is None else PurePath(self.remote.path)
        return "" if path is None else format_suffix(path)


Found = Source | Failure | Note


Find = Callable[[str, Collection[Path]], Iterator[Found]]
"""Gives the inputs that one path names, without the resolved paths that are to be left out."""


def is_address(given: str) -> bool:
    """Say whether this is an address such as ``s3://bucket/news`` rather than a path."""
    return _ADDRESS.match(given) is not None


def format_suffix(path: PurePath) -> str:
    """Return the suffix that tells a file's format, in lower case, without ``.gz`` after it."""
    suffix = path.suffix.lower()
    return PurePath(path.stem).suffix.lower() if suffix == GZIP_SUFFIX else suffix


def find_sources(
    paths: Sequence[str], leave_out: Collection[Path] = (), find: Find | None = None
) -> list[Found]:
    """Return the inputs that ``paths`` name, in order; what cannot be one becomes a Failure.

    A directory gives its files of known suffixes, recursively and sorted; what is hidden, behind a
    link to a folder or no file is left out, with a note. A pattern that is no file itself gives
    what it matches, sorted: files, and directories as above (with ``**`` files alone).

    Args:
        paths: paths, patterns, or ``"-"`` for standard input.
        leave_out: resolved paths that a directory or pattern does not give: the output files.
        find: finds the inputs of one path; by default local files.

    Raises:
        InputError: no path is given, standard input is named twice, or no path exists.
    """
    if not paths:
        raise InputError("expected a PATH to tag, found none: name a file, or - for standard input")
    if "" in paths:
        raise InputError(
            "expected a PATH to tag, found an empty one: is a variable not set? Name . for the "
            "current folder"
        )
    if list(paths).count(STDIN) > 1:
        raise InputError("expected '-' once, found it twice: standard input is read only once")
    found = [entry for path in paths for entry in (find or find_path)(path, leave_out)]
    nowhere = (MISSING, _AN_ADDRESS)
    missing = [entry for entry in found if isinstance(entry, Failure) and entry.reason in nowhere]
    if missing and len(missing) == len(found):
        raise InputError("; ".join(f"{entry.file}: {entry.reason}" for entry in missing))
    return _with_unique_names(found)


MISSING: Final = (
    "expected a file, a directory or a pattern that matches, found nothing there: check the path"
)
_AN_ADDRESS: Final = "expected a path, found an address: give --engine ray, which reads those"
NOTHING_KNOWN: Final = (
    f"expected files that end in {', '.join(sorted(KNOWN_SUFFIXES))} (all but Parquet also "
    "with .gz), found none in this directory: name the files themselves"
)


_NOTHING_IN_IT: Final = "this folder has no file with a known suffix: it was left out"


def find_path(given: str, leave_out: Collection[Path]) -> Iterator[Found]:
    """Return the inputs that a local path or pattern names, or standard input."""
    if given == STDIN:
        yield Source(STDIN_NAME, None, STDIN_NAME)
        return
    path = Path(given)
    try:
        if path.is_dir():
            yield from _find_in_directory(given, path, leave_out)
        elif path.exists():
            yield Source(given, path, path.name)
        elif is_address(given):
            yield Failure(given, None, _AN_ADDRESS)
        else:
            yield from _find_by_pattern(given, leave_out)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        yield Failure(given, None, f"expected a readable path, found: {error}: check the path")


def _find_in_directory(given: str, directory: Path, leave_out: Collection[Path]) -> Iterator[Found]:
    seen = _look_through(directory)
    files = [path for path in sorted(seen.files) if path.resolve() not in leave_out]
    known = [path for path in files if is_known(path)]
    others = [path.name for path in files if not is_known(path)]
    yield from seen.failures
    if not known and not seen.failures:
        yield Failure(given, None, NOTHING_KNOWN)
    elif others:
        yield Note(given, None, left_out(others))
    if known and seen.passed_over:
        yield Note(given, None, _passed_over(sorted(seen.passed_over)))
    for path in known:
        yield Source(str(path), path, path.name)


@dataclass(slots=True)
class _Seen:
    """What stands in a directory and below it.

    Attributes:
        files: regular files, and links to them.
        passed_over: names of what is hidden (files by their suffix alone), of links to folders, and
            of pipes and devices with the suffix of an input.
        failures: folders that cannot be looked into, and links that lead nowhere.
    """

    files: list[Path] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


def _look_through(directory: Path) -> _Seen:
    seen = _Seen()

    def unreadable(error: OSError) -> None:
        reason = f"expected a readable folder, found: {error.strerror}: check its permissions"
        seen.failures.append(Failure(str(error.filename), None, reason))

    for place, folders, files in os.walk(directory, onerror=unreadable):
        here = Path(place)
        left = [name for name in folders if name.startswith(".") or (here / name).is_symlink()]
        seen.passed_over.extend(f"{name}/" for name in left)
        folders[:] = [name for name in folders if name not in left]
        for name in files:
            path = here / name
            if name.startswith("."):
                seen.passed_over.extend([name] if is_known(path) else [])
            else:
                _look_at(path, seen)
    seen.failures.sort(key=lambda failure: failure.file)
    return seen


def _look_at(path: Path, seen: _Seen) -> None:
    reason = "expected a file, found a link that leads nowhere: mend or remove it"
    try:
        if path.is_file():
            seen.files.append(path)
            return
        if not is_known(path):
            return
        if path.exists():
            seen.passed_over.append(path.name)
            return
    except OSError as error:  # a folder that may be listed and not entered
        reason = f"expected a readable file, found: {error.strerror}: check its permissions"
    seen.failures.append(Failure(str(path), None, reason))


def _passed_over(names: Sequence[str]) -> str:
    return (
        "what is hidden, a link to a folder or no file was left out "
        f"({len(names)}: {_first_of(names)}): name it to have it read"
    )


def _first_of(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN_FILES]) + (", ..." if len(names) > _SHOWN_FILES else "")


def is_known(path: PurePath) -> bool:
    """Say whether a folder gives a file of this name."""
    is_zipped = path.suffix.lower() == GZIP_SUFFIX
    return format_suffix(path) in (ZIPPED_SUFFIXES if is_zipped else KNOWN_SUFFIXES)


def left_out(names: Sequence[str]) -> str:
    """Return what to say of files that a folder does not give."""
    shown = _first_of(names)
    if len(names) == 1:
        return f"1 file with another suffix was left out ({shown}): name it to have it read"
    return (
        f"{len(names)} files with other suffixes were left out ({shown}): "
        "name them to have them read"
    )


def _find_by_pattern(given: str, leave_out: Collection[Path]) -> Iterator[Found]:
    # Path.glob takes no absolute pattern.
    matches = [Path(match) for match in sorted(glob.glob(given, recursive=True))]  # noqa: PTH207
    if "**" in given:  # gives what is in a folder as well as the folder
        matches = [path for path in matches if not path.is_dir()]
    matches = [path for path in matches if path.is_dir() or path.resolve() not in leave_out]
    if not matches:
        yield Failure(given, None, MISSING)
    for path in matches:
        if path.is_dir():
            found = list(_find_in_directory(str(path), path, leave_out))
            is_empty = found == [Failure(str(path), None, NOTHING_KNOWN)]
            yield from [Note(str(path), None, _NOTHING_IN_IT)] if is_empty else found
        elif path.is_file() or not path.exists():  # a link that leads nowhere fails when opened
            yield Source(str(path), path, path.name)
        else:
            yield Note(given, None, _passed_over([path.name]))


def _with_unique_names(found: list[Found]) -> list[Found]:
    """Name inputs by their whole path where two share a file name."""
    names = Counter(entry.name for entry in found if isinstance(entry, Source))
    return [
        replace(
            entry,
            name=entry.given if names[entry.name] > 1 else entry.name,
            among_others=names.total() > 1,
        )
        if isinstance(entry, Source)
        else entry
        for entry in found
    ]
