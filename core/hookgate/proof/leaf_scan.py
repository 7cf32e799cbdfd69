"""The leaves of a ledger's lines: those of one boot that are numbered one by one, together.

Whether the lines follow from one another is not looked at: `hookgate audit verify` does that.
"""

from collections.abc import Iterator
from typing import NamedTuple

from hookgate.ledger.reading.pieces import Piece
from hookgate.ledger.reading.scanning import Found
from hookgate.ledger.reading.usual import blocks, parse_whole

from .merkle import hash_leaf

# A line ends in its number, the digest before it and, where it is sealed, its MAC.
_END = 180


class LeafRun(NamedTuple):
    """Lines of one boot, numbered one by one: the digest before the first, the last one, and the
    leaves of all, joined.
    """

    boot: str
    prev: str
    last: bytes
    leaves: bytes


def scan_leaves(pieces: Iterator[Piece]) -> Iterator[Found]:
    """Find the runs in a stretch; lines that are not usual come as they are."""
    for piece in pieces:
        if len(piece.data) < piece.size:  # the beginning of one that is too long
            yield Found([piece.data], 1, piece.size)
            continue
        for data, is_usual in blocks(piece.data):
            lines = data.splitlines(keepends=True) if is_usual else [data]
            while lines:
                found = _run(lines) if is_usual else None
                found = found or Found(lines[:1], 1, len(lines[0]))
                yield found
                del lines[: found.total]


def _run(lines: list[bytes]) -> Found | None:
    """The lines at the beginning that are numbered one by one; None where the first is not."""
    record = parse_whole(lines[0]) or {}
    boot, first, prev = record.get("boot"), record.get("n"), record.get("prev")
    if type(boot) is not str or type(first) is not int or type(prev) is not str:
        return None
    mark = b'Z","boot":"%b","' % boot.encode()
    count = 1
    for n, line in enumerate(lines[1:], first + 1):
        if mark not in line or b'"n":%d,"prev":"' % n not in line[-_END:]:
            break
        count += 1
    leaves = b"".join([hash_leaf(line[:-1]) for line in lines[:count]])
    told = LeafRun(boot, prev, lines[count - 1][:-1], leaves)
    return Found([], count, sum(map(len, lines[:count])), first, told)
