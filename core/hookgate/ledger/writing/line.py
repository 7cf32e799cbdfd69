"""Lines: records and the end of the chain so far in, bytes and its new end out."""

import json
from collections.abc import Iterable
from typing import NamedTuple

import orjson

from hookgate.digest import new_sha256
from hookgate.ledger.record import Record
from hookgate.ledger.seal import Seal, close

_dump = orjson.dumps


class Tip(NamedTuple):
    """The last line of a boot: its number, from 1, and what the next one's `prev` will be.

    That is its MAC where it is sealed, else its SHA-256.
    """

    n: int
    digest: str


NO_LINE = Tip(0, "")


def render(records: Iterable[Record], tip: Tip, seal: Seal | None) -> tuple[bytes, Tip]:
    """Render records as lines, joined, and return the tip after them.

    Sets `n` and `prev` in each record; where nothing comes of the lines, the next rendering sets
    them anew. Raises TypeError or RecursionError where a record is no JSON.
    """
    n, digest = tip
    lines: list[bytes] = []
    for record in records:
        n += 1
        record["n"] = n
        record["prev"] = digest
        try:
            line = _dump(record)
        except orjson.JSONEncodeError:  # a lone surrogate, or an integer beyond 64 bits
            line = _dump_odd(record)
        if not line.isascii():  # U+2028, C1 controls and whatever else orjson leaves raw
            line = _dump_odd(record)
        if seal is None:
            hashed = new_sha256()
            hashed.update(line)
            digest = hashed.hexdigest()
        else:
            digest = seal.mac(line[:-1])
            line = close(line, digest)
        lines.append(line)
    return b"\n".join(lines), Tip(n, digest)


def _dump_odd(record: Record) -> bytes:
    return json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode("ascii")
