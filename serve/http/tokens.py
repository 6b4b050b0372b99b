"""Bearer tokens: read from a file and the environment, compared in constant time, never shown."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final

from claimwire.data.errors import ConfigError
from claimwire.serve.http.settings import ENVIRONMENT_PREFIX

TOKENS_VARIABLE: Final = f"{ENVIRONMENT_PREFIX}TOKENS"
"""Environment variable that holds tokens, separated by commas or white space."""

MIN_TOKEN_CHARACTERS: Final = 16
"""Shortest token accepted: a shorter one could be guessed."""

_BEARER: Final = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([^\s]+)\s*")
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class Tokens:
    """The tokens that open the service; it keeps their sha256 alone.

    Args:
        tokens: all of them; none means that no token is asked for.
    """

    def __init__(self, tokens: Iterable[str] = ()) -> None:
        self._digests = tuple(sha256(token.encode()).digest() for token in dict.fromkeys(tokens))

    def __len__(self) -> int:
        return len(self._digests)

    def __repr__(self) -> str:
        return f"Tokens({len(self)} kept secret)"

    def accept(self, authorization: bytes | None) -> bool:
        """Say whether an ``Authorization`` header opens the service.

        Every token is compared, each in constant time, so that the time taken tells nothing about
        any of them.
        """
        if not self._digests:
            return True
        match = _BEARER.fullmatch(authorization or b"")
        given = sha256(match[1] if match else b"").digest()
        found = False
        for digest in self._digests:
            found |= hmac.compare_digest(digest, given)
        return found and match is not None


def load_tokens(path: Path | None, variable: str | None) -> Tokens:
    """Read tokens from a file, one a line (``#`` begins a comment), and from a variable's value.

    Raises:
        ConfigError: the file cannot be read or holds no token, or a token is too short or has
            characters that no header carries. The message never shows a token.
    """
    found: list[str] = []
    if path is not None:
        found += _from_file(path)
    found += _checked(re.split(r"[,\s]+", (variable or "").strip(", \t\r\n")), TOKENS_VARIABLE)
    return Tokens(found)


def _from_file(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "bytes that are no UTF-8"
        raise ConfigError(
            f"--tokens-file {path}: expected a readable file of tokens, found: {reason}: "
            "check the path and its permissions"
        ) from None
    tokens = _checked((line.partition("#")[0].strip() for line in lines), str(path))
    if not tokens:
        raise ConfigError(
            f"--tokens-file {path}: expected one token a line, found none: add one, such as from "
            "`openssl rand -hex 32`"
        )
    return tokens


def _checked(tokens: Iterable[str], where: str) -> list[str]:
    kept = [token for token in tokens if token]
    for number, token in enumerate(kept, start=1):
        if len(token) < MIN_TOKEN_CHARACTERS or not _TOKEN.fullmatch(token):
            raise ConfigError(
                f"{where}: token {number}: expected {MIN_TOKEN_CHARACTERS} or more of the "
                f"characters A-Z a-z 0-9 . _ ~ + / - (= at the end), found {len(token)} characters "
                "that do not fit: make one with `openssl rand -hex 32`"
            )
    return kept
