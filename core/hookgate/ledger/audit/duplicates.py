"""Events that were delivered more than once: by the SHA-256 of their bodies, in bounded memory."""

import re
import tempfile
from binascii import unhexlify
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import IO, NamedTuple

from hookgate.ledger.reading.pieces import Piece
from hookgate.ledger.reading.reader import Line, parse
from hookgate.ledger.reading.scanning import Found, Run
from hookgate.ledger.reading.usual import blocks
from hookgate.ledger.record import Record

from .fate import Event, Fate
from .identity import digest_of, may_be_forwarded
from .search import Read, find, find_bodies

# More events are only counted.
MOST = 1000
_SIZE = 32
_PARTITIONS = 256
_IS_DIGEST = re.compile(r"[0-9a-f]{64}").fullmatch
# In usual lines members have an order, and nothing else looks like them.
_find_delivered = re.compile(rb'"outcome":"delivered",[^\n]*?,"sha256":"([0-9a-f]{64})"').findall


class DeliveredRun(NamedTuple):
    """Lines of one boot: the SHA-256s of what was delivered, joined; `last` is the last line."""

    boot: str
    delivered: bytes
    last: bytes


class Duplicates(NamedTuple):
    """Events that were delivered more than once, by their first attempt; `more` are not listed."""

    events: list[Event]
    more: int

    @property
    def total(self) -> int:
        """The number of all."""
        return len(self.events) + self.more


def scan_delivered(pieces: Iterator[Piece]) -> Iterator[Found]:
    """Make runs of usual lines of one boot, for `scanning.scan`."""
    for data, size, _ in pieces:
        if len(data) < size or not data.endswith(b"\n"):  # too long, or without an end
            yield Found([data], 1, size)
            continue
        for part, is_usual in blocks(data):
            run = _run(part) if is_usual else None
            lines = part.splitlines(keepends=True) if run is None else []
            yield run or Found(lines, len(lines), len(part))


def _run(data: bytes) -> Found | None:
    begin, end = data.find(b"\n"), data.rfind(b"\n", 0, -1) + 1
    total = data.count(b"\n")
    first, last = parse(data[:begin]) or {}, parse(data[end:-1]) or {}
    boot, n, last_n = first.get("boot"), first.get("n"), last.get("n")
    if type(boot) is not str or type(n) is not int or type(last_n) is not int:
        return None
    if last_n - n + 1 != total or data.count(b',"boot":"%b",' % boot.encode()) != total:
        return None
    told = DeliveredRun(boot, unhexlify(b"".join(_find_delivered(data))), data[end:-1])
    return Found([], total, len(data), n, told)


class Delivered:
    """Collect the SHA-256s of what was delivered, in temporary files. To be used as a context.

    `bare` are the request_ids of what was delivered, where only the `forward` line tells of what.
    """

    def __init__(self) -> None:
        self.bare: set[str] = set()
        self._opened = ExitStack()
        self._files: list[IO[bytes]] = []

    def __enter__(self) -> "Delivered":
        for _ in range(_PARTITIONS):
            file = tempfile.TemporaryFile(prefix="hookgate-")  # closed below
            self._files.append(self._opened.enter_context(file))
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def watch(self, lines: Iterable[Line | Run]) -> Iterator[Line | Run]:
        """Add what lines and runs tell, and pass them on."""
        for line in lines:
            if isinstance(line, Run):
                self._add(line.told.delivered)
            elif line.record is not None and line.record.get("outcome") == "delivered":
                self._add_record(line.checked().record)
            yield line

    def _add_record(self, record: Record | None) -> None:
        if record is None or record["event"] != "delivery":
            return
        digest = digest_of(record)
        if digest is not None and _IS_DIGEST(digest):
            self._add(unhexlify(digest))
        elif digest is None and may_be_forwarded(record) and "request_id" in record:
            self.bare.add(record["request_id"])

    def _add(self, digests: bytes) -> None:
        for at in range(0, len(digests), _SIZE):
            self._files[digests[at]].write(digests[at : at + _SIZE])

    def again(self, read: Read, *, by_bytes: bool) -> Iterator[str]:
        """Yield each SHA-256 that came more than once.

        `read` and `by_bytes` are as `search.find` takes them.
        """
        if self.bare:
            for story in find(read, self.bare, by_bytes=by_bytes).stories:
                known = (event.sha256 for event in story.events)
                self._add(b"".join(map(unhexlify, filter(None, known))))
        for file in self._files:
            file.seek(0)
            data = file.read()
            counts = Counter(data[at : at + _SIZE] for at in range(0, len(data), _SIZE))
            yield from (digest.hex() for digest, count in counts.items() if count > 1)


def find_duplicates(
    read: Read, digests: Iterable[str], now: float, *, by_bytes: bool
) -> Duplicates:
    """Find the events of these SHA-256s with all attempts at them, as `search.find_bodies` does."""
    asked = sorted(digests)
    if not asked:
        return Duplicates([], 0)
    events = find_bodies(read, asked[:MOST], (), now, by_bytes=by_bytes)
    found = [event for event in events if event.ends[Fate.DELIVERED] > 1]
    found.sort(key=lambda event: (event.attempts[0].moment, event.sha256))
    return Duplicates(found, max(0, len(asked) - MOST))
