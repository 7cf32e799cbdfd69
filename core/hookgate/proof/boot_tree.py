"""The tree of one boot as it grows: lines that fit what is kept are added, others are refused."""

from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from hookgate.ledger.audit.intervals import Intervals
from hookgate.ledger.seal import split

from .checkpoint import MOST_MISSING, Checkpoint
from .folder import Kept, KeptError, read_kept, read_note, write_kept
from .leaves import GrowingLeaves
from .merkle import HASH_SIZE
from .note import NoteError, Verifier, open_note

_HOLE = bytes(HASH_SIZE)
# Of a thousand lines a second that is 50 days. To make the root takes a second.
_MOST_MISSING = 1 << 32
_MEND = "let it be read, or name the ledger's files without it"


class Place(NamedTuple):
    """Where a line is: as an editor opens it."""

    file: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"

    def after(self, lines: int) -> "Place":
        """The place so many lines later."""
        return Place(self.file, self.number + lines)


class BootTree:
    """Add a boot's lines to what is kept of it in a folder. Methods raise OSError.

    `here` are the numbers that were seen, `last` the highest, `stopped` whether that is a `stop`.
    `problem` says why nothing of it may be signed; from then on nothing is added. `returned` counts
    lines that are here, and were gone when their places were signed. Where lines were not added,
    `waits` says which are not here before them, and `is_late` that some of these came later.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.last = self.returned = 0
        self.stopped = False
        self.problem = self.waits = ""
        self.is_late = False
        self.kept = Kept()
        self._folder = folder
        self._leaves: GrowingLeaves | None = None
        self.here = Intervals()
        self._first = 0
        try:
            self.kept = read_kept(folder, name) or self.kept
        except KeptError as error:
            self.problem = str(error)

    @property
    def is_open(self) -> bool:
        """Whether it has files open."""
        return self._leaves is not None

    def add(
        self, n: int, prev: str, leaves: bytes, last: bytes, place: Place, skip: Intervals | None
    ) -> int:
        """Add lines from number `n` on; `prev` is the digest before the first, `last` the last one.
        Where lines before them are not here and were never kept, they wait for these; they `skip`
        them where they are not among these numbers.

        Returns how many are new.
        """
        count = len(leaves) // HASH_SIZE
        self.last = max(self.last, n + count - 1)
        self._first = min(self._first or n, n)
        self.here.cover(n, n + count - 1)
        if self.problem or self.kept.dropped or (here := self._open()) is None:
            return 0
        known = max(0, min(count, here.size - n + 1))
        stored = here.stored(n - 1, n - 1 + known) if known else b""
        at = _first_other(stored, leaves)
        if at is not None:
            self.problem = f"{place.after(at)}: not the line that was anchored: changed since"
            return 0
        self.returned += _count_holes(stored)
        if known == count:
            return 0
        missing = self.kept.missing
        if n > here.size + 1:
            gone = lines_of(here.size + 1, n - 1)
            if skip is None or list(skip.missing(here.size + 1, n - 1)) != [(here.size + 1, n - 1)]:
                why = f"are in no file that could be read: {_MEND}"
                if skip is not None:
                    why = f"do not all stand before {place}, nor are all gone"
                self.waits = self.waits or f"{gone} {why}"
                return 0
            if n - here.size > _MOST_MISSING:
                self.problem = f"{place}: no boot has a line {n:,} after {here.size:,}: made up"
                return 0
            missing = (*missing, (here.size + 1, n - 1))[:MOST_MISSING]
            here.skip(n - 1 - here.size)
        elif n == here.size + 1 and self.kept.tip and prev != self.kept.tip:
            self.problem = f"{place}: it does not follow from the line that was anchored last"
            return 0
        here.add(leaves[known * HASH_SIZE :])
        self.is_late = bool(self.waits)
        tip = split(last)[1] or sha256(last).hexdigest()
        self.kept = Kept(here.size, tip, missing=missing)
        return count - known

    def check(self) -> str:
        """Return why nothing of it may be signed once all lines were added, "" where it may."""
        if self.problem or self.waits or self.kept.dropped:
            return self.problem or self.waits
        was_open = self.is_open
        for first, last in self.here.missing(self._first, min(self.last, self.kept.size)):
            here = self._open()
            if here is None or not here.are_missing(first - 1, last):
                gone = f"{lines_of(first, last)} are in no file, though others before are"
                self.problem = self.problem or gone
                break
        if not was_open:
            self.close()
        return self.problem

    def settle(self) -> None:
        """Have what was added survive a crash, and close the files."""
        if self._leaves is not None and not self.problem:
            self._leaves.sync()
            write_kept(self._folder, self.name, self.kept)
        self.close()

    def close(self) -> None:
        """Close the files."""
        if self._leaves is not None:
            self._leaves.close()
            self._leaves = None

    def covered(self, signer: Verifier) -> Checkpoint | None:
        """Return what the newest note covers, None without one.

        Raises `KeptError` where what is kept is not what it covers, or another key signed it.
        """
        note = read_note(self._folder, self.name)
        if note is None:
            return None
        try:
            checkpoint = Checkpoint.parse(open_note(note, (signer,)).text)
        except NoteError as error:
            raise KeptError(
                f"its newest note is damaged, or of another key: {error}; use the key that it is"
                " of, or another --folder"
            ) from None
        if checkpoint.size > self.kept.size or self.root(checkpoint.size) != checkpoint.root:
            raise KeptError("what is kept of it is not what its newest note covers")
        return checkpoint

    def root(self, size: int) -> bytes:
        """Return the root of its first lines. Raises `KeptError`."""
        here = self._open()
        if here is None:
            raise KeptError(self.problem)
        return here.subtree(0, size)

    def _open(self) -> GrowingLeaves | None:
        if self._leaves is None:
            try:
                self._leaves = GrowingLeaves(self._folder, self.name)
            except KeptError as error:
                self.problem = str(error)
        return self._leaves


def _first_other(stored: bytes, leaves: bytes) -> int | None:
    """Return which line first is not the one that was kept, from 0; None where all are.

    Of those that were gone nothing is known.
    """
    if leaves.startswith(stored):
        return None
    for at in range(0, len(stored), HASH_SIZE):
        if stored[at : at + HASH_SIZE] not in (_HOLE, leaves[at : at + HASH_SIZE]):
            return at // HASH_SIZE
    return None


def _count_holes(stored: bytes) -> int:
    if _HOLE not in stored:
        return 0
    return sum(stored[at : at + HASH_SIZE] == _HOLE for at in range(0, len(stored), HASH_SIZE))


def lines_of(first: int, last: int) -> str:
    """Name lines by their numbers."""
    return f"lines {first:,} to {last:,}" if first < last else f"line {first:,}"
