"""Policy, ledger and upstream joined, for deliveries to go through."""

import asyncio
import secrets
from dataclasses import dataclass

import structlog

from . import __version__
from .delivery import JUDGING, Delivery
from .ledger.journal import Journal
from .ledger.privacy import Privacy
from .ledger.record import bounded
from .metrics import Metrics
from .policy import Policy, Reason
from .response import Response
from .settings import Config
from .upstream import Upstream


@dataclass(frozen=True, slots=True)
class Terms:
    """What a delivery that begins now is judged, recorded and sent by."""

    config: Config
    policy: Policy
    privacy: Privacy
    upstream: Upstream
    host: bytes


class Gate:
    """Policy, ledger and upstream joined. Make it inside the event loop that will use it.

    `worker` is its number where there are several, `replaces` how the one before it ended.

    `under_way` counts the deliveries whose head passed and that have not ended. `to_send` and
    `to_answer` are those that wait for their lines to be written.

    Raises `LedgerError` where the ledger cannot be opened.
    """

    def __init__(
        self,
        config: Config,
        front: str,
        log: structlog.BoundLogger,
        *,
        worker: int | None = None,
        replaces: str | None = None,
    ) -> None:
        self.terms = _make_terms(config, None)
        self.boot = secrets.token_hex(8)
        self.front = front
        self.log = log
        self.received = 0
        self.under_way = 0
        self.metrics = Metrics(self)
        self.journal = Journal(config.audit, self.boot, front, log)
        self._loop = asyncio.get_running_loop()
        self._turn_ends = False
        self._to_judge: list[Delivery] = []
        self._to_conclude: list[tuple[Delivery, Response | Reason]] = []
        self.to_send: list[Delivery] = []
        self.to_answer: list[Delivery] = []
        self._retired: list[Upstream] = []
        self.journal.open(
            {
                "version": __version__,
                "policy": self.policy.fingerprint,
                "config": config.digest,
                "worker": worker,
                "replaces": replaces,
            }
        )

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.terms.config

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.terms.policy

    @property
    def upstream(self) -> Upstream:
        """Where deliveries that begin now are sent."""
        return self.terms.upstream

    def prepare(self, config: Config) -> Terms:
        """Compile another configuration; nothing changes yet. Raises ValueError."""
        return _make_terms(config, self.terms)

    def apply(self, terms: Terms) -> None:
        """Go by these from now on; deliveries under way end by those they began with."""
        old, self.terms = self.terms, terms
        if old.upstream is not terms.upstream:
            old.upstream.retire()
            self._retired = [u for u in (*self._retired, old.upstream) if u.busy]
        self._record_reload("applied", old, ())

    def keep(self, problems: tuple[str, ...]) -> None:
        """Record that a reload was refused, and why; nothing has changed."""
        self._record_reload("refused", self.terms, problems)

    def _record_reload(self, result: str, old: Terms, problems: tuple[str, ...]) -> None:
        now = self.terms
        self.metrics.reloads[result] += 1
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

    @property
    def in_flight(self) -> int:
        """Deliveries that began and have not ended."""
        return self.received - sum(self.metrics.outcomes().values())

    def begin(self, peer: str) -> Delivery:
        """A request began to arrive from this address."""
        self.received += 1
        return Delivery(self, self.received, peer)

    def judge_soon(self, delivery: Delivery) -> None:
        """Its body is complete."""
        self._to_judge.append(delivery)
        if not self._turn_ends:
            self._end_turn_soon()

    def conclude_soon(self, delivery: Delivery, result: Response | Reason) -> None:
        """Its upstream answered, or did not."""
        self._to_conclude.append((delivery, result))
        if not self._turn_ends:
            self._end_turn_soon()

    def _end_turn_soon(self) -> None:
        self._turn_ends = True
        self._loop.call_soon(self.end_turn)

    def end_turn(self) -> None:
        """Take what came in one turn of the event loop through each stage together.

        One after the other from end to end they took a sixth more: each found the processor's
        caches filled by what the one before had done last.
        """
        self._turn_ends = False
        to_judge, self._to_judge = self._to_judge, []
        for delivery in to_judge:
            if delivery.ended:  # the sender left within the turn
                delivery.give()
        for stage in JUDGING:
            for delivery in to_judge:
                if delivery.ended:
                    continue
                try:
                    stage(delivery)
                except Exception as error:  # noqa: BLE001  # fails closed
                    delivery.fail("deliver", error)
        to_conclude, self._to_conclude = self._to_conclude, []
        for delivery, result in to_conclude:
            delivery.conclude(result)
        to_send, self.to_send = self.to_send, []
        to_answer, self.to_answer = self.to_answer, []
        written = self._settle()
        for delivery in to_send:
            delivery.send(written=written)
        for delivery in to_answer:
            delivery.give()

    def _settle(self) -> bool:
        try:
            return self.journal.settle()
        except Exception as error:  # noqa: BLE001  # fails closed: nothing is sent
            self.log_fault("settle", error)
            return False

    def tick(self) -> None:
        """To be called once a second."""
        try:
            self.journal.tick()
        except Exception as error:  # noqa: BLE001  # the ticks must go on
            self.log_fault("tick", error)

    async def close(self) -> None:
        """Cut off what is under way and write `stop`."""
        await self.close_upstreams()
        self.close_ledger()

    async def close_upstreams(self) -> None:
        """End every exchange under way, as timed out."""
        self.end_turn()
        for upstream in (self.upstream, *self._retired):
            await upstream.close()
        self.end_turn()

    def close_ledger(self) -> None:
        """Write `stop` alone, where there is no event loop any more."""
        counts = {outcome.value: count for outcome, count in self.metrics.outcomes().items()}
        self.journal.close({"received": self.received, **counts, "in_flight": self.in_flight})

    def log_fault(self, where: str, error: BaseException) -> None:
        """Log an exception by its type and place: its message may hold a sender's value."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        code = trace.tb_frame.f_code if trace is not None else None
        self.log.error(
            "gate.fault",
            where=where,
            error=type(error).__name__,
            function=code.co_qualname if code is not None else "",
            line=trace.tb_lineno if trace is not None else 0,
        )


def _make_terms(config: Config, old: Terms | None) -> Terms:
    unchanged = old is not None and old.config.upstream == config.upstream
    return Terms(
        config,
        Policy(config),
        Privacy(config.audit.personal_data, config.audit.key),
        old.upstream if old is not None and unchanged else Upstream(config.upstream),
        _upstream_host(config),
    )


def _upstream_host(config: Config) -> bytes:
    match config.upstream.host:
        case "preserve":
            return b""
        case "upstream":
            return config.upstream.url.partition("://")[2].encode()
        case literal:
            return literal.encode()
