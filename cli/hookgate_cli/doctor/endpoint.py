"""The endpoint: whether it can be reached, how long its certificate holds, and what time it has."""

import asyncio
import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from hookgate.config.certificates import SOON_SECONDS
from hookgate.config.loops import find_loops
from hookgate.config.redaction import redact_url
from hookgate.settings import UpstreamSettings
from hookgate.times import show_time
from hookgate.upstream.endpoint import Endpoint
from hookgate.upstream.error import UpstreamError
from hookgate.upstream.lookup import Lookup
from hookgate.upstream.reach import Reached, reach, speaks_tls
from hookgate.wording import span

from .check import Finding, look, wrong
from .kernel_clock import is_kept_right
from .scene import Scene

# How long one that has accepted is waited for to hang up, and to answer a hello of TLS.
_LINGER_SECONDS = 0.5
_HELLO_SECONDS = 1.0
_SECONDS = 5.0
# `Date` is in whole seconds, and signatures may be five minutes old.
_OFF_SECONDS, _FAR_OFF_SECONDS = 3.0, 60.0


def endpoint(scene: Scene) -> Iterator[Finding]:
    """Whether a connection can be had, with TLS where it is https; nothing is sent on it."""
    if find_loops(scene.settings):
        return  # told by the check of the configuration; a gate that runs would write lines
    settings = scene.settings.upstream
    reached = asyncio.run(_try(settings))
    if (error := reached.error) is not None:
        yield wrong(
            f"{redact_url(settings.url)}: {error.means} ({reached.detail or error.word})",
            f"{error.mend}; then try again:",
            f"{scene.command} config check --connect{scene.option}",
        )


async def _try(settings: UpstreamSettings) -> Reached:
    where = Endpoint.of(settings)
    reached = await reach(Lookup(where), min(settings.timeout, _SECONDS), _LINGER_SECONDS)
    is_plain = reached.error is None and where.tls is None and not where.path
    if is_plain and await speaks_tls(where, _HELLO_SECONDS):
        return reached._replace(error=UpstreamError.TLS_NONE)
    return reached


def certificate(scene: Scene) -> Iterator[Finding]:
    """When the endpoint's certificate ends."""
    where = Endpoint.of(scene.settings.upstream)
    if where.tls is None or find_loops(scene.settings):
        return
    try:
        with (
            socket.create_connection((where.host, where.port), _SECONDS) as plain,
            where.tls.wrap_socket(plain, server_hostname=where.host) as secured,
        ):
            ends = ssl.cert_time_to_seconds(str((secured.getpeercert() or {})["notAfter"]))
    except (OSError, KeyError, ValueError):
        return  # told by who looks whether it can be reached
    left = ends - time.time()
    if left < SOON_SECONDS:
        yield look(
            f"the endpoint's certificate expires in {span(max(0.0, left))}, on "
            f"{show_time(ends, 'minutes', utc=True)}; from then on every event is answered 502",
            "renew it at the endpoint; hookgate needs nothing",
        )


class _Told(NamedTuple):
    """The endpoint's time, and ours when it was told, in seconds since 1970."""

    theirs: float
    before: float
    after: float


def clock(scene: Scene) -> Iterator[Finding]:
    """Whether this machine's clock is that of the endpoint, by one HEAD request."""
    told = None if find_loops(scene.settings) else _ask_time(scene.settings.upstream)
    kept = is_kept_right()
    mend: tuple[str, ...] = "as root, where systemd keeps the clock:", "timedatectl set-ntp true"
    if not scene.has_systemd:
        mend = ("set it, and have something keep it right, as chrony or ntpd",)
    if told is None:
        if kept is False:
            yield look("nothing keeps this machine's clock right, as the kernel says", *mend)
        return
    # `Date` may be up to a second behind what it tells of.
    ahead = told.before - (told.theirs + 1)
    behind = told.theirs - told.after
    off = max(ahead, behind)
    if off < _OFF_SECONDS:
        return
    word = "ahead of" if ahead > behind else "behind"
    says = f"this machine's clock is {off:.0f} seconds {word} the endpoint's"
    if kept is False:
        says += ", and nothing keeps it right, as the kernel says"
    elif kept:
        says += "; the kernel says that this one is kept right, so the endpoint's may be wrong"
    make = wrong if off >= _FAR_OFF_SECONDS else look
    yield make(f"{says}. Times in the ledger and of signatures are by this clock", *mend)


def _ask_time(settings: UpstreamSettings) -> _Told | None:
    where = Endpoint.of(settings)
    connection = http.client.HTTPConnection(where.host or "localhost", where.port, timeout=_SECONDS)
    before = time.time()
    try:
        if where.path:
            connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.sock.settimeout(_SECONDS)
            connection.sock.connect(where.path)
        elif where.tls is not None:
            plain = socket.create_connection((where.host, where.port), _SECONDS)
            connection.sock = where.tls.wrap_socket(plain, server_hostname=where.host)
        connection.request("HEAD", "/", headers={"Connection": "close"})
        date = connection.getresponse().headers.get("Date", "")
        return _Told(parsedate_to_datetime(date).timestamp(), before, time.time())
    except (OSError, http.client.HTTPException, ValueError, OverflowError):
        return None
    finally:
        connection.close()
