"""What the checks decide by, compiled once from the configuration, and its fingerprint."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from netaddr import cidr_merge

from hookgate.settings import Config
from hookgate.signing.secrets import mark

from .route import Route, compile_route
from .source import UNIX_PEER, SourcePolicy


@dataclass(frozen=True, slots=True)
class Rules:
    """Hold what the checks decide by. `max_body` is in bytes; `any_path` is the route of paths that
    have none of their own, None where these are refused. `clock` tells the seconds since 1970.
    """

    source: SourcePolicy
    methods: frozenset[bytes]
    routes: Mapping[bytes, Route]
    any_path: Route | None
    max_body: int
    max_depth: int
    max_values: int
    clock: Callable[[], float]


def compile_routes(config: Config) -> dict[str, Route]:
    """Compile each route, by its path. Raises `ContractError`."""
    return {settings.path: compile_route(settings) for settings in config.routes}


def compile_rules(config: Config, routes: Mapping[str, Route], clock: Callable[[], float]) -> Rules:
    """Compile a configuration; `routes` are those of `compile_routes`."""
    source, request = config.source, config.request
    return Rules(
        SourcePolicy(
            source.allow,
            source.trusted_proxies,
            source.header,
            source.proxy_protocol,
            source.trusts_unix,
            source.watch,
        ),
        frozenset(method.encode() for method in request.methods),
        {path.encode(): route for path, route in routes.items() if path},
        routes.get(""),
        request.max_body,
        request.max_depth,
        request.max_values,
        clock,
    )


def fingerprint(config: Config, routes: Mapping[str, Route], libraries: Sequence[str]) -> str:
    """Return twelve hexadecimal digits that change with whatever may change a verdict.

    `libraries` are those whose version may, as `name version`.
    """
    parts: dict[str, object] = {
        "allow": [str(network) for network in cidr_merge(list(config.source.allow))],
        "trusted_proxies": [
            *(str(network) for network in cidr_merge(list(config.source.trusted_proxies))),
            *([UNIX_PEER] if config.source.trusts_unix else []),
        ],
        "header": "proxy_protocol" if config.source.proxy_protocol else config.source.header,
        "methods": sorted(config.request.methods),
        "max_body": config.request.max_body,
        "max_depth": config.request.max_depth,
        "max_values": config.request.max_values,
        "routes": {path: route.contract.digest for path, route in routes.items()},
        "checks": dict(config.checks),
    }
    signatures = {
        route.path: (
            route.signature.scheme,
            route.signature.tolerance,
            sorted(map(mark, route.signature.secrets)),
        )
        for route in config.routes
        if route.signature is not None
    }
    if signatures:
        parts["signatures"] = signatures
    if libraries:
        parts["libraries"] = sorted(libraries)
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
