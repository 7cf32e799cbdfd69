"""The ledger's way to the store of its fleet: that it is gone, and that both agree. Pure."""

from collections.abc import Iterable
from typing import Any

from hookgate.alarms.notice import Severity
from hookgate.alarms.sight import Sight
from hookgate.ledger.shipping import Shipping
from hookgate.wording import span

from .condition import Alarm, Condition, Lasting, listed, plural
from .window import Window

_HOUR = 3600.0


class Unshipped(Condition):
    """The store lacks lines for so long, or no shipper runs; or it has other lines than the gate,
    which is told for an hour.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._shipping: Shipping | None = None
        self._lag = 0.0
        self._idle = Lasting()
        self._window = Window(_HOUR)
        self._found: dict[str, int] = {}

    def begin(self, now: float) -> None:
        """Begin with the span up to now."""
        self._window.counts(now)

    def observe(self, sight: Sight, now: float) -> None:
        """Take over what the shipper says."""
        shipping = self._shipping = sight.shipping
        is_running = shipping is not None and shipping.is_running(sight.wall)
        # What a gate left that belongs to a fleet no more says that its shipper has ended.
        is_wanted = sight.is_shipped or not (shipping is None or shipping.has_ended)
        self._idle.note(now, is_so=is_wanted and not is_running)
        self._lag = 0.0
        if shipping is None:
            return
        if is_running:
            self._lag = shipping.lag(sight.wall)
        before, self._found = self._found, shipping.findings
        for kind, count in self._found.items():
            if (more := count - before.get(kind, 0)) > 0:
                self._window.add(now, kind, more)

    def standing(self, now: float) -> Iterable[Alarm]:
        """Say what waits, or what was found."""
        since, shipping = self._idle.since, self._shipping
        if since is not None and self._idle.has_lasted(self._seconds, now):
            what = f"no hookgate ship has run for {span(now - since)}"
            advice = (
                "Start it: systemctl restart hookgate-ship. Then look why: journalctl -u"
                " hookgate-ship -n 50; of serve --ship, in the gate's log."
            )
            yield Alarm("shipping", Severity.WARNING, what, ["lines wait in the ledger"], advice)
        elif shipping is not None and self._lag >= self._seconds:
            what = f"lines have waited {span(self._lag)} for the store of the fleet"
            details = [f"{plural(shipping.behind, 'byte')} are not sent"]
            if shipping.store:
                details.append(shipping.store)
            advice = (
                "See why: journalctl -u hookgate-ship | grep ship.away. Watch the ledger's disk:"
                " nothing that waits may be deleted."
            )
            yield Alarm("shipping", Severity.WARNING, what, details, advice)
        if found := self._window.counts(now):
            yield Alarm(
                "shipping",
                Severity.CRITICAL,
                "the store of the fleet has other lines than this gate",
                listed(sorted(found.items())),
                "See which lines: hookgate fleet status. docs/fleet.md says what each kind means.",
                "findings",
                found.keys(),
                found.total(),
            )

    def save(self) -> Any:
        """Return since when, and what was found."""
        return [self._idle.since, self._window.save(), self._found]

    def load(self, saved: Any) -> None:
        """Take over what was saved."""
        since, window, found = saved
        self._idle.load(since)
        self._window.load(window)
        self._found = {str(kind): int(count) for kind, count in found.items()}
