"""The documents of the corpus, whole: what is asked of documents, not of single sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from claimwire.data.corpus import Position, corpus_files
from claimwire.data.documents import parse_documents
from claimwire.data.jsonlines import Fault, raise_for_faults
from claimwire.data.shapes import Document, LabelledSentence, Split


@dataclass(frozen=True, slots=True)
class Placed:
    """A document of the corpus, its split and where it stands.

    Attributes:
        split: train, validation or test.
        file: the file's path relative to the corpus, such as ``test/starter.jsonl``.
        line: its line there, from 1.
        document: the document.
    """

    split: Split
    file: str
    line: int
    document: Document

    def position(self, sentence: int) -> Position:
        """Return where the document's sentence of that index stands."""
        return Position(self.file, self.line, sentence)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence with its document and its index there, from 0."""

    placed: Placed
    index: int
    value: LabelledSentence

    @property
    def position(self) -> Position:
        """Return where it stands."""
        return self.placed.position(self.index)


def load_documents(corpus: Path | None = None) -> list[Placed]:
    """Return the documents of a corpus by split, file and line.

    Raises:
        InputError: there is no such directory, or a file cannot be read.
        CorpusError: something breaks the contract; the faults of all files are named.
    """
    placed: list[Placed] = []
    faults: list[Fault] = []
    for split, paths in corpus_files(corpus).items():
        for path in paths:
            documents, of_file = parse_documents(path)
            faults += of_file
            name = f"{split}/{path.name}"
            placed += [Placed(split, name, found.line, found.value) for found in documents]
    raise_for_faults(faults)
    return placed


def sentences(documents: Sequence[Placed]) -> Iterator[Sentence]:
    """Yield every sentence of ``documents``, in order."""
    for placed in documents:
        for index, value in enumerate(placed.document.sentences):
            yield Sentence(placed, index, value)
