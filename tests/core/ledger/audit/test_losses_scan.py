"""Losses that are told of a run of lines are those that its lines tell of one by one."""

import json
import random
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st
from netaddr import IPNetwork

from hookgate.ledger.audit.balance import balance
from hookgate.ledger.audit.losses import Losses
from hookgate.ledger.audit.losses_scan import LossesRun, tell_losses
from hookgate.ledger.reading.reader import Line, read
from hookgate.ledger.reading.scanning import Run
from hookgate.ledger.record import FIELDS
from hookgate.networks.range_set import RangeSet
from support.examples import many
from support.lines import Record, delivery, forward
from support.scanned import scan_for_balance, sized
from support.usual import whole

INSIDE = RangeSet([IPNetwork("192.0.2.0/24")])
NOW = 1_795_348_800 + 45
ENDS = (
    *("clean",) * 8, "upstream_rejected", "upstream_timeout", "contract_violation", "not read",
    "fault", "source_not_allowed", "killed", "kept", "released", "released",
)  # fmt: skip
REPLAY = {"replay_of": "b0-1", "actor": "ada", "why": "mended"}


def request(source: random.Random, seq: int, digest: str) -> list[Record]:
    """The lines of one, as a gate writes them, and some that only faults and editors leave."""
    end = source.choice(ENDS)
    about: Record = {"sha256": digest, "request_id": f"b0-{seq}", "client": "192.0.2.1"}
    about |= {"ts": f"2026-11-22T12:00:{source.randrange(60):02}.000000Z"}
    replay = REPLAY if source.random() < 0.15 else {}
    begun = forward(seq, reference=None) | about | replay
    replay = replay if source.random() < 0.5 else {}
    rule = {} if end == "clean" else {"retry": source.choice(["3 tries", "40s"])}
    match end:
        case "killed":
            return [begun]
        case "released":
            gone = {"cause": source.choice(["replayed", "expired"]), "kept": digest}
            return [{"event": "released", "boot": "b0", "front": "sidecar"} | about | gone]
        case "kept":
            more = {"kept": digest, "custody": source.random() < 0.5}
            return [delivery(seq, "contract_violation") | about | rule | more]
        case "fault" | "not read" | "source_not_allowed":
            reasons = {"fault": "gate_error", "not read": "body_timeout"}
            about["sha256"] = digest if source.random() < 0.2 else None
            ended = delivery(seq, reasons.get(end, end)) | about
            return [begun, ended] if end == "fault" else [ended]
        case _:
            ended = delivery(seq, end) | about | rule | replay
            return [ended] if end == "contract_violation" else [begun, ended]


def requests(source: random.Random) -> list[Record]:
    """Some that overlap; several may be of one body, or even of one request_id."""
    bodies, same = source.choice([2, 5, 60]), source.choice([0, 0, 0.2])
    made: list[tuple[float, Record]] = []
    for seq in range(1, source.randrange(2, 50)):
        digest = f"{source.randrange(bodies):064x}"
        lines = request(source, seq, digest)
        for line in lines if source.random() < same else ():
            line["request_id"] = f"b0-{source.randrange(seq + 2)}"
        begins = seq + source.random() * 3
        made += [(begins, lines[0]), *((begins + source.random() * 3, one) for one in lines[1:])]
    return [record for _, record in sorted(made, key=lambda one: one[0])]


def spelled(record: Record, n: int) -> str:
    """A line as a gate spells it."""
    kind = record["event"]
    full = {name: record[name] for name in FIELDS[kind] if name in record}
    full = whole(record) | full
    full = {name: full[name] for name in FIELDS[kind] if name in full} | {"n": n, "prev": ""}
    return json.dumps(full, separators=(",", ":")) + "\n"


def told(lines: Iterable[Line | Run], path: Path) -> list[Any]:
    """Whatever a report says of losses, and how the ledger balances."""
    losses = Losses(INSIDE, NOW)
    balanced = balance(losses.watch(lines))
    events = losses.confirm(lambda: read([path]))
    unread = losses.unread
    places = {str(one.sha256): [at.place for at in one.attempts] for one in events}
    fates = {str(one.sha256): one.fate for one in events}
    lists = sorted(losses.candidates), sorted(places.items()), fates
    return [balanced, losses.left_open, unread.count, unread.undelivered, lists]


@settings(max_examples=many(120), deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([2000, 6000, 10_000]))
def test_runs_tell_what_their_lines_do(seed: int, size: int) -> None:
    """However requests overlap, and whatever they share."""
    records = requests(random.Random(seed))
    with tempfile.TemporaryDirectory() as folder, sized(size, 10 * size):
        path = Path(folder, "audit.jsonl")
        path.write_text("".join(spelled(record, n) for n, record in enumerate(records, 1)))
        found = list(scan_for_balance([path], also=tell_losses))
        runs = [one.told.also for one in found if isinstance(one, Run)]
        event("told in runs" if any(isinstance(run, LossesRun) for run in runs) else "by lines")
        assert told(found, path) == told(read([path]), path)
