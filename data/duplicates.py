"""Sentences that stand twice, exactly or nearly.

Two sentences are *exact* duplicates where they are equal after NFKC, lower-casing and dropping
all but letters and digits. They are *near* duplicates where the Jaccard similarity of their sets
of word 3-shingles is at least 0.7. Candidates come from MinHash with locality-sensitive hashing
(Broder 1997; datasketch), and each is verified with the true similarity, so that there is no
false alarm; with 32 bands of 4 rows a pair at 0.7 is missed once in 6,000.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from claimwire.data.errors import MissingExtraError

NEAR_JACCARD: Final = 0.7
SHINGLE_WORDS: Final = 3
LEAST_WORDS_FOR_NEAR: Final = 5
"""Below this a sentence has at most two shingles: one shared phrase would look like a copy."""

_BANDS_AND_ROWS: Final = (32, 4)
_NOT_ALPHANUMERIC: Final = re.compile(r"[\W_]+")


def normalise(text: str) -> str:
    """Return ``text`` in NFKC, lower case, its words of letters and digits one space apart."""
    return _NOT_ALPHANUMERIC.sub(" ", unicodedata.normalize("NFKC", text).lower()).strip()


def shingles(normalised: str) -> frozenset[str]:
    """Return the word 3-shingles of a normalised text (empty under three words)."""
    words = normalised.split()
    return frozenset(
        " ".join(words[start : start + SHINGLE_WORDS])
        for start in range(len(words) - SHINGLE_WORDS + 1)
    )


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Return the size of the intersection over that of the union, 0.0-1.0; 0.0 for empty sets."""
    union = len(first | second)
    return len(first & second) / union if union else 0.0


def near_duplicates(texts: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """Yield each pair of near duplicates among distinct normalised texts.

    Args:
        texts: normalised texts, each once; those under five words are left out.

    Yields:
        Indices ``first < second`` into ``texts`` and their true Jaccard similarity (>= 0.7),
        ordered by ``second``, then ``first``.

    Raises:
        MissingExtraError: datasketch, of the extra [train], is not installed.
    """
    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError as error:
        raise MissingExtraError("train", "looking for near duplicates") from error
    bands, rows = _BANDS_AND_ROWS
    index = MinHashLSH(num_perm=bands * rows, params=_BANDS_AND_ROWS)
    shingled: dict[int, frozenset[str]] = {}
    blank = MinHash(num_perm=bands * rows, seed=1)
    for second, text in enumerate(texts):
        if len(text.split()) < LEAST_WORDS_FOR_NEAR:
            continue
        shingled[second] = shingles(text)
        sketch = blank.copy()
        sketch.update_batch([shingle.encode() for shingle in sorted(shingled[second])])
        for first in sorted(index.query(sketch)):
            similarity = jaccard(shingled[first], shingled[second])
            if similarity >= NEAR_JACCARD:
                yield first, second, similarity
        index.insert(second, sketch)
