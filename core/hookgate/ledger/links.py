"""One boot's chain: which line follows from which, and what became of one that does not."""

import hmac
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from .findings import Finding, Findings
from .reader import Line

# How far back a copy of a line is looked for.
_RECENT = 4096
# A chain whose first links all fail was made with another key.
_BREAKS_OF_A_SEAL = 2

Digest = Callable[[bytes], str]


class Kind(StrEnum):
    """What can be said of a line's link to the one before."""

    BROKEN = "broken"
    INSERTED = "inserted"
    DUPLICATE = "duplicate"
    MOVED = "moved"
    CUT = "cut"
    FOREIGN = "foreign"
    GARBLED = "garbled"
    UNSEALED = "unsealed"
    SEALED = "sealed"
    TORN = "torn"
    NO_START = "no_start"
    NO_STOP = "no_stop"
    JOINED = "joined"


HARMLESS = frozenset((Kind.TORN, Kind.NO_START, Kind.NO_STOP, Kind.JOINED))


class Break(NamedTuple):
    """A link that failed: its finding's number, the line that did not follow, and the tip then."""

    number: int
    place: str
    tip: str


class Seen(NamedTuple):
    """A line of late."""

    digest: str
    boot: str
    place: tuple[str, int]


class Context:
    """What the chains of a ledger share."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.digest: Digest = partial(_hmac, key) if key else plain_digest
        self.findings = Findings()
        self.recent: deque[Seen] = deque(maxlen=_RECENT)
        # By the digests that broken links name: the line that belongs there may stand elsewhere.
        self.wanted: dict[str, Break] = {}


class Links:
    """The chain of one boot, from its first line here."""

    __slots__ = (
        "_breaks", "_context", "_digest", "_held", "_place", "_raw", "_tip", "boot", "stopped",
    )  # fmt: skip

    def __init__(self, boot: str, line: Line, context: Context) -> None:
        self.boot = boot
        self.stopped = False
        self._context = context
        # None once it is clear that another key made this chain.
        self._digest: Digest | None = context.digest
        self._held = 0
        self._breaks: list[Break] = []
        self._advance(line, context.digest(line.raw))

    @property
    def place(self) -> str:
        """Its last line."""
        return _join(self._place)

    def follow(self, line: Line, prev: str, *, damaged: bool) -> None:
        """Take the boot's next line. `damaged` says that an unreadable one stands before it."""
        make = self._digest
        if make is None:
            return
        digest = make(line.raw)
        wanted = self._context.wanted
        moved = wanted.pop(digest, None) if wanted else None
        if moved is not None:
            text = f"out of order: the line that belongs before it stands at {line.place}"
            self._amend(moved, Kind.MOVED, text)
        if prev == self._tip:
            self._held += 1
        elif moved is not None or not (damaged or self._explain(line, prev, digest)):
            return
        elif self._digest is not make:
            digest = self._digest(line.raw) if self._digest is not None else ""
        self._advance(line, digest)

    def _advance(self, line: Line, digest: str) -> None:
        self._tip, self._raw, self._place = digest, line.raw, (line.file, line.number)
        self._context.recent.append(Seen(digest, self.boot, self._place))

    def _explain(self, line: Line, prev: str, digest: str) -> bool:
        """Say why a line does not follow from the tip; False if the chain goes on without it."""
        context = self._context
        if context.findings.full:
            context.findings.more[Kind.BROKEN] += 1
            return True
        recent = [seen for seen in context.recent if seen.boot == self.boot]
        digests = [seen.digest for seen in recent]
        last = self._breaks[-1] if self._breaks else None
        if digest in digests:
            original = _join(recent[digests.index(digest)].place)
            self._note(Kind.DUPLICATE, line.place, f"a copy of {original}")
            return False
        if last is not None and prev == last.tip:
            text = f"inserted: the chain goes on without it at {line.place}"
            self._amend(self._breaks.pop(), Kind.INSERTED, text)
            self._digest = context.digest
        elif prev in digests[:-1]:
            before, rival = recent[digests.index(prev) :][:2]
            text = (
                f"inserted, or the line at {line.place} was: both say that they follow"
                f" {_join(before.place)}"
            )
            self._note(Kind.INSERTED, _join(rival.place), text)
        elif context.key and prev == plain_digest(self._raw):
            self._digest = plain_digest
            since = "from here on: made anew" if self._held else "made anew, or older than the key"
            self._break(line, Kind.UNSEALED, line.place, f"chained without the key, {since}")
        elif not self._held and len(self._breaks) == _BREAKS_OF_A_SEAL:
            for broken in self._breaks:
                context.findings.amend(broken.number, None)
            self._digest = None
            text = "sealed with a key that was not given, or all made anew"
            self._note(Kind.SEALED, line.place, text)
        else:
            text = f"edited, or lines after it are missing: {line.place} does not follow from it"
            if self._place[0] != line.file:
                text += "; a file between the two may be missing"
            context.wanted[prev] = self._break(line, Kind.BROKEN, self.place, text)
        return True

    def _break(self, line: Line, kind: Kind, place: str, text: str) -> Break:
        broken = Break(self._note(kind, place, text), line.place, self._tip)
        self._breaks.append(broken)
        return broken

    def _note(self, kind: Kind, place: str, text: str) -> int:
        return self._context.findings.note(kind, self.boot, place, text)

    def _amend(self, broken: Break, kind: Kind, text: str) -> None:
        finding = Finding(kind, self.boot, broken.place, text)
        self._context.findings.amend(broken.number, finding)


def plain_digest(raw: bytes) -> str:
    """A line's SHA-256."""
    return sha256(raw).hexdigest()


def _hmac(key: bytes, raw: bytes) -> str:
    return hmac.digest(key, raw, "sha256").hex()


def _join(place: tuple[str, int]) -> str:
    return f"{place[0]}:{place[1]}"
