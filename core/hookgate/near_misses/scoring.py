"""The rule: which foreign request is a near miss.

What loses events is a new range of the provider that nobody told of: they come from an address
outside the allowed ranges, and are refused like a scanner's. A near miss would have been admitted
but for its address (method, path, media type, coding and size pass), and

- its address is in `source.watch`; or
- it is alike, and the same network came about five minutes ago, the provider's interval; or
- it is alike, and admitted traffic is below half of what is usual at this hour.

It is alike if admitted senders have shown exactly these field names with about this length, and
they or a route have exactly this path. As long as nobody was admitted, nothing is known of these:
it is alike if a route has its path, and the last of the three does not count.
"""

from hookgate.policy import Decision, Head, Policy, Reason, declared_length

from .returns import SLOT_SECONDS, Returns, network_of
from .shapes import Shapes, digest
from .signs import Sign, Signs
from .traffic import Traffic

# In a second; others are counted, and share the lines of foreign senders.
MOST_LINES = 10
_NOT_ALLOWED = Reason.SOURCE_NOT_ALLOWED
_CHUNKED = b"transfer-encoding"


class Suspect:
    """Hold what of a foreign head is scored: it may serve for each request with that head.

    `due` is when it is worth scoring again. `names` are worked out when they are asked for, which
    of most scanners' they are not.
    """

    __slots__ = ("_head", "_names", "client", "due", "path", "routed", "watched")

    def __init__(self, head: Head, client: str, *, routed: bool, watched: bool) -> None:
        self._head = head
        self._names: int | None = None
        self.client = client
        self.due = 0.0
        self.path = hash(head.path)
        self.routed = routed
        self.watched = watched

    @property
    def names(self) -> int:
        """The digest of its field names."""
        if self._names is None:
            self._names = digest(self._head.named)
        return self._names

    @property
    def length(self) -> int | None:
        """The length of its body in bytes; None where a chunked one declares none."""
        length = declared_length(self._head)
        return 0 if length is None and _CHUNKED not in self._head.named else length


def find_suspect(policy: Policy, decision: Decision) -> Suspect | None:
    """Return what is to be scored of a head that was refused for its source alone, else None."""
    finding, origin, head = decision.finding, decision.origin, decision.head
    if (
        finding is None
        or origin is None
        or finding.reason is not _NOT_ALLOWED
        or not policy.passes_beside_source(decision)
    ):
        return None
    routed = policy.has_path(head.path)
    return Suspect(head, origin.client, routed=routed, watched=origin.watched)


class NearMisses:
    """Score suspects by what this process has admitted since its start.

    `now` is the time of the last `tick`, in seconds; whoever has a suspect that is not due by then
    need not ask.
    """

    def __init__(self, now: float) -> None:
        self.now = now
        self._lines = MOST_LINES
        self._shapes = Shapes()
        self._returns = Returns()
        self._traffic = Traffic()

    def learn(self, head: Head) -> None:
        """Learn from a head that was admitted."""
        length, names = declared_length(head), digest(head.named)
        self._shapes.learn(hash(head.path), names, length, self.now)

    def score(self, suspect: Suspect) -> Signs:
        """Return what matches of one that is due; nothing where it is no near miss."""
        shapes = self._shapes
        on_path = suspect.routed or shapes.has_path(suspect.path)
        fields = length = again = quiet = False
        if on_path or suspect.watched:
            known = bool(shapes)
            fields = shapes.has_names(suspect.names)
            length = known and shapes.fits(suspect.names, suspect.length)
            if on_path and (fields and length if known else suspect.length != 0):
                quiet = known and self._traffic.quiet
                again = self._returns.note(network_of(suspect.client), self.now)
        if not (suspect.watched or again or quiet):
            suspect.due = (self.now // SLOT_SECONDS + 1) * SLOT_SECONDS
            return ()
        matched = zip(Sign, (fields, length, suspect.watched, again, quiet), strict=True)
        return tuple(sign for sign, matches in matched if matches)

    def takes_line(self) -> bool:
        """Take one of this second's lines; False where none is left."""
        self._lines -= 1
        return self._lines >= 0

    def is_due(self, now: float) -> bool:
        """Tell whether `tick` wants to know by now how many were admitted."""
        return self._traffic.is_due(now)

    def tick(self, now: float, admitted: int | None = None) -> None:
        """Go by this time from now on, in seconds; once a second.

        `admitted` is how many requests came from inside in all, where it is due.
        """
        self.now = now
        self._lines = MOST_LINES
        if admitted is not None:
            self._traffic.tick(now, admitted)
            self._shapes.forget(now)
