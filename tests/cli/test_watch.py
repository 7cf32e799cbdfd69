"""`hookgate watch` beside real gates: each alarm is raised and is over once."""

import datetime as dt
import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import trustme

from hookgate.alarms.state import read_state
from hookgate.ledger.shipping import Shipping, write_shipping
from support import lines
from support.calling import Call
from support.events import CLEAN, event
from support.kept import narrow
from support.process import children, paused
from support.raw import ask, connected, post, wait_until
from support.receiver import OK, Seen, receiving
from support.sidecar import FOREIGN, sidecar
from support.watcher import look_once, watching
from support.watching import CONDITIONS

OFF = {f"alarm.{name}": "off" for name in CONDITIONS}
BROKEN = b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"


class Endpoint:
    """Answers, fails, or is not heard of for a while."""

    def __init__(self) -> None:
        self.answer = OK
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, _: Seen) -> bytes:
        self.may_answer.wait(20)
        return self.answer


def write(path: Path, *records: dict[str, Any]) -> None:
    """Have a ledger say these, now."""
    now = f"{dt.datetime.now(dt.UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    with path.open("a") as file:
        file.write("".join(json.dumps({**record, "ts": now}) + "\n" for record in records))


NEAR = lines.nginx("source_not_allowed", near=["watched"], client="192.0.2.7")


def test_what_a_gate_goes_through_is_told_and_its_end(tmp_path: Path) -> None:
    """The endpoint fails, events are lost, refused and not recorded, the ledger is removed, and
    the gate is overloaded, stops and starts again.
    """
    endpoint, nginx = Endpoint(), tmp_path / "nginx.log"
    admin = f"unix:{tmp_path}/admin.sock"
    gate_keys = {"sidecar.admin": admin, "sidecar.max_in_flight": "1", "upstream.timeout": "20s"}
    keys = {
        "audit.path": str(tmp_path / "audit.jsonl"),
        "sidecar.admin": admin,
        "alarm.ledgers": str(nginx),
        "alarm.silence": "1s",
        "alarm.restarts": "2 in 3s",
        "alarm.ledger_fails": "1s",
        "alarm.ranges": "off",
        **{f"alarm.{name}": "0s" for name in ("stopped", "not_ready", "ledger_gone")},
        **{f"alarm.{name}": "3 in 2s" for name in ("endpoint", "refusals", "gate_fails")},
        **{f"alarm.{name}": "1 in 2s" for name in ("lost", "near")},
    }
    nginx.touch()
    with receiving(endpoint) as upstream, watching(tmp_path, **keys) as watch:
        with sidecar(upstream.url, tmp_path, **gate_keys) as gate:
            for _ in range(12):
                assert ask(gate.port, post(CLEAN)).status == 200
            watch.wait("silence")
            endpoint.answer = BROKEN
            for _ in range(3):
                assert ask(gate.port, post(event(messageContext="lost"))).status == 500
                assert ask(gate.port, post(b"{}")).status == 422
                assert ask(gate.port, post(b"{}"), FOREIGN).status == 403
            write(nginx, NEAR)
            watch.wait("endpoint", "lost", "refusals", "near")

            endpoint.answer = OK
            endpoint.may_answer.clear()
            with connected(gate.port) as holding:
                holding.send(post(CLEAN))
                upstream.wait_for(16)
                for _ in range(3):
                    assert ask(gate.port, post(CLEAN)).status == 503
                endpoint.may_answer.set()
                assert holding.read().status == 200

            gate.audit.rename(tmp_path / "elsewhere")
            (tmp_path / "elsewhere").unlink()
            gate.audit.mkdir()
            gate.wait_for_log("ledger.unavailable")
            assert ask(gate.port, post(CLEAN)).status == 503
            watch.wait("gate_fails", "ledger_fails", "not_ready", "ledger_unread")
            gate.audit.rmdir()
            watch.wait("ledger_gone")
        watch.wait("stopped")
        with sidecar(upstream.url, tmp_path, **gate_keys):
            pass
        with sidecar(upstream.url, tmp_path, **gate_keys):
            watch.wait("restarts")
            watch.wait("endpoint", "lost", "refusals", "near", over=True)
            watch.wait("gate_fails", "ledger_fails", "not_ready", over=True)
            watch.wait("ledger_unread", "stopped", "restarts", over=True)
            status, _ = watch.end()
    assert status == 0


def test_a_quarantine_is_told_of_and_its_end(tmp_path: Path) -> None:
    """Custody, full, nearly full and old, as cron looks at its folder."""
    keys = narrow(tmp_path, custody=True) | {"quarantine.max_items": "1"}
    watched = {name: f"alarm.{name}" for name in ("custody", "not_kept", "quarantine_full")}
    on = OFF | dict.fromkeys([watched["custody"]], "0s") | {watched["quarantine_full"]: "90%"}
    on |= {watched["not_kept"]: "1 in 1s", "audit.path": str(tmp_path / "audit.jsonl"), **keys}
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:
        assert look_once(tmp_path, **on) == (0, [])
        assert ask(gate.port, post(b'{"a":1}', b"/narrow")).status == 200
        assert ask(gate.port, post(b'{"a":2}', b"/narrow")).status == 422
        gate.wait_for_deliveries(2)
        status, told = look_once(tmp_path, **on)
        assert (status, sorted(told)) == (
            1,
            [("critical", "custody"), ("warning", "not_kept"), ("warning", "quarantine_full")],
        )
        (item,) = (tmp_path / "quarantine").rglob("*.age")
        item.unlink()
        item.with_suffix(".json").unlink()
        told = []
        while status:
            status, more = look_once(tmp_path, **on)
            told += more
        assert sorted(told) == [
            ("resolved", name) for name in ("custody", "not_kept", "quarantine_full")
        ]


def test_a_store_that_lacks_lines_is_told_of_and_its_end(tmp_path: Path) -> None:
    """By what the shipper says beside the ledger; no admin listener is asked."""
    on = OFF | {"alarm.shipping": "1m", "audit.path": "audit.jsonl", "fleet.name": "amsterdam"}
    write(tmp_path / "audit.jsonl", NEAR)

    def ships(since: float | None) -> None:
        told = Shipping(time.time(), "amsterdam", 7, False, "", since, 5, 0, 0, 0, 0)
        write_shipping(tmp_path / "audit.shipping", told)

    ships(time.time() - 90)
    assert look_once(tmp_path, **on) == (1, [("warning", "shipping")])
    ships(None)
    assert look_once(tmp_path, **on) == (0, [("resolved", "shipping")])


def test_what_ends_on_a_day_is_told_of_and_its_end(tmp_path: Path) -> None:
    """A certificate of a file, the age of the ranges, and of what is kept."""
    file, authority = tmp_path / "cert.pem", trustme.CA()
    kept = narrow(tmp_path)
    keys = OFF | kept | {"sidecar.tls_cert": str(file), "audit.path": "a.jsonl"}
    keys |= {"alarm.certificate": "14d", "alarm.quarantine_old": "3d"}
    now = dt.datetime.now(dt.UTC)

    def issue(days: int) -> None:
        leaf = authority.issue_cert("example.com", not_after=now + dt.timedelta(days=days))
        leaf.cert_chain_pems[0].write_to_path(str(file))

    with receiving() as upstream, sidecar(upstream.url, tmp_path, **kept) as gate:
        assert ask(gate.port, post(b'{"a":1}', b"/narrow")).status == 422
    (item,) = (tmp_path / "quarantine").rglob("*.age")
    old = now.timestamp() - 28 * 86_400
    os.utime(item, (old, old))
    issue(3)
    ranges = {"alarm.ranges": "1s"}
    status, told = look_once(tmp_path, **keys | ranges)
    assert (status, sorted(told)) == (
        1,
        [("warning", name) for name in ("certificate", "quarantine_old", "ranges")],
    )
    issue(90)
    item.unlink()
    status, told = look_once(tmp_path, **keys | ranges | {"source.allow": "192.0.2.0/24"})
    assert status == 0
    assert sorted(told) == [
        ("resolved", name) for name in ("certificate", "quarantine_old", "ranges")
    ]


@pytest.mark.soak
def test_a_worker_that_hangs_is_told_of_and_its_end(tmp_path: Path) -> None:
    """As the admin listener tells it."""
    admin = {"sidecar.admin": f"unix:{tmp_path}/admin.sock"}
    with (
        receiving() as upstream,
        sidecar(upstream.url, tmp_path, **admin, **{"sidecar.workers": "2"}) as gate,
        watching(tmp_path, **OFF | admin | {"alarm.workers": "0s"}) as watch,
    ):
        with paused(min(children(gate.process.pid))):
            watch.wait("workers")
        watch.wait("workers", over=True)


def test_a_gate_that_is_killed_is_told_of_and_its_end(tmp_path: Path) -> None:
    """Without an admin listener: nobody has the ledger locked any more."""
    on = OFF | {"audit.path": str(tmp_path / "audit.jsonl"), "alarm.stopped": "0s"}
    with receiving() as upstream:
        with sidecar(upstream.url, tmp_path) as gate:
            assert look_once(tmp_path, **on) == (0, [])
            gate.kill()
        assert look_once(tmp_path, **on) == (1, [("critical", "stopped")])
        assert look_once(tmp_path, **on) == (1, [])
        with sidecar(upstream.url, tmp_path):
            assert look_once(tmp_path, **on) == (0, [("resolved", "stopped")])


REFUSED = [lines.delivery(number, "contract_violation") for number in range(3)]


def test_a_watcher_that_is_killed_tells_nothing_twice_and_misses_nothing(tmp_path: Path) -> None:
    """Of a ledger that is rotated in the meantime."""
    ledger = tmp_path / "audit.jsonl"
    on = OFF | {"audit.path": str(ledger), "alarm.refusals": "3 in 1h", "alarm.near": "1 in 1h"}
    write(ledger, lines.start(), *REFUSED)
    with watching(tmp_path, **on) as watch:
        watch.wait("refusals")
        assert wait_until(lambda: read_state(tmp_path / "hookgate-alarms.json") is not None)
        watch.process.kill()
    write(ledger, NEAR)
    ledger.rename(tmp_path / "audit.jsonl-20261129")
    write(ledger, *REFUSED)
    with watching(tmp_path, **on) as watch:
        watch.wait("near")
        assert watch.end() == (0, [("warning", "near")])


def test_a_broken_state_is_said_and_begun_anew(tmp_path: Path) -> None:
    """It begins with what the ledger's end says."""
    ledger, state = tmp_path / "audit.jsonl", tmp_path / "hookgate-alarms.json"
    on = OFF | {"audit.path": str(ledger), "alarm.refusals": "3 in 1h"}
    write(ledger, *REFUSED)
    mark = '{"form":"hookgate-alarms 1"'
    for broken in (mark, f'{mark},"positions":{{"a":7}}}}', mark.replace("1", "0") + "}"):
        state.write_text(broken)
        with watching(tmp_path, **on) as watch:
            watch.wait("refusals")
            assert watch.end()[0] == 0
            warning, begun = watch.errors.whole().splitlines()
        assert warning.startswith("hookgate: warning: alarm.state: hookgate-alarms.json: it ")
        assert (
            begun
            == f"hookgate: watching {ledger} as gate1; alarms by lines here: no [[alarm.channel]]"
        )


@pytest.mark.parametrize("name", ["audit.jsonl", "audit.state", "seal.key", "hookgate.toml", "."])
def test_a_file_of_another_hand_is_never_replaced(call: Call, name: str) -> None:
    """The ledger, a key, the configuration: whatever `alarm.state` names by mistake."""
    path = Path(name)
    content = f'[alarm]\nstate = "{name}"\n[audit]\npath = "audit.jsonl"\n'
    Path("hookgate.toml").write_text(content)
    if name not in ("hookgate.toml", "."):
        path.write_text("what must stay\n")
        content = path.read_text()
    told = call("watch", "--once")
    assert (told.status, told.out) == (2, "")
    assert f'alarm.state = "{name}"' in told.err
    assert 'name a file of its own, like "hookgate-alarms.json"' in told.err
    assert path.is_dir() or path.read_text() == content
    assert not list(Path().rglob("*.lock"))


def test_hostile_lines_are_passed_over(tmp_path: Path) -> None:
    """Garbage, half a line, and a line that never ends."""
    ledger = tmp_path / "audit.jsonl"
    on = OFF | {"audit.path": str(ledger), "alarm.refusals": "3 in 1h"}
    ledger.write_bytes(
        b"\0" * 100 + b"\n[]\n" + b'{"event":' + b"[" * 9000 + b"\n" + b"x" * (9 << 20)
    )
    with ledger.open("ab") as file:
        file.write(b"\n")
    write(ledger, *REFUSED)
    with ledger.open("ab") as file:
        file.write(b'{"event":"delivery"')
    assert look_once(tmp_path, **on) == (1, [("warning", "refusals")])


def test_a_signal_ends_it_within_a_second_whatever_hangs(tmp_path: Path) -> None:
    """The admin listener takes the connection and says nothing."""
    path = tmp_path / "admin.sock"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        with watching(tmp_path, **{"sidecar.admin": f"unix:{path}"}) as watch:
            connection, _ = silent.accept()
            with connection:
                began = time.monotonic()
                assert watch.end()[0] == 0
                assert time.monotonic() - began < 1.5
    assert read_state(tmp_path / "hookgate-alarms.json") is not None


def test_a_ledger_on_standard_output_cannot_be_watched(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the mend, which works."""
    monkeypatch.setenv("HOOKGATE_AUDIT__PATH", "-")
    done = call("watch", "--once")
    assert done.status == 2
    assert "name its file in alarm.ledgers, or set sidecar.admin" in done.err
    monkeypatch.setenv("HOOKGATE_ALARM__LEDGERS", "audit.jsonl")
    assert call("watch", "--once").status == 1


def test_a_test_is_told_to_each_channel(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any, on standard output."""
    monkeypatch.setenv("HOOKGATE_ALARM__GATE", "gate1")
    both = call("watch", "--test", "--once")
    assert (both.status, both.out) == (2, "")
    assert "leave --once out" in both.err
    done = call("watch", "--test")
    assert done.status == 0
    assert done.out.startswith("gate1: a test; nothing is wrong. No [[alarm.channel]]")
