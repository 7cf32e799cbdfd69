"""What stands, what was told of it, and when to tell again. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from hookgate.ledger.reading.parsing import timestamp
from hookgate.ledger.record import Record

from .clock import Clock
from .conditions.condition import Alarm, Condition, span
from .notice import Notice, Severity
from .sight import Sight
from .teller import Teller

REMIND_SECONDS = 3600.0
# What a phone shows of a message before it is opened, and what stands before the summary in it.
LONGEST_HEADLINE = 100
_MARKS = len("[CRITICAL] : ")
_LONGEST_GATE = 32
_MOST_DETAILS = 12


class _Told:
    """An alarm that stands: since when, when it was told last, and what it said then."""

    __slots__ = ("at", "began", "what")

    def __init__(self, began: float, at: float, what: str) -> None:
        self.began, self.at, self.what = began, at, what


class Watcher:
    """Tell of each alarm when it is raised, each hour while it lasts, and once when it is over."""

    def __init__(
        self, conditions: Mapping[str, Condition], gate: str, teller: Teller, clock: Clock
    ) -> None:
        self._conditions = conditions
        self._gate, self._teller, self._clock = gate[:_LONGEST_GATE], teller, clock
        self._standing: dict[tuple[str, str], tuple[_Told, Severity]] = {}
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
        for condition in self._conditions.values():
            condition.observe(sight, now)
            for alarm in condition.standing(now):
                key = alarm.condition, alarm.subject
                told, _ = before.pop(key, (None, None))
                if told is None or now - told.at >= REMIND_SECONDS:
                    told = _Told(told.began if told is not None else now, now, alarm.what)
                    yield self._notice(alarm, told)
                self._standing[key] = told, alarm.severity
        for (name, subject), (told, severity) in before.items():
            lasted = f"it lasted {span(now - told.began)}"
            over = Alarm(name, severity, f"over: {told.what}", (lasted,), "", subject)
            yield self._notice(over, told, now)

    def _notice(self, alarm: Alarm, told: _Told, ended: float | None = None) -> Notice:
        return Notice(
            alarm.condition,
            alarm.subject,
            alarm.severity,
            self._gate,
            _cut(alarm.what, LONGEST_HEADLINE - _MARKS - len(self._gate)),
            tuple(alarm.details[:_MOST_DETAILS]),
            alarm.advice,
            self._clock.date(told.began),
            None if ended is None else self._clock.date(ended),
        )

    def save(self) -> Any:
        """Return all that the next run must know."""
        return {
            "clock": self._clock.save(),
            "standing": [
                [*key, told.began, told.at, told.what, severity.value]
                for key, (told, severity) in self._standing.items()
            ],
            "conditions": {name: each.save() for name, each in self._conditions.items()},
        }

    def load(self, saved: Any) -> None:
        """Take over what was saved. Raises whatever a value of another form makes it raise.

        What stood of a condition that is off by now is dropped without a word.
        """
        self._has_begun = True
        self._clock.load(saved["clock"])
        for name, subject, began, at, what, severity in saved["standing"]:
            if name in self._conditions:
                told = _Told(float(began), float(at), str(what))
                self._standing[str(name), str(subject)] = told, Severity(severity)
        for name, condition in self._conditions.items():
            if saved["conditions"].get(name) is not None:
                condition.load(saved["conditions"][name])


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
