"""Whether anybody answers at ``RAY_ADDRESS``: Ray itself would try again for minutes on end."""

from __future__ import annotations

import os
import socket
from typing import Any, Final
from urllib.parse import urlsplit

from claimwire.data.errors import InputError

_WAIT: Final = 5.0
"""Seconds until an address that says nothing is given up; a name may have several."""


def require_answer(ray: Any) -> None:
    """Try whether something listens where Ray will look for its cluster.

    Args:
        ray: the module; nothing is tried where it is connected already.

    Raises:
        InputError: nothing does.
    """
    address = os.environ.get("RAY_ADDRESS", "")
    place = _host_and_port(address)
    if place is None or ray.is_initialized():
        return
    try:
        socket.create_connection(place, timeout=_WAIT).close()
    except (OSError, UnicodeError) as error:  # the latter for what no name can be
        raise InputError(
            f"--engine ray: expected a cluster at {address} (RAY_ADDRESS), found none that answers "
            f"({error}): start it, correct or unset RAY_ADDRESS, or use the local engine"
        ) from error


def _host_and_port(address: str) -> tuple[str, int] | None:
    """Return what ``HOST:PORT`` and ``ray://HOST:PORT`` name; None for any other address."""
    scheme, _, rest = address.rpartition("://")
    if scheme not in ("", "ray"):
        return None
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port
    except ValueError:  # brackets left open, a port beyond 65535: Ray says what is wrong
        return None
    return (host, port) if host and port else None
