"""A sidecar in front of a recording upstream, and what a test left behind at both."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .ledger import Record, assert_balanced, assert_chained, read_ledger
from .receiver import OK, Receiver, Seen, receiving
from .sidecar import Sidecar, sidecar


class Front(Protocol):
    """What traces are read from: a running gate of either front."""

    def records(self, kind: str | None = None) -> list[Record]: ...

    def wait_for_deliveries(self, count: int, seconds: float = 30) -> list[Record]: ...


class Traces:
    """What came to be in the ledger and at the upstream since this was made."""

    def __init__(self, gate: Front, upstream: Receiver) -> None:
        self._gate = gate
        self._upstream = upstream
        self._records = len(gate.records())
        self._seen = len(upstream.seen)
        self._connections = upstream.connections
        self._bytes = upstream.bytes_received

    def deliveries(self, count: int, seconds: float = 30) -> list[Record]:
        """The new `delivery` records, of which there must be exactly `count`."""
        before = sum(r["event"] == "delivery" for r in self._gate.records()[: self._records])
        found = self._gate.wait_for_deliveries(before + count, seconds)[before:]
        assert len(found) == count, found
        return found

    def delivery(self) -> Record:
        """The one new `delivery` record."""
        return self.deliveries(1)[0]

    def forwards(self) -> int:
        """How many `forward` records are new."""
        return sum(r["event"] == "forward" for r in self._gate.records()[self._records :])

    @property
    def seen(self) -> list[Seen]:
        """The upstream's new requests."""
        return self._upstream.seen[self._seen :]

    @property
    def connections(self) -> int:
        """How many connections the upstream got."""
        return self._upstream.connections - self._connections

    @property
    def untouched(self) -> bool:
        """Whether not a byte reached the upstream and nothing was announced in the ledger."""
        return self._upstream.bytes_received == self._bytes and self.forwards() == 0


@dataclass(frozen=True)
class Pair:
    """A running sidecar and its upstream."""

    gate: Sidecar
    upstream: Receiver

    @property
    def port(self) -> int:
        return self.gate.port

    def traces(self) -> Traces:
        """Traces from now on."""
        return Traces(self.gate, self.upstream)


@contextlib.contextmanager
def paired(
    folder: Path, respond: Callable[[Seen], bytes | None] = lambda _: OK, /, **keys: str
) -> Iterator[Pair]:
    """A pair; where the test ends well, it must stop well and its ledger be whole."""
    with receiving(respond) as upstream, sidecar(upstream.url, folder, **keys) as gate:
        yield Pair(gate, upstream)
        assert gate.stop() == 0
        for ledger in gate.ledgers():
            assert_chained(ledger)
            assert_balanced(ledger)
            assert read_ledger(ledger)[-1]["in_flight"] == 0
