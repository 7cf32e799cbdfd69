"""What the checks decide by, compiled once from the configuration, and its fingerprint."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from netaddr import cidr_merge

from hookgate.settings import Config

from .contract import Contract
from .source import UNIX_PEER, SourcePolicy


@dataclass(frozen=True, slots=True)
class Rules:
    """Hold what the checks decide by. `max_body` is in bytes; `any_path` is the contract of paths
    that have no route of their own, None where these are refused.
    """

    source: SourcePolicy
    methods: frozenset[bytes]
    routes: Mapping[bytes, Contract]
    any_path: Contract | None
    max_body: int
    max_depth: int
    max_values: int


def compile_contracts(config: Config) -> dict[str, Contract]:
    """Compile the contract of each route, by its path. Raises `ContractError`."""
    return {route.path: Contract(route.contract, route.contract_text) for route in config.routes}


def compile_rules(config: Config, contracts: Mapping[str, Contract]) -> Rules:
    """Compile a configuration; `contracts` are those of `compile_contracts`."""
    source, request = config.source, config.request
    return Rules(
        SourcePolicy(
            source.allow,
            source.trusted_proxies,
            source.header,
            source.proxy_protocol,
            source.trusts_unix,
        ),
        frozenset(method.encode() for method in request.methods),
        {path.encode(): contract for path, contract in contracts.items() if path},
        contracts.get(""),
        request.max_body,
        request.max_depth,
        request.max_values,
    )


def fingerprint(config: Config, contracts: Mapping[str, Contract], libraries: Sequence[str]) -> str:
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
        "routes": {path: contract.digest for path, contract in contracts.items()},
        "checks": dict(config.checks),
    }
    if libraries:
        parts["libraries"] = sorted(libraries)
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
