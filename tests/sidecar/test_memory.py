"""What a process keeps of large blocks that were freed among small ones."""

import platform
import subprocess
import sys

import pytest

# Parses a body as large as one may be ten times, and ten times more, and prints how many pages were
# made anew for the latter. Python has no small objects to make of it, whose blocks come and go.
_PARSING = """
import json
from resource import RUSAGE_SELF, getrusage
from hookgate.policy.document import parse
from hookgate_sidecar.memory import hold_free_memory
hold_free_memory()
body = json.dumps({"a": [1] * 9000, "b": "x" * 1_000_000}, separators=(",", ":")).encode()
def fault():
    before = getrusage(RUSAGE_SELF).ru_minflt
    for _ in range(10):
        assert type(parse(body, 64, 10_000)) is dict
    return getrusage(RUSAGE_SELF).ru_minflt - before
fault()
print(fault())
"""
# Makes many large blocks, each with a small object above it in the heap, frees them, and prints by
# how many MiB the process has grown.
_FREEING = """
import ctypes
from pathlib import Path
from hookgate_sidecar.memory import hold_free_memory, return_free_memory
hold_free_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = libc.malloc.argtypes = [ctypes.c_size_t]
libc.memset.argtypes = [ctypes.c_size_t, ctypes.c_int, ctypes.c_size_t]
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20
def block():
    place = libc.malloc(1 << 20)
    libc.memset(place, 1, 1 << 20)
    while libc.malloc(2000) < place:  # what was free below it is taken first
        pass
    return place
before = resident()
blocks = []
for _ in range(50):
    blocks.append(block())
for place in blocks:
    libc.free(place)
{last}
print(resident() - before)
"""


pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")


def run(script: str) -> int:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_a_large_body_is_parsed_in_the_memory_of_the_one_before() -> None:
    """Though orjson asks for twelve bytes for each of them."""
    assert run(_PARSING) < 100


@pytest.mark.parametrize(("last", "keeps"), [("", True), ("return_free_memory()", False)])
def test_large_blocks_wait_for_their_next_use_and_then_go_back(last: str, keeps: bool) -> None:
    """Fifty blocks of 1 MiB, though small ones that stay lie between them."""
    grown = run(_FREEING.format(last=last))
    assert (grown > 25) == keeps, grown
