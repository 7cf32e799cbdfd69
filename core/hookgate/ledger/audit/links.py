"""One boot's chain: which line follows from which, and what became of one that does not."""

from collections import deque
from collections.abc import Iterator
from enum import StrEnum
from hashlib import sha256
from itertools import chain
from typing import NamedTuple

from hookgate.ledger.reading.reader import Line
from hookgate.ledger.reading.scanning import Run
from hookgate.ledger.seal import Keyring

from .chain_scan import RECENT, ChainRun
from .findings import AuditFinding, BoundedFindings
from .witness import BootWitness, LogWitness


class ChainKind(StrEnum):
    """What can be said of a line's place: in its boot, in its file, beside the state file and what
    a log saw.
    """

    BROKEN = "broken"
    INSERTED = "inserted"
    DUPLICATE = "duplicate"
    MOVED = "moved"
    CUT = "cut"
    FOREIGN = "foreign"
    GARBLED = "garbled"
    GAP = "gap"
    UNSEALED = "unsealed"
    SEALED = "sealed"
    OLD_FORMAT = "old_format"
    LOOSE_END = "loose_end"
    REMADE = "remade"
    GONE = "gone"
    CONTRADICTORY = "contradictory"
    ROTATED = "rotated"
    ELSEWHERE = "elsewhere"
    NO_STATE = "no_state"
    BAD_STATE = "bad_state"
    OLD_STATE = "old_state"
    PIPED = "piped"
    TORN = "torn"
    NO_START = "no_start"
    NO_STOP = "no_stop"
    RETURNED = "returned"
    JOINED = "joined"


HARMLESS = frozenset(
    (
        ChainKind.ELSEWHERE,
        ChainKind.OLD_STATE,
        ChainKind.PIPED,
        ChainKind.ROTATED,
        ChainKind.TORN,
        ChainKind.NO_START,
        ChainKind.NO_STOP,
        ChainKind.RETURNED,
        ChainKind.JOINED,
    )
)


class Break(NamedTuple):
    """A link that failed: its finding's number, the line that did not follow, and the tip then.

    `n` is the number of the line that did not follow, None where it has none.
    """

    number: int
    place: str
    tip: str
    n: object


# A line of late: digest, boot, file, number. No NamedTuple: one is made for each line.
_Seen = tuple[str, str, str, int]


class _Recent:
    """The lines of late. Those of a run are told apart only where they are looked at."""

    def __init__(self) -> None:
        self._run: Run | None = None
        self._after: deque[_Seen] = deque(maxlen=RECENT)
        self.add = self._after.append

    def add_run(self, run: Run) -> None:
        """Add the lines of a run."""
        if run.total < RECENT:
            self._after.extend(_seen(run))
        else:
            self._run = run
            self._after.clear()

    def of(self, boot: str) -> list[_Seen]:
        """Return those of a boot, the oldest first."""
        before = _seen(self._run) if self._run is not None else ()
        return [seen for seen in deque(chain(before, self._after), RECENT) if seen[1] == boot]


def _seen(run: Run) -> Iterator[_Seen]:
    told: ChainRun = run.told
    digests = [told.digests[at : at + 64] for at in range(0, len(told.digests), 64)]
    first = run.first + run.total - len(digests)
    return ((digest, told.boot, run.file, n) for n, digest in enumerate(digests, first))


class Context:
    """What the chains of a ledger share. `witness` is what a log saw of them, if one is given."""

    def __init__(self, keyring: Keyring, witness: LogWitness | None = None) -> None:
        self.keyring = keyring
        self.witness = witness
        self.findings = BoundedFindings()
        self.recent = _Recent()
        # By the digests that broken links name: the line that belongs there may stand elsewhere.
        self.wanted: dict[str, Break] = {}

    def witness_of(self, boot: str) -> BootWitness | None:
        """Return what the log saw of a boot, if it saw it."""
        return self.witness.boots.get(boot) if self.witness is not None else None

    def note(self, kind: ChainKind, place: str, text: str, boot: str = "") -> int:
        """Add a finding; return its number."""
        return self.findings.note(kind, boot, place, text)

    def amend(self, number: int, kind: ChainKind, place: str, text: str, boot: str) -> None:
        """Replace a finding by a better one."""
        self.findings.amend(number, AuditFinding(kind, boot, place, text))


class Links:
    """The chain of one boot, from its first line here. A line's digest is what the next one's
    `prev` has to be.
    """

    __slots__ = ("_breaks", "_context", "_held", "_line", "boot", "tip")

    def __init__(self, boot: str, line: Line, digest: str, context: Context) -> None:
        self.boot = boot
        self._context = context
        self._held = False
        self._breaks: list[Break] = []
        self._advance(line, digest)

    @property
    def place(self) -> str:
        """The place of its last line."""
        return self._line.place

    def follow(self, line: Line, prev: str, digest: str, *, damaged: bool) -> bool:
        """Add the boot's next line; False where it is no part of the chain.

        `damaged` says that lines before it could not be read or proved.
        """
        wanted = self._context.wanted
        moved = wanted.pop(digest, None) if wanted else None
        if moved is not None:
            text = f"out of order: the line that belongs before it stands at {line.place}"
            self._amend(moved, ChainKind.MOVED, text)
        if prev == self.tip:
            self._held = True
        elif moved is not None or not (damaged or self._explain(line, prev, digest)):
            return False
        self._advance(line, digest)
        return True

    def hold(self, line: Line, digest: str) -> None:
        """Add the boot's next line, which is known to follow from the tip."""
        self._held = True
        self.tip, self._line = digest, line
        self._context.recent.add((digest, self.boot, line.file, line.number))

    def hold_run(self, run: Run, last: Line) -> None:
        """Add the boot's next lines, which are known to follow from the tip, up to the last."""
        self._held = True
        self.tip, self._line = run.told.tip, last
        self._context.recent.add_run(run)

    def _advance(self, line: Line, digest: str) -> None:
        self.tip, self._line = digest, line
        self._context.recent.add((digest, self.boot, line.file, line.number))

    def _explain(self, line: Line, prev: str, digest: str) -> bool:
        """Say why a line does not follow from the tip; False if the chain goes on without it."""
        context = self._context
        if context.findings.full:
            context.findings.more[ChainKind.BROKEN] += 1
            return True
        recent = context.recent.of(self.boot)
        digests = [seen[0] for seen in recent]
        last = self._breaks[-1] if self._breaks else None
        if digest in digests:
            original = _place(recent[digests.index(digest)])
            self._note(ChainKind.DUPLICATE, line.place, f"a copy of {original}")
            return False
        if last is not None and prev == last.tip:
            broken = self._breaks.pop()
            kind, text = ChainKind.INSERTED, "inserted: the chain goes on without it at"
            n = _number(line)
            if type(n) is type(broken.n) is int and n < broken.n:
                kind, text = ChainKind.MOVED, "out of order: lines that belong before it stand at"
            self._amend(broken, kind, f"{text} {line.place}")
        elif prev in digests[:-1]:
            before, rival = recent[digests.index(prev) :][:2]
            text = (
                f"inserted, or the line at {line.place} was: both say that they follow"
                f" {_place(before)}"
            )
            self._note(ChainKind.INSERTED, _place(rival), text)
        elif not self._explain_seal(line, prev):
            text = f"edited, or lines after it are missing: {line.place} does not follow from it"
            if self._line.file != line.file:
                text += "; a file between the two may be missing"
            context.wanted[prev] = self._break(line, ChainKind.BROKEN, self.place, text)
        return True

    def _explain_seal(self, line: Line, prev: str) -> bool:  # noqa: ARG002  # OldLinks' own
        """Say that the chain was made with another key, if it was."""
        return False

    def _break(self, line: Line, kind: ChainKind, place: str, text: str) -> Break:
        broken = Break(self._note(kind, place, text), line.place, self.tip, _number(line))
        self._breaks.append(broken)
        return broken

    def _note(self, kind: ChainKind, place: str, text: str) -> int:
        return self._context.findings.note(kind, self.boot, place, text)

    def _amend(self, broken: Break, kind: ChainKind, text: str) -> None:
        finding = AuditFinding(kind, self.boot, broken.place, text)
        self._context.findings.amend(broken.number, finding)


def plain_digest(raw: bytes) -> str:
    """Return a line's SHA-256, in hexadecimal digits."""
    return sha256(raw).hexdigest()


def _number(line: Line) -> object:
    return line.record.get("n") if line.record is not None else None


def _place(seen: _Seen) -> str:
    return f"{seen[2]}:{seen[3]}"
