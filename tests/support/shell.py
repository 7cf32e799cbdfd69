"""A shell in which `hookgate` is a fork of a process that has imported it: a start takes 20 ms.

What may not be run on a machine of tests (systemctl, pip, …) is in its PATH too, and notes that it
was asked for.
"""

import gc
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any, NoReturn, Self

_CLIENT = """#!{python} -IS
import array, json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    request = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
    socket.send_fds(server, [len(request).to_bytes(4, "big")], [0, 1, 2])
    server.sendall(request)
    sys.exit(int(server.recv(16) or 99))
"""
_STUB = """#!/bin/sh
echo "${0##*/}" >>"$ASKED"
[ -t 0 ] || cat >/dev/null
"""


class Shell:
    """Runs commands in a folder; `stubs` are those that are only noted."""

    def __init__(self, folder: Path, stubs: Iterable[str]) -> None:
        self.folder = folder
        self._asked = folder / "asked"
        bin_, address = folder / "bin", str(folder / "server")
        bin_.mkdir()
        programs = dict.fromkeys(stubs, _STUB)
        programs["hookgate"] = _CLIENT.format(python=sys.executable, address=address)
        for name, text in programs.items():
            (bin_ / name).write_text(text)
            (bin_ / name).chmod(0o755)
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("HOOKGATE_")},
            "PATH": f"{bin_}:{os.environ['PATH']}:/usr/sbin",
            "ASKED": str(self._asked),
        }
        # Its streams are pipes, as those of its children are: Python knows files from pipes.
        self._server = subprocess.Popen(
            [sys.executable, "-P", __file__, address],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        assert self._server.stdout is not None
        assert self._server.stdout.readline() == b"ready\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._server.pid, signal.SIGKILL)  # with whatever is left of its children
        self._server.communicate()

    def run(self, text: str, folder: Path) -> tuple[int, str]:
        """Run what stands in a block of the docs, and return its last status and what it said."""
        with self.begin(text, folder) as process:
            try:
                said = process.communicate(timeout=30)[0]
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return -1, f"it does not end; {process.communicate()[0]}"
        return process.returncode, said

    def begin(self, text: str, folder: Path) -> "subprocess.Popen[str]":
        """Start it, in a process group of its own."""
        return subprocess.Popen(
            ["sh", "-c", text], cwd=folder, env=self._environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def asked(self) -> frozenset[str]:
        """What was asked for and not run, since the last time."""
        with suppress(FileNotFoundError):
            names = frozenset(self._asked.read_text().split())
            self._asked.unlink()
            return names
        return frozenset()


def _import_verbs(group: Any) -> None:
    for name in group.list_commands(None):
        verb = group.get_command(None, name)
        if hasattr(verb, "list_commands"):
            _import_verbs(verb)


def _serve(address: str) -> None:
    from typer.main import get_command  # whoever makes a Shell need not wait

    from hookgate_cli.main import main  # as above
    from hookgate_cli.verbs import app  # as above

    _import_verbs(get_command(app))
    with suppress(SystemExit), redirect_stdout(io.StringIO()):
        main(["schema", "show", "cm-events"])  # which imports what reads a command line
    gc.freeze()  # or each child would touch all of it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen(16)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        client, _ = server.accept()
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            server.close()
            _answer(client)
        client.close()


def _answer(client: socket.socket) -> None:
    """Run it, tell its status, and end it where whoever asked is gone."""
    size, streams, _, _ = socket.recv_fds(client, 4, 3)
    request = b""
    while len(request) < int.from_bytes(size, "big"):
        request += client.recv(1 << 20)
    arguments, environment, folder = json.loads(request)
    if not (pid := os.fork()):
        client.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, 64)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        from hookgate_cli.main import main  # imported before

        _run(main, arguments)
    for stream in streams:
        os.close(stream)
    ends = os.pidfd_open(pid)
    if client.fileno() in select.select([ends, client.fileno()], [], [])[0]:
        os.kill(pid, signal.SIGTERM)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with suppress(OSError):
        client.send(b"%d" % status)
    os._exit(0)


def _run(main: Callable[[list[str]], None], arguments: list[str]) -> NoReturn:
    """Run it, and end without taking apart what was imported, which takes longer than most."""
    status: object = 1
    try:
        main(arguments)
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001  # it is shown, as Python does
        traceback.print_exc()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(int(status) if isinstance(status, int) else int(status is not None))


if __name__ == "__main__":
    _serve(sys.argv[1])
