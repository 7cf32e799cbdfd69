"""Whoever watches, and however many: what the workers are asked does not grow with them."""

import contextlib
import time
from pathlib import Path

import pytest

from support.admin import ON, Admin
from support.pair import paired
from support.raw import connected

OPEN = "application/openmetrics-text"
# As many bytes in `asked` as often as all workers were asked.
COUNTED = """\
from hookgate_sidecar.reports import Reports
def counted(ask):
    async def counted(self):
        with open({asked!r}, "ab") as file: file.write(b".")
        return await ask(self)
    return counted
Reports.snapshots, Reports.look = counted(Reports.snapshots), counted(Reports.look)
"""


@pytest.mark.parametrize("path", ["/readyz", "/metrics", "/status"])
def test_however_many_ask_workers_are_asked_ten_times_a_second(tmp_path: Path, path: str) -> None:
    """Each is answered all the same, whatever form of the metrics it asks for."""
    asked = tmp_path / "asked"
    asked.touch()
    keys = {"sidecar.workers": "2", "patch": COUNTED.format(asked=str(asked))}
    with paired(tmp_path, **ON, **keys) as pair:
        admin = Admin(pair.gate)
        before, begun = asked.stat().st_size, time.monotonic()
        for _ in range(5):
            with contextlib.ExitStack() as stack:
                clients = [stack.enter_context(connected(admin.port)) for _ in range(12)]
                for number, client in enumerate(clients):
                    accept = f"{OPEN};version=1.0.{number};escaping=dots"
                    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\n\r\n"
                    client.send(head.encode())
                assert [client.read().status for client in clients] == [200] * 12
        elapsed = time.monotonic() - begun
        assert asked.stat().st_size - before <= 1 + 10 * elapsed
