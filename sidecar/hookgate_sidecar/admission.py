"""Who may be connected: a place for each connection, and the bounds of each standing.

A connection is foreign until it is known to be allowed. Peers are told by their address. A trusted
proxy's connection has named nobody at first (`Standing.TRUSTED`); its PROXY header, or each
request's head, tells whose it is, and it counts as that one's from then on.
"""

import asyncio
from typing import Protocol

from hookgate.gate.gate import Gate
from hookgate.policy import Standing
from hookgate.settings import SidecarSettings

# Those beyond the bounds that are waited for until they have read why.
MOST_LINGERING = 32


class Holder(Protocol):
    """What a place is for: a connection, or what comes before its HTTP."""

    deadline: float

    def expire(self, now: float) -> None:
        """End what has taken too long by now."""

    def drain(self) -> None:
        """Finish what was begun, then close."""

    def note_standing(self) -> None:
        """Note that its place stands otherwise before HTTP than it did."""

    def give_way(self) -> None:
        """Close now, in favour of somebody else: it has named nobody for longest."""

    def cut(self) -> None:
        """Close now."""


class Place:
    """Hold one connection's place; `proxied_for` is the client that its PROXY header named.

    `before_http` is the standing that it had before any head, `standing` the one it is counted by,
    None if it is beyond the bounds.
    """

    __slots__ = ("before_http", "holder", "peer", "proxied_for", "standing")

    holder: Holder

    def __init__(self, peer: str, before_http: Standing, standing: Standing | None) -> None:
        self.peer = peer
        self.proxied_for: str | None = None
        self.before_http = before_http
        self.standing = standing


class Admission:
    """Hand out places, and take them back, by the bounds of `settings`."""

    def __init__(self, gate: Gate, settings: SidecarSettings) -> None:
        self.go_by(settings)
        self.places: set[Place] = set()
        self._gate = gate
        self._counts = gate.counts.connections
        # Those that have named nobody, the longest first.
        self._unnamed: dict[Place, None] = {}
        self._emptied = asyncio.Event()

    def go_by(self, settings: SidecarSettings) -> None:
        """Have these bounds from now on."""
        self._settings = settings
        # Foreign ones never have all places, whatever the two bounds are.
        self._max_foreign = min(settings.max_foreign_connections, settings.max_connections - 1)

    def admit(self, peer: str, *, lingers: bool) -> Place | None:
        """Judge a new connection once, and give it its place; None where there is none for it.

        With `lingers` one that has none may stay until it has read why: its place counts for
        nobody. Foreign ones are not waited for, nor more than `MOST_LINGERING`.
        """
        standing = self._gate.policy.standing(peer)
        foreign = standing is Standing.FOREIGN
        if foreign and self._counts[standing] >= self._max_foreign:
            return None
        most = self._settings.max_connections
        if sum(self._counts.values()) >= most:
            if foreign:
                return None
            if not self._unnamed:
                if not lingers or len(self.places) >= most + MOST_LINGERING:
                    return None
                place = Place(peer, standing, None)
                self.places.add(place)
                return place
            self._make_room()
        place = Place(peer, standing, standing)
        self.places.add(place)
        self._counts[standing] += 1
        if standing is Standing.TRUSTED:
            self._await_name(place)
        return place

    def name(self, place: Place, proxied_for: str) -> bool:
        """Count a place by the client that its PROXY header names; False if it cannot stay."""
        place.proxied_for = proxied_for
        place.before_http = self._gate.policy.standing(place.peer, proxied_for)
        return self.count_as(place, place.before_http)

    def count_as(self, place: Place, standing: Standing) -> bool:
        """Count a place by whose it turned out to be; False if it cannot stay."""
        if place.standing is not standing and place.standing is not None:
            self._uncount(place)
            place.standing = standing
            self._counts[standing] += 1
            if standing is Standing.TRUSTED:
                self._await_name(place)
        return standing is not Standing.FOREIGN or self._counts[standing] <= self._max_foreign

    def release(self, place: Place) -> None:
        """Take back the place of a connection that is gone."""
        if place in self.places:
            self.places.remove(place)
            self._uncount(place)
            del place.holder  # which refers to its place
            if not self.places:
                self._emptied.set()

    async def wait_until_empty(self) -> None:
        """Wait until no connection has a place."""
        while self.places:
            self._emptied.clear()
            await self._emptied.wait()

    def judge_anew(self) -> None:
        """Go by another policy: connections that are too many by it end what was begun."""
        for place in tuple(self.places):
            standing = self._gate.policy.standing(place.peer, place.proxied_for)
            if standing is not place.before_http:
                place.before_http = standing
                place.holder.note_standing()
                if not self.count_as(place, standing):
                    place.holder.drain()

    def _await_name(self, place: Place) -> None:
        if len(self._unnamed) >= self._settings.max_unnamed_connections:
            self._make_room()
        self._unnamed[place] = None

    def _make_room(self) -> None:
        oldest = next(iter(self._unnamed))
        self._gate.counts.evicted += 1
        # It is nobody's place any more, though it takes a moment to close.
        self.count_as(oldest, Standing.FOREIGN)
        oldest.holder.give_way()

    def _uncount(self, place: Place) -> None:
        if place.standing is not None:
            self._counts[place.standing] -= 1
            self._unnamed.pop(place, None)
