"""Child processes that die with their parent, and what /proc says of a process."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from .site import ROOT

READY = "ready\n"

Process = subprocess.Popen[str]


def start(*command: str, cwd: Path = ROOT, errors: Path | None = None) -> Process:
    """Start a program whose output is to be read; its standard error goes to `errors`."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with (errors or Path(os.devnull)).open("wb") as log:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=log if errors else None,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )  # fmt: skip


def start_module(name: str, *arguments: object) -> Process:
    """Start `python -m bench.soak.NAME`."""
    return start(sys.executable, "-m", f"bench.soak.{name}", *map(str, arguments))


def start_sender(name: str, *arguments: object) -> Process:
    """Start a sender, which then waits for `begin`: starting takes a core half a second.

    Raises RuntimeError where it does not start.
    """
    sender = start_module(f"senders.{name}", *arguments)
    assert sender.stdout is not None
    if sender.stdout.readline() != READY:
        raise RuntimeError(f"{name} does not start")
    return sender


def begin(*senders: Process) -> None:
    """Let senders begin that have been started."""
    for sender in senders:
        assert sender.stdin is not None
        sender.stdin.write("\n")
        sender.stdin.flush()


def await_begin() -> None:
    """Wait, in a sender, until `begin` is called; tell that it is ready."""
    print(READY, end="", flush=True)
    sys.stdin.readline()


def print_result(found: object) -> None:
    """Print a value as JSON, in a sender at its end, for `read_result`."""
    left = memoryview(json.dumps(found).encode())
    # `print` lost what a pipe had no room for, one time in four, where uvloop had run.
    while left:
        left = left[os.write(sys.stdout.fileno(), left) :]


def read_result(process: Process, seconds: float) -> Any:
    """Wait for a process to end, and parse the JSON that it printed.

    Kills it and raises TimeoutExpired where it does not end within `seconds`.
    """
    with process:
        try:
            text, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return json.loads(text)


def end(process: Process) -> None:
    """Kill a process, unless it has ended."""
    with process:
        process.kill()


def children(pid: int) -> list[int]:
    """Return the children of a process; none where it is gone."""
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def status(pid: int) -> dict[str, str]:
    """Parse /proc/PID/status; {} where the process is gone."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return {}


def is_halted(pid: int) -> bool:
    """Tell whether a process is halted by SIGSTOP."""
    return status(pid).get("State", "").startswith("T")


def peak_rss_mib(pid: int) -> float:
    """Return the most resident memory that a process ever had, in MiB; 0 where it is gone."""
    return int(status(pid).get("VmHWM", "0").split()[0]) / 1024


def pss_mib(pid: int) -> float:
    """Return a process's memory (PSS: shared pages divided) in MiB; 0 where it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0
