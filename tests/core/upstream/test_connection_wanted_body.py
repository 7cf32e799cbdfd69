"""A 2xx that is wanted with its body comes whole, or as a failure that says that it came."""

import asyncio
import itertools
import socket
import threading

import pytest

from hookgate.policy import Reason
from hookgate.upstream.error import Failure, UpstreamError
from hookgate.upstream.response import Response
from support.exchanges import HURRIED, SETTINGS, Result, Sender, run
from support.faulty import answer_head
from support.scripted import answering, endless, read_request, scripted

HEAD = answer_head(b"201 Created", b"Content-Length: 2")
MOST = SETTINGS.max_response


def bodies(results: list[Result]) -> list[bytes]:
    return [result.body for result in results if isinstance(result, Response)]


def test_an_answer_that_is_known_has_its_body_for_who_wants_it(runner: asyncio.Runner) -> None:
    """On one connection, whoever asked for the same bytes first; and each its own."""
    sent = [b"ab", b"ab", b"ab", b"cd", b"ab", b"cd", b"cd"]
    wants = [False, True, False, True, False, False, True]
    turn = iter(sent)

    def act(connection: socket.socket) -> bool:
        read_request(connection)
        connection.sendall(HEAD + next(turn))
        return True

    async def play(sender: Sender) -> list[Result]:
        results = [await sender.begin(relays=relays) for relays in wants]
        assert upstream.connections == 1
        assert sender.upstream.known.keys() == {HEAD + b"ab", HEAD + b"cd"}
        return results

    with scripted(act) as upstream:
        results = run(runner, upstream.url, play)
    assert bodies(results) == [b if relays else b"" for b, relays in zip(sent, wants, strict=True)]


def test_a_wanted_answer_teaches_nothing(runner: asyncio.Runner) -> None:
    """What is known are answers to who wants no body."""

    async def play(sender: Sender) -> list[Result]:
        results = [await sender.begin(relays=True) for _ in range(3)]
        assert sender.upstream.known == {}
        assert upstream.connections == 1
        return results

    with scripted(answering(HEAD + b"ab", stay=True)) as upstream:
        assert bodies(run(runner, upstream.url, play)) == [b"ab"] * 3


async def head_has_come(sender: Sender) -> None:
    """The head of an answer whose body is still to come."""
    async with asyncio.timeout(5):
        while not any(c._reader.head_complete for c in sender.upstream._connected):  # noqa: ASYNC110  # nothing tells
            await asyncio.sleep(0.001)


def test_it_is_told_when_it_is_whole_and_not_before(runner: asyncio.Runner) -> None:
    """Who wants no body is told at the head."""
    rest = threading.Event()

    def act(connection: socket.socket) -> bool:
        read_request(connection)
        connection.sendall(HEAD + b"a")
        assert rest.wait(10)
        connection.sendall(b"b")
        return False

    async def play(sender: Sender) -> None:
        wanting = sender.begin(relays=True)
        await head_has_come(sender)
        assert bodies([await sender.begin()]) == [b""]
        assert not wanting.done()
        rest.set()
        assert bodies([await wanting]) == [b"ab"]

    with scripted(act) as upstream:
        run(runner, upstream.url, play)


FAILING = {
    "closed": (answering(HEAD + b"a"), UpstreamError.CLOSED_EARLY),
    "reset": (answering(HEAD + b"a", reset_after=True), UpstreamError.RESET),
    "without end": (endless(answer_head(b"201 Created"), piece=b"abc"), UpstreamError.TOO_LARGE),
    "of a length beyond the bound": (
        answering(answer_head(b"201 Created", b"Content-Length: %d" % (MOST + 1)), stay=True),
        UpstreamError.TOO_LARGE,
    ),
    "no chunk": (
        answering(answer_head(b"201 Created", b"Transfer-Encoding: chunked") + b"x\r\n", stay=True),
        UpstreamError.NOT_HTTP,
    ),
    "that stops": (answering(HEAD + b"a", stay=True), UpstreamError.TIMEOUT_ANSWER),
}


@pytest.mark.parametrize("name", FAILING)
def test_one_that_is_not_whole_says_that_the_event_arrived(
    runner: asyncio.Runner, name: str
) -> None:
    """By its status; its connection is not used again."""
    act, error = FAILING[name]
    settings = HURRIED if error is UpstreamError.TIMEOUT_ANSWER else SETTINGS

    async def play(sender: Sender) -> list[Failure]:
        assert isinstance(await sender.begin(relays=True), Reason)
        return sender.failures

    with scripted(act) as upstream:
        (failed,) = run(runner, upstream.url, play, settings)
    assert (failed.error, failed.status) == (error, 201)


@pytest.mark.parametrize(
    "before", [b"", b"HTTP/1.1 20", answer_head(b"103 Hints"), b"HTTP/2 200 OK\r\n\r\n"]
)
def test_without_a_head_nothing_says_so(runner: asyncio.Runner, before: bytes) -> None:
    """Also behind a 2xx of another exchange on the same connection."""
    acts = itertools.chain(
        [answering(HEAD + b"ab", stay=True)], itertools.repeat(answering(before))
    )

    async def play(sender: Sender) -> list[Failure]:
        assert bodies([await sender.begin(relays=True)]) == [b"ab"]
        assert await sender.begin(relays=True) is Reason.UPSTREAM_INVALID
        return sender.failures

    with scripted(lambda connection: next(acts)(connection)) as upstream:
        (failed,) = run(runner, upstream.url, play)
    assert failed.status == 0


def test_one_that_is_cut_off_by_the_end_of_the_pool_says_so(runner: asyncio.Runner) -> None:
    """hookgate stops while the body is on its way."""

    async def play(sender: Sender) -> list[Failure]:
        future = sender.begin(relays=True)
        await head_has_come(sender)
        await sender.upstream.close()
        assert await future is Reason.UPSTREAM_TIMEOUT
        return sender.failures

    with scripted(answering(HEAD + b"a", stay=True)) as upstream:
        (failed,) = run(runner, upstream.url, play)
    assert (failed.error, failed.status) == (UpstreamError.CUT_OFF, 201)
