"""Bytes to text, and telling text from files that are none."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

SNIFFED = 8_192
"""Bytes looked at to tell text from binary."""

CONTROL_SHARE = 0.1
"""Share of control characters from which bytes are no text; prose has practically none, compressed
data about 27 in 256."""

_MAGIC = (
    b"%PDF-",
    b"PK\x03\x04",  # zip, docx, xlsx, odt, epub
    b"PK\x05\x06",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",  # jpeg
    b"GIF87a",
    b"GIF89a",
    b"\x1f\x8b",  # gzip
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",  # zstandard
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"PAR1",  # parquet
    b"ARROW1",
    b"SQLite format 3\x00",
    b"\x7fELF",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",  # doc, xls, ppt
    b"ID3",
    b"OggS",
    b"{\\rtf",
)
_TEXT_CONTROLS = frozenset(b"\t\n\x0b\x0c\r\x1b\x1c\x1d\x1e\x1f")
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True, slots=True)
class Decoded:
    """Decoded text, and how many U+FFFD were put in for bytes that are no valid text."""

    text: str
    replaced: int


def decode(raw: bytes) -> Decoded:
    """Decode UTF-8, or UTF-16 where its byte order mark says so.

    Args:
        raw: the bytes of a file, any.

    Returns:
        The text without a leading byte order mark and with its line ends untouched. Invalid bytes
        become U+FFFD, counted in ``replaced``; a U+FFFD that was validly written is not counted.
    """
    encoding = _UTF16.get(raw[:2])
    return decode_utf8(raw) if encoding is None else _decoded(raw[2:], encoding)


def decode_utf8(raw: bytes) -> Decoded:
    """Decode UTF-8 as :func:`decode` does, such as a line of a file, whose beginning says nothing
    of an encoding.
    """
    return _decoded(raw.removeprefix(codecs.BOM_UTF8), "utf-8")


def _decoded(raw: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(raw.decode(encoding), 0)
    except UnicodeDecodeError:
        text = raw.decode(encoding, errors="replace")
        written = raw.decode(encoding, errors="ignore").count("\ufffd")
        return Decoded(text, text.count("\ufffd") - written)


def looks_binary(raw: bytes) -> bool:
    """Say whether bytes are anything but text.

    Args:
        raw: the beginning of a file (the first 8 KiB are looked at) or all of it.

    Returns:
        True for a known file signature, a NUL byte, or many control characters. UTF-16 text with
        its byte order mark is text; so are empty bytes.
    """
    head = raw[:SNIFFED]
    if head.startswith(_MAGIC):
        return True
    encoding = _UTF16.get(head[:2])
    if encoding is not None:
        text = head[2 : len(head) - len(head) % 2].decode(encoding, errors="replace")
        strange = sum(sign == "\ufffd" or _is_control(ord(sign)) for sign in text)
        return "\x00" in text or strange > CONTROL_SHARE * len(text)
    if b"\x00" in head:
        return True
    return sum(map(_is_control, head)) > CONTROL_SHARE * len(head)


def _is_control(code: int) -> bool:
    return code < 32 and code not in _TEXT_CONTROLS
