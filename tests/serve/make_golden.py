"""Make the golden outputs of the shipped release again: ``python tests/serve/make_golden.py``.

The sentences and their theatres stay as they stand in golden_small.jsonl; what the release says of
them is written anew. Read the difference before it is committed: each changed label needs a reason.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from claimwire.serve.tagger import Tagger

GOLDEN = Path(__file__).with_name("golden_small.jsonl")
FIELDS = ("label", "labels", "scores")


def read_golden() -> list[dict[str, Any]]:
    """The records of the file, one a sentence."""
    lines = GOLDEN.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def tagged_anew(records: Sequence[dict[str, Any]], tagger: Tagger) -> list[dict[str, Any]]:
    """The same sentences with what the tagger says of them; scores have four decimals."""
    tagged = tagger.tag_sentences([record["text"] for record in records])
    return [
        {
            "release": tagger.model,
            "theatre": record["theatre"],
            "text": record["text"],
            **{field: sentence.verdict()[field] for field in FIELDS},
        }
        for record, sentence in zip(records, tagged, strict=True)
    ]


def main() -> None:
    records = tagged_anew(read_golden(), Tagger.load())
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    GOLDEN.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
