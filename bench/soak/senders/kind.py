"""What one hostile kind of sender does, as data."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bench.soak.site import Site, proxy_header

# Bytes to send, seconds to wait before the next.
Script = Iterable[bytes | float]


@dataclass(frozen=True)
class Kind:
    """One hostile kind: each of its connections sends the script, then reads what comes.

    `a_second` connections begin, `burst` of them together, while fewer than `at_once` are open.
    One is ended by that many `answers`, after `seconds`, or behind its script if it `leaves`. Where
    it does not `read`, its answers stay in the sockets. `wants` is the status that some of them
    must get, `may_pass` the share of connections that 2xx is no wrong answer for.
    """

    name: str
    source: str
    script: Callable[[], Script]
    a_second: float
    at_once: int = 64
    burst: int = 1
    answers: int = 1
    seconds: float = 8.0
    leaves: bool = False
    reads: bool = True
    wants: str = ""
    may_pass: float = 0
    site: Site = Site.DIRECT


def once(*pieces: bytes | float) -> Callable[[], Script]:
    """Make a script that is always the same."""
    return lambda: pieces


def drip(data: bytes, pause: float, at_a_time: int = 1) -> Callable[[], Script]:
    """Make a script of so many bytes at a time, with a pause in seconds behind each."""

    def script() -> Iterator[bytes | float]:
        for start in range(0, len(data), at_a_time):
            yield data[start : start + at_a_time]
            yield pause

    return script


def named(client: str, script: Callable[[], Script]) -> Callable[[], Script]:
    """Put a PROXY header that names a client before a script."""

    def behind() -> Iterator[bytes | float]:
        yield proxy_header(client)
        yield from script()

    return behind
