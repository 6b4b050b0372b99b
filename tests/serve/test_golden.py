"""The shipped release says what it said when it was made.

golden_small.jsonl holds sentences of our own with the output of one release, claimwire-small. Other
processors and versions of onnxruntime round int8 products differently: a score may differ by
SCORE_TOLERANCE, and labels may differ only where a probability is within NEAR_THRESHOLD of its
threshold. When the release changes, ``python tests/serve/make_golden.py`` makes the file again.
They are what the release says, right or wrong: how good it is, the evaluation tells.
"""

from __future__ import annotations

from typing import Any

import pytest

from claimwire.data.corpus import default_corpus, load_examples
from claimwire.data.labels import CLAIM_LABELS, LABELS
from claimwire.data.shapes import Theatre
from claimwire.model.release import default_release, load_release
from claimwire.serve.tagger import Tagger

from .make_golden import read_golden, tagged_anew

SCORE_TOLERANCE = 0.03
NEAR_THRESHOLD = 0.04
RECORDS = read_golden()
THRESHOLDS = load_release(default_release()).manifest.thresholds


def is_near_a_threshold(record: dict[str, Any]) -> bool:
    return any(
        abs(record["scores"][label] - THRESHOLDS[label]) <= NEAR_THRESHOLD for label in CLAIM_LABELS
    )


@pytest.fixture(scope="module")
def shipped() -> Tagger:
    return Tagger.load()


def test_the_golden_outputs_belong_to_the_shipped_release(shipped: Tagger) -> None:
    releases = {record["release"] for record in RECORDS}
    assert releases == {shipped.model}, (
        f"golden_small.jsonl belongs to {releases}, the package ships {shipped.model}: run "
        "python tests/serve/make_golden.py, and read how the outputs change before committing them"
    )


def test_the_shipped_release_gives_the_golden_outputs(shipped: Tagger) -> None:
    problems = []
    for expected, found in zip(RECORDS, tagged_anew(RECORDS, shipped), strict=True):
        off = {
            label: (score, found["scores"][label])
            for label, score in expected["scores"].items()
            if abs(score - found["scores"][label]) > SCORE_TOLERANCE
        }
        if off:
            problems.append(f"{expected['text']}: scores (expected, found) {off}")
        if not is_near_a_threshold(expected):
            before, now = ((record["label"], record["labels"]) for record in (expected, found))
            if before != now:
                problems.append(f"{expected['text']}: expected {before}, found {now}")
    assert not problems, "\n".join(problems)


def test_the_golden_sentences_cover_labels_and_theatres() -> None:
    settled = [record for record in RECORDS if not is_near_a_threshold(record)]
    assert len(settled) >= 0.9 * len(RECORDS)
    assert {record["label"] for record in settled} == {label.value for label in LABELS}
    assert any(len(record["labels"]) > 1 for record in settled)
    assert {record["theatre"] for record in RECORDS} == {theatre.value for theatre in Theatre}


def test_the_golden_sentences_are_not_in_the_corpus() -> None:
    corpus = {" ".join(e.text.split()).lower() for e in load_examples(default_corpus())}
    assert not corpus & {record["text"].lower() for record in RECORDS}
