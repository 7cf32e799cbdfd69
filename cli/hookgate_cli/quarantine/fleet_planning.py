"""Planning a replay of what the gates of a fleet keep, by what its store says."""

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from hookgate.fleet.kept import KeptItems
from hookgate.ledger.audit.proven import Prover, is_unproved
from hookgate.ledger.names import replay_ledger
from hookgate.ledger.reading.files import find_ledger
from hookgate.ledger.reading.reader import Line, is_damage, read
from hookgate.policy import ContractError
from hookgate.quarantine.encryption import OTHER_KEYS, Identities
from hookgate.quarantine.error import NotKept, StoreError
from hookgate.quarantine.replay.evidence import Evidence
from hookgate.quarantine.replay.items import body_of
from hookgate.quarantine.replay.plan import Asked, Planned, Verdict, plan
from hookgate.quarantine.replay.session import make_policy
from hookgate.settings import Config
from hookgate_cli.audit.configured import Keys
from hookgate_cli.audit.wording import count_of
from hookgate_cli.common import err, fail
from hookgate_cli.terminal import printable

from .bar import bar
from .planning import Plan, pick
from .selection import Selection

# Of several items of one event the first of these is the one that counts.
_FIRST = (
    Verdict.CLAIMED, Verdict.DELIVERED, Verdict.UNKNOWN, Verdict.SEND, Verdict.RETRYING,
    Verdict.REFUSED, Verdict.UNRECORDED, Verdict.DAMAGED,
)  # fmt: skip


class FleetPlanner(NamedTuple):
    """What a plan is made by. `keys` prove the lines of gates, and what they do not prove counts
    for nothing: whoever has a gate's password can add lines to the store, and items.
    """

    store: KeptItems
    selection: Selection
    identities: Identities
    asked: Asked
    config: Config
    keys: Keys

    def plan(self) -> Plan:
        """Plan a replay. Exits with 2 where the identity reads nothing. Raises `StoreError`."""
        entries = pick(self.store, self.selection)
        damaged: list[Line] = []

        def note(line: Line) -> None:
            if is_damage(line.problem) and not is_unproved(line.problem):
                damaged.append(line)

        lines = Prover(self.keys).prove(self._lines(set(map(body_of, entries))))
        evidence = Evidence(lines, set(map(body_of, entries)), note)
        try:
            policy = make_policy(self.config)
        except ContractError as error:
            fail(str(error))
        items = []
        asked = self.asked._replace(limit=None)
        with bar("planning", len(entries)) as advance:
            made_by = self.identities, evidence, policy, asked, time.time()
            for one in plan(self.store, entries, *made_by):
                items.append(_hold_to_store(one, asked))
                advance()
        if items and all(one.why == OTHER_KEYS for one in items):
            fail(f"the identity reads none of {count_of(len(items), 'item')}: each {OTHER_KEYS}")
        for line in damaged:
            err.print(f"{printable(line.place)}: {printable(line.problem)}", soft_wrap=True)
        unheard = self.store.unheard()
        for gate in unheard:
            words = f"gate {gate} is silent or behind: see hookgate fleet status"
            err.print(printable(words), soft_wrap=True)
        if self.store.trouble:
            raise StoreError(NotKept.UNAVAILABLE, self.store.trouble)
        planned = _limit(_one_of_each(items), self.asked.limit)
        return Plan(list(planned), not (damaged or unheard))

    def _lines(self, bodies: set[str]) -> Iterator[Line]:
        """What replays here have recorded may not be in the store yet, and what is in both counts
        once.
        """
        own = find_ledger(replay_ledger(Path(self.config.audit.path))).files
        seen = set()
        for line in chain(read(own), self.store.lines_about(bodies)):
            record = line.record or {}
            place = record.get("boot"), record.get("n")
            if None in place or place not in seen:
                seen.add(place)
                yield line


def _hold_to_store(planned: Planned, asked: Asked) -> Planned:
    """Let what the store says of an item count before what lines say."""
    state, verdict = planned.entry.fleet, planned.verdict
    if state is None or verdict is Verdict.DAMAGED:
        return planned
    if state.is_claimed:
        return planned._replace(verdict=Verdict.CLAIMED)
    if state.arrived and verdict is not Verdict.UNRECORDED:
        return planned._replace(verdict=Verdict.DELIVERED)
    if state.claimed_by and verdict is Verdict.SEND and not asked.unknown:
        return planned._replace(verdict=Verdict.UNKNOWN)
    return planned


def _one_of_each(items: Sequence[Planned]) -> Iterator[Planned]:
    """Let one item stand for all of its event, which several gates may keep."""
    named: dict[str, list[Planned]] = {}
    for one in items:
        named.setdefault(one.entry.name, []).append(one)
    for several in named.values():
        first, *others = sorted(several, key=lambda one: _FIRST.index(one.verdict))
        yield first
        for one in others:
            yield one._replace(verdict=Verdict.SAME, why="")


def _limit(items: Iterable[Planned], most: int | None) -> Iterator[Planned]:
    sent = 0
    for one in items:
        if one.verdict is Verdict.SEND:
            sent += 1
            if most is not None and sent > most:
                one = one._replace(verdict=Verdict.BEYOND_LIMIT)
        yield one
