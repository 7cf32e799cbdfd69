"""Targets travel verbatim, and a route matches no spelling but its own."""

from collections.abc import Iterator

import pytest

from support.events import CLEAN
from support.pair import Pair, paired
from support.raw import ask, post

TARGETS = [
    b"/",
    b"//cm/events",
    b"/cm//events",
    b"/cm/../cm/events",
    b"/cm/./events",
    b"/cm/events/",
    b"/cm/events%00",
    b"/cm/events%2e",
    b"/cm%2fevents",
    b"/cm/%65vents",
    b"/CM/EVENTS",
    b"/cm/events;a=b",
    b"/cm/events#fragment",
    b"/cm/events%3Fa=b",
    b"/cm\\events",
    b"/..",
    b"/%",
    b"/%zz",
]


@pytest.mark.parametrize("target", [*TARGETS, b"/cm/events?a=b#c?d", b"/?", b"//?//"])
def test_without_routes_every_target_travels_verbatim(pair: Pair, target: bytes) -> None:
    """Nothing is decoded, joined or resolved."""
    traces = pair.traces()
    assert ask(pair.port, post(CLEAN, target)).status == 200
    assert traces.seen[0].request_line == b"POST " + target + b" HTTP/1.1"


@pytest.fixture(scope="module")
def routed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("routed")
    (folder / "hookgate.toml").write_text('[[route]]\npath = "/cm/events"\n')
    with paired(folder) as running:
        yield running


@pytest.mark.parametrize("target", TARGETS)
def test_a_route_matches_no_spelling_but_its_own(routed: Pair, target: bytes) -> None:
    """Whatever another server might take for the path is 404 and goes nowhere."""
    traces = routed.traces()
    assert ask(routed.port, post(CLEAN, target)).status == 404
    assert traces.delivery()["reason"] == "path_not_routed"
    assert traces.untouched


@pytest.mark.parametrize("query", [b"", b"?", b"?a=b", b"?/../x", b"?%00", b"?a#b"])
def test_a_route_takes_any_query_and_the_record_none(routed: Pair, query: bytes) -> None:
    """The query travels verbatim and is never recorded."""
    traces = routed.traces()
    assert ask(routed.port, post(CLEAN, b"/cm/events" + query)).status == 200
    assert traces.seen[0].request_line == b"POST /cm/events" + query + b" HTTP/1.1"
    assert traces.delivery()["path"] == "/cm/events"
