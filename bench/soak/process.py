"""Child processes that end with whoever started them, and what the system says of a process."""

import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from .site import ROOT

READY = "ready\n"

Process = subprocess.Popen[str]


def start(*command: str, cwd: Path = ROOT, errors: Path | None = None) -> Process:
    """A program whose output is to be read; its standard error goes to the file `errors`."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with (errors or Path(os.devnull)).open("wb") as log:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=log if errors else None,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )  # fmt: skip


def start_module(name: str, *arguments: object) -> Process:
    """`python -m bench.soak.NAME`."""
    return start(sys.executable, "-m", f"bench.soak.{name}", *map(str, arguments))


def start_sender(name: str, *arguments: object) -> Process:
    """The same for a sender, which waits for `begin`: a start takes a core half a second."""
    sender = start_module(f"senders.{name}", *arguments)
    assert sender.stdout is not None
    if sender.stdout.readline() != READY:
        raise RuntimeError(f"{name} does not start")
    return sender


def begin(*senders: Process) -> None:
    """Tell them to."""
    for sender in senders:
        assert sender.stdin is not None
        sender.stdin.write("\n")
        sender.stdin.flush()


def await_begin() -> None:
    """Called by a sender: it is ready, and waits to be told."""
    print(READY, end="", flush=True)
    sys.stdin.readline()


def tell(found: object) -> None:
    """Called by a sender at its end: print what `printed` reads."""
    left = memoryview(json.dumps(found).encode())
    # `print` lost what a pipe had no room for, one time in four, where uvloop had run.
    while left:
        left = left[os.write(sys.stdout.fileno(), left) :]


def printed(process: Process, seconds: float) -> Any:
    """What it printed, as JSON. It is killed, and this raises, where it does not end in time."""
    with process:
        try:
            text, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return json.loads(text)


def end(process: Process) -> None:
    """Kill it, unless it has ended."""
    with process:
        process.kill()


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def children(pid: int) -> list[int]:
    """The processes that it started and that have not been waited for; none where it is gone."""
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def status(pid: int) -> dict[str, str]:
    """What /proc says of it, by name; {} where it is gone."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return {}


def is_halted(pid: int) -> bool:
    """Whether a SIGSTOP holds it."""
    return status(pid).get("State", "").startswith("T")


def peak_mib(pid: int) -> float:
    """The most resident memory that it ever had; 0 where it is gone."""
    return int(status(pid).get("VmHWM", "0").split()[0]) / 1024


def own_mib(pid: int) -> float:
    """Its memory, pages that several share divided among them; 0 where it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0
