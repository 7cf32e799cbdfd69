"""Why a gate refuses all that is sent to it, and what to do about that."""

import json
import socket
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from http import HTTPStatus
from typing import NamedTuple

import netaddr

from hookgate.networks.ranges import SHIPPED
from hookgate.policy import Reason

from .common import err
from .terminal import printable

_TOLD_BY_STATUS = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED)
# A larger part of all than this, wrong in one way, has one reason.
_MOST = 0.8
_SERVER_ERROR = 500
_CODES = frozenset(reason.code for reason in Reason)


def own_address(host: str, port: int) -> str:
    """Return the address that this machine sends from; a proxy on the way shows another."""
    family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with closing(socket.socket(family, kind)) as probe:
        probe.connect(address)
        return str(probe.getsockname()[0])


def common_refusal(rows: list[dict[str, object]]) -> int | None:
    """Return the status by which all are refused for where they come from or go to, if one is.

    A request that is no HTTP gets another answer before that.
    """
    for status in _TOLD_BY_STATUS:
        wrong = [row["status"] == status for row in rows if not row["ok"]]
        if wrong and all(wrong) and len(wrong) > _MOST * len(rows):
            return status
    return None


class Failure(NamedTuple):
    """A status by which the way behind the gate fails, or the gate itself, and what that says."""

    status: int
    says: str


def reason_in(body: bytes) -> str | None:
    """Return the reason code in a gate's problem document; None in whatever is none."""
    try:
        problem = json.loads(body)
    except (ValueError, RecursionError):
        return None
    reason = problem.get("reason") if isinstance(problem, dict) else None
    return reason if reason in _CODES else None


def common_failure(rows: list[dict[str, object]]) -> Failure | None:
    """Return by what most of those fail that are answered 5xx, or another 2xx than the 200 that
    was due; None where none is.
    """
    failed = Counter(
        (status, row["answered_reason"])
        for row in rows
        if not row["ok"] and isinstance(status := row["status"], int)
        if status >= _SERVER_ERROR or (status // 100 == 2 and row["expected"] == HTTPStatus.OK)
    )
    for (status, reason), _ in failed.most_common(1):
        if status < _SERVER_ERROR:
            says = (
                "the endpoint took them, and its own answer was relayed: by nginx, or on a route "
                'with answer = "relay". By one of CM.com\'s texts only 200 counts, and such an '
                "event is sent again: let the endpoint answer 200 (docs/nginx.md)"
            )
        elif reason is None:
            says = (
                "the gate let it through, and relays what the endpoint answered. Look into the "
                "endpoint's log; at the gate, hookgate audit show --outcome failed names each"
            )
        elif str(reason).startswith("upstream_"):
            says = (
                f"the gate let it through, and has no answer of the endpoint ({reason}). At the "
                "gate, hookgate config check --connect says why, and what to do"
            )
        else:
            says = f"the gate itself cannot take it ({reason}). Its log says why"
        return Failure(status, says)
    return None


def print_hint(rows: list[dict[str, object]], status: int, says: str) -> None:
    """Print how many were answered so, and what that says."""
    count = sum(row["status"] == status for row in rows)
    answers = "Every answer is" if count == len(rows) else f"{count} of {len(rows)} answers are"
    err.print(f"{answers} {int(status)}: {says}", soft_wrap=True)


def of_sender(address: str, headers: Mapping[str, str]) -> str:
    """Say that an address, or whom the `headers` sent from it name, is not let in, and what helps.

    An answer to a stranger does not say which it is.
    """
    address = printable(address)
    if headers:
        return (
            f"the gate does not let {address} in, or whom {', '.join(headers)} names. It takes the "
            f"sender from source.header, and only if {address} is in source.trusted_proxies; that "
            "sender has to be in source.allow. At the gate, hookgate audit tail says which it is"
        )
    sender = netaddr.IPNetwork(SHIPPED["cm.com"].cidrs[0])[1]
    return (
        f"the gate does not let {address} in. If {address} is in the gate's source.trusted_proxies,"
        f" name a sender as that proxy does: --header 'X-Forwarded-For: {sender}'. Else add it to"
        f" source.allow, or start the gate with HOOKGATE_SOURCE__ALLOW={address},cm.com"
    )


def of_path(path: str) -> str:
    """Say that a path has no route, and how it gets one."""
    return (
        f"the gate has no route for {printable(path)}. Send to the path of one of its routes "
        "([[route]] in its hookgate.toml), or write one for this path"
    )


def of_signature(*, is_signed: bool) -> str:
    """Say why a route that asks for a signature refuses all, and what to do."""
    if is_signed:
        return "the route has another secret, or another scheme: see [route.signature] there"
    return "the route asks for a signature. Give --scheme and --secret-file: see [route.signature]"
