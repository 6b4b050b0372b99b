"""uvicorn around the desk: database, settings, browser."""

from __future__ import annotations

import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import uvicorn

from claimwire.data.errors import InputError
from claimwire.serve.listening import Server, listen, log_to_stderr
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.users import list_users
from claimwire.serve.review.web.app import create_app
from claimwire.serve.review.web.settings import DeskSettings

if TYPE_CHECKING:
    from fastapi import FastAPI

GRACE_SECONDS: Final = 5
"""How long requests that were accepted are waited for when the desk is told to stop."""

_ADVICE: Final = (
    "stop what listens there (perhaps another desk), or choose another port, 0 for a free one"
)


def run_desk(
    store_url: str | None,
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    reviewer: str | None = None,
    model: str | None = None,
    open_browser: bool = True,
    sign_in: bool | None = None,
    allowed_hosts: Sequence[str] = (),
    https: bool = False,
) -> None:
    """Serve the desk until a signal says to stop.

    Args:
        store_url: the database; None for the default one.
        host: address to listen on; one that other machines reach has sign-in on.
        port: TCP port; 0 takes a free one.
        reviewer: who judges where nobody signs in; None for the user of the operating system.
        model: what explains predictions; None for the shipped release.
        open_browser: show the desk in a browser once it listens.
        sign_in: whether reviewers sign in; None where other machines reach the address.
        allowed_hosts: further names by which browsers may call the desk.
        https: a proxy on this machine serves the desk over https.

    Raises:
        ConfigError: a setting is out of range.
        InputError: the database cannot be opened, the address cannot be listened on, or reviewers
            shall sign in and nobody has a password.
    """
    settings = DeskSettings(
        host=host,
        port=port,
        reviewer=reviewer,
        sign_in=sign_in,
        https=https,
        allowed_hosts=tuple(allowed_hosts),
        model=model,
    )
    with ReviewStore.open(store_url) as store:
        if settings.signs_in:
            _require_user(store)
        with listen(host, port, InputError, _ADVICE) as listener:
            settings = replace(settings, port=listener.getsockname()[1])
            log_to_stderr()
            address = _address(settings)

            def announce() -> None:
                who = "sign-in is on" if settings.signs_in else f"you are {settings.local_reviewer}"
                sys.stderr.write(f"claimwire: review desk at {address} ({who}; Ctrl-C stops)\n")
                sys.stderr.flush()
                if open_browser:
                    # A browser that starts slowly must not hold the desk up.
                    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

            Server(_config(create_app(store, settings), settings), announce).run([listener])


def _config(app: FastAPI, settings: DeskSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        ws="none",
        # A proxy on this machine is believed whom it speaks for; without https there is none.
        proxy_headers=settings.https,
        forwarded_allow_ips="127.0.0.1,::1",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _address(settings: DeskSettings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    if settings.host in ("0.0.0.0", "::"):  # noqa: S104 every address of this machine
        host = socket.gethostname()
    return f"http://{host}:{settings.port}/"


def _require_user(store: ReviewStore) -> None:
    if not any(user.active and user.has_password for user in list_users(store)):
        raise InputError(
            "expected at least one user with a password, since reviewers sign in here, found none: "
            "add one with `claimwire review user add NAME`"
        )
