"""A command that is run to its end, and what it took."""

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

_SAMPLED = 0.2


class Run(NamedTuple):
    """What a command took and printed: seconds by the clock and of processors, MiB at its peak.

    Memory is that of all its processes, shared pages divided, or its own where that was more.
    """

    seconds: float
    effort: float
    peak: int
    output: bytes


def measure(*command: str) -> Run:
    """Run a command to its end and measure it."""
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL)
        peak = 0
        while True:
            pid, _, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, _memory(process.pid))
            time.sleep(min(_SAMPLED, 0.01 + (time.monotonic() - began) / 50))
        seconds = time.monotonic() - began
        output.seek(0)
        effort = usage.ru_utime + usage.ru_stime
        return Run(seconds, effort, max(peak, usage.ru_maxrss) // 1024, output.read())


def _memory(pid: int) -> int:
    """KiB of a process and those that it began."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has ended
        return 0
    own = next((int(line.split()[1]) for line in rollup.splitlines() if line[:4] == "Pss:"), 0)
    return own + sum(_memory(int(child)) for child in children)
