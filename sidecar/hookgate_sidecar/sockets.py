"""The sockets that listen on one address: of each family, or of a Unix socket's file."""

import errno
import socket
from collections.abc import Iterator

from hookgate.address import ListenAddress, TcpAddress, UnixAddress

from .errors import ListenError
from .socket_file import SocketFile

BACKLOG = 1024
# A family that this machine, or this name on it, does not have.
_NO_FAMILY = frozenset((errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL))
# The system chooses a port for the first family, which somebody may have in the other one.
_ATTEMPTS = 16

_Found = tuple[int, tuple[str, int]]


class ListeningSockets:
    """Hold non-blocking sockets that listen; who made them closes them, and `file` with them."""

    def __init__(self, sockets: list[socket.socket], file: SocketFile | None = None) -> None:
        self.sockets = sockets
        self._file = file
        self._where = [_where(sock) for sock in sockets]
        for sock in sockets:
            sock.setblocking(False)

    @property
    def port(self) -> int | None:
        """The port, chosen by the system where 0 was asked for; None of a Unix socket."""
        return next((where.port for where in self._where if isinstance(where, TcpAddress)), None)

    @property
    def address(self) -> str:
        """The addresses without the port, as text."""
        return ", ".join(w.host if isinstance(w, TcpAddress) else str(w) for w in self._where)

    def __str__(self) -> str:
        return ", ".join(map(str, self._where))

    def close(self) -> None:
        """Close the sockets, and remove the file."""
        if self._file is not None:
            self._file.remove()
        for sock in self.sockets:
            sock.close()


def listen(key: str, address: ListenAddress, mode: int) -> ListeningSockets:
    """Listen on every address that is meant; `mode` is that of a Unix socket's file.

    `key` names the setting in messages. Raises `ListenError`.
    """
    try:
        if isinstance(address, UnixAddress):
            file = SocketFile(address.path)
            return ListeningSockets([file.bind(mode, BACKLOG)], file)
        return ListeningSockets(_bind_all(address))
    except OSError as error:
        raise ListenError(f"{key} = {address} cannot be had: {os_reason(error)}") from None
    except UnicodeError:
        raise ListenError(f"{key} = {address} cannot be had: no host has such a name") from None


def os_reason(error: OSError) -> str:
    """Return what went wrong, without the address that some messages repeat."""
    return (error.strerror or str(error)).partition(" (while ")[0]


def _bind_all(address: TcpAddress) -> list[socket.socket]:
    found = list(dict.fromkeys(_resolve(address)))
    for attempt in range(_ATTEMPTS):
        try:
            return _bind_each(found)
        except OSError as error:
            chosen = address.port == 0 and error.errno == errno.EADDRINUSE
            if not chosen or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _resolve(address: TcpAddress) -> Iterator[_Found]:
    if not address.host:
        yield socket.AF_INET, ("0.0.0.0", address.port)  # noqa: S104  # every address is meant
        yield socket.AF_INET6, ("::", address.port)
        return
    found = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    for family, _, _, _, where in sorted(found, key=lambda info: info[0] != socket.AF_INET):
        yield family, (str(where[0]), address.port)


def _bind_each(found: list[_Found]) -> list[socket.socket]:
    """Bind them all, on one port; those of a family that is not here are left out."""
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, (host, port) in found:
            if sockets:
                port = sockets[0].getsockname()[1]
            try:
                # IPv6 alone where that is the family: IPv4 has a socket of its own.
                sockets.append(socket.create_server((host, port), family=family, backlog=BACKLOG))
            except OSError as error:
                if error.errno not in _NO_FAMILY:
                    raise
                missing = error
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    if missing is not None and not sockets:
        raise missing
    return sockets


def _where(sock: socket.socket) -> ListenAddress:
    name = sock.getsockname()
    return UnixAddress(name) if sock.family == socket.AF_UNIX else TcpAddress(name[0], name[1])
