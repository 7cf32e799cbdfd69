"""What stands, what was told of it, and when to tell again. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from hookgate.ledger.reading.parsing import timestamp
from hookgate.ledger.record import Record
from hookgate.offering import ANYWHERE, Place
from hookgate.wording import span

from .clock import Clock
from .conditions.condition import Alarm, Condition
from .notice import Notice
from .sight import Sight
from .standing import REMIND_SECONDS, Standing
from .teller import Teller

# What a phone shows of a message before it is opened, and what stands before the summary in it.
LONGEST_HEADLINE = 100
_MARKS = len("[CRITICAL] : ")
_LONGEST_GATE = 32
_MOST_DETAILS = 12


class Watcher:
    """Tell of each alarm when it is raised, each hour while it lasts or where there is news of it,
    and once when it is over.

    Its advice is for whoever is at the gate: `place` is there.
    """

    def __init__(
        self,
        conditions: Mapping[str, Condition],
        gate: str,
        teller: Teller,
        clock: Clock,
        place: Place = ANYWHERE,
    ) -> None:
        self._conditions = conditions
        self._gate, self._teller, self._clock = gate[:_LONGEST_GATE], teller, clock
        self._place = place
        self._standing: dict[tuple[str, str], Standing] = {}
        # When those ended that may come back, and how often they had.
        self._ended: dict[tuple[str, str], tuple[float, int]] = {}
        self._has_begun = False  # a run before this one has read what had been before
        kinds = {kind for condition in conditions.values() for kind in condition.kinds}
        self._fed = {
            kind: [each for each in conditions.values() if kind in each.kinds] for kind in kinds
        }

    @property
    def stands(self) -> bool:
        """Whether any alarm stands."""
        return bool(self._standing)

    def feed(self, record: Record, part: str) -> None:
        """Show a record of this file to each condition."""
        fed = self._fed.get(record["event"])
        if fed is not None:
            at = self._clock.of(timestamp(record))
            for condition in fed:
                condition.feed(record, at, part)

    def tick(self, sight: Sight) -> bool:
        """Look at all conditions, and tell what is to be told; whether anything was."""
        now = self._clock.now()
        if not self._has_begun:
            self._has_begun = True
            for condition in self._conditions.values():
                condition.begin(now)
        notices = list(self._decide(sight, now))
        for notice in notices:
            self._teller.tell(notice)
        return bool(notices)

    def _decide(self, sight: Sight, now: float) -> Iterator[Notice]:
        before, self._standing = self._standing, {}
        self._ended = {k: v for k, v in self._ended.items() if now - v[0] < REMIND_SECONDS}
        for condition in self._conditions.values():
            condition.observe(sight, now)
            for alarm in condition.standing(now):
                key = alarm.condition, alarm.subject
                stands = before.pop(key, None) or self._begin(key, now)
                self._standing[key] = stands
                if stands.tell(alarm, now):
                    yield self._notice(alarm, stands.began)
        for (name, subject), stands in before.items():
            key = name, subject
            if not stands.is_over(now):
                self._standing[key] = stands
                continue
            self._ended[key] = now, stands.returns
            lasted = f"it lasted {span(now - stands.began)}"
            over = Alarm(name, stands.severity, f"over: {stands.what}", (lasted,), "", subject)
            yield self._notice(over, stands.began, now)

    def _begin(self, key: tuple[str, str], now: float) -> Standing:
        ended = self._ended.pop(key, None)
        return Standing(now, 0 if ended is None else ended[1] + 1)

    def _notice(self, alarm: Alarm, began: float, ended: float | None = None) -> Notice:
        return Notice(
            alarm.condition,
            alarm.subject,
            alarm.severity,
            self._gate,
            _cut(alarm.what, LONGEST_HEADLINE - _MARKS - len(self._gate)),
            tuple(alarm.details[:_MOST_DETAILS]),
            self._place.fit(alarm.advice),
            self._clock.date(began),
            None if ended is None else self._clock.date(ended),
        )

    def save(self) -> Any:
        """Return all that the next run must know."""
        return {
            "clock": self._clock.save(),
            "standing": [[*key, *stands.save()] for key, stands in self._standing.items()],
            "ended": [[*key, *ended] for key, ended in self._ended.items()],
            "conditions": {name: each.save() for name, each in self._conditions.items()},
        }

    def load(self, saved: Any) -> None:
        """Take over what was saved. Raises whatever a value of another form makes it raise.

        What stood of a condition that is off by now is dropped without a word.
        """
        self._has_begun = True
        self._clock.load(saved["clock"])
        for name, subject, *more in saved["standing"]:
            if name in self._conditions:
                self._standing[str(name), str(subject)] = Standing.load(more)
        for name, subject, at, returns in saved.get("ended", ()):
            self._ended[str(name), str(subject)] = float(at), int(returns)
        for name, condition in self._conditions.items():
            if saved["conditions"].get(name) is not None:
                condition.load(saved["conditions"][name])


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
