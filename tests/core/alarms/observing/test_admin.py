"""What answers in the admin listener's place, and how long it is waited for."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hookgate.address import ListenAddress, TcpAddress, UnixAddress
from hookgate.alarms.observing import admin
from hookgate.alarms.observing.admin import AdminPoller, ask
from hookgate.alarms.sight import AdminSight

READY = b'{"ready":false,"problems":["it drains"],"degraded":["worker 1"],"upstream":["refused"]}'
METRICS = b"""# HELP hookgate_workers Processes
hookgate_workers 2.0
hookgate_worker_restarts_total{cause="died"} 1.0
hookgate_worker_restarts_total{cause="killed"} 2.0
hookgate_last_delivered_timestamp_seconds 1.79e+09
hookgate_odd{a="\\"} 9\\n"} 3.0
hookgate_broken nonsense
"""


def http(body: bytes, status: int = 200) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


@contextmanager
def answering(*answers: bytes | None, unix: Path | None = None) -> Iterator[ListenAddress]:
    """One that gives an answer to each connection, in turn; None says nothing."""
    listener = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
    listener.bind(str(unix) if unix else ("127.0.0.1", 0))
    listener.listen()
    held = []

    def run() -> None:
        for answer in answers:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            held.append(connection)
            connection.recv(65536)
            if answer is not None:
                connection.sendall(answer)
                connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield UnixAddress(str(unix)) if unix else TcpAddress("127.0.0.1", listener.getsockname()[1])
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)
    for connection in held:
        connection.close()


@pytest.mark.parametrize("is_unix", [False, True])
def test_what_it_tells_is_read_over_either_kind_of_socket(is_unix: bool, tmp_path: Path) -> None:
    unix = tmp_path / "admin.sock" if is_unix else None
    with answering(http(READY, 503), http(METRICS), unix=unix) as address:
        seen = ask(address)
    assert seen[:4] == ("", ("it drains",), ("worker 1",), ("refused",))
    assert seen.metrics["hookgate_workers"] == 2
    assert seen.metrics["hookgate_worker_restarts_total"] == 3
    assert seen.metrics["hookgate_last_delivered_timestamp_seconds"] == 1.79e9
    assert "hookgate_broken" not in seen.metrics


@pytest.mark.parametrize(
    ("answers", "trouble"),
    [
        ((http(b"x", 500),), "/readyz answered 500"),
        ((http(b"x", 302),), "/readyz answered 302"),
        ((http(READY), http(b"", 404)), "/metrics answered 404"),
        ((http(b"garbage"),), "what answers there is no hookgate"),
        ((http(b"[]"),), "what answers there is no hookgate"),
        (
            (http(b'{"problems":1,"degraded":[],"upstream":[]}'),),
            "what answers there is no hookgate",
        ),
        ((http(READY), http(b"hookgate_workers 1.2.3\n")), "what answers there is no hookgate"),
        ((http(READY), http(b"hookgate_workers .\n")), "what answers there is no hookgate"),
        (
            (http(READY), http(b"hookgate_quarantine_items 1e999\n")),
            "what answers there is no hookgate",
        ),
        ((b"SSH-2.0-x\r\n",), "what answers there is no hookgate"),
        ((b"",), "RemoteDisconnected"),
        ((None,), "no answer in time"),
        ((b"HTTP/1.1 200 X\r\nContent-Length: 999\r\n\r\n{",), "what answers there is no hookgate"),
    ],
)
def test_what_is_no_answer_is_a_trouble(
    answers: tuple[bytes | None, ...], trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "_SECONDS", 0.2)
    with answering(*answers) as address:
        assert ask(address).trouble == trouble


def test_nobody_there_is_a_trouble(tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        assert ask(TcpAddress("127.0.0.1", port)).trouble == "Connection refused"
    path = str(tmp_path / "none")
    assert ask(UnixAddress(path)).trouble == "No such file or directory"


def test_who_hangs_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look is on a thread, and says nothing before it has an answer."""
    monkeypatch.setattr(admin, "_SECONDS", 0.01)
    going = threading.Event()

    def hang(_: ListenAddress) -> AdminSight:
        going.wait(30)
        return AdminSight("")

    poller = AdminPoller(TcpAddress("127.0.0.1", 1), 0.01, hang)
    assert poller.latest() is None or poller.latest() == AdminSight("no answer in time")
    deadline = threading.Event()
    while poller.latest() is None:
        deadline.wait(0.01)
    assert poller.latest() == AdminSight("no answer in time")
    going.set()
    poller.close()
