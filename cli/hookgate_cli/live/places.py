"""Where the page is served, and by which token, as it stands on the command line."""

import ssl
from pathlib import Path

from hookgate.address import TcpAddress, UnixAddress, parse_listen_address
from hookgate.files import AbsentFileError, FileError, is_open_to_all, read_secret
from hookgate.networks.addresses import is_loopback
from hookgate.tls import server_context
from hookgate.wording import path_in_shell
from hookgate_cli.common import fail

_SHORTEST_TOKEN = 16
# Bytes that are read of what somebody shows.
LONGEST_TOKEN = 1024
_EXAMPLE = "127.0.0.1:9190"


def read_token(file: Path | None) -> bytes:
    """Read the token; exit with 2 where there is none that only its owner can have written and not
    everybody can read.
    """
    if file is None:
        fail(
            "--token-file is missing: who opens the page shows a token;"
            " make one with: hookgate keys new token live.token"
        )
    named = path_in_shell(file)
    try:
        data, mode = read_secret(str(file))
    except FileError as error:
        made = f"; make one with: hookgate keys new token {named}"
        fail(f"--token-file {named} {error}{made if isinstance(error, AbsentFileError) else ''}")
    if is_open_to_all(mode):
        fail(f"--token-file {named} can be read by everybody on this machine; chmod o= {named}")
    token = data.strip()
    if len(token) < _SHORTEST_TOKEN:
        fail(
            f"--token-file {named} holds fewer than {_SHORTEST_TOKEN} bytes;"
            " make another with: hookgate keys new token live.token"
        )
    if len(token) > LONGEST_TOKEN:
        fail(
            f"--token-file {named} holds more than {LONGEST_TOKEN} bytes;"
            " make another with: hookgate keys new token live.token"
        )
    if not _is_line(token):
        fail(
            f"--token-file {named} is no one line of text, which a person can show;"
            " make another with: hookgate keys new token live.token"
        )
    return token


def _is_line(token: bytes) -> bool:
    """Tell whether this can come by a page's field: no second line, no byte order mark."""
    try:
        return token.decode().isprintable()
    except UnicodeDecodeError:
        return False


def read_listen(
    text: str, cert: Path | None, key: Path | None
) -> tuple[TcpAddress, ssl.SSLContext | None]:
    """Read where to listen, and the TLS that is needed anywhere but on loopback; exit with 2."""
    try:
        address = parse_listen_address(text, _EXAMPLE)
    except ValueError as error:
        fail(f"--listen {text} {error}")
    if isinstance(address, UnixAddress):
        fail(
            f"--listen {text} is no address that a browser knows; write host:port, like {_EXAMPLE}"
        )
    if cert is None:
        if key is not None:
            fail("--tls-key needs --tls-cert")
        if not is_loopback(address.host):
            fail(
                f"--listen {text} is not loopback, where a token without TLS is read on the way;"
                f" give --tls-cert and --tls-key, or listen on {_EXAMPLE} and come by"
                f" ssh -L 9190:{_EXAMPLE} HOST, or through a proxy that speaks TLS"
            )
        return address, None
    try:
        return address, server_context(str(cert), str(key) if key else "", "")
    except ValueError as error:
        fail(f"--tls-{error}")
