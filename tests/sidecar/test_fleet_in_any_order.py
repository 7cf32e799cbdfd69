"""Whatever happens to workers in whatever order: never too many, and in the end those wanted."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from hookgate_sidecar.fleet import LONGEST_TICK, Fleet
from hookgate_sidecar.lifecycle import (
    LONGEST_PAUSE,
    START_SECONDS,
    Action,
    Kill,
    NotStarted,
    Rolling,
    Spawn,
    Terminate,
)
from support.examples import many

PATIENCE, DRAIN = 10.0, 3.0


class Supervised(RuleBasedStateMachine):
    """A fleet, and the processes that it would have, to which anything may happen."""

    @initialize(wanted=st.integers(1, 4))
    def begin(self, wanted: int) -> None:
        self.wanted = wanted
        self.fleet = Fleet(wanted, PATIENCE, DRAIN)
        self.clock = 0.0
        self.spawning: set[int] = set()
        self.running: dict[int, bool] = {}  # by number, whether it was asked to end
        self.started: list[float] = []
        self.allowed = 0  # by rolls
        self.serves: set[int] = set()
        self.broken = False  # whether the first start failed
        self.do(self.fleet.begin())

    def do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Spawn(number, _):
                    assert number not in self.spawning
                    assert number not in self.running
                    assert not self.fleet.stopping
                    assert not self.broken
                    self.spawning.add(number)
                    self.started.append(self.clock)
                case Terminate(number):
                    assert number in self.running
                    self.running[number] = True
                case Kill(number, _):
                    assert number in self.running
                    self.running[number] = True
                case Rolling():
                    self.allowed += self.wanted
                case NotStarted():
                    assert not self.broken
                    self.broken = True

    def one_of(self, data: st.DataObject, numbers: set[int]) -> int:
        return data.draw(st.sampled_from(sorted(numbers)))

    @property
    def starting(self) -> set[int]:
        return set(self.running) - self.serves

    @precondition(lambda self: self.spawning)
    @rule(data=st.data())
    def spawn(self, data: st.DataObject) -> None:
        number = self.one_of(data, self.spawning)
        self.spawning.remove(number)
        self.running[number] = False
        self.do(self.fleet.spawned(number))

    @precondition(lambda self: self.spawning)
    @rule(data=st.data())
    def fail_to_spawn(self, data: st.DataObject) -> None:
        number = self.one_of(data, self.spawning)
        self.spawning.remove(number)
        self.do(self.fleet.not_spawned(number, "EAGAIN"))

    @precondition(lambda self: self.starting)
    @rule(data=st.data())
    def serve(self, data: st.DataObject) -> None:
        number = self.one_of(data, self.starting)
        self.serves.add(number)
        self.do(self.fleet.served(number))

    @precondition(lambda self: self.starting)
    @rule(data=st.data())
    def refuse_to_serve(self, data: st.DataObject) -> None:
        self.fleet.failed(self.one_of(data, self.starting), "no ledger")

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        number = self.one_of(data, set(self.running))
        del self.running[number]
        self.serves.discard(number)
        self.do(self.fleet.ended(number, "signal 9"))

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def owe(self, data: st.DataObject) -> None:
        self.fleet.asked(self.one_of(data, set(self.running)))

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        self.fleet.heard(self.one_of(data, set(self.running)))

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def be_unfit(self, data: st.DataObject) -> None:
        self.do(self.fleet.kill(self.one_of(data, set(self.running)), "is unfit"))

    @rule(ticks=st.integers(1, 80))
    def wait(self, ticks: int) -> None:
        for _ in range(ticks):
            self.clock += LONGEST_TICK
            self.do(self.fleet.tick(LONGEST_TICK))

    @rule(seconds=st.floats(0, 1e6))
    def stand_still(self, seconds: float) -> None:
        self.clock += min(seconds, LONGEST_TICK)
        self.do(self.fleet.tick(seconds))

    @rule()
    def roll(self) -> None:
        self.do(self.fleet.roll())

    @rule()
    def hurry(self) -> None:
        self.do(self.fleet.hurry())

    @precondition(lambda self: self.clock > 60)
    @rule()
    def stop(self) -> None:
        self.do(self.fleet.stop())

    @invariant()
    def there_are_never_too_many(self) -> None:
        """Twice as many during a roll, else no more than are wanted."""
        if not hasattr(self, "fleet"):
            return
        there = len(self.spawning) + len(self.running)
        assert there <= (2 * self.wanted if self.allowed else self.wanted)
        assert set(self.fleet.lives) == self.spawning | set(self.running)

    @invariant()
    def starts_are_bounded(self) -> None:
        """In any time: each place at once, then after pauses; each roll as many as are wanted."""
        if not hasattr(self, "fleet"):
            return
        bound = self.wanted * (2 + self.clock) + self.allowed
        assert len(self.started) <= bound

    def teardown(self) -> None:
        """Left in peace, exactly as many serve as are wanted; after a stop none is left."""
        if not hasattr(self, "fleet"):
            return
        left = 0 if self.fleet.stopping else self.wanted
        for _ in range(round(2 * (LONGEST_PAUSE + START_SECONDS) / LONGEST_TICK)):
            there = len(self.fleet.serving), len(self.fleet.lives)
            if there == (left, left) and not self.fleet.missing():
                break
            for number in sorted(self.spawning):
                self.spawning.remove(number)
                self.running[number] = False
                self.do(self.fleet.spawned(number))
            for number, told in tuple(self.running.items()):
                life = self.fleet.lives[number]
                if told or life.problem:
                    del self.running[number]
                    self.serves.discard(number)
                    self.do(self.fleet.ended(number, "status 0"))
                    continue
                self.fleet.heard(number)
                if number not in self.serves:
                    self.serves.add(number)
                    self.do(self.fleet.served(number))
            self.do(self.fleet.tick(LONGEST_TICK))
        if self.broken:
            assert len(self.running) <= left
        else:
            assert len(self.running) == left
            assert len(self.fleet.serving) == left
            assert self.fleet.missing() == []


TestSupervised = Supervised.TestCase
TestSupervised.settings = settings(max_examples=many(100), stateful_step_count=40, deadline=None)
