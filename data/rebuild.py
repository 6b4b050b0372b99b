"""Makes the text of labelled real sentences again: public files, our labels, joined by digest."""

from __future__ import annotations

import csv
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from claimwire.data.corpus import SPLITS
from claimwire.data.errors import CorpusError
from claimwire.data.fetch import FileReader, FileUnavailableError, Source
from claimwire.data.jsonlines import did_you_mean
from claimwire.data.sources import READERS
from claimwire.data.sources.article import Article
from claimwire.data.standoff_labels import Labelling, write_json_lines
from claimwire.data.standoff_matching import find_sentences
from claimwire.data.unlabelled import unlabelled_sentences

GOAL: Final = 0.97
"""Share of the sentences that a whole set of sources gives."""

FLOOR: Final = 0.90
"""Share under which the result is no longer the data set that the numbers in the docs are about."""

MISSING: Final = "missing.jsonl"
UNLABELLED: Final = "unlabelled.jsonl"
_RECORD_FIELDS: Final = ("source", "doc_id", "theatre", "split", "labels", "hard", "round")
_UNREADABLE: Final = (UnicodeDecodeError, KeyError, csv.Error, zipfile.BadZipFile)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found.

    Attributes:
        labellings: what was looked for, one a sentence, sorted by id.
        texts: the sentences found, by id.
        troubles: files that were not there or could not be read, by source and path, and why.
        unlabelled: records of sentences that have no label, by id, where they were asked for.
    """

    labellings: tuple[Labelling, ...]
    texts: Mapping[str, str]
    troubles: Mapping[tuple[str, str], str]
    unlabelled: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Share of the labelled sentences that were found, 0-1."""
        return len(self.texts) / len(self.labellings)

    def by_source(self) -> dict[str, tuple[int, int]]:
        """Return how many sentences were found and looked for, by source."""
        wanted = Counter(each.source for each in self.labellings)
        found = Counter(each.source for each in self.labellings if each.id in self.texts)
        return {source: (found[source], wanted[source]) for source in sorted(wanted)}

    def missing(self) -> list[dict[str, Any]]:
        """Return what was not found and why, by source and path."""
        lost = [each for each in self.labellings if each.id not in self.texts]
        return [
            {
                "id": each.id,
                "source": each.source,
                "path": each.path,
                "doc_id": each.doc_id,
                "split": each.split,
                "labels": [str(label) for label in each.labels],
                "reason": self.troubles.get(
                    (each.source, each.path), "no sentence of the file has this digest"
                ),
            }
            for each in sorted(lost, key=lambda each: (each.source, each.path, each.id))
        ]

    def records(self, split: str) -> list[dict[str, Any]]:
        """Return the records of a split, sorted by id (see ``claimwire.data.documents.Record``)."""
        return [
            {
                "id": each.id,
                "text": self.texts[each.id],
                **each.model_dump(mode="json", include=set(_RECORD_FIELDS)),
            }
            for each in self.labellings
            if each.split == split and each.id in self.texts
        ]


def group_by_file(labellings: Sequence[Labelling]) -> dict[tuple[str, str], list[Labelling]]:
    """Return the labellings by source and path, in the order in which the files are read."""
    files: dict[tuple[str, str], list[Labelling]] = defaultdict(list)
    for each in labellings:
        files[each.source, each.path].append(each)
    return dict(sorted(files.items()))


def rebuild(
    labellings: Sequence[Labelling],
    sources: Mapping[str, Source],
    read: FileReader,
    progress: Callable[[str, str], None] = lambda source, path: None,
    *,
    unlabelled: bool = False,
) -> Rebuilt:
    """Find the text of labelled sentences.

    Args:
        labellings: one a sentence, one or more.
        sources: the sources that the labels name, by name.
        read: gives the bytes of a file; what it says is not available is noted and left out.
        progress: is told source and path of each file before it is read.
        unlabelled: also keep the sentences without labels, of documents that are not held out.

    Raises:
        InputError: the sources cannot be reached at all.
        CorpusError: the labels name a source that is not known.
    """
    _check_sources(labellings, sources)
    texts: dict[str, str] = {}
    troubles: dict[tuple[str, str], str] = {}
    others: dict[str, dict[str, Any]] = {}
    labelled = {each.id for each in labellings}
    held_out = {(each.source, each.doc_id) for each in labellings if each.split != "train"}
    for (name, path), wanted in group_by_file(labellings).items():
        progress(name, path)
        try:
            articles = list(READERS[name](read(sources[name], path)))
            texts |= _sentences(articles, wanted)
            if unlabelled:
                for record in unlabelled_sentences(name, articles, wanted, labelled, held_out):
                    others.setdefault(record["id"], record)
        except FileUnavailableError as error:
            troubles[name, path] = str(error)
        except _UNREADABLE as error:
            troubles[name, path] = (
                f"{path}: expected a file as {name} has them, found another ({error}): restore it"
            )
    return Rebuilt(tuple(labellings), texts, troubles, dict(sorted(others.items())))


def _check_sources(labellings: Sequence[Labelling], sources: Mapping[str, Source]) -> None:
    known = sorted(sources.keys() & READERS.keys())
    for name in sorted({each.source for each in labellings} - set(known)):
        raise CorpusError(
            f"source: expected one of {', '.join(known)}, found {name!r} in the labels"
            f"{did_you_mean(name, known)}: add it to sources.json and to data/sources"
        )


def _sentences(articles: Sequence[Article], wanted: Sequence[Labelling]) -> dict[str, str]:
    """Return the text of the wanted sentences that one file's articles hold, by id."""
    left = {each.id for each in wanted}
    documents = {each.doc_id for each in wanted}
    texts: dict[str, str] = {}
    for article in articles:
        if article.doc_id is None or article.doc_id in documents:
            found = find_sentences(article, left)
            texts |= found
            left -= found.keys()
        if not left:
            break
    return texts


def write_rebuilt(rebuilt: Rebuilt, folder: Path) -> dict[str, int]:
    """Write ``train.jsonl``, ``validation.jsonl``, ``test.jsonl`` and ``missing.jsonl``.

    Sentences without labels, where there are some, go to ``unlabelled.jsonl``.

    Each file is written whole or not at all. A split without a sentence gets no file, and one left
    from an earlier run is removed: readers of records take an empty file for a mistake.

    Returns:
        The number of records by split.

    Raises:
        InputError: the folder cannot be written.
    """
    counts: dict[str, int] = {}
    for split in SPLITS:
        records = rebuilt.records(split)
        counts[split] = len(records)
        if records:
            write_json_lines(folder / f"{split}.jsonl", records)
        else:
            (folder / f"{split}.jsonl").unlink(missing_ok=True)
    write_json_lines(folder / MISSING, rebuilt.missing())
    if rebuilt.unlabelled:
        write_json_lines(folder / UNLABELLED, rebuilt.unlabelled.values())
    return counts
