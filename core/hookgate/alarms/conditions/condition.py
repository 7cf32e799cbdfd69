"""What a condition is, and the words that alarms are told in. Pure."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

from hookgate.alarms.notice import Severity
from hookgate.alarms.sight import Sight
from hookgate.ledger.record import Record

# By these requests end.
ENDS = frozenset(("delivery", "refusals"))


class Alarm(NamedTuple):
    """What stands now. `what` stands behind the gate's name on one line of a phone.

    `causes` and `size`, how many, are what tells news of an alarm that stands from what was told.
    """

    condition: str
    severity: Severity
    what: str
    details: Sequence[str]
    advice: str
    subject: str = ""
    causes: Collection[str] = ()
    size: int = 0


class Condition:
    """One thing that may be wrong. Times are seconds of a clock that does not jump.

    `feed` is given each record of these `kinds`, and when it was written; `part` is the file that
    it is in. `observe` is given what else there is to see. What they are given may be
    wrong in any member. `save` returns what JSON holds, and `load` takes that: it may raise
    whatever a value of another form makes it raise.
    """

    kinds: ClassVar[frozenset[str]] = frozenset()

    def feed(self, record: Record, at: float, part: str) -> None:
        """Take a record into account."""

    def begin(self, now: float) -> None:
        """Take what was fed so far for what had been before, of which nobody wants to be told."""

    def observe(self, sight: Sight, now: float) -> None:
        """Take into account what is seen at this time."""

    def standing(self, now: float) -> Iterable[Alarm]:
        """Say what is wrong at this time."""
        raise NotImplementedError

    def save(self) -> Any:
        """Return what the next run must know."""

    def load(self, saved: Any) -> None:
        """Take over what the last run knew."""


class Lasting:
    """How long something has been so; `since` is None while it is not."""

    def __init__(self) -> None:
        self.since: float | None = None

    def note(self, now: float, *, is_so: bool) -> None:
        """Note whether it is so now."""
        if not is_so:
            self.since = None
        elif self.since is None:
            self.since = now

    def has_lasted(self, seconds: float, now: float) -> bool:
        """Tell whether it has been so for so long."""
        return self.since is not None and now - self.since >= seconds

    def load(self, saved: Any) -> None:
        """Take over a `since`."""
        self.since = None if saved is None else float(saved)


def text_of(record: Record, name: str) -> str:
    """Return a member that is a text which can be shown, "" where it is none."""
    value = record.get(name)
    return value if type(value) is str and value.isprintable() else ""


def count_of(record: Record) -> int:
    """Return how many requests a `delivery` or a `refusals` line tells of."""
    if record["event"] == "delivery":
        return 1
    count = record.get("count")
    return count if type(count) is int and 0 < count < 2**63 else 0


def is_replay(record: Record) -> bool:
    """Tell whether a record is of something sent from the quarantine, and of no sender."""
    return record.get("front") == "replay" or record.get("replay_of") is not None


def listed(counts: Iterable[tuple[str, int]]) -> list[str]:
    """Write how many of what, a line each."""
    return [f"{count} × {what}" for what, count in counts]  # noqa: RUF001  # a sign of times


def plural(count: int, what: str) -> str:
    """Write a number of things."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
