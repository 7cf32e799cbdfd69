"""What a worker keeps of requests that are gone: short texts only, and few of them."""

import contextlib
from collections.abc import Callable, Iterable, Iterator

import pytest

from support.events import CLEAN
from support.pair import Pair, paired
from support.process import resident
from support.raw import connected, post
from support.sidecar import ALLOWED, FOREIGN

MIB = 1 << 20
SIZE, COUNT = 400_000, 30


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    keys = {"sidecar.max_head": "1MiB", "sidecar.max_fields": "10000"}
    with paired(tmp_path_factory.mktemp("gate"), **keys) as running:
        yield running


def filler(number: int) -> bytes:
    return b"%d" % number + b"x" * SIZE


PARTS: dict[str, Callable[[int], bytes]] = {
    "targets": lambda n: post(CLEAN, b"/" + filler(n)),
    "hosts": lambda n: post(CLEAN, host=filler(n)),
    "field names": lambda n: post(CLEAN, b"/", b"X" + filler(n) + b": y"),
    "values": lambda n: post(CLEAN, b"/", b"X: " + filler(n)),
    "media types": lambda n: post(CLEAN, b"/").replace(b"/json", b"/json;x=" + filler(n)),
    "methods": lambda n: post(CLEAN).replace(b"POST", filler(n), 1),
    "lists of fields": lambda n: post(CLEAN, b"/", *(b"X-%d-%d: y" % (n, i) for i in range(3_000))),
}


def send(pair: Pair, source: str, requests: Iterable[bytes]) -> None:
    """One after the other, on a new connection where the last was closed."""
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(connected(pair.port, source))
        for request in requests:
            with contextlib.suppress(EOFError, OSError):
                client.send(request)
                if b"Connection: close" not in client.read().head:
                    continue
            client = stack.enter_context(connected(pair.port, source))


@pytest.mark.parametrize("source", [FOREIGN, ALLOWED], ids=["a stranger's", "an allowed sender's"])
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_long_texts_are_not_kept(pair: Pair, part: Callable[[int], bytes], source: str) -> None:
    """Thirty heads of 400 KB are 12 MB; what the allocator keeps of one or two stays."""
    send(pair, source, map(part, range(3)))
    before = resident(pair.gate.process.pid)
    send(pair, source, map(part, range(3, COUNT)))
    assert resident(pair.gate.process.pid) - before < 6 * MIB
