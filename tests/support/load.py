"""Several clients that send distinct events for as long as a test wants."""

import contextlib
import threading
from collections.abc import Iterator
from hashlib import sha256
from uuid import uuid4

from .events import event
from .raw import connected, post


class Load:
    """What was sent, by the SHA-256 of its body, and how it was answered. `pause` is in seconds,
    of each client, after an answer.
    """

    def __init__(self, port: int, clients: int, target: bytes, pause: float) -> None:
        self.answers: dict[str, int] = {}
        self.unanswered: set[str] = set()
        self._port = port
        self._target = target
        self._pause = pause
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def answered(self, status: int) -> set[str]:
        """The events that got this answer."""
        return {digest for digest, got in list(self.answers.items()) if got == status}

    def stop(self) -> None:
        """Let each client end what it began."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        digest = ""
        try:
            while not self._stop.is_set():
                with connected(self._port) as client:
                    closing = False
                    while not self._stop.is_set() and not closing:
                        body = event(reference=str(uuid4()))
                        digest = sha256(body).hexdigest()
                        client.send(post(body, self._target))
                        reply = client.read()
                        self.answers[digest] = reply.status
                        closing = reply.values(b"connection") == [b"close"]
                        self._stop.wait(self._pause)
        except (OSError, EOFError):
            self.unanswered.add(digest)


@contextlib.contextmanager
def sending(
    port: int, clients: int = 6, target: bytes = b"/cm/events", pause: float = 0.005
) -> Iterator[Load]:
    load = Load(port, clients, target, pause)
    try:
        yield load
    finally:
        load.stop()
