"""Policy, ledger and upstream joined, for deliveries to go through."""

import secrets
import time
from collections.abc import Callable

import structlog

from hookgate import __version__
from hookgate.ledger.record import bounded
from hookgate.ledger.writing.journal import Journal
from hookgate.libraries import libraries
from hookgate.near_misses.scoring import NearMisses
from hookgate.policy import Head, Policy
from hookgate.quarantine.claims import Claim
from hookgate.quarantine.keeper import Keeper
from hookgate.settings import Config
from hookgate.upstream.pool import UpstreamPool
from hookgate.upstream.trouble import Troubles

from .compiled import CompiledConfig, compile_config
from .counts import Counts
from .delivery import Delivery
from .faults import log_fault
from .judging import STAGES
from .metrics import Snapshot, take_snapshot
from .state import Desk
from .status import GateStatus, take_status
from .turn import Turn


class Gate:
    """Policy, ledger and upstream joined. Make it inside the event loop that will use it.

    `worker` is its number where there are several, `replaces` how the one before it ended. `boot`
    names this run of it, `counts` is what it and its front count, `desk.compiled` the configuration
    in force, for a front to see whether it is another one. `clock` tells the seconds that ticks go
    by, and never goes back.

    Raises `LedgerError` where the ledger cannot be opened, `ContractError` for a contract and
    ValueError for TLS files that cannot be used.
    """

    def __init__(
        self,
        config: Config,
        front: str,
        log: structlog.BoundLogger,
        *,
        worker: int | None = None,
        replaces: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        compiled = compile_config(config, front)
        self.boot = secrets.token_hex(8)
        self.front = front
        self.log = log
        self._worker = worker
        self._started = time.time()
        self.counts = Counts()
        self.troubles = Troubles(log, self.counts.exchanges)
        self.journal = Journal(config.audit, self.boot, front, log)
        self.turn = Turn(STAGES, self._flush)
        self.desk = Desk(
            self.boot,
            front,
            log,
            self.journal,
            self.counts,
            self.troubles,
            self.turn,
            compiled,
            Keeper(config.quarantine, log, self._release) if config.quarantine.path else None,
            NearMisses(clock()),
        )
        self._clock = clock
        self._retired: list[UpstreamPool] = []
        self.journal.open(
            {
                "version": __version__,
                "policy": self.policy.fingerprint,
                "config": config.digest,
                "libraries": list(libraries(front)),
                "worker": worker,
                "replaces": replaces,
            }
        )

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.desk.compiled.config

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.desk.compiled.policy

    @property
    def upstream(self) -> UpstreamPool:
        """Where deliveries that begin now are sent."""
        return self.desk.compiled.upstream

    def prepare(self, config: Config) -> CompiledConfig:
        """Compile another configuration; nothing changes yet. Raises as `compile_config` does."""
        return compile_config(config, self.front, self.desk.compiled)

    def apply(self, compiled: CompiledConfig) -> None:
        """Go by this from now on; what is upstream already ends by what it was sent by."""
        old, self.desk.compiled = self.desk.compiled, compiled
        if old.upstream is not compiled.upstream:
            old.upstream.retire()
            if old.config.upstream.url != compiled.config.upstream.url:
                self.troubles.end_all()
            self._retired = [u for u in (*self._retired, old.upstream) if u.busy]
        self._record_reload("applied", old, ())

    def record_refused_reload(self, problems: tuple[str, ...]) -> None:
        """Record that a reload was refused, and why; nothing has changed."""
        self._record_reload("refused", self.desk.compiled, problems)

    def _record_reload(self, result: str, old: CompiledConfig, problems: tuple[str, ...]) -> None:
        now = self.desk.compiled
        self.counts.reloads[result] += 1
        fields = {
            "policy": now.policy.fingerprint,
            "config": now.config.digest,
            "old_policy": old.policy.fingerprint,
            "old_config": old.config.digest,
        }
        self.journal.reload(
            {"front": self.front, "result": result, **fields, "errors": bounded(problems)}
        )
        level = self.log.info if result == "applied" else self.log.error
        level(f"gate.reload_{result}", **fields, problems=list(problems))

    def begin(self, peer: str, proxied_for: str | None = None) -> Delivery:
        """Begin the delivery of a request that arrives from this address; `proxied_for` is as in
        `Head`.
        """
        counts = self.counts
        counts.received += 1
        return Delivery(self.desk, counts.received, peer, proxied_for)

    def refuses(self, head: Head) -> bool:
        """Tell whether a head is refused by what is in force, and its body is not wanted."""
        compiled = self.desk.compiled
        decision = compiled.policy.screen(head)
        return decision.finding is not None and not compiled.may_keep(decision)

    def _flush(self) -> bool:
        try:
            return self.journal.flush()
        except Exception as error:  # noqa: BLE001  # fails closed: nothing is sent
            self.log_fault("settle", error)
            return False

    def _release(self, claim: Claim) -> bool:
        """Write that an item is kept no more; False where that cannot be written."""
        return self.journal.released(claim.line)

    def snapshot(self) -> Snapshot:
        """Name everything that this gate counts, as it is now."""
        return take_snapshot(
            self.counts,
            self.journal,
            self.desk.compiled,
            self.troubles.present,
            self.front,
            self.desk.keeper,
        )

    def status(self, pid: int) -> GateStatus:
        """Tell what there is to see of this gate, in this process, beside its counts."""
        return take_status(self._worker, pid, self._started, self.desk)

    def tick(self) -> None:
        """Do the clock's work, once a second. Never raises."""
        try:
            self.journal.tick()
            if self.desk.keeper is not None:
                self.desk.keeper.tick()
            now, near_misses = self._clock(), self.desk.near_misses
            self.troubles.tick(now)
            near_misses.tick(now, self.counts.admitted() if near_misses.is_due(now) else None)
        except Exception as error:  # noqa: BLE001  # the ticks must go on
            self.log_fault("tick", error)

    async def close(self) -> None:
        """Cut off what is under way and write `stop`."""
        await self.close_upstreams()
        self.close_ledger()

    async def close_upstreams(self) -> None:
        """End every exchange under way, as timed out, and what is being kept."""
        self.turn.end_all()
        for upstream in (self.upstream, *self._retired):
            await upstream.close()
        self.turn.end_all()  # what failed may be kept
        if self.desk.keeper is not None:
            await self.desk.keeper.close()
            self.turn.end_all()

    def close_ledger(self) -> None:
        """Write `stop` alone, where there is no event loop any more."""
        received, in_flight = self.counts.received, self.counts.in_flight
        ended = {outcome.value: count for outcome, count in self.counts.outcomes().items()}
        self.journal.close({"received": received, **ended, "in_flight": in_flight})

    def log_fault(self, where: str, error: BaseException) -> None:
        """Log an exception of a front as those of the gate: see `faults.log_fault`."""
        log_fault(self.log, where, error)
