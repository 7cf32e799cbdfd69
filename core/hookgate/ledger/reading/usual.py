"""Pieces of a ledger told apart by their bytes: lines that look as most do, and odd ones."""

import re
from collections.abc import Iterator

import orjson

from hookgate.ledger.members import USUAL
from hookgate.ledger.record import Record

from .source import LONGEST_LINE

_match_usual = re.compile(f"(?:(?:{USUAL})\n)*+".encode()).match
_PRINTABLE = bytes(range(0x20, 0x7F))


def count_clean(data: bytes) -> int | None:
    """Count the newlines among bytes that are printable ASCII else, as gates write lines.

    None where others are among them, of which JSON refuses some, or a line is too long for one.
    """
    rest = data.translate(None, _PRINTABLE)
    is_clean = rest.count(b"\n") == len(rest) and len(data) < LONGEST_LINE
    return len(rest) if is_clean else None


def blocks(data: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield usual lines, as many as follow each other, with True; any other line with False.

    What is usual are whole records as by `members.is_usual`, if each line of them ends in `"}`.
    """
    at = 0
    may_be = count_clean(data) is not None
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
