"""Lines in the store that tell of bodies, by the index of names."""

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg

from hookgate.ledger.reading.line import NO_RECORD, Line
from hookgate.ledger.reading.parsing import parse

from .connecting import Connection
from .error import StoreError, tell
from .segment import hash_name, unpack

_TOGETHER = 1000
# A segment has a mebibyte of lines and the last one; a larger one no shipper made.
_LARGEST = 4 << 20
_SEGMENTS = """
SELECT DISTINCT n.gate, n.boot, n.first_n, n.day FROM hookgate.name n WHERE n.name = ANY (%s)"""
_BODY = """
SELECT size, sha256, body FROM hookgate.segment
 WHERE gate = %s AND boot = %s AND first_n = %s AND day = %s AND size <= %s"""


def lines_about(connection: Connection, bodies: Iterable[str]) -> Iterator[Line]:
    """Yield the lines of all segments that name one of these bodies, by SHA-256 in hex.

    What is damaged comes as a line that is no record. Raises `StoreError`.
    """
    hashes = [hash_name(body) for body in bodies]
    segments: set[tuple[Any, ...]] = set()
    try:
        for first in range(0, len(hashes), _TOGETHER):
            segments.update(
                connection.execute(_SEGMENTS, (hashes[first : first + _TOGETHER],)).fetchall()
            )
        for gate, boot, first_n, day in sorted(segments):
            place = gate, boot, first_n, day
            row: Any = connection.execute(_BODY, (*place, _LARGEST)).fetchone()
            yield from _read(f"{gate}/{boot}", first_n, *(row or (0, b"", b"")))
    except psycopg.Error as error:
        raise StoreError(tell(error)) from None


def _read(name: str, first_n: int, size: int, digest: bytes, body: bytes) -> Iterator[Line]:
    text = unpack(body, size, digest)
    if not text:
        yield Line(name, first_n, b"", None, "what the store has there is damaged")
        return
    for number, raw in enumerate(text.splitlines(), first_n):
        record = parse(raw)
        yield Line(name, number, raw, record, "" if record is not None else NO_RECORD)
