"""Processes pinned to a core: starting them, their CPU time and memory, ending them."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

TICK = 1 / os.sysconf("SC_CLK_TCK")


class Cpu(NamedTuple):
    """Seconds of CPU time, of the process and of the system for it."""

    user: float
    system: float

    def since(self, earlier: Self) -> "Cpu":
        """Return what was used since an earlier reading."""
        return Cpu(self.user - earlier.user, self.system - earlier.system)


class ProcessTree:
    """A process and its descendants."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def pids(self) -> list[int]:
        """Return the process ids, its own first."""
        parents: dict[int, list[int]] = {}
        for stat in _all_stats():
            parents.setdefault(stat.parent, []).append(stat.pid)
        found = [self.process.pid]
        for pid in found:
            found += parents.get(pid, [])
        return found

    def cpu(self) -> Cpu:
        """Return the CPU time of all of them, and of ended children that were waited for."""
        stats = [stat for pid in self.pids() if (stat := _stat(pid))]
        return Cpu(sum(stat.user for stat in stats), sum(stat.system for stat in stats))

    def pss(self) -> list[int]:
        """Return the bytes of memory of each, shared pages divided among those that share them."""
        return [_pss(pid) for pid in self.pids()]


class _Stat(NamedTuple):
    pid: int
    parent: int
    user: float
    system: float


def _stat(pid: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name, in parentheses, may hold anything.
    fields = text.rpartition(")")[2].split()
    user, system, children_user, children_system = (int(field) * TICK for field in fields[11:15])
    return _Stat(pid, int(fields[1]), user + children_user, system + children_system)


def _all_stats() -> Iterator[_Stat]:
    for entry in os.listdir("/proc"):  # noqa: PTH208  # names, ten times as fast
        if entry.isdecimal() and (stat := _stat(int(entry))):
            yield stat


def _pss(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line[:4] == "Pss:")


def core_idle(core: int) -> float:
    """Return how many seconds the core has been idle since boot. Raises ValueError for no core."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name == f"cpu{core}":
            return (int(fields[3]) + int(fields[4])) * TICK
    raise ValueError(f"there is no core {core}")


def pinned(core: int, command: Sequence[str]) -> list[str]:
    """Return a command that runs on one core, and gets SIGTERM when its parent dies."""
    return ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", str(core), *command]


@contextmanager
def running(
    core: int, command: Sequence[str], environment: Mapping[str, str], output: Path
) -> Iterator[ProcessTree]:
    """Run a command on one core until the block ends; its whole session is killed then."""
    with output.open("ab") as log, output.with_suffix(".err").open("ab") as errors:
        process = subprocess.Popen(
            pinned(core, command),
            # As installers leave it: what is in Python is compiled, once.
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=errors,
            start_new_session=True,
        )
    try:
        yield ProcessTree(process)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_until(is_so: Callable[[], bool], seconds: float) -> bool:
    """Wait until it is so, asking every 2 ms; return whether it became so in `seconds`."""
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(0.002)
    return True
