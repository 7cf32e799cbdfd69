"""What a process holds, as the kernel tells it."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

_LISTENING = "0A"  # proc(5): TCP_LISTEN


def descriptors(pid: int) -> int:
    """How many file descriptors are open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def accepted(port: int) -> int:
    """How many connections that came to this port over IPv4 are still open."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return sum(
        int(row[1].partition(":")[2], 16) == port and row[3] != _LISTENING and row[9] != "0"
        for row in rows
    )


def resident(pid: int, peak: bool = False) -> int:
    """Resident memory in bytes, now or at its highest since `forget_peak`."""
    name = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {name} of {pid}")


def forget_peak(pid: int) -> int:
    """Start measuring the peak anew; returns the resident memory now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return resident(pid)


def children(pid: int) -> set[int]:
    """The processes that its main thread started and that are there, or were not waited for."""
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def is_there(pid: int) -> bool:
    """Whether the process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextlib.contextmanager
def paused(pid: int) -> Iterator[None]:
    """The process does not run meanwhile; what is sent to it waits in the kernel."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
