"""What ledgers say of kept items: was each kept by a gate, and what became of its event?"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from hookgate.ledger.audit.fate import UNCERTAIN, Fate
from hookgate.ledger.audit.retries import Retries, rule_of
from hookgate.ledger.members import usual
from hookgate.ledger.reading.reader import Line, timestamp
from hookgate.ledger.record import Record, ascii_text

from .items import Opened

# What a ledger's reader may leave out, but for lines that hold the SHA-256 of a body that is asked
# for: whatever tells another.
UNNEEDED = "|".join(usual(kind, sha256='"[^"]++"') for kind in ("delivery", "forward"))


class Known(NamedTuple):
    """What is known of an item.

    `recorded` says that a `delivery` line tells of exactly this file, body and path. `until` is the
    time in seconds since 1970 when its sender gives up, None where that is not known.
    """

    recorded: bool
    fate: Fate
    until: float | None


class _Tries:
    """Attempts at a body on one path, replays apart."""

    __slots__ = ("fates", "held", "retries")

    def __init__(self) -> None:
        self.fates: set[Fate] = set()
        self.retries = Retries()
        self.held = False  # its sender was told 200, and sends it no more


class _Body:
    """What ledgers say of one body."""

    __slots__ = ("by_path", "kept", "replayed")

    def __init__(self) -> None:
        # A path is None where only a `forward` was written, which tells none.
        self.by_path: dict[str | None, _Tries] = {}
        self.kept: set[tuple[str, str | None]] = set()
        # By the request_id that an item had first.
        self.replayed: dict[str, set[Fate]] = {}


class Evidence:
    """What the lines of ledgers say of these bodies, by their SHA-256. Memory grows with these.

    The event of an item is its body on its path: the same bytes that were delivered to another path
    are another event, and so is a replay of another item. `on_problem` is told of each line that is
    no record. Nothing counts that is not yielded: let a `Prover` sort out what no key proves.
    """

    def __init__(
        self,
        lines: Iterable[Line],
        bodies: Iterable[str],
        on_problem: Callable[[Line], None] = lambda _: None,
    ) -> None:
        self._bodies = {body: _Body() for body in bodies}
        self._on_problem = on_problem
        begun: dict[str, Line] = {}
        for line in lines:
            record = line.record
            if record is None:
                on_problem(line)
            elif (kind := record["event"]) in ("forward", "delivery"):
                try:
                    forward = begun.pop(record.get("request_id", ""), None)
                    matters = forward is not None or record.get("sha256") in self._bodies
                except TypeError:  # a name that is no text: no gate wrote this line
                    matters, forward = True, None
                checked = self._check(line) if matters else None
                if checked is None:
                    continue
                if kind == "forward":
                    begun[str(checked.get("request_id"))] = line
                else:
                    self._add(checked, forward.record if forward is not None else None)
        for line in begun.values():
            if line.record is not None:
                self._add(line.record, None)

    def of(self, opened: Opened, now: float) -> Known:
        """Tell what is known of an item, at a time in seconds since 1970."""
        item = opened.item
        path = ascii_text(item.head.path)
        body = self._bodies[opened.body]
        here = body.by_path.get(path, _Tries())
        unplaced = body.by_path.get(None)
        fates = here.fates | body.replayed.get(item.request_id, set())
        if unplaced is not None:
            fates |= unplaced.fates
        fate = _fate(fates, here, now)
        until = here.retries.until if fate is Fate.RETRYING else None
        return Known((opened.kept, path) in body.kept, fate, until)

    def _check(self, line: Line) -> Record | None:
        checked = line.checked()
        if checked.record is None:
            self._on_problem(checked)
        return checked.record

    def _add(self, record: Record, forward: Record | None) -> None:
        digest = record.get("sha256") or (forward or {}).get("sha256")
        body = self._bodies.get(digest or "")
        if body is None:
            return
        end = _end(record)
        replay_of = record.get("replay_of") or (forward or {}).get("replay_of")
        if replay_of is not None:
            body.replayed.setdefault(replay_of, set()).add(end)
            return
        path = record.get("path")
        tries = body.by_path.setdefault(path, _Tries())
        tries.fates.add(end)
        tries.retries.add(timestamp(record), rule_of(record))
        if (kept := record.get("kept")) is not None:
            body.kept.add((kept, path))
            tries.held |= record.get("custody") is True


def _end(record: Record) -> Fate:
    """Tell how an attempt ended, which may have been a `forward` alone."""
    outcome = record.get("outcome")
    if outcome == "delivered":
        return Fate.DELIVERED
    may_have_arrived = outcome is None or record.get("reason") in UNCERTAIN
    return Fate.UNKNOWN if may_have_arrived else Fate.UNDELIVERED


def _fate(fates: set[Fate], tries: _Tries, now: float) -> Fate:
    for fate in (Fate.DELIVERED, Fate.UNKNOWN):
        if fate in fates:
            return fate
    if not fates:
        return Fate.NEVER_SEEN
    if tries.held or not tries.retries.will_end:
        return Fate.UNDELIVERED
    return Fate.LOST if tries.retries.are_over(now) else Fate.RETRYING
