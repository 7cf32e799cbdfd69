"""The body that reaches the upstream is the one that was judged, byte for byte."""

import json
from hashlib import sha256

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.events import RCS
from support.examples import many
from support.pair import Pair
from support.raw import chunked, connected, post

SPACE = st.text(" \t\r\n", max_size=3)
ESCAPES = st.sampled_from([r"\/", r"\"", r"\\", r"\b", r"\u00e9", r"\ud83d\ude00", r"\u0041"])
PIECES = st.one_of(ESCAPES, st.sampled_from(["a", " ", "/", "é", "\u2028", "\x7f", "😀", "K"]))
STRINGS = st.lists(PIECES, max_size=6).map(lambda pieces: '"' + "".join(pieces) + '"')
NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,9})(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,2})?", fullmatch=True
)
SCALARS = st.one_of(STRINGS, NUMBERS, st.sampled_from(["true", "false", "null", "1.0", "-0"]))


@st.composite
def arrays(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    items = draw(st.lists(values, max_size=4))
    return "[" + ",".join(draw(SPACE) + item + draw(SPACE) for item in items) + "]"


@st.composite
def objects(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    """Members whose names differ, spelt with and without escapes."""
    members = []
    for place, value in enumerate(draw(st.lists(values, max_size=4))):
        name = draw(st.sampled_from([f"k{place}", rf"\u006b{place}"]))
        members.append(f'{draw(SPACE)}"{name}"{draw(SPACE)}:{draw(SPACE)}{value}{draw(SPACE)}')
    return "{" + ",".join(members) + "}"


VALUES = st.recursive(SCALARS, lambda inner: st.one_of(arrays(inner), objects(inner)), max_leaves=9)


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """A clean event: its members in any order, among unknown ones, in any spelling of JSON."""
    known = [f'"{name}"{draw(SPACE)}:{json.dumps(value)}' for name, value in RCS.items()]
    unknown = [
        f'"x{place}":{value}' for place, value in enumerate(draw(st.lists(VALUES, max_size=4)))
    ]
    members = draw(st.permutations(known + unknown))
    text = "{" + ",".join(draw(SPACE) + member + draw(SPACE) for member in members) + "}"
    return (draw(SPACE) + text + draw(SPACE)).encode()


@given(body=events(), cuts=st.lists(st.integers(1, 400), max_size=5), by_chunks=st.booleans())
@settings(
    max_examples=many(80),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_upstream_gets_the_bytes_that_were_sent(
    pair: Pair, body: bytes, cuts: list[int], by_chunks: bool
) -> None:
    """White space, order, escapes and numbers arrive untouched, however the body was framed."""
    traces = pair.traces()
    parts: list[bytes] = []
    rest = body
    for cut in cuts:
        parts, rest = [*parts, rest[:cut]], rest[cut:]
    parts = [part for part in (*parts, rest) if part]
    with connected(pair.port) as client:
        if by_chunks:
            client.send(chunked(*parts))
        else:
            for part in (post(body).removesuffix(body), *parts):
                client.send(part)
        assert client.read().status == 200
    (seen,) = traces.seen
    assert seen.body == body
    assert traces.delivery()["sha256"] == sha256(body).hexdigest() == seen.digest
