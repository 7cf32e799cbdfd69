"""What the admin listener tells, asked over TCP or a Unix socket, in bounded time and memory."""

import http.client
import re
import socket
import threading
import time
from collections.abc import Callable
from math import isfinite
from typing import Any

import orjson

from hookgate.address import ListenAddress, UnixAddress
from hookgate.alarms.sight import AdminSight

_SECONDS = 2.0
_LARGEST = 1 << 20
_MOST_WORDS = 16
_LONGEST_WORD = 200
_ALL = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # where to, not on
_SAMPLE = re.compile(
    r"^((?:hookgate|process)_[a-z_]+)(?:\{[^\n]*\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?)$", re.MULTILINE
)


class _Timed(socket.socket):
    """A connection whose reads end by a time of the monotonic clock, however slowly bytes come."""

    until = 0.0

    def recv_into(self, *args: Any) -> int:
        """Read. Raises TimeoutError once it is too late."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.settimeout(left)
        return super().recv_into(*args)


class _Connection(http.client.HTTPConnection):
    """A connection that may be to a Unix socket."""

    def __init__(self, address: ListenAddress, seconds: float) -> None:
        is_unix = isinstance(address, UnixAddress)
        host = "localhost" if is_unix else _ALL.get(address.host, address.host)  # type: ignore[union-attr]  # no Unix address here
        super().__init__(host, None if is_unix else address.port, timeout=seconds)  # type: ignore[union-attr]  # as above
        self._path = address.path if isinstance(address, UnixAddress) else ""
        self._until = time.monotonic() + seconds

    def connect(self) -> None:
        """Connect. Raises OSError."""
        if self._path:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(self.timeout)
            self.sock.connect(self._path)
        else:
            super().connect()
        timed = _Timed(self.sock.family, self.sock.type, self.sock.proto, self.sock.detach())
        timed.until = self._until
        timed.settimeout(self.timeout)
        self.sock = timed


def ask(address: ListenAddress) -> AdminSight:
    """Ask /readyz and /metrics once. Never raises; what is no answer is a trouble."""
    try:
        status, body = get(address, "/readyz")
        if status not in (200, 503):
            return AdminSight(f"/readyz answered {status}")
        said = orjson.loads(body)
        problems, degraded, failing = (
            _words(said[name]) for name in ("problems", "degraded", "upstream")
        )
        status, body = get(address, "/metrics")
        if status != 200:
            return AdminSight(f"/metrics answered {status}")
        metrics = _sums(body)
    except TimeoutError:
        return AdminSight("no answer in time")
    except OSError as error:
        return AdminSight(error.strerror or type(error).__name__)
    except (http.client.HTTPException, ValueError, KeyError, TypeError):
        return AdminSight("what answers there is no hookgate")
    return AdminSight("", problems, degraded, failing, metrics)


def get(address: ListenAddress, target: str, seconds: float = _SECONDS) -> tuple[int, bytes]:
    """Return the status and the body, of at most 1 MiB, that an admin listener answers.

    Raises OSError, and of what is no HTTP `HTTPException`.
    """
    connection = _Connection(address, seconds)
    try:
        # By whatever name it is reached, it answers to this one.
        connection.request("GET", target, headers={"Host": "localhost", "Connection": "close"})
        response = connection.getresponse()
        body = b""
        while len(body) < _LARGEST and (part := response.read1(1 << 16)):
            body += part
        return response.status, body
    finally:
        connection.close()


def _words(said: object) -> tuple[str, ...]:
    if type(said) is not list:
        raise TypeError
    texts = [word for word in said[:_MOST_WORDS] if type(word) is str and word.isprintable()]
    return tuple(text[:_LONGEST_WORD] for text in texts)


def _sums(body: bytes) -> dict[str, float]:
    """Add samples up. Raises ValueError for what no gate counts: they can be whole numbers."""
    sums: dict[str, float] = {}
    for name, value in _SAMPLE.findall(body.decode("utf-8", "replace")):
        sums[name] = sums.get(name, 0.0) + float(value)
    if not all(map(isfinite, sums.values())):
        raise ValueError
    return sums


class AdminPoller:
    """Ask each few seconds on a thread: one that does not answer keeps nobody waiting."""

    def __init__(
        self,
        address: ListenAddress,
        every: float,
        look: Callable[[ListenAddress], AdminSight] = ask,
    ) -> None:
        self._address, self._every, self._look = address, every, look
        self._latest: AdminSight | None = None
        self._at = self._began = time.monotonic()
        self._ended = threading.Event()
        threading.Thread(target=self._run, name="admin-poller", daemon=True).start()

    def latest(self) -> AdminSight | None:
        """Return what was told last; None before anything was, a trouble where that is long ago."""
        latest, at = self._latest, self._at
        if time.monotonic() - at > 3 * _SECONDS + 2 * self._every:
            return AdminSight("no answer in time")
        return latest

    def close(self) -> None:
        """Ask no more."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._latest = self._look(self._address)
            self._at = time.monotonic()
            self._ended.wait(self._every)
