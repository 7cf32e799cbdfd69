"""hookgate-location.conf: how a request is answered, or sent on."""

from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

from hookgate.policy import HEADERS
from hookgate.policy.contract_rules import parse_rules
from hookgate.settings import AnswerMode, Config

from .checks import UNREAD, statuses
from .names import Names
from .syntax import block, comment, quoted

CLIENT_FIELD = "$hookgate_client_field"
# Debian's bundle: nginx has no default of its own.
_SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"
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
# A path that no request can have: nginx merges the slashes of what it is sent.
_ANSWER = "//hookgate"
_CLOSING = (HTTPStatus.BAD_REQUEST, HTTPStatus.EXPECTATION_FAILED)
_STEERING = tuple(f"X-Accel-{name}" for name in ("Redirect", "Buffering", "Charset", "Limit-Rate"))
_HOP_BY_HOP = (
    "HTTP2-Settings",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Trailer",
)


def render_location(config: Config, names: Names, log: str) -> list[str]:
    """Return the lines of hookgate-location.conf."""
    head = """
The gate as far as nginx can be one: source, method, route, media type, content encoding and size,
in that order, each with its status; what passes goes to the endpoint as it came.

Include it in a `server` of its own, below hookgate-realip.conf; it brings the `location /` and
needs hookgate-http.conf. Make that server the default of its address, so that requests which
nginx refuses by itself are recorded too.

nginx reads no body, bounds each pause of a body instead of the whole, and writes its records after
answering. It relays the endpoint's 2xx as it is"""
    sidecar = config.sidecar
    lines = [
        *comment(head + _answers(config)),
        *_unsigned(config),
        "",
        f"access_log {quoted(log)} {names.log_format};",
        "server_tokens off;",
        "underscores_in_headers off;",
        "ignore_invalid_headers on;",
        f"client_header_timeout {_time(sidecar.head_timeout)};",
        f"client_body_timeout {_time(sidecar.body_timeout)};",
        f"keepalive_timeout {_time(sidecar.keep_alive)};",
        "# One buffer for the request line, one for the fields.",
        f"large_client_header_buffers 2 {sidecar.max_head};",
        'default_type "";',
        "types { }",
        "merge_slashes on;",
        "add_header Content-Type $hookgate_type always;",
        "add_header Allow $hookgate_allow always;",
        "add_header Retry-After $hookgate_retry_after always;",
        "",
        "# What nginx refuses by itself, with the policy's statuses: its own pages would tell a",
        "# stranger what it met.",
        f"error_page 400 501 505 =400 {_ANSWER};",
        f"error_page 414 494 =431 {_ANSWER};",
        f"error_page 413 500 502 503 504 {_ANSWER};",
        "# TRACE and CONNECT, which the checks refuse.",
        f"error_page 405 = {_ANSWER};",
        "",
    ]
    closing = f"rewrite ^ {_ANSWER} last"
    lines.append(f"if ($hookgate_answer = {UNREAD}) {{ {closing}; }}")
    for status in statuses():
        then = closing if status in _CLOSING else _return(status)
        lines.append(f"if ($hookgate_answer = {status}) {{ {then}; }}")
    return [
        *lines,
        "",
        "# After these nobody knows where the next request begins: the connection ends.",
        *block(f"location = {_ANSWER}", _answer()),
        "",
        *block("location /", _pass(config, names)),
    ]


def _return(status: int) -> str:
    return f"return {status} $hookgate_problem"


def _answer() -> list[str]:
    failed = HTTPStatus.EXPECTATION_FAILED
    return [
        "internal;",
        "client_max_body_size 0;",
        "keepalive_timeout 0;",
        f"if ($hookgate_answer = {failed}) {{ {_return(failed)}; }}",
        "# Or the status that error_page has set.",
        f"{_return(HTTPStatus.BAD_REQUEST)};",
    ]


def _pass(config: Config, names: Names) -> list[str]:
    upstream = config.upstream
    scheme = "https" if upstream.url.startswith("https:") else "http"
    timeout = _time(upstream.timeout)
    proxies = config.source.has_proxies
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
    if config.source.header not in HEADERS:
        # What a trusted proxy says there is true; nobody else may say it.
        believed = proxies and not config.source.proxy_protocol
        fields[config.source.header] = CLIENT_FIELD if believed else '""'
    return [
        f"client_max_body_size {config.request.max_body};",
        "# $request_uri: the target byte for byte.",
        f"proxy_pass {scheme}://{names.upstream}$request_uri;",
        "proxy_http_version 1.1;",
        "# The whole body first, and to one server once: the provider retries.",
        "proxy_request_buffering on;",
        "proxy_next_upstream off;",
        "# What was begun is brought to its end, even if the sender left.",
        "proxy_ignore_client_abort on;",
        "proxy_redirect off;",
        "proxy_intercept_errors off;",
        "# The endpoint answers, and does not steer nginx.",
        f"proxy_ignore_headers {' '.join(_STEERING)};",
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


def tell_relayed(config: Config) -> str:
    """Say, for who renders, on which routes nginx cannot answer as they ask; "" for none."""
    exact = _exact(config)
    if not exact:
        return ""
    at = f" at {', '.join(exact)}" if all(exact) else ""
    return (
        f"nginx relays the endpoint's 2xx as it is{at}: let the endpoint answer 200, as an event"
        " that is answered 204 may be sent again (docs/nginx.md)."
    )


def _exact(config: Config) -> list[str]:
    """Return the paths of routes that ask for exactly 200, of which nginx can make none."""
    modes = {r.path: r.answer or parse_rules(r.rules_text).answer for r in config.routes}
    return [path for path, mode in modes.items() if mode is AnswerMode.OK]


def _answers(config: Config) -> str:
    """Say which routes ask for an answer that nginx cannot make."""
    exact = _exact(config)
    if not exact:
        return """, which is what its routes ask for
(answer = "relay"), but without a bound, and cut off where it is cut off. See docs/nginx.md.
"""
    said = """ and cannot make a 200 of it (error_page takes 300
and more): by one of CM.com's texts only exactly 200 counts, and an event that is answered 204 is
sent again as a refused one is. Let the endpoint answer 200"""
    if len(exact) == len(config.routes):
        return f"{said}. See docs/nginx.md.\n"
    listed = "\n".join(f"    {path}" for path in exact)
    return f"{said} to what comes at\n\n{listed}\n\nSee docs/nginx.md.\n"


def _unsigned(config: Config) -> list[str]:
    """Say of which routes nginx passes what nobody signed."""
    paths = [route.path for route in config.routes if route.signature is not None]
    if not paths:
        return []
    listed = "\n".join(f"    {path}" for path in paths)
    return comment(f"""
NGINX CHECKS NO SIGNATURE. Whoever is in source.allow may send anything to

{listed}

though the configuration asks for signed events there. Put nginx in front of `hookgate serve`.
""")
