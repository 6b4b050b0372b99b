"""uvicorn around the application, and the way out."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Final

import uvicorn

from claimwire.data.errors import ConfigError
from claimwire.serve.http.app import create_app
from claimwire.serve.listening import Server, listen, log_to_stderr

if TYPE_CHECKING:
    from claimwire.model.release import Release
    from claimwire.serve.http.service import Service
    from claimwire.serve.http.settings import ServeSettings
    from claimwire.serve.http.tokens import Tokens

GRACE_SECONDS: Final = 5
"""How long, beyond the time limit of a request, the last ones are waited for."""

_POLL_SECONDS: Final = 0.02


class _Server(Server):
    """A server that finishes what it accepted and says so while it does."""

    def __init__(
        self, config: uvicorn.Config, service: Service, announce: Callable[[], None]
    ) -> None:
        super().__init__(config, announce)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop, and say so to whoever asks for the health."""
        self._service.draining = True
        super().handle_exit(sig, frame)

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
    advice = "choose another, or --port 0 for a free one"
    with listen(settings.host, settings.port, ConfigError, advice) as listener:
        log_to_stderr()
        if settings.access_log:
            logging.getLogger("uvicorn.access").setLevel(logging.INFO)
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
