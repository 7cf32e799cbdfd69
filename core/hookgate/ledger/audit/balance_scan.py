"""Runs of one boot's usual lines, added up a piece of a file at a time.

What cannot be added up plainly goes on line by line.
"""

import re
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import compress, pairwise, repeat
from operator import itemgetter, lt, ne, not_, or_, sub
from typing import NamedTuple

from hookgate.ledger.members import usual
from hookgate.ledger.reading.pieces import Piece
from hookgate.ledger.reading.scanning import Found
from hookgate.ledger.reading.usual import blocks, count_clean
from hookgate.ledger.seal import Keyring, split

from .totals import OUTCOMES

_NUMBER = "([1-9][0-9]{0,17}+)"
# Up to which character a time tells the minute.
MINUTE = 16
# Fewer lines are added up sooner than told of.
_FEWEST = 8
# Where there is more than one escape, or odd line, to so many bytes, all lines go on by themselves.
_ODD_LINE = 1 << 13


def _counted() -> str:
    """A pattern of lines that count: `ts`, `boot` and `seq`, of a `delivery` the `outcome` and
    `upstream_ms` where it is null, and `n`.
    """
    seq, n = f',"seq":{_NUMBER}', f',"n":{_NUMBER}'
    own = {"ts": '"(20[^"]{25})"', "boot": '"([^"]++)"', "seq": _NUMBER, "n": _NUMBER}
    outcome = f'"({"|".join(OUTCOMES)})"'
    upstream = r"(?:(null)|(?:[1-9][0-9]{0,14}+|0)(?:\.[0-9]++)?)"
    forward = usual("forward", **own)
    delivery = usual("delivery", **own, outcome=outcome, upstream_ms=upstream)
    begin = forward.partition(seq)[0].replace('"forward"', '"(?:forward|delivery)"')
    middles = (line.partition(seq)[2].rpartition(n)[0] for line in (delivery, forward))
    return f"{begin}{seq}(?:{'|'.join(middles)}){n}{forward.rpartition(n)[2]}"


# Each line: what it is counted by, or all of it.
_find_counted = re.compile(f"^(?:{_counted()}\n|([^\n]*+\n))".encode(), re.MULTILINE).findall
_find_names = re.compile(rb'"request_id":("[^"]*"|null),"reference":("[^"]*"|null)').search


# Deliveries whose numbers follow one another: the first, the last, the offset of the line with the
# first, and the time of that where its minute is not that of the delivery before, else "". No
# NamedTuple, here and below: they would take most of what telling of a run does.
Block = tuple[int, int, int, str]
# A `forward` line whose delivery is not in the run: seq, offset, request_id, reference.
Open = tuple[int, int, str | None, str | None]


class BalanceRun(NamedTuple):
    """What a boot's lines come to; each number is forwarded once at most, then ends once at most.

    `forwarded` are the numbers that were forwarded, `open` those of them that did not end. `ended`
    have ended and were forwarded before these lines, if at all; of `owed` it is known. `key` is the
    id of the key that proves each line, "" where none was given; `last` is the last line.
    """

    boot: str
    key: str
    outcomes: dict[str, int]
    blocks: list[Block]
    forwarded: Sequence[int]
    open: list[Open]
    ended: list[int]
    owed: list[int]
    last: bytes


class BalanceScan:
    """The scan of a ledger for whoever has these keys, or none."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def __call__(self, pieces: Iterator[Piece]) -> Iterator[Found]:
        """Find the runs in a stretch, and the lines between them."""
        for piece in pieces:
            if len(piece.data) < piece.size:  # the beginning of a line that is too long
                yield Found([piece.data], 1, piece.size)
            elif (escapes := piece.data.count(b"\\")) * _ODD_LINE > len(piece.data):
                yield _as_they_are(piece.data)
            elif not escapes:
                yield from self._runs(piece.data)
            else:
                for data, is_usual in blocks(piece.data):
                    yield from self._runs(data) if is_usual else (_as_they_are(data),)

    def _runs(self, data: bytes) -> Iterator[Found]:
        count = count_clean(data)
        lines = _find_counted(data) if count is not None else []
        # Each begins as a line and ends as one: none goes beyond its own.
        odd_lines = list(_odd(lines))
        if (
            len(lines) != count
            or not data.endswith(b"\n")
            or len(odd_lines) * _ODD_LINE > max(len(data), _ODD_LINE)
        ):
            yield _as_they_are(data)
            return
        begin = first = 0
        for number, odd in odd_lines:
            end = _find_line(data, odd, begin)
            yield from self._told(data[begin:end], lines[first:number])
            yield _as_they_are(odd)
            begin, first = end + len(odd), number + 1
        yield from self._told(data[begin:], lines[first:])

    def _told(self, data: bytes, found: list[tuple[bytes, ...]]) -> Iterator[Found]:
        if found:
            run = self._run(data, found)
            yield _as_they_are(data) if run is None else run

    def _run(self, data: bytes, found: list[tuple[bytes, ...]]) -> Found | None:
        """Add up whole lines; None where they are not all of one boot, one by one, or few."""
        total = len(found)
        if total < _FEWEST:
            return None
        times, boots, seqs, outcomes, nulls, ns, _ = zip(*found, strict=True)
        n = int(ns[0])
        is_one = boots.count(boots[0]) == total and list(map(int, ns)) == [*range(n, n + total)]
        if not is_one:
            return None
        key = self._prove(data) if self._keyring else ""
        numbers = list(map(int, seqs))
        requests = _follow(numbers, outcomes, times)
        if key is None or requests is None:
            return None
        blocks, ended, flying = requests
        sent = (at for at in ended if outcomes[at] == b"delivered" or not nulls[at])
        told = BalanceRun(
            boots[0].decode(),
            key,
            {outcome.decode(): count for outcome, count in Counter(filter(None, outcomes)).items()},
            blocks,
            array("Q", compress(numbers, map(not_, outcomes))),
            [_named(data, numbers[at], at) for at in flying],
            [numbers[at] for at in ended],
            [numbers[at] for at in sent],
            data[data.rfind(b"\n", 0, -1) + 1 : -1],
        )
        return Found([], total, len(data), n, told)

    def _prove(self, data: bytes) -> str | None:
        """Return the id of the key that proves each line, None where none does."""
        lines = data[:-1].split(b"\n")
        body, mac = split(lines[0])
        seal = self._keyring.find(body, mac) if mac else None
        if seal is None:
            return None
        return seal.id if all(seal.mac(body) == mac for body, mac in map(split, lines)) else None


def _follow(
    seqs: list[int], outcomes: Sequence[bytes], times: Sequence[bytes]
) -> tuple[list[Block], list[int], list[int]] | None:
    """Follow requests from their `forward` to their `delivery`; None where one has two of them.

    Returns the deliveries; which lines are some without a forward; which are forwards without one.
    """
    places = range(len(seqs))
    ends = list(compress(places, outcomes))
    starts = list(compress(places, map(not_, outcomes)))
    begun = dict(zip(compress(seqs, map(not_, outcomes)), starts, strict=True))
    ended = dict(zip(compress(seqs, outcomes), ends, strict=True))
    both = begun.keys() & ended.keys()
    if len(begun) + len(ended) < len(seqs) or not all(
        map(lt, map(begun.get, both), map(ended.get, both))  # type: ignore[arg-type]  # both have it
    ):
        return None
    unbegun = [at for seq, at in ended.items() if seq not in begun]
    unended = [at for seq, at in begun.items() if seq not in ended]
    return list(_blocks(list(ended), ends, [times[at] for at in ends])), unbegun, unended


def _blocks(seqs: list[int], places: list[int], times: list[bytes]) -> Iterator[Block]:
    """Tell deliveries by where a number does not follow the one before, or a minute begins."""
    minutes = [time[:MINUTE] for time in times]
    jumps = map(ne, map(sub, seqs[1:], seqs), repeat(1))
    turns = list(map(ne, minutes[1:], minutes))
    starts = [at for at, is_start in enumerate(map(or_, jumps, turns), 1) if is_start]
    for first, end in pairwise((0, *starts, len(seqs))):
        if end > first:
            is_turn = not first or turns[first - 1]
            ts = times[first].decode() if is_turn else ""
            yield seqs[first], seqs[end - 1], places[first], ts


def _named(data: bytes, seq: int, at: int) -> Open:
    place = data.rfind(b',"seq":%d,"request_id":' % seq)
    names = _find_names(data, place)
    request, reference = names.groups() if names is not None else (b"null", b"null")
    return seq, at, _text(request), _text(reference)


def _text(spelled: bytes) -> str | None:
    return None if spelled == b"null" else spelled[1:-1].decode()


def _odd(lines: list[tuple[bytes, ...]]) -> Iterator[tuple[int, bytes]]:
    """Yield lines that do not count, each with its place."""
    odd = tuple(map(itemgetter(-1), lines))
    return compress(enumerate(odd), odd) if any(odd) else iter(())


def _find_line(data: bytes, line: bytes, at: int) -> int:
    """Where a line begins that is one of those from there on."""
    return at if data.startswith(line, at) else data.index(b"\n" + line, at) + 1


def _as_they_are(data: bytes) -> Found:
    lines = [line + b"\n" for line in data.split(b"\n")]
    # What follows the last newline is no line, or one without an end.
    rest = lines.pop()[:-1]
    lines += [rest] if rest else []
    return Found(lines, len(lines), len(data))
