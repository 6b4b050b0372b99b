"""Bearer tokens: who passes, what is refused, and that none is ever shown."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from claimwire.data.errors import ConfigError
from claimwire.serve.http import problems
from claimwire.serve.http.tokens import TOKENS_VARIABLE, Tokens, load_tokens

from .http_support import assert_problem, serving

ONE, TWO = "a" * 20, "correct-horse-battery"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_every_token_passes_and_nothing_else_does() -> None:
    tokens = Tokens([ONE, TWO, ONE])
    assert len(tokens) == 2
    for token in (ONE, TWO):
        assert tokens.accept(f"Bearer {token}".encode())
        assert tokens.accept(f"bearer   {token} ".encode())
        for wrong in (
            f"Basic {token}",
            token,
            f"Bearer {token}x",
            f"Bearer {token[:-1]}",
            "Bearer",
        ):
            assert not tokens.accept(wrong.encode())
    assert not tokens.accept(None)
    assert not tokens.accept(b"")
    assert not tokens.accept(f"Bearer {ONE} {TWO}".encode())


def test_without_tokens_everybody_passes() -> None:
    assert Tokens().accept(None)
    assert Tokens().accept(b"Bearer whatever")


def test_tokens_come_from_a_file_and_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "tokens.txt"
    path.write_text(f"# ours\n\n{ONE}  # the desk\n", encoding="utf-8")
    tokens = load_tokens(path, f"{TWO},{'b' * 16}\n")
    assert len(tokens) == 3
    assert tokens.accept(f"Bearer {TWO}".encode())
    assert len(load_tokens(None, None)) == len(load_tokens(None, " , ")) == 0


@pytest.mark.parametrize("secret", ["short-secret", "secret with blanks and more", "sécret" * 4])
def test_a_token_that_does_not_fit_is_refused_and_not_shown(tmp_path: Path, secret: str) -> None:
    path = tmp_path / "tokens.txt"
    path.write_text(f"{ONE}\n{secret}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="token 2: expected 16 or more") as refused:
        load_tokens(path, None)
    assert secret not in str(refused.value)
    assert str(path) in str(refused.value)
    with pytest.raises(ConfigError, match=TOKENS_VARIABLE):
        load_tokens(None, "short")


@pytest.mark.parametrize("content", [None, b"", b"# nothing\n", b"\xff\xfe\xff"])
def test_a_file_without_tokens_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "tokens.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"--tokens-file .*: expected .*, found"):
        load_tokens(path, None)


def test_all_but_the_probes_want_a_token(tiny_release: Path) -> None:
    with serving(tiny_release, (ONE, TWO)) as client:
        for path in ("/v1/model", "/metrics", "/openapi.json", "/nothing", "/v1/tag"):
            for headers in ({}, bearer("x" * 20), {"Authorization": ONE}):
                answer = client.get(path, headers=headers)
                assert_problem(answer, problems.UNAUTHORIZED)
                assert answer.headers["www-authenticate"].startswith("Bearer")
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 200
        for token in (ONE, TWO):
            assert client.get("/v1/model", headers=bearer(token)).status_code == 200
            value = {"text": "A shell fell."}
            assert client.post("/v1/tag", json=value, headers=bearer(token)).status_code == 200
        twice = [("Authorization", f"Bearer {ONE}"), ("Authorization", f"Bearer {TWO}")]
        assert_problem(client.get("/v1/model", headers=twice), problems.UNAUTHORIZED)
        document = client.get("/openapi.json", headers=bearer(ONE)).json()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert document["paths"]["/healthz"]["get"]["security"] == []


def test_a_refused_body_is_not_read(tiny_release: Path) -> None:
    with serving(tiny_release, (ONE,), max_body_bytes=10) as client:
        assert_problem(client.post("/v1/tag", content=b"x" * 100), problems.UNAUTHORIZED)


def test_tokens_are_never_logged(
    tiny_release: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with caplog.at_level(logging.DEBUG), serving(tiny_release, (ONE,)) as client:
        client.get("/v1/model", headers=bearer(ONE))
        client.get("/v1/model", headers=bearer(TWO))
        rendered = client.get("/metrics", headers=bearer(ONE)).text
    for secret in (ONE, TWO):
        assert secret not in caplog.text
        assert secret not in rendered
    assert ONE not in repr(Tokens([ONE]))
