"""Text files as editors save them: UTF-8, with or without a byte order mark."""

import codecs

from .files import FileError, read_file

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def without_bom(data: bytes) -> bytes:
    """The bytes behind a UTF-8 byte order mark, which Windows' editors put first."""
    return data.removeprefix(codecs.BOM_UTF8)


def refuse_bom(data: bytes) -> None:
    """Raise `FileError` for a byte order mark where it does harm: it would be part of a key, and
    OpenSSL passes over the certificate behind it.
    """
    if data.startswith((codecs.BOM_UTF8, *_UTF_16)):
        raise FileError("begins with a byte order mark; save it as ASCII, or UTF-8 without one")


def read_text(path: str) -> str:
    """The text of a file, line ends as `\\n`. Raises `FileError`, saying how to save it."""
    data = read_file(path).data
    if data.startswith(_UTF_16):
        raise FileError("is UTF-16; save it as UTF-8")
    if b"\0" in data:
        raise FileError("holds bytes of value 0, as UTF-16 does; save it as UTF-8")
    try:
        text = without_bom(data).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileError(f"is not UTF-8, first in line {line}; save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
