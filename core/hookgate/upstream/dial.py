"""One attempt to connect to the endpoint, and the cause where it or a connection fails."""

import asyncio
import errno
import re
import socket
import ssl
from collections.abc import Callable, Iterable
from enum import Enum
from typing import TypeVar

from hookgate.policy import Reason

from .error import Failure, UpstreamError
from .lookup import Address, Lookup

P = TypeVar("P", bound=asyncio.BaseProtocol)


class Stage(Enum):
    """How far an attempt is; the value is the cause where time is up."""

    NAME = UpstreamError.TIMEOUT_NAME
    CONNECT = UpstreamError.TIMEOUT_CONNECT
    TLS = UpstreamError.TIMEOUT_TLS


class Dial:
    """One attempt: look the name up, connect, and speak TLS where there is any.

    `stage` tells how far it is, `peer` the address that it has connected to.
    """

    __slots__ = ("_lookup", "peer", "stage")

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self.stage = Stage.NAME
        self.peer = ""

    async def connect(self, make_protocol: Callable[[], P]) -> P:
        """Connect, and return the protocol.

        The name is looked up anew each time, its addresses are tried in turn.
        Raises OSError or UnicodeError, for `cause`.
        """
        host, _, tls, path = self._lookup.endpoint
        loop = asyncio.get_running_loop()
        if path:
            self.stage = Stage.CONNECT
            _, protocol = await loop.create_unix_connection(make_protocol, path)
            self.peer = path
            return protocol
        addresses = await self._lookup.addresses()
        self.stage = Stage.CONNECT
        connected, self.peer = await _connect(loop, addresses)
        if tls is not None:
            self.stage = Stage.TLS
        try:
            _, protocol = await loop.create_connection(
                make_protocol, sock=connected, ssl=tls, server_hostname=host if tls else None
            )
        except BaseException:
            connected.close()  # where it did not come to a transport that does
            raise
        return protocol


async def _connect(
    loop: asyncio.AbstractEventLoop, addresses: Iterable[Address]
) -> tuple[socket.socket, str]:
    errors: list[OSError] = []
    for family, address in addresses:
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            errors.append(error)
            continue
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, address)
        except BaseException as error:
            sock.close()
            if not isinstance(error, OSError):
                raise
            errors.append(error)
        else:
            return sock, str(address[0])
    # Where one family has no route, the other's word tells more.
    telling = [e for e in errors if cause(e) is not UpstreamError.NO_ROUTE]
    raise next(iter(telling or errors), OSError(errno.EADDRNOTAVAIL, "no address"))


_BY_ERRNO = {
    number: error
    for error, numbers in {
        UpstreamError.REFUSED: (errno.ECONNREFUSED, errno.ENOENT),
        UpstreamError.NO_ROUTE: (
            errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN,
            errno.EAFNOSUPPORT,
        ),
        UpstreamError.NOT_PERMITTED: (errno.EACCES, errno.EPERM),
        UpstreamError.EXHAUSTED: (
            errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL,
        ),
        UpstreamError.RESET: (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ENOTCONN),
        UpstreamError.TIMEOUT_CONNECT: (errno.ETIMEDOUT,),
    }.items()
    for number in numbers
}  # fmt: skip
_UNKNOWN_NAMES = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
# X509_V_ERR_* of openssl/x509_vfy.h.
_BY_VERIFY_CODE = {
    9: UpstreamError.TLS_EXPIRED,  # CERT_NOT_YET_VALID
    10: UpstreamError.TLS_EXPIRED,  # CERT_HAS_EXPIRED
    62: UpstreamError.TLS_NAME,  # HOSTNAME_MISMATCH
    64: UpstreamError.TLS_NAME,  # IP_ADDRESS_MISMATCH
}
# What OpenSSL says of bytes that are no TLS record.
_NO_TLS = frozenset(("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"))
_ABOUT_OURS = re.compile(r"ALERT_(?:\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED)")


def cause(error: BaseException | None) -> UpstreamError:
    """Find the cause of what an attempt or a connection ended with; None is an end in order."""
    match error:
        case None:
            return UpstreamError.CLOSED_EARLY
        case ssl.SSLCertVerificationError():
            return _BY_VERIFY_CODE.get(error.verify_code, UpstreamError.TLS_UNTRUSTED)
        case ssl.SSLEOFError():
            return UpstreamError.CLOSED_EARLY
        case ssl.SSLError():
            reason = getattr(error, "reason", None) or ""  # one made by hand has none
            if reason in _NO_TLS:
                return UpstreamError.TLS_NONE
            ours = _ABOUT_OURS.search(reason) is not None
            return UpstreamError.TLS_CLIENT if ours else UpstreamError.TLS_FAILED
        case UnicodeError():  # no name at all
            return UpstreamError.NAME_UNKNOWN
        case socket.gaierror():
            unknown = error.errno in _UNKNOWN_NAMES
            return UpstreamError.NAME_UNKNOWN if unknown else UpstreamError.NAME_FAILED
        case ConnectionResetError() if error.errno is None:  # the end, within a handshake
            return UpstreamError.CLOSED_EARLY
        case ConnectionAbortedError() if error.errno is None:  # asyncio's bound on handshakes
            return UpstreamError.TIMEOUT_TLS
        case OSError():
            return _BY_ERRNO.get(error.errno or 0, UpstreamError.ERROR)
    return UpstreamError.ERROR


def detail(error: BaseException | None) -> str:
    """Give the system's or OpenSSL's name for it; nothing that the endpoint sent is in there."""
    match error:
        case None:
            return ""
        case ssl.SSLCertVerificationError():
            return error.verify_message
        case ssl.SSLError():
            return getattr(error, "reason", None) or type(error).__name__
        case socket.gaierror():
            return error.strerror or type(error).__name__
        case OSError() if error.errno is not None:
            return errno.errorcode.get(error.errno, str(error.errno))
    return type(error).__name__


def failure(reason: Reason, error: BaseException | None) -> Failure:
    """Make a request's failure of what its connection, or the attempt at one, ended with."""
    return Failure(reason, cause(error), detail(error))
