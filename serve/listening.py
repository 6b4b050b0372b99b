"""uvicorn as the commands that serve run it: the socket, the announcement, the signals, the log."""

from __future__ import annotations

import logging
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Final

import uvicorn

if TYPE_CHECKING:
    from claimwire.data.errors import ClaimwireError

_BACKLOG: Final = 2048


class Server(uvicorn.Server):
    """A server that says where it listens, and takes a signal to stop as no failure.

    Args:
        config: of uvicorn.
        announce: called once requests are answered.
    """

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second Ctrl-C stops at once."""
        # Unlike uvicorn's, this does not raise the signal again: to be told to stop is no failure.
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell where."""
        await super().startup(sockets=sockets)
        self._announce()


def listen(host: str, port: int, error: type[ClaimwireError], advice: str) -> socket.socket:
    """Return a socket that listens.

    Args:
        host: name or address.
        port: TCP port; 0 takes a free one.
        error: what is raised where that fails.
        advice: what it then tells the user to do.

    Raises:
        ClaimwireError: the one given; the address cannot be listened on.
    """
    try:
        [family, *_, address], *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
        # asyncio sets this for sockets that name their protocol, which those made here do not.
        # Without it an answer's body waits some 40 ms for the client to acknowledge the head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as found:
        raise error(
            f"--host {host} --port {port}: expected an address to listen on, "
            f"found: {found.strerror or found}: {advice}"
        ) from None


def log_to_stderr() -> None:
    """Send warnings and worse to standard error, with their time."""
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
