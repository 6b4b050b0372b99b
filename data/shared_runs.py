"""Runs of words that the composed corpus shares with real text: there must be none.

Composed sentences are to be written, not copied. Independent writers hardly ever agree on eight
words in a row; whoever copies or closely paraphrases does at once. The real text is streamed and
never kept, since it is large and does not belong here.
"""

from __future__ import annotations

import csv
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from claimwire.data.checks import Problem, Rule
from claimwire.data.composed import Sentence
from claimwire.data.duplicates import normalise
from claimwire.data.errors import InputError
from claimwire.data.sources import voa_gmb

RUN: Final = 8
"""Words. The corpus shares no such run with the 3.4 million words that it was compared with."""

_SHARED_FOLDERS: Final = ("real-dev", "real-train", "real-sources")
_REBUILT: Final = (Path("artifacts/corpus/real"), Path("artifacts/sources"))
_PLAIN: Final = frozenset({".md", ".txt", ".csv", ".html", ".htm"})

Run = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RealText:
    """What was compared: files read, words in them, and files of a kind that nobody can read."""

    files: int
    words: int
    skipped: int


def default_real_text() -> list[Path]:
    """Return the folders of real text that are there.

    ``real-dev``, ``real-train`` and ``real-sources`` in ``$CLAIMWIRE_SHARED``, and what
    ``claimwire corpus rebuild`` leaves under ``artifacts``.
    """
    shared = os.environ.get("CLAIMWIRE_SHARED")
    folders = [Path(shared) / name for name in _SHARED_FOLDERS] if shared else []
    return [folder for folder in (*folders, *_REBUILT) if folder.is_dir()]


def shared_runs(
    sentences: Sequence[Sentence], real: Sequence[Path]
) -> tuple[list[Problem], RealText]:
    """Look for runs of eight words of ``sentences`` in real text.

    Args:
        sentences: of the composed corpus.
        real: files and folders of JSON Lines, plain text, Markdown, HTML, CSV, or zipped tokens.

    Returns:
        One failure for each sentence and file that share a run; and what was read.

    Raises:
        InputError: a path does not exist, or a file cannot be read.
    """
    where = _runs_of(sentences)
    found: dict[tuple[int, Path], Run] = {}
    files = words = skipped = 0
    for path in _files(real):
        texts = _texts(path)
        if texts is None:
            skipped += 1
            continue
        files += 1
        for text in texts:
            tokens = normalise(text).split()
            words += len(tokens)
            for run in filter(where.__contains__, _runs(tokens)):
                found.setdefault((where[run], path), run)
    problems = [_problem(sentences[index], path, run) for (index, path), run in found.items()]
    return problems, RealText(files, words, skipped)


def _runs(tokens: Sequence[str]) -> Iterator[Run]:
    return zip(*(tokens[start:] for start in range(RUN)), strict=False)


def _runs_of(sentences: Sequence[Sentence]) -> dict[Run, int]:
    """Return the index of the first sentence that each run stands in."""
    where: dict[Run, int] = {}
    for index, sentence in enumerate(sentences):
        for run in _runs(normalise(sentence.value.text).split()):
            where.setdefault(run, index)
    return where


def _problem(sentence: Sentence, path: Path, run: Run) -> Problem:
    message = f"shares {' '.join(run)!r} with {path}: write it anew"
    return Problem(Rule.SHARED_RUNS, message, (str(sentence.position),))


def _files(real: Sequence[Path]) -> Iterator[Path]:
    for path in real:
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.is_file())
        elif path.is_file():
            yield path
        else:
            raise InputError(f"{path}: expected real text, found nothing: check the path")


def _texts(path: Path) -> Iterator[str] | None:
    """Return the texts of a file; None where it is of no kind that is known here."""
    kind = path.suffix.lower()
    if kind not in (".jsonl", ".zip", *_PLAIN):
        return None
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: the file cannot be read ({error.strerror}): check its permissions"
        ) from error
    if kind == ".jsonl":
        return _of_json_lines(raw)
    if kind == ".zip":
        return _of_tokens(raw)
    return iter([raw.decode("utf-8", errors="replace")])


def _of_tokens(raw: bytes) -> Iterator[str] | None:
    """Return the sentences of a zipped table of tokens; None where it is another archive."""
    try:
        return iter([article.text for article in voa_gmb.articles(raw)])
    except (zipfile.BadZipFile, KeyError, csv.Error):
        return None


def _of_json_lines(raw: bytes) -> Iterator[str]:
    """Yield every ``text`` of records and of documents' sentences; other lines say nothing."""
    for line in raw.splitlines():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            sentences = value.get("sentences")
            for each in (value, *(sentences if isinstance(sentences, list) else ())):
                if isinstance(each, dict) and isinstance(each.get("text"), str):
                    yield each["text"]
