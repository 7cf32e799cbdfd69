"""Policy, ledger and upstream joined, for deliveries to go through."""

import secrets
import time
from dataclasses import dataclass

import structlog

from hookgate import __version__
from hookgate.ledger.privacy import Privacy
from hookgate.ledger.record import bounded
from hookgate.ledger.writing.journal import Journal
from hookgate.libraries import libraries
from hookgate.policy import HEADERS, Policy
from hookgate.settings import Config
from hookgate.upstream.error import Failure
from hookgate.upstream.pool import Upstream
from hookgate.upstream.trouble import Troubles

from .delivery import JUDGING, Delivery
from .metrics import Metrics
from .turn import Turn


@dataclass(frozen=True, slots=True)
class Terms:
    """What a delivery that begins now is judged, recorded and sent by.

    `host` replaces the sender's, where it is not b""; `client_field` is as in `upstream_head`.
    """

    config: Config
    policy: Policy
    privacy: Privacy
    upstream: Upstream
    host: bytes
    client_field: bytes


class Gate:
    """Policy, ledger and upstream joined. Make it inside the event loop that will use it.

    `worker` is its number where there are several, `replaces` how the one before it ended.

    `under_way` counts the deliveries whose head passed and that have not ended, `buffered` the
    bytes of their bodies that a front holds.

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
        self.terms = _make_terms(config, front, None)
        self.boot = secrets.token_hex(8)
        self.front = front
        self.log = log
        self.received = 0
        self.under_way = 0
        self.buffered = 0
        self.metrics = Metrics(self)
        self.troubles = Troubles(log, self.metrics.exchanges)
        self.journal = Journal(config.audit, self.boot, front, log)
        self.turn = Turn(JUDGING, self._settle)
        self._retired: list[Upstream] = []
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
        return _make_terms(config, self.front, self.terms)

    def apply(self, terms: Terms) -> None:
        """Go by these from now on; what is upstream already ends by those it was sent by."""
        old, self.terms = self.terms, terms
        if old.upstream is not terms.upstream:
            old.upstream.retire()
            if old.config.upstream.url != terms.config.upstream.url:
                self.troubles.end_all()
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

    def begin(self, peer: str, proxied_for: str | None = None) -> Delivery:
        """Begin the delivery of a request that arrives from this address; `proxied_for` is as in
        `Head`.
        """
        self.received += 1
        return Delivery(self, self.received, peer, proxied_for)

    def _settle(self) -> bool:
        try:
            return self.journal.flush()
        except Exception as error:  # noqa: BLE001  # fails closed: nothing is sent
            self.log_fault("settle", error)
            return False

    def note_failure(self, failed: Failure, terms: Terms) -> None:
        """The endpoint of these terms gave a delivery no answer."""
        self.metrics.upstream_errors[failed.error.word] += 1
        if terms.upstream is self.upstream:  # else it is another one's trouble by now
            self.troubles.note(failed, terms.config.upstream.url, time.monotonic())

    def tick(self) -> None:
        """To be called once a second."""
        try:
            self.journal.tick()
            self.troubles.tick(time.monotonic())
        except Exception as error:  # noqa: BLE001  # the ticks must go on
            self.log_fault("tick", error)

    async def close(self) -> None:
        """Cut off what is under way and write `stop`."""
        await self.close_upstreams()
        self.close_ledger()

    async def close_upstreams(self) -> None:
        """End every exchange under way, as timed out."""
        self.turn.end_all()
        for upstream in (self.upstream, *self._retired):
            await upstream.close()
        self.turn.end_all()

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


def _make_terms(config: Config, front: str, old: Terms | None) -> Terms:
    unchanged = old is not None and old.config.upstream == config.upstream
    return Terms(
        config,
        Policy(config, libraries(front)),
        Privacy(config.audit.personal_data, config.audit.key),
        old.upstream if old is not None and unchanged else Upstream(config.upstream),
        _upstream_host(config),
        b"" if config.source.header in HEADERS else config.source.header.encode(),
    )


def _upstream_host(config: Config) -> bytes:
    match config.upstream.host:
        case "preserve":
            return b""
        case "upstream":
            return config.upstream.url.partition("://")[2].encode()
        case literal:
            return literal.encode()
