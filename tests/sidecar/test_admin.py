"""What the admin listener tells of one process, and what it does not put up with."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hookgate.gate.metrics import FAMILIES
from hookgate.ledger.shipping import Shipping, write_shipping
from hookgate_sidecar.admin_listener import MOST_CONNECTIONS
from support import forked
from support.admin import ON, Admin
from support.events import CLEAN, event
from support.kept import PUBLIC
from support.pair import Pair, paired
from support.process import accepted, descriptors
from support.promtool import promtool
from support.raw import ask, connected, post, wait_until
from support.receiver import receiving
from support.sidecar import FOREIGN, sidecar

SHIPPED = Shipping(0.0, "a", 7, False, "it does not answer", 1.0, 5, 6, 1, 2, 3)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Admin]]:
    folder = tmp_path_factory.mktemp("admin")
    keys = {"quarantine.path": str(folder / "quarantine"), "quarantine.recipients": PUBLIC}
    write_shipping(folder / "audit.shipping", SHIPPED)
    with paired(folder, **ON, **keys) as pair:
        yield pair, Admin(pair.gate)


@pytest.fixture
def pair(shared: tuple[Pair, Admin]) -> Pair:
    return shared[0]


@pytest.fixture
def admin(shared: tuple[Pair, Admin]) -> Admin:
    return shared[1]


def test_a_live_process_says_so(admin: Admin) -> None:
    """One word, and nothing to keep in a cache."""
    reply = admin.get("/healthz")
    assert (reply.status, reply.body) == (200, b"OK\n")
    assert reply.values(b"cache-control") == [b"no-store"]


def test_a_process_that_can_take_events_is_ready(admin: Admin) -> None:
    """With no problem to name."""
    assert admin.ready() == (200, [])


def test_head_gets_the_same_head_and_no_body(admin: Admin) -> None:
    """As RFC 9110 9.3.2 has it."""
    with connected(admin.port) as client:
        client.send(b"HEAD /healthz HTTP/1.1\r\nHost: admin\r\n\r\n")
        answer = client.read_rest()
    assert b"Content-Length: 3\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /metrics/ HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /%6detrics HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET //metrics HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET http://a/metrics HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /debug HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
        (b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405),
        (b"DELETE /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"GET /healthz HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 200),
        (b"BREW /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /metrics\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
        (b"\r\n\r\nGET / HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"a" * 20000, 431),
    ],
    ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_anything_else_is_refused(admin: Admin, request_bytes: bytes, status: int) -> None:
    """Exact paths, GET and HEAD, and a small head; the connection ends with the answer."""
    with connected(admin.port) as client:
        client.send(request_bytes)
        reply = client.read()
        assert reply.status == status
        assert reply.values(b"allow") == ([b"GET, HEAD"] if status == 405 else [])
        with contextlib.suppress(ConnectionResetError):
            assert client.read_rest() == b""
    assert admin.get("/healthz").status == 200


def test_deliveries_are_counted(pair: Pair, admin: Admin) -> None:
    """By what became of them, and whence they came."""

    def counts() -> list[float]:
        name = "hookgate_deliveries_total"
        return [
            admin.value(name, outcome="delivered", reason="clean", route="cm-events"),
            admin.value(name, outcome="refused", reason="contract_violation", route="cm-events"),
            admin.value(name, outcome="refused", reason="source_not_allowed", route=""),
            admin.value("hookgate_outcomes_total", outcome="refused", source="inside"),
            admin.value("hookgate_outcomes_total", outcome="refused", source="outside"),
            admin.value("hookgate_gate_seconds_count"),
            admin.value("hookgate_upstream_seconds_count"),
            admin.value("hookgate_ledger_lines_total", event="forward"),
        ]

    before = counts()
    for _ in range(3):
        assert ask(pair.gate.port, post(CLEAN)).status == 200
    assert ask(pair.gate.port, post(event(channel=...))).status == 422
    assert ask(pair.gate.port, post(CLEAN), FOREIGN).status == 403
    new = [after - was for was, after in zip(before, counts(), strict=True)]
    assert new == [3, 1, 1, 1, 1, 4, 3, 3]


def test_open_connections_are_counted_by_standing(pair: Pair, admin: Admin) -> None:
    """And no longer once they are gone."""

    def open_ones() -> list[float]:
        name = "hookgate_connections"
        return [admin.value(name, standing=s) for s in ("allowed", "trusted", "foreign")]

    assert wait_until(lambda: open_ones() == [0, 0, 0])
    with connected(pair.gate.port), connected(pair.gate.port), connected(pair.gate.port, FOREIGN):
        assert wait_until(lambda: open_ones() == [2, 0, 1])
    assert wait_until(lambda: open_ones() == [0, 0, 0])


def test_nothing_that_a_sender_chose_is_in_a_label(pair: Pair, admin: Admin) -> None:
    """Whatever it was, the same few words are there afterwards."""
    canary = b"canary31699"
    known = {value for sample in admin.samples() for value in sample.labels.values()}
    for data in (
        post(CLEAN, b"/" + canary),
        post(CLEAN, b"/x", b"X-" + canary + b": " + canary, host=canary),
        post(event(channel=canary.decode(), reference=canary.decode())),
        post(b'{"%s": 1}' % canary),
        post(CLEAN).replace(b"POST", b"PATCH"),
        post(CLEAN).replace(b"application/json", canary + b"/json"),
        canary + b" / HTTP/1.1\r\n\r\n",
    ):
        ask(pair.gate.port, data)
    text = admin.get("/metrics").body
    assert canary not in text
    reasons = {s.labels["reason"] for s in admin.samples() if "reason" in s.labels}
    found = {value for sample in admin.samples() for value in sample.labels.values()}
    assert found - known <= reasons | {"refused"}


def test_prometheus_finds_nothing_to_complain_about(pair: Pair, admin: Admin) -> None:
    """Names, units and help texts as its linter wants them."""
    ask(pair.gate.port, post(CLEAN))
    checked = subprocess.run(
        [promtool(), "check", "metrics"],
        input=admin.get("/metrics").body,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_what_a_shipper_tells_is_told(pair: Pair, admin: Admin) -> None:
    """As it stands beside the ledger, with the lag of now."""
    path = pair.gate.audit.with_suffix(".shipping")
    write_shipping(path, SHIPPED._replace(told=time.time()))
    told = {
        name.removeprefix("hookgate_ship_"): admin.value(name)
        for name in FAMILIES
        if name.startswith("hookgate_ship_") and "lag" not in name
    }
    assert told == {
        "running": 1, "store_available": 0, "behind_bytes": 5, "lines_total": 6,
        "findings_total": 6,
    }  # fmt: skip
    assert admin.value("hookgate_ship_lag_seconds") == pytest.approx(time.time(), abs=60)
    assert admin.value("hookgate_ship_findings_total", kind="cut") == 2


def test_every_metric_is_told(pair: Pair, admin: Admin) -> None:
    """What is documented is there once an event was delivered and the quarantine was looked at, and
    nothing else is; when the oldest item was kept comes within a minute of that.
    """
    ask(pair.gate.port, post(CLEAN))
    seldom = "hookgate_quarantine_oldest_timestamp_seconds"
    plain = {name for name, family in FAMILIES.items() if family.kind != "histogram"} - {seldom}

    def told() -> set[str]:
        names = {sample.name for sample in admin.samples()} - {seldom}
        return {name for name in names if not name.endswith(("_bucket", "_count", "_sum"))}

    assert wait_until(lambda: "hookgate_quarantine_items" in told())
    assert told() == plain


def test_there_is_no_listener_unless_it_is_asked_for(tmp_path: Path) -> None:
    """The default is off."""
    with receiving() as upstream, sidecar(upstream.url, tmp_path) as gate:
        ask(gate.port, post(CLEAN))
    assert "admin.listening" not in gate.log.whole()


def test_an_address_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    """The process does not run without what was asked for."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = forked.run(
            ["serve", "--upstream", "http://127.0.0.1:9", "--listen", "127.0.0.1:0"],
            tmp_path,
            {"HOOKGATE_SIDECAR__ADMIN": address},
        )
    assert done.returncode != 0
    assert f"sidecar.admin = {address} cannot be had: " in done.stderr
    assert "Traceback" not in done.stderr


IDLE = [
    (b"", "nothing"),
    (b"GET /healthz HTTP/1.1\r\n", "half a head"),
    (b"G", "a byte"),
    (b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "whole, and not read"),
    (b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 200, "pipelined, and not read"),
    (b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 100_000, "a huge head"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS"),
]


@pytest.mark.parametrize("sent", [sent for sent, _ in IDLE], ids=[name for _, name in IDLE])
def test_nobody_shuts_a_probe_out(admin: Admin, sent: bytes) -> None:
    """Whoever came first and is not done gives way; more of them than there is room for."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(admin.port)) for _ in range(40)]
        for client in clients:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            with contextlib.suppress(OSError):
                client.send(sent)
        for path in ("/healthz", "/readyz", "/metrics"):
            began = time.monotonic()
            assert admin.get(path).status == 200
            assert time.monotonic() - began < 4  # less than anybody's time takes to be over


def test_a_newcomer_takes_the_place_of_the_oldest_that_is_idle(admin: Admin) -> None:
    """As many of them as there is room for can go on."""
    assert wait_until(lambda: accepted(admin.port) == 0)
    with contextlib.ExitStack() as stack:
        idle = []
        for _ in range(MOST_CONNECTIONS + 4):
            idle.append(stack.enter_context(connected(admin.port)))
            idle[-1].send(b"GET /healthz HTTP/1.1\r\n")
        assert all(client.is_closed(4) for client in idle[:4])
        for client in idle[4:]:
            client.send(b"Host: a\r\n\r\n")
            assert client.read().status == 200


def test_dripping_connections_end_with_their_time(tmp_path: Path) -> None:
    """It is for the whole exchange, not for each byte; and none of them stays."""
    patch = "import hookgate_sidecar.admin_connection as connection\nconnection._SECONDS = 0.5\n"
    with sidecar("http://127.0.0.1:9", tmp_path, patch=patch, **ON) as gate:
        admin = Admin(gate)
        before = descriptors(gate.process.pid)
        with connected(admin.port) as dripping, connected(admin.port) as done:
            done.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert done.read().status == 200  # and does not close
            until = time.monotonic() + 10
            with contextlib.suppress(OSError):
                while time.monotonic() < until:
                    dripping.send(b"G")
                    time.sleep(0.02)
            assert time.monotonic() < until
        assert wait_until(lambda: descriptors(gate.process.pid) == before)


def test_an_answer_is_not_lost_though_more_was_sent(admin: Admin) -> None:
    """A reset would take it away: what comes behind a head is read and left."""
    with connected(admin.port) as client:
        client.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" + b"x" * 200_000)
        assert b"# HELP" in client.read().body
        assert client.read_rest() == b""
