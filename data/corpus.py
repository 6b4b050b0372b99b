"""The corpus: labelled documents in one folder a split, with extra records from elsewhere.

``data/corpus/train|validation|test/*.jsonl`` hold documents. Splits are by document, never by
sentence: sentences of one article resemble each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

from claimwire.data.documents import (
    Genre,
    Located,
    Record,
    Split,
    Theatre,
    flatten,
    parse_documents,
    parse_records,
)
from claimwire.data.errors import InputError, MissingExtraError
from claimwire.data.jsonlines import Fault, did_you_mean, raise_for_faults
from claimwire.data.labels import LABEL_INDEX, LABELS, Label

if TYPE_CHECKING:
    import datasets

SPLITS: Final[tuple[Split, ...]] = get_args(Split)
CORPUS_SOURCE: Final = "corpus"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a sentence stands: file, line from 1, and its index in a document (None: a record)."""

    file: str
    line: int
    sentence: int | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        return place if self.sentence is None else f"{place} sentences[{self.sentence}]"


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled sentence, ready for training and evaluation.

    Attributes:
        text: the sentence.
        labels: one or more, the primary first.
        doc_id: the document it belongs to, or None where an extra record does not tell.
        split: ``train``, ``validation`` or ``test``.
        origin: ``corpus``, or ``extra`` for records from outside.
        theatre: where the events take place, or None where unknown.
        genre: what kind of text it is from, or None where unknown.
        source: the collection: ``corpus``, or what the extra record says, or None.
        hard: two careful readers could differ.
        is_title: the sentence is a headline.
        position: where it was read.
    """

    text: str
    labels: tuple[Label, ...]
    doc_id: str | None
    split: Split
    origin: Literal["corpus", "extra"]
    theatre: Theatre | None
    genre: Genre | None
    source: str | None
    hard: bool
    is_title: bool
    position: Position

    @property
    def document_key(self) -> tuple[str, str] | None:
        """Source and ``doc_id``, which tell documents apart; None where there is no ``doc_id``.

        Two collections may number their documents alike, so that the source belongs to the key;
        what names none is taken to be of the corpus, which errs on the careful side.
        """
        source = CORPUS_SOURCE if self.source is None else self.source
        return None if self.doc_id is None else (source, self.doc_id)


def default_corpus() -> Path:
    """Return the directory of the corpus that ships with claimwire."""
    return Path(__file__).resolve().parent / "corpus"


def corpus_files(corpus: Path | None = None) -> dict[Split, list[Path]]:
    """Return the files of each split, sorted by name.

    Args:
        corpus: directory with the folders train, validation and test; None: the shipped one.

    Raises:
        InputError: there is no such directory.
        CorpusError: a split is missing or empty, or there is something that would be overlooked.
    """
    root = default_corpus() if corpus is None else corpus
    if not root.is_dir():
        raise InputError(
            f"{root}: expected a corpus directory with the folders {', '.join(SPLITS)}, "
            f"found {'a file' if root.exists() else 'nothing'}: check the path"
        )
    faults: list[Fault] = []
    for entry in sorted(root.iterdir()):
        if entry.name not in SPLITS and (entry.is_dir() or entry.suffix == ".jsonl"):
            faults += _overlooked(entry, f"only the folders {', '.join(SPLITS)}", SPLITS)
    files: dict[Split, list[Path]] = {}
    for split in SPLITS:
        files[split] = sorted((root / split).glob("*.jsonl"))
        if not files[split]:
            faults.append(
                Fault(
                    str(root / split),
                    None,
                    "",
                    "expected at least one .jsonl file of documents, found none: add one",
                )
            )
            continue
        for entry in sorted((root / split).iterdir()):
            if entry not in files[split]:
                faults += _overlooked(entry, "only .jsonl files of documents")
    raise_for_faults(faults)
    return files


def _overlooked(entry: Path, expected: str, known: Sequence[str] = ()) -> list[Fault]:
    """Return a fault for an entry that no reader would read; hidden files and notes may stand."""
    if entry.name.startswith((".", "_")) or (entry.is_file() and entry.suffix == ".md"):
        return []
    hint = did_you_mean(entry.name, known)
    message = f"expected {expected}, found this, which would be overlooked{hint}: move or rename it"
    return [Fault(str(entry), None, "", message)]


def load_examples(
    corpus: Path | None = None, extra: Sequence[Path] = (), *, use_corpus: bool = True
) -> list[Example]:
    """Load every sentence of a corpus and of extra files.

    Args:
        corpus: the corpus directory; None: the one that ships with claimwire.
        extra: files of records or documents; what names no split goes to ``train``.
        use_corpus: False leaves the corpus out and loads ``extra`` alone.

    Returns:
        The corpus by split, file, line and sentence, then the extra files in the order given.

    Raises:
        InputError: a file or directory does not exist or cannot be read.
        CorpusError: something breaks the contract; the faults of all files are named.
    """
    examples: list[Example] = []
    faults: list[Fault] = []
    for split, paths in (corpus_files(corpus) if use_corpus else {}).items():
        for path in paths:
            documents, file_faults = parse_documents(path)
            faults += file_faults
            for document in documents:
                for index, record in enumerate(flatten(document.value)):
                    position = Position(f"{split}/{path.name}", document.line, index)
                    examples.append(_example(record, split, "corpus", CORPUS_SOURCE, position))
    for path in extra:
        records, file_faults = parse_records(path)
        faults += file_faults
        examples += [extra_example(path, located) for located in records]
    raise_for_faults(faults)
    return examples


def extra_example(path: Path, located: Located[Record]) -> Example:
    """Return the example of a record from the extra file ``path``."""
    record = located.value
    position = Position(str(path), located.line, located.sentence)
    return _example(record, record.split or "train", "extra", record.source, position)


def _example(
    record: Record,
    split: Split,
    origin: Literal["corpus", "extra"],
    source: str | None,
    position: Position,
) -> Example:
    return Example(
        text=record.text,
        labels=tuple(record.labels),
        doc_id=record.doc_id,
        split=split,
        origin=origin,
        theatre=record.theatre,
        genre=record.genre,
        source=source,
        hard=record.hard,
        is_title=record.is_title,
        position=position,
    )


def corpus_digest(
    corpus: Path | None = None, extra: Sequence[Path] = (), *, use_corpus: bool = True
) -> str:
    """Return ``"sha256:..."`` over names and bytes of every file that training would read.

    Names are relative (``corpus/train/starter.jsonl``, ``extra/real.jsonl``), so that neither the
    place of the corpus nor the order of the files matters, and one changed byte does.

    Raises:
        InputError: a file or directory does not exist or cannot be read.
        CorpusError: the corpus directory is not one (see :func:`corpus_files`).
    """
    named = [
        (f"corpus/{split}/{path.name}", path)
        for split, paths in (corpus_files(corpus) if use_corpus else {}).items()
        for path in paths
    ]
    named += [(f"extra/{path.name}", path) for path in extra]
    whole = hashlib.sha256()
    for name, digest in sorted((name, _file_digest(path)) for name, path in named):
        whole.update(f"{name}\0{digest}\n".encode())
    return f"sha256:{whole.hexdigest()}"


def _file_digest(path: Path) -> str:
    """Return the sha256 of a file's bytes in hexadecimal digits."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            f"{path}: expected a readable file, found none ({error.strerror}): check the path"
        ) from error


def to_dataset_dict(examples: Sequence[Example]) -> datasets.DatasetDict:
    """Return the examples as Hugging Face data sets, one a split, in the order given.

    Columns: ``text``; ``labels`` (names, primary first); ``targets`` (4 floats, 0 or 1, in the
    order of LABELS); ``primary`` (index of the first label in LABELS); ``doc_id``, ``origin``,
    ``theatre``, ``genre``, ``source`` (strings or None); ``hard``. Every split is there, an empty
    one with no rows. Nothing is written to a cache.

    Raises:
        MissingExtraError: the extra [train] is not installed.
    """
    try:
        from datasets import Dataset, DatasetDict, Features, List, Value
    except ImportError as error:
        raise MissingExtraError("train", "building data sets") from error
    text = Value("string")
    features = Features(
        {
            "text": text,
            "labels": List(text),
            "targets": List(Value("float32"), length=len(LABELS)),
            "primary": Value("int64"),
            **dict.fromkeys(("doc_id", "origin", "theatre", "genre", "source"), text),
            "hard": Value("bool"),
        }
    )
    rows: dict[str, list[dict[str, object]]] = {split: [] for split in SPLITS}
    for example in examples:
        rows[example.split].append(_row(example))
    return DatasetDict(
        {
            split: Dataset.from_dict(
                {name: [row[name] for row in split_rows] for name in features}, features=features
            )
            for split, split_rows in rows.items()
        }
    )


def _row(example: Example) -> dict[str, object]:
    """Return one row of plain values (see :func:`to_dataset_dict`)."""
    return {
        "text": example.text,
        "labels": [label.value for label in example.labels],
        "targets": [float(label in example.labels) for label in LABELS],
        "primary": LABEL_INDEX[example.labels[0]],
        "doc_id": example.doc_id,
        "origin": example.origin,
        "theatre": None if example.theatre is None else example.theatre.value,
        "genre": None if example.genre is None else example.genre.value,
        "source": example.source,
        "hard": example.hard,
    }
