"""Runs of one boot's usual lines, added up a piece of a file at a time.

What cannot be added up plainly goes on line by line.
"""

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import compress, pairwise, repeat
from operator import lt, ne, not_, or_, sub
from typing import Any, NamedTuple

from hookgate.ledger.members import PLAIN, usual
from hookgate.ledger.reading.matching import lines_of
from hookgate.ledger.reading.pieces import Piece
from hookgate.ledger.reading.scanning import Found
from hookgate.ledger.reading.usual import blocks
from hookgate.ledger.seal import Keyring, split

from .totals import OUTCOMES

# Up to which character a time tells the minute.
MINUTE = 16
# Fewer lines are added up sooner than told of.
_FEWEST = 8
# Where there is more than one odd line to so many bytes, all lines go on by themselves.
_ODD_LINE = 1 << 13

_NUMBER = "[1-9][0-9]{0,17}+"
# What is kept is counted by its name, line by line.
_KNOWN = {"boot": f'"{PLAIN}++"', "seq": _NUMBER, "n": _NUMBER, "kept": "(?!)"}
_OUTCOME = f'"(?:{"|".join(OUTCOMES)})"'
_end_of_counted = lines_of(
    f"{usual('delivery', **_KNOWN, outcome=_OUTCOME)}|{usual('forward', **_KNOWN)}"
)
# What lines that count are counted by: `ts`, `boot`, `seq`, `request_id` as it is spelled, of a
# `delivery` the `outcome`, and `n`.
_find_counted = re.compile(
    rb'.{11}[a-z]++","ts":"([^"]++)","boot":"([^"]++)","seq":([0-9]++),'
    rb'(?:"front":(?:"[^"]*+"|null),)?"request_id":("[^"]*+"|null)'
    rb'(?:,"outcome":"([a-z]++)")?[^\n]*,"n":([0-9]++)[^\n]*+\n'
).findall
_find_names = re.compile(rb'"request_id":("[^"]*"|null),"reference":("[^"]*"|null)').search


# Deliveries whose numbers follow one another: the first, the last, the offset of the line with the
# first, and the time of that where its minute is not that of the delivery before, else "". No
# NamedTuple, here and below: they would take most of what telling of a run does.
Block = tuple[int, int, int, str]
# A `forward` line whose delivery is not in the run: seq, offset, request_id, reference.
Open = tuple[int, int, str | None, str | None]


class Counted(NamedTuple):
    """Lines that count, whole and one by one, with the request_id of each as it is spelled, and the
    outcome, which only a `delivery` has.

    `begun` has the place of the `forward` of each number, `ended` that of its `delivery`.
    """

    data: bytes
    lines: list[bytes]
    requests: Sequence[bytes]
    outcomes: Sequence[bytes]
    begun: dict[int, int]
    ended: dict[int, int]


# Tells something else of a run.
Also = Callable[[Counted], Any]


class BalanceRun(NamedTuple):
    """What a boot's lines come to; each number is forwarded once at most, then ends once at most.

    `forwarded` are the numbers that were forwarded, `open` those of them that did not end. `ended`
    have ended and were forwarded before these lines, if at all; of `owed` it is known. `key` is the
    id of the key that proves each line, "" where none was given; `last` is the last line, `also`
    what else is told of all.
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
    also: Any = None


class BalanceScan:
    """The scan of a ledger for whoever has these keys, or none."""

    def __init__(self, keyring: Keyring, also: Also | None = None) -> None:
        self._keyring, self._also = keyring, also

    def __call__(self, pieces: Iterator[Piece]) -> Iterator[Found]:
        """Find the runs in a stretch, and the lines between them."""
        for data, size, _ in pieces:
            if len(data) < size or not data.endswith(b"\n"):  # too long, or without an end
                yield Found([data], 1, size)
                continue
            parts = list(blocks(data, _end_of_counted))
            odd = sum(not is_counted for _, is_counted in parts)
            if odd * _ODD_LINE > max(len(data), _ODD_LINE):
                yield _as_they_are(data)
            else:
                for part, is_counted in parts:
                    run = self._run(part) if is_counted else None
                    yield _as_they_are(part) if run is None else run

    def _run(self, data: bytes) -> Found | None:
        """Add up lines that count; None where they are not all of one boot, one by one, or few."""
        found = _find_counted(data)
        total = len(found)
        if total < _FEWEST:
            return None
        times, boots, seqs, requests, outcomes, ns = zip(*found, strict=True)
        n = int(ns[0])
        is_one = boots.count(boots[0]) == total and list(map(int, ns)) == [*range(n, n + total)]
        if not is_one:
            return None
        lines = data[:-1].split(b"\n")
        key = self._prove(lines) if self._keyring else ""
        numbers = list(map(int, seqs))
        paired = _pair(numbers, outcomes)
        if key is None or paired is None:
            return None
        begun, ended = paired
        unbegun = [at for seq, at in ended.items() if seq not in begun]
        sent = (
            at for at in unbegun
            if outcomes[at] == b"delivered" or b',"upstream_ms":null,' not in lines[at]
        )  # fmt: skip
        told = BalanceRun(
            boots[0].decode(),
            key,
            {outcome.decode(): count for outcome, count in Counter(filter(None, outcomes)).items()},
            list(_blocks(list(ended), list(ended.values()), times)),
            array("Q", begun),
            [_named(lines[at], seq, at) for seq, at in begun.items() if seq not in ended],
            [numbers[at] for at in unbegun],
            [numbers[at] for at in sent],
            lines[-1],
            self._also(Counted(data, lines, requests, outcomes, begun, ended))
            if self._also is not None
            else None,
        )
        return Found([], total, len(data), n, told)

    def _prove(self, lines: list[bytes]) -> str | None:
        """Return the id of the key that proves each line, None where none does."""
        body, mac = split(lines[0])
        seal = self._keyring.find(body, mac) if mac else None
        if seal is None:
            return None
        return seal.id if all(seal.mac(body) == mac for body, mac in map(split, lines)) else None


def _pair(
    seqs: list[int], outcomes: Sequence[bytes]
) -> tuple[dict[int, int], dict[int, int]] | None:
    """Return where the `forward` of each number is, and where its `delivery`.

    None where one has two of a kind, or has its `delivery` first.
    """
    places = range(len(seqs))
    are_begun = list(map(not_, outcomes))
    begun = dict(zip(compress(seqs, are_begun), compress(places, are_begun), strict=True))
    ended = dict(zip(compress(seqs, outcomes), compress(places, outcomes), strict=True))
    both = begun.keys() & ended.keys()
    is_plain = len(begun) + len(ended) == len(seqs) and all(
        map(lt, map(begun.__getitem__, both), map(ended.__getitem__, both))
    )
    return (begun, ended) if is_plain else None


def _blocks(seqs: list[int], places: list[int], times: Sequence[bytes]) -> Iterator[Block]:
    """Tell deliveries by where a number does not follow the one before, or a minute begins."""
    minutes = [times[at][:MINUTE] for at in places]
    jumps = map(ne, map(sub, seqs[1:], seqs), repeat(1))
    turns = list(map(ne, minutes[1:], minutes))
    starts = [at for at, is_start in enumerate(map(or_, jumps, turns), 1) if is_start]
    for first, end in pairwise((0, *starts, len(seqs))):
        if end > first:
            is_turn = not first or turns[first - 1]
            ts = times[places[first]].decode() if is_turn else ""
            yield seqs[first], seqs[end - 1], places[first], ts


def _named(line: bytes, seq: int, at: int) -> Open:
    names = _find_names(line)
    request, reference = names.groups() if names is not None else (b"null", b"null")
    return seq, at, _text(request), _text(reference)


def _text(spelled: bytes) -> str | None:
    return None if spelled == b"null" else spelled[1:-1].decode()


def _as_they_are(data: bytes) -> Found:
    lines = [line + b"\n" for line in data[:-1].split(b"\n")]
    return Found(lines, len(lines), len(data))
