"""`hookgate live` as a real process, and what it asks in place of a gate."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from . import forked
from .log import Log
from .raw import Reply, connected
from .receiver import Receiver, Seen, receiving
from .sidecar import ALLOWED, HOOKGATE

# Alone in its parent: its memory is measured.
_LIVE = ("hookgate_cli.main:main", "hookgate_cli.verbs", "hookgate_cli.live")
TOKEN = "0123456789abcdef0123456789abcdef"


class Live:
    """A running page. `options` are the command's, beside the token's file and the address; `under`
    is a command that runs it, such as a tracer.
    """

    def __init__(self, folder: Path, *options: str, under: str = "") -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HOOKGATE_")}
        token = folder / "live.token"
        token.write_text(f"{TOKEN}\n")
        token.chmod(0o600)
        command = [*under.split(), HOOKGATE, "live", "--token-file", str(token), *options]
        if "--listen" not in options:
            command += ["--listen", "127.0.0.1:0"]
        self.process = (
            None if under else forked.start(command, environment, folder, _LIVE)
        ) or subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.log = Log(self.process.stderr)
        self.port = int(self.log.next("live.listening", 60)["port"])
        self.url = f"http://127.0.0.1:{self.port}/"

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status

    def ask(
        self, target: str = "/", body: bytes | None = None, source: str = ALLOWED, **fields: str
    ) -> Reply:
        """One request on a connection of its own. A field's `_` is a `-`."""
        with connected(self.port, source) as client:
            client.send(request(target, body, **fields))
            return client.read()

    def log_in(self) -> str:
        """Show the token; return the cookie."""
        reply = self.ask("/login", TOKEN.encode())
        assert reply.status == 204, reply
        return reply.values(b"set-cookie")[0].split(b";")[0].decode()

    @contextlib.contextmanager
    def reading(self, cookie: str) -> Iterator["States"]:
        """A page's stream of states."""
        with connected(self.port) as client:
            client.send(request("/events", Cookie=cookie))
            yield States(client.socket)


class States:
    """What is sent to a page."""

    def __init__(self, sock: Any) -> None:
        self.socket = sock
        self._held = b""

    def head(self) -> bytes:
        """The head of the answer."""
        while b"\r\n\r\n" not in self._held:
            self._more()
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        return head

    def next(self) -> dict[str, Any]:
        """The next state, read out of its chunks. Raises EOFError."""
        while True:
            start = self._held.find(b"data: ")
            end = self._held.find(b"\n\n", start)
            if start >= 0 and end >= 0:
                state: dict[str, Any] = json.loads(self._held[start + 6 : end])
                # The line end of its chunk stays, by which the last one is known.
                self._held = self._held[end + 2 :]
                return state
            self._more()

    def until(self, is_so: Any) -> dict[str, Any]:
        """The first state of which something is so."""
        while not is_so(state := self.next()):
            pass
        return state

    def _more(self) -> None:
        data = b"" if self._held.endswith(b"\r\n0\r\n\r\n") else self.socket.recv(65536)
        if not data:
            raise EOFError
        self._held += data


def request(target: str, body: bytes | None = None, **fields: str) -> bytes:
    """A request's bytes; with a body it is a POST. Host is this address, "" is none."""
    given = {name.replace("_", "-"): value for name, value in fields.items()}
    host = given.pop("Host", "127.0.0.1")
    method = given.pop("Method", "GET" if body is None else "POST")
    lines = [f"{method} {target} HTTP/1.1", *([f"Host: {host}"] if host else [])]
    lines += [f"{name}: {value}" for name, value in given.items()]
    if body is not None and "Content-Length" not in given:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


@contextlib.contextmanager
def living(folder: Path, *options: str, under: str = "") -> Iterator[Live]:
    running = Live(folder, *options, under=under)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.stop()


class Told:
    """What a gate answers to /status, which a test may change: an answer, or bytes as they are."""

    def __init__(self, answer: dict[str, Any] | bytes) -> None:
        self.answer = answer

    def respond(self, _: Seen) -> bytes:
        """The answer as it stands in HTTP."""
        if isinstance(self.answer, bytes):
            return self.answer
        body = orjson.dumps(self.answer)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        return head % len(body) + body


@contextlib.contextmanager
def telling(answer: dict[str, Any] | bytes) -> Iterator[tuple[Told, Receiver]]:
    """A place that answers /status as a test says."""
    told = Told(answer)
    with receiving(told.respond) as receiver:
        yield told, receiver
