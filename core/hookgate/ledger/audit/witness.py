"""What an operational log saw of a ledger: which line its checkpoints name, and which are here."""

import struct
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hookgate.ledger.checkpoint import Checkpoint

# A checkpoint takes some 90 bytes; two years of one a minute.
MOST_CHECKPOINTS = 1 << 20
MOST_BOOTS = 1 << 16
# In the order of their bytes: n, head, whether it was not synced, time.
_ENTRY = struct.Struct(">Q32s?d")
_LINE = 40  # so many bytes of it name the line
_SAME, _OTHER = 1, 2
_MOST_PATHS = 3

# By boot the lines that are named, in order.
Numbers = Mapping[str, Sequence[int]]


class TooManyError(Exception):
    """A log with more checkpoints or boots than are looked at."""


class Named(NamedTuple):
    """A line that a checkpoint of this time named."""

    n: int
    head: str
    time: float
    synced: bool


class BootWitness:
    """What a log saw of one boot, and what of it is here.

    `paths` are those of its ledger; a gate names one. Where `has_more`, others are left out.
    `first` and `last` are the times of its checkpoints; `log` names the file that has them.
    `dropped` is how many the log did not take.
    """

    def __init__(self, boot: str, log: str) -> None:
        self.boot, self.log = boot, log
        self.paths: list[str] = []
        self.has_more = False
        self.first = self.last = 0.0
        self.dropped = 0
        self._entries: list[bytes] = []
        # Of the entries, once no more come: the lines' numbers, and which of them were seen here.
        self.numbers = array("Q")
        self._seen = bytearray()
        # The place of the first line that is another one than was named.
        self._place = ""

    def add(self, checkpoint: Checkpoint) -> bool:
        """Add a checkpoint; False where it names the same line as the one before it."""
        _, n, head, synced, path, dropped, time = checkpoint
        if path and path not in self.paths:
            self.has_more = len(self.paths) == _MOST_PATHS
            self.paths += [path] * (not self.has_more)
        self.dropped = max(self.dropped, dropped)
        self.first = min(self.first or time, time or self.first)
        self.last = max(self.last, time)
        entry = _ENTRY.pack(n, bytes.fromhex(head), not synced, time)
        if self._entries and self._entries[-1][: _LINE + 1] == entry[: _LINE + 1]:
            return False
        self._entries.append(entry)
        return True

    def end(self) -> None:
        """Put in order what was added: a line that is named twice alike is one, and of those that
        are named otherwise two are kept.
        """
        kept: list[bytes] = []
        for entry in sorted(self._entries):
            before = kept[-2:]
            if not (before and before[-1][:_LINE] == entry[:_LINE]) and not (
                len(before) > 1 and before[0][:8] == entry[:8]
            ):
                kept.append(entry)
        self._entries = kept
        self.numbers = array("Q", (int.from_bytes(entry[:8]) for entry in kept))
        self._seen = bytearray(len(kept))

    def see(self, n: int, digest: str, file: str, number: int) -> None:
        """Look at a line that is here: its number in its boot, its digest, and where it is."""
        numbers = self.numbers
        at = bisect_left(numbers, n)
        while at < len(numbers) and numbers[at] == n:
            if self._named(at).head == digest:
                self._seen[at] = _SAME
            elif self._seen[at] != _SAME:
                self._seen[at] = _OTHER
                self._place = self._place or f"{file}:{number}"
            at += 1

    @property
    def newest(self) -> Named:
        """The line with the highest number."""
        return self._named(-1)

    @property
    def others(self) -> tuple[Named, int, str] | None:
        """The first line here that is another one than was named, how many there are, and the
        place.
        """
        at = self._seen.find(_OTHER)
        return (self._named(at), self._seen.count(_OTHER), self._place) if at >= 0 else None

    @property
    def rivals(self) -> tuple[Named, Named] | None:
        """Two checkpoints that name different lines as the same one."""
        numbers = self.numbers
        found = (at for at in range(1, len(numbers)) if numbers[at] == numbers[at - 1])
        at = next(found, None)
        return (self._named(at - 1), self._named(at)) if at is not None else None

    def before(self, n: int) -> Named | None:
        """The last line below this number."""
        at = bisect_left(self.numbers, n)
        return self._named(at - 1) if at else None

    def missing(self, first: int, last: int) -> Named | None:
        """The first line between two numbers that was not seen here."""
        begin, end = bisect_left(self.numbers, first), bisect_right(self.numbers, last)
        at = self._seen.find(0, begin, end)
        return self._named(at) if at >= 0 else None

    def _named(self, at: int) -> Named:
        n, head, unsynced, time = _ENTRY.unpack(self._entries[at])
        return Named(n, head.hex(), time, not unsynced)


class LogWitness:
    """What a log saw, by boot: its checkpoints are added, and then it is ended.

    `checkpoints` counts them, `files` are the names of the ledger's files that are looked at. Once
    they were, `covered` is how many lines of these stand up to the last checkpoint of their boot,
    and `last` the time of the last of these checkpoints, 0.0 for unknown.
    """

    def __init__(self, files: Sequence[str] = ()) -> None:
        self.boots: dict[str, BootWitness] = {}
        self.checkpoints = self.covered = 0
        self.last = 0.0
        self.files = files
        self._kept = 0

    def add(self, checkpoint: Checkpoint, log: str) -> None:
        """Add a checkpoint of a log with this name. Raises `TooManyError`."""
        boot = self.boots.get(checkpoint.boot)
        if boot is None:
            if len(self.boots) == MOST_BOOTS:
                raise TooManyError(f"it has checkpoints of more than {MOST_BOOTS:,} boots")
            boot = self.boots[checkpoint.boot] = BootWitness(checkpoint.boot, log)
        self.checkpoints += 1
        self._kept += boot.add(checkpoint)
        if self._kept > MOST_CHECKPOINTS:
            raise TooManyError(f"it has more than {MOST_CHECKPOINTS:,} checkpoints")

    def end(self) -> None:
        """Put in order what was added."""
        for boot in self.boots.values():
            boot.end()

    @property
    def numbers(self) -> Numbers:
        """Which lines were named, for `ChainScan`."""
        return {name: boot.numbers for name, boot in self.boots.items()}

    @property
    def is_of_lines(self) -> bool:
        """Whether any checkpoint names a line."""
        return any(boot.newest.n for boot in self.boots.values())

    @property
    def dropped(self) -> int:
        """How many checkpoints the log did not take."""
        return sum(boot.dropped for boot in self.boots.values())
