"""A gate on loopback, as a child process."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hookgate.paths import is_there

from .common import FINDING, fail

_START_SECONDS = 20


@dataclass(frozen=True)
class RunningGate:
    """A gate that listens on `port`."""

    port: int
    process: "subprocess.Popen[bytes]"

    def reload(self) -> None:
        """Have it read its configuration again, which mitmdump does not."""
        self.process.send_signal(signal.SIGHUP)


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out what configures hookgate."""
    return {k: v for k, v in environment.items() if not k.startswith("HOOKGATE_")}


@contextmanager
def running_gate(
    verb: str, upstream: str, audit: Path, allowed: str, *more: str, port: int = 0
) -> Iterator[RunningGate]:
    """Run `hookgate serve` or `hookgate mitmdump` until the block ends, with `more` arguments.

    It lets in the address `allowed` and CM.com. Exits with 2, and prints its log, where it does not
    start within 20 seconds. It listens on `port`, 0 for a free one.
    """
    port = port or free_port()
    environment = clean_environment(os.environ)
    environment["HOOKGATE_SOURCE__ALLOW"] = f"{allowed},cm.com"
    arguments = ["--upstream", upstream, "--listen", f"127.0.0.1:{port}", "--audit", str(audit)]
    arguments += more
    log = audit.parent / "gate.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "hookgate_cli", verb, *arguments],
            env=environment,
            cwd=audit.parent,
            stdout=stream,
            stderr=stream,
        )
    # By itself SIGTERM would end the demo and leave the gate running.
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(FINDING))
    try:
        _wait_for_gate(process, port, audit, log)
        yield RunningGate(port, process)
    finally:
        process.terminate()
        process.wait()
        signal.signal(signal.SIGTERM, before)


def refuse_without_loopback() -> None:
    """Exit with 2, and say what mends it, where 127.0.0.1 cannot be reached."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), 5).close()
    except OSError as error:
        why = error.strerror or error
        fail(f"127.0.0.1 cannot be reached: {why}; bring loopback up, as root: ip link set lo up")


def free_port() -> int:
    """Find a port of 127.0.0.1 where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for_gate(process: subprocess.Popen[bytes], port: int, audit: Path, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            # mitmdump listens before the addon has opened its ledger.
            if is_there(audit):
                return
        except OSError:
            pass
        time.sleep(0.05)
    fail(["the gate did not start:", *log.read_text().splitlines()])
