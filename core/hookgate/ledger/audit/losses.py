"""What a whole ledger tells of lost events, and of those whose end nobody knows."""

from hookgate.ledger.reading.reader import Line
from hookgate.ledger.record import Record
from hookgate.networks.range_set import RangeSet

from .fate import TRIES_BEFORE_LOST, UNCERTAIN, Event, Fate
from .identity import NO_RANGES, Unread, digest_of
from .search import Read, find


def lost(read: Read) -> list[Event]:
    """Return every event of a ledger that is presumed lost.

    Memory grows with the distinct events that were not delivered.
    """
    losses = Losses()
    for line in map(Line.checked, read()):
        if line.record is not None:
            losses.add(line.record)
    return [event for event in losses.confirm(read) if event.fate is Fate.LOST]


class Losses:
    """Collect what may be lost or unknown while the ledger is read for something else, too.

    `unread` counts the attempts that belong to no event, from inside the `allowed` ranges.
    """

    def __init__(self, allowed: RangeSet = NO_RANGES) -> None:
        self.unread = Unread(allowed)
        self._tries: dict[str, int] = {}
        self._uncertain: set[str] = set()
        # The event that was forwarded, until its delivery is read.
        self._begun: dict[str, str] = {}

    def add(self, record: Record) -> None:
        """Add a record whose members are what they may be."""
        kind = record["event"]
        if kind == "delivery":
            request_id = record.get("request_id")
            begun = self._begun.pop(request_id, None) if type(request_id) is str else None
            # After a fault it has nothing but its request_id.
            digest = digest_of(record) or begun
            if digest is None:
                self.unread.add(record)
            elif record.get("outcome") == "delivered":
                self._tries.pop(digest, None)
                self._uncertain.discard(digest)
            else:
                self._note_failure(digest, record.get("reason"))
        elif kind == "forward":
            digest, request_id = digest_of(record), record.get("request_id")
            if type(request_id) is str and digest is not None:
                self._begun[request_id] = digest
        elif kind == "refusals":
            self.unread.add(record)

    def _note_failure(self, digest: str, reason: object) -> None:
        self._tries[digest] = self._tries.get(digest, 0) + 1
        if type(reason) is str and reason in UNCERTAIN:
            self._uncertain.add(digest)

    @property
    def candidates(self) -> list[str]:
        """The SHA-256s of what was tried often or is uncertain, and was not delivered since."""
        often = (digest for digest, tries in self._tries.items() if tries >= TRIES_BEFORE_LOST)
        return list(dict.fromkeys((*often, *self._uncertain, *self._begun.values())))

    def confirm(self, read: Read) -> list[Event]:
        """Return the candidates that are lost or unknown, from reading the same ledger again."""
        candidates = self.candidates
        stories = find(read, candidates).stories if candidates else []
        # One may be named as another's SHA-256.
        events = (
            event for story in stories for event in story.events if event.sha256 == story.asked
        )
        return [event for event in events if event.fate in (Fate.LOST, Fate.UNKNOWN)]
