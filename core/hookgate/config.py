"""What was given becomes a `Config`, with every problem reported at once."""

import json
import shlex
import ssl
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import netaddr

from .keys import KEYS, ROUTE_KEYS, SECTIONS, Key
from .ledger.seal import split_keys
from .mends import Place, is_variable, network_mend
from .policy import OBSERVABLE, Contract, ContractError
from .ranges import parse_networks
from .settings import (
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
from .sources import Given, Sources, gather
from .spellings import NetworkError
from .text_file import decode, without_bom
from .tls import add_ca, add_client, server_context

DEFAULT_CONTRACT = "cm-events"
SHIPPED_CONTRACTS = ("cm-events", "cm-events-strict")
SHORTEST_SECRET = 16
_SIGNING = b"whsec_"  # how Standard Webhooks marks a key to sign with
# What to write for an entry whose meaning is in doubt.
_SENDER = {
    Place.TOML: 'write a CIDR like 203.0.113.0/24, or "cm.com"',
    Place.TEXT: "write a CIDR like 203.0.113.0/24, or cm.com",
    Place.FILE: "write a CIDR like 203.0.113.0/24, or cm.com",
}
_PROXY = "write the address of a proxy, or a CIDR like 10.0.0.0/24"


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


def load_contract(name: str) -> bytes:
    """A contract's text: a shipped one by name, else a file. Raises OSError."""
    if name in SHIPPED_CONTRACTS:
        return files("hookgate").joinpath("contracts", f"{name}.json").read_bytes()
    return without_bom(Path(name).read_bytes())


def _value(key: Key, given: Given, problems: list[str]) -> Any:
    try:
        return key.parse(given.value)
    except ValueError as error:
        shown = "" if given.value == "" else f" = {_shown(given.value)}"
        why = str(error)
        if is_variable(given.origin):
            why = why.replace('"', "")
            if given.value == "" and key.path != "upstream.url":
                why = f"is empty; unset {given.origin} to go by the file, or by the default"
        problems.append(f"{_from(given)}{key.path}{shown} {why}")
        return key.parse(key.default) if key.default else key.default


def _from(given: Given) -> str:
    return "" if given.origin == "default" else f"{given.origin}: "


def _shown(value: Any) -> str:
    return json.dumps(value, default=str)


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
                problems.append(f"{where}.{name} = {_shown(value)} {error}")
        if "path" not in item:
            problems.append(f'{where}.path is missing; write it like "/cm/events"')
        if values["path"] in {route.path for route in routes} - {""}:
            problems.append(f'{where}.path = "{values["path"]}" has a route already')
        routes.append(_route(where, values["path"], values["contract"], problems))
    return tuple(routes)


def _route(where: str, path: str, contract: str, problems: list[str]) -> RouteSettings:
    text = b"{}"
    try:
        text = load_contract(contract)
        Contract(contract, text)
    except OSError as error:
        names = ", ".join(SHIPPED_CONTRACTS)
        problems.append(
            f'{where}.contract = "{contract}" cannot be read ({error.strerror}); shipped: {names}'
        )
    except ContractError as error:
        problems.append(f'{where}.contract = "{contract}" is no usable schema: {error}')
    return RouteSettings(path, contract, text)


def _assemble(
    values: dict[str, Any],
    keys: dict[str, Given],
    routes: tuple[RouteSettings, ...],
    problems: list[str],
) -> Config:
    allow = _networks("source.allow", values, keys, problems)
    allow += _read_networks("source.allow_file", values["source.allow_file"], problems)
    trusted = _networks("source.trusted_proxies", values, keys, problems)
    if not any(values["source.allow"]) and not values["source.allow_file"]:
        given = keys["source.allow"]
        mend = f"cm.com, or unset {given.origin}" if is_variable(given.origin) else '["cm.com"]'
        problems.append(f"{_from(given)}source.allow is empty: nobody could send; write {mend}")
    overlap = netaddr.IPSet(allow) & netaddr.IPSet(trusted)
    if overlap:
        problems.append(
            f"source.trusted_proxies overlaps source.allow in {overlap.iter_cidrs()[0]}: "
            "a proxy's own address would be taken for the client; take it out of one of them"
        )
    if values["source.proxy_protocol"] and not keys["source.trusted_proxies"].value:
        problems.append(
            "source.proxy_protocol needs source.trusted_proxies: from anybody else it is no proof"
        )
    personal = PersonalData(values["audit.personal_data"])
    key = _secret("audit.key_file", values["audit.key_file"], problems)
    if personal is PersonalData.HMAC and not keys["audit.key_file"].value:
        problems.append('audit.key_file is missing; audit.personal_data = "hmac" needs a secret')
    seal_key = _seal_keys("audit.seal_key_file", values["audit.seal_key_file"], problems)
    _check_certificates(values, problems)
    _check_listener(values, keys, problems)
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
        "route": [(r.path, r.contract, r.contract_text.hex()) for r in routes],
    }
    return Config(
        upstream=UpstreamSettings(**section["upstream"]),
        source=SourceSettings(
            allow,
            trusted,
            values["source.allow_file"],
            values["source.header"],
            values["source.proxy_protocol"],
        ),
        request=RequestSettings(**section["request"]),
        routes=routes,
        checks={name: Mode(values[f"checks.{name}"]) for name in OBSERVABLE},
        audit=AuditSettings(
            values["audit.path"], personal, key, seal_key, Fsync(values["audit.fsync"])
        ),
        sidecar=SidecarSettings(**section["sidecar"]),
        digest=sha256(json.dumps(visible, sort_keys=True, default=str).encode()).hexdigest()[:12],
    )


def _networks(
    where: str, values: dict[str, Any], keys: dict[str, Given], problems: list[str]
) -> tuple[netaddr.IPNetwork, ...]:
    given = keys[where]
    place = Place.TEXT if isinstance(given.value, str) else Place.TOML
    otherwise = _SENDER[place] if where == "source.allow" else _PROXY
    networks: list[netaddr.IPNetwork] = []
    for number, entry in enumerate(values[where]):
        try:
            networks += parse_networks(entry)
        except NetworkError as error:
            if any(values[where]):
                mend = network_mend(error, place, otherwise)
                problems.append(f'{_from(given)}{where}[{number}] = "{entry}" {mend}')
    return tuple(networks)


def _read_networks(where: str, path: str, problems: list[str]) -> tuple[netaddr.IPNetwork, ...]:
    """One network a line; `#` begins a comment."""
    if not path:
        return ()
    try:
        lines = decode(Path(path).read_bytes()).split("\n")
    except OSError as error:
        problems.append(f'{where} = "{path}" cannot be read: {error.strerror}')
        return ()
    except ValueError as error:
        problems.append(f'{where} = "{path}" {error}')
        return ()
    networks: list[netaddr.IPNetwork] = []
    entries = [(number, line.partition("#")[0].strip()) for number, line in enumerate(lines, 1)]
    for number, entry in entries:
        try:
            networks += parse_networks(entry) if entry else ()
        except NetworkError as error:
            mend = network_mend(error, Place.FILE, _SENDER[Place.FILE])
            problems.append(f'{path}:{number}: "{entry}" {mend}')
    if not any(entry for _, entry in entries):
        problems.append(
            f'{where} = "{path}" holds no network; write one a line, like 203.0.113.0/24 or cm.com'
        )
    return tuple(networks)


def _check_certificates(values: dict[str, Any], problems: list[str]) -> None:
    names = ("ca_file", "client_cert", "client_key")
    ca_file, cert, key = files = tuple(values[f"upstream.{name}"] for name in names)
    readable = True
    for name, file in zip(names, files, strict=True):
        try:
            if file:
                Path(file).read_bytes()
        except OSError as error:
            readable = False
            problems.append(f'upstream.{name} = "{file}" cannot be read: {error.strerror}')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if readable and ca_file:
            add_ca(context, ca_file)
    except ValueError as error:
        problems.append(f'upstream.ca_file = "{ca_file}" {error}')
    try:
        if readable and cert:
            add_client(context, cert, key)
    except ValueError as error:
        problems.append(f'upstream.client_cert = "{cert}" {error}')


def _check_listener(values: dict[str, Any], keys: dict[str, Given], problems: list[str]) -> None:
    cert, key, client_ca = (values[f"sidecar.tls_{name}"] for name in ("cert", "key", "client_ca"))
    if (key or client_ca) and not keys["sidecar.tls_cert"].value:
        problems.append("sidecar.tls_cert is missing; tls_key and tls_client_ca need it")
    elif cert:
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


def _secret(where: str, path: str, problems: list[str]) -> bytes:
    if not path:
        return b""
    try:
        secret = Path(path).read_bytes().strip()
    except OSError as error:
        problems.append(f'{where} = "{path}" cannot be read: {error.strerror}')
        return b""
    if len(secret) < SHORTEST_SECRET:
        problems.append(
            f'{where} = "{path}" holds fewer than {SHORTEST_SECRET} bytes; '
            f"make one with: openssl rand -hex 32 > {shlex.quote(path)}"
        )
    if any(line.strip().startswith(_SIGNING) for line in secret.splitlines()):
        purpose = "seal" if where == "audit.seal_key_file" else "hmac"
        other = f"{path}.{purpose}"
        problems.append(
            f'{where} = "{path}" holds a key to sign with (it begins with {_SIGNING.decode()}); '
            f'set it to "{other}", made with: hookgate keys new {purpose} {shlex.quote(other)}'
        )
    return secret


def _seal_keys(where: str, path: str, problems: list[str]) -> bytes:
    """The file's content, whose every line is a key that is long enough."""
    content = _secret(where, path, problems)
    short = [key for key in split_keys(content) if len(key) < SHORTEST_SECRET]
    if short and len(content) >= SHORTEST_SECRET:
        problems.append(
            f'{where} = "{path}" has a line of fewer than {SHORTEST_SECRET} bytes: '
            "each line is a key, and the first one seals"
        )
    return content


def read_seal_keys(path: str) -> tuple[bytes, ...]:
    """The keys in a seal key file, as the ledger is read with. Raises `ConfigError`."""
    problems: list[str] = []
    keys = split_keys(_seal_keys("audit.seal_key_file", path, problems))
    if problems:
        raise ConfigError(problems)
    return keys
