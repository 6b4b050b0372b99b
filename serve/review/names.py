"""Reviewers under other names: who judged can be told apart without being told."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Final

from claimwire.serve.review.store import Lock, ReviewStore, secret_setting

_SECRET: Final = "pseudonym_secret"  # noqa: S105  # the setting's name
_DIGITS: Final = 8


class Pseudonyms:
    """Gives each reviewer a name that stays the same in every export of a database.

    It follows from the name and a secret of the database, so that nobody without the database can
    try names out.

    Args:
        store: the review desk's database; the secret is made where there is none yet.
    """

    def __init__(self, store: ReviewStore) -> None:
        with store.write(Lock.SETTINGS) as session:
            self._secret = secret_setting(session, _SECRET)

    def __call__(self, name: str) -> str:
        """Return the pseudonym of a reviewer, such as ``reviewer-3f9a01c7``."""
        digest = hmac.new(self._secret, name.encode(), sha256).hexdigest()
        return f"reviewer-{digest[:_DIGITS]}"
