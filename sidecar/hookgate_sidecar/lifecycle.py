"""A worker's life as states, and the actions that follow from what happens to it.

`fleet.py` decides by this table, `supervisor.py` does what was decided. A `Life` is a process that
may exist; a `Vacancy` is a worker that is wanted and not there.

    state     event                          then      action
    --------  -----------------------------  --------  ---------------------------------------
    vacant    its pause is over              spawning  Spawn
    spawning  spawned                        starting
    spawning  not_spawned                    vacant    Lost, pause
    starting  served                         serving
    starting  ended                          vacant    Lost, pause
    starting  START_SECONDS are over         killed    Kill
    serving   ended                          vacant    Lost, pause unless it served STEADY_SECONDS
    serving   no answer for `patience`       killed    Kill
    killed    ended                          vacant    Lost, pause as above
    any       roll, failed roll, stop        leaving   Terminate (at once, or when it is spawned)
    leaving   no answer, or drain and grace  killed    Kill
    leaving   not_spawned, ended             gone
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

START_SECONDS = 60.0  # the imports take 0.5 s of a free core
GRACE_SECONDS = 5.0
STEADY_SECONDS = 10.0
LONGEST_PAUSE = 30.0


class State(Enum):
    """Name where a life stands."""

    SPAWNING = "spawning"
    STARTING = "starting"
    SERVING = "serving"
    KILLED = "killed"
    LEAVING = "leaving"


class Cause(Enum):
    """Name how a worker that should be there was lost, as metrics do."""

    DIED = "died"
    KILLED = "killed"
    NEVER_SERVED = "never_served"


class Spawn(NamedTuple):
    """Start a process. `replaces` says how the one before it ended."""

    number: int
    replaces: str | None


class Terminate(NamedTuple):
    """Send SIGTERM: it drains, or hurries where it drains already."""

    number: int


class Kill(NamedTuple):
    """Send SIGKILL."""

    number: int
    why: str


class Lost(NamedTuple):
    """Note that a worker which was wanted is gone; the next start is `pause` seconds away.

    `how` are words that follow "a worker that".
    """

    number: int
    cause: Cause
    how: str
    pause: float


class Started(NamedTuple):
    """Note that every worker serves, for the first time."""


class NotStarted(NamedTuple):
    """Note that one could not start before all had served: nothing more is begun."""

    why: str


class Rolling(NamedTuple):
    """Note that a new generation is being started."""


class Rolled(NamedTuple):
    """Note that the new generation serves, and the one before it leaves."""


class NotRolled(NamedTuple):
    """Note that one of it could not start: the present generation serves on."""

    why: str


Action = Spawn | Terminate | Kill | Lost | Started | NotStarted | Rolling | Rolled | NotRolled


def pause_after(failures: int) -> float:
    """Return how many seconds pass before the next start after so many failures in a row."""
    return min(2.0 ** min(failures - 1, 10), LONGEST_PAUSE) if failures else 0.0


@dataclass(slots=True)
class Vacancy:
    """Keep the place of a worker that is missing, until it is `due` by the fleet's clock.

    `why` says how the last process in this place ended, `replaces` how the last that served did.
    """

    due: float
    failures: int = 0
    why: str = ""
    replaces: str | None = None

    def describe(self, clock: float) -> str:
        """Say what is missing, why, and for how long yet."""
        seconds = max(0.0, self.due - clock)
        return (
            f"a worker is missing: the one before it {self.why}; "
            f"the next start is in {seconds:.0f} s"
        )


@dataclass(slots=True)
class Life:
    """Keep what is known of a process that may exist. Times are seconds of the fleet's clock."""

    number: int
    generation: int
    since: float
    failures: int
    replaces: str | None
    state: State = State.SPAWNING
    spawned: bool = False
    served: float | None = None
    asked: float | None = None
    problem: str = ""

    def overdue(self, clock: float, patience: float, drain: float) -> str:
        """Return why it has to be killed, "" where it has not; all three are seconds."""
        if not self.spawned:
            return ""
        took = clock - self.since
        if self.state is State.STARTING and took > START_SECONDS:
            return f"did not serve within {START_SECONDS:g} s"
        if self.state not in (State.SERVING, State.LEAVING):
            return ""
        if self.asked is not None and clock - self.asked > patience:
            return f"did not answer for {patience:g} s"
        if self.state is State.LEAVING and took > drain + GRACE_SECONDS:
            return f"did not end within {drain + GRACE_SECONDS:g} s"
        return ""

    def failures_by(self, clock: float) -> int:
        """Return how many starts in a row have failed, now that it is gone."""
        steady = self.served is not None and clock - self.served >= STEADY_SECONDS
        return 0 if steady else self.failures + 1

    def obituary(self, how: str) -> tuple[Cause, str]:
        """Return why it is gone, to follow "a worker that"; `how` follows "ended with"."""
        if self.served is None:
            return Cause.NEVER_SERVED, self.problem or f"ended with {how} before it served"
        if self.state is State.KILLED:
            return Cause.KILLED, self.problem
        return Cause.DIED, f"ended with {how}"
