"""A sidecar in front of an upstream that misbehaves in a way of its own for each delivery."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .events import CLEAN
from .raw import Reply, ask, post
from .scripted import Act, Scripted, answering, scripted
from .sidecar import Sidecar, sidecar

# Seconds that an upstream gets: more than any needs on a busy machine, or so few that they can be
# waited for.
PATIENCE, DEADLINE = 8.0, 0.7
# Seconds that nobody needs who does not wait for the deadline.
AT_ONCE = PATIENCE / 2

CLOSING = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def answer_head(status: bytes, *fields: bytes) -> bytes:
    """An answer's head of a status with its phrase and whole field lines."""
    return b"\r\n".join((b"HTTP/1.1 " + status, *fields)) + b"\r\n\r\n"


@dataclass(frozen=True)
class Exchanged:
    """What the sender got, and after how many seconds."""

    answer: Reply
    seconds: float


@dataclass(frozen=True)
class Faulty:
    """The pair; each exchange finds no connection left over from the one before."""

    gate: Sidecar
    upstream: Scripted

    def exchange(self, act: Act, status: int, reason: str) -> Exchanged:
        """One clean event, sent upstream once, with one answer and one record of each kind."""
        before, connections = len(self.gate.records()), self.upstream.connections
        self.upstream.act = act
        began = time.monotonic()
        answer = ask(self.gate.port, post(CLEAN))
        seconds = time.monotonic() - began
        assert answer.status == status, (answer, self.gate.records()[before:])
        forward, delivery = self.gate.records()[before:]
        assert (forward["event"], delivery["event"]) == ("forward", "delivery")
        assert forward["request_id"] == delivery["request_id"]
        assert (delivery["reason"], delivery["status"]) == (reason, status)
        assert delivery["answered"] is True
        assert delivery["upstream_ms"] <= delivery["duration_ms"]
        assert self.upstream.connections == connections + 1, "sent more than once"
        return Exchanged(answer, seconds)

    def assert_recovers(self, *, reused: bool) -> None:
        """The next event goes through, by the same connection or by another; none is left."""
        connections = self.upstream.connections
        self.upstream.act = answering(CLOSING)
        assert ask(self.gate.port, post(CLEAN)).status == 200
        assert self.upstream.connections == connections + (not reused)


@contextlib.contextmanager
def faulty(folder: Path, **keys: str) -> Iterator[Faulty]:
    with scripted(answering(CLOSING)) as upstream, sidecar(upstream.url, folder, **keys) as gate:
        yield Faulty(gate, upstream)
