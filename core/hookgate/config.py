"""hookgate.toml and the environment become a `Config`; every problem is reported at once."""

import json
import os
import ssl
import tomllib
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import netaddr

from .keys import KEYS, ROUTE_KEYS, SECTIONS, Key
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
from .tls import add_ca, add_client

DEFAULT_FILE = "hookgate.toml"
DEFAULT_CONTRACT = "cm-events"
SHIPPED_CONTRACTS = ("cm-events", "cm-events-strict")
SHORTEST_SECRET = 16


class ConfigError(Exception):
    """A configuration that cannot be used; `problems` holds one line for each thing wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def find_file(given: str | None, environ: Mapping[str, str]) -> str | None:
    """The file to read: the one given, else $HOOKGATE_CONFIG, else ./hookgate.toml, else none."""
    if given or environ.get("HOOKGATE_CONFIG"):
        return given or environ["HOOKGATE_CONFIG"]
    return DEFAULT_FILE if Path(DEFAULT_FILE).exists() else None


class Given(NamedTuple):
    """A key's value before it is parsed, and where it came from."""

    value: Any
    origin: str


class Sources(NamedTuple):
    """Everything that was given: keys by `section.name`, routes, and what was wrong on the way."""

    keys: dict[str, Given]
    routes: Given
    problems: list[str]


def gather(
    file: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Sources:
    """Collect, in rising order of precedence: defaults, the file, the environment, `overrides`.

    `overrides` maps `section.name` to a value as TOML or a command line would give it.
    """
    environ = os.environ if environ is None else environ
    problems: list[str] = []
    path = find_file(file, environ)
    document = _read_toml(path, problems) if path else {}
    routes = Given(document.pop("route", []), path or "default")
    keys = {key.path: Given(key.default, "default") for key in KEYS}
    keys.update(_from_document(document, path or "", problems))
    keys.update(_from_environment(environ, problems))
    keys.update({name: Given(value, "command line") for name, value in (overrides or {}).items()})
    return Sources(keys, routes, problems)


def load(
    file: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Gather and check a configuration. Relative paths are relative to the working directory.

    Raises `ConfigError` with every problem.
    """
    keys, given_routes, problems = gather(file, overrides, environ)
    values = {key.path: _value(key, keys[key.path], problems) for key in KEYS}
    routes = _routes(given_routes, problems)
    config = _build(values, routes, problems)
    if problems:
        raise ConfigError(problems)
    return config


def load_contract(name: str) -> bytes:
    """A contract's text: a shipped one by name, else a file. Raises OSError."""
    if name in SHIPPED_CONTRACTS:
        return files("hookgate").joinpath("contracts", f"{name}.json").read_bytes()
    return Path(name).read_bytes()


def _read_toml(path: str, problems: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(f"{path} cannot be read: {error.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{path} is no TOML: {error}")
    return {}


def _from_document(document: dict[str, Any], path: str, problems: list[str]) -> dict[str, Given]:
    known = {key.path for key in KEYS}
    given: dict[str, Given] = {}
    for section, members in document.items():
        if section not in SECTIONS:
            names = ", ".join(SECTIONS)
            problems.append(f"{path}: [{section}] is no section; there are {names}, route")
        elif not isinstance(members, dict):
            problems.append(f"{path}: {section} is a section; write [{section}] and its keys below")
        else:
            for name, value in members.items():
                if f"{section}.{name}" in known:
                    given[f"{section}.{name}"] = Given(value, path)
                else:
                    problems.append(f"{path}: {section}.{name} is no key{_nearest(section, name)}")
    return given


def _nearest(section: str, name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  # 4 ms, needed for a mistake only

    names = [key.name for key in KEYS if key.section == section]
    close = get_close_matches(name, names, 1)
    return f"; did you mean {section}.{close[0]}?" if close else f"; there are {', '.join(names)}"


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> dict[str, Given]:
    by_variable = {key.variable: key.path for key in KEYS}
    given: dict[str, Given] = {}
    for variable, value in environ.items():
        # Names without "__" are left alone: Kubernetes injects HOOKGATE_PORT and the like.
        if variable.startswith("HOOKGATE_") and "__" in variable:
            if variable in by_variable:
                given[by_variable[variable]] = Given(value, f"${variable}")
            else:
                problems.append(f"${variable} names no key; the form is HOOKGATE_SECTION__KEY")
    return given


def _value(key: Key, given: Given, problems: list[str]) -> Any:
    origin = "" if given.origin == "default" else f"{given.origin}: "
    try:
        value = key.parse(given.value)
    except ValueError as error:
        shown = "" if given.value == "" else f" = {_shown(given.value)}"
        problems.append(f"{origin}{key.path}{shown} {error}")
        return key.parse(key.default) if key.default else key.default
    if not key.built and value != key.default:
        problems.append(f"{origin}{key.path} is not built yet in this version; leave it out")
    return value


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


def _build(
    values: dict[str, Any], routes: tuple[RouteSettings, ...], problems: list[str]
) -> Config:
    allow = _networks("source.allow", values["source.allow"], problems)
    trusted = _networks("source.trusted_proxies", values["source.trusted_proxies"], problems)
    if not values["source.allow"]:
        problems.append('source.allow is empty: nobody could send; write ["cm.com"]')
    overlap = netaddr.IPSet(allow) & netaddr.IPSet(trusted)
    if overlap:
        problems.append(
            f"source.trusted_proxies overlaps source.allow in {overlap.iter_cidrs()[0]}: "
            "a proxy's own address would be taken for the client"
        )
    if values["source.proxy_protocol"] and not trusted:
        problems.append(
            "source.proxy_protocol needs source.trusted_proxies: from anybody else it is no proof"
        )
    personal = PersonalData(values["audit.personal_data"])
    key = _secret("audit.key_file", values["audit.key_file"], problems)
    if personal is PersonalData.HMAC and not values["audit.key_file"]:
        problems.append('audit.key_file is missing; audit.personal_data = "hmac" needs a secret')
    seal_key = _secret("audit.seal_key_file", values["audit.seal_key_file"], problems)
    _check_certificates(values, problems)
    if not values["audit.path"]:
        problems.append('audit.path is empty; name a file, or "-" for stdout')
    section = {
        name: {key.name: values[key.path] for key in KEYS if key.section == name and key.built}
        for name in SECTIONS
    }
    visible = {**values, "route": [(r.path, r.contract, r.contract_text.hex()) for r in routes]}
    return Config(
        upstream=UpstreamSettings(**section["upstream"]),
        source=SourceSettings(
            allow, trusted, values["source.header"], values["source.proxy_protocol"]
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
    where: str, entries: tuple[str, ...], problems: list[str]
) -> tuple[netaddr.IPNetwork, ...]:
    networks: list[netaddr.IPNetwork] = []
    for place, entry in enumerate(entries):
        try:
            networks += parse_networks(entry)
        except ValueError as error:
            problems.append(f'{where}[{place}] = "{entry}" {error}')
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
            f"make one with: openssl rand -hex 32 > {path}"
        )
    return secret
