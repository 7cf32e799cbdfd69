"""Synthetic ledgers: deliveries, retries, losses, refusals and sums of them, a crash, a chain."""

import json
import random
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from hookgate.ledger.record import FIELDS, RARE

WORKERS = 2
ASKED = 10_000
DAYS = 30
_BEGAN = 1_766_000_000
# What the boots' names end in; before it is what their requests are told apart by.
_RUN = "e4c1a90b7d"

# What differs from one delivery to the next; the rest of its line is made once.
_VARYING = (
    "ts", "seq", "request_id", "client", "sha256", "reference", "event_reference", "duration_ms",
    "upstream_ms", "n", "prev",
)  # fmt: skip
_COMMON: dict[str, Any] = {
    "event": "delivery", "front": "sidecar", "answered": True, "peer": "31.169.56.1",
    "method": "POST", "path": "/webhooks/cm", "route": "default", "bytes": 412,
    "content_type": "application/json", "from": "***678", "to": "***611",
    "time_utc": "2025-09-03T08:00:05", "policy": "9f2c51d07a6be340", "observed": [], "unknown": 0,
    "unknown_in": [], "errors": [],
}  # fmt: skip


class Case(NamedTuple):
    """One way for a request to end, and of how many in a thousand."""

    weight: int
    outcome: str
    reason: str
    status: int
    upstream_status: int | None
    channel: str | None
    event_type: str | None
    more: dict[str, Any] = {}  # noqa: RUF012  # never changed

    @property
    def is_forwarded(self) -> bool:
        """Whether it reached the endpoint, so that it has a `forward` line."""
        return self.outcome == "delivered" or self.reason.startswith("upstream_")


_CASES = (
    Case(520, "delivered", "clean", 200, 200, "RCS", "Delivered"),
    Case(250, "delivered", "clean", 200, 200, "WhatsApp", "Read"),
    Case(90, "delivered", "clean", 200, 202, "RCS", "SuggestionClick"),
    Case(10, "delivered", "clean", 200, 200, "RCS", "Typing",
         {"unknown": 2, "unknown_in": ["/", "/event"]}),
    Case(20, "failed", "upstream_rejected", 500, 500, "RCS", "Delivered"),
    Case(10, "failed", "upstream_timeout", 504, None, "WhatsApp", "Read"),
    Case(15, "refused", "contract_violation", 422, None, "RCS", "Delivered",
         {"errors": ["/event/type: not one of the known types"]}),
    Case(5, "refused", "malformed_json", 400, None, None, None),
    Case(80, "refused", "source_not_allowed", 403, None, None, None,
         {"answered": False, "bytes": 0, "peer": "203.0.113.7"}),
)  # fmt: skip
_PICKED = [number for number, case in enumerate(_CASES) for _ in range(case.weight)]
_LAG = 3
_RETRIED_AFTER = 2000


class Made(NamedTuple):
    """What was made: requests counted by outcome and reason, and references to ask `fate` for."""

    counts: Counter[tuple[str, str]]
    references: list[str]


class _Boot:
    """One run of a worker, which writes lines whose chain holds."""

    def __init__(self, name: str, write: Callable[[bytes], object]) -> None:
        self.name = name
        self.tag = name.removesuffix(_RUN)
        self.lines = 0
        self.counts: Counter[tuple[str, str]] = Counter()
        self._write = write
        self.prev = ""
        self._templates = [_template(name, case) for case in _CASES]

    def put(self, kind: str, **fields: Any) -> None:
        """Write a record of any kind."""
        chained = {"n": self.lines + 1, "prev": self.prev}
        record = {"event": kind, "boot": self.name, "front": "sidecar", **chained, **fields}
        text = json.dumps({name: record.get(name) for name in FIELDS[kind]}, separators=(",", ":"))
        self._line(text.encode())

    def forward(self, ts: str, seq: int, request: str, reference: str, digest: str) -> None:
        """Write a `forward` line; all but `seq` are JSON already."""
        self._line(
            (
                f'{{"event":"forward","ts":{ts},"boot":"{self.name}","seq":{seq},'
                f'"request_id":{request},"reference":{reference},"sha256":{digest},'
                f'"n":{self.lines + 1},"prev":"{self.prev}"}}'
            ).encode()
        )

    def delivery(self, number: int, *varying: Any) -> None:
        """Write a `delivery` line of the numbered case, with the values of `_VARYING` as JSON."""
        chained = self.lines + 1, f'"{self.prev}"'
        self._line((self._templates[number] % (*varying, *chained)).encode())
        case = _CASES[number]
        self.counts[case.outcome, case.reason] += 1

    def _line(self, data: bytes) -> None:
        self.prev = sha256(data).hexdigest()
        self._write(data + b"\n")
        self.lines += 1


def _spell(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _template(boot: str, case: Case) -> str:
    fields = {
        **_COMMON, "boot": boot, "outcome": case.outcome, "reason": case.reason,
        "status": case.status, "upstream_status": case.upstream_status,
        "channel": case.channel, "event_type": case.event_type, **case.more,
    }  # fmt: skip
    assert tuple(name for name in FIELDS["delivery"] if name in _VARYING) == _VARYING
    members = (
        f'"{name}":' + ("%s" if name in _VARYING else _spell(fields.get(name)).replace("%", "%%"))
        for name in FIELDS["delivery"]
        if name not in RARE
    )
    return "{" + ",".join(members) + "}"


def make(path: Path, worker: int, lines: int) -> Made:
    """Write one worker's ledger of about `lines` lines: two boots, the first ended by a crash."""
    rng = random.Random(worker)
    counts: Counter[tuple[str, str]] = Counter()
    references: list[str] = []
    with path.open("wb", buffering=1 << 20) as file:
        previous = ""
        for half in range(2):
            boot = _Boot(f"{worker}{half}{_RUN}", file.write)
            _run(boot, rng, half * lines // 2, lines, references, previous)
            counts += boot.counts
            previous = boot.prev
    return Made(counts, references)


def _run(
    boot: _Boot, rng: random.Random, done: int, lines: int, references: list[str], previous: str
) -> None:
    pace = DAYS * 86_400 / lines
    retries: deque[tuple[int, int, str, int]] = deque()
    in_flight: deque[tuple[Any, ...]] = deque()
    seq = 0

    def now() -> str:
        second, part = divmod(int((done + boot.lines) * pace * 1e6), 1_000_000)
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(_BEGAN + second)) + f".{part:06d}Z"

    crashes = done == 0
    about = {"version": "0.1.0", "policy": "9f2c51d07a6be340", "config": "51c0e1f2a9d84b37"}
    boot.put("start", ts=now(), **about, previous_line=previous)
    while boot.lines < lines // 2:
        seq += 1
        attempt = 1
        if retries and retries[0][0] <= seq:
            _, attempt, reference, number = retries.popleft()
            if _CASES[number].outcome == "failed" and rng.random() < 0.8:
                number = 0
        else:
            number = _PICKED[int(rng.random() * 1000)]
            reference = f'"{rng.getrandbits(32):08x}-cf77-424a-9ea9-{boot.tag}{seq:010x}"'
            if seq % max(1, lines // ASKED) == 0:
                references.append(reference)
        case = _CASES[number]
        request = f'"{boot.tag}{seq:014x}"'
        # Of whoever is refused for its address no body is read.
        is_read = case.reason != "source_not_allowed"
        digest = f'"{sha256(reference.encode()).hexdigest()}"' if is_read else "null"
        ts = f'"{now()}"'
        if case.channel is None:
            client, reference = f'"203.0.{rng.getrandbits(8)}.{rng.getrandbits(8)}"', "null"
            own = upstream_ms = "null"
            ms = 0.02 + rng.random() / 10
        else:
            client = f'"31.169.56.{1 + seq % 40}"'
            own = f'"{seq:032x}"'
            ms = rng.lognormvariate(2.5, 0.8)
            upstream_ms = f"{ms:.3f}" if case.upstream_status else "null"
            if case.outcome != "delivered" and attempt < 3:
                retries.append((seq + _RETRIED_AFTER, attempt + 1, reference, number))
        if case.is_forwarded:
            boot.forward(ts, seq, request, reference, digest)
        in_flight.append(
            (
                number,
                ts,
                seq,
                request,
                client,
                digest,
                reference,
                own,
                f"{ms + 0.3:.3f}",
                upstream_ms,
            )
        )
        if len(in_flight) > _LAG:
            boot.delivery(*in_flight.popleft())
        if seq % 5000 == 0:
            _sum(boot, now(), seq)
            seq += 40
    if crashes:
        return
    for ended in in_flight:
        boot.delivery(*ended)
    by_outcome: Counter[str] = Counter()
    for (outcome, _), count in boot.counts.items():
        by_outcome[outcome] += count
    ends = {name: by_outcome[name] for name in ("delivered", "refused", "failed", "aborted")}
    boot.put("stop", ts=now(), received=seq, in_flight=0, **ends)


def _sum(boot: _Boot, ts: str, seq: int) -> None:
    reason = {"outcome": "refused", "reason": "source_not_allowed"}
    numbers = {"count": 40, "first_seq": seq + 1, "last_seq": seq + 40}
    boot.put("refusals", ts=ts, cause="flood", **reason, **numbers)
    boot.counts["refused", "source_not_allowed"] += 40


def make_all(folder: Path, lines: int) -> tuple[list[Path], Made]:
    """Write every worker's ledger, each in a process of its own."""
    files = [folder / f"audit.{worker}.jsonl" for worker in range(WORKERS)]
    with ProcessPoolExecutor(WORKERS) as pool:
        made = list(pool.map(make, files, range(WORKERS), [lines // WORKERS] * WORKERS))
    counts: Counter[tuple[str, str]] = Counter()
    for part in made:
        counts.update(part.counts)
    return files, Made(counts, [json.loads(text) for part in made for text in part.references])
