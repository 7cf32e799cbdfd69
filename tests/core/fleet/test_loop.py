"""An outage is told once, and waited out longer and longer."""

from itertools import count
from pathlib import Path
from threading import Event

from hookgate.fleet.loop import POLL_SECONDS, ship
from support.fleet import Chain, Fleet


class Steps(Event):
    """What waits are asked for, without waiting; at each, the next thing happens."""

    def __init__(self, *happens: "object") -> None:
        super().__init__()
        self.waits: list[float] = []
        self._happens = list(happens)

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0)
        if not self._happens:
            self.set()
        elif callable(happens := self._happens.pop(0)):
            happens()
        return self.is_set()


def test_an_outage_is_told_once_and_its_end_too(fleet: Fleet, ledger: Path) -> None:
    """Each other cause is told as well. What came last is sent before it ends."""
    chain = Chain(ledger)
    chain.add(3)
    with fleet.through_proxy() as (proxy, dsn):
        shipping = fleet.shipper(ledger, dsn=dsn)
        ticks = count(0, 100)  # it is time for everything at each turn
        shipping.shipper._clock = lambda: next(ticks)

        def away() -> None:
            proxy.refuses = True
            proxy.break_off()

        def back() -> None:
            proxy.refuses = False

        ended = Steps(away, *[None] * 6, back, lambda: chain.add(2))
        ship(shipping.shipper, shipping.log, ended)
    logged = [event for event in shipping.logged if event != "ship.catching_up"]
    assert logged == ["ship.away", "ship.back"]
    assert ended.waits == [POLL_SECONDS, 1, 2, 4, 8, 16, 30, 30, POLL_SECONDS, POLL_SECONDS]
    assert fleet.bytes_of("b1") == ledger.read_bytes()
