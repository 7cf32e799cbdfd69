"""hookgate-http.conf, for nginx's `http`: the ranges, the checks and the log."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

from hookgate.gate.answer import RETRY_AFTER_SECONDS
from hookgate.policy import HEADERS, UNIX_PEER, Policy, Reason
from hookgate.reason_phrases import PHRASES
from hookgate.settings import Config

from .checks import DECIDED, render_checks
from .ends import render_ends
from .location import CLIENT_FIELD
from .log import render_log
from .names import Names
from .syntax import block, comment, map_, of_field, quoted, reviewed

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


def render_http(config: Config, names: Names) -> list[str]:
    """Return the lines of hookgate-http.conf."""
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
    status = reason.status or 0
    members = {"type": "about:blank", "title": PHRASES[status], "status": status}
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
