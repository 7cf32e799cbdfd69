"""What was given becomes a `Config`, with every problem reported at once."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from hookgate.alarm_settings import ChannelSettings
from hookgate.policy import OBSERVABLE, UNIX_PEER
from hookgate.settings import (
    AuditSettings,
    Config,
    FleetSettings,
    Fsync,
    Mode,
    PersonalData,
    RequestSettings,
    RouteSettings,
    SidecarSettings,
    SignatureSettings,
    SourceSettings,
    UpstreamSettings,
)
from hookgate.signing.secrets import mark

from .certificates import check_listener_certificates, check_upstream_certificates
from .channels import build_channels
from .consistency import check_consistency
from .draft import Draft
from .error import ConfigError
from .key_files import read_hmac_key, read_seal_key, read_sign_keys
from .keys import KEYS, SECTIONS
from .layers import Sources, gather
from .network_lists import NetworkLists, read_network_lists
from .quarantine import check_quarantine, make_settings
from .routes import build_routes


def load(
    file: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Gather and check a configuration. Relative paths are relative to the working directory.

    Parameters are those of `layers.gather`. Raises `ConfigError` with every problem.
    """
    return build(gather(file, overrides, environ))


def build(sources: Sources) -> Config:
    """Check what was gathered, and read the files that it names as they are now.

    Raises `ConfigError` with every problem.
    """
    draft = Draft(sources.keys, sources.problems)
    if sources.unread:
        draft.parse(key for key in KEYS if sources.keys[key.path].origin != "default")
        raise ConfigError(draft.problems)
    draft.parse(KEYS)
    routes = build_routes(sources.routes, draft.problems, draft.warnings)
    channels = build_channels(sources.channels, draft.problems)
    config = _assemble(draft, routes, channels)
    if draft.problems:
        raise ConfigError(draft.problems)
    return config


def _assemble(
    draft: Draft, routes: tuple[RouteSettings, ...], channels: tuple[ChannelSettings, ...]
) -> Config:
    networks = read_network_lists(draft)
    hmac_key, seal_key = read_hmac_key(draft), read_seal_key(draft)
    sign_keys = read_sign_keys(draft)
    check_upstream_certificates(draft)
    check_listener_certificates(draft)
    check_consistency(draft)
    check_quarantine(draft, routes)
    values = draft.values
    section = {
        name: {key.name: values[key.path] for key in KEYS if key.section == name}
        for name in SECTIONS
    }
    return Config(
        upstream=UpstreamSettings(**section["upstream"], sign_keys=sign_keys),
        source=SourceSettings(
            networks.allow,
            networks.trusted_proxies,
            values["source.allow_file"],
            values["source.trusted_proxies_file"],
            values["source.header"],
            values["source.proxy_protocol"],
            UNIX_PEER in values["source.trusted_proxies"],
            networks.watch,
        ),
        request=RequestSettings(**section["request"]),
        routes=routes,
        checks={name: Mode(values[f"checks.{name}"]) for name in OBSERVABLE},
        audit=AuditSettings(
            values["audit.path"],
            PersonalData(values["audit.personal_data"]),
            hmac_key,
            seal_key,
            Fsync(values["audit.fsync"]),
        ),
        quarantine=make_settings(section["quarantine"]),
        fleet=FleetSettings(**section["fleet"]),
        sidecar=SidecarSettings(**section["sidecar"]),
        digest=_digest(values, networks, routes, channels),
        channels=channels,
        warnings=tuple(draft.warnings),
    )


def _visible(signature: SignatureSettings) -> tuple[object, ...]:
    return signature.scheme, signature.tolerance, [mark(secret) for secret in signature.secrets]


def _digest(
    values: Mapping[str, Any],
    networks: NetworkLists,
    routes: tuple[RouteSettings, ...],
    channels: tuple[ChannelSettings, ...],
) -> str:
    visible = {
        **values,
        "allow": networks.allow,
        "watch": networks.watch,
        "trusted_proxies": networks.trusted_proxies,
        "route": [
            (r.path, r.contract, r.contract_text.hex(), r.rules_text.hex(), r.answer, r.custody)
            for r in routes
        ],
        "signatures": [_visible(route.signature) for route in routes if route.signature],
        "channels": [(repr(c), mark(repr((c.url, c.command)).encode())) for c in channels],
    }
    return sha256(json.dumps(visible, sort_keys=True, default=str).encode()).hexdigest()[:12]
