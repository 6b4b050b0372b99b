"""Starting and stopping the desk, and the settings that it refuses."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import httpx2
import pytest

from claimwire.data.errors import ConfigError, InputError
from claimwire.serve.review import users
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.web.server import run_desk
from claimwire.serve.review.web.settings import DeskSettings

from .support import serving


def test_it_says_where_it_is_and_stops_when_told_to(database: Path) -> None:
    for how in (signal.SIGTERM, signal.SIGINT):
        with serving(database) as server:
            assert httpx2.get(f"{server.url}/").status_code == 200
            server.process.send_signal(how)
            assert server.process.wait() == 0


def test_a_port_that_is_taken_is_said_so(database: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"--port {port}: .*already in use.*another port"):
            run_desk(str(database), port=port, open_browser=False)


def test_an_address_of_another_machine_is_said_so(database: Path, store: ReviewStore) -> None:
    users.add_user(store, "ana", "correct horse battery")
    with pytest.raises(InputError, match=r"--host 192\.0\.2\.1 --port 0: expected an address"):
        run_desk(str(database), host="192.0.2.1", port=0, open_browser=False)


def test_others_are_let_in_by_sign_in_alone(database: Path, store: ReviewStore) -> None:
    with pytest.raises(InputError, match="at least one user with a password"):
        run_desk(str(database), host="0.0.0.0", port=0, open_browser=False)
    users.add_user(store, "ana", None)
    with pytest.raises(InputError, match="at least one user with a password"):
        run_desk(str(database), sign_in=True, port=0, open_browser=False)
    with pytest.raises(InputError, match="expected sign-in for an address"):
        run_desk(str(database), host="0.0.0.0", sign_in=False, open_browser=False)


def test_a_database_that_cannot_be_opened_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "no.db").write_text("this is no database", encoding="utf-8")
    with pytest.raises(InputError):
        run_desk(str(tmp_path / "no.db"), open_browser=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "::1", "127.8.8.8"])
def test_this_machine_alone_needs_no_sign_in(host: str) -> None:
    assert not DeskSettings(host=host).signs_in
    assert DeskSettings(host=host, sign_in=True).signs_in


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "desk.example.org", ""])
def test_an_address_that_others_reach_has_sign_in(host: str) -> None:
    assert DeskSettings(host=host).signs_in


def test_settings_out_of_range_are_refused() -> None:
    for port in (-1, 65_536):
        with pytest.raises(ConfigError, match="--port"):
            DeskSettings(port=port)
    for reviewer in ("", "  ", "x" * 101):
        with pytest.raises(ConfigError, match="--reviewer"):
            DeskSettings(reviewer=reviewer)


def test_the_reviewer_is_who_is_named_or_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    assert DeskSettings(reviewer=" ana ").local_reviewer == "ana"
    monkeypatch.setenv("LOGNAME", "ben")
    assert DeskSettings().local_reviewer == "ben"


def test_a_public_desk_knows_addresses_and_its_own_names() -> None:
    public = DeskSettings(host="0.0.0.0", allowed_hosts=("Review.example.org",))
    for host in ("192.0.2.1:8765", "[2001:db8::1]:8765", socket.gethostname(), "localhost"):
        assert public.knows_host(host), host
    assert public.knows_host("review.EXAMPLE.org:443")
    for host in ("rebound.example", "192.0.2.1.example", "", "[x]", "::1"):
        assert not public.knows_host(host), host
    named = DeskSettings(host="desk.example.org")
    assert named.knows_host("desk.example.org")
    assert not DeskSettings().knows_host("192.0.2.1")
