"""The files: what each one holds, and what it tells the person who opens it."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

from hookgate.address import TcpAddress
from hookgate.gate.answer import RETRY_AFTER_SECONDS
from hookgate.policy import HEADERS, UNIX_PEER, Policy, Reason
from hookgate.settings import Config

from .allow import render_allow
from .checks import DECIDED, render_checks
from .location import CLIENT_FIELD, render_location
from .log import render_ends, render_log
from .names import Names
from .syntax import RenderError, block, comment, map_, of_field, quoted, reviewed

_UPSTREAM_IDLE_SECONDS = 4

# Where no check of ours comes to the request, or none that finds anything.
_BY_ITSELF = (
    Reason.BODY_TOO_LARGE,
    Reason.HEAD_TOO_LARGE,
    Reason.UPSTREAM_UNREACHABLE,
    Reason.UPSTREAM_INVALID,
    Reason.UPSTREAM_TIMEOUT,
    Reason.OVERLOADED,
    Reason.GATE_ERROR,
)


def render(config: Config, log: str = "", name: str = "") -> dict[str, str]:
    """The includes' texts by file name.

    `log` is where nginx is to write its records, "" for the usual place. `name` tells this
    rendering from others in the same nginx. Raises `RenderError` for what nginx cannot do.
    """
    names = Names(name)
    if config.source.header == "forwarded" and not config.source.proxy_protocol:
        raise RenderError(
            'source.header = "forwarded" cannot be read by nginx; let the proxy in front send '
            'X-Forwarded-For and set "x-forwarded-for"'
        )
    files = {
        "hookgate-allow.conf": render_allow(config),
        "hookgate-http.conf": _http(config, names),
        "hookgate-location.conf": render_location(config, names, log or names.default_log),
        "hookgate-realip.conf": _realip(config),
        "example.conf": _example(config),
    }
    return {
        names.file(file): "".join(f"{names.apply(line)}\n" for line in lines)
        for file, lines in files.items()
    }


def _http(config: Config, names: Names) -> list[str]:
    head = f"""
The ranges, the checks and the log's format, for hookgate-location.conf.

Include it once in `http` (Debian: copy it to /etc/nginx/conf.d), beside
`variables_hash_max_size 2048;`, without which nginx warns of its hash. Alone it changes nothing.

nginx reads no body: no JSON, no duplicate keys, no schema. docs/nginx.md says what else it cannot
tell, and how to put it in front of `hookgate serve`, which can.

{reviewed()}
"""
    blocks = [
        *render_checks(config),
        *render_ends(),
        *_answers(config),
        *_forwarded(config),
        *render_log(config, names, Policy(config).fingerprint),
    ]
    lines = comment(head)
    for lines_of_block in (*blocks, _upstream(config, names)):
        lines += ["", *lines_of_block]
    return lines


def _answers(config: Config) -> Iterator[list[str]]:
    yield [
        "# What a sender is told: inside the ranges a problem document (RFC 9457), else nothing.",
        *map_(
            '"$hookgate_source:$hookgate_end"',
            "$hookgate_problem",
            {f'":{reason.code}"': f"'{_problem(reason)}'" for reason in (*DECIDED, *_BY_ITSELF)},
        ),
    ]
    yield map_("$hookgate_problem", "$hookgate_type", {'""': '""'}, "application/problem+json")
    allowed = ", ".join(config.request.methods)
    yield map_(
        '"$hookgate_source:$hookgate_reason"',
        "$hookgate_allow",
        {f'":{Reason.METHOD_NOT_ALLOWED.code}"': quoted(allowed)},
    )
    yield map_("$status", "$hookgate_retry_after", {"503": str(RETRY_AFTER_SECONDS)})


def _problem(reason: Reason) -> str:
    status = HTTPStatus(reason.status or 0)
    members = {"type": "about:blank", "title": status.phrase, "status": status.value}
    members |= {"reason": reason.code, "request_id": "$request_id"}
    return json.dumps(members, separators=(",", ":"))


def _forwarded(config: Config) -> Iterator[list[str]]:
    """What the endpoint is told; of a trusted proxy's own words only these are kept."""
    if not config.source.has_proxies:
        return
    tail = "$hookgate_proxies" if config.source.header == "x-forwarded-for" else ""
    if config.source.proxy_protocol:
        tail = ""
    # A peer without address is no part of the chain.
    unix = {f'"1:{UNIX_PEER}"': f'"$hookgate_client{tail}"'} if config.source.trusts_unix else {}
    by_proxy = '"$hookgate_by_proxy:$hookgate_peer"' if unix else "$hookgate_by_proxy"
    yield map_(
        by_proxy,
        "$hookgate_forwarded_for",
        unix | {'"~^1:"' if unix else "1": f'"$hookgate_client{tail}, $hookgate_peer"'},
        "$hookgate_client",
    )
    if config.source.header not in HEADERS and not config.source.proxy_protocol:
        yield map_("$hookgate_by_proxy", CLIENT_FIELD, {"1": of_field(config.source.header)})
    yield map_(
        '"$hookgate_by_proxy:$http_x_forwarded_proto"',
        "$hookgate_forwarded_proto",
        {'"1:http"': "http", '"1:https"': "https"},
        "$scheme",
    )
    yield map_(
        '"$hookgate_by_proxy:$http_x_forwarded_host"',
        "$hookgate_forwarded_host",
        {'"~^1:([A-Za-z0-9._~:\\[\\]-]{1,255})$"': "$1"},
        "$http_host",
    )


def _upstream(config: Config, names: Names) -> list[str]:
    url = urlsplit(config.upstream.url)
    port = url.port or (443 if url.scheme == "https" else 80)
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    address = f"{host}:{port}"
    if url.scheme == "unix":
        address = quoted(config.upstream.url)
    return [
        "# The endpoint. A name is looked up once, when nginx starts or reloads.",
        *block(
            f"upstream {names.upstream}",
            [
                f"server {address} max_fails=0;",
                f"keepalive {config.upstream.max_connections};",
                f"keepalive_timeout {_UPSTREAM_IDLE_SECONDS}s;",
            ],
        ),
    ]


def _realip(config: Config) -> list[str]:
    source = config.source
    head = """
Who the client is behind trusted proxies.

Include it in `http` or `server`, above the other includes.

Only the proxies below are believed. Where they name nobody $remote_addr stays the proxy's own
address, which is in no allowed range.
"""
    lines = [*comment(head), ""]
    if not source.has_proxies:
        return [*lines, "# source.trusted_proxies is empty: the peer is the client."]
    lines += [f"set_real_ip_from {network};" for network in source.trusted_proxies]
    lines += ["set_real_ip_from unix:;"] * source.trusts_unix
    if source.proxy_protocol:
        return [
            *lines,
            "# Of the PROXY protocol's header, which `listen ... proxy_protocol` asks for.",
            "real_ip_header proxy_protocol;",
        ]
    known = {"x-forwarded-for": "X-Forwarded-For", "x-real-ip": "X-Real-IP"}
    name = known.get(source.header, source.header)
    if name != "X-Forwarded-For":
        lines += [
            f"# Of several {name} lines nginx 1.22 reads the first: the proxy has to replace the",
            "# field, not to add one.",
        ]
    return [*lines, f"real_ip_header {name};", "real_ip_recursive on;"]


def _addresses(config: Config) -> list[str]:
    """What `listen` takes, of each family where it is every address."""
    listen = config.sidecar.listen
    if isinstance(listen, TcpAddress) and not listen.host:
        return [str(listen.port), f"[::]:{listen.port}"]
    return [str(listen) if isinstance(listen, TcpAddress) else quoted(str(listen))]


def _example(config: Config) -> list[str]:
    head = """
A whole site that starts as it is, from the folder that holds these files:

    nginx -p "$PWD" -c example.conf -g 'daemon off;'
"""
    protocol = " proxy_protocol" if config.source.proxy_protocol else ""
    server = [
        *(f"listen {address} default_server{protocol};" for address in _addresses(config)),
        "include hookgate-realip.conf;",
        "include hookgate-location.conf;",
    ]
    http = [
        "# For the names that hookgate-http.conf adds; without it nginx only warns.",
        "variables_hash_max_size 2048;",
        "include hookgate-http.conf;",
        "",
        *block("server", server),
    ]
    return [
        *comment(head),
        "",
        "pid hookgate-nginx.pid;",
        "error_log stderr;",
        *block("events", []),
        *block("http", http),
    ]
