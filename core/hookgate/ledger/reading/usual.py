"""Pieces of a ledger told apart by their bytes: lines that look as most do, and odd ones."""

import re
from collections.abc import Iterator

import orjson

from hookgate.ledger.members import USUAL
from hookgate.ledger.record import Record

from .source import LONGEST_LINE

_match_usual = re.compile(f"(?:(?:{USUAL})\n)*+".encode()).match
# What JSON refuses in a text, and what gates escape, becomes something else.
_CLEAN = bytes(byte if byte == 0x0A or 0x20 <= byte < 0x7F else 0x7F for byte in range(256))


def is_clean(data: bytes) -> bool:
    """Tell whether lines are ASCII without control characters, none of them too long."""
    return len(data) < LONGEST_LINE and data.translate(_CLEAN) == data


def blocks(data: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield usual lines, as many as follow each other, with True; any other line with False.

    What is usual are whole records as by `members.is_usual`, if each line of them ends in `"}`.
    """
    at = 0
    may_be = is_clean(data)
    while at < len(data):
        begin = at
        if may_be and (at := _end_of_usual(data, begin)) > begin:
            yield data[begin:at], True
        else:
            at = data.find(b"\n", begin) + 1 or len(data)
            yield data[begin:at], False


def _end_of_usual(data: bytes, begin: int) -> int:
    escape = data.find(b"\\", begin)
    end = len(data) if escape < 0 else data.rfind(b"\n", begin, escape) + 1
    match = _match_usual(data, begin, end)
    return match.end() if match is not None else begin


def parse_whole(line: bytes) -> Record | None:
    """Parse a line with its end, None unless it is a whole record as gates spell them."""
    if not line.endswith(b"}\n") or len(line) >= LONGEST_LINE:
        return None
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return record if type(record) is dict and type(record.get("event")) is str else None
