"""nginx's access log as a ledger: one `delivery` record a request, with the ledger's keys.

The format is unescaped, because members may be `null` or lists. Every variable in it is digits of
nginx's own, or a map that lets nothing through but what may stand in a JSON string.
"""

from collections.abc import Iterator
from itertools import combinations

from hookgate.policy import UNIX_PEER, Outcome, Reason
from hookgate.settings import Config

from .checks import ORDER, UNREAD, observed
from .names import Names
from .syntax import map_, quoted

_NULL = "null"


def render_log(config: Config, names: Names, fingerprint: str) -> Iterator[list[str]]:
    """Yield the maps that make an exchange into members of a record, and the log's format."""
    yield [
        "# The log. Who leaves before its request is complete is answered 400 in the log alone.",
        *map_(
            '"$status:$bytes_sent:$hookgate_end"',
            "$hookgate_log_reason",
            {'"~^400:0:"': Reason.CLIENT_GONE.code, '"~:([a-z0-9_]+)$"': "$1"},
        ),
    ]
    yield map_(
        "$hookgate_log_reason",
        "$hookgate_log_outcome",
        {r.code: r.outcome.value for r in Reason if r.outcome is not Outcome.REFUSED},
        Outcome.REFUSED.value,
    )
    yield map_(
        '"$hookgate_log_reason:$status"',
        "$hookgate_log_status",
        {f'"~^{Reason.CLIENT_GONE.code}:"': _NULL, '"~:([1-9][0-9]{2})$"': "$1"},
        _NULL,
    )
    yield map_(
        "$hookgate_log_reason",
        "$hookgate_log_answered",
        {r.code: "false" for r in (Reason.CLIENT_GONE, Reason.HEAD_TIMEOUT, Reason.BODY_TIMEOUT)},
        "true",
    )
    # Milliseconds, which files are put in order by.
    yield map_(
        '"$time_iso8601 $msec"',
        "$hookgate_log_ts",
        {r'"~^([0-9T:-]{19})(\S+) [0-9]+(\.[0-9]{3})$"': "$1$3$2"},
        "$time_iso8601",
    )
    yield from _addresses(config)
    yield from _request()
    yield from _figures()
    yield from _observed(config)
    yield _format(names, fingerprint)


def _addresses(config: Config) -> Iterator[list[str]]:
    # Where nginx listens on [::], IPv4 comes as IPv4-mapped IPv6.
    plain = {'"~^::ffff:([0-9.]+)$"': "$1", '"~^([0-9a-f.:]+)$"': "$1"}
    peer = "$realip_remote_addr" if config.source.has_proxies else "$remote_addr"
    unix = {'"unix:"': UNIX_PEER} if config.source.trusts_unix else {}
    yield map_("$remote_addr", "$hookgate_client", plain)
    yield map_(peer, "$hookgate_peer", plain | unix)
    yield map_(
        '"$hookgate_answer:$hookgate_source:$hookgate_client"',
        "$hookgate_log_client",
        {
            f'"~^{UNREAD}:"': _NULL,
            f'"~:{Reason.SOURCE_UNRESOLVED.code}:"': _NULL,
            '"~^[^:]*:[^:]*:(.+)$"': "'\"$1\"'",
        },
        _NULL,
    )


def _request() -> Iterator[list[str]]:
    yield map_(
        "$request",
        "$hookgate_log_method",
        {'"~^([A-Z_-]{1,32}) "': "'\"$1\"'"},
        _NULL,
    )
    # "!" to "~" without the quote and the backslash, and without "?".
    plain = r"[!\x23-\x3e@-\x5b\x5d-~]"
    yield map_(
        "$request_uri",
        "$hookgate_log_path",
        {
            rf'"~^(/{plain}{{0,255}}+)(?:\?|$)"': "'\"$1\"'",
            rf'"~^(/{plain}{{255}})"': "'\"$1\"'",
            rf'"~^(/{plain}{{0,254}})"': "'\"$1*\"'",
        },
        _NULL,
    )
    yield map_(
        '"$hookgate_http:$hookgate_source:$hookgate_contract"',
        "$hookgate_log_route",
        {'"~^::(.+)$"': "'\"$1\"'"},
        _NULL,
    )
    yield map_(
        "$http_content_type",
        "$hookgate_log_content_type",
        {
            '""': _NULL,
            '"~*^application/json *(?:;|$)"': "'\"application/json\"'",
            '"~^([a-z]{1,20}/[a-z.+-]{1,60}) *(?:;|$)"': "'\"$1\"'",
        },
        "'\"other\"'",
    )


def _figures() -> Iterator[list[str]]:
    yield map_(
        '"$upstream_status:$content_length"',
        "$hookgate_log_bytes",
        {'"~^[0-9][^:]*:([0-9]{1,18})$"': "$1"},
        "0",
    )
    yield map_(
        '"$hookgate_log_reason:$upstream_status"',
        "$hookgate_log_upstream_status",
        {f'"~^(?:{Reason.CLEAN.code}|{Reason.UPSTREAM_REJECTED.code}):([0-9]{{3}})$"': "$1"},
        _NULL,
    )
    for source, name in (("$request_time", "duration"), ("$upstream_header_time", "upstream")):
        # Seconds with three decimals; a number in JSON has no leading zeros.
        yield map_(
            source,
            f"$hookgate_log_{name}_ms",
            {
                r'"~^0\.0{0,2}([0-9]+)$"': "$1",
                r'"~^([0-9]+)\.([0-9]{3})$"': "$1$2",
            },
            _NULL,
        )


def _observed(config: Config) -> Iterator[list[str]]:
    """`[...]` of what was found and not refused, as far as the checks ran."""
    names = observed(config)
    enforced = [name for name in ORDER if name not in names]
    for name in names:
        before = [f"$hookgate_{e}" for e in enforced if ORDER.index(e) < ORDER.index(name)]
        yield map_(
            f'"{":".join(before)}=$hookgate_{name}"',
            f"$hookgate_observed_{name}",
            {'"~^:*=([a-z0-9_]+)$"': "'\"$1\"'"},
        )
    if names:
        found = [f"$hookgate_observed_{name}" for name in names]
        subsets = [s for size in range(len(names), 0, -1) for s in combinations(found, size)]
        yield map_(
            '"' + ":".join(found) + '"',
            "$hookgate_log_observed",
            {
                '"~^' + ":".join(".+" if f in subset else "" for f in found) + '$"': (
                    '"' + ",".join(subset) + '"'
                )
                for subset in subsets
            },
        )
    else:
        yield map_("$status", "$hookgate_log_observed", {})


def _format(names: Names, fingerprint: str) -> list[str]:
    members = {
        "event": '"delivery"',
        "ts": '"$hookgate_log_ts"',
        "front": '"nginx"',
        "request_id": '"$request_id"',
        "outcome": '"$hookgate_log_outcome"',
        "reason": '"$hookgate_log_reason"',
        "status": "$hookgate_log_status",
        "answered": "$hookgate_log_answered",
        "client": "$hookgate_log_client",
        "peer": '"$hookgate_peer"',
        "method": "$hookgate_log_method",
        "path": "$hookgate_log_path",
        "route": "$hookgate_log_route",
        "content_type": "$hookgate_log_content_type",
        "bytes": "$hookgate_log_bytes",
        "upstream_status": "$hookgate_log_upstream_status",
        "duration_ms": "$hookgate_log_duration_ms",
        "upstream_ms": "$hookgate_log_upstream_ms",
        "policy": f'"{quoted(fingerprint)}"',
        "observed": "[$hookgate_log_observed]",
    }
    rows = [f'\'"{name}":{value}' for name, value in members.items()]
    rows[0] = rows[0].replace("'", "'{", 1)
    return [
        f"log_format {names.log_format} escape=none",
        *(f"    {row},'" for row in rows[:-1]),
        f"    {rows[-1]}}}';",
    ]
