"""A new sidecar under the guard's load, and its instructions and Python calls meanwhile.

Its timers stand still, its addresses are not random, and nothing is synced: under a load that is
always the same it takes the same steps, whatever the machine's speed and whoever else uses it.
"""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path
from subprocess import PIPE

from .guard_load import PATIENCE_SECONDS, Kind, Mark, Server, drive

WAKE_SECONDS = 0.1
ATTEMPTS = 5
POLLED_BLOCKS = 5000  # valgrind's own default
CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGES = ("core", "sidecar", "cli", "addon")
SERVER = Path(__file__).resolve().with_name("guard_server.py")


@contextmanager
def serving(
    checkout: Path, kind: Kind, upstream: int, folder: Path, *wrapper: str
) -> Iterator[tuple[Server, int]]:
    """Run a checkout's sidecar until the block ends; yields its process and port.

    `wrapper` is put before its command. Exits where it does not start.
    """
    inherited = {name: value for name, value in os.environ.items() if name[:9] != "HOOKGATE_"}
    settings = {
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(str(checkout / name) for name in PACKAGES),
        "HOOKGATE_UPSTREAM__URL": f"http://127.0.0.1:{upstream}",
        "HOOKGATE_SOURCE__ALLOW": kind.allow,
        "HOOKGATE_SIDECAR__LISTEN": "127.0.0.1:0",
        "HOOKGATE_AUDIT__FSYNC": "never",
    }
    if kind.sealed:
        seal_key = folder / "seal.key"
        seal_key.touch(mode=0o600)
        seal_key.write_text("00" * 32)
        settings["HOOKGATE_AUDIT__SEAL_KEY_FILE"] = str(seal_key)
    process = subprocess.Popen(
        ["setarch", "-R", *wrapper, sys.executable, str(SERVER)],
        env=inherited | settings, cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        said = []
        for line in process.stderr or ():
            if '"sidecar.listening"' in line:
                break
            said.append(line)
        else:
            sys.exit(f"guard: the sidecar did not start\n{''.join(said)}")
        yield process, json.loads(line)["port"]
        process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
        process.wait()


def measure(checkout: Path, kind: Kind, requests: int, mark: Mark, *wrapper: str) -> None:
    """Send so many requests to a new sidecar of the checkout; call `mark` before and after."""
    with (
        tempfile.TemporaryDirectory(prefix="hookgate-guard-") as folder,
        socket.create_server(("127.0.0.1", 0)) as upstream,
        serving(checkout, kind, upstream.getsockname()[1], Path(folder), *wrapper) as (
            process,
            port,
        ),
    ):
        asyncio.run(drive(kind, upstream, process, port, requests, mark))


def count_calls(checkout: Path, kind: Kind, requests: int) -> Counter[str]:
    """Count the calls of Python functions during so many requests, by function."""
    counts = Counter[str]()

    def mark(process: Server) -> None:
        process.send_signal(signal.SIGRTMIN)
        assert process.stdout is not None
        counts.update(json.loads(process.stdout.readline()))

    measure(checkout, kind, requests, mark)
    return counts


def count_instructions(checkout: Path, kind: Kind, requests: int, file: Path, *more: str) -> int:
    """Count the instructions during so many requests; callgrind writes them to `file`.

    Exits where valgrind's vgdb fails. Begins anew, up to five times, where valgrind itself aborts,
    then raises ConnectionError: 3.19 does where an order finds it in the handler of a signal
    (vgCallgrind_post_signal). So each time it looks for orders at other steps.
    """
    states = cycle(("on", "off"))

    def mark(process: Server) -> None:
        # Without the 0 vgdb would interrupt the process with ptrace, which containers may forbid.
        command = ["vgdb", "--max-invoke-ms=0", f"--pid={process.pid}", "instrumentation"]
        with subprocess.Popen(
            [*command, next(states)], stdout=PIPE, stderr=PIPE, text=True
        ) as told:
            for _ in range(round(PATIENCE_SECONDS / WAKE_SECONDS)):
                try:
                    _, errors = told.communicate(timeout=WAKE_SECONDS)
                except subprocess.TimeoutExpired:
                    # valgrind looks for orders when the process runs.
                    process.send_signal(signal.SIGRTMIN + 1)
                else:
                    break
            else:
                told.kill()
        if told.returncode:
            sys.exit(f"guard: vgdb failed\n{errors}")

    valgrind = ("valgrind", "--tool=callgrind", "--instr-atstart=no", *more)
    for attempt in range(ATTEMPTS):
        options = (f"--vgdb-poll={POLLED_BLOCKS // (attempt + 1)}", f"--callgrind-out-file={file}")
        with suppress(ConnectionError):
            measure(checkout, kind, requests, mark, *valgrind, *options)
            total = re.search(r"^totals: (\d+)", file.read_text(), re.MULTILINE)
            if total is not None:
                return int(total[1])
        states = cycle(("on", "off"))
    raise ConnectionError("valgrind aborts each time")
