"""Finds labelled sentences, known by their digests only, in the text of a document.

Where our segmentation cuts as the labeller's did, its sentences match as they are. Elsewhere the
search widens: first to runs of adjacent sentences (a quotation kept whole), then to every
run of words (a dateline or a speaker's name that one of the two cut off).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Final

from claimwire.data.segment import segment
from claimwire.data.sources.article import Article
from claimwire.data.standoff_labels import sentence_digest, short_digest, words

LONGEST_RUN: Final = 5
"""Adjacent sentences that are tried as one."""

LONGEST_SENTENCE: Final = 200
"""Pieces between white space or dashes that a sentence can have in the search by words."""

_PIECE: Final = re.compile(r"[^\s—–]+|[—–]")
_PAIRS: Final = (("(", ")"), ("[", "]"), ("“", "”"), ('"', '"'))


def find_sentences(article: Article, wanted: set[str]) -> dict[str, str]:
    """Return the text of the wanted sentences that stand in ``article``, by digest.

    Args:
        article: one text of a source.
        wanted: digests (see :func:`sentence_digest`); not changed.
    """
    if article.is_sentence:
        digest = sentence_digest(article.text)
        return {digest: article.text} if digest in wanted else {}
    found: dict[str, str] = {}
    for candidate in _runs_of_sentences(article.text):
        digest = sentence_digest(candidate)
        if digest in wanted:
            found.setdefault(digest, candidate)
    if len(found) < len(wanted):
        found |= _by_words(article.text, wanted - found.keys())
    return found


def _runs_of_sentences(text: str) -> Iterator[str]:
    """Yield the sentences of ``text``, then the runs of 2, 3, ... adjacent ones."""
    sentences = segment(text).sentences
    for length in range(1, LONGEST_RUN + 1):
        for first, last in zip(sentences, sentences[length - 1 :], strict=False):
            yield " ".join(text[first.start : last.end].split())


def _by_words(text: str, wanted: set[str]) -> dict[str, str]:
    """Return the wanted sentences among all runs of words; the digest is extended word by word."""
    pieces = [(piece.start(), piece.end(), words(piece[0])) for piece in _PIECE.finditer(text)]
    pieces = [piece for piece in pieces if piece[2]]
    found: dict[str, str] = {}
    for first, (start, _, opening) in enumerate(pieces):
        whole = hashlib.sha256(opening.encode())
        for _, end, word in pieces[first + 1 : first + LONGEST_SENTENCE]:
            whole.update(f" {word}".encode())
            digest = short_digest(whole)
            if digest in wanted:
                found.setdefault(digest, _tidy(" ".join(text[start:end].split())))
    return found


def _tidy(sentence: str) -> str:
    """Cut off a bracket or quotation mark at either end that has no partner in the sentence."""
    for opening, closing in _PAIRS:
        alone = sentence.count(opening) != sentence.count(closing) or (
            opening == closing and sentence.count(opening) % 2 == 1
        )
        if alone and sentence.startswith(opening):
            sentence = sentence[1:].lstrip()
        elif alone and sentence.endswith(closing):
            sentence = sentence[:-1].rstrip()
    return sentence
