from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from claimwire.data.corpus import (
    SPLITS,
    corpus_digest,
    corpus_files,
    default_corpus,
    load_examples,
    to_dataset_dict,
)
from claimwire.data.documents import Genre, Theatre, read_documents
from claimwire.data.errors import CorpusError, InputError
from claimwire.data.labels import LABELS, Label

OWN_RECORDS = Path(__file__).parent / "fixtures" / "own-records.jsonl"
OWN_CORPUS = Path(__file__).parent / "fixtures" / "own-corpus"
SHARED = os.environ.get("CLAIMWIRE_SHARED")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OWN_CORPUS, tmp_path / "corpus"))


def test_examples_come_by_split_file_line_and_sentence(corpus: Path) -> None:
    examples = load_examples(corpus)
    assert [example.split for example in examples] == ["train"] * 6 + ["validation"] * 2 + [
        "test"
    ] * 2
    assert str(examples[0].position) == "train/a.jsonl:1 sentences[0]"
    assert str(examples[5].position) == "train/b.jsonl:1 sentences[1]"
    first = examples[1]
    assert first.text == "Guns on the ridge fired on the Tarn dairy for an hour on Monday."
    assert first.labels == (Label.ATTACK_CLAIM,)
    assert (first.doc_id, first.origin, first.source) == ("tarn-1", "corpus", "corpus")
    assert (first.theatre, first.genre) == (Theatre.FICTIONAL, Genre.WIRE)
    assert [example.is_title for example in examples[:2]] == [True, False]


def test_extra_records_follow_and_go_to_train_without_a_split(corpus: Path) -> None:
    examples = load_examples(corpus, [OWN_RECORDS])[10:]
    assert Counter(example.split for example in examples) == {
        "train": 8,
        "validation": 2,
        "test": 2,
    }
    assert {example.origin for example in examples} == {"extra"}
    assert (examples[0].source, examples[-1].source) == ("own-wire", None)
    assert str(examples[-1].position) == f"{OWN_RECORDS}:12"


def test_extra_documents_are_flattened(corpus: Path) -> None:
    extra = corpus / "test" / "c.jsonl"
    examples = load_examples(corpus, [extra])[10:]
    assert [example.split for example in examples] == ["train", "train"]
    assert str(examples[1].position) == f"{extra}:1 sentences[1]"


def test_faults_of_all_files_come_at_once(corpus: Path, tmp_path: Path) -> None:
    for name in ("train/a.jsonl", "test/c.jsonl"):
        path = corpus / name
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace('"attack_claim"', '"attack"'), encoding="utf-8")
    extra = tmp_path / "extra.jsonl"
    extra.write_text('{"text": null, "labels": ["background"]}\n', encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        load_examples(corpus, [extra])
    message = str(caught.value)
    assert f"{corpus / 'train' / 'a.jsonl'}:1: sentences[0].labels: unknown label" in message
    assert f"{corpus / 'test' / 'c.jsonl'}:1: sentences[0].labels: unknown label" in message
    assert f"{extra}:1: text: expected a string that is not blank, found null" in message


def test_what_would_be_overlooked_is_refused(corpus: Path) -> None:
    (corpus / "tests").mkdir()
    (corpus / "train" / "more.json").write_text("{}", encoding="utf-8")
    (corpus / "train" / "nested").mkdir()
    (corpus / "stray.jsonl").write_text("{}", encoding="utf-8")
    (corpus / "README.md").write_text("what this is", encoding="utf-8")
    (corpus / "train" / ".hidden").write_text("", encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        corpus_files(corpus)
    lines = str(caught.value).splitlines()
    assert [Path(line.split(": ")[0]).name for line in lines] == [
        "stray.jsonl",
        "tests",
        "more.json",
        "nested",
    ]
    assert "did you mean test?" in lines[1]


def test_a_missing_split_is_refused(corpus: Path) -> None:
    shutil.rmtree(corpus / "validation")
    with pytest.raises(CorpusError, match=r"validation: expected at least one \.jsonl file"):
        load_examples(corpus)


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a corpus directory with the folders train"):
        load_examples(tmp_path / "nowhere")
    with pytest.raises(InputError, match="found a file"):
        corpus_digest(OWN_RECORDS)


def test_digest_does_not_know_place_or_order(corpus: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"text": "It rained.", "labels": ["background"]}\n', encoding="utf-8")
    digest = corpus_digest(corpus, [OWN_RECORDS, other])
    assert digest.startswith("sha256:")
    assert len(digest) == len("sha256:") + 64
    moved = corpus.rename(tmp_path / "renamed")
    (tmp_path / "elsewhere").mkdir()
    other = other.rename(tmp_path / "elsewhere" / other.name)
    assert corpus_digest(moved, [other, OWN_RECORDS]) == digest


@pytest.mark.parametrize("changed", ["train/b.jsonl", "test/c.jsonl"])
def test_digest_changes_with_one_byte(corpus: Path, changed: str) -> None:
    before = corpus_digest(corpus)
    content = (corpus / changed).read_bytes()
    (corpus / changed).write_bytes(content.replace(b"2024", b"2023", 1))
    after = corpus_digest(corpus)
    assert after != before
    (corpus / changed).write_bytes(content)
    assert corpus_digest(corpus) == before


def test_digest_changes_with_the_split_and_with_extra_data(corpus: Path) -> None:
    digests = {corpus_digest(corpus), corpus_digest(corpus, [OWN_RECORDS])}
    (corpus / "train" / "b.jsonl").rename(corpus / "test" / "b.jsonl")
    digests.add(corpus_digest(corpus))
    assert len(digests) == 3


def test_digest_of_a_missing_extra_file_is_refused(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.jsonl: expected a readable file"):
        corpus_digest(corpus, [tmp_path / "gone.jsonl"])


def test_dataset_dict_holds_the_columns(corpus: Path) -> None:
    datasets = to_dataset_dict(load_examples(corpus, [OWN_RECORDS]))
    assert list(datasets) == list(SPLITS)
    assert [datasets[split].num_rows for split in SPLITS] == [14, 4, 4]
    row = datasets["validation"][2]
    assert row == {
        "text": "A drone burned out a fuel lorry near Ostrava Bridge on Tuesday, "
        "and a second was jammed.",
        "labels": ["attack_claim", "interception_claim"],
        "targets": [1.0, 1.0, 0.0, 0.0],
        "primary": 0,
        "doc_id": "ost-1",
        "origin": "extra",
        "theatre": "other",
        "genre": None,
        "source": "own-wire",
        "hard": False,
    }
    primaries = datasets["train"]["primary"]
    labels = datasets["train"]["labels"]
    assert [LABELS[index].value for index in primaries] == [names[0] for names in labels]


def test_dataset_dict_has_every_split_even_without_rows(corpus: Path) -> None:
    train = [example for example in load_examples(corpus) if example.split == "train"]
    datasets = to_dataset_dict(train)
    assert [datasets[split].num_rows for split in SPLITS] == [6, 0, 0]
    assert datasets["test"].features == datasets["train"].features


def test_committed_corpus_is_whole_and_spread_over_the_splits() -> None:
    documents = {
        split: [document for path in paths for document in read_documents(path)]
        for split, paths in corpus_files().items()
    }
    doc_ids = [document.doc_id for split in SPLITS for document in documents[split]]
    assert len(doc_ids) == len(set(doc_ids)) >= 78
    theatres = {document.theatre for split in SPLITS for document in documents[split]}
    genres = {document.genre for split in SPLITS for document in documents[split]}
    for split in SPLITS:
        assert {document.theatre for document in documents[split]} == theatres
    for split in ("train", "test"):
        assert {document.genre for document in documents[split]} == genres
    in_test = Counter(label for e in load_examples() if e.split == "test" for label in e.labels)
    assert in_test[Label.INTERCEPTION_CLAIM] >= 25
    assert in_test[Label.ATTRIBUTION_INFERENCE] >= 25
    assert all(document.sentences[0].is_title for s in SPLITS for document in documents[s])


def test_committed_corpus_is_one_object_a_line_in_plain_utf8() -> None:
    for paths in corpus_files(default_corpus()).values():
        for path in paths:
            raw = path.read_bytes()
            assert raw.endswith(b"}\n")
            for line in raw.decode("utf-8").splitlines():
                assert line == json.dumps(json.loads(line), ensure_ascii=False)


@pytest.mark.skipif(SHARED is None, reason="CLAIMWIRE_SHARED is unset: real records not there")
def test_real_records_join_the_corpus() -> None:
    assert SHARED is not None
    examples = load_examples(None, [Path(SHARED) / "real-train" / "labelled.jsonl"])
    extra = Counter(example.split for example in examples if example.origin == "extra")
    assert extra == {"train": 5655, "validation": 637, "test": 649}
