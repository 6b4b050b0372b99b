"""The HTML page: whole, escaped, without network, and with everything that the rows say."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from claimwire.data.labels import LABELS, Label
from claimwire.data.segment import Removed
from claimwire.serve.items import Item, Unit
from claimwire.serve.page import PageWriter
from claimwire.serve.reports import Tally
from claimwire.serve.rows import Job, Recorder, Row
from claimwire.serve.tagger import TaggedSentence

from .conftest import ARTICLE_SENTENCES, RunTag

VOID = {"meta", "link", "br"}
CLAIM = TaggedSentence(
    start=0,
    end=10,
    text="Jets struck.",
    label=Label.ATTACK_CLAIM,
    labels=(Label.ATTACK_CLAIM, Label.ATTRIBUTION_INFERENCE),
    scores=dict(zip(LABELS, (0.91, 0.02, 0.63, 0.05), strict=True)),
    confidence=0.91,
    needs_review=False,
    truncated=False,
)
QUIET = replace(
    CLAIM, start=12, end=20, text="It rained.", label=Label.BACKGROUND, labels=(Label.BACKGROUND,)
)


class Checker(HTMLParser):
    """Reads a page: its tags are closed in order, and its attributes are collected."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(*rows: Row) -> str:
    stream, tally = io.BytesIO(), Tally()
    writer = PageWriter(stream, Recorder(Unit.ARTICLE, "claimwire 1.2.3 <0a1b2c3d>"))
    for row in rows:
        tally.add(row)
        writer.write(row)
    writer.finish(tally)
    writer.close()
    return stream.getvalue().decode()


def test_claims_stand_in_the_article_with_their_probabilities() -> None:
    job = Job(Item("a.txt", None, "a.txt", "Jets struck.\n\nIt rained."), 2)
    page = page_of(Row(job, 0, CLAIM), Row(job, 1, QUIET))
    assert '<mark class="attack_claim">Jets struck.</mark>' in page
    assert '<span class="chip attack_claim">attack 0.91</span>' in page
    assert '<span class="chip attribution_inference">attribution 0.63</span>' in page
    assert '<p dir="auto">It rained.</p>' in page
    assert "claimwire 1.2.3 &lt;0a1b2c3d&gt;" in page
    assert "2 sentences in 1 text" in page


def test_what_is_doubtful_is_marked() -> None:
    removed = (Removed(0, 3, "Share <b>", "share & follow"),)
    job = Job(Item("a.txt", 3, "n1", "x"), 1, removed, english=False, repeated=True)
    page = page_of(Row(job, 0, replace(QUIET, needs_review=True, truncated=True)))
    for mark in ("review", "truncated", "background 0.05", "not English", "repeated"):
        assert mark in Checker(page).text
    assert "<b>share &amp; follow</b>: Share &lt;b&gt;" in page
    assert "a.txt:3 (n1)" in page


def test_single_sentences_stand_in_one_list_with_their_lines() -> None:
    jobs = [Job(Item("s.txt", line, line, "x", is_sentence=True), 1) for line in (1, 5)]
    page = page_of(*[Row(job, 0, CLAIM) for job in jobs])
    assert page.count("<article>") == 1
    assert re.findall(r'class="number">(\d+)<', page) == ["1", "5"]


def test_the_page_needs_nothing_from_elsewhere(
    run_tag: RunTag, article: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.html"
    assert run_tag(article, output=output).code == 0
    page = output.read_text(encoding="utf-8")
    checked = Checker(page)
    assert all(sentence in checked.text for sentence in ARTICLE_SENTENCES)
    assert not re.search(r"https?:|url\(|@import|<script|<link|<img", page)
    assert not {"src", "href", "onclick"} & {name for _, attrs in checked.seen for name in attrs}
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page


@given(st.text(st.characters()), st.text(st.characters()))
def test_any_text_is_escaped(text: str, name: str) -> None:
    job = Job(Item(name, None, name, text), 1, (Removed(0, 1, text, name),))
    plain = Checker(page_of(Row(job, 0, replace(CLAIM, text="x"))))
    tags = [tag for tag, _ in plain.seen]
    checked = Checker(page_of(Row(job, 0, replace(CLAIM, text=text))))
    assert [tag for tag, _ in checked.seen] == tags


def test_a_tag_in_a_text_is_text() -> None:
    text = "<script>alert('x')</script></mark></article>&amp;"
    job = Job(Item("<i>.txt", None, "<i>.txt", text), 1)
    assert text in Checker(page_of(Row(job, 0, replace(CLAIM, text=text)))).text
