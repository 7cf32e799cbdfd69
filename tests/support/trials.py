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
    names: tuple[str, ...] = ()


BODIES = [
    Body("a" * 64, "r-1", "own-1"),
    Body("b" * 64, "r-1", None),
    Body("c" * 64, None, "own-1"),
    Body("d" * 64, "r-2", "own-1"),
    Body("e" * 64, None, None, ("m-1", "r-2")),
    Body("f" * 64, "a" * 64, None),
]
FORWARDED = ("clean", "upstream_rejected", "upstream_timeout")
# The gate is killed, or forwards and can make no full record of what came of it.
CRIPPLED = ("killed", "bare", "bare fault")
ENDS = [
    *FORWARDED, *CRIPPLED, "contract_violation", "duplicate_key", "body_timeout",
    "fault",  # before the event was read
]  # fmt: skip


START, NOW = 1_795_348_800, 45
# By the seconds since then; the last is in the future.
TIMES: dict[int | None, str | None] = {
    None: None,
    **{at: f"2026-11-22T12:00:{at:02}.000000Z" for at in (1, 10, 30, 50)},
}


class Request(NamedTuple):
    """One attempt, how it ends and how many requests later, by which rule, and at which second.

    `keeping` says what its lines tell of a quarantine: `KEEPING` has what.
    """

    body: Body
    end: str
    later: int
    rule: str
    at: int | None
    keeping: str = ""

    @property
    def is_release(self) -> bool:
        return self.end == "released"

    @property
    def is_replay(self) -> bool:
        return self.keeping == "replay" and self.end != "body_timeout"

    @property
    def is_try(self) -> bool:
        return not (self.is_release or self.is_replay)

    @property
    def kept(self) -> str | None:
        """The stored file that its line names."""
        is_told = self.end in ("contract_violation", "duplicate_key") or self.is_release
        return (
            self.body.sha256[:1] + self.keeping[-1]
            if is_told and self.keeping[-1:].isdigit()
            else None
        )

    @property
    def is_custody(self) -> bool:
        return self.kept is not None and self.keeping.startswith("custody") and not self.is_release

    @property
    def is_at_an_event(self) -> bool:
        return self.end not in ("body_timeout", "released")

    def is_at(self, sha256: str) -> bool:
        return self.is_at_an_event and self.body.sha256 == sha256

    @property
    def tells_rule(self) -> bool:
        return self.end in ("upstream_rejected", "contract_violation", "duplicate_key")

    @property
    def names(self) -> set[str]:
        """What its lines tell of the event, but the request_id."""
        body, told = self.body, self.end not in (*CRIPPLED, "fault", "body_timeout")
        names = {body.sha256} if self.is_at_an_event else set()
        if told or self.end in CRIPPLED:
            names |= {body.reference or body.sha256}
        if told:
            names |= {body.event_reference or body.sha256, *body.names}
        return names

    @property
    def fate(self) -> Fate:
        if self.end in ("clean", "bare"):
            return Fate.DELIVERED
        return Fate.UNKNOWN if self.end in ("killed", "upstream_timeout") else Fate.UNDELIVERED

    def lines(self, number: int) -> list[tuple[int, Record]]:
        """Its lines, each with its place among those of all."""
        body, end = self.body, self.end
        about: Record = {name: value for name, value in body._asdict().items() if name != "names"}
        more: Record = {"names": [*body.names]} if body.names else {}
        when: Record = {"ts": TIMES[self.at]}
        begun = forward(number, reference=body.reference, sha256=body.sha256, **when)
        replay: Record = (
            {"replay_of": "b0-1", "actor": "ada", "why": "mended"} if self.is_replay else {}
        )
        begun |= replay
        made = [(number * 10, begun)] if end in (*FORWARDED, *CRIPPLED) else []
        if self.is_release:
            cause = self.keeping.rstrip("0123456789")
            gone = {"event": "released", "ts": when["ts"], "boot": "b0", "front": "sidecar"}
            gone |= {"cause": cause, "kept": self.kept, "sha256": body.sha256}
            return [((number + self.later) * 10 + 1, gone)]
        rule: Record = {"retry": self.rule} if self.rule else {"route": "own.json"}
        kept: Record = {"kept": self.kept} if self.kept is not None else {}
        kept |= {"custody": True} if self.is_custody else {}
        told = {**about, **more, **rule, **when, **replay, **kept}
        ended = delivery(number, end, client="192.0.2.1", **told)
        if end in CRIPPLED:
            ended = {name: begun[name] for name in ("ts", "boot", "seq", "request_id")}
            ended |= {"event": "delivery", "outcome": "failed", "reason": "gate_error"}
            ended |= {"outcome": "delivered", "reason": "clean"} if end == "bare" else {}
        elif end == "fault":
            fault = {"outcome": "failed", "sha256": body.sha256, **replay}
            ended = delivery(number, "gate_error", **fault, **when)
        elif end == "body_timeout":
            ended = delivery(number, end, client="192.0.2.1", **when)
        return made if end == "killed" else [*made, ((number + self.later) * 10 + 1, ended)]


_BODY, _LATER = st.sampled_from(BODIES), st.integers(0, 4)
_RULE = st.sampled_from(["3 tries", "3 tries", "", "40s", "3 tries, 20s"])
_AT = st.sampled_from([*TIMES])
ATTEMPTS = st.builds(Request, _BODY, st.sampled_from(ENDS), _LATER, _RULE, _AT)
REQUESTS = st.lists(ATTEMPTS, max_size=14)
# Of two stored files of each body: attempts that are kept, with custody or without, and releases.
KEEPING = ["", "kept1", "kept2", "custody1", "custody2", "replay"]
KEPT = st.builds(
    Request, _BODY, st.sampled_from(ENDS), _LATER, _RULE, _AT, st.sampled_from(KEEPING)
)
CAUSES = ["replayed", "delivered", "expired", "purged"]
RELEASES = st.builds(
    Request, _BODY, st.just("released"), _LATER, st.just(""), _AT,
    st.sampled_from([cause + number for cause in CAUSES for number in "12"]),
)  # fmt: skip


# Half of them are about two bodies, so that lines meet.
KEPT_REQUESTS = st.lists(KEPT | RELEASES, max_size=14) | st.lists(
    (KEPT | RELEASES).map(lambda one: one._replace(body=BODIES[ord(one.body.sha256[0]) % 2])),
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
        if name not in RARE or name in record
    }
    whole |= {"n": n, "prev": f"{n:064x}"}
    return json.dumps(whole, separators=(",", ":")).encode() + b"\n"
