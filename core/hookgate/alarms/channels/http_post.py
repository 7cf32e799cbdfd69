"""One POST to one configured URL: no redirect, no environment's proxy, an end in any case.

Nothing that it says or logs holds the URL, which is a secret.
"""

import logging
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from time import monotonic
from typing import Any

import orjson
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from hookgate import __version__
from hookgate.alarm_settings import ChannelSettings
from hookgate.alarms.notice import Notice
from hookgate.direct_session import DirectSession

from .outcome import Outcome
from .post_errors import explain

# Seconds for each address that a name has.
_CONNECT = 5.0
# What is refused itself, and will be again (RFC 9110 15.5): bad request, too large, unprocessable.
_FINAL = frozenset((400, 413, 422))
# It writes URLs into warnings, as of a head that it cannot parse.
logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)

Compose = Callable[[str, Notice, datetime], tuple[str, Any]]


class HttpPost:
    """Post notices by a channel's settings, each within `deadline` seconds from its connection."""

    def __init__(self, settings: ChannelSettings, compose: Compose, deadline: float) -> None:
        self._url = settings.url
        self._compose = compose
        self._deadline = deadline
        self._proxies = {"http": settings.proxy, "https": settings.proxy} if settings.proxy else {}
        self._verify = settings.ca_file or _system_certificates()
        self._fields = {
            "Content-Type": "application/json",
            "User-Agent": f"hookgate/{__version__}",
            "Connection": "close",
        }
        if settings.token:
            self._fields["Authorization"] = f"Bearer {settings.token}"
        self._line: _Line | None = None
        self._is_aborted = False

    def send(self, notice: Notice, until: datetime) -> Outcome:
        """Post a notice. Raises nothing."""
        began = monotonic()
        self._line = line = _Line()
        timer = threading.Timer(self._deadline, line.cut)
        timer.daemon = True
        try:
            timer.start()
            if self._is_aborted:
                line.cut()
            status = self._post(line, *self._compose(self._url, notice, until))
            if line.is_cut:  # what came of the head until then passes for one
                raise TimeoutError
        except Exception as error:  # noqa: BLE001  # whatever it is: its text may hold the URL
            why = "no answer in time" if line.is_cut else explain(error)
            return Outcome(False, why, monotonic() - began)
        finally:
            timer.cancel()
            line.close()
        is_redirect = ", a redirect, which is not followed" if 300 <= status < 400 else ""
        why = f"answered {status}{is_redirect}"
        return Outcome(200 <= status < 300, why, monotonic() - began, status in _FINAL)

    def abort(self) -> None:
        """End what is being sent, from another thread, and what would be sent later."""
        self._is_aborted = True
        if line := self._line:
            line.cut()

    def _post(self, line: "_Line", url: str, document: Any) -> int:
        with DirectSession() as session:
            session.trust_env = False  # neither proxies nor .netrc of whoever started us
            adapter = _Adapter(line.hold)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            with session.post(
                url,
                data=orjson.dumps(document),
                headers=self._fields,
                timeout=(_CONNECT, self._deadline),
                verify=self._verify,
                proxies=self._proxies,
                stream=True,  # of an answer nothing is read but its head
            ) as response:
                return response.status_code


class _Line:
    """Hold the connection of one POST, so that another thread can cut it."""

    def __init__(self) -> None:
        self.is_cut = False
        self._lock = threading.Lock()
        self._copy: socket.socket | None = None

    def hold(self, connected: socket.socket) -> socket.socket:
        """Take the connection before anything, TLS too, is said on it. Raises TimeoutError."""
        with self._lock:
            if self.is_cut:
                connected.close()
                raise TimeoutError
            # TLS takes the descriptor out of the socket; a copy stays ours.
            self._copy = connected.dup()
        return connected

    def cut(self) -> None:
        """End the connection, or the one that is still to come."""
        with self._lock:
            self.is_cut = True
            if self._copy is not None:
                with suppress(OSError):
                    self._copy.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            if self._copy is not None:
                self._copy.close()
                self._copy = None


class _Adapter(HTTPAdapter):
    """Hand out each connection that is made: requests bounds its silences, but not the whole."""

    def __init__(self, hold: Callable[[socket.socket], socket.socket]) -> None:
        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return hold(super()._new_conn())

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return hold(super()._new_conn())

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self._pools = {"http": PlainPool, "https": SecurePool}
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make connections of these kinds."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Make those to a proxy of these kinds, too."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _system_certificates() -> str | bool:
    """Where the system keeps what it trusts; True, those that come with requests, without one."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or True
