"""Small corpora for the tests of what whole documents are checked for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from claimwire.data.composed import Placed
from claimwire.data.documents import Document, Split

Labelled = tuple[str, str]
"""A sentence and the names of its labels, primary first, a comma between them."""


def document(
    doc_id: str, sentences: Sequence[Labelled], parties: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return {
        "doc_id": doc_id,
        "title": doc_id,
        "theatre": "fictional",
        "genre": "wire",
        "year": 2031,
        "parties": parties,
        "sentences": [{"text": text, "labels": labels.split(",")} for text, labels in sentences],
    }


def placed(
    doc_id: str,
    sentences: Sequence[Labelled],
    parties: Mapping[str, str] | None = None,
    split: Split = "train",
) -> Placed:
    value = Document.model_validate(document(doc_id, sentences, parties))
    return Placed(split, f"{split}/own.jsonl", 1, value)


def write_corpus(folder: Path, documents: Mapping[str, Sequence[Mapping[str, Any]]]) -> Path:
    """Write a corpus with one file a split."""
    for split, of_split in documents.items():
        (folder / split).mkdir(parents=True)
        lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in of_split)
        (folder / split / "own.jsonl").write_text(lines, encoding="utf-8")
    return folder
