"""A way to a server on loopback that can be slow, swallow what is answered, or break off."""

import contextlib
import socket
import threading
import time


class TcpProxy:
    """Carries bytes both ways. `delay` is in seconds, for each piece of an answer; `swallows` has
    answers lost: the connection breaks where one comes.
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
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
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

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
                there = socket.create_connection(self._target)
                self._open += [here, there]
                for pair in ((here, there, False), (there, here, True)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

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
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
