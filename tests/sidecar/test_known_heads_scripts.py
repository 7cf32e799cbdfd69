"""Any dialogue looks the same whether no head is known or all are."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.events import CLEAN, event
from support.examples import many
from support.raw import chunked, post
from support.sidecar import ALLOWED
from support.twins import Step, Twins, twins

SIZE = len(CLEAN)
RUNS = itertools.count()
# What stands for a field that no dialogue before this one had: as long as the number there.
RUN = b"X-Run: 0000000"
OTHER = "127.0.0.11"


def of(body: bytes, *extra: bytes) -> bytes:
    return post(body, b"/cm/events", *extra, RUN)


PLAIN = of(CLEAN)
HEAD = PLAIN.removesuffix(CLEAN)
OLD = of(CLEAN, b"Connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0", 1)
# Each is answered once, and its connection goes on.
STAYING = [
    PLAIN,
    PLAIN,
    PLAIN,
    HEAD + CLEAN[:-1] + b"]",
    HEAD + event(timeUtc="yesterday").ljust(SIZE)[:SIZE],
    HEAD + (b"\r\n\r\n" * SIZE)[:SIZE],
    HEAD + HEAD.ljust(SIZE)[:SIZE],
    HEAD + PLAIN[:SIZE],
    HEAD + bytes(SIZE),
    of(event(groupings=...)),
    of(CLEAN * 3),
    of(CLEAN.ljust(4096)),
    of(CLEAN.ljust(20_000)),
    of(b""),
    of(b"{"),
    of(CLEAN, b"Expect: 100-continue"),
    of(CLEAN, b"Upgrade: h2c", b"Connection: upgrade"),
    of(b"", b"Upgrade: h2c", b"Connection: upgrade"),
    of(CLEAN, b"X-A: " + b"a" * 1900),
    of(CLEAN, b"X-A: " + b"a" * 3000),
    OLD,
    b"\r\n" + PLAIN,
    b"\r\n\r\n" + PLAIN,
    chunked(CLEAN[:100], CLEAN[100:]).replace(b"\r\nHost", b"\r\n" + RUN + b"\r\nHost", 1),
    PLAIN.replace(b"/cm/", b"/other/"),
    b"GET / HTTP/1.1\r\nHost: gate\r\n" + RUN + b"\r\n\r\n",
]
# Each does so where it comes alone and whole: one that waits for its body would be cut off.
REFUSED = [
    PLAIN.replace(b"json", b"xml!"),
    PLAIN.replace(b"POST", b"PUT", 1),
    of(CLEAN, b"Content-Type: application/json"),
]
# Each ends its connection; how often it is answered.
ENDING = [
    (of(CLEAN, b"Connection: close"), 1),
    (of(CLEAN, b"Connection: close") + PLAIN, 1),
    (PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0", 1), 1),
    (b"\xff\xfe\r\n\r\n" + PLAIN, 1),
    (PLAIN + b"\x00\r\n\r\n", 2),
    (HEAD.replace(b"\r\n", b"\n") + CLEAN, 1),
    (of(CLEAN, b"Content-Length: 3"), 1),
    (of(CLEAN, b"Transfer-Encoding: chunked"), 1),
    (of(CLEAN, b"Upgrade: websocket"), 1),
    (of(CLEAN, b"Upgrade: h2c", b"Connection: upgrade, close") + PLAIN, 1),
    (of(CLEAN, b"Expect: 200-ok"), 1),
    (of(CLEAN.ljust(20_001)), 1),
    (of(CLEAN, b"X-A: " + b"a" * 5000), 1),
    (of(CLEAN, *(b"X: y" for _ in range(30))), 1),
    (PLAIN[:-7], 0),
    (HEAD, 0),
    (HEAD[:-2], 0),
    (b"\r\n", 0),
]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Cut into pieces that each hold something."""
    edges = sorted({0, len(data), *(place % len(data) for place in places)})
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@st.composite
def scripts(draw: st.DrawFn) -> list[Step]:
    """Requests together and apart, cut anywhere, and perhaps what ends the connection."""
    uncut = draw(st.booleans())
    script: list[Step] = []
    for refused in draw(st.lists(st.integers(0, 5).map(lambda n: n == 0), min_size=1, max_size=6)):
        if refused:
            script.append(([draw(st.sampled_from(REFUSED))], 1))
            continue
        most = draw(st.sampled_from([1, 1, 3]))  # one that comes alone is what may be known
        requests = draw(st.lists(st.sampled_from(STAYING), min_size=1, max_size=most))
        cuts = [] if uncut else draw(st.lists(st.integers(1, 30_000), max_size=3))
        script.append((cut(b"".join(requests), cuts), len(requests)))
    if draw(st.booleans()):
        data, answers = draw(st.sampled_from(ENDING))
        script.append((cut(data, draw(st.lists(st.integers(1, 5_000), max_size=2))), answers))
    return script


def renamed(script: list[Step], run: bytes) -> list[Step]:
    return [([piece.replace(RUN, run) for piece in pieces], count) for pieces, count in script]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    """Both bounds on sizes lie within what the requests are."""
    keys = {
        "source.allow": f"{ALLOWED},{OTHER}",
        "request.max_body": "20000B",
        "sidecar.max_head": "4KiB",
        "sidecar.max_fields": "20",
    }
    with twins(tmp_path_factory.mktemp("twins"), **keys) as both:
        yield both


# Without it, the length of an example would be told instead of what went wrong with it.
@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
@given(
    script=scripts(),
    sources=st.sampled_from([(ALLOWED,), (ALLOWED, OTHER)]),
)
@settings(
    max_examples=many(20, fewest=10),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_dialogue_looks_the_same_however_much_is_known(
    pair: Twins, script: list[Step], sources: tuple[str, ...]
) -> None:
    """To the sender, to the upstream and in the ledger: with nothing known, some, and all."""
    run = b"X-Run: %07d" % next(RUNS)
    script = renamed(script, run)
    plays = {source: pair.play(*script, source=source) for source in sources}
    # The last one is known in any case, though the others may have been too many.
    for request in (*STAYING, PLAIN):
        pair.knowing.play(([request.replace(RUN, run)], 1), source=sources[0])
    assert pair.knowing.is_short(PLAIN.replace(RUN, run), sources[0])
    for source, first in plays.items():
        assert pair.play(*script, source=source) == first
