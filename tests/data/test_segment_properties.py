"""What holds for every text whatever: exact offsets, order, full coverage, determinism."""

from __future__ import annotations

import re
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwire.data import splitting
from claimwire.data.junk import LONGEST
from claimwire.data.segment import Removed, Segmentation, Span, segment
from claimwire.data.splitting import BLOCK, split

PIECES = [
    *(
        "\n",
        "\r\n",
        "\r",
        "\u2028",
        "\u2029",
        "\x85",
        "\x0b",
        " ",
        "\u00a0",
        "\t",
        "\x00",
        "\ufeff",
    ),
    *("\u200b", "\u202e", "e\u0301", "😀", "𝔘", "ﷺ", "İ", "“", "”", '"', "'", "’", "«", "»"),
    *("(", ")", "[", "]", "{", "}", "<p>", "</p>", "<b>", "<script>", "</script>", "<!--", "-->"),
    *("&nbsp;", "&ldquo;", "&#8217;", "&NotEqualTilde;", "&bogus;", "](http://a.b)", "[1]", "---"),
    *("The army fired.", "He left. ", "Gen. ", "U.S. ", "5 p.m. Friday", "160 km. west", "No. 5 "),
    *(
        "...",
        "…",
        "?",
        "!",
        ".",
        ":",
        "—",
        "- ",
        "* ",
        "# ",
        "1. ",
        "II. ",
        "a) ",
        "| ",
        "@x ",
        "#y",
    ),
    *("BAGHDAD, Oct 27 (Agency) - ", "date 2021-06-22 ", "Q: ", "HOST: ", "ADVERTISEMENT", "Share"),
    *("a.b.c(function () { x(); });", "var x = 1;", "http://a.b/c", "By Mira Sol", "Most read\n"),
    *(
        "and the",
        "x" * 50,
        "the army said that it had moved its guns to the ",
        "军队开火。",
        "حرب.",
    ),
]
ARTICLES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join),
)


def everything(result: Segmentation) -> list[Span | Removed]:
    return [*result.sentences, *result.removed]


@given(ARTICLES)
@settings(max_examples=400, deadline=None)
def test_spans_are_exact_ordered_and_complete(article: str) -> None:
    result = segment(article)
    for span in everything(result):
        assert article[span.start : span.end] == span.text
        assert span.text
        assert span.text == span.text.strip()
    starts = [span.start for span in result.sentences]
    assert starts == sorted(starts)
    assert [r.start for r in result.removed] == sorted(r.start for r in result.removed)
    position = 0
    for start, end in sorted((s.start, s.end) for s in everything(result)):
        assert start >= position, "spans overlap"
        assert not article[position:start].strip(), "a character is in no span"
        position = end
    assert not article[position:].strip(), "a character is in no span"
    assert all(removed.reason for removed in result.removed)
    assert all(any(map(str.isalnum, s.text)) for s in result.sentences)


@given(ARTICLES)
@settings(max_examples=50, deadline=None)
def test_the_same_article_gives_the_same_result(article: str) -> None:
    assert segment(article) == segment(article)


@given(st.one_of(ARTICLES, st.text(st.characters())))  # lone surrogates included
@settings(max_examples=200, deadline=None)
def test_spaces_are_left_alone_and_nothing_else_changes(text: str) -> None:
    found = split(text)
    with pytest.MonkeyPatch.context() as patch:  # every white space anew, as the rule is meant
        patch.setattr(splitting, "_OTHER_SPACE", re.compile(r"\s"))
        patch.setattr(splitting, "_MASKED", re.compile(rf"{splitting._MASKED.pattern}|\s"))
        assert split(text) == found


def test_a_long_line_is_not_kept_word_by_word() -> None:
    line = "word " * 100_000
    split(line[:BLOCK])  # rules compile
    tracemalloc.start()
    try:
        split(line)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * len(line)


SENTENCE = "The patrol left Dora at dawn and found nothing on the road to the coast."


@pytest.mark.parametrize("copies", [1, 3, 200])
def test_block_borders_of_a_long_line_cut_no_sentence(copies: int) -> None:
    line = " ".join([SENTENCE] * copies)
    assert [span.text for span in segment(line).sentences] == [SENTENCE] * copies


def test_a_run_without_an_end_is_one_sentence() -> None:
    line = "word " * BLOCK
    (span,) = segment(line).sentences
    assert span.text == line.strip()
    (solid,) = segment("x" * (3 * BLOCK)).sentences
    assert solid.end == 3 * BLOCK


@pytest.mark.parametrize(
    "unit",
    ["<script>", "<!--", "“", "(", "a.", "](", "f.g('x') ", "&a", "https://a.b ", "<a ", "\u200b"],
)
def test_hostile_repetition_is_segmented(unit: str) -> None:
    article = unit * (20 * LONGEST)
    result = segment(article)
    assert sum(s.end - s.start for s in everything(result)) >= len(article.replace(" ", ""))
