"""Text files as editors save them: UTF-8, with or without a byte order mark."""

import codecs

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def without_bom(data: bytes) -> bytes:
    """The bytes behind a UTF-8 byte order mark, which Windows' editors put first."""
    return data.removeprefix(codecs.BOM_UTF8)


def decode(data: bytes) -> str:
    """The text of a file, line ends as `\\n`. Raises ValueError, saying how to save it."""
    if data.startswith(_UTF_16):
        raise ValueError("is UTF-16; save it as UTF-8")
    if b"\0" in data:
        raise ValueError("holds bytes of value 0, as UTF-16 does; save it as UTF-8")
    try:
        text = without_bom(data).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"is not UTF-8, first in line {line}; save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
