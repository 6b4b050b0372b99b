"""What is machine text inside an article: scripts, style sheets, tags, comments, entities.

:func:`mask` blanks it out without moving a single character, so that everything after it works
on text of the article's own length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

GAP = 8
"""Tokens without a sign of code that an open bracket may span before the code is over."""


class Cut(NamedTuple):
    """A stretch of the article that is not prose: ``start`` and ``end`` in code points."""

    start: int
    end: int
    reason: str


_ELEMENT = re.compile(r"<(script|style|noscript|iframe|svg|template)\b[^<>]*>", re.IGNORECASE)
_CLOSING = {
    name: re.compile(rf"</{name}\s*>", re.IGNORECASE)
    for name in ("script", "style", "noscript", "iframe", "svg", "template")
}
_TAG = re.compile(r"</?([a-zA-Z][\w:-]{0,40})(?:\s[^<>]*)?/?>")
_INLINE = frozenset(
    re.findall(
        r"\w+", "a abbr b bdi bdo cite code em font i mark q s small span strong sub sup time u wbr"
    )
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
_ADDRESS = re.compile(r"\]\([^\s()]{1,500}\)")

_CODE_START = re.compile(
    r"""
      (?<![\w$.])[\w$]{1,40}(?:\.[\w$]{1,40}){1,6}\((?=\s?(?:function\b|['"{(]|\)))
    | \bfunction\b\s{0,3}[\w$]{0,40}\s{0,3}\([\w\s,$]{0,120}\)\s{0,3}\{
    | \b(?:var|let|const)\s{1,3}[\w$]{1,40}\s{0,3}=
    | \bwindow\.[\w$]{1,40}\s?[=.(]
    | \bdocument\.[\w$]{1,40}\s?[=.(]
    | (?<!\S)[.\#@][\w-]{1,60}(?:\s[\w.\#:-]{1,40}){0,3}\s?\{
    | (?<!\S)@media\b[^{}\n]{0,80}\{
    | \{\s?"[\w@-]{1,40}"\s?:
    | =>\s?\{
    | \}\)\(\);?
    """,
    re.VERBOSE,
)
_TOKEN = re.compile(r"\S+")
_CODEY = re.compile(
    r"[{};=<>]|\|\||&&|\w\(['\"(){]|\(\)|^(?:window|document)\.|^[\w$]{1,40}(?:\.[\w$]{1,40})*+\("
    r"|^[)\]}]+[,;]?$|^(?:return|var|let|const|new|null|true|false|undefined|typeof)$"
)


def mask(article: str) -> tuple[str, list[Cut]]:
    """Blank out machine text.

    Args:
        article: the decoded article.

    Returns:
        The article with scripts, comments and block tags turned into line breaks, inline tags into
        spaces and entities into the character they stand for (repeated), of unchanged length; and
        what was blanked out, in order.
    """
    if not any(sign in article for sign in "<{&(="):
        return article, []
    cuts = [*_elements(article), *_code(article)]
    text = _blanked(article, cuts, "\n")
    if "<" in text:
        tags = [
            (Cut(tag.start(), tag.end(), "markup"), tag[1].casefold() in _INLINE)
            for tag in _TAG.finditer(text)
        ]
        text = _blanked(text, [cut for cut, inline in tags if inline], " ")
        text = _blanked(text, [cut for cut, inline in tags if not inline], "\n")
        cuts += [cut for cut, _ in tags]
    if "&" in text:
        cuts += [
            Cut(entity.start(), entity.end(), "markup")
            for entity in _ENTITY.finditer(text)
            if _character(entity[0]) == " "
        ]
        text = _ENTITY.sub(lambda entity: _character(entity[0]) * len(entity[0]), text)
    if "](" in text:
        text = _ADDRESS.sub(lambda address: "]" + "_" * (len(address[0]) - 1), text)
    return text, sorted(cuts)


def _character(entity: str) -> str:
    """Return the one character that stands in for an entity (a space for any white space)."""
    import html  # only pages with entities pay for its tables

    plain = html.unescape(entity)
    if plain == entity or len(plain) != 1:
        return "x"
    return " " if plain.isspace() else plain


def _blanked(text: str, cuts: list[Cut], filler: str) -> str:
    parts: list[str] = []
    position = 0
    for start, end, _ in sorted(cuts):
        if end > position:
            start = max(start, position)
            parts += (text[position:start], filler * (end - start))
            position = end
    return "".join((*parts, text[position:])) if parts else text


def _elements(article: str) -> Iterator[Cut]:
    """Yield whole elements that hold no prose, and comments; linear in the article's length."""
    position = article.find("<!--")
    while position >= 0:
        end = article.find("-->", position)
        if end < 0:
            break
        yield Cut(position, end + 3, "markup")
        position = article.find("<!--", end)
    unclosed: set[str] = set()
    done = 0
    for opening in _ELEMENT.finditer(article):
        name = opening[1].casefold()
        if opening.start() < done or name in unclosed:
            continue
        closing = _CLOSING[name].search(article, opening.end())
        if closing is None:
            unclosed.add(name)
            continue
        done = closing.end()
        yield Cut(opening.start(), done, "script" if name == "script" else "markup")


def _code(article: str) -> Iterator[Cut]:
    """Yield stretches of JavaScript, CSS or JSON that lie between words of prose."""
    done = 0
    for sign in _CODE_START.finditer(article):
        if sign.start() < done:
            continue
        start = sign.start()
        while start > done and not article[start - 1].isspace() and sign.start() - start < 200:
            start -= 1
        done = _code_end(article, start, sign.end())
        yield Cut(start, done, "script")


def _code_end(article: str, start: int, least: int) -> int:
    """Return where the code that starts at ``start`` is over (at least ``least``)."""
    depth = idle = 0
    end = least
    for token in _TOKEN.finditer(article, start):
        word = token[0]
        opened = sum(word.count(sign) for sign in "({[")
        closed = sum(word.count(sign) for sign in ")}]")
        codey = token.start() < least or bool(_CODEY.search(word))
        depth = max(0, depth + opened - closed)
        if codey or (depth and opened):
            end, idle = max(end, token.end()), 0
            continue
        idle += 1
        if depth == 0 or idle > GAP:
            break
    return end
