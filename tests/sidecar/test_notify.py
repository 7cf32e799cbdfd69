"""What a service manager hears, on a real datagram socket: ready, reloading, stopping, alive."""

import asyncio
import contextlib
import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hookgate_sidecar.notify import feed_watchdog, notify, reloading
from support.process import children
from support.raw import wait_until
from support.receiver import receiving
from support.sidecar import sidecar


class Manager:
    """Receives what is sent to `address` as it comes, as systemd would.

    The kernel keeps ten datagrams, and a sender throws away those beyond.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._heard: queue.Queue[bytes] = queue.Queue()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1))
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while data := self._socket.recv(4096):
            self._heard.put(data)

    @property
    def unheard(self) -> int:
        """How many datagrams came and were not heard yet."""
        return self._heard.qsize()

    def hear(self) -> list[str]:
        """The assignments of the next datagram."""
        return self._heard.get(timeout=10).decode().split("\n")

    def hear_until(self, assignment: str, seconds: float = 20) -> list[str]:
        """The first datagram that holds the assignment."""
        until = time.monotonic() + seconds
        while assignment not in (heard := self.hear()):
            assert time.monotonic() < until, f"no {assignment}"
        return heard

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Manager]:
    """Its socket is a file, or a name in the abstract namespace; $NOTIFY_SOCKET says which."""
    by_path = request.param == "path"
    address = str(tmp_path / "notify") if by_path else f"@hookgate-{os.getpid()}"
    with contextlib.closing(Manager(address)) as listening:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        yield listening


def test_assignments_arrive_in_one_datagram(manager: Manager) -> None:
    """A line each, as sd_notify(3) has them."""
    notify("READY=1", "STATUS=Listening on [::1]:8081")
    assert manager.hear() == ["READY=1", "STATUS=Listening on [::1]:8081"]


def test_a_reload_is_told_with_the_time_it_began_and_its_end(manager: Manager) -> None:
    """The time is that of the monotonic clock, which both sides share; a failure ends it too."""
    before = time.monotonic_ns() // 1000
    with contextlib.suppress(ValueError), reloading():
        raise ValueError
    began, stamp = manager.hear()
    assert began == "RELOADING=1"
    assert before <= int(stamp.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000
    assert manager.hear() == ["READY=1"]


@pytest.mark.parametrize("address", ["", "relative", "/no/such/socket", "@nobody", "/" + "x" * 200])
def test_nobody_listening_is_no_error(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manager that cannot be told keeps nobody from serving."""
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify("READY=1")


OFTEN = 40


@pytest.mark.parametrize(
    ("variables", "fed"),
    [
        ({"WATCHDOG_USEC": "20000"}, True),
        ({"WATCHDOG_USEC": "20000", "WATCHDOG_PID": str(os.getpid())}, True),
        ({"WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"}, False),
        ({"WATCHDOG_USEC": "0"}, False),
        ({"WATCHDOG_USEC": "soon"}, False),
        ({}, False),
    ],
    ids=["any process", "this process", "another process", "zero", "no number", "unset"],
)
def test_the_watchdog_is_fed_in_half_its_time(
    variables: dict[str, str], fed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once and then often enough that one late turn is forgiven; not where nobody watches."""
    address = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    async def feed(manager: Manager) -> None:
        """Until it ends or was heard so often, in three times what that takes."""
        async with asyncio.timeout(3 * OFTEN * 0.01):
            feeding = asyncio.create_task(feed_watchdog())
            while not feeding.done() and manager.unheard < OFTEN:  # noqa: ASYNC110  # a thread hears
                await asyncio.sleep(0.005)
            feeding.cancel()

    with contextlib.closing(Manager(address)) as manager:
        asyncio.run(feed(manager))
        count = OFTEN if fed else 0
        assert [manager.hear() for _ in range(count)] == [["WATCHDOG=1"]] * count
        assert fed or manager.unheard == 0


def test_missing_workers_are_told(manager: Manager, tmp_path: Path) -> None:
    """And that all are there again."""
    with sidecar("http://127.0.0.1:9", tmp_path, **{"sidecar.workers": "2"}) as gate:
        well = f"STATUS=Listening on 127.0.0.1:{gate.port}"
        manager.hear_until(well)
        os.kill(min(children(gate.process.pid)), signal.SIGKILL)
        (told,) = manager.hear()
        assert told.startswith(f"{well}; ")
        manager.hear_until(well)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_running_sidecar_tells_its_whole_life(
    workers: str, manager: Manager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ready once it listens and not before, alive, reloading and ready again, stopping."""
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    keys = {"sidecar.workers": workers}
    with receiving() as upstream, sidecar(upstream.url, tmp_path, **keys) as gate:
        assert manager.hear_until("READY=1") == [
            "READY=1",
            f"STATUS=Listening on 127.0.0.1:{gate.port}",
        ]
        assert manager.hear() == ["WATCHDOG=1"]
        gate.process.send_signal(signal.SIGHUP)
        assert manager.hear_until("RELOADING=1")
        assert manager.hear_until("READY=1") == ["READY=1"]
        gate.process.send_signal(signal.SIGTERM)
        assert "STATUS=Draining" in manager.hear_until("STOPPING=1")
        assert wait_until(lambda: gate.process.poll() is not None)
        assert gate.stop() == 0
