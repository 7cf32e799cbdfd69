"""Segments: lines of one boot as they were written, compressed together, with the names in them."""

import re
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple

import zstandard

from hookgate.ledger.audit.identity import FOREIGN
from hookgate.ledger.reading.parsing import timestamp
from hookgate.ledger.record import Record
from hookgate.ledger.seal import split
from hookgate.policy.event_reader import MOST_NAMES

# A segment is closed at this size of its lines, in bytes, or after this time, in seconds.
MOST_BYTES = 1 << 20
MOST_SECONDS = 1.0
# Members of a line that an event is asked for by, and how many names of a line are told.
_NAMES = ("reference", "event_reference", "request_id", "sha256", "kept", "replay_of")
_MOST_NAMES = MOST_NAMES + len(_NAMES)
# What a segment goes by that holds lines which may be of any event: no event is called so.
ODD = "\0odd"
# What a boot is called, and a digest is; a line that no gate wrote must not keep others back.
_TOKEN = re.compile(r"[!-~]{1,64}")
_HIGHEST_N = 1 << 62


@dataclass(frozen=True, slots=True)
class Segment:
    """Lines `first_n` and following of a boot. `prev` is the digest before the first, `tip` that of
    the last; times are in seconds since 1970. `body` is compressed, `size` and `digest` are of what
    it was before. `follows` is the boot before, where its start is among the lines.
    """

    boot: str
    first_n: int
    lines: int
    prev: str
    tip: str
    began: float
    ended: float
    size: int
    digest: bytes
    body: bytes = field(repr=False)
    names: tuple[int, ...] = field(repr=False)
    follows: str | None
    is_stop: bool

    def raw(self) -> bytes:
        """Return the lines as they were written, each with its newline.

        Raises ValueError where they are not what was sent.
        """
        if (raw := unpack(self.body, self.size, self.lines, self.digest)) is None:
            raise ValueError(f"lines {self.first_n} and following of boot {self.boot} are damaged")
        return raw


def unpack(body: bytes, size: int, lines: int, digest: bytes) -> bytes | None:
    """Return the lines of a segment, None where they are not what it says: so many, of that size.

    A frame that tells another size than the segment's, or none, is not unpacked.
    """
    try:
        if zstandard.frame_content_size(body) != size:
            return None
        raw = zstandard.decompress(body)
    except (zstandard.ZstdError, MemoryError):
        return None
    is_it = len(raw) == size and sha256(raw).digest() == digest
    return raw if is_it and raw.endswith(b"\n") and raw.count(b"\n") == lines else None


class Place(NamedTuple):
    """Where a line stands: its boot, its number there, and the digest of the line before."""

    boot: str
    n: int
    prev: str


def place_of(record: Record) -> Place | None:
    """Return where a line stands; None where it has no place, as those of nginx have none."""
    boot, n, prev = record.get("boot"), record.get("n"), record.get("prev")
    if type(boot) is not str or type(n) is not int or type(prev) is not str:
        return None
    is_one = _TOKEN.fullmatch(boot) and 0 < n < _HIGHEST_N and _TOKEN.fullmatch(prev or "-")
    return Place(boot, n, prev) if is_one else None


def hash_name(name: str) -> int:
    """Return what a name is looked up by: 64 bits, so that others may have the same."""
    digest = sha256(name.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def digest_of(raw: bytes) -> str:
    """Return the digest by which the next line names this one, which is without its newline."""
    body, mac = split(raw)
    return mac or sha256(body).hexdigest()


class Cutter:
    """Cut a boot's lines into segments, from line `n` on; `tip` is the digest of the one before."""

    def __init__(self, boot: str, n: int, tip: str) -> None:
        self.boot, self.n, self.tip = boot, n, tip
        self._begin()

    def _begin(self) -> None:
        self._first_n, self._prev = self.n, self.tip
        self._raws: list[bytes] = []
        self._size = 0
        self._names: set[int] = set()
        self._began = self._ended = 0.0
        self._follows: str | None = None
        self._is_stop = False

    @property
    def began(self) -> float:
        """When the first line was written that is not yet in a segment; 0.0 where there is none."""
        return self._began

    @property
    def size(self) -> int:
        """How many bytes of lines are not yet in a segment."""
        return self._size

    def add(self, raw: bytes, record: Record) -> None:
        """Add the next line, without its newline; whoever calls knows that it is the next."""
        if not self._raws:
            self._began = timestamp(record)
        self._ended = timestamp(record)
        self._raws.append(raw)
        self._size += len(raw) + 1
        self._names.update(_names_in(record))
        event, follows = record["event"], record.get("follows")
        if event == "start" and type(follows) is str:
            before = follows.split(":")[0]
            self._follows = before if _TOKEN.fullmatch(before) else None
        self._is_stop = event == "stop"
        self.n += 1
        self.tip = digest_of(raw)

    def cut(self) -> Segment | None:
        """Return what was added since, None where nothing was."""
        if not self._raws:
            return None
        raw = b"\n".join(self._raws) + b"\n"
        segment = Segment(
            self.boot, self._first_n, len(self._raws), self._prev, self.tip, self._began,
            self._ended, self._size, sha256(raw).digest(), zstandard.compress(raw, 3),
            tuple(sorted(self._names)), self._follows, self._is_stop,
        )  # fmt: skip
        self._begin()
        return segment


def _names_in(record: Record) -> set[int]:
    get = record.get
    names: list[Any] = [get(name) for name in _NAMES]
    more = get("names")
    if type(more) is list:
        names += more
    if is_odd(record):
        names.append(ODD)
    told = dict.fromkeys(name for name in names if type(name) is str and name)
    return {hash_name(name) for name in islice(told, _MOST_NAMES)}


def is_odd(record: Record) -> bool:
    """Tell whether a line matters to every event that is asked for, whatever names it has.

    These are requests from inside the ranges whose body was not read whole, sums of them, and gaps.
    """
    kind, reason = record["event"], record.get("reason")
    if kind in ("delivery", "forward"):
        return not record.get("sha256") and not (type(reason) is str and reason in FOREIGN)
    return kind == "gap" or (kind == "refusals" and not (type(reason) is str and reason in FOREIGN))
