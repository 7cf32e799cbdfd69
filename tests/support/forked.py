"""Programs that begin as a fork of a process which has imported them already.

Such a one has its own id, environment, folder and streams, is signalled, killed and waited for
like any, and ends as Python ends; that it imports nothing saves nine tenths of its start. A test
that changes what is imported, or how, starts the command itself.
"""

import atexit
import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, NoReturn

# What the command is, and what its long-running verbs import on their way.
HOOKGATE = (
    "hookgate_cli.main:main",
    *("hookgate_cli.serving", "hookgate_sidecar.alone", "hookgate_sidecar.with_workers"),
    *("hookgate_cli.verbs", "hookgate_cli.ship", "hookgate_cli.watch"),
    *("hookgate_cli.quarantine.replay", "pyrage", "typer._adapters"),
)
_PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
_BEGAN = dict(os.environ)
# What is read as a program runs, and changes nothing of what it imports.
_READ_LATER = ("HOOKGATE_", "PYTEST_CURRENT_TEST", "TZ", "NOTIFY_SOCKET", "WATCHDOG_")


class Forked:
    """A process of this one, with what tests use of `subprocess.Popen`, as text."""

    def __init__(self, pid: int, stdout: IO[str], stderr: IO[str] | None) -> None:
        self.pid = pid
        self.stdout: IO[str] | None = stdout
        self.stderr = stderr
        self.returncode: int | None = None
        self._ends = os.pidfd_open(pid)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status; raises `TimeoutExpired`."""
        if self.returncode is None:
            if not select.select([self._ends], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self._ends)
        return self.returncode

    def poll(self) -> int | None:
        """Its exit status, if it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _plain(environment: Mapping[str, str]) -> dict[str, str]:
    """What counts for whoever imports."""
    return {k: v for k, v in environment.items() if not k.startswith(_READ_LATER)}


class _Parent:
    """The process that has imported a program and forks."""

    def __init__(self, program: str, *imported: str) -> None:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # Its streams are pipes, as those of its children are: Python knows files from pipes.
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno()), program, *imported],
                pass_fds=[theirs.fileno()],
                env=_BEGAN,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )

        atexit.register(self.close)

    def close(self) -> None:
        """End it, which forks no more."""
        self._socket.close()
        self._process.communicate()

    def fork(self, request: bytes, streams: list[int]) -> int:
        """The id of a new process of ours."""
        socket.send_fds(self._socket, [request], streams)
        pid = int(self._socket.recv(32) or b"0")
        assert pid, self._process.communicate()
        return pid


_parent = cache(_Parent)


def start(
    command: list[str],
    environment: Mapping[str, str],
    folder: Path,
    program: tuple[str, ...] = HOOKGATE,
    *,
    one_stream: bool = False,
    patch: str = "",
    stdin: int | None = None,
) -> Forked | None:
    """Start the command, whose function is `program`, behind which stands what else it imports.

    `patch` is Python that runs before it. None where the environment is not the one in which it
    was imported.
    """
    if _plain(environment) != _plain(_BEGAN):
        return None
    parent = _parent(*program)
    given = [] if stdin is None else [stdin]
    request = json.dumps([command, dict(environment), str(folder), patch]).encode()
    reading, writing = os.pipe()
    out = os.fdopen(reading)
    if one_stream:
        pid, errors = parent.fork(request, [writing, writing, *given]), None
    else:
        reading, other = os.pipe()
        errors = os.fdopen(reading)
        pid = parent.fork(request, [writing, other, *given])
        os.close(other)
    os.close(writing)
    return Forked(pid, out, errors)


def run(
    arguments: list[str], folder: Path, settings: Mapping[str, str] = {}, stdin: bytes = b""
) -> "subprocess.CompletedProcess[str]":
    """Run `hookgate ARGUMENTS` to its end, without HOOKGATE_ variables but these settings.

    What is at its standard input is less than a pipe holds.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HOOKGATE_")}
    environment |= settings
    command = [str(Path(sys.executable).with_name("hookgate")), *arguments]
    reading, writing = os.pipe()
    with os.fdopen(reading):
        os.write(writing, stdin)
        os.close(writing)
        process = start(command, environment, folder, stdin=reading)
    assert process is not None, "the environment is not the one that the run began with"
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout as out, process.stderr as err, ThreadPoolExecutor(1) as reader:
        errors = reader.submit(err.read)
        said = out.read()
    return subprocess.CompletedProcess(command, process.wait(60), said, errors.result())


def _serve(descriptor: int, program: str, *imported: str) -> None:
    """Fork for each request, and return in the child, which is the program from then on."""
    module, _, name = program.partition(":")
    main = getattr(import_module(module), name)
    for more in imported:
        with contextlib.suppress(ModuleNotFoundError):  # not every version of typer has all of it
            import_module(more)
    gc.freeze()  # or each child would touch all that was imported: 25 of its 85 ms
    server = socket.socket(fileno=descriptor)
    while True:
        request, streams, _, _ = socket.recv_fds(server, 1 << 20, 3)
        if not request:
            os._exit(0)
        reading, writing = os.pipe()
        if not (between := os.fork()):
            if pid := os.fork():
                os.write(writing, b"%d" % pid)
                os._exit(0)
            server.detach()
            _become(main, request, streams)
        os.waitpid(between, 0)  # now the new one has our parent for its own, which adopts orphans
        server.send(os.read(reading, 32))
        for done in (reading, writing, *streams):
            os.close(done)


def _become(main: object, request: bytes, streams: list[int]) -> NoReturn:
    sys.argv, environment, folder, patch = json.loads(request)
    for number, stream in zip((1, 2, 0), streams, strict=False):
        os.dup2(stream, number)
    os.closerange(3, 256)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    exec(patch, {"__name__": "__main__"})  # a test wrote it
    assert callable(main)
    sys.exit(main())


if __name__ == "__main__":
    _serve(int(sys.argv[1]), *sys.argv[2:])
