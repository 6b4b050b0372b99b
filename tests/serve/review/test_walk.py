"""The whole loop, as its user calls it: import, judge, export, corpus import, train, replay."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import pytest
from typer.testing import CliRunner

from claimwire.cli import app
from claimwire.data.corpus import corpus_digest, load_examples
from claimwire.model.release import load_release
from claimwire.serve.review.decisions import NewDecision, record_decision
from claimwire.serve.review.queues import Filter, QueueName, next_items
from claimwire.serve.review.store import ReviewStore

from .out_support import ATTACK, ATTRIBUTION, BACKGROUND, INTERCEPTION

ROOT = Path(__file__).parents[3]

ARTICLES = {
    "Depot burns at Maresk": {
        "Two drones struck the fuel depot at Maresk before dawn on Monday.": [ATTACK],
        "A third one was brought down over the river by a patrol boat.": [INTERCEPTION],
        "The governor blamed the northern brigade for the raid.": [ATTRIBUTION],
        "The depot holds a tenth of the district's winter fuel.": [BACKGROUND],
    },
    "Sluice hit near Orsay Ford": {
        "Rockets tore open the old sluice near Orsay Ford on Friday evening.": [ATTACK],
        "Nobody has said that it fired them.": [ATTRIBUTION],
        "Farmers use the sluice to water some forty orchards.": [BACKGROUND],
        "Batteries on the ridge say they stopped two of the five rockets.": [INTERCEPTION],
    },
    "Quiet week on the Tarn line": {
        "Observers counted no exchange of fire on the Tarn line this week.": [BACKGROUND],
        "Mediators met in the capital for the ninth time.": [BACKGROUND],
        # The reviewer takes the gull for what it is, whatever the tagger thinks.
        "A gull that set off the sirens on Thursday was shot down by a sentry.": [BACKGROUND],
    },
}
TRUE = {text: labels for article in ARTICLES.values() for text, labels in article.items()}
LEAKED = "A mine sank the dredger off Corran Spit; nobody has admitted laying it."
"""Stands in the test split of another file that training reads, and so may not be trained on."""


def claimwire(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.stdout


def judge_everything() -> int:
    """Judge each sentence of the random queue as a reviewer would; return how many there were."""
    keys = count()
    with ReviewStore.open(create=False) as store:
        while items := next_items(store, Filter(QueueName.RANDOM), "mara"):
            for item in items:
                labels = tuple(TRUE.get(item.text, [ATTACK]))
                key = f"key-{next(keys)}"
                record_decision(
                    store, "mara", NewDecision(item.sentence_id, "label", key, labels=labels)
                )
    return next(keys)


def test_from_articles_to_a_release_that_is_replayed(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLAIMWIRE_REVIEW_DB", raising=False)
    records = [
        {"id": title, "title": title, "theatre": "fictional", "text": "\n\n".join(sentences)}
        for title, sentences in {**ARTICLES, "Dredger": [LEAKED]}.items()
    ]
    Path("news.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    held_out = {"text": LEAKED, "labels": [ATTACK], "split": "test"}
    Path("held-out.jsonl").write_text(json.dumps(held_out) + "\n")

    claimwire("review", "import", "news.jsonl", "--random-share", 1, "--threads", 1)
    judged = judge_everything()
    assert judged == len(TRUE) + 1
    assert f"{judged} decisions, nothing was changed" in claimwire("review", "verify")
    figures = json.loads(claimwire("review", "estimate", "--format", "json"))
    assert (figures["sample"], figures["open"]) == (judged, 0)

    claimwire("review", "export", "--format", "corpus", "-o", "reviewed.jsonl")
    taken = claimwire(
        *("corpus", "import", "reviewed.jsonl", "--extra", "held-out.jsonl"),
        *("--output", "kept.jsonl"),
        code=1,
    )
    assert f"{judged - 1} added, 0 already there, 1 refused (1 leak)" in taken
    kept = load_examples(extra=[Path("kept.jsonl")], use_corpus=False)
    assert {example.text: list(example.labels) for example in kept} == TRUE
    claimwire("corpus", "check", "--extra", "kept.jsonl", "--extra", "held-out.jsonl")

    claimwire(
        *("train", ROOT / "configs" / "smoke.yaml", f"output_dir={tmp_path / 'artifacts'}"),
        *(f"model.base={tiny_base}", "data.max_train_sentences=200", "train.epochs=2"),
        f"data.extra=[{tmp_path / 'kept.jsonl'},{tmp_path / 'held-out.jsonl'}]",
    )
    (release,) = tmp_path.glob("artifacts/runs/*/release")
    extra = [Path("kept.jsonl"), Path("held-out.jsonl")]
    manifest = load_release(release).manifest
    assert manifest.corpus_digest == corpus_digest(ROOT / "data" / "corpus", extra)

    claimwire("review", "replay", release, "--output", "replay.jsonl")
    found = claimwire("review", "replay", release, "--trained-on", "kept.jsonl", "--format", "json")
    outcomes = json.loads(found)["outcomes"]
    assert sum(outcomes["all"].values()) == judged
    assert sum(outcomes["not_trained_on"].values()) == 1  # what was refused as a leak
    lines = [json.loads(line) for line in Path("replay.jsonl").read_text().splitlines()]
    assert len(lines) == judged
    for line in lines:
        was, now = (set(line[name]) == set(line["labels"]) for name in ("before", "now"))
        assert line["outcome"] == (
            ("still_right" if now else "broken") if was else ("fixed" if now else "still_wrong")
        )
    # Nothing of all this has touched what was decided.
    assert f"{judged} decisions, nothing was changed" in claimwire("review", "verify")
