"""A turn judges no more than it bears: the rest waits, nobody for ever, small events hardly."""

import asyncio
import socket
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.gate.turn import MOST_BYTES, Result, Stages, Turn
from support.examples import many

MIB = 1 << 20
EVENT = 400
# What a delivery counts beside its body.
OVERHEAD = 256


@dataclass(eq=False)
class Body:
    """A delivery that is nothing but its size."""

    size: int
    ended: bool = False
    given: int = 0

    def respond(self) -> None:
        self.given += 1

    def fail(self, where: str, error: Exception) -> None:
        raise AssertionError(where) from error

    def conclude(self, result: Result) -> None:
        raise AssertionError(result)

    def send(self, written: bool) -> None:
        raise AssertionError(written)


@dataclass
class Judge:
    """What was judged, turn by turn."""

    runner: asyncio.Runner
    turns: list[list[Body]] = field(default_factory=list)
    came: list[Body] = field(default_factory=list)

    def __post_init__(self) -> None:
        async def make() -> Turn[Body]:
            stages = Stages[Body]((self.judge,), Body.conclude, Body.send, Body.respond, Body.fail)
            return Turn(stages, lambda: True)

        self.turn = self.runner.run(make())

    def judge(self, body: Body) -> None:
        self.turns[-1].append(body)

    def add(self, *sizes: int) -> list[Body]:
        bodies = [Body(size) for size in sizes]
        self.came += bodies
        for body in bodies:
            self.turn.judge(body)
        return bodies

    def end(self) -> list[Body]:
        """What this turn judged."""
        self.turns.append([])
        self.turn.end()
        return self.turns[-1]

    @property
    def judged(self) -> list[Body]:
        return [body for turn in self.turns for body in turn]


@pytest.fixture
def judge() -> Iterator[Judge]:
    with asyncio.Runner() as runner:
        yield Judge(runner)


def test_what_a_turn_bears_is_judged_at_once(judge: Judge) -> None:
    """As many events as come at a time under load, in the order in which they came."""
    bodies = judge.add(*range(EVENT, EVENT - 35, -1))
    assert judge.end() == bodies


def test_one_body_beyond_the_bound_is_judged_alone(judge: Judge) -> None:
    """Of many that came at once, one a turn, in order."""
    bodies = judge.add(*[MIB] * 5)
    assert [judge.end() for _ in range(6)] == [*([body] for body in bodies), []]


def test_what_fills_a_turn_to_its_last_byte_is_judged_in_it(judge: Judge) -> None:
    """Beside the one that waits longest; one byte more is too much."""
    room = MOST_BYTES - OVERHEAD
    for size, fits in ((room, True), (room + 1, False)):
        large, small = judge.add(MIB, size)
        assert judge.end() == ([large, small] if fits else [large])
        judge.end()


def test_a_turn_that_never_catches_up_keeps_only_what_waits(judge: Judge) -> None:
    """One comes, smaller than all before, and one goes: of those that went nothing is left."""

    async def grown() -> int:
        judged: Counter[str] = Counter()
        judge = (lambda _: judged.update("1"),)
        stages = Stages[Body](judge, Body.conclude, Body.send, Body.respond, Body.fail)
        turn = Turn(stages, lambda: True)
        turn.judge(Body(MIB))
        sizes = []
        for times in (100, 2000):
            for smaller in range(times):
                turn.judge(Body(2 * MIB - smaller if times == 100 else MIB - smaller))
                await asyncio.sleep(0)  # a turn ends
            sizes.append(tracemalloc.get_traced_memory()[0])
        assert 2000 < judged.total() < 2101, "it never catches up"
        turn.end_all()
        return sizes[1] - sizes[0]

    tracemalloc.start()
    try:
        assert judge.runner.run(grown()) < 50_000
    finally:
        tracemalloc.stop()


def test_a_small_event_waits_for_no_larger_ones(judge: Judge) -> None:
    """It came last, and goes with the first, in order of arrival."""
    bodies = judge.add(*[MIB] * 64)
    events = judge.add(EVENT, EVENT)
    assert judge.end() == [bodies[0], *events]
    (late,) = judge.add(EVENT)
    assert judge.end() == [bodies[1], late]


def test_small_events_without_end_hold_up_no_larger_one(judge: Judge) -> None:
    """Whoever waits longest goes, however many smaller ones come meanwhile."""
    (large,) = judge.add(MIB)
    judge.add(*[EVENT] * 1000)
    assert large in judge.end()
    for _ in range(5):
        (large,) = judge.add(MIB)
        for _ in range(1000):
            judge.end()
            if large in judge.judged:
                break
            judge.add(*[EVENT] * 60)
        assert large in judge.judged


def test_deliveries_without_a_body_count_too(judge: Judge) -> None:
    """What each costs by itself is in the bound."""
    judge.add(*[0] * 1000)
    assert 50 < len(judge.end()) < 200


@settings(max_examples=many(200), deadline=None)
@given(st.lists(st.lists(st.integers(0, 3 * MOST_BYTES), max_size=20), min_size=1, max_size=6))
def test_each_is_judged_once_and_no_turn_is_too_large(batches: list[list[int]]) -> None:
    """Beside the one that waits longest, in no more turns than there are deliveries."""
    with asyncio.Runner() as runner:
        judge = Judge(runner)
        for batch in batches:
            judge.add(*batch)
            judge.end()
        for _ in judge.came:
            judge.end()
        assert sorted(judge.judged, key=judge.came.index) == judge.came
        left = list(judge.came)
        for turn in judge.turns:
            assert turn == sorted(turn, key=judge.came.index)
            if turn:
                assert turn[0] is min(turn + left, key=judge.came.index)
                assert sum(body.size for body in turn[1:]) <= MOST_BYTES
            left = [body for body in left if body not in turn]


def test_who_left_while_waiting_is_answered_and_not_judged(judge: Judge) -> None:
    """Once, in the next turn, and takes no room in it."""
    bodies = judge.add(*[MIB] * 4)
    judge.end()
    for body in bodies[1:3]:
        body.ended = True
    assert judge.end() == [bodies[3]]
    assert [body.given for body in bodies] == [0, 1, 1, 0]


def test_nothing_is_kept_of_what_was_judged(judge: Judge) -> None:
    """However long more waits than a turn bears."""
    judge.add(*[MIB] * 5)
    for _ in range(200):
        judge.add(MIB)
        judge.end()
    assert len(judge.turn._waiting) == 5
    assert len(judge.turn._by_size) <= 10
    judge.turn.end_all()
    assert not judge.turn._by_size


def test_closing_judges_what_waits(judge: Judge) -> None:
    """Turn by turn, but at once."""
    bodies = judge.add(*[MIB] * 4)
    judge.turns.append([])
    judge.turn.end_all()
    assert judge.judged == bodies


def test_sockets_are_read_between_two_turns(judge: Judge) -> None:
    """And what came over them is judged in the next, before larger ones that came earlier."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.sendall(b"x")

        def read() -> None:
            judge.runner.get_loop().remove_reader(ours)
            judge.add(EVENT)

        async def play() -> None:
            asyncio.get_running_loop().add_reader(ours, read)
            judge.add(*[MIB] * 20)
            while len(judge.judged) < 21:
                judge.turns.append([])
                await asyncio.sleep(0)

        judge.runner.run(play())
    place = [body.size for body in judge.judged].index(EVENT)
    assert place <= 3
