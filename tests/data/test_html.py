"""Web pages to article text."""

from __future__ import annotations

import sys

import pytest

from claimwire.data.errors import InputError, MissingExtraError
from claimwire.data.html import html_to_text, looks_like_html
from claimwire.data.segment import segment

PAGE = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html><head><title>Drones hit depot</title><style>.a { color: red }</style></head>
<body><nav><ul><li><a href="/">Home</a></li><li><a href="/w">World</a></li></ul></nav>
<article><h1>Drones hit depot</h1>
<p>Nine drones hit a fuel depot on the edge of Qarmat before dawn, officials said.
Two fell short.</p>
<script>var slot = document.getElementById("ad");</script>
<p>No one has claimed it. &ldquo;We heard it,&rdquo; said Caf&eacute; owner Nils.</p>
</article><footer>&copy; 2024 Meridian</footer></body></html>"""


@pytest.mark.parametrize(
    "text",
    [
        PAGE,
        "\ufeff<!doctype html><p>a",
        "  <HTML lang='en'>",
        "<!-- saved -->\n<!-- by x -->\n<html>",
        "<body><p>a</p>",
    ],
)
def test_a_page_is_seen(text: str) -> None:
    assert looks_like_html(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The tag <html> opens a page.",
        "<p>Prose with a tag left in it.</p>",
        "<!-- x",
        "<headline>",
    ],
)
def test_text_is_no_page(text: str) -> None:
    assert not looks_like_html(text)


def test_an_endless_comment_is_no_page() -> None:
    assert not looks_like_html("<!-- -->" * 10_000 + "<!--" + "x" * 10_000)


def test_the_article_comes_out_by_paragraphs() -> None:
    text = html_to_text(PAGE)
    assert text.split("\n\n") == [
        "Drones hit depot",
        "Nine drones hit a fuel depot on the edge of Qarmat before dawn, officials said. "
        "Two fell short.",
        "No one has claimed it. “We heard it,” said Café owner Nils.",
    ]
    assert len(segment(text).sentences) == 5


@pytest.mark.parametrize(
    "body", ["<p>One short line.</p>", "One short line.", "<div>One short line."]
)
def test_a_short_page_is_an_article_too(body: str) -> None:
    assert html_to_text(f"<html><body>{body}</body></html>") == "One short line."


@pytest.mark.parametrize(
    "page", ["", "<html></html>", "<html><body><script>go()</script></body></html>", "\x00<html>"]
)
def test_a_page_without_an_article_says_what_to_do(page: str) -> None:
    with pytest.raises(InputError, match=rf"found no article text in {len(page)} characters.*save"):
        html_to_text(page)


def test_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InputError):
        html_to_text("<html></html>")
    html_to_text(PAGE)
    assert caplog.records == []


def test_without_trafilatura_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'claimwire\[files\]'"):
        html_to_text(PAGE)
