"""The table for people, from rows made by hand: what it shows, and how it fits its place."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import pytest

from claimwire.data.labels import LABELS, Label
from claimwire.data.segment import Removed
from claimwire.serve.items import Item, Unit
from claimwire.serve.reports import Tally
from claimwire.serve.rows import Job, Recorder, Row
from claimwire.serve.table import TableWriter
from claimwire.serve.tagger import TaggedSentence

RECORDER = Recorder(Unit.ARTICLE, "claimwire 1.2.3 0a1b2c3d")
SENTENCE = TaggedSentence(
    start=0,
    end=10,
    text="Jets\nstruck the northern depot of Maresk, " + "and its eastern one, " * 8 + "twice.",
    label=Label.ATTACK_CLAIM,
    labels=(Label.ATTACK_CLAIM, Label.ATTRIBUTION_INFERENCE),
    scores=dict(zip(LABELS, (0.91, 0.02, 0.63, 0.05), strict=True)),
    confidence=0.91,
    needs_review=False,
    truncated=False,
)
DOUBTFUL = replace(
    SENTENCE,
    text="Sirens \x1b[31msounded.",
    label=Label.BACKGROUND,
    labels=(Label.BACKGROUND,),
    confidence=0.05,
    needs_review=True,
    truncated=True,
)


def written(rows: list[Row], *, show_removed: bool = False) -> str:
    stream, tally = io.BytesIO(), Tally()
    writer = TableWriter(stream, RECORDER, show_removed=show_removed)
    for row in rows:
        tally.add(row)
        writer.write(row)
    writer.finish(tally)
    writer.close()
    return stream.getvalue().decode()


def rows_of(item: Item, *removed: Removed) -> list[Row]:
    job = Job(item, 2, removed)
    return [Row(job, 0, SENTENCE), Row(job, 1, DOUBTFUL)]


def test_a_row_shows_label_probabilities_second_labels_and_marks() -> None:
    lines = written(rows_of(Item("news.txt", None, "news.txt", "..."))).splitlines()
    assert lines[0] == "news.txt: 2 sentences"
    assert lines[2].split() == ["#", "label", "prob.", "attack", "interc.", "attrib.", "backgr."]
    assert lines[3].split() == ["1", "attack_claim", "0.91", "0.91", "0.02", "0.63", "0.05"]
    assert lines[4].split() == ["+", "attribution_inference", "0.63"]
    assert lines[5].strip() == " ".join(SENTENCE.text.split())
    assert lines[6].split()[:3] == ["2", "background", "0.05"]
    assert lines[6].split()[-2:] == ["review", "truncated"]
    assert lines[-1] == "model: claimwire 1.2.3 0a1b2c3d"
    assert lines[-2].startswith("2 sentences in 1 text: 1 attack_claim, 0 interception_claim")
    assert lines[-2].endswith("1 to review; 1 truncated")


def test_columns_stand_under_their_headings() -> None:
    lines = written(rows_of(Item("news.txt", None, "news.txt", "..."))).splitlines()
    for heading in ("attack", "interc.", "attrib.", "backgr."):
        end = lines[2].index(heading) + len(heading)
        assert all(line[end - 4 : end].replace(".", "").isdigit() for line in (lines[3], lines[6]))


def test_text_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in written(rows_of(Item("news\x1b.txt", None, "x", "...")))


def test_removed_parts_follow_the_sentences_of_their_article() -> None:
    rows = rows_of(Item("news.txt", None, "news.txt", "..."), Removed(3, 9, "ad\nhere", "advert"))
    assert "removed" not in written(rows)
    lines = written(rows, show_removed=True).splitlines()
    assert lines[8] == "removed from news.txt [3:9] advert: ad here"


def test_articles_have_headings_and_files_of_sentences_have_one() -> None:
    articles = [
        row
        for line, article_id in ((1, "n-7"), (2, 2))
        for row in rows_of(Item("a.jsonl", line, article_id, "..."))
    ]
    headings = [line for line in written(articles).splitlines() if line.startswith("a.jsonl")]
    assert headings == ["a.jsonl:1 (n-7): 2 sentences", "a.jsonl:2: 2 sentences"]
    items = [Item("s.txt", line, line, "...", is_sentence=True) for line in (4, 9)]
    lines = written([Row(Job(item, 1), 0, DOUBTFUL) for item in items]).splitlines()
    assert lines.count("s.txt") == 1
    assert [line.split()[0] for line in lines if "background " in line][:2] == ["4", "9"]


@pytest.mark.parametrize("width", [40, 72, 200])
def test_a_terminal_wraps_sentences_and_colours_labels(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    for name in ("NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stdout", terminal)
    writer = TableWriter(io.BytesIO(), RECORDER, on_terminal=True)
    writer.write(rows_of(Item("news.txt", None, "news.txt", "..."))[0])
    shown = terminal.getvalue()
    assert "\x1b[1;31mattack_claim" in shown
    text = [line for line in shown.splitlines() if line.startswith("      ") and "+" not in line]
    assert " ".join(" ".join(text).split()) == " ".join(SENTENCE.text.split())
    assert all(len(line) <= width for line in text)
    assert len(text) > 1 or width == 200
