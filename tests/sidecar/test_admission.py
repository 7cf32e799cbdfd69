"""Places and their counts, whatever happens to connections in whatever order."""

from types import SimpleNamespace
from typing import Any, cast

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hookgate.gate.gate import Gate
from hookgate.policy import Policy, Standing
from hookgate_sidecar.admission import MOST_LINGERING, Admission, Place
from support.examples import many
from support.policy import ALLOWED, FOREIGN, PROXY, make_config

TOTAL, STRANGERS, UNNAMED = 7, 2, 3
CONFIG = make_config(
    sidecar__max_connections=TOTAL,
    sidecar__max_foreign_connections=STRANGERS,
    sidecar__max_unnamed_connections=UNNAMED,
)
# Whoever was allowed is a stranger by it, and the proxy is none.
OTHER = make_config(source__allow=["198.51.100.0/24"], source__trusted_proxies=["203.0.113.0/24"])


class Held:
    """Holds a place, and notes what it is asked for."""

    deadline = float("inf")

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self.asked.append(name)


class Admissions(RuleBasedStateMachine):
    """Any order of arrivals, names, requests, reloads and leaving."""

    def __init__(self) -> None:
        super().__init__()
        self.policies = [Policy(CONFIG), Policy(OTHER)]
        counts = SimpleNamespace(connections=dict.fromkeys(Standing, 0), evicted=0)
        self.gate: Any = SimpleNamespace(policy=self.policies[0], counts=counts)
        self.admission = Admission(cast("Gate", self.gate), CONFIG.sidecar)
        self.held: list[tuple[Place, Held]] = []

    def hold(self, place: Place) -> None:
        held = Held()
        place.holder = held
        self.held.append((place, held))

    def standing(self, *standings: Standing) -> int:
        return sum(place.standing in standings for place, held in self.staying)

    @property
    def staying(self) -> list[tuple[Place, Held]]:
        return [(p, held) for p, held in self.held if not {"give_way", "drain"} & {*held.asked}]

    @rule(peer=st.sampled_from([ALLOWED, PROXY, FOREIGN]), lingers=st.booleans())
    def arrive(self, peer: str, lingers: bool) -> None:
        """Only a stranger over its share, or one more than all, finds no place."""
        standing = self.gate.policy.standing(peer)
        unnamed = self.standing(Standing.TRUSTED)
        counted = sum(self.gate.counts.connections.values())
        place = self.admission.admit(peer, lingers=lingers)
        if place is not None:
            self.hold(place)
        if place is None or place.standing is None:
            assert standing is Standing.FOREIGN or (counted >= TOTAL and unnamed == 0)
        if place is None and standing is not Standing.FOREIGN:
            assert not lingers or len(self.held) >= TOTAL + MOST_LINGERING

    @rule(number=st.integers(0, 99), client=st.sampled_from([ALLOWED, FOREIGN, ""]))
    def name(self, number: int, client: str) -> None:
        """A PROXY header comes once, on a connection that has no client yet."""
        unnamed = [p for p, _ in self.staying if p.before_http is Standing.TRUSTED]
        if unnamed:
            place = unnamed[number % len(unnamed)]
            if not self.admission.name(place, client):
                assert self.gate.policy.standing(place.peer, client) is Standing.FOREIGN
                self.leave_at(place)

    @rule(number=st.integers(0, 99), standing=st.sampled_from(Standing))
    def request(self, number: int, standing: Standing) -> None:
        """A head on a trusted proxy's connection names its client."""
        proxied = [p for p, _ in self.staying if p.before_http is Standing.TRUSTED]
        if proxied:
            place = proxied[number % len(proxied)]
            if not self.admission.count_as(place, standing):
                self.leave_at(place)

    @rule(which=st.sampled_from([0, 1]))
    def reload(self, which: int) -> None:
        """Who stands otherwise now is counted so, and asked to end where there are too many."""
        self.gate.policy = self.policies[which]
        self.admission.judge_anew()
        for place, held in self.held:
            expected = self.gate.policy.standing(place.peer, place.proxied_for)
            assert place.before_http is expected or "give_way" in held.asked

    @rule(number=st.integers(0, 99))
    def leave(self, number: int) -> None:
        """Any of them, at any time."""
        if self.held:
            self.leave_at(self.held[number % len(self.held)][0])

    def leave_at(self, place: Place) -> None:
        self.held = [(p, held) for p, held in self.held if p is not place]
        self.admission.release(place)
        self.admission.release(place)

    @invariant()
    def counts_are_those_of_the_places(self) -> None:
        """Nobody is forgotten or counted twice."""
        assert {place for place, _ in self.held} == self.admission.places
        for standing, count in self.gate.counts.connections.items():
            assert count == sum(place.standing is standing for place, _ in self.held)

    @invariant()
    def bounds_hold(self) -> None:
        """Of those that were not asked to end."""
        assert self.standing(Standing.TRUSTED) <= UNNAMED
        assert self.standing(Standing.FOREIGN) <= STRANGERS
        assert self.standing(*Standing) <= TOTAL


TestAdmissions = Admissions.TestCase
TestAdmissions.settings = hypothesis_settings(max_examples=many(60), deadline=None)


def test_strangers_never_have_the_last_place() -> None:
    """Not even where their bound is that of all."""
    config = make_config(sidecar__max_connections=2, sidecar__max_foreign_connections=2)
    counts = SimpleNamespace(connections=dict.fromkeys(Standing, 0), evicted=0)
    gate: Any = SimpleNamespace(policy=Policy(config), counts=counts)
    admission = Admission(cast("Gate", gate), config.sidecar)
    assert admission.admit(FOREIGN, lingers=True) is not None
    assert admission.admit(FOREIGN, lingers=True) is None
    allowed = admission.admit(ALLOWED, lingers=True)
    assert allowed is not None
    assert allowed.standing is Standing.ALLOWED


def test_those_who_linger_are_so_many() -> None:
    """Each of them beyond the bounds, and counted for nobody."""
    config = make_config(sidecar__max_connections=2)
    counts = SimpleNamespace(connections=dict.fromkeys(Standing, 0), evicted=0)
    gate: Any = SimpleNamespace(policy=Policy(config), counts=counts)
    admission = Admission(cast("Gate", gate), config.sidecar)
    places = [admission.admit(ALLOWED, lingers=True) for _ in range(2)]
    assert admission.admit(ALLOWED, lingers=False) is None
    places += [admission.admit(ALLOWED, lingers=True) for _ in range(MOST_LINGERING)]
    standings = [place.standing for place in places if place is not None]
    assert standings == [Standing.ALLOWED] * 2 + [None] * MOST_LINGERING
    assert admission.admit(ALLOWED, lingers=True) is None
    assert counts.connections[Standing.ALLOWED] == 2
