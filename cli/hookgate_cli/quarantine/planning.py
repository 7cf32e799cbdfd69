"""Planning a replay: the items that are asked for, held against ledgers and policy."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hookgate.ledger.names import replay_ledger
from hookgate.ledger.reading.files import find_ledger
from hookgate.ledger.reading.sieve import MOST_TEXTS, Sieve
from hookgate.ledger.state import state_path
from hookgate.policy import ContractError
from hookgate.quarantine.encryption import OTHER_KEYS, Identities
from hookgate.quarantine.entry import Entry
from hookgate.quarantine.items import Items
from hookgate.quarantine.replay.evidence import UNNEEDED, Evidence
from hookgate.quarantine.replay.items import body_of
from hookgate.quarantine.replay.plan import Asked, Planned, plan
from hookgate.quarantine.replay.session import make_policy
from hookgate.quarantine.store import Store
from hookgate.settings import Config
from hookgate_cli.audit.choosing import find_ledgers
from hookgate_cli.audit.configured import Keys
from hookgate_cli.audit.problems import Problems
from hookgate_cli.audit.reading import reading
from hookgate_cli.audit.wording import count_of
from hookgate_cli.common import err, fail
from hookgate_cli.terminal import printable

from .bar import bar
from .selection import Selection


class Plan(NamedTuple):
    """What is to become of each item, in the order in which they were kept.

    `whole` is False where a part of the ledgers could not be read: it may say that items were
    delivered.
    """

    items: Sequence[Planned]
    whole: bool


class Planner(NamedTuple):
    """What a plan is made by. `file` is the configuration's, None for the usual one; `log` are the
    ledgers to read, None for those of the configuration.
    """

    store: Store
    selection: Selection
    identities: Identities
    asked: Asked
    config: Config
    file: str | None
    log: list[Path] | None
    keys: Keys

    def plan(self) -> Plan:
        """Plan a replay. Exits with 2 where the identity reads nothing. Raises `StoreError`."""
        entries = pick(self.store, self.selection)
        read = _read_evidence(
            entries,
            self.log,
            self.file,
            self.config.audit.path,
            self.keys,
        )
        try:
            policy = make_policy(self.config)
        except ContractError as error:
            fail(str(error))
        items = []
        with bar("planning", len(entries)) as advance:
            made_by = self.identities, read.evidence, policy, self.asked, time.time()
            for one in plan(self.store, entries, *made_by):
                items.append(one)
                advance()
        if items and all(one.why == OTHER_KEYS for one in items):
            fail(f"the identity reads none of {count_of(len(items), 'item')}: each {OTHER_KEYS}")
        return Plan(items, read.whole)


def pick(store: Items, selection: Selection) -> list[Entry]:
    """List the items that are asked for, oldest first, without their records."""
    # Of ten thousand these take 40 MB.
    found = [entry._replace(record=None) for entry in selection.pick(store.entries())]
    return sorted(found, key=lambda entry: entry.kept_at)


def _were_replayed(entries: Sequence[Entry], state: Path) -> bool:
    """Tell whether a replay has ended since the oldest item was kept."""
    try:
        ended = state.stat().st_mtime
    except OSError:
        return False
    return any(entry.kept_at < ended for entry in entries)


class _Read(NamedTuple):
    evidence: Evidence
    whole: bool


def _read_evidence(
    entries: Sequence[Entry], log: list[Path] | None, config: str | None, path: str, keys: Keys
) -> _Read:
    """Read what the ledgers say of items: those of `log`, else that at `path`; and replays'."""
    bodies = set(map(body_of, entries))
    replays = replay_ledger(Path(path))
    own = find_ledger(replays).files
    is_lost = not own and _were_replayed(entries, state_path(replays))
    if is_lost:
        err.print(f"{printable(replays)} is gone, by its state file", soft_wrap=True)
    if not log and not find_ledger(Path(path)).files:
        words = f"audit.path = {printable(path)} is not there: no ledger tells of any item"
        err.print(words, soft_wrap=True)
        if not own:
            return _Read(Evidence((), bodies), not is_lost)
        log = own
    ledger = find_ledgers([*log, *own] if log else None, config)
    problems = Problems(ledger)
    few = 0 < len(bodies) <= MOST_TEXTS and ledger.is_read_by_bytes()
    with reading(ledger, keys, Sieve(bodies, UNNEEDED) if few else None) as lines:
        evidence = Evidence(lines, bodies, problems.note)
    return _Read(evidence, not (problems.any or is_lost))
