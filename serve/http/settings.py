"""Settings of the HTTP service, checked before anything is loaded."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from claimwire.data.errors import ConfigError

ENVIRONMENT_PREFIX: Final = "CLAIMWIRE_SERVE_"
"""Each setting can be given as an environment variable: this and its name in capitals."""

_POSITIVE: Final = (
    "max_body_bytes",
    "max_articles",
    "max_sentences",
    "timeout_seconds",
    "queue_requests",
    "queue_sentences",
    "batch_sentences",
    "batch_characters",
)
_NOT_NEGATIVE: Final = ("batch_wait_ms", "drain_seconds")


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """How to serve.

    Attributes:
        model: release directory or registered model; None for the shipped release.
        host: address to listen on.
        port: TCP port, 0 to 65535; 0 takes a free one.
        threads: processor threads of the runtime; None lets the runtime choose.
        max_body_bytes: largest request body.
        max_articles: most articles in one request.
        max_sentences: most sentences in one request, after splitting.
        timeout_seconds: longest time that one request may take, its body's arrival included.
        queue_requests: most requests at work or waiting; one more is answered 429.
        queue_sentences: most sentences waiting; a request that would exceed it is answered 429.
        batch_sentences: most sentences that the model is given at once.
        batch_characters: most characters that the model is given at once.
        batch_wait_ms: how long an idle model waits for company after a request's arrival.
        drain_seconds: how long after SIGTERM new requests are still answered, with 503.
        tokens_file: file of bearer tokens, one a line.
        allow_public_without_token: consent to a public address without tokens.
        access_log: log a line for each request.
    """

    model: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    threads: int | None = None
    max_body_bytes: int = 2 * 1024 * 1024
    max_articles: int = 100
    max_sentences: int = 2_000
    timeout_seconds: float = 60.0
    queue_requests: int = 256
    queue_sentences: int = 20_000
    batch_sentences: int = 256
    batch_characters: int = 50_000
    batch_wait_ms: float = 3.0
    drain_seconds: float = 0.0
    tokens_file: Path | None = None
    allow_public_without_token: bool = False
    access_log: bool = False

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ConfigError: a value is out of its range, or two do not go together.
        """
        for name in _POSITIVE:
            self._require(name, "a number above 0", getattr(self, name) > 0)
        for name in _NOT_NEGATIVE:
            self._require(name, "0 or more", getattr(self, name) >= 0)
        self._require("port", "0 to 65535", 0 <= self.port <= 65_535)
        self._require(
            "queue_sentences",
            f"at least max_sentences ({self.max_sentences})",
            self.queue_sentences >= self.max_sentences,
        )

    def _require(self, name: str, expected: str, holds: bool) -> None:
        value = getattr(self, name)
        if not (holds and math.isfinite(value)):
            option = "--" + name.replace("_", "-")
            raise ConfigError(f"{option}: expected {expected}, found {value}: correct it")

    @property
    def is_public(self) -> bool:
        """Whether other machines may reach the address."""
        if self.host == "localhost":
            return False
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:  # a name, which may stand for any address
            return True

    def check_exposure(self, has_tokens: bool) -> None:
        """Refuse a public address that anybody could use.

        Raises:
            ConfigError: the address is public, there are no tokens, and nobody consented.
        """
        if self.is_public and not has_tokens and not self.allow_public_without_token:
            raise ConfigError(
                f"--host {self.host}: expected bearer tokens for an address that other machines "
                "can reach, found none: give --tokens-file or "
                f"{ENVIRONMENT_PREFIX}TOKENS, stay on 127.0.0.1, or consent with "
                "--allow-public-without-token"
            )
