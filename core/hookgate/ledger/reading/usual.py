"""Pieces of a ledger told apart by their bytes: lines that look as most do, and odd ones."""

from collections.abc import Iterator

import orjson

from hookgate.ledger.members import USUAL
from hookgate.ledger.record import Record

from .matching import End, lines_of
from .source import LONGEST_LINE

_end_of_usual = lines_of(USUAL)


def blocks(data: bytes, end_of: End = _end_of_usual) -> Iterator[tuple[bytes, bool]]:
    """Yield usual lines, as many as follow each other, with True; any other line with False.

    What is usual are whole records as by `members.is_usual`, or as far as `end_of` says.
    """
    at, whole = 0, len(data)
    # A line too long for a record may be in more.
    may_be = whole < LONGEST_LINE
    while at < whole:
        begin = at
        if may_be and (at := end_of(data, begin, whole)) > begin:
            yield data[begin:at], True
        else:
            at = data.find(b"\n", begin) + 1 or whole
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
