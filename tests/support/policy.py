"""Configurations, policies and heads in one call, without a file or an environment."""

import dataclasses
import json
import os
import time
from typing import Any

from hookgate.config.build import load
from hookgate.policy import Fields, Head, Policy, make_head
from hookgate.settings import Config, RouteSettings, SignatureSettings

# The documentation ranges of RFC 5737 play the parts: one may send, one is a proxy's.
ALLOWED, PROXY, FOREIGN = "203.0.113.5", "192.0.2.1", "198.51.100.7"
ALLOW, TRUSTED = "203.0.113.0/24", "192.0.2.0/24"

JSON: Fields = ((b"Host", b"gate"), (b"Content-Type", b"application/json"))


def make_config(**keys: Any) -> Config:
    """The defaults with `section__key` arguments over them.

    `routes` maps paths to schemas as objects, `signatures` some of them to how they are signed.
    """
    routes: dict[str, Any] = keys.pop("routes", {})
    signatures: dict[str, SignatureSettings] = keys.pop("signatures", {})
    overrides = {
        "upstream.url": "http://127.0.0.1:1",
        "source.allow": [ALLOW],
        "source.trusted_proxies": [TRUSTED],
        **{name.replace("__", "."): value for name, value in keys.items()},
    }
    config = load(os.devnull, overrides, {})
    if not routes:
        return config
    named = (
        RouteSettings(
            path,
            f"contract of {path}",
            json.dumps(schema).encode(),
            signature=signatures.get(path),
        )
        for path, schema in routes.items()
    )
    return dataclasses.replace(config, routes=tuple(named))


def make_policy(**keys: Any) -> Policy:
    """The policy of `make_config(**keys)`."""
    return Policy(make_config(**keys), clock=time.time)


def request(
    *fields: tuple[bytes, bytes],
    peer: str = ALLOWED,
    method: bytes = b"POST",
    target: bytes = b"/cm/events",
    version: str = "1.1",
) -> Head:
    """A head of exactly these fields, or of `JSON`'s where none are given."""
    return make_head(peer, method, target, fields or JSON, version)
