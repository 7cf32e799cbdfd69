"""How many workers there are: events go in, actions come out.

No process, no clock and no loop is in here. Those of the present generation and the vacancies are
always as many as are wanted.

The pause after a failure is 1 s, and twice the last one after each further failure, at most 30 s:
what fails at once is never started more often. A roll spawns a whole new generation beside the
present one. It is over when all of it serve, and has failed when one of it ends; meanwhile, and
until those that leave are gone, no other roll begins. So there are never more processes than twice
those wanted, and outside of rolls never more than those wanted.
"""

from collections.abc import Iterator
from itertools import count

from .lifecycle import (
    Action,
    Kill,
    Life,
    Lost,
    NotRolled,
    NotStarted,
    Rolled,
    Rolling,
    Spawn,
    Started,
    State,
    Terminate,
    Vacancy,
    pause_after,
)

SILENT_SECONDS = 2.0
# A tick that comes later than that was held up itself: the rest of its time is nobody's silence.
LONGEST_TICK = 0.5

_NONE = -1


class Fleet:
    """Keep as many workers as are `wanted`. `patience` and `drain` are seconds and may change.

    Every event returns the actions that follow from it, in order.
    """

    def __init__(self, wanted: int, patience: float, drain: float) -> None:
        self.wanted = wanted
        self.patience = patience
        self.drain = drain
        self.lives: dict[int, Life] = {}
        self.vacancies = [Vacancy(0.0) for _ in range(wanted)]
        self.stopping = False
        self._clock = 0.0
        self._generation = 0
        self._opened = False
        self._failed = False
        self._rolling = False
        self._roll_again = False

    # what happens

    def tick(self, elapsed: float) -> list[Action]:
        """Note that so many seconds went by since the last tick."""
        self._clock += min(elapsed, LONGEST_TICK)
        actions: list[Action] = []
        for life in tuple(self.lives.values()):
            if why := life.overdue(self._clock, self.patience, self.drain):
                actions += self._kill(life, why)
        return [*actions, *self._go_on()]

    def spawned(self, number: int) -> list[Action]:
        """Note that there is a process."""
        life = self.lives[number]
        life.spawned, life.since = True, self._clock
        if life.state is State.LEAVING:
            return [Terminate(number)]
        life.state = State.STARTING
        return []

    def served(self, number: int) -> list[Action]:
        """Note that it serves from now on."""
        life = self.lives[number]
        if life.state is not State.STARTING:
            return []
        life.state, life.served = State.SERVING, self._clock
        serving = sum(other.state is State.SERVING for other in self._of(life.generation))
        if serving < self.wanted:
            return []
        if life.generation != self._generation:
            return self._end_roll()
        if not self._opened:
            self._opened = True
            return [Started()]
        return []

    def failed(self, number: int, problem: str) -> None:
        """Note why it cannot serve: it said so, and will end."""
        self.lives[number].problem = f"could not start: {problem}"

    def kill(self, number: int, why: str) -> list[Action]:
        """Kill it: it must not go on."""
        return self._kill(self.lives[number], why)

    def not_spawned(self, number: int, why: str) -> list[Action]:
        """Note that no process could be had."""
        self.failed(number, why)
        return self.ended(number, "")

    def ended(self, number: int, how: str) -> list[Action]:
        """Note that it is gone, and its number free. `how` follows "ended with"."""
        life = self.lives.pop(number)
        actions: list[Action] = []
        if life.generation == self._generation:
            actions += self._lose(life, how)
        elif life.generation != _NONE:
            cause, told = life.obituary(how)
            actions += [Lost(number, cause, told, 0.0), *self._fail_roll(f"worker {number} {told}")]
        return [*actions, *self._go_on()]

    def asked(self, number: int) -> None:
        """Note that it owes an answer."""
        life = self.lives[number]
        if life.asked is None and life.state in (State.SERVING, State.LEAVING):
            life.asked = self._clock

    def heard(self, number: int) -> None:
        """Note that it said something."""
        self.lives[number].asked = None

    # what is wanted

    def begin(self) -> list[Action]:
        """Start them for the first time."""
        return self._go_on()

    def roll(self) -> list[Action]:
        """Start another generation; one more is remembered while that cannot be yet."""
        self._roll_again = self._opened and not self.stopping
        return self._go_on()

    def stop(self) -> list[Action]:
        """Have all of them leave."""
        self.stopping, self._rolling, self._roll_again = True, False, False
        self.vacancies.clear()
        return [action for life in self.lives.values() for action in self._leave(life)]

    def hurry(self) -> list[Action]:
        """Have those that leave cut short what they do."""
        leaving = [life for life in self.lives.values() if life.state is State.LEAVING]
        for life in leaving:
            life.since = min(life.since, self._clock - self.drain)
        return [Terminate(life.number) for life in leaving if life.spawned]

    # what there is to tell

    @property
    def serving(self) -> list[int]:
        """The numbers of those that serve, of a new generation too."""
        return [n for n, life in self.lives.items() if life.state is State.SERVING]

    def has_served(self, number: int) -> bool:
        """Tell whether it served once, whatever became of it since."""
        return self.lives[number].served is not None

    def silent(self, number: int) -> bool:
        """Tell whether it has owed an answer for longer than a busy worker would."""
        asked = self.lives[number].asked
        return asked is not None and self._clock - asked >= SILENT_SECONDS

    def missing(self) -> list[str]:
        """Say which of those wanted do not serve or answer, and why."""
        told = [vacancy.describe(self._clock) for vacancy in self.vacancies]
        for life in self._of(self._generation):
            if life.state is State.SERVING:
                if self.silent(life.number):
                    told.append(f"worker {life.number} does not answer")
            else:
                told.append(f"worker {life.number} is {life.state.value}")
        return told

    # how it is decided

    def _lose(self, life: Life, how: str) -> list[Action]:
        """Leave its place vacant, for a while where it did not serve for long."""
        failures = life.failures_by(self._clock)
        pause = pause_after(failures)
        cause, told = life.obituary(how)
        replaces = life.replaces if life.served is None else f"a worker that {told}"
        self.vacancies.append(Vacancy(self._clock + pause, failures, told, replaces))
        actions: list[Action] = [Lost(life.number, cause, told, pause)]
        if not self._opened and not self._failed and life.served is None:
            self._failed = True
            actions.append(NotStarted(f"worker {life.number} {told}"))
        return actions

    def _of(self, generation: int) -> Iterator[Life]:
        return (life for life in tuple(self.lives.values()) if life.generation == generation)

    def _kill(self, life: Life, why: str) -> list[Action]:
        life.state, life.problem = State.KILLED, why
        actions: list[Action] = [Kill(life.number, why)]
        if life.generation not in (self._generation, _NONE):
            actions += self._fail_roll(f"worker {life.number} {why}")
        return actions

    def _leave(self, life: Life) -> list[Action]:
        life.generation = _NONE
        if life.state in (State.KILLED, State.LEAVING):
            return []
        life.state, life.since = State.LEAVING, self._clock
        return [Terminate(life.number)] if life.spawned else []

    def _end_roll(self) -> list[Action]:
        self._rolling = False
        self.vacancies.clear()
        leaving = [action for life in self._of(self._generation) for action in self._leave(life)]
        self._generation += 1
        return [Rolled(), *leaving]

    def _fail_roll(self, why: str) -> list[Action]:
        """What serves of it takes vacant places, the rest leaves."""
        self._rolling = False
        actions: list[Action] = [NotRolled(why)]
        for life in self._of(self._generation + 1):
            if life.state is State.SERVING and self.vacancies:
                self.vacancies.pop()
                life.generation = self._generation
            else:
                actions += self._leave(life)
        return actions

    def _go_on(self) -> list[Action]:
        """Start what is due: workers, and a roll that could not begin before."""
        if self.stopping or self._failed:
            return []
        actions: list[Action] = []
        for vacancy in [v for v in self.vacancies if v.due <= self._clock]:
            self.vacancies.remove(vacancy)
            actions.append(self._spawn(self._generation, vacancy))
        if self._roll_again and not any(self._of(_NONE)) and not self._rolling:
            self._roll_again, self._rolling = False, True
            new = [Vacancy(self._clock) for _ in range(self.wanted)]
            actions += [Rolling(), *(self._spawn(self._generation + 1, place) for place in new)]
        return actions

    def _spawn(self, generation: int, vacancy: Vacancy) -> Spawn:
        number = next(n for n in count(1) if n not in self.lives)
        failures, replaces = vacancy.failures, vacancy.replaces
        self.lives[number] = Life(number, generation, self._clock, failures, replaces)
        return Spawn(number, replaces)
