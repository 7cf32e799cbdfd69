"""Segments: lines of one boot as they were written, compressed together, with the names in them."""

import re
import struct
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import NamedTuple

import zstandard

from hookgate.ledger.audit.identity import FOREIGN
from hookgate.ledger.reading.parsing import timestamp
from hookgate.ledger.record import Record
from hookgate.ledger.seal import split
from hookgate.policy.event_reader import MOST_NAMES

# A segment is closed at this size of its lines, in bytes, or after this time, in seconds.
MOST_BYTES = 1 << 20
MOST_SECONDS = 1.0
# Half of a line are digests, which no level packs: 1 takes 0.7 µs and 82 bytes a line, 3 takes 1.7
# and 92.
_LEVEL = 1
# Members of a line that an event is asked for by.
_NAMES = ("reference", "event_reference", "request_id", "sha256", "kept", "replay_of")
_NOTHING = frozenset(("",))
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
        if (raw := unpack(self.body, self.size, self.digest)) is None:
            raise ValueError(f"lines {self.first_n} and following of boot {self.boot} are damaged")
        return raw


def unpack(body: bytes, size: int, digest: bytes) -> bytes | None:
    """Return the lines of a segment, None where they are not of that size and digest.

    A frame that tells another size, or none, is not unpacked: it may be a bomb. Nor is one that
    another follows, which whoever reads the body as a file would unpack as well.
    """
    try:
        if zstandard.frame_content_size(body) != size:
            return None
        raw = zstandard.ZstdDecompressor().decompress(body, allow_extra_data=False)
    except (zstandard.ZstdError, MemoryError):
        return None
    return raw if len(raw) == size and sha256(raw).digest() == digest else None


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
    (hashed,) = hash_names((name,))
    return hashed


def hash_names(names: Collection[str]) -> tuple[int, ...]:
    """Return what each of these names is looked up by."""
    digests = [sha256(name.encode("utf-8", "surrogatepass")).digest()[:8] for name in names]
    return struct.unpack(f">{len(names)}q", b"".join(digests))


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
        self._names: set[str] = set()
        self._first: Record = {}
        self._last: Record = {}
        self._follows: str | None = None

    @property
    def began(self) -> float:
        """When the first line was written that is not yet in a segment; 0.0 where there is none."""
        return timestamp(self._first)

    @property
    def size(self) -> int:
        """How many bytes of lines are not yet in a segment."""
        return self._size

    def add(self, raw: bytes, record: Record) -> None:
        """Add the next line, without its newline; whoever calls knows that it is the next."""
        if not self._raws:
            self._first = record
        self._last = record
        self._raws.append(raw)
        self._size += len(raw) + 1
        names, get = self._names, record.get
        for member in _NAMES:
            if type(name := get(member)) is str:
                names.add(name)
        if type(more := get("names")) is list:
            names.update(islice((n for n in more if type(n) is str), MOST_NAMES))
        if is_odd(record):
            names.add(ODD)
        if record["event"] == "start" and type(follows := get("follows")) is str:
            before = follows.split(":")[0]
            self._follows = before if _TOKEN.fullmatch(before) else None
        self.n += 1
        self.tip = digest_of(raw)

    def cut(self) -> "Cut | None":
        """Return what was added since, None where nothing was."""
        if not self._raws:
            return None
        cut = Cut(
            self.boot, self._first_n, self._raws, self._prev, self.tip, self._size, self._names,
            self._first, self._last, self._follows,
        )  # fmt: skip
        self._begin()
        return cut


class Cut(NamedTuple):
    """What becomes a segment. `first` and `last` are the records of such lines."""

    boot: str
    first_n: int
    raws: list[bytes]
    prev: str
    tip: str
    size: int
    names: set[str]
    first: Record
    last: Record
    follows: str | None

    @property
    def began(self) -> float:
        """When the first line was written, in seconds since 1970."""
        return timestamp(self.first)

    def pack(self) -> Segment:
        """Make the segment. It lets other threads run for most of the time."""
        raw = b"\n".join(self.raws) + b"\n"
        return Segment(
            self.boot, self.first_n, len(self.raws), self.prev, self.tip, self.began,
            timestamp(self.last), self.size, sha256(raw).digest(), zstandard.compress(raw, _LEVEL),
            tuple(sorted(hash_names(self.names - _NOTHING))), self.follows,
            self.last["event"] == "stop",
        )  # fmt: skip


def is_odd(record: Record) -> bool:
    """Tell whether a line matters to every event that is asked for, whatever names it has.

    These are requests from inside the ranges whose body was not read whole, sums of them, and gaps.
    """
    kind, reason = record["event"], record.get("reason")
    if kind in ("delivery", "forward"):
        return not record.get("sha256") and not (type(reason) is str and reason in FOREIGN)
    return kind == "gap" or (kind == "refusals" and not (type(reason) is str and reason in FOREIGN))
