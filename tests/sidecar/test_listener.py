"""Where the sidecar listens: addresses, names, both families and one alone."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hookgate.address import TcpAddress
from hookgate_sidecar.errors import ListenError
from hookgate_sidecar.sockets import ListeningSockets, listen
from support.admin import Admin
from support.events import CLEAN
from support.families import in_namespace, run_in_namespace, without
from support.pair import Pair, paired
from support.raw import Client, post, wait_until
from support.receiver import receiving
from support.sidecar import sidecar

IPV4, IPV6 = socket.AF_INET, socket.AF_INET6
BOTH = {"source.allow": "127.0.0.1,::1", "source.trusted_proxies": "", "sidecar.listen": ":0"}


def listening(host: str, port: int = 0) -> ListeningSockets:
    return listen("sidecar.listen", TcpAddress(host, port), 0o660)


@pytest.mark.parametrize(
    ("host", "families"),
    [
        ("127.0.0.1", [IPV4]),
        ("0.0.0.0", [IPV4]),
        ("::1", [IPV6]),
        ("::", [IPV6]),
        ("", [IPV4, IPV6]),
    ],
)
def test_an_address_is_listened_on_as_it_says(host: str, families: list[int]) -> None:
    """On one port, that the system chose; no socket blocks, and no IPv6 one takes IPv4."""
    sockets = listening(host)
    try:
        assert [sock.family for sock in sockets.sockets] == families
        for sock in sockets.sockets:
            assert not sock.getblocking()
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            assert sock.getsockname()[1] == sockets.port
            if sock.family == IPV6:
                assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    finally:
        sockets.close()


def test_a_name_is_listened_on_at_each_of_its_addresses() -> None:
    """As the admin listener and nginx do, so that it does not matter which one a client tries."""
    sockets = listening("localhost")
    try:
        found = {info[4][0] for info in socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)}
        assert {sock.getsockname()[0] for sock in sockets.sockets} <= found
        assert "127.0.0.1" in sockets.address
    finally:
        sockets.close()


@pytest.mark.parametrize("taken_by", ["0.0.0.0", "::"])
def test_a_port_in_use_in_one_family_is_in_use(taken_by: str) -> None:
    """Half of what was asked for is not taken for the whole, and nothing stays open."""
    other = "0.0.0.0" if taken_by == "::" else "::"
    for _ in range(16):
        taken = listening(taken_by)
        try:
            with pytest.raises(ListenError, match="Address already in use"):
                listening("", taken.port or 0)
            listening(other, taken.port or 0).close()
        except ListenError:
            continue  # in that family it is somebody else's
        finally:
            taken.close()
        return
    raise AssertionError("it stays open")


def test_a_port_in_use_is_named_once() -> None:
    """The message has the key, the address and the reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError) as caught:
            listening("127.0.0.1", port)
    assert str(caught.value).count(str(port)) == 1
    assert str(caught.value) == (
        f"sidecar.listen = 127.0.0.1:{port} cannot be had: Address already in use"
    )


def test_a_name_that_nobody_has_is_refused() -> None:
    """Without a traceback, also where it could not even be asked for."""
    for host in ("nowhere.invalid", "a" * 70):
        with pytest.raises(ListenError, match=f"sidecar.listen = {host}:0 cannot be had: "):
            listening(host)


def deliver(host: str, port: int) -> int:
    """The status of an event that is sent to this address, from it."""
    with socket.create_connection((host, port), 10) as plain:
        client = Client(0, connected=plain)
        client.send(post(CLEAN))
        return client.read().status


def test_senders_come_over_ipv6(tmp_path: Path) -> None:
    """An event from ::1 is delivered and recorded under its address."""
    with paired(tmp_path, **{**BOTH, "sidecar.listen": "[::1]:0"}) as pair:
        assert deliver("::1", pair.port) == 200
        (record,) = pair.gate.wait_for_deliveries(1)
        assert (record["client"], record["peer"]) == ("::1", "::1")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    keys = {**BOTH, "sidecar.admin": ":0"}
    with paired(tmp_path_factory.mktemp("both"), **keys) as pair:
        yield pair


def test_every_address_is_of_both_families(both: Pair) -> None:
    """IPv4 is IPv4 to the allowlist, in the ledger and upstream."""
    traces = both.traces()
    for host in ("127.0.0.1", "::1"):
        assert deliver(host, both.port) == 200
    records = traces.deliveries(2)
    assert [record["client"] for record in records] == ["127.0.0.1", "::1"]
    assert [record["peer"] for record in records] == ["127.0.0.1", "::1"]
    named = [seen.values(b"x-forwarded-for") for seen in traces.seen]
    assert named == [[b"127.0.0.1"], [b"::1"]]


def test_a_stranger_of_either_family_is_one(both: Pair) -> None:
    """Also IPv4 whose IPv6 form would be in no list."""
    with socket.create_connection(("127.0.0.1", both.port), 10, ("127.0.0.9", 0)) as plain:
        client = Client(0, connected=plain)
        client.send(post(CLEAN))
        assert client.read().status == 403


def test_the_admin_listener_is_of_both_families_too(both: Pair) -> None:
    """So that probes reach it on the pod's address, whichever that is."""
    port = Admin(both.gate).port
    for host in ("127.0.0.1", "::1"):
        with socket.create_connection((host, port), 10) as plain:
            client = Client(0, connected=plain)
            client.send(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.read().status == 200


def test_workers_share_both_and_a_rolling_restart_keeps_them(tmp_path: Path) -> None:
    """Each worker accepts on either; new ones get both, a reload changes neither."""
    keys = {**BOTH, "sidecar.workers": "2"}
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:

        def served() -> bool:
            return all(deliver(host, gate.port) == 200 for host in ("127.0.0.1", "::1"))

        assert served()
        os.kill(gate.process.pid, signal.SIGUSR2)
        gate.wait_for_log("supervisor.rolled", 30)
        assert served()
        os.kill(gate.process.pid, signal.SIGHUP)
        gate.wait_for_log("gate.reload_applied")
        assert served()
        assert gate.stop() == 0
        clients = {record["client"] for record in gate.all_records("delivery")}
        assert clients == {"127.0.0.1", "::1"}


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("missing", "host"), [(IPV6, "127.0.0.1"), (IPV4, "::1")], ids=["no IPv6", "no IPv4"]
)
def test_a_kernel_with_one_family_is_served_by_that(
    tmp_path: Path, missing: int, host: str, workers: str
) -> None:
    """`:PORT` takes what there is; the upstream is reached in another way."""
    keys = {**BOTH, "sidecar.workers": workers}
    path = tmp_path / "app.sock"
    with (
        receiving(path=path) as upstream,
        sidecar(upstream.url, tmp_path, patch=without(missing), **keys) as gate,
    ):
        assert deliver(host, gate.port) == 200


@pytest.mark.parametrize(
    ("missing", "address"), [(IPV6, "[::]:0"), (IPV4, "0.0.0.0:0")], ids=["no IPv6", "no IPv4"]
)
def test_an_address_of_the_family_that_is_missing_is_not_guessed(
    tmp_path: Path, missing: int, address: str
) -> None:
    """Who wrote one family down gets that one, or is told."""
    arguments = ["serve", "--upstream", "http://127.0.0.1:9", "--listen", address]
    start = f"{without(missing)}\nfrom hookgate_cli.main import main\nmain({arguments})"
    done = subprocess.run(
        [sys.executable, "-c", start], cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1
    assert "cannot be had: Address family not supported" in done.stderr


ONE_FAMILY = {
    "IPv4 alone": (("sysctl -qw net.ipv6.conf.all.disable_ipv6=1",), "127.0.0.1"),
    "IPv6 alone": (("ip addr del 127.0.0.1/8 dev lo",), "::1"),
}


@pytest.mark.parametrize("listen_at", [":0", "localhost:0"])
@pytest.mark.parametrize(("commands", "host"), ONE_FAMILY.values(), ids=ONE_FAMILY.keys())
def test_a_network_with_one_family_is_served_by_that(
    tmp_path: Path, commands: tuple[str, ...], host: str, listen_at: str
) -> None:
    """As in a container whose network has one; the admin listener likewise."""
    named = {info[4][0] for info in socket.getaddrinfo("localhost", 0)}
    if listen_at == "localhost:0" and host not in named:
        pytest.skip(f"localhost is not {host} on this machine")
    under = in_namespace(tmp_path, "ip link set lo up", *commands)
    keys = {**BOTH, "sidecar.listen": listen_at, "sidecar.admin": listen_at}
    with (
        receiving(path=tmp_path / "app.sock") as upstream,
        sidecar(upstream.url, tmp_path, under=under, **keys) as gate,
    ):
        assert run_in_namespace(gate.process.pid, lambda: deliver(host, gate.port)) == 200
        assert wait_until(lambda: bool(gate.records("delivery")))
        assert gate.records("delivery")[0]["client"] == host
