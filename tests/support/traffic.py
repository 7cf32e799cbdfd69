"""What is sent to the gates of a fleet, and what its sender and the endpoint know of each event.

Like the provider's, an event that is not answered 200 is sent again, at most three times in all,
each time at another gate.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from itertools import count
from uuid import uuid4

from .events import event
from .receiver import OK, Receiver, Seen

TRIES = 3
_FAILED = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
_BREAKS_OFF = Receiver.CLOSE


class Kind(StrEnum):
    """What becomes of an event, where no gate dies."""

    PLAIN = "plain"
    TWICE = "sent again, though it was answered 200"
    FAILING = "failed by the endpoint, always"
    HEALING = "failed by the endpoint once"
    BROKEN = "got by the endpoint, which breaks off"
    REFUSED = "refused by the gate, by contract"
    UNREADABLE = "refused by the gate, as no JSON"
    UNDER_WAY = "answered by the endpoint once its gate is dead"


# Of 40 events.
_KINDS = {
    3: Kind.FAILING, 9: Kind.REFUSED, 15: Kind.TWICE, 21: Kind.HEALING, 27: Kind.BROKEN,
    33: Kind.UNREADABLE,
}  # fmt: skip


@dataclass
class Sent:
    """An event. `tries` are its gates and answers, None where none came; `received` is what the
    endpoint got, and its answers, by the gates' request ids.
    """

    number: int
    kind: Kind
    name: str
    body: bytes
    tries: list[tuple[str, int | None]] = field(default_factory=list)
    received: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def digest(self) -> str:
        return sha256(self.body).hexdigest()

    @property
    def is_due(self) -> bool:
        """Whether it is sent again. Of those without any answer only every other one is."""
        status = self.tries[-1][1]
        if status == 200:
            return self.kind is Kind.TWICE and self.answered[200] < 2
        if status is None and (self.number % 2 or self.kind is Kind.UNDER_WAY):
            return False
        return len(self.tries) < TRIES

    @property
    def is_silent(self) -> bool:
        """Whether a try got no answer."""
        return any(status is None for _, status in self.tries)

    @property
    def answered(self) -> Counter[int]:
        """How often it got which answer."""
        return Counter(status for _, status in self.tries if status is not None)


class Traffic:
    """All that is sent, by the SHA-256 of its body."""

    def __init__(self) -> None:
        self.sent: dict[str, Sent] = {}
        self._numbers = count()
        self._again: list[Sent] = []
        self._lock = threading.Lock()
        self._wanted: Counter[str] = Counter()
        self._under_way, self._let_go = threading.Semaphore(0), threading.Event()

    def __iter__(self) -> Iterator[Sent]:
        return iter(self.sent.values())

    def next(self, gate: str) -> Sent:
        """What is sent to this gate next."""
        with self._lock:
            if self._wanted[gate]:
                self._wanted[gate] -= 1
                return self._new(Kind.UNDER_WAY)
            for place, sent in enumerate(self._again):
                if sent.tries[-1][0] != gate:
                    return self._again.pop(place)
            return self._new(None)

    def _new(self, kind: Kind | None) -> Sent:
        number = next(self._numbers)
        kind = kind or _KINDS.get(number % 40, Kind.PLAIN)
        name = str(uuid4())
        changes = {"channel": ...} if kind is Kind.REFUSED else {}
        body = event(reference=name, **changes)
        if kind is Kind.UNREADABLE:
            body = b"no JSON: " + body
            name = sha256(body).hexdigest()
        sent = Sent(number, kind, name, body)
        self.sent[sent.digest] = sent
        return sent

    def note(self, sent: Sent, gate: str, status: int | None) -> None:
        """Note how it was answered there."""
        with self._lock:
            sent.tries.append((gate, status))
            if sent.is_due:
                self._again.append(sent)

    def respond(self, seen: Seen) -> bytes:
        """Be the endpoint."""
        sent = self.sent[seen.digest]
        (request_id,) = seen.values(b"x-request-id")
        is_first = not sent.received
        answer = OK
        if sent.kind is Kind.FAILING or (sent.kind is Kind.HEALING and is_first):
            answer = _FAILED
        elif sent.kind is Kind.BROKEN:
            answer = _BREAKS_OFF
        sent.received.append((request_id.decode(), answer))
        if sent.kind is Kind.UNDER_WAY:
            self._under_way.release()
            self._let_go.wait(10)
        return answer

    def have_under_way(self, gate: str, many: int) -> None:
        """Wait until the endpoint has so many of this gate, which it answers once it is let go."""
        self._let_go.clear()
        with self._lock:
            self._wanted[gate] = many
        for _ in range(many):
            assert self._under_way.acquire(timeout=30)

    def let_go(self) -> None:
        """Have the endpoint answer."""
        self._let_go.set()
