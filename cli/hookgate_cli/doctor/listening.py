"""Who listens where, as the kernel tells it in /proc."""

import re
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from hookgate.address import ListenAddress, UnixAddress

# proc(5): TCP_LISTEN, and of a Unix socket the flag __SO_ACCEPTCON.
_LISTENING, _ACCEPTS = "0A", "00010000"
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_EVERY = frozenset(("", "0.0.0.0", "::"))  # noqa: S104  # compared with


class Listener(NamedTuple):
    """Who listens: a process and its name; None and "" where another user's cannot be seen."""

    pid: int | None
    name: str
    is_hookgate: bool


class Listening:
    """Tell who listens at addresses. Whose the sockets are is looked up once, for all who ask."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._owners: dict[str, int] | None = None

    def at(self, address: ListenAddress) -> list[Listener]:
        """Return who listens at an address, [] where nobody does. Raises OSError."""
        if isinstance(address, UnixAddress):
            inodes = set(_unix_inodes(address.path))
        else:
            inodes = set(_tcp_inodes(address.host, address.port))
        if not inodes:
            return []
        with self._lock:
            if self._owners is None:
                self._owners = dict(_socket_owners())
        pids = {self._owners.get(inode) for inode in inodes}
        return [_listener(pid) for pid in sorted(pids, key=lambda pid: pid or 0)]


def _tcp_inodes(host: str, port: int) -> Iterator[str]:
    wanted = None if host in _EVERY else _resolve(host)
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        with suppress(FileNotFoundError):
            for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
                row = line.split()
                at, _, number = row[1].partition(":")
                if row[3] == _LISTENING and int(number, 16) == port:
                    address = _address(at, family)
                    if wanted is None or address in _EVERY or address in wanted:
                        yield row[9]


def _resolve(host: str) -> set[str]:
    try:
        return {str(row[4][0]) for row in socket.getaddrinfo(host, None)}
    except OSError:
        return set()


def _address(text: str, family: socket.AddressFamily) -> str:
    """Each four bytes are a number as this machine writes it."""
    words = (int(text[at : at + 8], 16) for at in range(0, len(text), 8))
    return socket.inet_ntop(family, b"".join(word.to_bytes(4, sys.byteorder) for word in words))


def _unix_inodes(path: str) -> Iterator[str]:
    for line in Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace").splitlines():
        row = line.split(maxsplit=7)
        if len(row) == 8 and row[7] == path and row[3] == _ACCEPTS:
            yield row[6]


def _socket_owners() -> Iterator[tuple[str, int]]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):
                for fd in (process / "fd").iterdir():
                    if found := _SOCKET.fullmatch(str(fd.readlink())):
                        yield found[1], int(process.name)


def _listener(pid: int | None) -> Listener:
    if pid is None:
        return Listener(None, "", False)
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # it has ended meanwhile
        return Listener(None, "", False)
    text = " ".join(word.decode("utf-8", "replace") for word in words[:4])
    return Listener(pid, name, "hookgate" in text or "mitmdump" in text)
