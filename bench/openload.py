"""Load at a constant rate, whatever the answers take: an open model.

    python bench/openload.py PORT RATE SECONDS BODIES-FILE [HUNDREDS]

The file's bodies, with `SEPARATOR` between them, are sent in turn, each under a head with a
trace id that no other has. Each request has its moment; it goes out on
an idle connection, or on a new one, or waits where there are 128. Its latency counts from that
moment, not from when it could be sent, so that a server that stalls is charged for every request
that it kept waiting. Prints the latencies and how late the load itself was, in microseconds, as
JSON. Exits 1 at the first answer that is not 2xx, or of the HUNDREDS that are expected instead.
"""

import gc
import json
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path

import httptools

MAX_CONNECTIONS = 128
GRACE_SECONDS = 30
SEPARATOR = b"\x1e"
HEAD = (
    b"POST /cm/events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nTraceparent: 00-%032x-%016x-01\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
)


class Connection:
    """One connection; `planned` is when the request that it waits for was due."""

    def __init__(self, port: int, hundreds: int) -> None:
        self._hundreds = hundreds
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.planned = 0.0
        self.is_complete = True
        self._keeps = True
        self._parser = httptools.HttpResponseParser(self)

    def on_message_complete(self) -> None:
        """Note the end of an answer, for httptools; exits where it is another than expected."""
        # The parser forgets both with the next byte.
        if self._parser.get_status_code() // 100 != self._hundreds:
            sys.exit(f"openload: status {self._parser.get_status_code()}")
        self.is_complete, self._keeps = True, self._parser.should_keep_alive()

    def send(self, request: bytes, planned: float) -> None:
        """Send a request that was due at `planned`."""
        self.planned, self.is_complete = planned, False
        self.socket.sendall(request)

    def read(self) -> bool:
        """Read what has come; return whether the connection can be used again.

        Exits where an answer is cut off.
        """
        data = self.socket.recv(65536)
        if data:
            self._parser.feed_data(data)
        elif not self.is_complete:
            sys.exit("openload: a connection ended before its answer")
        return bool(data) and self._keeps


class Load:
    """The connections, the requests that wait for one, and microseconds measured."""

    def __init__(self, port: int, requests: Iterator[bytes], hundreds: int) -> None:
        self._hundreds = hundreds
        self.latencies: list[int] = []
        self.lateness: list[int] = []
        self._port = port
        self._requests = requests
        self._poll = select.epoll()
        self._all: dict[int, Connection] = {}
        self._idle: list[Connection] = []
        self._waiting: deque[float] = deque()

    def send(self, planned: float) -> None:
        """Send the request that is due now, as soon as there is a connection for it."""
        self.lateness.append(round((time.perf_counter() - planned) * 1e6))
        self._waiting.append(planned)
        self._send_waiting()

    def read(self, seconds: float) -> None:
        """Read the answers that have come, after waiting no longer than `seconds`."""
        # epoll's own timeout has milliseconds only.
        if not select.select([self._poll.fileno()], [], [], seconds)[0]:
            return
        for number, _ in self._poll.poll(0):
            connection = self._all[number]
            was_complete = connection.is_complete
            keeps = connection.read()
            if connection.is_complete and not was_complete:
                took = time.perf_counter() - connection.planned
                self.latencies.append(round(took * 1e6))
                self._idle.append(connection)
            if not keeps:
                self._forget(connection)
        self._send_waiting()

    def _send_waiting(self) -> None:
        while self._waiting and (self._idle or len(self._all) < MAX_CONNECTIONS):
            connection = self._idle.pop() if self._idle else self._connect()
            connection.send(next(self._requests), self._waiting.popleft())

    def _connect(self) -> Connection:
        connection = Connection(self._port, self._hundreds)
        self._all[connection.socket.fileno()] = connection
        self._poll.register(connection.socket, select.EPOLLIN)
        return connection

    def _forget(self, connection: Connection) -> None:
        self._idle.remove(connection)
        self._poll.unregister(connection.socket)
        del self._all[connection.socket.fileno()]
        connection.socket.close()


def requests(port: int, bodies: list[bytes]) -> Iterator[bytes]:
    """Yield requests without end, each with a trace id of its own."""
    for number, body in zip(count(1), cycle(bodies), strict=False):
        yield HEAD % (port, number, number, len(body), body)


def main() -> None:
    """Run as the command line says."""
    port, rate, seconds = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    bodies = Path(sys.argv[4]).read_bytes().split(SEPARATOR)
    load = Load(port, requests(port, bodies), int(sys.argv[5]) if len(sys.argv) > 5 else 2)
    gc.disable()
    wanted = round(rate * seconds)
    start = time.perf_counter() + 0.05
    for number in range(wanted):
        planned = start + number / rate
        load.read(0)
        while (left := planned - time.perf_counter()) > 0:
            load.read(left)
        load.send(planned)
    until = time.perf_counter() + GRACE_SECONDS
    while len(load.latencies) < wanted:
        if time.perf_counter() > until:
            sys.exit(f"openload: {wanted - len(load.latencies)} of {wanted} were never answered")
        load.read(0.1)
    print(json.dumps({"latencies_us": load.latencies, "lateness_us": load.lateness}))


if __name__ == "__main__":
    main()
