"""Where the upstream is: over TCP, with or without TLS, or at a Unix socket."""

import ssl
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from hookgate.address import parse_unix_address
from hookgate.settings import UpstreamSettings
from hookgate.tls import client_context


class Endpoint(NamedTuple):
    """A host and port and its TLS, if any; or a Unix socket's `path`."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    path: str = ""

    @classmethod
    def of(cls, settings: UpstreamSettings) -> Self:
        """Read what `upstream.url` names. Raises ValueError where TLS files cannot be used."""
        unix = parse_unix_address(settings.url)
        if unix is not None:
            return cls("", 0, None, unix.path)
        url = urlsplit(settings.url)
        if url.scheme == "http":
            return cls(url.hostname or "", url.port or 80, None)
        tls = client_context(settings.ca_file, settings.client_cert, settings.client_key)
        return cls(url.hostname or "", url.port or 443, tls)
