"""Bytes to text, and what is no text."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwire.data.decode import Decoded, decode, looks_binary


def test_utf8_keeps_line_ends() -> None:
    assert decode("Ain al-Asad\r\nKyïv\r\n😀\n".encode()) == Decoded(
        "Ain al-Asad\r\nKyïv\r\n😀\n", 0
    )


def test_only_a_leading_mark_is_removed() -> None:
    assert decode(b"\xef\xbb\xbfa\xef\xbb\xbfb") == Decoded("a\ufeffb", 0)


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")]
)
def test_utf16_is_told_by_its_mark(encoding: str, mark: bytes) -> None:
    assert decode(mark + "Råd 😀".encode(encoding)) == Decoded("Råd 😀", 0)


def test_invalid_bytes_are_replaced_and_counted() -> None:
    assert decode(b"caf\xe9 and \xff\xfe.") == Decoded("caf\ufffd and \ufffd\ufffd.", 3)


def test_a_written_replacement_character_is_not_counted() -> None:
    assert decode("\ufffd".encode()) == Decoded("\ufffd", 0)
    assert decode("\ufffd".encode() + b"\xff") == Decoded("\ufffd\ufffd", 1)


def test_a_half_utf16_unit_is_replaced() -> None:
    assert decode("ab".encode("utf-16") + b"x") == Decoded("ab\ufffd", 1)


@given(st.binary(max_size=300))
def test_any_bytes_decode(raw: bytes) -> None:
    decoded = decode(raw)
    assert 0 <= decoded.replaced <= decoded.text.count("\ufffd")
    looks_binary(raw)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
def test_text_comes_back(text: str) -> None:
    assert decode(b"\xef\xbb\xbf" + text.encode()) == Decoded(text, 0)


NOISE = random.Random(7).randbytes(4_000)


@pytest.mark.parametrize(
    "raw",
    [
        b"%PDF-1.7\n1 0 obj",
        b"PK\x03\x04rest",
        b"\x89PNG\r\n\x1a\n",
        b"PAR1\x15\x04",
        gzip.compress(b"text"),
        zlib.compress(NOISE),
        NOISE,
        b"text with a \x00 in it",
        b"\xff\xfe\x00\x00\x01\x00",
    ],
    ids=["pdf", "zip", "png", "parquet", "gzip", "deflate", "noise", "nul", "utf16-nul"],
)
def test_binary_is_seen(raw: bytes) -> None:
    assert looks_binary(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"The army said.\r\n\tIt left.\x0c",
        "Ракета упала в поле.".encode(),
        "Ракета упала в поле.".encode("utf-16"),
        "Café à Tromsø".encode("latin-1"),
        b"\xef\xbb\xbfa",
        b'{"text": "PK was hit"}',
    ],
)
def test_text_is_no_binary(raw: bytes) -> None:
    assert not looks_binary(raw)
