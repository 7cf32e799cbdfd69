"""What a process keeps of large blocks that were freed among small ones."""

import platform
import subprocess
import sys

import pytest

# Makes many large blocks, each with a small object above it in the heap, frees them, and prints by
# how many MiB the process has grown.
_SCRIPT = """
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


@pytest.mark.parametrize(("last", "keeps"), [("", True), ("return_free_memory()", False)])
def test_large_blocks_wait_for_their_next_use_and_then_go_back(last: str, keeps: bool) -> None:
    """Fifty blocks of 1 MiB, though small ones that stay lie between them."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("another C library")
    script = _SCRIPT.format(last=last)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (int(done.stdout) > 25) == keeps, done.stdout + done.stderr
