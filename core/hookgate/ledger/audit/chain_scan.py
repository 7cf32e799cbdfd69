"""Runs of a boot's lines that follow from one another, found a piece of a file at a time.

Of a run the walk needs to know where it begins and ends. Whatever is not plainly the next line of
the boot goes to the walk as it is, and so does the line after that.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import takewhile
from typing import NamedTuple

from hookgate.digest import new_sha256
from hookgate.ledger.members import fault
from hookgate.ledger.reading.pieces import Piece
from hookgate.ledger.reading.scanning import Found
from hookgate.ledger.reading.usual import blocks, parse_whole
from hookgate.ledger.record import Record
from hookgate.ledger.seal import Keyring, Seal, split

from .witness import Numbers

# How far back a copy of a line is looked for.
RECENT = 4096
_MOST = 1 << 16
_CHAINED = (str, int, str)
# Lines that say more than that a boot goes on.
_TURNS = frozenset(("start", "stop", "gap"))


class ChainRun(NamedTuple):
    """Lines of one boot: they follow from `prev`, are numbered one by one, and end in `tip`.

    `key` is the id of the key that proves each, "" where none was given. `digests` are those of the
    last ones, joined; `last` is the last line. `named` are those that were asked for, by number,
    with their digests; None where nothing was asked for.
    """

    boot: str
    prev: str
    key: str
    is_sealed: bool
    tip: str
    digests: str
    last: bytes
    named: dict[int, str] | None


class _Run:
    """A run that may go on."""

    def __init__(self, boot: str, n: int, prev: str, seal: Seal | None, *, is_sealed: bool) -> None:
        self.boot, self.prev, self.tip = boot, prev, prev
        self.first = self.n = n
        self.seal, self.is_sealed = seal, is_sealed
        self.mark = b'Z","boot":"%b","' % boot.encode()
        self._digests: list[str] = []
        self._size = 0
        self._last = b""

    @property
    def count(self) -> int:
        return self.n - self.first

    def found(self, numbers: Numbers | None) -> Found:
        digests = "".join(self._digests[-RECENT:])
        key = self.seal.id if self.seal is not None else ""
        named = None if numbers is None else self._named(numbers.get(self.boot, ()))
        seal = (key, self.is_sealed)
        told = ChainRun(self.boot, self.prev, *seal, self.tip, digests, self._last, named)
        return Found([], self.count, self._size, self.first, told)

    def _named(self, numbers: Sequence[int]) -> dict[int, str]:
        here = numbers[bisect_left(numbers, self.first) : bisect_left(numbers, self.n)]
        return {n: self._digests[n - self.first] for n in here}

    def follow(self, lines: list[bytes]) -> int:
        """Add usual lines of its boot, as long as each is the next one; return how many are."""
        tip = self.tip.encode()
        digests = self._sealed(lines, tip) if self.is_sealed else self._plain(lines, tip)
        self._digests += digests
        self._advance(lines[: len(digests)])
        return len(digests)

    def follow_record(self, record: Record, raw: bytes) -> bool:
        """Add a line, if it is the next one."""
        if (record["boot"], record["n"], record["prev"]) != (self.boot, self.n, self.tip):
            return False
        body, digest = split(raw)
        if bool(digest) is not self.is_sealed:
            return False
        if self.seal is not None and self.seal.mac(body) != digest:
            return False
        if not digest:
            hashed = new_sha256()
            hashed.update(raw)
            digest = hashed.hexdigest()
        self._digests.append(digest)
        self._advance([raw])
        return True

    def _plain(self, lines: list[bytes], tip: bytes) -> list[str]:
        new, digests = new_sha256, []
        for n, line in enumerate(lines, self.n):
            if not line.endswith(b'"n":%d,"prev":"%b"}' % (n, tip)):
                break
            hashed = new()
            hashed.update(line)
            digest = hashed.hexdigest()
            digests.append(digest)
            tip = digest.encode()
        return digests

    def _sealed(self, lines: list[bytes], tip: bytes) -> list[str]:
        mac, digests = self.seal.mac if self.seal is not None else None, []
        for n, line in enumerate(lines, self.n):
            body, digest = split(line)
            if not digest or not body.endswith(b'"n":%d,"prev":"%b"' % (n, tip)):
                break
            if mac is not None and mac(body) != digest:
                break
            digests.append(digest)
            tip = digest.encode()
        return digests

    def _advance(self, lines: list[bytes]) -> None:
        if lines:
            self.n += len(lines)
            self.tip, self._last = self._digests[-1], lines[-1]
            self._size += sum(map(len, lines)) + len(lines)


class ChainScan:
    """The scan of a ledger for whoever has these keys, or none; runs tell of lines by `numbers`."""

    def __init__(self, keyring: Keyring, numbers: Numbers | None = None) -> None:
        self._keyring = keyring
        self._numbers = numbers

    def __call__(self, pieces: Iterator[Piece]) -> Iterator[Found]:
        """Find the runs in a stretch, and the lines between them."""
        walk = _Walk(self._keyring, self._numbers)
        for piece in pieces:
            walk.take(piece)
            yield from walk.found()
        walk.end()
        yield from walk.found()


class _Walk:
    """The way through a stretch."""

    def __init__(self, keyring: Keyring, numbers: Numbers | None) -> None:
        self._keyring = keyring
        self._numbers = numbers
        self._run: _Run | None = None
        # After an odd line one more goes as it is; of
        # what stands before a stretch nothing is known.
        self._may_begin = True
        self._lines: list[bytes] = []
        self._found: list[Found] = []

    def found(self) -> Iterator[Found]:
        """Yield what was found since."""
        found, self._found = self._found, []
        yield from found

    def take(self, piece: Piece) -> None:
        """Go through whole lines."""
        if len(piece.data) < piece.size:  # the beginning of one that is too long
            self._end_run()
            self._may_begin = False
            self._found.append(Found([piece.data], 1, piece.size))
            return
        for data, is_usual in blocks(piece.data):
            if is_usual:
                self._take_usual(data)
            else:
                self._take_one(data)
        self._end_lines()

    def end(self) -> None:
        """End the run that may go on: the stretch has ended."""
        self._end_run()

    def _take_usual(self, data: bytes) -> None:
        lines = data[:-1].split(b"\n")
        at = 0
        while at < len(lines):
            run = self._run
            if run is not None:
                rest = lines[at:] if at else lines
                if data.count(run.mark) != len(lines):
                    rest = list(takewhile(partial(_is_marked, run.mark), rest))
                at += run.follow(rest)
                if run.count >= _MOST:
                    self._end_run()
            if at < len(lines):
                self._take_one(lines[at] + b"\n")
                at += 1

    def _take_one(self, line: bytes) -> None:
        record = self._parse(line)
        run, raw = self._run, line[:-1]
        if record is not None and run is not None and run.follow_record(record, raw):
            return
        self._end_run()
        if record is not None and run is None and self._may_begin:
            run = self._begin(record, raw)
            if run is not None:
                self._end_lines()
                self._run = run
                return
        self._may_begin = record is not None and run is None
        self._lines.append(line)

    def _parse(self, line: bytes) -> Record | None:
        """Parse a line, None where it is not one that is usual amid a boot."""
        if self._keyring and self._find_seal(line[:-1]) is None:
            return None
        record = parse_whole(line)
        if record is None or record["event"] in _TURNS:
            return None
        if (type(record.get("boot")), type(record.get("n")), type(record.get("prev"))) != _CHAINED:
            return None
        # A line that a key proves is a gate's, whatever it holds.
        return record if self._keyring or not fault(record) else None

    def _begin(self, record: Record, raw: bytes) -> _Run | None:
        seal = self._find_seal(raw)
        run = _Run(record["boot"], record["n"], record["prev"], seal, is_sealed=bool(split(raw)[1]))
        return run if run.follow_record(record, raw) else None

    def _find_seal(self, raw: bytes) -> Seal | None:
        body, mac = split(raw)
        return self._keyring.find(body, mac) if mac else None

    def _end_run(self) -> None:
        if self._run is not None:
            self._found.append(self._run.found(self._numbers))
            self._run = None

    def _end_lines(self) -> None:
        if self._lines:
            self._found.append(Found(self._lines, len(self._lines), sum(map(len, self._lines))))
            self._lines = []


def _is_marked(mark: bytes, line: bytes) -> bool:
    return mark in line
