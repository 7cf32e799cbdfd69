"""Admin listeners of gates, as they stand on the command line."""

from collections.abc import Sequence
from typing import NoReturn
from urllib.parse import urlsplit

from hookgate.address import ListenAddress, TcpAddress, parse_listen_address
from hookgate.config.redaction import redact_url

from .common import fail

MOST_GATES = 64
_EXAMPLE = "http://127.0.0.1:9180"


def read_gates(urls: Sequence[str]) -> list[ListenAddress]:
    """Read where the admin listeners of gates are; exit with 2 where one is no such place."""
    if len(urls) > MOST_GATES:
        fail(f"--gate is given {len(urls)} times; at most {MOST_GATES} fit on a page")
    return [_read_gate(url) for url in dict.fromkeys(urls)]


def _read_gate(url: str) -> ListenAddress:
    if url.startswith("unix:"):
        try:
            return parse_listen_address(url)
        except ValueError as error:
            fail(f"--gate {url} {error}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        _refuse(url)
    is_plain = not (parts.username or parts.password or parts.query or parts.fragment)
    if parts.scheme != "http" or not parts.hostname or not is_plain or parts.path not in ("", "/"):
        _refuse(url)
    return TcpAddress(parts.hostname, port or 80)


def _refuse(url: str) -> NoReturn:
    fail(
        f"--gate {redact_url(url)} is no admin listener of a gate; write it like {_EXAMPLE}"
        " or unix:/run/hookgate/admin.sock, or give --fleet for the name of a gate"
    )
