"""A way to a server on loopback that can be slow, swallow what is answered, or break off."""

import contextlib
import socket
import threading
import time


class TcpProxy:
    """Carries bytes both ways. `delay` is in seconds, for each piece of an answer; `swallows` has
    answers lost: the connection breaks where one comes.
    """

    def __init__(self, port: int, address: str = "127.0.0.1") -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server((address, 0))
        self.port: int = self._listener.getsockname()[1]
        self.delay = 0.0
        self.swallows = False
        self.refuses = False
        # After so many pieces of answers the next is swallowed; below 0 none is.
        self.answers_left = -1
        self.carried = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def break_off(self) -> None:
        """Break every connection off."""
        for one in self._open:
            _shut(one)
        self._open.clear()

    def close(self) -> None:
        self._listener.close()
        self.break_off()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                if self.refuses:
                    here.close()
                    continue
                threading.Thread(target=self._connect, args=(here,), daemon=True).start()

    def _connect(self, here: socket.socket) -> None:
        with here:
            try:
                there = socket.create_connection(self._target)
            except OSError:  # the server is down
                return
            with there:
                self._open += [here, there]
                answers = threading.Thread(target=self._carry, args=(there, here, True))
                answers.start()
                self._carry(here, there, False)
                answers.join()

    def _carry(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if is_answer and (self.swallows or self.answers_left == 0):
                    break
                self.answers_left -= is_answer
                if is_answer and self.delay:
                    time.sleep(self.delay)
                self.carried += len(data)
                target.sendall(data)
        _shut(source)
        _shut(target)


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
