"""Passes of annotation: a sheet for a blind one, and what it gave put beside the others.

A blind annotator sees sentences in shuffled order, without document and labels. From Python, in a
clone of the repository::

    from claimwire.data.annotation_passes import add_pass, blind_sheet
    from claimwire.data.annotations import annotations_folder
    from claimwire.data.standoff_labels import write_json_lines

    folder = annotations_folder()
    write_json_lines(sheet, blind_sheet("test", seed=7))        # a line: id, text
    add_pass(folder / "test.jsonl", "test", "first", labelled)  # a line: id, labels
    add_pass(folder / "test.jsonl", "test", "adjudicated", settled)  # a line: id, labels, reason
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

from claimwire.data.annotations import (
    Annotation,
    Pass,
    annotation_of,
    read_annotations,
    write_annotations,
)
from claimwire.data.composed import Sentence, load_documents, sentences
from claimwire.data.errors import CorpusError
from claimwire.data.jsonlines import Fault, JsonLine, raise_for_faults, read_json_lines
from claimwire.data.shapes import EXPECTED, Split
from claimwire.data.standoff_labels import sentence_digest


def blind_sheet(split: Split, *, seed: int, corpus: Path | None = None) -> list[dict[str, str]]:
    """Return id and text of a split's sentences in an order drawn by ``seed``, each text once."""
    texts = {sentence_digest(each.value.text): each.value.text for each in _of(split, corpus)}
    ids = sorted(texts)
    random.Random(seed).shuffle(ids)  # noqa: S311 - an order, not a secret
    return [{"id": digest, "text": texts[digest]} for digest in ids]


def add_pass(
    path: Path, split: Split, name: Pass, labelled: Path, corpus: Path | None = None
) -> int:
    """Add what one pass gave to the annotations in ``path``.

    Sentences that are not annotated yet come in with the labels that the corpus has as those of
    their author. What the same pass gave before is replaced.

    Args:
        path: annotations of the split; made where there is no such file.
        split: train, validation or test.
        name: the pass.
        labelled: JSON Lines with ``id`` (see :func:`blind_sheet`), ``labels`` and, for an
            adjudication, ``reason``.
        corpus: the corpus directory; None: the one of the repository.

    Returns:
        How many sentences the pass labelled.

    Raises:
        InputError: a file cannot be read or written.
        CorpusError: an id is of no sentence of the split, or labels break the contract.
    """
    annotations = {each.key: each for each in (read_annotations(path) if path.is_file() else ())}
    lines, faults = _read(labelled)
    given = 0
    for sentence in _of(split, corpus):
        digest = sentence_digest(sentence.value.text)
        key = (sentence.placed.document.doc_id, sentence.index)
        known = annotations.get(key)
        if known is None or known.digest != digest:  # new, or what was labelled reads otherwise
            known = _by_author(sentence, digest)
        annotations[key] = known
        if digest in lines:
            changed = JsonLine(lines[digest].number, _with_pass(known, name, lines[digest].value))
            annotations[key] = annotation_of(labelled, changed, faults) or known
            given += 1
    raise_for_faults(faults)
    strangers = sorted(lines.keys() - {each.digest for each in annotations.values()})
    if strangers:
        raise CorpusError(
            f"{labelled}: id: expected sentences of {split}, found {len(strangers)} others, the "
            f"first {strangers[0]!r}: label the sheet of this split"
        )
    write_annotations(path, annotations.values())
    return given


def _of(split: Split, corpus: Path | None) -> list[Sentence]:
    return [each for each in sentences(load_documents(corpus)) if each.placed.split == split]


def _read(path: Path) -> tuple[dict[str, JsonLine], list[Fault]]:
    """Return the lines by id, and the faults of those without one or without labels."""
    lines, faults = read_json_lines(path)
    found: dict[str, JsonLine] = {}
    for line in lines:
        digest = line.value.get("id")
        if not isinstance(digest, str) or digest in found:
            message = "expected the id of one sentence, each once: copy it from the sheet"
            faults.append(Fault(str(path), line.number, "id", message))
            continue
        if line.value.get("labels") is None:
            message = f"missing: expected {EXPECTED['labels']}; add it"
            faults.append(Fault(str(path), line.number, "labels", message))
        found[digest] = line
    return found, faults


def _by_author(sentence: Sentence, digest: str) -> Annotation:
    return Annotation(
        doc_id=sentence.placed.document.doc_id,
        sentence=sentence.index,
        digest=digest,
        author=list(sentence.value.labels),
    )


def _with_pass(known: Annotation, name: Pass, value: Mapping[str, object]) -> dict[str, object]:
    changed = known.model_dump() | {name: value.get("labels")}
    if name == "adjudicated":
        changed["reason"] = value.get("reason")
    return changed
