"""The part of the policy that nginx can decide: maps from a request to the first reason."""

from collections.abc import Iterator
from http import HTTPStatus

from hookgate.policy import CHECKS, OnNginx, Reason
from hookgate.settings import Config, Mode

from .patterns import (
    AS_PRINTED,
    HOST,
    JSON_MEDIA_TYPE,
    JSON_WITH_ODD_CHARSET,
    LENGTH,
    LIST_OF_MEDIA_TYPES,
    NO_CODING,
    ONE_ADDRESS,
    ORIGIN_FORM,
    OTHER_MEDIA_TYPE,
    PLAIN_FIELDS,
    exactly,
    literally,
)
from .syntax import geo, map_, of_field, quoted

_CHECKS = tuple(check for check in CHECKS if check.on_nginx is OnNginx.BY_MAP)
# The policy's order, as far as nginx goes.
ORDER = tuple(check.name for check in _CHECKS)

# The answer to what nginx has refused by itself, before any check.
UNREAD = "unread"

DECIDED = tuple(reason for check in _CHECKS for reason in check.reasons)


def observed(config: Config) -> list[str]:
    """List the checks that only observe, of those that nginx makes, in their order."""
    names = (check.name for check in _CHECKS if check.observable)
    return [name for name in names if config.checks[name] is Mode.OBSERVE]


def render_checks(config: Config) -> Iterator[list[str]]:
    """Yield a block for each fact about a request, and then what they come to."""
    yield from _http()
    yield from _source(config)
    yield from _content(config)
    only_observed = observed(config)
    enforced = [name for name in ORDER if name not in only_observed]
    yield [
        "# The first finding, in the policy's order, is the reason.",
        *map_(
            '"' + ":".join(f"$hookgate_{name}" for name in enforced) + '"',
            "$hookgate_reason",
            {r'"~^:*([a-z0-9_]+)"': "$1"},
        ),
    ]
    yield [
        "# The status of its answer; none for what passes. What nginx refuses by itself has a",
        "# status before this is read.",
        *map_(
            '"$status:$hookgate_reason"',
            "$hookgate_answer",
            {
                r'"~^0\d\d:$"': '""',
                **{rf'"~^0\d\d:{reason.code}$"': str(reason.status) for reason in DECIDED},
            },
            UNREAD,
        ),
    ]


def _source(config: Config) -> Iterator[list[str]]:
    source = config.source
    yield geo("$remote_addr", "$hookgate_allowed", source.allow)
    if not source.has_proxies:
        refused = Reason.SOURCE_NOT_ALLOWED.code
        yield map_("$hookgate_allowed", "$hookgate_source", {"1": '""'}, refused)
        return
    yield [
        "# hookgate-realip.conf makes $remote_addr the client's where a trusted proxy names one.",
        "# Where it is still a proxy's, nobody knows the client.",
        *_trusted(config, "$remote_addr", "$hookgate_is_proxy"),
    ]
    yield _trusted(config, "$realip_remote_addr", "$hookgate_by_proxy")
    named, plain = of_field(source.header), PLAIN_FIELDS.get(source.header, ONE_ADDRESS)
    if source.proxy_protocol:
        named, plain = "$proxy_protocol_addr", (AS_PRINTED,)
    yield [
        "# nginx reads 031.169.56.1 as 31.169.56.1 and steps over empty entries: neither is plain.",
        *map_(
            f'"$hookgate_by_proxy $remote_addr {named}"',
            "$hookgate_named",
            {'"~^0 "': "plain"} | {f'"{pattern}"': "plain" for pattern in plain},
            "odd",
        ),
    ]
    yield map_(
        '"$hookgate_is_proxy $hookgate_named $hookgate_allowed"',
        "$hookgate_source",
        {'"0 plain 1"': '""', '"0 plain 0"': Reason.SOURCE_NOT_ALLOWED.code},
        Reason.SOURCE_UNRESOLVED.code,
    )


def _trusted(config: Config, peer: str, variable: str) -> list[str]:
    """`variable` is 1 where the peer is a trusted proxy, else 0."""
    networks = config.source.trusted_proxies
    if not config.source.trusts_unix:
        return geo(peer, variable, networks)
    by_address = f"{variable}_address"
    # What nginx calls a peer without address.
    return [
        *geo(peer, by_address, networks),
        *map_(peer, variable, {'"unix:"': "1"}, by_address),
    ]


def _http() -> Iterator[list[str]]:
    malformed = Reason.MALFORMED_HTTP.code
    yield [
        "# HTTP that two readers could understand differently, and nginx lets through.",
        *map_("$request", "$hookgate_form", {f'"{ORIGIN_FORM}"': '""'}, malformed),
    ]
    yield map_("$http_host", "$hookgate_host", {f'"{HOST}"': '""'}, malformed)
    yield map_(
        "$http_content_length", "$hookgate_length", {'""': '""', f'"{LENGTH}"': '""'}, malformed
    )
    yield map_("$http_upgrade", "$hookgate_upgrade", {'"~*websocket"': malformed})
    yield map_(
        '"$server_protocol $http_expect"',
        "$hookgate_expect",
        {'"~^HTTP/1.0 "': '""', '"~^[^ ]+ $"': '""', '"~*^[^ ]+ 100-continue$"': '""'},
        Reason.EXPECTATION_FAILED.code,
    )
    parts = ("form", "host", "length", "upgrade", "expect")
    yield map_(
        '"' + ":".join(f"$hookgate_{part}" for part in parts) + '"',
        "$hookgate_http",
        {r'"~^:*([a-z0-9_]+)"': "$1"},
    )


def _content(config: Config) -> Iterator[list[str]]:
    methods = "|".join(literally(method) for method in config.request.methods)
    yield [
        "# What events come as.",
        *map_(
            "$request",
            "$hookgate_method",
            {f'"~^(?:{methods}) "': '""'},
            Reason.METHOD_NOT_ALLOWED.code,
        ),
    ]
    paths = [route for route in config.routes if route.path]
    anything = next((quoted(route.contract) for route in config.routes if not route.path), '""')
    yield map_(
        "$request_uri",
        "$hookgate_contract",
        {f'"{exactly(route.path)}"': quoted(route.contract) for route in paths},
        anything,
    )
    yield map_("$hookgate_contract", "$hookgate_route", {'""': Reason.PATH_NOT_ROUTED.code}, '""')
    unsupported = Reason.CONTENT_TYPE_UNSUPPORTED.code
    yield map_(
        "$http_content_type",
        "$hookgate_media_type",
        {
            '""': Reason.CONTENT_TYPE_MISSING.code,
            f'"{JSON_MEDIA_TYPE}"': '""',
            f'"{JSON_WITH_ODD_CHARSET}"': Reason.CHARSET_UNSUPPORTED.code,
            f'"{OTHER_MEDIA_TYPE}"': unsupported,
            f'"{LIST_OF_MEDIA_TYPES}"': Reason.CONTENT_TYPE_REPEATED.code,
        },
        unsupported,
    )
    yield map_(
        "$http_content_encoding",
        "$hookgate_encoding",
        {'""': '""', f'"{NO_CODING}"': '""'},
        Reason.CONTENT_ENCODING_UNSUPPORTED.code,
    )


def statuses() -> list[int]:
    """List the statuses that `return` answers, each once."""
    return list(dict.fromkeys(HTTPStatus(reason.status or 0).value for reason in DECIDED))
