"""Listening on a Unix socket: who may connect, whose events come, and what becomes of the file."""

import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import forked
from support.events import CLEAN
from support.pair import Pair, paired
from support.proxy_header import v1, v2_tcp4
from support.raw import Client, ask_at, connected_to, post, wait_until
from support.receiver import receiving
from support.sidecar import ALLOWED, FOREIGN, PROXY, sidecar

FROM_ALLOWED = b"X-Forwarded-For: " + ALLOWED.encode()


def on(path: Path, **keys: str) -> dict[str, str]:
    """The keys of a sidecar that listens there behind a proxy."""
    return {"sidecar.listen": f"unix:{path}", "source.trusted_proxies": f"unix,{PROXY}", **keys}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("unix")


@pytest.fixture(scope="module")
def pair(folder: Path) -> Iterator[Pair]:
    with paired(folder, **on(folder / "gate.sock")) as running:
        yield running


@pytest.fixture
def path(folder: Path, pair: Pair) -> Path:
    return folder / "gate.sock"


def test_a_proxy_names_the_client(pair: Pair, path: Path) -> None:
    """In the ledger it is the client, and the peer is what it is; no hop is made up for it."""
    traces = pair.traces()
    assert ask_at(path, post(CLEAN, b"/cm/events", FROM_ALLOWED)).status == 200
    record = traces.delivery()
    assert (record["client"], record["peer"], record["reason"]) == (ALLOWED, "unix", "clean")
    (seen,) = traces.seen
    assert seen.body == CLEAN
    assert seen.values(b"x-forwarded-for") == [ALLOWED.encode()]


def test_other_proxies_on_the_way_are_stepped_over(pair: Pair, path: Path) -> None:
    """As behind any other trusted proxy."""
    traces = pair.traces()
    field = FROM_ALLOWED + b", " + PROXY.encode()
    assert ask_at(path, post(CLEAN, b"/cm/events", field)).status == 200
    assert traces.delivery()["client"] == ALLOWED
    assert traces.seen[0].values(b"x-forwarded-for") == [f"{ALLOWED}, {PROXY}".encode()]


NOBODY = {
    "nothing": (),
    "a word": (b"X-Forwarded-For: unix",),
    "nginx's word": (b"X-Forwarded-For: unix:",),
    "a proxy": (b"X-Forwarded-For: " + PROXY.encode(),),
    "another field": (b"X-Real-IP: " + ALLOWED.encode(),),
}


@pytest.mark.parametrize("fields", NOBODY.values(), ids=NOBODY.keys())
def test_who_is_named_by_nobody_is_refused(
    pair: Pair, path: Path, fields: tuple[bytes, ...]
) -> None:
    """The peer has no address that it could be judged by."""
    traces = pair.traces()
    answer = ask_at(path, post(CLEAN, b"/cm/events", *fields))
    assert (answer.status, answer.body) == (403, b"")
    record = traces.delivery()
    assert (record["reason"], record["client"]) == ("source_unresolved", None)
    assert record["peer"] == "unix"
    assert traces.untouched


def test_a_stranger_stays_one(pair: Pair, path: Path) -> None:
    """The allowlist holds behind the socket too."""
    traces = pair.traces()
    field = b"X-Forwarded-For: " + FOREIGN.encode()
    assert ask_at(path, post(CLEAN, b"/cm/events", field)).status == 403
    assert traces.delivery()["reason"] == "source_not_allowed"
    assert traces.untouched


def test_the_name_of_a_peer_s_own_socket_is_no_address(pair: Pair, path: Path) -> None:
    """It may bind to what it likes, an allowed address too."""
    traces = pair.traces()
    with socket.socket(socket.AF_UNIX) as plain:
        plain.bind("\0" + ALLOWED)
        plain.connect(str(path))
        client = Client(0, connected=plain)
        client.send(post(CLEAN))
        assert client.read().status == 403
    assert traces.delivery()["peer"] == "unix"


def test_one_connection_serves_many_requests(pair: Pair, path: Path) -> None:
    """In order, pipelined ones too."""
    request = post(CLEAN, b"/cm/events", FROM_ALLOWED)
    with connected_to(path) as client:
        client.send(request * 3)
        assert [client.read().status for _ in range(3)] == [200] * 3
        client.send(request)
        assert client.read().status == 200
    assert len(pair.traces().deliveries(0)) == 0


def test_the_proxy_protocol_is_spoken_over_it(tmp_path: Path) -> None:
    """Both versions; without a header nobody is known."""
    path = tmp_path / "gate.sock"
    with paired(tmp_path, **on(path, **{"source.proxy_protocol": "true"})) as running:
        for header in (v1(ALLOWED), v2_tcp4(ALLOWED)):
            traces = running.traces()
            assert ask_at(path, header + post(CLEAN)).status == 200
            record = traces.delivery()
            assert (record["client"], record["peer"]) == (ALLOWED, "unix")
        assert ask_at(path, v1(FOREIGN) + post(CLEAN, b"/", FROM_ALLOWED)).status == 403
        assert ask_at(path, post(CLEAN, b"/", FROM_ALLOWED)).status == 400


def test_without_the_word_it_does_not_start(tmp_path: Path) -> None:
    """Exit 2, with the key that is missing."""
    arguments = ["--upstream", "http://127.0.0.1:9", "--listen", f"unix:{tmp_path}/gate.sock"]
    done = forked.run(["serve", *arguments], tmp_path)
    assert done.returncode == 2
    assert 'needs "unix" in source.trusted_proxies' in done.stderr
    assert not (tmp_path / "gate.sock").exists()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_file_is_there_as_long_as_it_serves(tmp_path: Path, workers: str) -> None:
    """With its mode whatever the umask is; through a reload and new workers; then it is gone."""
    path = tmp_path / "gate.sock"
    event = post(CLEAN, b"/cm/events", FROM_ALLOWED)
    keys = on(path, **{"sidecar.workers": workers, "sidecar.socket_mode": "0666"})
    keys["sidecar.admin"] = f"unix:{tmp_path}/admin.sock"
    patch = "import os\nos.umask(0o077)"
    with (
        receiving() as upstream,
        sidecar(upstream.url, tmp_path, patch=patch, **keys) as gate,
    ):
        gate.wait_for_log("admin.listening")
        before = path.stat()
        assert stat.S_IMODE(before.st_mode) == 0o666
        assert ask_at(path, event).status == 200
        os.kill(gate.process.pid, signal.SIGHUP)
        gate.wait_for_log("gate.reload_applied")
        assert ask_at(path, event).status == 200
        if workers == "2":
            os.kill(gate.process.pid, signal.SIGUSR2)
            gate.wait_for_log("supervisor.rolled", 30)
            assert ask_at(path, event).status == 200
        assert path.stat().st_ino == before.st_ino
        ready = ask_at(tmp_path / "admin.sock", b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert ready.status == 200
        assert gate.stop() == 0
    assert not path.exists()
    assert not (tmp_path / "admin.sock").exists()


def test_a_start_that_fails_takes_its_files_with_it(tmp_path: Path) -> None:
    """Here the admin listener cannot be had, after the other one listens."""
    path = tmp_path / "gate.sock"
    keys = on(path, **{"sidecar.admin": f"unix:{tmp_path}/missing/admin.sock"})
    environment = {f"HOOKGATE_{k.upper().replace('.', '__')}": v for k, v in keys.items()}
    done = forked.run(["serve", "--upstream", "http://127.0.0.1:9"], tmp_path, environment)
    assert done.returncode == 1
    assert "sidecar.admin = unix:" in done.stderr
    assert "No such file or directory" in done.stderr
    assert not path.exists()


def test_a_killed_one_s_file_is_taken_over(tmp_path: Path) -> None:
    """Nobody listens there any more, so the next start may."""
    path = tmp_path / "gate.sock"
    with receiving() as upstream:
        with sidecar(upstream.url, tmp_path, **on(path)) as killed:
            killed.kill()
        assert path.exists()
        with sidecar(upstream.url, tmp_path, **on(path)):
            assert ask_at(path, post(CLEAN, b"/cm/events", FROM_ALLOWED)).status == 200
    assert not path.exists()


def test_systemd_is_told_where_it_listens(tmp_path: Path) -> None:
    """In the status of the unit."""
    told = tmp_path / "notify"
    path = tmp_path / "gate.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(told))
        manager.settimeout(10)
        patch = f"import os\nos.environ['NOTIFY_SOCKET'] = {str(told)!r}"
        with sidecar("http://127.0.0.1:9", tmp_path, patch=patch, **on(path)) as gate:
            assert manager.recv(1024).decode() == f"READY=1\nSTATUS=Listening on unix:{path}"
            assert wait_until(path.exists)
            assert gate.stop() == 0
