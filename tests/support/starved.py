"""A gate whose standard streams are what a test gives it, and the time that an answer takes."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .mitmdump import SCRIPT, environment, full_command
from .ports import free_ports
from .raw import Reply, ask, wait_until
from .sidecar import ALLOWED, PROXY, _command

# What a sender may wait for its 503 on a machine that is busy with other tests; SECOND is what is
# promised, and what is measured is printed.
SECOND, LENIENT = 1.0, 5.0


def timed(name: str, port: int, data: bytes, source: str = ALLOWED) -> Reply:
    """One request, its answer, and a line with the time that it took; fails if it is too late."""
    began = time.monotonic()
    reply = ask(port, data, source, 30)
    took = time.monotonic() - began
    report(name, reply.status, took)
    assert took < LENIENT, f"{name}: {took:.2f} s"
    return reply


def report(name: str, status: int, seconds: float) -> None:
    """For `pytest -s`: what the table of docs/running.md goes by."""
    sys.stdout.write(f"\nshortage: {name}: {status} after {seconds * 1000:.0f} ms")


class FullPipe:
    """A pipe that takes nothing more until it is read."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.fill()

    def fill(self) -> None:
        """Take what room there is; the gate makes a ledger's pipe larger when it starts."""
        os.set_blocking(self.writer, False)
        try:
            while True:
                os.write(self.writer, b"\n" * 4096)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
        finally:
            os.set_blocking(self.writer, True)

    def drain(self, until: bytes, seconds: float = 15) -> bytes:
        """Read on until this was read; returns all that was."""
        os.set_blocking(self.reader, False)
        found = b""

        def read() -> bool:
            nonlocal found
            with contextlib.suppress(BlockingIOError):
                found += os.read(self.reader, 1 << 20)
            return until in found

        assert wait_until(read, seconds), found[-2000:].lstrip(b"\n")
        return found.lstrip(b"\n")

    def close(self) -> None:
        """Both ends."""
        for fd in (self.reader, self.writer):
            with contextlib.suppress(OSError):
                os.close(fd)


@contextlib.contextmanager
def full_pipe() -> Iterator[FullPipe]:
    pipe = FullPipe()
    try:
        yield pipe
    finally:
        pipe.close()


@dataclass
class Starved:
    """A running front."""

    process: "subprocess.Popen[bytes]"
    port: int
    audit: Path

    def stop(self, seconds: float = 20) -> int:
        """SIGTERM, and the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


@contextlib.contextmanager
def starved_sidecar(
    upstream: str, folder: Path, *, patch: str = "", under: str = "", **given: Any
) -> Iterator[Starved]:
    """`stdout`, `stderr` and the like are Popen's; everything with a dot is a setting, "" for one
    that is in the folder's hookgate.toml.
    """
    (port,) = free_ports(1)
    audit = folder / "audit.jsonl"
    settings = {
        "upstream.url": upstream,
        "source.allow": ALLOWED,
        "source.trusted_proxies": PROXY,
        "sidecar.listen": f"127.0.0.1:{port}",
        "audit.path": str(audit),
        **{key: value for key, value in given.items() if "." in key},
    }
    streams = {key: value for key, value in given.items() if "." not in key}
    process = subprocess.Popen(
        [*under.split(), *_command(patch, [])],
        env=environment({key: value for key, value in settings.items() if value}),
        cwd=folder,
        **streams,
    )
    yield from _running(process, port, audit)


@contextlib.contextmanager
def starved_mitmdump(
    upstream: str, folder: Path, *, patch: str = "", **given: Any
) -> Iterator[Starved]:
    """The same as an addon."""
    (port,) = free_ports(1)
    audit = folder / "audit.jsonl"
    script = folder / "gate_script.py"
    script.write_text(f"{patch}\n{SCRIPT}")
    settings = {
        "upstream.url": upstream,
        "source.allow": ALLOWED,
        "audit.path": str(audit),
        **{key: value for key, value in given.items() if "." in key},
    }
    streams = {key: value for key, value in given.items() if "." not in key}
    options = {"confdir": str(folder / "mitmproxy")}
    command = full_command(script, 1 << 20, options, "--listen-port", str(port))
    process = subprocess.Popen(command, env=environment(settings), cwd=folder, **streams)
    yield from _running(process, port, audit)


def _running(process: "subprocess.Popen[bytes]", port: int, audit: Path) -> Iterator[Starved]:
    def listens() -> bool:
        assert process.poll() is None, "it ended"
        with contextlib.suppress(OSError, EOFError):
            ask(port, b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n", "127.0.0.66", 1)
            return True
        return False

    try:
        assert wait_until(listens, 60), "it does not listen"
        yield Starved(process, port, audit)
    finally:
        process.kill()
        process.wait(30)
