"""The settings as values: what `config/build.py` reads, and every other module is given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import netaddr

from .address import ListenAddress
from .alarm_settings import ChannelSettings


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


class AnswerMode(StrEnum):
    """What a sender is answered when the endpoint took its event."""

    OK = "200"
    RELAY = "relay"


class Keep(StrEnum):
    """What is kept in the quarantine: what was refused, and what failed at the endpoint."""

    REFUSED = "refused"
    FAILED = "failed"


class Fsync(StrEnum):
    """When ledger lines are forced to the disk."""

    NEVER = "never"
    INTERVAL = "interval"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """Where clean events go. Durations are seconds, sizes are bytes, "" is unset. `sign_keys` are
    those of `sign_key_file`: each signs what is sent.
    """

    url: str
    host: str
    timeout: float
    max_connections: int
    max_response: int
    ca_file: str
    client_cert: str
    client_key: str
    sign_key_file: str
    sign_keys: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """Who may send. `allow` and `trusted_proxies` hold what their files do too; `allow` is never
    empty, and the two never overlap. `trusts_unix` says that peers of a Unix socket are trusted
    proxies too. `watch` admits nobody: who comes from there is told of.
    """

    allow: tuple[netaddr.IPNetwork, ...]
    trusted_proxies: tuple[netaddr.IPNetwork, ...]
    allow_file: str
    trusted_proxies_file: str
    header: str
    proxy_protocol: bool
    trusts_unix: bool
    watch: tuple[netaddr.IPNetwork, ...]

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
class SignatureSettings:
    """How the events of a route are signed. Any of the `secrets` may match; `tolerance` is in
    seconds.
    """

    scheme: str
    secrets: tuple[bytes, ...] = field(repr=False)
    tolerance: float


@dataclass(frozen=True, slots=True)
class RouteSettings:
    """One path and the contract of its events. `path` "" matches every path.

    `rules_text` is the TOML beside the contract's schema, b"" where there is none. `answer` is
    None where the contract says it. `custody` says that what is refused is answered 200 once it is
    kept.
    """

    path: str
    contract: str
    contract_text: bytes = field(repr=False)
    rules_text: bytes = field(default=b"", repr=False)
    answer: AnswerMode | None = None
    custody: bool = False
    signature: SignatureSettings | None = None


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
class QuarantineSettings:
    """Where bodies that were not delivered are kept, encrypted to the `recipients`. `path` "" is
    nowhere; `max_age` is in seconds.
    """

    path: str
    recipients: tuple[str, ...]
    keep: frozenset[Keep]
    max_age: float
    max_items: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """What the gate is called in its fleet, and where its login to the fleet's store is written; ""
    is unset. `quarantine` says that what is kept is in the store too, and sent on from there alone.
    `hookgate ship` and `hookgate quarantine` go by these; the gate tells by its metrics that one
    should ship.
    """

    name: str
    dsn_file: str
    quarantine: bool


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
    quarantine: QuarantineSettings
    fleet: FleetSettings
    sidecar: SidecarSettings
    digest: str
    channels: tuple[ChannelSettings, ...] = ()
    warnings: tuple[str, ...] = ()
