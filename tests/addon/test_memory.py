"""Memory does not grow with the number of requests."""

import threading
from pathlib import Path

import pytest

from support.events import CLEAN
from support.mitmdump import running_mitmdump
from support.process import resident
from support.raw import connected, post

ALLOWANCE = 6 * 1024 * 1024


@pytest.mark.slow
def test_memory_is_flat_and_no_flow_is_kept(tmp_path: Path) -> None:
    """After 20,000 requests the process is as large as after 5,000."""
    with running_mitmdump(tmp_path) as running:

        def send(count: int) -> None:
            request = post(CLEAN)
            with connected(running.port) as client:
                for _ in range(count):
                    client.send(request)
                    assert client.read().status == 200

        def send_all(count: int) -> None:
            threads = [threading.Thread(target=send, args=(count // 4,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            running.upstream.seen.clear()

        count_flows = (
            "import gc; from mitmproxy.http import HTTPFlow; gc.collect(); "
            "result = sum(isinstance(o, HTTPFlow) for o in gc.get_objects())"
        )
        send_all(5_000)
        running.gate.run_inside(count_flows)
        before = resident(running.gate.process.pid)
        send_all(15_000)
        flows = running.gate.run_inside(count_flows)
        assert resident(running.gate.process.pid) - before < ALLOWANCE
        assert flows < 10
        assert len(running.gate.records("delivery")) == 20_000
