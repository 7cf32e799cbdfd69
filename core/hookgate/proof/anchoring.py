"""One run of `hookgate anchor`: the lines of a ledger into the trees of their boots, and notes.

What was signed is never signed otherwise: where the ledger has other lines than were kept, or less
of them, nothing of that boot is signed any more.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from hookgate.files import replace_file
from hookgate.ledger.audit.intervals import Intervals
from hookgate.ledger.reading.reader import Line, is_damage
from hookgate.ledger.reading.scanning import Run

from .boot_tree import BootTree, Place, lines_of
from .checkpoint import Checkpoint, Missing
from .folder import (
    BLOCKS,
    LEAVES,
    NOTE,
    KeptError,
    boots_of,
    is_boot,
    path_of,
    read_kept,
    write_kept,
)
from .leaves import MOST
from .merkle import hash_leaf
from .note import Signer

# Of each two files are open.
_MOST_OPEN = 64


class AnchorFinding(NamedTuple):
    """Why a boot is not anchored, or not all of it. `is_bad` where the ledger was changed."""

    boot: str
    text: str
    is_bad: bool = True


class Signed(NamedTuple):
    """A note that was signed, of so many lines; `new` of them were not in the one before."""

    boot: str
    note: bytes
    size: int
    new: int


class Anchoring:
    """Take the lines of a ledger, in the order in which they were written, and sign them.

    `folder` is what is kept between runs. Where `may_skip`, lines that are in no file, and were
    never kept, are signed as missing, which is for good; else nothing of that boot is signed. What
    is in some file a reading `before` this one saw.

    `findings` are filled, `lines` counts new ones, `unplaced` those without a number: of nginx, and
    of version 0.1.0. `damage` says where a file could not be read on: from there on nothing is
    skipped. Methods raise OSError.
    """

    def __init__(self, folder: Path, *, may_skip: bool, before: "Anchoring | None" = None) -> None:
        self.findings: list[AnchorFinding] = []
        self.lines = self.unplaced = 0
        self.damage: list[str] = []
        self._may_skip = may_skip
        self._seen = before._boots if before is not None else {}  # noqa: SLF001  # its own kind
        self._folder = folder
        self._boots: dict[str, BootTree] = {}
        self._open: dict[str, BootTree] = {}
        self._ends: dict[str, str] = {}  # the last boot in each file

    def take(self, item: Line | Run) -> None:
        """Take the next line, or lines of `scan_leaves`."""
        if isinstance(item, Run):
            told, last = item.told, item.n + item.total - 1
            if not is_boot(told.boot) or not 0 < item.n <= last <= MOST:
                self.unplaced += item.total
                return
            boot = self._boot(told.boot, item.file)
            self._add(boot, item.n, told.prev, told.leaves, told.last, Place(item.file, item.first))
            if last == boot.last:
                boot.stopped = False
            return
        record = item.record
        if record is None:
            if not item.raw and is_damage(item.problem):
                self.damage.append(f"{item.place}: {item.problem}")
            return
        name, n, prev = record.get("boot"), record.get("n"), record.get("prev")
        if not is_boot(name) or type(n) is not int or type(prev) is not str or not 0 < n <= MOST:
            self.unplaced += 1
            return
        boot = self._boot(str(name), item.file)
        place = Place(item.file, item.number)
        self._add(boot, n, prev, hash_leaf(item.raw), item.raw, place)
        if n == boot.last:
            boot.stopped = record["event"] == "stop"

    @property
    def is_whole(self) -> bool:
        """Whether all could be read, and nothing keeps a boot from being signed so far."""
        return not self.damage and not any(boot.check() for boot in self._boots.values())

    @property
    def is_late(self) -> bool:
        """Whether lines came after others that wait for them: another run can add these."""
        return any(boot.is_late and not boot.problem for boot in self._boots.values())

    def sign(self, signer: Signer, time: int, live: set[str]) -> Iterator[Signed]:
        """Sign each boot that has new lines or may get some; `live` are the files that are written.

        `time` is in seconds since 1970.
        """
        current = self._current(live)
        for name in sorted({*boots_of(self._folder), *self._boots}):
            try:
                if (boot := self._boots.get(name)) is None:
                    self._miss(name)
                elif signed := self._sign(boot, signer, time, is_current=name in current):
                    yield signed
            except KeptError as error:
                self.findings.append(AnchorFinding(name, str(error)))

    def _current(self, live: set[str]) -> set[str]:
        """Return the boots to which lines may come."""
        current = {boot for file, boot in self._ends.items() if file in live}
        for file in live - self._ends.keys():  # rotated a moment ago, and empty so far
            before = [boot for name, boot in self._ends.items() if name.startswith(file)]
            current.update(before[-1:])
        return current

    def close(self) -> None:
        """Close all files. What came late is kept, so that what waits for it can be added."""
        for boot in self._boots.values():
            if boot.is_late and boot.is_open:
                boot.settle()
            boot.close()
        self._open.clear()

    def _boot(self, name: str, file: str) -> BootTree:
        self._ends[file] = name
        boot = self._boots.get(name)
        if boot is None:
            boot = self._boots[name] = BootTree(self._folder, name)
        if name not in self._open:
            if len(self._open) == _MOST_OPEN:
                self._open.pop(next(iter(self._open))).settle()
            self._open[name] = boot
        return boot

    def _add(
        self, boot: BootTree, n: int, prev: str, leaves: bytes, last: bytes, place: Place
    ) -> None:
        skip = None
        if self._may_skip and not self.damage:
            skip = self._seen[boot.name].here if boot.name in self._seen else Intervals()
        self.lines += boot.add(n, prev, leaves, last, place, skip)

    def _sign(
        self, boot: BootTree, signer: Signer, time: int, *, is_current: bool
    ) -> Signed | None:
        kept, name = boot.kept, boot.name
        try:
            if problem := boot.check():
                raise KeptError(problem)
            if boot.returned:
                text = "lines that were gone are here again, and no note covers them"
                self.findings.append(AnchorFinding(name, f"{boot.returned:,} {text}", is_bad=False))
            if kept.dropped or not kept.size:
                return None
            if boot.last < kept.size:
                raise KeptError(
                    f"the ledger has {boot.last:,} lines of it, and {kept.size:,} were anchored:"
                    " lines after that were cut off"
                )
            before = boot.covered(signer.verifier)
            covered, told = (before.size, len(before.missing)) if before is not None else (0, 0)
            self._tell_missing(name, kept.missing[told:])
            ended = boot.stopped or not is_current
            if covered == kept.size and ended and kept.concluded:
                return None
            root = boot.root(kept.size)
            boot.settle()
        finally:
            boot.close()
        head = Checkpoint(f"{signer.name}/{name}", kept.size, root, kept.missing)
        note = signer.sign(head.text, time)
        replace_file(path_of(self._folder, name, NOTE), note)
        write_kept(self._folder, name, replace(kept, ended=ended, concluded=ended, gone=False))
        return Signed(name, note, kept.size, kept.size - covered)

    def _tell_missing(self, name: str, missing: Missing) -> None:
        """Tell of lines that no note was without before."""
        for first, last in missing:
            gone = f"{lines_of(first, last)} were gone or could not be read"
            # At the beginning of a boot that is as it may be.
            finding = AnchorFinding(name, f"{gone}, and were never anchored", is_bad=first > 1)
            self.findings.append(finding)

    def _miss(self, name: str) -> None:
        """Of a kept boot no line is here."""
        kept = read_kept(self._folder, name)
        if kept is None or kept.gone:
            return
        write_kept(self._folder, name, replace(kept, gone=True))
        if not kept.ended:
            raise KeptError(
                "none of its lines is here, and its end was never anchored: deleted, or moved away"
            )


def drop_old(folder: Path, before: float) -> list[str]:
    """Remove the leaves of boots that have ended, and whose last note is older than this time, in
    seconds since 1970; their notes stay. Returns the boots. Raises OSError, `KeptError`.
    """
    dropped = []
    for name in boots_of(folder, NOTE):
        kept = read_kept(folder, name)
        is_old = path_of(folder, name, NOTE).stat().st_mtime < before
        if kept is not None and kept.concluded and is_old and not kept.dropped:
            write_kept(folder, name, replace(kept, dropped=True))
            for suffix in (LEAVES, BLOCKS):
                path_of(folder, name, suffix).unlink(missing_ok=True)
            dropped.append(name)
    return dropped
