"""Hostile kinds from inside the allowed ranges, and events that make the endpoint misbehave."""

import gzip
import json
from collections.abc import Iterator
from itertools import cycle

from bench.soak.site import ALLOWED, EVENTS, JSON, PROXY, Site, event, post

from .kind import Kind, Script, drip, named, once

_MIB = 1 << 20


def _filled(values: str) -> bytes:
    """An event of the largest size with this again and again in an array."""
    start = json.dumps({**EVENTS[0], "x": []}).encode()[:-2]
    room = _MIB - len(start) - 2
    return start + (values.encode() * (room // len(values)))[:-1] + b"]}"


_BRACKETS = post(_filled("[],"), JSON)
_VALUES = post(_filled("1,"), JSON)
_MEMBERS = post(b"{" + b",".join(b'"%x":0' % number for number in range(90_000)) + b"}", JSON)
_TEXT = post(json.dumps({**EVENTS[0], "x": "x" * (_MIB - 2000)}).encode(), JSON)
_DEEP = post(b"[" * 500_000, JSON)
_FIELDS = post(b"{}", JSON, *(f"X-{number}: 1" for number in range(5000)))
_CHUNKED = post(b"", JSON).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
# An event that is on its way when the endpoint answers the one before twice gets the second answer.
_RACE = 0.05
_REFUSED = (
    b"{", b'{"a":1,"a":2}', b'{"a":1,"\\u0061":2}', b"[]", b'{"channel":"RCS"}', b"\xff",
    b"\xef\xbb\xbf{}", b'{"a":"\\ud800"}', b'{"a\\u0000":1}', b'{"a":1e999}',
    b'{"a":' + b"9" * 100_000 + b"}",
)  # fmt: skip
_PLAIN = post(event(), JSON)
# Each in place of a part of a request that would pass.
_ODD = tuple(
    _PLAIN.replace(part, instead, 1)
    for part, instead in (
        (b"POST /", b"POST  /"),
        (b"HTTP/1.1", b"RTSP/1.0"),
        (b"HTTP/1.1", b"HTTP/2.0"),
        (b"/cm/events", b"http://soak/cm/events"),
        (b"Host: soak\r\n", b""),
        (b"Host: soak", b"Host: soak\r\nHost: other"),
        (b"Host: soak", b"Host : soak"),
        (b"Host: soak", b"Host: soak\r\n folded"),
        (b"Host: soak", b"Host: so\x00ak"),
        (b"Host: soak", b"Host: soak\r\nTransfer-Encoding: chunked"),
        (b"Host: soak", b"Host: soak\r\nTransfer-Encoding: gzip, chunked"),
        (b"Content-Length: ", b"Content-Length: +"),
        (b"Content-Length: ", b"Content-Length: 0"),
        (b"Content-Length: ", b"Content-Length: 1\r\nContent-Length: "),
        (b"\r\n", b"\n"),
    )
)


def _refused() -> Iterator[bytes]:
    for body in _REFUSED:
        yield post(body, JSON)


_odd_ones = cycle(_ODD)


def _odd() -> Iterator[bytes]:
    yield next(_odd_ones)


def _pipelined() -> Iterator[bytes]:
    yield b"".join(post(event(), JSON) for _ in range(300))


def _unread() -> Iterator[bytes]:
    for _ in range(200):
        yield b"".join(post(b"{", JSON) for _ in range(50))


def _leaving() -> Script:
    return post(event()[:100], JSON, length=400), 0.05


def _chunks() -> Iterator[bytes]:
    yield _CHUNKED
    for _ in range(500):
        yield b"1;" + b"x" * 8000 + b"\r\n \r\n"


def _empty_lines() -> Iterator[bytes]:
    for _ in range(100):
        yield b"\r\n" * 20_000


def _marked(mark: str) -> Iterator[bytes]:
    yield post(event(mark), JSON)


DIRECT = (
    Kind("allowed: 1 MiB of brackets", ALLOWED, once(_BRACKETS), 2, at_once=1,
         may_pass=1),
    Kind("allowed: 32 MiB of brackets together", ALLOWED, once(_BRACKETS), 3.2, burst=32,
         seconds=20, may_pass=1),
    Kind("allowed: 8 MiB of numbers together", ALLOWED, once(_VALUES), 1.6, burst=8, seconds=20,
         may_pass=1),
    Kind("allowed: 1 MiB of members", ALLOWED, once(_MEMBERS), 0.5),
    Kind("allowed: 1 MiB in one string", ALLOWED, once(_TEXT), 1, may_pass=1),
    Kind("allowed: deep nesting", ALLOWED, once(_DEEP), 1, wants="400"),
    Kind("allowed: 300 events pipelined", ALLOWED, _pipelined, 0.3, answers=300, seconds=20,
         may_pass=300),
    Kind("allowed: bodies dripped", ALLOWED, drip(post(b" " * 400, JSON), 0.1, 8), 5, seconds=20,
         wants="408"),
    Kind("allowed: answers not read", ALLOWED, _unread, 1, at_once=16, seconds=25, reads=False),
    Kind("allowed: leaves within the body", ALLOWED, _leaving, 10, leaves=True),
    Kind("allowed: chunk extensions", ALLOWED, _chunks, 1),
    Kind("allowed: empty lines without end", ALLOWED, _empty_lines, 1, wants="431"),
    Kind("allowed: many fields", ALLOWED, once(_FIELDS), 5, wants="431"),
    Kind("allowed: the longest targets", ALLOWED,
         once(post(b"{}", JSON, target="/" + "x" * (_MIB - 200))), 2),
    Kind("allowed: Expect without a body", ALLOWED,
         once(post(b"", JSON, "Expect: 100-continue", length=9)), 10, at_once=100,
         answers=2, seconds=20, wants="408"),
    Kind("allowed: HTTP/2", ALLOWED, once(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 5, wants="400"),
    Kind("allowed: Upgrade", ALLOWED,
         once(post(b"{}", JSON, "Connection: Upgrade", "Upgrade: websocket")), 5, wants="400"),
    Kind("allowed: what is refused", ALLOWED, _refused, 5, answers=len(_REFUSED), wants="422"),
    Kind("allowed: HTTP that can be read in two ways", ALLOWED, _odd, 15, wants="400"),
    Kind("allowed: compressed bodies", ALLOWED,
         once(post(gzip.compress(b" " * 1_000_000), JSON, "Content-Encoding: gzip")), 5,
         wants="415"),
    Kind("allowed: 2 MB bodies", ALLOWED, once(post(b" " * 2_000_000, JSON)), 2, wants="413"),
    Kind("endpoint: answers twice", ALLOWED, lambda: _marked("twice"), 3, may_pass=1),
    Kind("endpoint: a second answer late", ALLOWED, lambda: _marked("late"), 3, may_pass=1),
    Kind("endpoint: a second answer and closes", ALLOWED, lambda: _marked("last"), 3,
         may_pass=1),
    Kind("endpoint: answers after a second", ALLOWED, lambda: _marked("slow"), 3, may_pass=1),
    Kind("endpoint: answers garbage", ALLOWED, lambda: _marked("garbage"), 3, wants="502",
         may_pass=_RACE),
    Kind("endpoint: answers RTSP", ALLOWED, lambda: _marked("rtsp"), 3, wants="502",
         may_pass=_RACE),
    Kind("endpoint: a body too long", ALLOWED, lambda: _marked("long"), 3, may_pass=_RACE),
    Kind("endpoint: 2 MiB in answer", ALLOWED, lambda: _marked("huge"), 1, may_pass=1),
    Kind("endpoint: closes early", ALLOWED, lambda: _marked("early"), 3, wants="502",
         may_pass=_RACE),
    Kind("endpoint: hangs", ALLOWED, lambda: _marked("hang"), 2, wants="504", may_pass=_RACE),
)  # fmt: skip

_behind = Site.BEHIND_PROXY
BEHIND_PROXY = (
    Kind("proxied: 8 MiB of brackets together", PROXY,
         named(ALLOWED, once(_BRACKETS)), 1, burst=8, seconds=20, may_pass=1,
         site=_behind),
    Kind("proxied: what is refused", PROXY, named(ALLOWED, _refused), 5,
         answers=len(_REFUSED),
         site=_behind),
    Kind("proxied: leaves within the body", PROXY,
         named(ALLOWED, _leaving), 10, leaves=True, site=_behind),
)  # fmt: skip
