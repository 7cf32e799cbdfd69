"""Requests of any kind, tried again and again, and the lines that a gate writes of them."""

import json
from typing import NamedTuple

from hypothesis import strategies as st

from hookgate.ledger.audit.fate import Fate
from hookgate.ledger.members import FORMS, TEXTS
from hookgate.ledger.record import FIELDS, RARE

from .lines import Record, delivery, forward


class Body(NamedTuple):
    """What is sent, again and again."""

    sha256: str
    reference: str | None
    event_reference: str | None


BODIES = [
    Body("a" * 64, "r-1", "own-1"),
    Body("b" * 64, "r-1", None),
    Body("c" * 64, None, "own-1"),
    Body("d" * 64, "r-2", "own-1"),
    Body("e" * 64, None, None),
    Body("f" * 64, "a" * 64, None),
]
FORWARDED = ("clean", "upstream_rejected", "upstream_timeout")
# The gate is killed, or forwards and can make no full record of what came of it.
CRIPPLED = ("killed", "bare", "bare fault")
ENDS = [
    *FORWARDED, *CRIPPLED, "contract_violation", "duplicate_key", "body_timeout",
    "fault",  # before the event was read
]  # fmt: skip


class Request(NamedTuple):
    """One attempt, how it ends, and how many requests later."""

    body: Body
    end: str
    later: int

    @property
    def is_at_an_event(self) -> bool:
        return self.end != "body_timeout"

    @property
    def names(self) -> set[str]:
        """What its lines tell of the event, but the request_id."""
        body, told = self.body, self.end not in (*CRIPPLED, "fault", "body_timeout")
        names = {body.sha256} if self.is_at_an_event else set()
        if told or self.end in CRIPPLED:
            names |= {body.reference or body.sha256}
        if told:
            names |= {body.event_reference or body.sha256}
        return names

    @property
    def fate(self) -> Fate:
        if self.end in ("clean", "bare"):
            return Fate.DELIVERED
        return Fate.UNKNOWN if self.end in ("killed", "upstream_timeout") else Fate.UNDELIVERED

    def lines(self, number: int) -> list[tuple[int, Record]]:
        """Its lines, each with its place among those of all."""
        body, end = self.body, self.end
        about = body._asdict()
        begun = forward(number, reference=body.reference, sha256=body.sha256)
        made = [(number * 10, begun)] if end in (*FORWARDED, *CRIPPLED) else []
        ended = delivery(number, end, client="192.0.2.1", **about)
        if end in CRIPPLED:
            ended = {name: begun[name] for name in ("ts", "boot", "seq", "request_id")}
            ended |= {"event": "delivery", "outcome": "failed", "reason": "gate_error"}
            ended |= {"outcome": "delivered", "reason": "clean"} if end == "bare" else {}
        elif end == "fault":
            ended = delivery(number, "gate_error", outcome="failed", sha256=body.sha256)
        elif end == "body_timeout":
            ended = delivery(number, end, client="192.0.2.1")
        return made if end == "killed" else [*made, ((number + self.later) * 10 + 1, ended)]


REQUESTS = st.lists(
    st.builds(Request, st.sampled_from(BODIES), st.sampled_from(ENDS), st.integers(0, 4)),
    max_size=14,
)


def placed(requests: list[Request]) -> list[Record]:
    """The lines of all of them, in the order in which they are written."""
    lines = [line for number, request in enumerate(requests, 1) for line in request.lines(number)]
    return [record for _, record in sorted(lines, key=lambda line: line[0])]


def as_written(record: Record, n: int) -> bytes:
    """A line as a gate writes it; what was forwarded and cannot be recorded whole is short."""
    if record["event"] == "delivery" and "client" not in record and "front" not in record:
        return json.dumps(record, separators=(",", ":")).encode() + b"\n"
    whole = {
        name: record.get(name, [] if FORMS[name] is TEXTS else None)
        for name in FIELDS[record["event"]]
        if name not in RARE
    }
    whole |= {"n": n, "prev": f"{n:064x}"}
    return json.dumps(whole, separators=(",", ":")).encode() + b"\n"
