"""Known heads and what is not in them: who sent them, reloads, bounds, deadlines, faults."""

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.events import CLEAN
from support.proxy_header import v1, v2_tcp4
from support.raw import Client, connected, post, wait_until
from support.receiver import OK, Seen
from support.sidecar import ALLOWED, FOREIGN, PROXY
from support.twins import Counted, counted

KNOWN = post(CLEAN)
MOST, MOST_OF_STRANGERS = 1024, 256


def reload(gate: Counted, text: str) -> None:
    """Have the configuration file read again, with this in it."""
    before = len(gate.pair.gate.records("reload"))
    (gate.folder / "hookgate.toml").write_text(text)
    gate.pair.gate.process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: len(gate.pair.gate.records("reload")) > before)
    assert gate.pair.gate.records("reload")[-1]["result"] == "applied"


def learn(gate: Counted, request: bytes = KNOWN, source: str = ALLOWED) -> None:
    gate.play(([request], 1), source=source)
    assert gate.is_short(request, source)


def status(client: Client, request: bytes = KNOWN) -> int:
    client.send(request)
    return client.read().status


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Counted]:
    with counted(tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('[request]\nmethods = ["PUT"]\n', 405),
        ('[request]\nmax_body = "10B"\n', 413),
        ('[[route]]\npath = "/other"\n', 404),
        ("[request]\nmax_depth = 1\n", 400),
    ],
    ids=["methods", "max_body", "routes", "max_depth"],
)
def test_another_policy_knows_nothing(gate: Counted, text: str, answer: int) -> None:
    """On the connections that were open and on new ones; nor does the old one come again."""
    learn(gate)
    with connected(gate.pair.port) as kept:
        assert status(kept) == 200
        reload(gate, text)
        assert status(kept) == answer
        assert gate.play(([KNOWN], 1)).statuses == [answer]
    reload(gate, "")
    assert not gate.is_short(KNOWN)
    assert gate.is_short(KNOWN)


def test_another_list_of_networks_knows_nothing(tmp_path: Path) -> None:
    """Who is taken off it is a stranger at once, with the head that passed."""
    networks = tmp_path / "networks"
    networks.write_text(f"{FOREIGN}\n")
    with counted(tmp_path, **{"source.allow_file": str(networks)}) as gate:
        learn(gate, source=FOREIGN)
        with connected(gate.pair.port, FOREIGN) as kept:
            assert status(kept) == 200
            networks.write_text("203.0.113.0/24\n")
            reload(gate, "")
            assert status(kept) == 403
        assert gate.play(([KNOWN], 1), source=FOREIGN).reasons == ["source_not_allowed"]


def test_fields_vary_by_the_list_in_force(gate: Counted) -> None:
    """On new connections as soon as they are named, and no more when they are not."""
    ids = [post(CLEAN, b"/", b"X-Own-Id: %d" % number) for number in range(6)]
    gate.play(([ids[0]], 1))
    assert not gate.is_short(ids[1])
    reload(gate, '[sidecar]\nvarying_fields = ["x-own-id"]\n')
    gate.play(([ids[2]], 1))
    assert gate.is_short(ids[3])
    reload(gate, "")
    gate.play(([ids[4]], 1))
    assert not gate.is_short(ids[5])


def test_another_upstream_gets_heads_made_for_it(gate: Counted) -> None:
    """What follows from a head follows from the configuration too."""
    learn(gate)
    reload(gate, '[upstream]\nhost = "other.example"\n')
    for _ in range(2):
        assert b"\r\nHost: other.example\r\n" in gate.play(([KNOWN], 1)).upstream[0][0]


@pytest.mark.parametrize("bound", ['max_head = "256B"', "max_fields = 10"], ids=["head", "fields"])
def test_each_connection_keeps_the_bounds_that_it_began_with(gate: Counted, bound: str) -> None:
    """One learnt where a head may be larger is no pass where it may not."""
    large = post(CLEAN, b"/", *(b"X-%d: %b" % (place, b"a" * 30) for place in range(10)))
    with connected(gate.pair.port) as old:
        assert status(old) == 200
        reload(gate, f"[sidecar]\n{bound}\n")
        for _ in range(2):
            assert status(old, large) == 200
            with connected(gate.pair.port) as new:
                assert status(new, large) == 431
        reload(gate, "")
        with connected(gate.pair.port) as new:
            assert status(new, large) == 200


def test_a_head_that_outgrew_its_connection_is_known_to_others_alone(tmp_path: Path) -> None:
    """A connection from the time of a smaller bound refuses what a newer one may take."""
    large = post(CLEAN, b"/", b"X-A: " + b"a" * 300)
    (tmp_path / "hookgate.toml").write_text('[sidecar]\nmax_head = "256B"\n')
    with counted(tmp_path) as gate, connected(gate.pair.port) as old:
        assert status(old) == 200
        reload(gate, "")
        learn(gate, large)
        assert status(old, large) == 431


def counting(module: str, name: str, collect: str = "") -> str:
    """A patch by which SIGALRM has the process write down how many objects of a class it holds."""
    patch = f"""
import gc, signal
from {module} import {name}
gc.disable()
def count(*_):
    {collect}
    with open("objects", "a") as file:
        print(sum(isinstance(found, {name}) for found in gc.get_objects()), file=file)
"""
    # Set by the loop's own means: uvloop takes over Python's handlers.
    return (
        patch
        + """
from hookgate_sidecar.server import Server
start = Server.start
async def starting(self, *arguments):
    self.loop.add_signal_handler(signal.SIGALRM, count)
    return await start(self, *arguments)
Server.start = starting
"""
    )


def objects(gate: Counted, folder: Path) -> int:
    """How many there are now of what is counted."""
    file = folder / "objects"
    file.write_text("")
    gate.pair.gate.process.send_signal(signal.SIGALRM)
    assert wait_until(lambda: file.read_text().endswith("\n"))
    return int(file.read_text())


def test_a_reload_keeps_no_old_policy_alive(tmp_path: Path) -> None:
    """Heads that never come again do not hold what they were judged by."""
    patch = counting("hookgate.policy", "Policy", "gc.collect()")
    with counted(tmp_path, patch=patch) as gate:
        for depth in range(20, 26):
            gate.play(([post(CLEAN, b"/%d" % depth)], 1))
            reload(gate, f"[request]\nmax_depth = {depth}\n")
        assert objects(gate, tmp_path) <= 2


def test_a_connection_that_is_gone_leaves_nothing_to_collect(tmp_path: Path) -> None:
    """However it went: short connections must not make a worker grow between collections."""
    with counted(tmp_path, patch=counting("hookgate_sidecar.reader", "Reader")) as gate:
        for ended in (post(CLEAN), post(CLEAN)[:-1], b"GET", b"\0", post(b"{", b"/" + b"x" * 9000)):
            with connected(gate.pair.port) as client:
                client.send(ended)
                if ended == post(CLEAN):
                    assert client.read().status == 200
        assert wait_until(lambda: objects(gate, tmp_path) == 0)


def test_known_heads_count_in_flight(tmp_path: Path) -> None:
    """They are refused beyond the bound like any, and known again when there is room."""
    go = threading.Event()

    def respond(_: Seen) -> bytes:
        go.wait(30)
        return OK

    with counted(tmp_path, respond, **{"sidecar.max_in_flight": "2"}) as gate:
        go.set()
        learn(gate)
        go.clear()
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(connected(gate.pair.port)) for _ in range(2)]
            before = gate.work
            for client in clients:
                client.send(KNOWN)
            gate.pair.upstream.wait_for(4)
            assert gate.work == before
            further = stack.enter_context(connected(gate.pair.port))
            for _ in range(3):
                assert status(further) == 503
            assert gate.play(([KNOWN], 1)).reasons == ["overloaded"]
            go.set()
            assert [client.read().status for client in clients] == [200, 200]
            before = gate.work
            assert [status(further) for _ in range(3)] == [200] * 3
            assert gate.work == before


def test_known_heads_that_are_received_give_their_place_back(tmp_path: Path) -> None:
    """However each ended: delivered, refused by its body, left behind by its sender."""
    with counted(tmp_path, **{"sidecar.max_in_flight": "1"}) as gate:
        learn(gate)
        broken = KNOWN[:-1] + b"]"
        for request, answer in ((KNOWN, 200), (broken, 400)) * 5:
            assert gate.play(([request], 1)).statuses == [answer]
            with connected(gate.pair.port) as client:
                client.send(request)
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes(8))
            assert wait_until(lambda: gate.play(([KNOWN], 1)).statuses == [200])
        assert gate.is_short(KNOWN)


IDLE = 0.2


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    """An upstream that takes three times what an idle connection may."""

    def respond(_: Seen) -> bytes:
        time.sleep(3 * IDLE)
        return OK

    keys = dict.fromkeys(("head_timeout", "body_timeout", "keep_alive"), f"{IDLE}s")
    with counted(
        tmp_path_factory.mktemp("slow"), respond, **{f"sidecar.{k}": v for k, v in keys.items()}
    ) as gate:
        learn(gate)
        yield gate


def test_a_known_request_waits_for_the_upstream_alone(slow: Counted) -> None:
    """Neither the head's nor the idle time runs meanwhile, on a new connection or a kept one."""
    before = slow.work
    with connected(slow.pair.port) as client:
        assert [status(client) for _ in range(2)] == [200, 200]
        assert slow.work == before


def test_the_idle_time_runs_again_behind_a_known_request(slow: Counted) -> None:
    """A connection that served one is closed like any."""
    with connected(slow.pair.port) as client:
        began = time.monotonic()
        assert status(client) == 200
        assert client.read_rest() == b""
        assert 4 * IDLE - 0.05 <= time.monotonic() - began < 10


@pytest.mark.parametrize("more", [b"", b"\xff\r\n\r\n"], ids=["close", "garbage"])
def test_behind_the_last_request_no_head_is_known(slow: Counted, more: bytes) -> None:
    """What follows one that ends its connection is neither answered nor recorded nor sent on."""
    last = KNOWN + more if more else post(CLEAN, b"/", b"Connection: close")
    before, seen = slow.pair.traces(), 1 + bool(more)
    with connected(slow.pair.port) as client:
        client.send(last)
        time.sleep(IDLE)
        client.send(KNOWN)
        assert [client.read().status for _ in range(seen)] == [200, 400][:seen]
        assert client.read_rest() == b""
    time.sleep(IDLE)
    assert len(before.deliveries(seen)) == seen
    assert len(before.seen) == 1


@pytest.mark.parametrize("rest", [b"POST", KNOWN[:-1]], ids=["head", "body"])
def test_what_comes_behind_a_known_request_has_its_own_time(slow: Counted, rest: bytes) -> None:
    """It is not complete in time, whether it began while the known one waited or after it."""
    with connected(slow.pair.port) as client:
        client.send(KNOWN)
        time.sleep(IDLE / 2)
        client.send(rest)
        assert [client.read().status for _ in range(2)] == [200, 408]
        assert client.read_rest() == b""
    with connected(slow.pair.port) as client:
        assert status(client) == 200
        assert status(client, rest) == 408


def test_so_many_heads_are_known_at_once(gate: Counted) -> None:
    """One more, and they are learnt anew; each means what it meant."""
    heads = [post(CLEAN, b"/%d" % number) for number in range(MOST)]
    with connected(gate.pair.port) as client:
        assert {status(client, head) for head in heads} == {200}
        before = gate.work
        assert {status(client, head) for head in heads} == {200}
        assert gate.work == before
        assert status(client) == 200
        assert gate.work > before
    assert gate.is_short(KNOWN)
    for head in heads[:2]:
        assert not gate.is_short(head)
        assert gate.is_short(head)
    assert gate.is_short(KNOWN)
    targets = [seen.request_line.split()[1] for seen in gate.pair.upstream.seen]
    assert targets[: 2 * MOST] == [b"/%d" % number for number in range(MOST)] * 2


def test_strangers_drive_nobody_out(gate: Counted) -> None:
    """However many heads they send, refused one and all."""
    learn(gate)
    with connected(gate.pair.port, FOREIGN) as client:
        for number in range(2 * MOST_OF_STRANGERS + 1):
            assert status(client, post(CLEAN, b"/%d" % number)) == 403
    assert gate.is_short(KNOWN)
    assert gate.is_short(post(CLEAN, b"/%d" % (2 * MOST_OF_STRANGERS)), FOREIGN)


def test_those_behind_a_proxy_drive_nobody_out(gate: Counted) -> None:
    """What a trusted proxy is refused for its client is not remembered at all."""
    learn(gate)
    field = b"X-Forwarded-For: " + FOREIGN.encode()
    with connected(gate.pair.port, PROXY) as client:
        for number in range(MOST + 1):
            assert status(client, post(CLEAN, b"/%d" % number, field)) == 403
    assert gate.is_short(KNOWN)
    assert not gate.is_short(post(CLEAN, b"/%d" % MOST, field), PROXY)


def test_who_was_a_stranger_is_none_once_it_is_listed(tmp_path: Path) -> None:
    """On connections from before too, which knew that it was refused; and a stranger again."""
    networks = tmp_path / "networks"
    networks.write_text("203.0.113.0/24\n")
    with (
        counted(tmp_path, **{"source.allow_file": str(networks)}) as gate,
        connected(gate.pair.port, FOREIGN) as kept,
    ):
        for text, before, after in (
            (f"{FOREIGN}\n", 403, 200),
            ("203.0.113.0/24\n", 200, 403),
        ):
            assert [status(kept) for _ in range(2)] == [before] * 2
            networks.write_text(text)
            reload(gate, "")
            for _ in range(2):
                assert status(kept) == after
                assert gate.play(([KNOWN], 1), source=FOREIGN).statuses == [after]


def test_a_known_refusal_of_head_has_no_body(tmp_path: Path) -> None:
    """HEAD has no body in its answer, known or not, and is judged like any by who may send."""
    request = b"HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    with counted(tmp_path) as gate:
        for source, answer in ((FOREIGN, 403), (ALLOWED, 405)) * 2:
            with connected(gate.pair.port, source) as client:
                for _ in range(2):
                    client.send(request)
                    assert client.read(to_head=True).status == answer


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    with counted(tmp_path_factory.mktemp("proxied"), **{"source.proxy_protocol": "true"}) as gate:
        for header in (v1(ALLOWED), v2_tcp4(ALLOWED)):
            gate.play(([header + KNOWN], 1), source=PROXY)
        yield gate


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (v1(FOREIGN), "source_not_allowed"),
        (v2_tcp4(FOREIGN), "source_not_allowed"),
        (b"PROXY UNKNOWN\r\n", "source_unresolved"),
        (v1(PROXY), "source_unresolved"),
        (b"", "malformed_http"),
    ],
    ids=["stranger", "stranger, v2", "nobody", "itself", "no header"],
)
def test_a_proxy_vouches_for_each_client_alone(
    proxied: Counted, header: bytes, reason: str
) -> None:
    """The head that passed for one client of a proxy is refused for another."""
    for _ in range(2):
        assert proxied.play(([header + KNOWN], 1), source=PROXY).reasons == [reason]
    before = proxied.work
    trace = proxied.play(([v1(ALLOWED) + KNOWN], 1), ([KNOWN], 1), source=PROXY)
    assert trace.reasons == ["clean"] * 2
    assert proxied.work == before


def test_a_client_of_a_proxy_is_not_itself(proxied: Counted) -> None:
    """The same address by itself and behind a proxy: two senders, each told as it is."""
    learn(proxied)
    for source, header, chain in (
        (ALLOWED, b"", ALLOWED),
        (PROXY, v1(ALLOWED), f"{ALLOWED}, {PROXY}"),
    ) * 2:
        trace = proxied.play(([header + KNOWN], 1), source=source)
        assert f"X-Forwarded-For: {chain}\r\n".encode() in trace.upstream[0][0]
        assert (trace.records[-1]["client"], trace.records[-1]["peer"]) == (ALLOWED, source)


def test_a_field_of_a_proxy_belongs_to_the_head(gate: Counted) -> None:
    """Whom a trusted proxy names is in the bytes that are compared; from others it is nothing."""
    named = [
        post(CLEAN, b"/", b"X-Forwarded-For: " + client.encode()) for client in (ALLOWED, FOREIGN)
    ]
    learn(gate, named[0], PROXY)
    for _ in range(2):
        reasons = [gate.play(([request], 1), source=PROXY).reasons for request in named]
        assert reasons == [["clean"], ["source_not_allowed"]]
        assert [gate.play(([request], 1)).reasons for request in named] == [["clean"]] * 2
        assert gate.play(([KNOWN], 1), source=PROXY).reasons == ["source_unresolved"]


# Makes one call of the named function raise, in the second request.
BREAKING = """
import importlib
module, owner, name = {where!r}
target = getattr(importlib.import_module(module), owner)
original = getattr(target, name)
calls = []
def broken(*arguments):
    calls.append(1)
    if len(calls) == {turn}:
        raise ValueError
    return original(*arguments)
setattr(target, name, broken)
"""


@pytest.mark.parametrize(
    ("where", "turn"),
    [
        (("hookgate.gate.delivery", "Delivery", "apply_screening"), 2),
        (("hookgate.policy", "Policy", "parse"), 2),
        (("hookgate_sidecar.request", "Request", "start"), 2),
        (("hookgate.upstream.pool", "UpstreamPool", "send"), 2),
    ],
    ids=["repeat", "judge", "start", "send"],
)
def test_a_fault_in_a_known_request_is_closed_recorded_and_survived(
    tmp_path: Path, where: tuple[str, str, str], turn: int
) -> None:
    """503 and a record, nothing upstream, and the next is known as before."""
    with counted(tmp_path, patch=BREAKING.format(where=where, turn=turn)) as gate:
        assert gate.play(([KNOWN], 1)).reasons == ["clean"]
        trace = gate.play(([KNOWN], 1))
        assert trace.reasons == ["gate_error"]
        assert trace.statuses == [503]
        assert trace.upstream == []
        assert gate.is_short(KNOWN)
