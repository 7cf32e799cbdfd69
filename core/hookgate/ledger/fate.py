"""What became of events: every attempt at each, and how it ended.

An event is known by its `reference`, else its own `event.reference`, else its body's SHA-256.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum
from sys import intern
from typing import NamedTuple

from .reader import Line, timestamp
from .record import Record

# The provider tries a refused event about three times, and then gives up.
TRIES_BEFORE_LOST = 3
# Of one event; more are only counted.
MOST_ATTEMPTS = 1000

# The event was on its way, and no answer said whether it arrived.
_UNCERTAIN = frozenset(("upstream_timeout", "upstream_invalid"))

_KINDS = frozenset(("delivery", "forward"))

Read = Callable[[], Iterable[Line]]
Names = tuple[str | None, ...]


class Fate(StrEnum):
    """How the tries at an event ended, taken together."""

    DELIVERED = "delivered"
    UNKNOWN = "unknown"
    LOST = "lost"
    UNDELIVERED = "undelivered"
    NEVER_SEEN = "never_seen"


class Attempt(NamedTuple):
    """One try. `outcome` is None where only its `forward` was written.

    `record` is kept where it was asked for.
    """

    file: str
    number: int
    request_id: str
    ts: str
    outcome: str | None
    reason: str | None
    status: int | None
    upstream_status: int | None
    record: Record | None

    @property
    def place(self) -> str:
        """As an editor opens it: `file:number`."""
        return f"{self.file}:{self.number}"

    @property
    def fate(self) -> Fate:
        """Of this try alone: delivered, undelivered, or unknown, as it may have arrived."""
        if self.outcome == "delivered":
            return Fate.DELIVERED
        if self.outcome is None or self.reason in _UNCERTAIN:
            return Fate.UNKNOWN
        return Fate.UNDELIVERED


class Story:
    """One identifier and the attempts at its event, oldest first."""

    __slots__ = ("attempts", "identifier", "more")

    def __init__(self, identifier: str) -> None:
        self.identifier = identifier
        self.attempts: list[Attempt] = []
        self.more: Counter[Fate] | None = None

    def add(self, attempt: Attempt) -> None:
        """Note an attempt; beyond `MOST_ATTEMPTS` only its fate."""
        if len(self.attempts) < MOST_ATTEMPTS:
            self.attempts.append(attempt)
        else:
            self.more = self.more or Counter()
            self.more[attempt.fate] += 1

    @property
    def ends(self) -> Counter[Fate]:
        """How many attempts ended how."""
        return Counter(attempt.fate for attempt in self.attempts) + (self.more or Counter())

    @property
    def delivered_on(self) -> int | None:
        """The ordinal of the first attempt that was delivered."""
        for ordinal, attempt in enumerate(self.attempts, 1):
            if attempt.fate is Fate.DELIVERED:
                return ordinal
        return None

    @property
    def fate(self) -> Fate:
        """The end of it, as far as the ledger tells."""
        ends = self.ends
        for fate in (Fate.DELIVERED, Fate.UNKNOWN):
            if ends[fate]:
                return fate
        if ends.total() >= TRIES_BEFORE_LOST:
            return Fate.LOST
        return Fate.UNDELIVERED if ends else Fate.NEVER_SEEN


Stories = tuple[Story, ...]


def find(
    read: Read,
    identifiers: Iterable[str],
    *,
    records: bool = False,
    on_problem: Callable[[Line], None] = lambda _: None,
) -> list[Story]:
    """The story of each identifier: a reference, an event's own, a SHA-256 or a request_id.

    `read` is called once, and again where the first reading found other names of the events.
    Memory grows with what is asked for, not with the ledger. `records` keeps each attempt's own.
    `on_problem` is told once each line that is no record, as far as that can matter to an answer.
    """
    search = _Search(identifiers, records)
    search.read(read(), on_problem)
    if search.learned:
        search.read(read())
    return search.stories


def lost(read: Read) -> list[Story]:
    """Every event of a ledger that is presumed lost.

    Memory grows with the distinct events that were not delivered.
    """
    losses = Losses()
    for line in map(Line.checked, read()):
        if line.record is not None:
            losses.add(line.record)
    return [story for story in losses.confirm(read) if story.fate is Fate.LOST]


class Losses:
    """Collects what may be lost or unknown while the ledger is read for something else, too."""

    def __init__(self) -> None:
        self._tries: dict[str, int] = {}
        self._uncertain: set[str] = set()
        # What was forwarded, until its delivery is read.
        self._begun: dict[str, str] = {}

    def add(self, record: Record) -> None:
        """Note a record whose members are what they may be."""
        if record["event"] not in _KINDS:
            return
        name = record.get("reference") or record.get("event_reference") or record.get("sha256")
        request_id = record.get("request_id")
        if type(name) is not str or type(request_id) is not str:
            return
        if record["event"] == "forward":
            self._begun[request_id] = name
            return
        self._begun.pop(request_id, None)
        if record.get("outcome") == "delivered":
            self._tries.pop(name, None)
            self._uncertain.discard(name)
            return
        self._tries[name] = self._tries.get(name, 0) + 1
        if record.get("reason") in _UNCERTAIN:
            self._uncertain.add(name)

    @property
    def candidates(self) -> list[str]:
        """Those tried often enough or of uncertain end, and not delivered since."""
        often = (name for name, tries in self._tries.items() if tries >= TRIES_BEFORE_LOST)
        return list(dict.fromkeys((*often, *self._uncertain, *self._begun.values())))

    def confirm(self, read: Read) -> list[Story]:
        """Of the candidates those that are lost or unknown, from reading the same ledger again."""
        candidates = self.candidates
        stories = find(read, candidates) if candidates else []
        return [story for story in stories if story.fate in (Fate.LOST, Fate.UNKNOWN)]


class _Search:
    def __init__(self, identifiers: Iterable[str], records: bool) -> None:
        self.stories = [Story(identifier) for identifier in dict.fromkeys(identifiers)]
        self.learned = False
        self._records = records
        # Every name that an attempt may be found by; it may belong to several stories.
        self._names: dict[str, Stories] = {story.identifier: (story,) for story in self.stories}

    def read(
        self, lines: Iterable[Line], on_problem: Callable[[Line], None] = lambda _: None
    ) -> None:
        for story in self.stories:
            story.attempts.clear()
            story.more = None
        asked = self._names.keys()
        # What was forwarded, until its delivery is read.
        begun: dict[str, tuple[Attempt, Stories]] = {}
        for line in lines:
            record = line.record
            if record is None:
                on_problem(line)
                continue
            if record["event"] not in _KINDS:
                continue
            get = record.get
            request_id = get("request_id")
            names = get("reference"), get("sha256"), get("event_reference"), request_id
            try:
                if asked.isdisjoint(names) and request_id not in begun:
                    continue
            except TypeError:
                pass  # a name that is no text
            checked = line.checked()
            if checked.record is None:
                on_problem(checked)
                continue
            stories = self._stories(names)
            attempt = self._attempt(line, record)
            if record["event"] == "forward":
                begun[attempt.request_id] = attempt, stories
            else:
                _, forwarded = begun.pop(attempt.request_id, (None, ()))
                stories = tuple(dict.fromkeys(stories + forwarded))
                for story in stories:
                    story.add(attempt)
            self._learn(names, stories)
        for attempt, stories in begun.values():
            for story in stories:
                story.add(attempt)
        for story in self.stories:
            story.attempts.sort(key=lambda attempt: timestamp({"ts": attempt.ts}))

    def _stories(self, names: Names) -> Stories:
        found = (self._names.get(name, ()) for name in names if name is not None)
        return tuple(dict.fromkeys(story for stories in found for story in stories))

    def _learn(self, names: Names, stories: Stories) -> None:
        """An event that was found by one name is looked for by those that all its lines have."""
        reference, digest, own_reference, _ = names
        for name in (reference,) if reference else (own_reference, digest):
            if name is not None:
                known = self._names.get(name, ())
                merged = tuple(dict.fromkeys(known + stories))
                if len(merged) > len(known):
                    self._names[name] = merged
                    self.learned = True

    def _attempt(self, line: Line, record: Record) -> Attempt:
        get = record.get
        outcome, reason = get("outcome"), get("reason")
        return Attempt(
            line.file,
            line.number,
            str(get("request_id")),
            str(get("ts")),
            intern(str(outcome)) if outcome is not None else None,
            intern(str(reason)) if reason is not None else None,
            get("status"),
            get("upstream_status"),
            record if self._records else None,
        )
