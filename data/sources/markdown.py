"""The little Markdown that the sources use, taken off so that only prose remains."""

from __future__ import annotations

import html
import re
from typing import Final

_FRONT_MATTER: Final = re.compile(r"\A---\n.*?\n---[ \t]*\n", re.DOTALL)
_TARGET: Final = r"\((?:[^()]|\([^()]*\))*\)"
_IMAGE: Final = re.compile(r"!\[[^\]]*\]" + _TARGET)
_LINK: Final = re.compile(r"\[([^\]]*)\]" + _TARGET)
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,80}>")
_BULLET: Final = re.compile(r"(?m)^[ \t]*(?:[-*+]|#{1,6}|>)[ \t]+")
_EMPHASIS: Final = re.compile(
    r"(?<!\\)(?:\*{2,}|(?<!\w)(?:\*|_+)(?=[\w\x22\x27“‘])|(?<=\S)(?:\*|_+)(?!\w))"
)
_ESCAPE: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_CITATION: Final = re.compile(r"\[(?:\d{1,3}|citation needed)\]")


def without_front_matter(text: str) -> str:
    """Return ``text`` without the YAML header between two ``---`` lines, where it has one."""
    return _FRONT_MATTER.sub("", text, count=1)


def plain(text: str) -> str:
    """Return the prose of Markdown: no images, link targets, tags, emphasis or escapes.

    Headings, list items and quotations lose their marks and keep their words; lines stay lines.
    """
    text = _TAG.sub(" ", _LINK.sub(r"\1", _IMAGE.sub("", text)))
    text = _EMPHASIS.sub("", _BULLET.sub("", text))
    return html.unescape(_CITATION.sub("", _ESCAPE.sub(r"\1", text)))


def unwrapped(text: str) -> str:
    """Join the lines of each paragraph by one space; paragraphs are set apart by blank lines."""
    paragraphs = re.split(r"\n[^\S\n]*(?:\n[^\S\n]*)+", text)
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
