"""Does a ledger hold what signed notes saw of it? Lines cut off, changed, or gone."""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

from hookgate.ledger.audit.against import BEGAN_ANEW
from hookgate.ledger.audit.findings import AuditFinding
from hookgate.ledger.audit.links import HARMLESS, ChainKind
from hookgate.ledger.reading.reader import Line
from hookgate.ledger.reading.scanning import Run
from hookgate.times import show_time

from .checkpoint import Checkpoint, Missing
from .folder import is_boot
from .leaves import MISSING, MOST, append_missing
from .merkle import HASH_SIZE, Tree, hash_leaf
from .note import NoteError, Verifier, open_note

# The year 9999, from where on no time is printed.
_END = 253_370_764_800


class Seen(NamedTuple):
    """What a note saw of a boot: the root of its first `size` lines, of which some were `missing`.

    `time` is in seconds since 1970, None where the note says none that can be told.
    """

    boot: str
    size: int
    root: bytes
    time: float | None
    file: str
    missing: Missing = ()


def read_seen(note: bytes, file: str, verifiers: Iterable[Verifier]) -> Seen:
    """Read a note that one of the keys signed. Raises `NoteError`."""
    opened = open_note(note, verifiers)
    checkpoint = Checkpoint.parse(opened.text)
    name, _, boot = checkpoint.origin.rpartition("/")
    if name != opened.by.name or not is_boot(boot):
        raise NoteError("its origin is no boot of the gate whose key signed it")
    time = opened.time if opened.time and opened.time < _END else None
    return Seen(boot, checkpoint.size, checkpoint.root, time, file, checkpoint.missing)


class _Boot:
    """One boot's tree as its lines come, and what notes saw of it, by size, the largest first.

    These notes miss the same lines, as far as each goes.
    """

    def __init__(self, newest: Seen) -> None:
        self.notes: list[Seen] = []
        self.waiting: list[Seen] = []
        self.missing = newest.missing
        self.tree = Tree()
        self.place = ""
        # The first line that is not here and that the notes do not miss, where later ones are; and
        # whether any is here before it.
        self.hole, self.is_cut = 0, False
        # How many lines are here that the notes miss, and the newest one that misses some.
        self.returned = 0
        self.newest: tuple[Seen, int] | None = None

    def add(self, seen: Seen) -> bool:
        """Add a note that is no larger; False where it misses other lines."""
        cut = ((first, min(last, seen.size)) for first, last in self.missing if first <= seen.size)
        if tuple(cut) != seen.missing:
            return False
        self.notes.append(seen)
        self.waiting += [seen] * (seen.size > 0)
        return True

    def first_gone(self, first: int, last: int) -> int:
        """Return the first of these lines that the notes do not miss, 0 where they miss all."""
        for at in range(bisect_left(self.missing, first, key=itemgetter(1)), len(self.missing)):
            start, end = self.missing[at]
            if not start <= first <= last:
                break
            first = end + 1
        return first if first <= last else 0


class NoteWitness:
    """Compare a ledger's lines, in the order in which they were written, with what notes saw.

    `compared` are those that the lines were compared with.
    """

    def __init__(self, notes: Iterable[Seen]) -> None:
        self.compared: list[Seen] = []
        self.findings: list[AuditFinding] = []
        self._boots: dict[str, list[_Boot]] = {}
        for seen in sorted(notes, key=lambda seen: seen.size, reverse=True):
            boots = self._boots.setdefault(seen.boot, [])
            if not any(boot.add(seen) for boot in boots):
                boots.append(_Boot(seen))
                boots[-1].add(seen)

    def take(self, item: Line | Run) -> None:
        """Take the next line, or lines of `scan_leaves`."""
        if isinstance(item, Run):
            leaves, place = item.told.leaves, f"{item.file}:{item.first + item.total - 1}"
            self._add(item.told.boot, item.n, leaves, place)
        elif item.record is not None and type(n := item.record.get("n")) is int and n > 0:
            self._add(item.record.get("boot"), n, hash_leaf(item.raw), item.place)

    def close(self, begins: float, *, anew: bool = False) -> None:
        """Say what is missing. `begins` is when the lines begin that are here, 0.0 for unknown;
        `anew` says that the first boot found no trace of any before it.
        """
        boots = list(chain.from_iterable(self._boots.values()))
        for boot in boots:
            for seen in reversed(boot.waiting):
                self._miss(boot, seen, begins, anew=anew)
            if boot.newest is not None:
                self._tell_returned(boot, *boot.newest)
        is_bad = not HARMLESS.issuperset(found.kind for found in self.findings)
        if boots and not (self.compared or is_bad):
            text = (
                "none of these notes could be compared with a line: they are of another time, or"
                " all that they saw was deleted"
            )
            place = boots[0].notes[0].file
            self.findings.append(AuditFinding(ChainKind.GONE, "", place, text))

    def _add(self, name: object, n: int, leaves: bytes, place: str) -> None:
        for boot in self._boots.get(name, ()) if type(name) is str and n <= MOST else ():
            self._grow(boot, n, leaves, place)

    def _grow(self, boot: _Boot, n: int, leaves: bytes, place: str) -> None:
        size = boot.tree.size
        if n > size + 1:
            if not boot.hole and (hole := boot.first_gone(size + 1, n - 1)):
                boot.hole, boot.is_cut = hole, bool(boot.place)
            boot.place = boot.place or place
            # A note may be of a tree without these lines, too.
            while boot.waiting and boot.waiting[-1].size < n:
                append_missing(boot.tree, boot.waiting[-1].size - boot.tree.size)
                self._compare(boot, boot.waiting.pop())
            append_missing(boot.tree, n - 1 - boot.tree.size)
            size = n - 1
        boot.place = place
        for at in range((size + 1 - n) * HASH_SIZE, len(leaves), HASH_SIZE):
            leaf = leaves[at : at + HASH_SIZE]
            if boot.missing and not boot.first_gone(boot.tree.size + 1, boot.tree.size + 1):
                leaf, boot.returned = MISSING, boot.returned + 1
            boot.tree.append(leaf)
            while boot.waiting and boot.waiting[-1].size == boot.tree.size:
                self._compare(boot, boot.waiting.pop())

    def _compare(self, boot: _Boot, seen: Seen) -> None:
        saw = f"{_note(seen)} saw"
        if boot.tree.root() == seen.root:
            self.compared.append(seen)
            boot.newest = (seen, boot.returned) if boot.returned else None
        elif boot.hole:
            kind = ChainKind.CUT if boot.is_cut else ChainKind.ROTATED
            text = f"line {boot.hole:,} is not here, so that nothing is compared with what {saw}"
            self._note(kind, seen, boot.place, f"{text} {seen.size:,} lines of it")
        else:
            self.compared.append(seen)
            text = (
                f"of its first {seen.size:,} lines one or more are not those that {saw}: they were"
                " changed, or the chain was made anew"
            )
            self._note(ChainKind.REMADE, seen, boot.place, text)
            boot.newest = None

    def _tell_returned(self, boot: _Boot, seen: Seen, returned: int) -> None:
        were = "was" if returned == 1 else "were"
        text = (
            f"{returned:,} of its first {seen.size:,} lines {were} in no file when {_note(seen)}"
            " was signed, and are here: it says nothing of them, and the others are those it saw"
        )
        self._note(ChainKind.RETURNED, seen, boot.place, text)

    def _miss(self, boot: _Boot, seen: Seen, begins: float, *, anew: bool) -> None:
        saw = f"{_note(seen)} saw {seen.size:,} lines of it"
        if not boot.place:
            kind, why = ChainKind.GONE, "none is here: deleted, or its files were not given"
            if seen.time and seen.time + 1 < begins:
                if anew:
                    why = f"none is here, and the first boot here {BEGAN_ANEW}"
                else:
                    kind, why = ChainKind.ROTATED, "none is here: rotated away, or deleted"
            self._note(kind, seen, seen.file, f"{saw}; {why}")
        else:
            text = f"{saw}, the ledger has {boot.tree.size:,}: lines after that were cut off"
            self._note(ChainKind.CUT, seen, boot.place, text)

    def _note(self, kind: ChainKind, seen: Seen, place: str, text: str) -> None:
        self.findings.append(AuditFinding(kind, seen.boot, place, text))


def _note(seen: Seen) -> str:
    when = show_time(seen.time, "seconds", utc=True) if seen.time else "an unknown time"
    return f"the note of {when}"
