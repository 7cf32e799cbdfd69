"""A gate of one's own for what leaves the quarantine, and the lines that say so."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import structlog

from hookgate.files import give_to_folders_owner
from hookgate.gate.gate import Gate
from hookgate.gate.judging import screen_head
from hookgate.gate.state import DeliveryState, Screened
from hookgate.ledger.names import replay_ledger
from hookgate.ledger.state import state_path
from hookgate.libraries import libraries
from hookgate.policy.rejudging import FormerHead, Rejudging
from hookgate.quarantine.claims import Claim
from hookgate.quarantine.entry import Entry
from hookgate.quarantine.error import StoreError
from hookgate.quarantine.items import Items
from hookgate.settings import Config

FRONT = "replay"
_FIELD = "X-Hookgate-Replay"
# So many stale claims are settled at a time.
_TOGETHER = 32
T = TypeVar("T")


def make_policy(config: Config) -> Rejudging:
    """Make the policy that replays judge by. Raises `ContractError`."""
    return Rejudging(config, libraries(FRONT))


@contextlib.asynccontextmanager
async def opened_gate(config: Config, log: structlog.BoundLogger) -> AsyncIterator[Gate]:
    """Open a gate with a ledger beside that of the configuration, for the block. Raises as `Gate`;
    `LedgerError` also where another process replays.
    """
    audit = replace(config.audit, path=str(replay_ledger(Path(config.audit.path))))
    quarantine = replace(config.quarantine, path="")
    gate = Gate(replace(config, audit=audit, quarantine=quarantine), FRONT, log)
    gate.desk.compiled = replace(gate.desk.compiled, policy=make_policy(config))
    files = Path(audit.path), state_path(Path(audit.path))
    give_to_folders_owner(*files)
    ticking = asyncio.create_task(_tick(gate))
    try:
        yield gate
    finally:
        ticking.cancel()
        await gate.close()
        give_to_folders_owner(*files)  # the state file is another one each time


async def _tick(gate: Gate) -> None:
    while True:
        await asyncio.sleep(1)
        gate.tick()


def screen(delivery: DeliveryState, head: FormerHead, request_id: str) -> Screened:
    """Decide on the head of what is sent again, whose first `request_id` goes with it. May raise.

    Nobody waits for the endpoint's own answer.
    """
    screened = screen_head(delivery, head)
    if screened.upstream_head is None:
        return screened
    told = f"{_FIELD}: {request_id}\r\n".encode()
    return replace(screened, upstream_head=screened.upstream_head + told, relays=False)


class Leaving(NamedTuple):
    """An item that is to leave, for a cause: as it was seen, if its record is there too. `kept` is
    the SHA-256 of its file, "" for any.
    """

    entry: Entry
    cause: str
    kept: str = ""


class Releases:
    """Claim items, record that they leave, and drop them, once the lines that say so are durable.

    `told` is what each line says beside. `released` counts those that left, `remaining` those that
    could not: they are there, to be released another time. `problem` is the last that was met, in
    words.
    """

    def __init__(self, store: Items, gate: Gate, told: dict[str, str]) -> None:
        self.released = 0
        self.remaining = 0
        self.problem = ""
        self._store = store
        self._gate = gate
        self._told = told

    async def release(self, leaving: Sequence[Leaving]) -> None:
        """Release items; those that somebody else has released meanwhile are passed over."""
        await self._settle(await asyncio.to_thread(self._claim, leaving), self._told)

    async def settle_stale(self) -> None:
        """Record and drop what processes had claimed that ended before they could."""
        stale = self._store.stale_claims()
        while claims := await asyncio.to_thread(self._take, stale):
            await self._settle(claims, {})

    async def _settle(self, claims: Sequence[Claim], told: dict[str, str]) -> None:
        if not claims:
            return
        written = [self._record(claim, told) for claim in claims]
        durable = self._gate.journal.sync()
        ends = list(zip(claims, [one and durable for one in written], strict=True))
        await asyncio.to_thread(self._end, ends)

    def _take(self, stale: Iterator[Claim]) -> list[Claim]:
        """Take over some claims: each is a file that is open until it is settled."""
        claims: list[Claim] = []
        while len(claims) < _TOGETHER:
            claim = self._try(partial(next, stale, None))
            if claim is None:
                break
            claims.append(claim)
        return claims

    def _record(self, claim: Claim, told: dict[str, str]) -> bool:
        return self._gate.journal.released({**claim.line, **told})

    def _claim(self, leaving: Sequence[Leaving]) -> list[Claim]:
        claims = []
        for entry, cause, kept in leaving:
            claim = self._try(partial(self._claim_one, entry, cause))
            if claim is not None and kept not in ("", claim.kept):
                self._try(partial(self._store.restore, claim))
                self._note("the item is another by now")
            elif claim is not None:
                claims.append(claim)
        return claims

    def _claim_one(self, entry: Entry, cause: str) -> Claim | None:
        # A replay has no records in memory; what it delivered may go whatever befell its record.
        seen = entry if entry.record is not None else self._store.look_again(entry)
        claim = self._store.claim(seen, cause) if seen is not None else None
        if claim is None and self._store.look_again(entry) is not None:
            self._note("the item was changed meanwhile")
        return claim

    def _end(self, ends: Sequence[tuple[Claim, bool]]) -> None:
        for claim, recorded in ends:
            if not recorded:
                self._note("the ledger cannot be written")
                self._try(partial(self._store.restore, claim))
            else:
                self.released += 1
                self._try(partial(self._store.drop, claim))

    def _try(self, act: Callable[[], T]) -> T | None:
        try:
            return act()
        except StoreError as error:
            self._note(str(error))
            return None

    def _note(self, problem: str) -> None:
        self.remaining += 1
        self.problem = problem
