"""Hashes of texts and of decisions."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from claimwire.serve.review.tables import canonical_json

GENESIS: Final = "0" * 64
"""What stands as the hash before the first decision."""


def sha256_hex(text: str) -> str:
    """Return the sha256 of a text's UTF-8, 64 hexadecimal digits."""
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def decision_hash(fields: Mapping[str, object]) -> str:
    """Return the hash of a decision: over the canonical JSON of every field except ``hash``."""
    covered = {name: value for name, value in fields.items() if name != "hash"}
    return sha256_hex(canonical_json(covered))
