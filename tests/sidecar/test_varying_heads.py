"""Heads that differ in trace ids alone are known by each other, and nobody can tell."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookgate.policy import is_read
from hookgate.trace_fields import TRACE_FIELDS
from hookgate_sidecar.varying import Cutter
from support.events import CLEAN
from support.examples import many
from support.policy import make_config
from support.proxy_header import v1
from support.raw import chunked, post
from support.sidecar import ALLOWED, FOREIGN, PROXY
from support.twins import Counted, Step, Twins, counted, twins

MOST = 1024
OWN = "X-Own-Id"
IDS = itertools.count(1)


def fresh() -> bytes:
    """A value that no head before this one had, always as long."""
    return b"00.%032x.01" % next(IDS)  # an id as hookgate gives them would be masked


def shaped(shape: bytes) -> bytes:
    """A request with these lines behind its own, each * a fresh value."""
    pieces = shape.split(b"*")
    filled = pieces[0] + b"".join(fresh() + piece for piece in pieces[1:])
    return post(CLEAN, b"/cm/events", filled)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    """Its bounds are within reach of what the heads are."""
    keys = {
        "sidecar.varying_fields": OWN,
        "sidecar.max_head": "1KiB",
        "sidecar.max_fields": "50",
    }
    with twins(tmp_path_factory.mktemp("twins"), **keys) as both:
        yield both


KNOWN = {
    "each trace field": b"\r\n".join(name.title().encode() + b": *" for name in TRACE_FIELDS[:15]),
    "each other one": b"\r\n".join(name.encode() + b": *" for name in TRACE_FIELDS[15:]),
    "one's own": b"X-OWN-ID: *",
    "another spelling": b"TraceParent: *",
    "between others": b"X-A: a\r\ntraceparent: *\r\nX-B: b\r\ntracestate: *\r\nX-C: c",
    "another order": b"tracestate: *\r\nX-A: a\r\ntraceparent: *",
    "twice": b"traceparent: *\r\ntraceparent: *",
    "one that is replaced": b"X-Request-Id: *",
    "one replaced, one not": b"X-Request-Id: *\r\ncf-ray: *\r\nX-REQUEST-ID: *",
    "one for this hop alone": b"Connection: cf-ray\r\ntraceparent: *\r\ncf-ray: *\r\ntracestate: *",
    "words": b"baggage: a=*, b=*  c",
    "signs of a format": b"traceparent: %b*%\r\nX-A: %s%%",
    "a name in it": b"traceparent: *tracestate: *",
    "a kept connection": b"Connection: keep-alive\r\ntraceparent: *",
    "an expectation": b"Expect: 100-continue\r\ntraceparent: *",
}


@pytest.mark.parametrize("shape", KNOWN.values(), ids=KNOWN.keys())
def test_another_value_is_no_other_head(pair: Twins, shape: bytes) -> None:
    """On any connection; each goes on as it came, in its place."""
    pair.play(([shaped(shape)], 1))
    before = pair.knowing.work
    requests = [shaped(shape) for _ in range(3)]
    trace = pair.play(*(([request], 1) for request in requests))
    pair.play(([requests[0]], 1))
    assert pair.knowing.work == before
    assert trace.reasons == ["clean"] * 3
    for request, (head, _) in zip(requests, trace.upstream, strict=True):
        lines = request.removesuffix(CLEAN).split(b"\r\n")
        kept = [line for line in lines if line.startswith((b"X-A", b"trace"))]
        assert [line for line in head.split(b"\r\n") if line in kept] == kept


def test_a_known_head_has_the_signs_of_a_format_in_its_target(pair: Twins) -> None:
    """It is percent-encoded, as targets are."""
    for _ in range(2):
        request = post(CLEAN, b"/a%20b?c=%25b%s", b"traceparent: " + fresh())
        before = pair.knowing.work
        head, _ = pair.play(([request], 1)).upstream[0]
        assert head.startswith(b"POST /a%20b?c=%25b%s HTTP/1.1\r\n")
    assert pair.knowing.work == before


APART = {
    "no value": b"traceparent:",
    "a space for a value": b"traceparent: ",
    "no space": b"traceparent:*",
    "two spaces": b"traceparent:  *",
    "a tab": b"traceparent:\t*",
    "a space behind": b"traceparent: * ",
    "a tab behind": b"traceparent: *\t",
    "a tab inside": b"traceparent: *\t*",
    "obsolete text": b"traceparent: *\xe9",
    "two spaces beside one": b"traceparent:  a\r\ntraceparent: *",
    "two spaces before the same": b"cf-ray:  *\r\ncf-ray: a",
    "a name that is longer": b"traceparents: *",
    "a name that is shorter": b"traceparen: *",
    "its name behind another": b"X-A: a traceparent: *",
    "one that is read": b"X-Forwarded-For: *",
    "one of a signature": b"webhook-id: *",
    "a head too long to keep": b"traceparent: *\r\nX-A: " + b"a" * 1000,
}
BROKEN = {
    "folded": b"traceparent: *\r\n *",
    "folded with a tab": b"traceparent: *\r\n\t*",
    "a space before the colon": b"traceparent : *",
    "a bare CR": b"traceparent: *\rX-A: a",
    "a bare LF": b"traceparent: *\nX-A: a",
    "a NUL": b"traceparent: *\0",
    "an escape": b"traceparent: *\x1b",
    "DEL": b"traceparent: \x7f*",
    "a second length": b"traceparent: *\r\nContent-Length: 1",
    "another host": b"traceparent: *\r\nHost: other",
}


@pytest.mark.parametrize("shape", APART.values(), ids=APART.keys())
def test_a_line_that_is_not_plain_is_parsed_each_time(pair: Twins, shape: bytes) -> None:
    """Only a name in full, a colon, a space and visible ASCII are."""
    for _ in range(3):
        pair.play(([shaped(b"traceparent: *")], 1))
        before = pair.knowing.work
        request = shaped(shape)
        trace = pair.play(([request], 1))
        assert trace.statuses == [200 if len(request) < 1024 + len(CLEAN) else 431]
        assert pair.knowing.work > before or b"*" not in shape


@pytest.mark.parametrize("line", ["no value", "two spaces", "two spaces beside one", "a tab"])
def test_a_line_that_is_not_plain_belongs_to_the_head(pair: Twins, line: str) -> None:
    """Which is known where it comes again as it was."""
    pair.learn(shaped(APART[line]))


@pytest.mark.parametrize("shape", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_line_is_refused_beside_a_known_one(pair: Twins, shape: bytes) -> None:
    """As it is where nothing is known."""
    for _ in range(2):
        pair.play(([shaped(b"traceparent: *")], 1))
        assert pair.play(([shaped(shape)], 1)).reasons == ["malformed_http"]


def test_a_value_may_make_a_head_too_large(pair: Twins) -> None:
    """The bound is on what came, whatever it is known by; up to it any length is."""
    bare = len(post(CLEAN, b"/cm/events", b"cf-ray: ")) - len(CLEAN)
    for length, status in ((8, 200), (1024 - bare, 200), (1025 - bare, 431), (3000, 431), (9, 200)):
        request = post(CLEAN, b"/cm/events", b"cf-ray: " + b"a" * length)
        assert pair.play(([request], 1)).statuses == [status]
    assert pair.knowing.is_short(post(CLEAN, b"/cm/events", b"cf-ray: " + b"b" * (1024 - bare)))


def test_a_known_head_that_varies_may_be_cut_anywhere(pair: Twins) -> None:
    """In a name, in a value, between line ends."""
    request = shaped(b"traceparent: *\r\nX-Request-Id: *")
    pair.play(([request], 1))
    for place in range(1, len(request) - len(CLEAN) + 1, 3):
        request = shaped(b"traceparent: *\r\nX-Request-Id: *")
        trace = pair.knowing.play(([request[:place], request[place:]], 1))
        assert trace.reasons == ["clean"], place
        assert request[request.index(b"traceparent") :].split(b"\r\n")[0] in trace.upstream[0][0]


def test_a_foreign_head_that_varies_is_known_too(pair: Twins) -> None:
    """However many ids it makes up; those of others are still known."""
    allowed, foreign = b"traceparent: *\r\nX-Of: allowed", b"traceparent: *\r\nX-Of: foreign"
    pair.play(([shaped(allowed)], 1))
    pair.knowing.play(([shaped(foreign)], 1), source=FOREIGN)
    before = pair.knowing.work
    steps = [([shaped(foreign)], 1) for _ in range(300)]
    assert pair.knowing.play(*steps, source=FOREIGN).statuses == [403] * 300
    assert pair.play(([shaped(allowed)], 1)).statuses == [200]
    assert pair.knowing.work == before


def test_ids_drive_no_head_out(pair: Twins) -> None:
    """More ids than heads are kept: they are one head."""
    other = shaped(b"X-A: other")
    pair.play(([other], 1))
    pair.knowing.play(*(([shaped(b"X-Id: a\r\ntraceparent: *")], 1) for _ in range(MOST + 1)))
    assert pair.knowing.is_short(other)


def test_each_client_of_a_proxy_has_heads_of_its_own(tmp_path: Path) -> None:
    """Whom a PROXY header names is no part of the head."""
    with counted(tmp_path, **{"source.proxy_protocol": "true"}) as gate:
        for reason, client in (("clean", ALLOWED), ("source_not_allowed", FOREIGN)) * 2:
            data = v1(client) + shaped(b"traceparent: *")
            assert gate.play(([data], 1), source=PROXY).reasons == [reason]
        before = gate.work
        steps = ([v1(ALLOWED) + shaped(b"traceparent: *")], 1), ([shaped(b"traceparent: *")], 1)
        assert gate.play(*steps, source=PROXY).reasons == ["clean"] * 2
        assert gate.work == before


@pytest.fixture(scope="module")
def by_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    """A gate that reads the client from a field that else is a trace id."""
    folder = tmp_path_factory.mktemp("by_ray")
    with counted(folder, **{"source.header": "cf-ray"}) as gate:
        yield gate


def test_the_field_that_names_the_client_never_varies(by_ray: Counted) -> None:
    """Not even one whose name is that of an id."""
    for reason, client in (("clean", ALLOWED), ("source_not_allowed", FOREIGN)) * 2:
        request = post(CLEAN, b"/", b"CF-Ray: " + client.encode(), b"traceparent: " + fresh())
        assert by_ray.play(([request], 1), source=PROXY).reasons == [reason]


def test_an_expression_is_made_once_for_a_name() -> None:
    """A sender can have as many made as there are names, however it spells them."""
    cutter = Cutter(make_config())
    assert cutter.meet([b"host", b"x-a"]) is None
    first = cutter.meet([b"host", b"cf-ray"])
    assert first is not None
    assert cutter.meet([b"cf-ray", b"x-b"]) is first is cutter.cut
    second = cutter.meet([b"b3", b"cf-ray"])
    assert second is not None
    assert second is not first
    assert second(b"POST\r\nCF-Ray: 1\r\nb3: 2") == [
        *(b"POST", b"\r\nCF-Ray: ", b"1", b"", b"\r\nb3: ", b"2", b""),
    ]


def test_nothing_of_the_fixed_names_is_read() -> None:
    assert not [name for name in TRACE_FIELDS if is_read(name)]
    assert len(set(TRACE_FIELDS)) == len(TRACE_FIELDS)


NAMES = ("traceparent", "Tracestate", "X-REQUEST-ID", "b3", "X-B3-TraceId", OWN, "X-Other")
VALUES = st.text("az09=-;, %\t\x7f\x00\xe9\n\r:*", max_size=8).map(
    lambda text: text.encode("latin-1")
)
PLAIN = st.text("az09=-;,%:", min_size=1, max_size=8).map(str.encode)
BASE = (b"Host: gate", b"Content-Type: application/json")
FRAMINGS = (b"Content-Length: %d" % len(CLEAN), b"Transfer-Encoding: chunked")


@st.composite
def dialogues(draw: st.DrawFn) -> list[bytes]:
    """Requests with lines of the same names in the same places, the values drawn anew for each."""
    chunks = draw(st.integers(0, 4)) == 0
    names = [name.encode() for name in draw(st.lists(st.sampled_from(NAMES), max_size=4))]
    lines = draw(st.permutations([*BASE, FRAMINGS[chunks], *names]))
    body = chunked(CLEAN).partition(b"\r\n\r\n")[2] if chunks else CLEAN
    colon = draw(st.sampled_from([b": "] * 4 + [b":", b":  ", b" : "]))
    requests = []
    for values in draw(
        st.lists(st.sampled_from([PLAIN, PLAIN, PLAIN, VALUES]), min_size=2, max_size=4)
    ):
        filled = [line if b":" in line else line + colon + draw(values) for line in lines]
        requests.append(b"\r\n".join((b"POST / HTTP/1.1", *filled)) + b"\r\n\r\n" + body)
    return requests


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
@given(
    requests=dialogues(),
    together=st.booleans(),
    place=st.integers(1, 400),
    source=st.sampled_from([ALLOWED, ALLOWED, FOREIGN]),
)
@settings(
    max_examples=many(40, fewest=10),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_head_means_what_it_means_when_it_is_parsed(
    pair: Twins, requests: list[bytes], together: bool, place: int, source: str
) -> None:
    """Each on a connection of its own; cut in two; behind each other."""
    last = requests[-1]
    place = place % (len(last) - 1) + 1
    steps: list[Step] = [([request], 1) for request in requests]
    steps.append(([last[:place], last[place:]], 1))
    if together:
        steps.append(([b"".join(requests)], len(requests)))
    for step in steps:
        if source == ALLOWED:
            pair.play(step)
        else:  # a flood of them has no records of their own
            plays = [gate.play(step, source=source) for gate in (pair.knowing, pair.forgetful)]
            assert plays[0].answers == plays[1].answers
            assert plays[0].upstream == plays[1].upstream == []
