"""The files: what each one holds, and what it tells the person who opens it."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

from hookgate.answer import RETRY_AFTER_SECONDS
from hookgate.policy import Policy, Reason
from hookgate.ranges import SHIPPED
from hookgate.settings import Config

from .checks import DECIDED, render_checks, statuses
from .log import render_log
from .patterns import within
from .syntax import RenderError, block, map_, quoted

DEFAULT_LOG = "/var/log/nginx/hookgate-audit.jsonl"
_ENDPOINT = "hookgate_endpoint"
# Debian's bundle: nginx has no default of its own.
_SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"
_UPSTREAM_IDLE_SECONDS = 4

# Forwarding fields that are in use and that nobody but this gate may set. nginx cannot drop
# X-Forwarded-* by a pattern.
_FORWARDING = (
    "Forwarded",
    "X-Real-IP",
    *(
        f"X-Forwarded-{name}"
        for name in ("By", "Client-Cert", "Path", "Port", "Prefix", "Protocol", "Scheme")
    ),
    *(f"X-Forwarded-{name}" for name in ("Server", "Ssl", "Uri", "User")),
)
_HOP_BY_HOP = (
    "HTTP2-Settings",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Trailer",
)


def render(config: Config, log: str = DEFAULT_LOG) -> dict[str, str]:
    """The includes' texts by file name; `log` is where nginx is to write its records.

    Raises `RenderError` for what nginx cannot do.
    """
    if config.source.header == "forwarded" and not config.source.proxy_protocol:
        raise RenderError(
            'source.header = "forwarded" cannot be read by nginx; let the proxy in front send '
            'X-Forwarded-For and set "x-forwarded-for"'
        )
    files = {
        "hookgate-allow.conf": _allow(config),
        "hookgate-http.conf": _http(config),
        "hookgate-location.conf": _location(config, log),
        "hookgate-realip.conf": _realip(config),
        "example.conf": _example(config),
    }
    return {name: "\n".join(lines) + "\n" for name, lines in files.items()}


def _comment(text: str) -> list[str]:
    return [f"# {line}".rstrip() for line in text.strip().splitlines()]


def _reviewed() -> str:
    return "\n".join(
        f"Ranges of {name} as published on {ranges.reviewed}: {', '.join(ranges.cidrs)}."
        for name, ranges in SHIPPED.items()
    )


def _allow(config: Config) -> list[str]:
    head = f"""
Lets only the configured sources through; anybody else gets an empty 403.

Include it first thing in a `server`, which holds for all its locations, or in a `location`. It
needs no other file. Behind a proxy include hookgate-realip.conf before it.

It looks at no method, media type, size or body, and writes no record.

The list is there twice. `allow` and `deny` alone would be passed over by a `return`, dropped by
any `allow` or `deny` further in, and overruled by `satisfy any`; the tests above them run before
all of these, on the bytes of the address. Only a `return`, `break` or `rewrite` that stands before
this include, on the same level, comes first.

{_reviewed()}
"""
    lines = [*_comment(head), "", 'set $hookgate_admitted "";']
    for network in config.source.allow:
        pattern = within(network)
        lines += [
            f"# {network}",
            f'if ($binary_remote_addr ~ "{pattern}") {{ set $hookgate_admitted yes; }}',
        ]
    lines += [
        'if ($hookgate_admitted = "") { return 403 $hookgate_admitted; }',
        "",
        *(f"allow {network};" for network in config.source.allow),
        "deny all;",
    ]
    return lines


def _http(config: Config) -> list[str]:
    head = f"""
The ranges, the checks and the log's format, for hookgate-location.conf.

Include it once in `http` (Debian: copy it to /etc/nginx/conf.d). Alone it changes nothing.

nginx reads no body: no JSON, no duplicate keys, no schema. docs/nginx.md says what else it cannot
tell, and how to put it in front of `hookgate serve`, which can.

{_reviewed()}
"""
    blocks = [
        *render_checks(config),
        *_answers(config),
        *_forwarded(config),
        *render_log(config, Policy(config).fingerprint),
    ]
    lines = _comment(head)
    for lines_of_block in (*blocks, _upstream(config)):
        lines += ["", *lines_of_block]
    return lines


def _answers(config: Config) -> Iterator[list[str]]:
    yield [
        "# What a sender is told: inside the ranges a problem document (RFC 9457), else nothing.",
        *map_(
            '"$hookgate_source:$hookgate_reason"',
            "$hookgate_problem",
            {f'":{reason.code}"': f"'{_problem(reason)}'" for reason in DECIDED},
        ),
    ]
    yield map_("$hookgate_problem", "$hookgate_type", {'""': '""'}, "application/problem+json")
    allowed = ", ".join(config.request.methods)
    yield map_(
        "$hookgate_reason",
        "$hookgate_allow",
        {Reason.METHOD_NOT_ALLOWED.code: quoted(allowed)},
    )
    yield map_("$status", "$hookgate_retry_after", {"503": str(RETRY_AFTER_SECONDS)})


def _problem(reason: Reason) -> str:
    status = HTTPStatus(reason.status or 0)
    members = {"type": "about:blank", "title": status.phrase, "status": status.value}
    members |= {"reason": reason.code, "request_id": "$request_id"}
    return json.dumps(members, separators=(",", ":"))


def _forwarded(config: Config) -> Iterator[list[str]]:
    """What the endpoint is told; of a trusted proxy's own words only these are kept."""
    if not config.source.trusted_proxies:
        return
    tail = "$hookgate_proxies" if config.source.header == "x-forwarded-for" else ""
    if config.source.proxy_protocol:
        tail = ""
    yield map_(
        "$hookgate_by_proxy",
        "$hookgate_forwarded_for",
        {"1": f'"$hookgate_client{tail}, $hookgate_peer"'},
        "$hookgate_client",
    )
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


def _upstream(config: Config) -> list[str]:
    url = urlsplit(config.upstream.url)
    port = url.port or (443 if url.scheme == "https" else 80)
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    return [
        "# The endpoint. A name is looked up once, when nginx starts or reloads.",
        *block(
            f"upstream {_ENDPOINT}",
            [
                f"server {host}:{port} max_fails=0;",
                f"keepalive {config.upstream.max_connections};",
                f"keepalive_timeout {_UPSTREAM_IDLE_SECONDS}s;",
            ],
        ),
    ]


def _location(config: Config, log: str) -> list[str]:
    head = """
The gate as far as nginx can be one: source, method, route, media type, content encoding and size,
in that order, each with its status; what passes goes to the endpoint as it came.

Include it in a `server` of its own, below hookgate-realip.conf; it brings the `location /` and
needs hookgate-http.conf. Make that server the default of its address, so that requests which
nginx refuses by itself are recorded too.

nginx reads no body, relays the endpoint's 2xx as it is instead of a bare 200, bounds each pause of
a body instead of the whole, and writes its records after answering: see docs/nginx.md.
"""
    sidecar = config.sidecar
    lines = [
        *_comment(head),
        "",
        f"access_log {quoted(log)} hookgate;",
        "server_tokens off;",
        "underscores_in_headers off;",
        "ignore_invalid_headers on;",
        f"client_header_timeout {_time(sidecar.head_timeout)};",
        f"client_body_timeout {_time(sidecar.body_timeout)};",
        f"keepalive_timeout {_time(sidecar.keep_alive)};",
        "# One buffer for the request line, one for the fields.",
        f"large_client_header_buffers 2 {sidecar.max_head};",
        'default_type "";',
        "add_header Content-Type $hookgate_type always;",
        "add_header Allow $hookgate_allow always;",
        "add_header Retry-After $hookgate_retry_after always;",
        "",
        "# `return` with nginx's own text would tell a stranger what it met.",
    ]
    lines += [
        f"if ($hookgate_answer = {status}) {{ return {status} $hookgate_problem; }}"
        for status in statuses()
    ]
    return [*lines, "", *block("location /", _pass(config))]


def _pass(config: Config) -> list[str]:
    upstream = config.upstream
    scheme = urlsplit(upstream.url).scheme
    timeout = _time(upstream.timeout)
    proxies = config.source.trusted_proxies
    host = {"preserve": "$http_host", "upstream": urlsplit(upstream.url).netloc}
    fields = {
        "Host": host.get(upstream.host, upstream.host),
        "Connection": '""',
        "X-Forwarded-For": "$hookgate_forwarded_for" if proxies else "$hookgate_client",
        "X-Forwarded-Proto": "$hookgate_forwarded_proto" if proxies else "$scheme",
        "X-Forwarded-Host": "$hookgate_forwarded_host" if proxies else "$http_host",
        "X-Request-Id": "$request_id",
        **dict.fromkeys((*_FORWARDING, *_HOP_BY_HOP), '""'),
    }
    return [
        f"client_max_body_size {config.request.max_body};",
        "# $request_uri: the target byte for byte.",
        f"proxy_pass {scheme}://{_ENDPOINT}$request_uri;",
        "proxy_http_version 1.1;",
        "# The whole body first, and to one server once: the provider retries.",
        "proxy_request_buffering on;",
        "proxy_next_upstream off;",
        "# What was begun is brought to its end, even if the sender left.",
        "proxy_ignore_client_abort on;",
        "proxy_redirect off;",
        f"proxy_connect_timeout {timeout};",
        f"proxy_send_timeout {timeout};",
        f"proxy_read_timeout {timeout};",
        *(_tls(config) if scheme == "https" else ()),
        *(f"proxy_set_header {name} {value};" for name, value in fields.items()),
    ]


def _tls(config: Config) -> Iterator[str]:
    upstream = config.upstream
    yield "proxy_ssl_verify on;"
    yield "proxy_ssl_verify_depth 4;"
    yield "proxy_ssl_server_name on;"
    yield "proxy_ssl_protocols TLSv1.2 TLSv1.3;"
    yield f"proxy_ssl_name {urlsplit(upstream.url).hostname};"
    yield f"proxy_ssl_trusted_certificate {quoted(upstream.ca_file or _SYSTEM_CA)};"
    if upstream.client_cert:
        yield f"proxy_ssl_certificate {quoted(upstream.client_cert)};"
        yield f"proxy_ssl_certificate_key {quoted(upstream.client_key or upstream.client_cert)};"


def _time(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def _realip(config: Config) -> list[str]:
    source = config.source
    head = """
Who the client is behind trusted proxies.

Include it in `http` or `server`, above the other includes.

Only the proxies below are believed. Where they name nobody $remote_addr stays the proxy's own
address, which is in no allowed range.
"""
    lines = [*_comment(head), ""]
    if not source.trusted_proxies:
        return [*lines, "# source.trusted_proxies is empty: the peer is the client."]
    lines += [f"set_real_ip_from {network};" for network in source.trusted_proxies]
    if source.proxy_protocol:
        return [
            *lines,
            "# Of the PROXY protocol's header, which `listen ... proxy_protocol` asks for.",
            "real_ip_header proxy_protocol;",
        ]
    name = {"x-forwarded-for": "X-Forwarded-For", "x-real-ip": "X-Real-IP"}[source.header]
    if name == "X-Real-IP":
        lines += [
            "# Of several X-Real-IP lines nginx 1.22 reads the first: the proxy has to replace the",
            "# field, not to add one.",
        ]
    return [*lines, f"real_ip_header {name};", "real_ip_recursive on;"]


def _example(config: Config) -> list[str]:
    head = """
A whole site that starts as it is, from the folder that holds these files:

    nginx -p "$PWD" -c example.conf -g 'daemon off;'
"""
    host, port = config.sidecar.listen
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    protocol = " proxy_protocol" if config.source.proxy_protocol else ""
    server = [
        f"listen {address} default_server{protocol};",
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
        *_comment(head),
        "",
        "pid hookgate-nginx.pid;",
        "error_log stderr;",
        *block("events", []),
        *block("http", http),
    ]
