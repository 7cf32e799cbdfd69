"""The settings as values: what `config/build.py` reads, and every other module is given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import netaddr

from .address import ListenAddress


class Mode(StrEnum):
    """What a check's finding does: refuse the delivery, or only be recorded."""

    ENFORCE = "enforce"
    OBSERVE = "observe"


class PersonalData(StrEnum):
    """How `from` and `to` are recorded."""

    MASK = "mask"
    HMAC = "hmac"
    PLAIN = "plain"
    OMIT = "omit"


class Fsync(StrEnum):
    """When ledger lines are forced to the disk."""

    NEVER = "never"
    INTERVAL = "interval"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """Where clean events go. Durations are seconds, sizes are bytes, "" is unset."""

    url: str
    host: str
    timeout: float
    max_connections: int
    max_response: int
    ca_file: str
    client_cert: str
    client_key: str


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """Who may send. `allow` and `trusted_proxies` hold what their files do too; `allow` is never
    empty, and the two never overlap. `trusts_unix` says that peers of a Unix socket are trusted
    proxies too.
    """

    allow: tuple[netaddr.IPNetwork, ...]
    trusted_proxies: tuple[netaddr.IPNetwork, ...]
    allow_file: str
    trusted_proxies_file: str
    header: str
    proxy_protocol: bool
    trusts_unix: bool

    @property
    def has_proxies(self) -> bool:
        """Whether anybody may speak for a client."""
        return self.trusts_unix or bool(self.trusted_proxies)


@dataclass(frozen=True, slots=True)
class RequestSettings:
    """What a request may be."""

    methods: tuple[str, ...]
    max_body: int
    max_depth: int
    max_values: int


@dataclass(frozen=True, slots=True)
class RouteSettings:
    """One path and the contract of its events. `path` "" matches every path."""

    path: str
    contract: str
    contract_text: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """The ledger. Keys are the key files' contents, b"" where none is set; `seal_key` holds one key
    a line.
    """

    path: str
    personal_data: PersonalData
    key: bytes = field(repr=False)
    seal_key: bytes = field(repr=False)
    fsync: Fsync


@dataclass(frozen=True, slots=True)
class SidecarSettings:
    """The sidecar's listener and bounds. Durations are seconds, sizes are bytes, "" is unset."""

    listen: ListenAddress
    socket_mode: int
    workers: int
    max_connections: int
    max_foreign_connections: int
    max_unnamed_connections: int
    max_in_flight: int
    max_buffered: int
    max_head: int
    max_fields: int
    varying_fields: tuple[str, ...]
    head_timeout: float
    body_timeout: float
    keep_alive: float
    drain: float
    worker_timeout: float
    admin: ListenAddress | None
    ready_needs_upstream: bool
    tls_cert: str
    tls_key: str
    tls_client_ca: str


@dataclass(frozen=True, slots=True)
class Config:
    """A whole, checked configuration. `digest` is a short hash of every effective key; `warnings`
    say what is taken and had better be mended.
    """

    upstream: UpstreamSettings
    source: SourceSettings
    request: RequestSettings
    routes: tuple[RouteSettings, ...]
    checks: Mapping[str, Mode]
    audit: AuditSettings
    sidecar: SidecarSettings
    digest: str
    warnings: tuple[str, ...] = ()
