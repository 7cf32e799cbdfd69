"""Hostile kinds from outside the allowed ranges, and a trusted proxy's strangers."""

from collections.abc import Iterator
from itertools import count

from bench.soak.site import ABROAD, CLEAN, JSON, PROXY, STRANGER, Site, event, post

from .kind import Kind, drip, named, once

_HALF_HEAD = b"POST /cm/events HTTP/1.1\r\nHost: soak\r\nX: "
# A TLS 1.2 record that holds the beginning of a ClientHello.
_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256))
_GARBAGE = b"\x00\xffGARBAGE\r\n\r\n"
_TWO_HOSTS = b"POST /cm/events HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"
_FOR = f"X-Forwarded-For: {ABROAD}"
_numbers = count()


def _events(*lines: str) -> Iterator[bytes]:
    for _ in range(10):
        yield post(event(), JSON, *lines)


def _forged(*addresses: str) -> Iterator[bytes]:
    """It was an allowed sender's event, says whoever may not say it."""
    listed = ", ".join((CLEAN, *addresses))
    for line in (f"X-Forwarded-For: {listed}", f"Forwarded: for={CLEAN}", f"X-Real-IP: {CLEAN}"):
        yield post(event(), JSON, line)


def _long_target() -> Iterator[bytes]:
    yield post(b"{}", JSON, target=f"/{next(_numbers)}/" + "x" * 500_000)


_PROXY_HEADERS = (
    b"PROXY TCP4 " + ABROAD.encode() + b" 127.0.0.1 1 2\r\n",
    b"PROXY UNKNOWN\r\n",
    b"PROXY TCP4 1.2.3 1 1 1\r\n",
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff",
)


def _proxy_header() -> Iterator[bytes]:
    yield _PROXY_HEADERS[next(_numbers) % len(_PROXY_HEADERS)]
    yield from _events()


DIRECT = (
    Kind("stranger: clean events", STRANGER, _events, 20, answers=10),
    Kind("stranger: broken HTTP", STRANGER, once(_GARBAGE), 30),
    Kind("stranger: half heads", STRANGER, once(_HALF_HEAD), 60, at_once=400, seconds=20),
    Kind("stranger: heads dripped", STRANGER, drip(_HALF_HEAD * 9, 0.3), 10, seconds=20),
    Kind("stranger: comes and goes", STRANGER, once(), 60, leaves=True),
    Kind("stranger: forged X-Forwarded-For", STRANGER, _forged, 10, answers=3),
    Kind("stranger: TLS hello", STRANGER, once(_HELLO), 10),
    Kind("stranger: PROXY headers", STRANGER, _proxy_header, 10, answers=11),
    Kind("stranger: long targets", STRANGER, _long_target, 15),
    Kind("stranger: 2 MB sent on", STRANGER, once(post(b" " * 2_000_000, JSON)), 2),
    Kind("forwarded for a stranger: events", PROXY, lambda: _events(_FOR), 10, answers=10),
    Kind("forwarded for a stranger: forged entries", PROXY, lambda: _forged(ABROAD), 10,
         answers=3),
    Kind("forwarded for a stranger: Expect", PROXY, once(post(b"", _FOR, "Expect: x")), 80,
         at_once=200),
    Kind("forwarded for a stranger: broken", PROXY,
         once(_TWO_HOSTS.replace(b"\r\n\r\n", f"\r\n{_FOR}\r\n\r\n".encode())), 80, at_once=200),
    Kind("forwarded for a stranger: bodies held", PROXY, once(post(b"{", JSON, _FOR, length=9)), 20,
         at_once=200, seconds=20),
    Kind("forwarded for nobody: half heads", PROXY, once(_HALF_HEAD), 60, at_once=600, seconds=20),
    Kind("forwarded for junk", PROXY, once(post(b"{}", JSON, "X-Forwarded-For: junk")), 20),
)  # fmt: skip

_behind = Site.BEHIND_PROXY
BEHIND_PROXY = (
    Kind("proxied stranger: clean events", PROXY, named(ABROAD, _events), 20, answers=10,
         site=_behind),
    Kind("proxied stranger: garbage", PROXY, named(ABROAD, once(_GARBAGE)), 250, at_once=200,
         site=_behind),
    Kind("proxied stranger: half heads", PROXY, named(ABROAD, once(_HALF_HEAD)), 200,
         at_once=1100, seconds=20, site=_behind),
    Kind("proxied stranger: heads dripped", PROXY, named(ABROAD, drip(_HALF_HEAD * 9, 0.3)), 10,
         seconds=20, site=_behind),
    Kind("proxied stranger: forged X-Forwarded-For", PROXY, named(ABROAD, _forged), 10,
         answers=3, site=_behind),
    Kind("proxied stranger: a second header", PROXY, named(ABROAD, named(CLEAN, _events)), 10,
         answers=10, site=_behind),
    Kind("proxied stranger: TLS hello", PROXY, named(ABROAD, once(_HELLO)), 10, site=_behind),
    Kind("proxied stranger: long targets", PROXY, named(ABROAD, _long_target), 15, site=_behind),
    Kind("proxied: headers held", PROXY, once(b"PROXY TCP4 8.8"), 20, at_once=200, seconds=20,
         site=_behind),
    Kind("proxied: headers broken", PROXY, _proxy_header, 20, answers=11, site=_behind),
    Kind("proxied: headers missing", PROXY, _events, 20, answers=10, site=_behind),
    Kind("no proxy: PROXY headers", STRANGER, _proxy_header, 20, answers=11, site=_behind),
)  # fmt: skip
