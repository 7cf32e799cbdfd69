"""Near misses, rehearsed on the gate's own code in simulated time."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hookgate.config.contracts import load_contract
from hookgate.gate.answer import Answer
from hookgate.gate.gate import Gate
from hookgate.policy import Fields, Head, make_head
from hookgate.settings import RouteSettings

from .core_gate import NOWHERE, Log, make_config, of
from .ledger import Record, read_ledger
from .scanners import DAY, Knock, five_minute_scanner, noise

PATH = b"/cm/events"
ALLOWED, MOVED, WATCHED, SCANNER = "31.169.56.1", "203.0.113.7", "185.162.145.9", "198.51.100.7"
KEYS: dict[str, Any] = {"source.allow": ["cm.com"], "audit.fsync": "never"}
ROUTES = (RouteSettings(PATH.decode(), "events", load_contract("cm-events")),)
FIELDS = [(b"Host", b"gate"), (b"Content-Type", b"application/json; charset=utf-8")]


def provider(peer: str, length: int = 300, path: bytes = PATH, fields: Fields = FIELDS) -> Head:
    """A head as the provider sends it."""
    return make_head(peer, b"POST", path, [*fields, (b"content-length", b"%d" % length)])


class Rehearsal:
    """A gate, and the time that it is told."""

    def __init__(self, folder: Path, routes: tuple[RouteSettings, ...] = (), **keys: Any) -> None:
        self.now = 50_000.0
        config = make_config(NOWHERE, folder, routes, **{**KEYS, **keys})
        self.gate = Gate(config, "test", Log().logger, clock=lambda: self.now)

    def at(self, now: float) -> None:
        """It is then."""
        self.now = now
        self.gate.tick()

    def admit(self, head: Head) -> None:
        """One that passes its head, and whose sender leaves: no endpoint is needed."""
        delivery = self.gate.begin(head.peer)
        assert delivery.screen(head) is None
        delivery.leave()

    def knock(self, head: Head) -> Answer:
        """One that is refused."""
        answer = self.gate.begin(head.peer).screen(head)
        assert answer is not None
        return answer

    @property
    def counted(self) -> dict[str, int]:
        """The near misses so far."""
        return {sign.value: n for sign, n in self.gate.counts.near_misses.items() if n}


Act = Callable[[Rehearsal], None]


def rehearse(folder: Path, act: Act, *, routed: bool = False, **keys: Any) -> list[Record]:
    """Play it; returns the lines of near misses."""

    async def session() -> None:
        played = Rehearsal(folder, ROUTES if routed else (), **keys)
        try:
            act(played)
        finally:
            await played.gate.close()

    asyncio.run(session())
    return [record for record in of(lines(folder), "delivery") if "near" in record]


def lines(folder: Path) -> list[Record]:
    """What the gate wrote."""
    return read_ledger(folder / "audit.jsonl")


def first_day(played: Rehearsal) -> Iterator[float]:
    """Events all day, one each twenty seconds; yields the time after each."""
    start = played.now
    for number in range(int(DAY / 20)):
        played.at(start + 20.0 * number)
        played.admit(provider(ALLOWED, 200 + number % 400))
        yield played.now


def listen(played: Rehearsal) -> None:
    """A day of scanners' noise beside the provider's traffic."""
    start = played.now
    knocks: list[Knock] = sorted([*noise(PATH, 6000), *five_minute_scanner(PATH)])
    waiting = iter(knocks)
    coming = next(waiting, None)
    for now in first_day(played):
        while coming is not None and start + coming.at <= now:
            played.knock(coming.head)
            coming = next(waiting, None)
