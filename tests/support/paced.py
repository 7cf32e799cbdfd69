"""A sender that goes on at its own pace, whatever becomes of what it sends."""

import contextlib
import threading
from collections.abc import Iterator
from uuid import uuid4

from .events import event
from .raw import connected, post
from .sidecar import ALLOWED


class Paced:
    """What is sent about so often a second from an address; `body` makes each, `answers` counts
    them by status.
    """

    def __init__(self, port: int, rate: float, source: str) -> None:
        self.answers: dict[int, int] = {}
        self._port, self._pause, self._source = port, 1 / rate, source
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _send(self) -> None:
        while not self._stop.is_set():
            with (
                contextlib.suppress(OSError, EOFError),
                connected(self._port, self._source) as client,
            ):
                while not self._stop.wait(self._pause):
                    client.send(post(event(reference=str(uuid4()))))
                    status = client.read().status
                    self.answers[status] = self.answers.get(status, 0) + 1
            self._stop.wait(self._pause)


@contextlib.contextmanager
def pacing(port: int, rate: float, source: str = ALLOWED) -> Iterator[Paced]:
    sender = Paced(port, rate, source)
    try:
        yield sender
    finally:
        sender.stop()
