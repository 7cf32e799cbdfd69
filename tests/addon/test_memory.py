"""Memory does not grow with the number of requests."""

import threading
from pathlib import Path
from typing import NamedTuple

import pytest

from support.events import CLEAN
from support.mitmdump import Running, running_mitmdump
from support.process import resident
from support.raw import connected, post

MIB = 1024 * 1024

# Flows, Python's own blocks (of up to 512 bytes) and malloc's bytes: what is in use, exactly.
_COUNT = """
import ctypes, gc, sys
from mitmproxy.http import HTTPFlow
class Mallinfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd",
        "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
    )]
mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Mallinfo2
gc.collect()
flows = sum(isinstance(found, HTTPFlow) for found in gc.get_objects())
told = mallinfo2()
result = flows, sys.getallocatedblocks(), told.uordblks + told.hblkhd
"""


class Held(NamedTuple):
    """What a process holds."""

    flows: int
    blocks: int
    malloced: int
    resident: int


def held(running: Running) -> Held:
    flows, blocks, malloced = running.gate.run_inside(_COUNT)
    return Held(flows, blocks, malloced, resident(running.gate.process.pid))


def send(running: Running, count: int) -> None:
    """Clean events on four connections at once."""

    def send_some() -> None:
        request = post(CLEAN)
        with connected(running.port) as client:
            for _ in range(count // 4):
                client.send(request)
                assert client.read().status == 200

    threads = [threading.Thread(target=send_some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    running.upstream.seen.clear()


@pytest.mark.parametrize(
    ("warming", "more"), [(400, 1_600), pytest.param(5_000, 15_000, marks=pytest.mark.soak)]
)
@pytest.mark.slow
def test_memory_is_flat_and_no_flow_is_kept(tmp_path: Path, warming: int, more: int) -> None:
    """Nothing in use is in proportion to the requests: not half a block, not 150 bytes of each."""
    with running_mitmdump(tmp_path) as running:
        send(running, warming)
        before = held(running)
        send(running, more)
        after = held(running)
        assert after.flows < 10
        assert after.blocks - before.blocks < more / 2
        assert after.malloced - before.malloced < more * 150
        assert after.resident - before.resident < 6 * MIB
        assert len(running.gate.records("delivery")) == warming + more
