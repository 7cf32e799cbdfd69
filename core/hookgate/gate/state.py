"""What is known of one delivery, and what all of one gate share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic, perf_counter
from typing import NamedTuple

import structlog

from hookgate.ledger.record import Ending, Record, begin_record, head_fields
from hookgate.ledger.writing.journal import Journal
from hookgate.near_misses.scoring import NearMisses, Suspect
from hookgate.policy import Decision, Head, Origin
from hookgate.quarantine.keeper import Keeper, Kept
from hookgate.signing.repeats import SeenIds
from hookgate.upstream.error import Failure
from hookgate.upstream.response import Response
from hookgate.upstream.trouble import Troubles

from .answer import BARE_FAILURE, Answer
from .compiled import CompiledConfig
from .counts import Counts
from .turn import Turn
from .undelivered import Undelivered
from .varying import Varying

Done = Callable[[Answer], None]

_MOST_IDS = 16_384


@dataclass(slots=True)
class Desk:
    """What the deliveries of one gate work with. `compiled` is what is in force: it alone changes,
    by a reload. `keeper` keeps what goes to the quarantine, None where nothing does.
    """

    boot: str
    front: str
    log: structlog.BoundLogger
    journal: Journal
    counts: Counts
    troubles: Troubles
    turn: Turn["DeliveryState"]
    compiled: CompiledConfig
    keeper: Keeper | None
    near_misses: NearMisses
    undelivered: Undelivered = field(default_factory=Undelivered)
    signed_ids: SeenIds = field(default_factory=lambda: SeenIds(_MOST_IDS))

    def note_failure(self, failed: Failure, compiled: CompiledConfig) -> None:
        """Note that the endpoint of this configuration gave a delivery no answer."""
        self.counts.upstream_errors[failed.error.word] += 1
        if compiled.upstream is self.compiled.upstream:  # else it is another one's trouble by now
            self.troubles.note(failed, compiled.config.upstream.url, monotonic())


@dataclass(frozen=True, slots=True)
class Screened:
    """What a configuration made of a head; where it passed, also what follows from it: `relays`
    says that its route's senders get the endpoint's own 2xx. `keeps` says that it was refused, and
    that its body is wanted all the same, to be kept. `suspect` is there where it may be a near
    miss.

    It serves for every request with the same head from the same sender, but for values that nothing
    goes by, where it is `varying`.
    """

    compiled: CompiledConfig
    decision: Decision
    upstream_head: bytes | None = None
    head_fields: Record | None = None
    relays: bool = False
    keeps: bool = False
    varying: Varying | None = None
    suspect: Suspect | None = None

    @property
    def wants_body(self) -> bool:
        """Whether the body is to be read."""
        return self.decision.finding is None or self.keeps


class Keeping(NamedTuple):
    """Hold how a delivery ends and is answered, once its body is kept or cannot be."""

    ending: Ending
    answer: Answer | None


class DeliveryState:
    """What is known of one delivery.

    `request_id` is unique over all boots. `size` is how many bytes of body came, `held` how many of
    them the front counted in `Counts.buffered`, which its end takes off. `under_way` says that its
    head passed and it is counted so, `relays` that it went upstream and its sender gets the
    endpoint's own 2xx, `gone` that the sender is not there to be answered, `ended` that its record
    is made. `values` are its own where `screened` is varying. `keeping` is there from when its body
    goes to the quarantine; `replayed` is what its lines say of who has it sent again.

    `began`, `complete_at` and `forwarded_at` are times of `perf_counter`, 0 before they came;
    `upstream_took` is in seconds, None without an exchange.
    """

    __slots__ = (
        "answer",
        "began",
        "body",
        "compiled",
        "complete_at",
        "decision",
        "desk",
        "done",
        "ended",
        "forwarded_at",
        "gone",
        "held",
        "keeping",
        "peer",
        "proxied_for",
        "record",
        "relays",
        "replayed",
        "request_id",
        "screened",
        "seq",
        "sha256",
        "size",
        "under_way",
        "upstream_took",
        "values",
    )

    def __init__(self, desk: Desk, seq: int, peer: str, proxied_for: str | None) -> None:
        self.desk = desk
        self.compiled = desk.compiled
        self.seq = seq
        self.peer = peer
        self.proxied_for = proxied_for
        self.request_id = f"{desk.boot}-{seq}"
        self.screened: Screened | None = None
        self.values: Sequence[bytes] = ()
        self.began = perf_counter()
        self.held = 0
        self.size = 0
        self.body: bytes | None = None
        self.complete_at = 0.0
        self.decision: Decision | None = None
        self.sha256: str | None = None
        self.record: Record | None = None
        self.forwarded_at = 0.0
        self.upstream_took: float | None = None
        self.done: Done | None = None
        self.answer = BARE_FAILURE
        self.under_way = False
        self.relays = False
        self.ended = False
        self.gone = False
        self.keeping: Keeping | None = None
        self.replayed: Record | None = None

    @property
    def head(self) -> Head | None:
        """Its head as it came, None before it was screened; others may share `decision.head`."""
        screened = self.screened
        if screened is None:
            return None
        head, varying = screened.decision.head, screened.varying
        return head if varying is None else varying.head(head, self.values)

    @property
    def forwarded(self) -> bool:
        """Whether it went upstream."""
        return self.forwarded_at > 0

    @property
    def committed(self) -> bool:
        """Whether it went upstream or to the quarantine: from then on it runs to its end, whoever
        leaves.
        """
        return self.forwarded_at > 0 or self.keeping is not None

    @property
    def foreign(self) -> bool:
        """Whether its client is not known to be allowed: then neither a full record nor a full
        answer is owed.
        """
        decision = self.decision
        origin = self._known_origin() if decision is None else decision.origin
        return origin is None or origin.finding is not None

    def on_response(self, result: Response | Failure) -> None:
        """Have it concluded in this turn; called by the upstream."""
        self.upstream_took = perf_counter() - self.forwarded_at
        turn = self.desk.turn
        turn.to_conclude.append((self, result))
        if not turn.ending:
            turn.end_soon()

    def on_kept(self, kept: Kept) -> None:
        """Have it concluded in this turn; called by the keeper."""
        turn = self.desk.turn
        turn.to_conclude.append((self, kept))
        if not turn.ending:
            turn.end_soon()

    def begin_record(self) -> Record:
        """Make its record, with all that is known before its end."""
        decision, screened = self.decision, self.screened
        known = screened.head_fields if screened is not None else None
        record = begin_record(known or self.head_fields(decision), decision, self.compiled.privacy)
        if self.replayed is not None:
            record |= self.replayed
        return record

    def head_fields(self, decision: Decision | None) -> Record:
        """Make what is recorded of its head; None is one that was never read."""
        desk, policy = self.desk, self.compiled.policy
        origin = self._known_origin() if decision is None else decision.origin
        return head_fields(decision, origin, self.peer, desk.boot, desk.front, policy.fingerprint)

    def _known_origin(self) -> Origin | None:
        return self.compiled.policy.known_origin(self.peer, self.proxied_for)
