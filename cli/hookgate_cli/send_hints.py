"""Why a gate refuses all that is sent to it, and what to do about that."""

import socket
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from http import HTTPStatus

import netaddr

from hookgate.networks.ranges import SHIPPED

from .common import err
from .terminal import printable

_TOLD_BY_STATUS = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED)
# A larger part of all than this, wrong in one way, has one reason.
_MOST = 0.8
OTHER_SUCCESS = (
    "the endpoint took them, and its own answer was relayed: by nginx, or on a route with answer ="
    ' "relay". By one of CM.com\'s texts only 200 counts, and such an event is sent again: let the'
    " endpoint answer 200 (docs/nginx.md)"
)


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


def other_success(rows: list[dict[str, object]]) -> int | None:
    """Return the most frequent 2xx in the place of 200; None where there is none."""
    found = Counter(
        status
        for row in rows
        if isinstance(status := row["status"], int) and status // 100 == 2 and not row["ok"]
        if row["expected"] == HTTPStatus.OK
    )
    return next((status for status, _ in found.most_common(1)), None)


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
