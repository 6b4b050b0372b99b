"""Settings of the desk's web part, checked before anything is opened."""

from __future__ import annotations

import getpass
import ipaddress
import socket
from dataclasses import dataclass
from typing import Final

from claimwire.data.errors import ConfigError, InputError

LONGEST_NAME: Final = 100
"""Most characters of a reviewer's name."""


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """How the desk is served.

    Attributes:
        host: address to listen on.
        port: TCP port, 0 to 65535; 0 takes a free one.
        reviewer: who judges where nobody signs in; None for the user of the operating system.
        sign_in: whether reviewers sign in; None: where other machines reach the address.
        https: a proxy on this machine serves the desk over https: cookies are sent over https
            alone, and the proxy's ``X-Forwarded-For`` names the visitor.
        allowed_hosts: further names by which browsers may call the desk, such as
            ``review.example.org``; see :meth:`knows_host`.
        model: release directory or registered model that explains predictions; None for the
            shipped release.
        max_body_bytes: largest request body.
        session_hours: how long a sign-in lasts.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    reviewer: str | None = None
    sign_in: bool | None = None
    https: bool = False
    allowed_hosts: tuple[str, ...] = ()
    model: str | None = None
    max_body_bytes: int = 64 * 1024
    session_hours: int = 12

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ConfigError: a value is out of its range.
            InputError: the desk would be open to other machines without sign-in.
        """
        if not 0 <= self.port <= 65_535:
            raise ConfigError(f"--port: expected 0 to 65535, found {self.port}: correct it")
        if self.reviewer is not None and not 0 < len(self.reviewer.strip()) <= LONGEST_NAME:
            raise ConfigError(
                f"--reviewer: expected a name of 1 to {LONGEST_NAME} characters, "
                f"found {len(self.reviewer.strip())}: correct it"
            )
        if self.is_public and self.sign_in is False:
            raise InputError(
                f"--host {self.host}: expected sign-in for an address that other machines can "
                "reach, found it switched off: leave it on, or stay on 127.0.0.1"
            )

    @property
    def is_public(self) -> bool:
        """Whether other machines may reach the address."""
        return not _is_loopback(self.host)

    @property
    def signs_in(self) -> bool:
        """Whether reviewers have to sign in."""
        return self.is_public if self.sign_in is None else self.sign_in

    @property
    def local_reviewer(self) -> str:
        """Who judges where nobody signs in."""
        if self.reviewer is not None:
            return self.reviewer.strip()
        try:
            return getpass.getuser()[:LONGEST_NAME]
        except (KeyError, OSError):  # a process whose user has no name, as in some containers
            return "reviewer"

    def knows_host(self, header: str) -> bool:
        """Say whether a ``Host`` header names this desk.

        A page elsewhere can point a name of its own at this machine and then talk to the desk as if
        it were its own (DNS rebinding); the name gives it away. A bare address cannot be pointed
        elsewhere, so a public desk knows all of them, a local one those of this machine alone.
        """
        name = _name_of(header)
        if name is None:
            return False
        if name in {given.lower() for given in self.allowed_hosts} or _is_loopback(name):
            return True
        if not self.is_public:
            return False
        return _is_address(name) or name in {
            self.host.lower(),
            socket.gethostname().lower(),
            socket.getfqdn().lower(),
        }


def _name_of(header: str) -> str | None:
    """Return the name in a ``Host`` header without its port; None for what is no such header."""
    if header.startswith("["):
        name, bracket, port = header[1:].partition("]")
        has_port = port.startswith(":")
        return name if bracket and (not port or has_port) and _is_address(name) else None
    name, _, port = header.lower().partition(":")
    return name if name and (not port or port.isdecimal()) else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    if name.lower() == "localhost":
        return True
    return _is_address(name) and ipaddress.ip_address(name).is_loopback
