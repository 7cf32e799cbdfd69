"""Stopping: what was begun ends, nothing new is taken, and the ledger closes its account."""

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import forked
from support.events import CLEAN
from support.ledger import assert_balanced, assert_chained
from support.raw import ask, connected, post, wait_until
from support.receiver import OK, Receiver, Seen, receiving
from support.sidecar import Sidecar, sidecar


class Held:
    """A sidecar whose upstream answers only when let go."""

    def __init__(self, gate: Sidecar, upstream: Receiver, go: threading.Event) -> None:
        self.gate = gate
        self.upstream = upstream
        self.go = go

    def end(self, seconds: float = 30) -> int:
        """Wait for the process; its ledger must balance and end with `stop`."""
        status = self.gate.process.wait(seconds)
        assert_chained(self.gate.audit)
        assert_balanced(self.gate.audit)
        last = self.gate.records()[-1]
        assert (last["event"], last["in_flight"]) == ("stop", 0)
        return status


@contextlib.contextmanager
def held(folder: Path, **keys: str) -> Iterator[Held]:
    go = threading.Event()

    def respond(_: Seen) -> bytes:
        go.wait(30)
        return OK

    with receiving(respond) as upstream, sidecar(upstream.url, folder, **keys) as gate:
        try:
            yield Held(gate, upstream, go)
        finally:
            go.set()


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda s: s.name)
def test_a_delivery_under_way_is_completed(tmp_path: Path, number: signal.Signals) -> None:
    """Its answer arrives and says `close`; new connections are refused meanwhile; exit is 0."""
    with held(tmp_path) as it, connected(it.gate.port) as client:
        client.send(post(CLEAN))
        it.upstream.wait_for(1)
        it.gate.process.send_signal(number)
        assert wait_until(lambda: refuses(it.gate.port))
        it.go.set()
        answer = client.read()
        assert answer.status == 200
        assert answer.values(b"Connection") == [b"close"]
        assert client.read_rest() == b""
        assert it.end() == 0
        (record,) = it.gate.records("delivery")
        assert (record["outcome"], record["answered"]) == ("delivered", True)


def test_idle_connections_are_closed_soon(tmp_path: Path) -> None:
    """Neither a fresh connection nor a kept one delays the stop for long."""
    with (
        held(tmp_path) as it,
        connected(it.gate.port) as fresh,
        connected(it.gate.port) as kept,
    ):
        it.go.set()
        kept.send(post(CLEAN))
        assert kept.read().status == 200
        began = time.monotonic()
        it.gate.process.send_signal(signal.SIGTERM)
        assert fresh.read_rest() == b""
        assert kept.read_rest() == b""
        assert it.end() == 0
        assert time.monotonic() - began < 10  # and not when the drain is over


@pytest.mark.parametrize("used", [False, True], ids=["fresh", "kept"])
def test_a_request_that_was_on_its_way_is_served(tmp_path: Path, used: bool) -> None:
    """A sender that cannot know of the stop yet gets its answer, and `close` with it."""
    with held(tmp_path) as it, connected(it.gate.port) as client:
        it.go.set()
        if used:
            client.send(post(CLEAN))
            assert client.read().status == 200
        else:
            assert ask(it.gate.port, post(CLEAN)).status == 200
        it.gate.process.send_signal(signal.SIGTERM)
        it.gate.wait_for_log("sidecar.draining")
        client.send(post(CLEAN))
        answer = client.read()
        assert (answer.status, answer.values(b"Connection")) == (200, [b"close"])
        assert it.end() == 0


def test_requests_already_received_are_all_answered(tmp_path: Path) -> None:
    """A drain serves a whole pipeline, and only its last answer says `close`."""
    with held(tmp_path) as it, connected(it.gate.port) as client:
        client.send(post(CLEAN) + post(b"[") + post(CLEAN))
        it.upstream.wait_for(1)
        it.gate.process.send_signal(signal.SIGTERM)
        it.gate.wait_for_log("sidecar.draining")
        it.go.set()
        answers = [client.read() for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 400, 200]
        assert [answer.values(b"Connection") for answer in answers] == [[], [], [b"close"]]
        assert client.read_rest() == b""
        assert it.end() == 0


def test_a_request_that_was_begun_may_be_finished(tmp_path: Path) -> None:
    """A body half sent when the signal came is still received, forwarded and answered."""
    with held(tmp_path) as it, connected(it.gate.port) as client:
        it.go.set()
        client.send(post(CLEAN)[:-5])
        assert ask(it.gate.port, post(CLEAN)).status == 200
        it.gate.process.send_signal(signal.SIGTERM)
        it.gate.wait_for_log("sidecar.draining")
        client.send(post(CLEAN)[-5:])
        answer = client.read()
        assert (answer.status, answer.values(b"Connection")) == (200, [b"close"])
        assert it.end() == 0


@pytest.mark.parametrize("how", ["second signal", "drain over"])
def test_what_does_not_end_is_cut_and_recorded(tmp_path: Path, how: str) -> None:
    """A delivery that hangs upstream is recorded as failed, a half-sent one as aborted."""
    drain = "60s" if how == "second signal" else "500ms"
    with (
        held(tmp_path, **{"sidecar.drain": drain, "upstream.timeout": "60s"}) as it,
        connected(it.gate.port) as hanging,
        connected(it.gate.port) as half,
    ):
        half.send(post(CLEAN)[:-5])
        hanging.send(post(CLEAN))
        it.upstream.wait_for(1)
        began = time.monotonic()
        it.gate.process.send_signal(signal.SIGTERM)
        it.gate.wait_for_log("sidecar.draining")
        if how == "second signal":
            it.gate.process.send_signal(signal.SIGTERM)
        assert it.end() == 0
        assert time.monotonic() - began < 15
        records = {record["outcome"]: record for record in it.gate.records("delivery")}
        assert set(records) == {"failed", "aborted"}
        assert (records["failed"]["reason"], records["failed"]["status"]) == (
            "upstream_timeout",
            504,
        )
        if records["failed"]["answered"]:
            assert hanging.read().status == 504
        assert records["aborted"]["reason"] == "client_gone"


def test_pipelined_requests_behind_a_cut_one_are_not_forwarded(tmp_path: Path) -> None:
    """When the time is up nothing more is begun."""
    with (
        held(tmp_path, **{"sidecar.drain": "300ms"}) as it,
        connected(it.gate.port) as client,
    ):
        client.send(post(CLEAN) * 5)
        it.upstream.wait_for(1)
        it.gate.process.send_signal(signal.SIGTERM)
        assert it.end() == 0
        assert len(it.gate.records("forward")) == 1
        # Those behind it that were read; what was not is nobody's request yet.
        assert len(it.gate.records("delivery")) in range(2, 6)
        assert len(it.upstream.seen) == 1


def test_a_sender_that_reads_nothing_does_not_hold_the_stop(tmp_path: Path) -> None:
    """The drain's end is the end, whatever lies unsent."""
    large = b"HTTP/1.1 500 No\r\nContent-Length: 1000000\r\n\r\n" + bytes(1_000_000)
    with (
        receiving(lambda _: large) as upstream,
        sidecar(upstream.url, tmp_path, **{"sidecar.drain": "500ms"}) as gate,
        connected(gate.port) as client,
    ):
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.send(post(CLEAN) * 10)
        upstream.wait_for(2, 1)
        gate.process.send_signal(signal.SIGTERM)
        assert gate.process.wait(30) == 0
        assert_balanced(gate.audit)


def test_stop_counts_everything_that_ever_came(tmp_path: Path) -> None:
    """One of each outcome: received is their sum."""
    with receiving() as upstream, sidecar(upstream.url, tmp_path) as gate:
        assert ask(gate.port, post(CLEAN)).status == 200
        assert ask(gate.port, post(b"{}")).status == 422
        upstream.respond = lambda _: b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
        assert ask(gate.port, post(CLEAN)).status == 500
        with connected(gate.port) as client:
            client.send(b"POST / HTTP/1.1\r\n")
        gate.wait_for_deliveries(4)
        assert gate.stop() == 0
    stop = gate.records()[-1]
    counts = {name: stop[name] for name in ("delivered", "refused", "failed", "aborted")}
    assert counts == {"delivered": 1, "refused": 1, "failed": 1, "aborted": 1}
    assert (stop["received"], stop["in_flight"]) == (4, 0)


def test_a_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    """Exit 1, the key and the address named, and no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = forked.run(
            ["serve", "--upstream", "http://127.0.0.1:1", "--listen", address], tmp_path
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    told = [line for line in done.stderr.splitlines() if "error" in line or "hookgate:" in line]
    assert len(told) == 1
    assert told[0].startswith("hookgate: ")
    assert "sidecar.listen" in told[0]
    assert address in told[0]


@pytest.mark.parametrize("address", ["203.0.113.1:0", "no.such.name.invalid:0"])
def test_an_address_that_is_not_here_is_told_in_one_line(tmp_path: Path, address: str) -> None:
    """So is an address of another machine, and a name that is nobody's."""
    done = forked.run(["serve", "--upstream", "http://127.0.0.1:1", "--listen", address], tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"sidecar.listen = {address}" in done.stderr
