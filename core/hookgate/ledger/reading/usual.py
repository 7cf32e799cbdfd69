"""Pieces of a ledger told apart by their bytes: lines that look as most do, and odd ones."""

import re
from collections.abc import Iterator

import orjson

from hookgate.ledger.members import USUAL, is_usual
from hookgate.ledger.record import Record

from .source import LONGEST_LINE

_match_usual = re.compile(f"(?:(?:{USUAL})\n)*+".encode()).match
# What JSON refuses in a text, and what gates escape, becomes something else.
_CLEAN = bytes(byte if byte == 0x0A or 0x20 <= byte < 0x7F else 0x7F for byte in range(256))


def is_clean(data: bytes) -> bool:
    """Tell whether lines are plain ASCII without control characters or escapes, none too long."""
    return len(data) < LONGEST_LINE and b"\\" not in data and data.translate(_CLEAN) == data


def blocks(data: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield usual lines, as many as follow each other, with True; any other line with False.

    What is usual are whole records as by `members.is_usual`, if each line of them ends in `"}`.
    """
    if not is_clean(data):
        for line in data.split(b"\n")[:-1]:
            yield line + b"\n", is_clean(line) and is_usual(line)
        if not data.endswith(b"\n"):
            yield data[data.rfind(b"\n") + 1 :], False
        return
    at = 0
    while at < len(data):
        begin = at
        if (match := _match_usual(data, at)) is not None and match.end() > at:
            at = match.end()
            yield data[begin:at], True
        else:
            at = data.find(b"\n", at) + 1 or len(data)
            yield data[begin:at], False


def parse_whole(line: bytes) -> Record | None:
    """Parse a line with its end, None unless it is a whole record as gates spell them."""
    if not line.endswith(b"}\n") or len(line) >= LONGEST_LINE:
        return None
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return record if type(record) is dict and type(record.get("event")) is str else None
