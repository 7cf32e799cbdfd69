"""Where to listen, and the Unix sockets to connect to, as a person writes them. Pure."""

import re
from typing import NamedTuple
from urllib.parse import unquote

_UNIX = "unix:"
# sockaddr_un of unix(7) has 108 bytes, the NUL behind the path included.
LONGEST_PATH = 107
_TCP = re.compile(r"(?:\[([0-9A-Fa-f:]+)\]|([0-9A-Za-z.-]*)):([0-9]{1,5})")
_LAST_PORT = 65535
# As nginx's proxy_pass, httpx and requests, Caddy, HAProxy and curl write a Unix socket.
_OTHER_SPELLINGS = re.compile(
    r"(?:https?://unix:|https?\+unix://|unix:|unix/|unix@)((?:/|%2F).*)|(/[^/].*)", re.IGNORECASE
)


class TcpAddress(NamedTuple):
    """A host and a port; the host "" is every address of this machine, of both families."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class UnixAddress(NamedTuple):
    """The path of a Unix socket."""

    path: str

    def __str__(self) -> str:
        return f"{_UNIX}{self.path}"


ListenAddress = TcpAddress | UnixAddress


def parse_listen_address(text: str, example: str = "127.0.0.1:8081") -> ListenAddress:
    """Read host:port, [v6]:port, :port or unix:/path. Raises ValueError that offers `example`."""
    unix = parse_unix_address(text)
    if unix is not None:
        return unix
    match = _TCP.fullmatch(text)
    if match is None or int(match[3]) > _LAST_PORT:
        raise ValueError(f'is no address to listen on; write host:port, like "{example}"')
    return TcpAddress(match[1] or match[2] or "", int(match[3]))


def parse_unix_address(text: str) -> UnixAddress | None:
    """Read unix:/path; None where the text means no Unix socket.

    Raises ValueError in words, with the mend for the spellings of other programs.
    """
    path = text.removeprefix(_UNIX)
    if path != text and re.fullmatch(r"/[^/](?:.*[^/:])?", path):
        if len(path.encode()) > LONGEST_PATH:
            raise ValueError(f"has more than {LONGEST_PATH} bytes, the longest path of a socket")
        return UnixAddress(path)
    if path != text and path.startswith("@"):
        raise ValueError(
            "is an abstract socket, which has no mode and takes everybody on this machine; "
            'write a path, like "unix:/run/hookgate/hookgate.sock"'
        )
    match = _OTHER_SPELLINGS.fullmatch(text)
    meant = unquote(match[1] or match[2]).strip("/").partition(":")[0] if match else ""
    if meant:
        raise ValueError(f'is another spelling of a Unix socket; write "{_UNIX}/{meant}"')
    if path != text:
        raise ValueError('names no whole path; write it from the root on, like "unix:/run/x.sock"')
    return None
