"""On a route that relays, the endpoint's own 2xx goes back; on another exactly 200 and nothing."""

from collections.abc import Iterator

import pytest

from support.mitmdump import Mitmdump, mitmdump
from support.relays import ANSWERS, check_both_routes, relaying_pair
from support.scripted import Scripted

Pair = tuple[Mitmdump, Scripted]


@pytest.fixture(scope="module")
def relaying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with relaying_pair(mitmdump, tmp_path_factory.mktemp("relay")) as pair:
        yield pair


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda name: name)
def test_what_the_endpoint_answers_decides(relaying: Pair, answer: str) -> None:
    """Whole it goes back; cut, broken, late or too large it is a 502 that is delivered."""
    gate, upstream = relaying
    check_both_routes(ANSWERS[answer], gate.port, upstream, gate.wait_for_deliveries)
