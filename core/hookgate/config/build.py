"""What was given becomes a `Config`, with every problem reported at once."""

import json
import ssl
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from shlex import quote
from typing import Any

import netaddr

from hookgate.address import UnixAddress, parse_unix_address
from hookgate.files import FileError, is_open_to_all, read_file, read_secret
from hookgate.ledger.seal import split_keys
from hookgate.networks.error import NetworkError
from hookgate.networks.mends import Place, is_variable, network_mend
from hookgate.networks.range_set import RangeSet
from hookgate.networks.ranges import parse_networks
from hookgate.policy import OBSERVABLE, UNIX_PEER, Contract, ContractError
from hookgate.settings import (
    AuditSettings,
    Config,
    Fsync,
    Mode,
    PersonalData,
    RequestSettings,
    RouteSettings,
    SidecarSettings,
    SourceSettings,
    UpstreamSettings,
)
from hookgate.text_file import read_text, refuse_bom, without_bom
from hookgate.tls import add_ca, add_certificate, server_context

from .keys import KEYS, ROUTE_KEYS, SECTIONS, Key
from .layers import Given, Sources, gather
from .redaction import redact_url, shown, shown_path, shown_secret_path

DEFAULT_CONTRACT = "cm-events"
SHIPPED_CONTRACTS = ("cm-events", "cm-events-strict")
SHORTEST_SECRET = 16
_LONGEST_SHOWN = len("2001:0db8:0000:0000:0000:0000:0000:0000/128")
_SIGNING = b"whsec_"  # how Standard Webhooks marks a key to sign with
# What to write for an entry whose meaning is in doubt.
_SENDER = {
    Place.TOML: 'write a CIDR like 203.0.113.0/24, or "cm.com"',
    Place.TEXT: "write a CIDR like 203.0.113.0/24, or cm.com",
    Place.FILE: "write a CIDR like 203.0.113.0/24, or cm.com",
}
_PROXY = "write the address of a proxy, or a CIDR like 10.0.0.0/24"
# What a list may hold that holds nothing.
_LINES = {
    "source.allow_file": "203.0.113.0/24 or cm.com",
    "source.trusted_proxies_file": "192.0.2.1 or 10.0.0.0/24",
}


class ConfigError(Exception):
    """A configuration that cannot be used; `problems` holds one line for each thing wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(
    file: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Gather and check a configuration. Relative paths are relative to the working directory.

    Raises `ConfigError` with every problem.
    """
    return build(gather(file, overrides, environ))


def build(sources: Sources) -> Config:
    """Check what was gathered, and read the files that it names as they are now.

    Raises `ConfigError` with every problem.
    """
    problems = list(sources.problems)
    if sources.unread:
        for key in KEYS:
            if sources.keys[key.path].origin != "default":
                _value(key, sources.keys[key.path], problems)
        raise ConfigError(problems)
    values = {key.path: _value(key, sources.keys[key.path], problems) for key in KEYS}
    routes = _routes(sources.routes, problems)
    config = _assemble(values, sources.keys, routes, problems)
    if problems:
        raise ConfigError(problems)
    return config


def allowed_ranges(sources: Sources) -> RangeSet:
    """Who may send, of what was gathered as much as can be read: for whoever reads a ledger."""
    problems: list[str] = []
    values = {
        key.path: _value(key, sources.keys[key.path], problems)
        for key in KEYS
        if key.path in ("source.allow", "source.allow_file")
    }
    networks = _networks("source.allow", values, sources.keys, problems)
    return RangeSet(networks + _read_networks("source.allow_file", values, problems))


def load_contract(name: str) -> bytes:
    """A contract's text: a shipped one by name, else a file. Raises `FileError`."""
    if name in SHIPPED_CONTRACTS:
        return files("hookgate").joinpath("contracts", f"{name}.json").read_bytes()
    return without_bom(read_file(name).data)


def _value(key: Key, given: Given, problems: list[str]) -> Any:
    try:
        return key.parse(given.value)
    except ValueError as error:
        shown = "" if given.value == "" else f" = {_shown(key.path, given.value)}"
        why = str(error)
        if is_variable(given.origin):
            why = why.replace('"', "")
            if given.value == "" and key.path != "upstream.url":
                why = f"is empty; unset {given.origin} to go by the file, or by the default"
        problems.append(f"{_from(given)}{key.path}{shown} {why}")
        return key.parse(key.default) if key.default else key.default


def _from(given: Given) -> str:
    return "" if given.origin == "default" else f"{given.origin}: "


def _shown(key: str, value: Any) -> str:
    return (
        json.dumps(redact_url(value))
        if key == "upstream.url" and isinstance(value, str)
        else shown(value)
    )


def _routes(given: Given, problems: list[str]) -> tuple[RouteSettings, ...]:
    items, origin = given
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        problems.append(f"{origin}: route is a list of tables; write [[route]] and its keys below")
        return ()
    if not items:
        return (RouteSettings("", DEFAULT_CONTRACT, load_contract(DEFAULT_CONTRACT)),)
    routes: list[RouteSettings] = []
    for place, item in enumerate(items):
        where = f"{origin}: route[{place}]"
        values: dict[str, str] = {"path": "", "contract": DEFAULT_CONTRACT}
        for name, value in item.items():
            if name not in ROUTE_KEYS:
                problems.append(f"{where}.{name} is no key; there are {', '.join(ROUTE_KEYS)}")
                continue
            try:
                values[name] = ROUTE_KEYS[name][0](value)
            except ValueError as error:
                problems.append(f"{where}.{name} = {shown(value)} {error}")
        if "path" not in item:
            problems.append(f'{where}.path is missing; write it like "/cm/events"')
        if values["path"] in {route.path for route in routes} - {""}:
            problems.append(f"{where}.path = {shown(values['path'])} has a route already")
        routes.append(_route(where, values["path"], values["contract"], problems))
    return tuple(routes)


def _route(where: str, path: str, contract: str, problems: list[str]) -> RouteSettings:
    text = b"{}"
    try:
        text = load_contract(contract)
        Contract(contract, text)
    except FileError as error:
        names = ", ".join(SHIPPED_CONTRACTS)
        problems.append(f"{where}.contract = {shown_path(contract)} {error}; shipped: {names}")
    except ContractError as error:
        problems.append(f"{where}.contract = {shown_path(contract)} is no usable schema: {error}")
    return RouteSettings(path, contract, text)


def _assemble(
    values: dict[str, Any],
    keys: dict[str, Given],
    routes: tuple[RouteSettings, ...],
    problems: list[str],
) -> Config:
    allow_lists, trusted_lists = (
        {
            f"source.{name}": _networks(f"source.{name}", values, keys, problems),
            f"source.{name}_file": _read_networks(f"source.{name}_file", values, problems),
        }
        for name in ("allow", "trusted_proxies")
    )
    allow = tuple(network for networks in allow_lists.values() for network in networks)
    trusted = tuple(network for networks in trusted_lists.values() for network in networks)
    trusts_unix = UNIX_PEER in values["source.trusted_proxies"]
    if not any(values["source.allow"]) and not keys["source.allow_file"].value:
        given = keys["source.allow"]
        mend = f"cm.com, or unset {given.origin}" if is_variable(given.origin) else '["cm.com"]'
        problems.append(f"{_from(given)}source.allow is empty: nobody could send; write {mend}")
    _check_overlap(allow_lists, trusted_lists, problems)
    if values["source.proxy_protocol"] and not (
        keys["source.trusted_proxies"].value or keys["source.trusted_proxies_file"].value
    ):
        problems.append(
            "source.proxy_protocol needs source.trusted_proxies: from anybody else it is no proof"
        )
    warnings: list[str] = []
    personal = PersonalData(values["audit.personal_data"])
    key = _secret("audit.key_file", values["audit.key_file"], problems, warnings)
    if personal is PersonalData.HMAC and not keys["audit.key_file"].value:
        problems.append('audit.key_file is missing; audit.personal_data = "hmac" needs a secret')
    seal_key = _seal_keys("audit.seal_key_file", values["audit.seal_key_file"], problems, warnings)
    _check_certificates(values, problems, warnings)
    _check_listener(values, keys, problems, warnings)
    _check_unix_sockets(values, problems)
    if not values["audit.path"]:
        given = keys["audit.path"]
        stdout = "-" if is_variable(given.origin) else '"-"'
        problems.append(f"{_from(given)}audit.path is empty; name a file, or {stdout} for stdout")
    section = {
        name: {key.name: values[key.path] for key in KEYS if key.section == name}
        for name in SECTIONS
    }
    visible = {
        **values,
        "allow": allow,
        "trusted_proxies": trusted,
        "route": [(r.path, r.contract, r.contract_text.hex()) for r in routes],
    }
    return Config(
        upstream=UpstreamSettings(**section["upstream"]),
        source=SourceSettings(
            allow,
            trusted,
            values["source.allow_file"],
            values["source.trusted_proxies_file"],
            values["source.header"],
            values["source.proxy_protocol"],
            trusts_unix,
        ),
        request=RequestSettings(**section["request"]),
        routes=routes,
        checks={name: Mode(values[f"checks.{name}"]) for name in OBSERVABLE},
        audit=AuditSettings(
            values["audit.path"], personal, key, seal_key, Fsync(values["audit.fsync"])
        ),
        sidecar=SidecarSettings(**section["sidecar"]),
        digest=sha256(json.dumps(visible, sort_keys=True, default=str).encode()).hexdigest()[:12],
        warnings=tuple(warnings),
    )


def _networks(
    where: str, values: dict[str, Any], keys: dict[str, Given], problems: list[str]
) -> tuple[netaddr.IPNetwork, ...]:
    given = keys[where]
    place = Place.TEXT if isinstance(given.value, str) else Place.TOML
    otherwise = _otherwise(where, place)
    networks: list[netaddr.IPNetwork] = []
    for number, entry in enumerate(values[where]):
        if entry == UNIX_PEER and where == "source.trusted_proxies":
            continue
        try:
            networks += parse_networks(entry)
        except NetworkError as error:
            if any(values[where]):
                mend = network_mend(error, place, otherwise)
                problems.append(f"{_from(given)}{where}[{number}] = {shown(entry)} {mend}")
    return tuple(networks)


def _otherwise(where: str, place: Place) -> str:
    return _SENDER[place] if where.startswith("source.allow") else _PROXY


def _check_overlap(
    allow: dict[str, tuple[netaddr.IPNetwork, ...]],
    trusted: dict[str, tuple[netaddr.IPNetwork, ...]],
    problems: list[str],
) -> None:
    for proxies_key, proxies in trusted.items():
        for allow_key, allowed in allow.items():
            overlap = netaddr.IPSet(allowed) & netaddr.IPSet(proxies)
            if overlap:
                problems.append(
                    f"{proxies_key} overlaps {allow_key} in {overlap.iter_cidrs()[0]}: a proxy's "
                    "own address would be taken for the client; take it out of one of them"
                )


def _read_networks(
    where: str, values: dict[str, Any], problems: list[str]
) -> tuple[netaddr.IPNetwork, ...]:
    """One network a line; `#` begins a comment."""
    path = values[where]
    if not path:
        return ()
    try:
        lines = read_text(path).split("\n")
    except FileError as error:
        problems.append(f"{where} = {shown_path(path)} {error}")
        return ()
    if any(line.startswith("-----BEGIN ") for line in lines):
        problems.append(f"{where} = {shown_path(path)} is no list of networks: it is PEM")
        return ()
    networks: list[netaddr.IPNetwork] = []
    entries = [(number, line.partition("#")[0].strip()) for number, line in enumerate(lines, 1)]
    for number, entry in entries:
        try:
            networks += parse_networks(entry) if entry else ()
        except NetworkError as error:
            # Of a file that was not meant any line may be a secret.
            entry = shown(entry) if len(entry) <= _LONGEST_SHOWN else "***"
            mend = network_mend(error, Place.FILE, _otherwise(where, Place.FILE))
            problems.append(f"{path}:{number}: {entry} {mend}")
    if not any(entry for _, entry in entries):
        problems.append(
            f"{where} = {shown_path(path)} holds no network; write one a line, like {_LINES[where]}"
        )
    return tuple(networks)


def _check_certificates(values: dict[str, Any], problems: list[str], warnings: list[str]) -> None:
    ca_file, cert, key = (
        values[f"upstream.{name}"] for name in ("ca_file", "client_cert", "client_key")
    )
    where = {"upstream.ca_file": ca_file, "upstream.client_cert": cert, "upstream.client_key": key}
    if not _are_readable(
        where, "upstream.client_key" if key else "upstream.client_cert", problems, warnings
    ):
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if ca_file:
            add_ca(context, ca_file)
    except ValueError as error:
        problems.append(f"upstream.ca_file = {shown_path(ca_file)} {error}")
    try:
        if cert:
            add_certificate(context, cert, key)
    except ValueError as error:
        problems.append(f"upstream.client_cert = {shown_path(cert)} {error}")


def _are_readable(
    files: dict[str, str], secret: str, problems: list[str], warnings: list[str]
) -> bool:
    """Whether those that are set can be read, and the `secret` one is its owner's to write."""
    before = len(problems)
    for where, path in files.items():
        if path and where == secret:
            _secret_of(where, path, problems, warnings)
        elif path:
            try:
                refuse_bom(read_file(path).data)
            except FileError as error:
                problems.append(f"{where} = {shown_path(path)} {error}")
    return len(problems) == before


def _check_listener(
    values: dict[str, Any], keys: dict[str, Given], problems: list[str], warnings: list[str]
) -> None:
    cert, key, client_ca = (values[f"sidecar.tls_{name}"] for name in ("cert", "key", "client_ca"))
    where = {
        "sidecar.tls_cert": cert, "sidecar.tls_key": key, "sidecar.tls_client_ca": client_ca,
    }  # fmt: skip
    if (key or client_ca) and not keys["sidecar.tls_cert"].value:
        problems.append("sidecar.tls_cert is missing; tls_key and tls_client_ca need it")
    elif cert and _are_readable(
        where, "sidecar.tls_key" if key else "sidecar.tls_cert", problems, warnings
    ):
        try:
            server_context(cert, key, client_ca)
        except ValueError as error:
            problems.append(f"sidecar.tls_{error}")
    body, buffered = values["request.max_body"], values["sidecar.max_buffered"]
    if buffered < 2 * body:
        problems.append(
            f"sidecar.max_buffered is {buffered} bytes, less than two bodies of request.max_body; "
            f'write at least "{2 * body}B"'
        )
    if values["audit.path"] == "-" and values["sidecar.workers"] > 1:
        problems.append(
            'audit.path = "-" is for one worker: lines of several would mix; '
            "name a file, and each worker writes one of its own beside it"
        )


def _check_unix_sockets(values: dict[str, Any], problems: list[str]) -> None:
    listen, url = values["sidecar.listen"], values["upstream.url"]
    if isinstance(listen, UnixAddress):
        if UNIX_PEER not in values["source.trusted_proxies"]:
            problems.append(
                f'sidecar.listen = "{listen}" needs "{UNIX_PEER}" in source.trusted_proxies: who '
                "connects there has no address, and every event would be refused; the proxy in "
                "front names the client"
            )
        if listen == values["sidecar.admin"]:
            problems.append(f'sidecar.admin = "{listen}" is where sidecar.listen is')
    if values["upstream.host"] == "upstream" and url and parse_unix_address(url) is not None:
        problems.append(
            f'upstream.host = "upstream" has no host to take from upstream.url = "{url}"; '
            'write "preserve", or a name like "localhost"'
        )


def _secret(where: str, path: str, problems: list[str], warnings: list[str]) -> bytes:
    data = _secret_of(where, path, problems, warnings) if path else None
    if data is None:
        return b""
    secret = data.strip()
    if len(secret) < SHORTEST_SECRET:
        problems.append(
            f"{where} = {shown_path(path)} holds fewer than {SHORTEST_SECRET} bytes; "
            f"make one with: openssl rand -hex 32 > {quote(path)}"
        )
    if any(line.strip().startswith(_SIGNING) for line in secret.splitlines()):
        purpose = "seal" if where == "audit.seal_key_file" else "hmac"
        other = f"{path}.{purpose}"
        problems.append(
            f"{where} = {shown_path(path)} holds a key to sign with (it begins with "
            f"{_SIGNING.decode()}); set it to {shown_path(other)}, made with: "
            f"hookgate keys new {purpose} {quote(other)}"
        )
    return secret


def _secret_of(where: str, path: str, problems: list[str], warnings: list[str]) -> bytes | None:
    try:
        data, mode = read_secret(path)
        refuse_bom(data)
    except FileError as error:
        problems.append(f"{where} = {shown_secret_path(path)} {error}")
        return None
    if is_open_to_all(mode):
        text = f"can be read by everybody on this machine; chmod o= {quote(path)}"
        warnings.append(f"{where} = {shown_path(path)} {text}")
    return data


def _seal_keys(where: str, path: str, problems: list[str], warnings: list[str]) -> bytes:
    """The file's content, whose every line is a key that is long enough."""
    content = _secret(where, path, problems, warnings)
    short = [key for key in split_keys(content) if len(key) < SHORTEST_SECRET]
    if short and len(content) >= SHORTEST_SECRET:
        problems.append(
            f"{where} = {shown_path(path)} has a line of fewer than {SHORTEST_SECRET} bytes: "
            "each line is a key, and the first one seals"
        )
    return content


def read_seal_keys(path: str) -> tuple[bytes, ...]:
    """The keys in a seal key file, as the ledger is read with. Raises `ConfigError`."""
    problems: list[str] = []
    # That everybody may read it is said to whoever runs the gate.
    keys = split_keys(_seal_keys("audit.seal_key_file", path, problems, []))
    if problems:
        raise ConfigError(problems)
    return keys
