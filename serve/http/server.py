"""uvicorn around the application: the socket, the signals, and the way out."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Final

import uvicorn

from claimwire.data.errors import ConfigError
from claimwire.serve.http.app import create_app

if TYPE_CHECKING:
    from claimwire.model.release import Release
    from claimwire.serve.http.service import Service
    from claimwire.serve.http.settings import ServeSettings
    from claimwire.serve.http.tokens import Tokens

GRACE_SECONDS: Final = 5
"""How long, beyond the time limit of a request, the last ones are waited for."""

_BACKLOG: Final = 2048
_POLL_SECONDS: Final = 0.02


class _Server(uvicorn.Server):
    """A server that finishes what it accepted and says so while it does."""

    def __init__(
        self, config: uvicorn.Config, service: Service, announce: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._service = service
        self._announce = announce

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second Ctrl-C stops at once."""
        # Unlike uvicorn's, this does not raise the signal again: to be told to stop is no failure.
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self._service.draining = True
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell where."""
        await super().startup(sockets=sockets)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what was accepted, and everything new with 503; then close."""
        loop = asyncio.get_running_loop()
        settings = self._service.settings
        earliest = loop.time() + settings.drain_seconds
        latest = earliest + settings.timeout_seconds + GRACE_SECONDS
        while not self.force_exit and loop.time() < latest:
            if self._service.in_flight == 0 and loop.time() >= earliest:
                break
            await asyncio.sleep(_POLL_SECONDS)
        await super().shutdown(sockets=sockets)


def run(release: Release, settings: ServeSettings, tokens: Tokens) -> None:
    """Serve until a signal says to stop.

    Raises:
        ConfigError: the address cannot be listened on.
        ReleaseError: the release cannot be run.
    """
    with _listen(settings) as listener:
        _set_up_logging(settings)
        app = create_app(release, settings, tokens)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=settings.access_log,
            ws="none",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        host, port = listener.getsockname()[:2]
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        exposure = "" if len(tokens) else " without tokens"
        message = f"claimwire: serving {release.id} at {address}{exposure} (Ctrl-C stops)\n"

        def announce() -> None:
            sys.stderr.write(message)
            sys.stderr.flush()

        _Server(config, app.state.service, announce).run(sockets=[listener])


def _listen(settings: ServeSettings) -> socket.socket:
    try:
        [family, *_, address], *_ = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
        # asyncio sets this for sockets that name their protocol, which those made here do not.
        # Without it an answer's body waits some 40 ms for the client to acknowledge the head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        raise ConfigError(
            f"--host {settings.host} --port {settings.port}: expected an address to listen on, "
            f"found: {error.strerror or error}: choose another, or --port 0 for a free one"
        ) from None


def _set_up_logging(settings: ServeSettings) -> None:
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    if settings.access_log:
        logging.getLogger("uvicorn.access").setLevel(logging.INFO)
