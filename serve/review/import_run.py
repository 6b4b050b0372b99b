"""Settings and counts of one import, and its draws."""

from __future__ import annotations

from claimwire.serve.review.hashes import sha256_hex
from claimwire.serve.review.problems import Problems


class ImportRun:
    """Settings and counts of one import.

    Args:
        share: share of the sentences to draw into the random stratum, 0-1.
        double_share: share of the sentences that two reviewers shall judge, 0-1.
        seed: of the draws.
    """

    def __init__(self, share: float, double_share: float, seed: int) -> None:
        self.problems = Problems()
        self.share = share
        self._double_share = double_share
        self._seed = seed
        self.articles = self.sentences = self.predictions = 0
        self.already_there = self.random_stratum = self.doubly = 0

    def stratum(self, digest: str) -> str:
        """Return the stratum of a sentence: the same wherever and whenever its text comes."""
        return "random" if self._draw(digest) < self.share * 2**64 else "rest"

    def needed(self, digest: str) -> int:
        """Return how many reviewers a sentence needs: drawn likewise, but by another lot."""
        return 2 if self._draw(f"double:{digest}") < self._double_share * 2**64 else 1

    def _draw(self, name: str) -> int:
        return int(sha256_hex(f"{self._seed}:{name}")[:16], 16)
