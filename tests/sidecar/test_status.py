"""What /status tells: all that a person looks at in an outage, of all workers together."""

import contextlib
import json
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hookgate.ledger.shipping import Shipping, shipping_path, write_shipping
from support.admin import ON, Admin
from support.events import CLEAN, event
from support.kept import PUBLIC
from support.pair import Pair, paired
from support.process import children, paused
from support.raw import Reply, ask, connected, post, wait_until
from support.receiver import OK, Seen, receiving
from support.sidecar import FOREIGN, Sidecar, sidecar

ROOT = Path(__file__).parents[2]
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e\u2028\"'&"


class Status:
    """A gate's admin listener, asked for /status."""

    def __init__(self, gate: Sidecar) -> None:
        self.admin = Admin(gate)

    def reply(self, host: str = "127.0.0.1", method: str = "GET") -> Reply:
        data = f"{method} /status HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        return ask(self.admin.port, data)

    def __call__(self) -> dict[str, Any]:
        reply = self.reply()
        assert (reply.status, reply.values(b"content-type")) == (200, [b"application/json"])
        told: dict[str, Any] = json.loads(reply.body)
        return told


def respond(seen: Seen) -> bytes:
    """Refuse what is sent to /cm/refuse, take anything else."""
    return b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" if b"refuse" in seen.request_line else OK


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Status]]:
    folder = tmp_path_factory.mktemp("status")
    keys = {"quarantine.path": str(folder / "quarantine"), "quarantine.recipients": PUBLIC}
    with paired(folder, respond, **ON, **keys) as pair:
        yield pair, Status(pair.gate)


@pytest.fixture
def pair(shared: tuple[Pair, Status]) -> Pair:
    return shared[0]


@pytest.fixture
def status(shared: tuple[Pair, Status]) -> Status:
    return shared[1]


def test_its_figures_are_those_of_the_metrics_and_the_ledger(pair: Pair, status: Status) -> None:
    """After some of everything; each row that was not delivered is a line of the ledger."""
    for _ in range(3):
        assert ask(pair.port, post(CLEAN)).status == 200
    assert ask(pair.port, post(event(channel=...))).status == 422
    assert ask(pair.port, post(CLEAN, b"/cm/refuse")).status == 500
    assert ask(pair.port, post(CLEAN), FOREIGN).status == 403
    told, samples = status(), status.admin.samples()

    def summed(name: str, label: str, **labels: str) -> dict[str, int]:
        sums: Counter[str] = Counter()
        for one in samples:
            if one.name == name and one.value and labels.items() <= one.labels.items():
                sums[one.labels[label]] += int(one.value)
        return dict(sums)

    name = "hookgate_deliveries_total"
    assert told["reasons"] == summed(name, "reason")
    assert {word: n for word, n in told["outcomes"].items() if n} == summed(name, "outcome")
    assert told["routes"] == {"cm-events": summed(name, "outcome", route="cm-events")}
    assert (
        told["foreign"] == summed("hookgate_outcomes_total", "outcome", source="outside")["refused"]
    )
    buckets = summed("hookgate_upstream_seconds_bucket", "le")
    whole = told["endpoint"]["answer_seconds"]
    assert {str(bound): n for bound, n in whole[:-1] if n} | {"+Inf": whole[-1][1]} == buckets
    assert told["endpoint"]["url"] == pair.upstream.url
    assert told["ready"] is True
    records = {r["request_id"]: r for r in pair.gate.records("delivery")}
    ended = Counter(record["outcome"] for record in records.values())
    assert Counter(told["outcomes"]) == ended
    rows = told["not_delivered"]
    assert len(rows) == sum(ended.values()) - ended["delivered"]
    for row in rows:
        line = records[row["request_id"]]
        assert row["time"] == line["ts"]
        for member in set(row) & set(line) - {"kept", "near"}:
            assert row[member] == line[member], member
        assert row["kept"] == ("kept" in line)
        assert row["foreign"] == (line["client"] == FOREIGN)
    assert told["ledger"]["lines"] == len(pair.gate.records())
    assert wait_until(lambda: status()["ledger"]["unsynced"] == 0)


def test_what_senders_wrote_stays_text(pair: Pair, status: Status) -> None:
    """Whatever a path or a channel is, it is a JSON string as the ledger has it."""
    ask(pair.port, post(event(channel=HOSTILE, timeUtc="yesterday")))
    ask(pair.port, post(event(channel="\ud800", timeUtc="yesterday")))
    ask(pair.port, post(event(channel=...), b"/'*(1);&%3Cscript%3E%1b?secret"))
    ask(pair.port, post(CLEAN, b"/<script>").replace(b"POST", b"<b>"))
    body = status.reply().body
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", body)
    lines = {r["request_id"]: r for r in pair.gate.records("delivery")}
    rows = json.loads(body)["not_delivered"]
    for row in rows:
        line = lines[row["request_id"]]
        assert (row["path"], row["method"]) == (line["path"], line["method"])
        assert (row["channel"], row["event_type"]) == (line["channel"], line["event_type"])
    assert "/'*(1);&%3Cscript%3E%1b" in {row["path"] for row in rows}
    assert b"secret" not in body


def test_a_page_that_takes_this_name_learns_nothing(status: Status) -> None:
    """Of requests only an address and localhost are told; HEAD is answered as GET is."""
    assert status.reply("example.com").status == 421
    assert status.reply("localhost:80\r\nHost: example.com").status in (400, 421)
    assert b"reasons" not in status.reply("example.com").body
    assert status.reply("localhost:9180").status == 200
    assert status.reply(method="POST").status == 405


def test_many_who_ask_at_once_are_told_the_same(status: Status) -> None:
    """Ten times a second at most, whoever asks: so pollers cost a gate no more than one would."""
    data = b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(status.admin.port)) for _ in range(12)]
        begun = time.monotonic()
        for client in clients:
            client.send(data)
        told = [client.read() for client in clients]
        elapsed = time.monotonic() - begun
    assert [reply.status for reply in told] == [200] * 12
    assert len({json.loads(reply.body)["time"] for reply in told}) <= 2 + 10 * elapsed


def test_a_shipper_beside_it_is_told_of(pair: Pair, status: Status) -> None:
    """By what it says in its file; one that is silent does not run."""
    assert status()["shipping"] is None
    told = time.time()
    shipping = Shipping(told, "gate-1", 1, False, "no route", told - 60, 100, 7, 1, 0, 0)
    file = shipping_path(pair.gate.audit)
    write_shipping(file, shipping)
    found = status()["shipping"]
    assert 60 <= found.pop("lag_seconds") < 600
    assert found == {
        "running": True, "store": "no route", "behind_bytes": 100,
        "findings": {"fork": 1, "cut": 0, "lost": 0},
    }  # fmt: skip
    write_shipping(file, shipping._replace(told=told - 3600))
    assert status()["shipping"]["running"] is False
    file.unlink()


def test_each_member_is_documented(status: Status) -> None:
    """In docs/metrics.md, and nothing else is."""
    text = (ROOT / "docs/metrics.md").read_text()
    section = text.partition("<!-- status -->")[2].partition("<!-- /status -->")[0]
    cells = [re.findall("`([a-z_]+)`", line.split("|")[1]) for line in section.splitlines() if line]
    told = status()
    assert sorted(name for cell in cells for name in cell) == sorted(told)
    for name in ("endpoint", "ledger", "quarantine", "near_misses"):
        (row,) = [line for line in section.splitlines() if line.startswith(f"| `{name}`")]
        assert set(told[name]) <= set(re.findall("`([a-z_]+)`", row))
    about = text.partition("A request in `not_delivered`")[2].partition("- Foreign")[0]
    for row in told["not_delivered"]:
        assert set(row) <= set(re.findall("`([a-z_]+)`", about))


def test_workers_are_told_of_together(tmp_path: Path) -> None:
    """One that hangs is missing and named, one that died has left its requests; a reload shows."""
    config = tmp_path / "hookgate.toml"
    config.write_text("[request]\nmax_depth = 32\n")
    keys = {**ON, "sidecar.workers": "2", "audit.personal_data": "mask"}
    options = f"--config {config}"
    with (
        receiving(respond) as upstream,
        sidecar(upstream.url, tmp_path, options=options, **keys) as gate,
    ):
        status = Status(gate)
        for number in range(24):  # on connections of their own, which the kernel shares out
            ask(gate.port, post(event(channel=...) if number % 2 else CLEAN))
        told = status()
        workers = {worker["pid"]: worker for worker in told["workers"]}
        assert set(workers) == children(gate.process.pid)
        assert [w["worker"] for w in workers.values()] == [1, 2]
        assert all(w["answers"] for w in workers.values())
        assert (told["outcomes"]["delivered"], told["outcomes"]["refused"]) == (12, 12)
        assert told["workers_wanted"] == 2
        rows = {row["request_id"] for row in told["not_delivered"]}
        assert len(rows) == 12
        lines = gate.all_records("delivery")
        assert rows == {line["request_id"] for line in lines if line["outcome"] == "refused"}
        assert told["ledger"]["lines"] == sum(
            len(gate.all_records(kind)) for kind in ("start", "forward", "delivery")
        )
        hung = workers[min(workers)]
        with paused(hung["pid"]):
            told = status()
            answers = {worker["pid"]: worker["answers"] for worker in told["workers"]}
            assert answers == {pid: pid != hung["pid"] for pid in workers}
            assert (told["outcomes"]["delivered"], told["outcomes"]["refused"]) == (12, 12)
            named = [f"worker {hung['worker']} does not answer"]
            assert wait_until(lambda: status()["degraded"] == named)
        assert wait_until(lambda: not status()["degraded"])
        os.kill(hung["pid"], signal.SIGKILL)
        pids = set(workers) - {hung["pid"]}
        assert wait_until(lambda: len({w["pid"] for w in status()["workers"]} - pids) == 1)
        told = status()
        assert rows == {row["request_id"] for row in told["not_delivered"]}
        assert told["outcomes"]["refused"] == 12
        before = told["policy"]
        config.write_text("[request]\nmax_depth = 16\n")
        gate.process.send_signal(signal.SIGHUP)
        assert wait_until(
            lambda: (
                (now := status())["policy"] != before
                and {worker["policy"] for worker in now["workers"]} == {now["policy"]}
            )
        )
