"""Causes that lie in what comes: a flood from outside, or nothing from inside. Pure."""

from collections import Counter, deque

from .cause import Cause, Level, Spell, clock, plural, shown, span
from .step import Answer, Step, seconds

# A flood is more a second than one scanner makes, over some seconds.
_FLOOD_RATE = 20.0
_FLOOD_SECONDS = 10.0
_OVER_SECONDS = 15.0
# Where so many usually come, it is no chance that none does: at random times once in 20,000.
_EXPECTED = 10.0
_SHORTEST_SILENCE = 20.0
# Of less nobody knows what is usual.
_SHORTEST_KNOWN = 60.0
_SPAN = 900.0


class Flood:
    """Refusals from outside the ranges, so many that they are to be seen in every figure."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, int, int]] = deque()
        self._spell: Spell | None = None
        self._rate = 0.0
        self._delivered = 0
        self._client = ""

    def observe(self, now: Step) -> Cause | None:
        """Take a step into account; return a flood that is over."""
        foreign = now.foreign
        if self._late and now.at < self._late[-1][0]:  # its clock was set back
            self._late.clear()
        self._late.append((now.at, foreign, now.outcomes["delivered"]))
        while self._late[0][0] <= now.at - _FLOOD_SECONDS:
            self._late.popleft()
        self._rate = sum(n for _, n, _ in self._late) / _FLOOD_SECONDS
        self._delivered = sum(n for _, _, n in self._late)
        clients = Counter(shown(row, "client") for row in now.rows if row.get("foreign") is True)
        if clients:
            self._client = clients.most_common(1)[0][0]
        if self._rate >= _FLOOD_RATE and self._spell is None:
            self._spell = Spell(self._late[0][0])
            foreign = sum(n for _, n, _ in self._late)
        if self._spell is None:
            return None
        self._spell.labels["foreign"] += foreign
        self._spell.last = min(self._spell.last, now.at)
        if self._rate >= _FLOOD_RATE:
            self._spell.last = now.at
        if now.at - self._spell.last < _OVER_SECONDS:
            return None
        spell, self._spell = self._spell, None
        what = f"Senders outside the ranges flooded the gate: {spell.count:,} refusals{self._who}."
        return Cause("flood", Level.NOTE, what, "", spell.since)

    @property
    def _who(self) -> str:
        return f", the last from {self._client}" if self._client else ""

    def standing(self) -> Cause | None:
        """Return the flood that there is."""
        spell = self._spell
        if spell is None:
            return None
        inside = "events from inside are" if self._delivered else "no event from inside is"
        what = (
            f"Senders outside the ranges flood the gate since {clock(spell.since)}:"
            f" {self._rate:,.0f} refusals a second, {spell.count:,} so far{self._who};"
            f" {inside} delivered meanwhile."
        )
        first = (
            "Nothing, while events are delivered: each costs next to nothing. A firewall in front"
            " can drop them."
        )
        return Cause("flood", Level.NOTE, what, first, spell.since)


class Silence:
    """Nothing is delivered, though by the last quarter of an hour something should be."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, int]] = deque()
        self._last: float | None = None
        self._foreign = 0
        self._at = 0.0

    def observe(self, now: Step, answer: Answer) -> None:
        """Take a step into account."""
        self._at = now.at
        delivered = now.outcomes["delivered"]
        foreign = now.foreign
        self._foreign = foreign if delivered and not now.is_first else self._foreign + foreign
        self._last = seconds(answer.get("last_delivered"))
        if self._late and now.at < self._late[-1][0]:
            self._late.clear()
        if not now.is_first:
            self._late.append((now.at, delivered))
        while self._late and self._late[0][0] < now.at - _SPAN:
            self._late.popleft()

    def standing(self) -> Cause | None:
        """Say since when nothing comes, and what comes in its place."""
        if self._last is None and self._foreign >= _EXPECTED:
            what = (
                f"Nothing was delivered since the gate's start, and {self._foreign:,} requests"
                " came from outside the ranges: a balancer may not be in source.trusted_proxies."
            )
            return Cause("silence", Level.WARNING, what, _BALANCER, self._at)
        if self._last is None or not self._late:
            return None
        silent = self._at - self._last
        before = self._last - self._late[0][0]
        count = sum(n for _, n in self._late)
        expected = count / before * silent if before >= _SHORTEST_KNOWN else 0.0
        if silent < _SHORTEST_SILENCE or min(expected, count) < _EXPECTED:
            return None
        usual = f"{plural(int(expected), 'event')} usually come in {span(silent)}"
        what = f"Nothing is delivered since {clock(self._last)}, where {usual}"
        if self._foreign:
            what += f"; {plural(self._foreign, 'request')} came from outside the ranges meanwhile"
        return Cause("silence", Level.CRITICAL, f"{what}.", _COMES, self._last)


_COMES = (
    "See whether anything comes: hookgate audit tail. If nothing: DNS, the firewall, and the"
    " webhook's URL at CM.com. If foreign senders do: hookgate ranges check."
)
_BALANCER = "If the refused client is your balancer, name it in source.trusted_proxies and reload."
