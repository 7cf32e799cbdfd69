"""How many workers there are, whatever happens to them in whatever order."""

from hookgate_sidecar.fleet import LONGEST_TICK, Fleet
from hookgate_sidecar.lifecycle import (
    GRACE_SECONDS,
    LONGEST_PAUSE,
    START_SECONDS,
    STEADY_SECONDS,
    Action,
    Cause,
    Kill,
    Lost,
    NotRolled,
    NotStarted,
    Rolled,
    Rolling,
    Spawn,
    Started,
    Terminate,
)

PATIENCE, DRAIN = 10.0, 3.0


def opened(wanted: int) -> Fleet:
    """A fleet whose workers all serve."""
    fleet = Fleet(wanted, PATIENCE, DRAIN)
    actions = fleet.begin()
    for number in range(1, wanted + 1):
        fleet.spawned(number)
        actions += fleet.served(number)
    assert actions == [*(Spawn(n, None) for n in range(1, wanted + 1)), Started()]
    return fleet


def pass_time(fleet: Fleet, seconds: float) -> list[Action]:
    """What is done meanwhile."""
    actions: list[Action] = []
    for _ in range(round(seconds / LONGEST_TICK)):
        actions += fleet.tick(LONGEST_TICK)
    return actions


def starts(actions: list[Action]) -> list[Spawn]:
    return [action for action in actions if isinstance(action, Spawn)]


def test_one_that_served_for_long_is_replaced_at_once() -> None:
    """And the new one is told what it replaces."""
    fleet = opened(2)
    pass_time(fleet, STEADY_SECONDS)
    assert fleet.ended(1, "signal 9") == [
        Lost(1, Cause.DIED, "ended with signal 9", 0.0),
        Spawn(1, "a worker that ended with signal 9"),
    ]


def test_the_pause_after_a_failed_start_doubles_to_its_bound() -> None:
    """And begins anew once one has served for long; what it replaces is what served last."""
    fleet = opened(2)
    pass_time(fleet, STEADY_SECONDS)
    fleet.ended(1, "signal 9")
    pauses = []
    for _ in range(8):
        fleet.spawned(1)
        (lost,) = fleet.ended(1, "status 1")
        assert isinstance(lost, Lost)
        assert (lost.cause, lost.how) == (
            Cause.NEVER_SERVED,
            "ended with status 1 before it served",
        )
        pauses.append(lost.pause)
        assert pass_time(fleet, lost.pause - LONGEST_TICK) == []
        assert pass_time(fleet, LONGEST_TICK) == [Spawn(1, "a worker that ended with signal 9")]
    assert pauses == [1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    fleet.spawned(1)
    fleet.served(1)
    pass_time(fleet, STEADY_SECONDS)
    assert starts(fleet.ended(1, "status 1")) == [Spawn(1, "a worker that ended with status 1")]


def test_what_cannot_be_spawned_is_tried_again_by_nobody_else() -> None:
    """It says why it is missing."""
    fleet = opened(2)
    pass_time(fleet, STEADY_SECONDS)
    fleet.ended(2, "signal 9")
    fleet.not_spawned(2, "no memory")
    (missing,) = fleet.missing()
    assert missing.startswith("a worker is missing: the one before it could not start: no memory; ")
    assert len(starts(pass_time(fleet, 10))) == 1


def test_a_first_start_that_fails_is_told_once_and_not_repeated() -> None:
    """Whatever the others do."""
    fleet = Fleet(3, PATIENCE, DRAIN)
    fleet.begin()
    for number in (1, 2, 3):
        fleet.spawned(number)
    fleet.failed(2, "the ledger cannot be opened")
    told = "could not start: the ledger cannot be opened"
    assert fleet.ended(2, "status 1") == [
        Lost(2, Cause.NEVER_SERVED, told, 1.0),
        NotStarted(f"worker 2 {told}"),
    ]
    fleet.served(1)
    assert not any(isinstance(a, NotStarted) for a in fleet.ended(3, "status 1"))
    assert starts(pass_time(fleet, 2 * LONGEST_PAUSE)) == []


def test_one_that_does_not_answer_is_killed_once_its_time_is_over() -> None:
    """Not before; and it is replaced when it is gone, not beside it."""
    fleet = opened(2)
    pass_time(fleet, STEADY_SECONDS)
    fleet.asked(1)
    assert pass_time(fleet, PATIENCE) == []
    assert fleet.silent(1)
    why = f"did not answer for {PATIENCE:g} s"
    assert pass_time(fleet, 3) == [Kill(1, why)]
    assert fleet.ended(1, "signal 9") == [
        Lost(1, Cause.KILLED, why, 0.0),
        Spawn(1, f"a worker that {why}"),
    ]


def test_one_that_answers_late_lives() -> None:
    """Its time begins anew with each question."""
    fleet = opened(1)
    for _ in range(3):
        fleet.asked(1)
        assert pass_time(fleet, PATIENCE) == []
        fleet.heard(1)
    assert fleet.serving == [1]


def test_a_supervisor_that_stood_still_blames_nobody() -> None:
    """What it did not see go by is not counted: the machine may have slept, or all of it waited."""
    fleet = opened(2)
    fleet.asked(1)
    fleet.asked(2)
    assert fleet.tick(3600) == []
    assert not fleet.silent(1)
    assert pass_time(fleet, PATIENCE - LONGEST_TICK) == []


def test_one_that_never_gets_to_serve_is_killed() -> None:
    """A start has a bound of its own."""
    fleet = Fleet(1, PATIENCE, DRAIN)
    fleet.begin()
    fleet.spawned(1)
    kills = pass_time(fleet, START_SECONDS + 2 * LONGEST_TICK)
    assert kills == [Kill(1, f"did not serve within {START_SECONDS:g} s")]


def test_a_stop_ends_all_in_time_whatever_they_do() -> None:
    """One that is being spawned, one that starts, one that hangs; nothing is started any more."""
    fleet = opened(3)
    pass_time(fleet, STEADY_SECONDS)
    fleet.ended(1, "signal 9")
    fleet.ended(2, "signal 9")
    fleet.spawned(2)
    assert fleet.stop() == [Terminate(3), Terminate(2)]
    assert fleet.spawned(1) == [Terminate(1)]
    assert fleet.served(2) == []
    actions = pass_time(fleet, DRAIN + GRACE_SECONDS + 1)
    killed = {action.number for action in actions if isinstance(action, Kill)}
    assert killed == {1, 2, 3}
    for number in (1, 2, 3):
        assert fleet.ended(number, "signal 9") == []
    assert pass_time(fleet, 2 * LONGEST_PAUSE) == []


def test_who_hurries_is_waited_for_no_longer_than_the_grace() -> None:
    """Though the drain would be longer."""
    fleet = opened(2)
    fleet.stop()
    assert fleet.hurry() == [Terminate(1), Terminate(2)]
    killed = pass_time(fleet, GRACE_SECONDS + 2 * LONGEST_TICK)
    assert [type(action) for action in killed] == [Kill, Kill]


def test_a_roll_replaces_all_once_all_of_the_new_serve() -> None:
    """The old ones are asked to leave by the last of them."""
    fleet = opened(2)
    assert fleet.roll() == [Rolling(), Spawn(3, None), Spawn(4, None)]
    for number in (3, 4):
        fleet.spawned(number)
    assert fleet.served(3) == []
    assert fleet.served(4) == [Rolled(), Terminate(1), Terminate(2)]


def test_a_roll_fills_the_place_of_one_that_is_missing() -> None:
    """Nobody is started for it once more."""
    fleet = opened(2)
    for _ in range(2):  # the second pause is longer than the roll takes
        fleet.ended(1, "signal 9")
        fleet.spawned(1) if pass_time(fleet, 1) else None
    fleet.roll()
    new = [number for number in fleet.lives if number != 2]
    for number in new:
        fleet.spawned(number)
        actions = fleet.served(number)
    assert actions == [Rolled(), Terminate(2)]
    fleet.ended(2, "status 0")
    assert pass_time(fleet, LONGEST_PAUSE) == []
    assert sorted(fleet.serving) == sorted(new)


def test_a_roll_that_fails_leaves_the_old_ones() -> None:
    """And what had started of it goes."""
    fleet = opened(2)
    fleet.roll()
    for number in (3, 4):
        fleet.spawned(number)
    fleet.served(3)
    actions = fleet.ended(4, "status 1")
    assert actions[1:] == [
        NotRolled("worker 4 ended with status 1 before it served"),
        Terminate(3),
    ]
    assert fleet.serving == [1, 2]


def test_a_roll_that_fails_leaves_who_serves_where_somebody_is_missing() -> None:
    """Better a new one than none."""
    fleet = opened(2)
    fleet.roll()
    for number in (3, 4):
        fleet.spawned(number)
    fleet.served(3)
    fleet.ended(1, "signal 9")
    assert fleet.ended(4, "status 1")[1:] == [
        NotRolled("worker 4 ended with status 1 before it served")
    ]
    assert fleet.serving == [2, 3]
    assert pass_time(fleet, LONGEST_PAUSE) == []


def test_rolls_that_overlap_become_one_more() -> None:
    """It begins when those that leave are gone: there are never three generations."""
    fleet = opened(1)
    fleet.roll()
    assert fleet.roll() == []
    assert fleet.roll() == []
    fleet.spawned(2)
    assert fleet.served(2) == [Rolled(), Terminate(1)]
    assert pass_time(fleet, DRAIN) == []
    assert fleet.ended(1, "status 0") == [Rolling(), Spawn(1, None)]
    fleet.spawned(1)
    assert fleet.served(1) == [Rolled(), Terminate(2)]
    assert fleet.ended(2, "status 0") == []
