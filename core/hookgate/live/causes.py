"""What is wrong with a gate, each in one sentence, since when, and what to do first. Pure.

Told from successive answers of /status, in the words of docs/alarms.md. An alarm says that
somebody must come; this says to who has come what it is.
"""

from collections import Counter, deque
from typing import NamedTuple

from .cause import Cause, Level, Spell, clock, shown
from .repeated import REPEATED, Kind
from .states import STATES, tell
from .step import Answer, Step, number, seconds, text
from .traffic import Flood, Silence

_KEPT_SECONDS = 900.0
_MOST_ENDED = 20
# What was refused or failed before the first look began what is seen then, if it is no older.
_FRESH_SECONDS = 60.0
# A policy that changed so shortly before explains what is refused since.
_CHANGED_SECONDS = 300.0
# A change is seen so long after it at most.
_ASKED_SECONDS = 2.0
_EXPLAIN_SILENCE = frozenset(("ledger_fails", "not_ready", "gate_fails", "endpoint", "refusals"))


class Absence(NamedTuple):
    """How it is said that a gate tells nothing, or told nothing, and what to do first."""

    now: str
    then: str
    first: str


ASKED = Absence(
    "The gate does not answer since",
    "The gate did not answer",
    "Start it: systemctl restart hookgate. Then look why: journalctl -u hookgate -n 50. What it"
    " left unknown: hookgate audit balance.",
)
STORED = Absence(
    "There is no news of the gate since",
    "There was no news of the gate",
    "hookgate fleet status says more. At the gate: systemctl status hookgate hookgate-ship. What it"
    " left unknown, there: hookgate audit balance.",
)


class Causes:
    """The causes of one gate. Times are seconds since 1970."""

    def __init__(self, absence: Absence = ASKED) -> None:
        self._absence = absence
        self._before: Answer | None = None
        self._gone: tuple[float, str] | None = None
        self._spells: dict[str, Spell] = {}
        self._since: dict[str, tuple[float, str]] = {}
        self._flood, self._silence = Flood(), Silence()
        # When there was another policy, and which.
        self._policies: deque[tuple[float, str]] = deque(maxlen=_MOST_ENDED)
        self._ended: deque[Cause] = deque(maxlen=_MOST_ENDED)

    def miss(self, trouble: str, now: float) -> None:
        """Note that the gate did not answer, and why."""
        since = now if self._gone is None else self._gone[0]
        self._gone = since, trouble

    def observe(self, answer: Answer, made: Step, now: float) -> None:
        """Take an answer into account that came at this time, and what is new in it."""
        if (cause := self._stopped()) is not None and self._gone is not None:
            self._end(cause._replace(what=f"{self._absence.then}: {self._gone[1]}."), now)
        self._gone = None
        at = made.at
        self._note_changes(answer, at)
        for kind in REPEATED:
            self._repeat(kind, made, answer)
        for state in STATES:
            found = state.find(answer)
            if found:
                self._since[state.name] = self._since.get(state.name, (at, ""))[0], found
            elif state.name in self._since:
                since, was = self._since.pop(state.name)
                self._end(Cause(state.name, state.level, tell(was, since), "", since), at)
        if (flood := self._flood.observe(made)) is not None:
            self._end(flood, at)
        self._silence.observe(made, answer)
        self._before = answer

    def standing(self) -> list[Cause]:
        """Return what is wrong now, the worst first."""
        if (stopped := self._stopped()) is not None:
            # What else was wrong nobody knows now.
            return [stopped]
        found = [
            self._tell(kind, spell)
            for kind in REPEATED
            if (spell := self._spells.get(kind.name)) is not None
        ]
        found += [
            Cause(state.name, state.level, tell(was, since), state.first, since)
            for state in STATES
            if (known := self._since.get(state.name))
            for since, was in [known]
        ]
        if (flood := self._flood.standing()) is not None:
            found.append(flood)
        silence = self._silence.standing()
        if silence is not None and not _EXPLAIN_SILENCE & {cause.name for cause in found}:
            found.append(silence)
        return sorted(found, key=lambda cause: cause.rank)

    def ended(self, now: float) -> list[Cause]:
        """Return what was wrong within the last quarter of an hour, the latest first."""
        return [c for c in reversed(self._ended) if (c.until or 0.0) > now - _KEPT_SECONDS]

    def _stopped(self) -> Cause | None:
        if self._gone is None:
            return None
        since, why = self._gone
        return Cause(
            "stopped",
            Level.CRITICAL,
            f"{self._absence.now} {clock(since)}: {why}.",
            self._absence.first,
            since,
        )

    def _repeat(self, kind: Kind, made: Step, answer: Answer) -> None:
        labels = kind.count_in(made)
        delivered = seconds(answer.get("last_delivered")) or 0.0
        rows = [row for row in made.rows if kind.has(row)]
        if made.is_first:
            # What was counted since the gate's start is long over; what its rows tell may not be.
            rows = _fresh(rows, made.at, delivered if kind.needs_delivery else 0.0)
            labels = Counter(text(row, "upstream_error") or text(row, "reason") for row in rows)
        spell = self._spells.get(kind.name)
        if spell is None:
            if not labels:
                return
            times = [at for row in rows if (at := seconds(row.get("time"))) is not None]
            spell = self._spells[kind.name] = Spell(min(times, default=made.at))
        spell.add(labels, rows, made)
        is_quiet = made.at - spell.last >= kind.quiet
        was_delivered = made.outcomes["delivered"] or (made.is_first and delivered > spell.last)
        if is_quiet and (was_delivered or not kind.needs_delivery):
            del self._spells[kind.name]
            spell.end()
            self._end(self._tell(kind, spell), spell.last)

    def _tell(self, kind: Kind, spell: Spell) -> Cause:
        what, first = kind.tell(spell)
        before = [at for at, _ in self._policies if at <= spell.since + _ASKED_SECONDS]
        if kind.name == "refusals" and before and spell.since - before[-1] <= _CHANGED_SECONDS:
            at, policy = self._policies[len(before) - 1]
            what += f" The policy changed at {clock(at)}, to {policy}."
        return Cause(kind.name, kind.level, what, first, spell.since)

    def _end(self, cause: Cause, at: float) -> None:
        self._ended.append(cause._replace(until=at))

    def _note_changes(self, answer: Answer, at: float) -> None:
        """Note a new policy and new processes, which explain what comes after them."""
        if self._before is None:
            return
        policy, before = shown(answer, "policy"), text(self._before, "policy")
        if policy and before and policy != before:
            self._policies.append((at, policy))
            self._change(f"The policy changed at {clock(at)}, to {policy}.", at)
        was, now = _boots(self._before), _boots(answer)
        for worker, boot in now.items():
            if was.get(worker, boot) != boot:
                name = f"Worker {worker}" if len(now) > 1 else "The gate"
                self._change(f"{name} has started anew at {clock(at)}.", at)

    def _change(self, what: str, at: float) -> None:
        self._ended.append(Cause("changed", Level.NOTE, what, "", at, at))


def _fresh(rows: list[Answer], now: float, delivered: float) -> list[Answer]:
    """Choose those that came since something was `delivered`; if none did, the last minute's."""
    times = [seconds(row.get("time")) or 0.0 for row in rows]
    since = delivered if delivered and delivered < max(times, default=0.0) else now - _FRESH_SECONDS
    return [row for row, at in zip(rows, times, strict=True) if at > since]


def _boots(answer: Answer) -> dict[int, str]:
    workers = answer.get("workers")
    found = workers if isinstance(workers, list) else []
    return {number(w, "worker"): text(w, "boot") for w in found if isinstance(w, dict)}
