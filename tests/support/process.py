"""What a process holds, as the kernel tells it, and the signals that it begins with."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

# What a shell without job control has a background command ignore (POSIX, 2.11 of its shell).
_IGNORED_IN_BACKGROUND = (signal.SIGINT, signal.SIGQUIT)
# As proc(5) writes them in net/tcp: 127.0.0.1 on this machine, and TCP_LISTEN.
_LOOPBACK = f"{int.from_bytes(bytes((127, 0, 0, 1)), sys.byteorder):08X}"
_LISTENING = "0A"


def descriptors(pid: int) -> int:
    """How many file descriptors are open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def accepted(port: int) -> int:
    """How many connections that came to 127.0.0.1 at this port are still open."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    ours = f"{_LOOPBACK}:{port:04X}"
    return sum(row[1] == ours and row[3] != _LISTENING and row[9] != "0" for row in rows)


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


def let_children_be_interrupted() -> None:
    """Have every process that this one starts begin with the default of SIGINT and SIGQUIT.

    What is ignored is so in children too; what is handled is at its default (execve(2)). This
    process itself goes on without them.
    """
    for number in _IGNORED_IN_BACKGROUND:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def keep_what_python_compiles() -> None:
    """Have this process and those that it starts write bytecode, whatever the environment says.

    Where PYTHONDONTWRITEBYTECODE is set, each of hundreds of processes compiles hookgate anew, and
    each that collects rewrites every test: 10 seconds of processor time in place of 4.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        sys.dont_write_bytecode = False
