"""Whole answers that an upstream gave before are not parsed again, and nobody can tell."""

import asyncio
import itertools
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookgate.policy import Reason
from hookgate.upstream.connection import UpstreamConnection
from hookgate.upstream.response import Response, ResponseReader
from support.examples import many
from support.exchanges import BODY, HEAD, HURRIED, SETTINGS, Handler, Result, Sender, run, timed
from support.faulty import answer_head
from support.scripted import Act, answering, read_request, scripted, slowly

DEADLINE, SLACK = HURRIED.timeout, 4.0
MOST, LONGEST = 64, 1024
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
EMPTY = answer_head(b"200 OK", b"Content-Length: 0")
CLOSE = answer_head(b"200 OK", b"Content-Length: 0", b"Connection: close")
CODED = answer_head(b"200 OK", b"Transfer-Encoding: chunked") + b"2\r\nok\r\n0\r\n\r\n"
CONTINUE = answer_head(b"100 Continue")
# Seconds: what was sent is read within them.
PATIENCE = 2


class Reads(list[bytes]):
    """What connections parsed; `received` is how often they read anything."""

    received = 0


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """What any connection parses from now on."""
    found = Reads()
    feed, receive = ResponseReader.feed, UpstreamConnection.data_received

    def feeding(reader: ResponseReader, data: bytes) -> bool:
        found.append(data)
        return feed(reader, data)

    def receiving(connection: UpstreamConnection, data: bytes) -> None:
        receive(connection, data)
        found.received += 1

    monkeypatch.setattr(ResponseReader, "feed", feeding)
    monkeypatch.setattr(UpstreamConnection, "data_received", receiving)
    return found


def in_turn(*acts: Act) -> Act:
    """The first request gets the first act, and so on; the last one serves all further ones."""
    turns = itertools.chain(acts, itertools.repeat(acts[-1]))
    return lambda connection: next(turns)(connection)


def apart(reads: Reads, *parts: bytes) -> Act:
    """Send each part when the one before it was read, or will not be; then stay."""

    def act(connection: socket.socket) -> bool:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        read_request(connection)
        for place, part in enumerate(parts):
            before, latest = reads.received, time.monotonic() + PATIENCE
            connection.sendall(part)
            while place + 1 < len(parts) and reads.received == before and time.monotonic() < latest:
                if has_left(connection):
                    break
                time.sleep(0.0005)
        return True

    return act


def has_left(connection: socket.socket) -> bool:
    """Whether the other side has closed."""
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def whole(answer: bytes) -> Act:
    return answering(answer, stay=True)


async def exchanges(sender: Sender, count: int) -> list[Result]:
    return [await sender.begin() for _ in range(count)]


async def until(condition: Callable[[], bool]) -> None:
    """Return when it is true; fail where it is not soon."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # nothing tells
            await asyncio.sleep(0.001)


async def rested(sender: Sender) -> None:
    """What was to come behind the head that decides has come: no connection is in use."""
    await until(lambda: sender.upstream._open == len(sender.upstream._idle))


async def lost(sender: Sender) -> None:
    """Every connection is gone."""
    await until(lambda: sender.upstream._open == 0)


def statuses(results: Sequence[Result]) -> list[int | str]:
    return [r.status if isinstance(r, Response) else r.code for r in results]


LONG = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
LEARNT = {
    "plain": OK,
    "empty": EMPTY,
    "no content": answer_head(b"204 No Content"),
    "chunked": CODED,
    "a 100 before": CONTINUE + OK,
    "hints before": answer_head(b"103 Early Hints", b"Link: a") + EMPTY,
    "created": answer_head(b"201 Created", b"Location: /x", b"Content-Length: 0"),
    "the longest": LONG % 984 + bytes(984),
    "HTTP/1.0 that stays": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"
    ),
}
assert len(LEARNT["the longest"]) == LONGEST


@pytest.mark.parametrize("answer", LEARNT.values(), ids=LEARNT.keys())
def test_a_whole_answer_is_parsed_once(runner: asyncio.Runner, reads: Reads, answer: bytes) -> None:
    """On one connection or on many."""

    async def play(sender: Sender) -> list[Result]:
        results = await exchanges(sender, 5)
        assert upstream.connections == 1
        return results + await asyncio.gather(*(sender.begin() for _ in range(4)))

    with scripted(whole(answer)) as upstream:
        results = run(runner, upstream.url, play)
    assert all(result == results[0] for result in results)
    assert isinstance(results[0], Response)
    assert reads == [answer]


NEVER_LEARNT = {
    "close": CLOSE,
    "longer": LONG % 985 + bytes(985),
    "a refusal": answer_head(b"409 Conflict", b"Content-Length: 2") + b"no",
    "a redirection": answer_head(b"302 Found", b"Location: /", b"Content-Length: 0"),
    "a fault": answer_head(b"500 Oh", b"Content-Length: 2") + b"oh",
    "unavailable": answer_head(b"503 Later", b"Retry-After: 1", b"Content-Length: 0"),
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "one byte too many": OK + b"x",
    "an empty line behind": OK + b"\r\n",
    "a second answer": OK + OK,
    "a second head": EMPTY + b"HTTP/1.1 2",
    "an end missing": answer_head(b"200 OK"),
    "a broken chunk": answer_head(b"200 OK", b"Transfer-Encoding: chunked") + b"zz\r\n",
}


@pytest.mark.parametrize("answer", NEVER_LEARNT.values(), ids=NEVER_LEARNT.keys())
def test_others_are_parsed_each_time(runner: asyncio.Runner, reads: Reads, answer: bytes) -> None:
    """What closes, is too long, is no success, or is more or less than one answer."""

    async def play(sender: Sender) -> None:
        first, *others = await exchanges(sender, 4)
        assert isinstance(first, Response)
        assert others == [first] * 3
        assert sender.upstream.known == {}

    def act(connection: socket.socket) -> bool:
        answering(answer)(connection)
        return True

    with scripted(act) as upstream:
        run(runner, upstream.url, play)
    assert reads == [answer] * 4


def test_a_known_answer_may_be_cut_anywhere(runner: asyncio.Runner, reads: Reads) -> None:
    """Two reads are parsed both, and the connection is good for the next exchange."""

    async def play(sender: Sender) -> None:
        for _ in range(2 * len(OK)):
            assert await sender.begin() == Response(200, [(b"Content-Length", b"2")], b"")
            await rested(sender)
        assert upstream.connections == 1

    acts = [whole(OK)]
    for place in range(1, len(OK)):
        acts += [apart(reads, OK[:place], OK[place:]), whole(OK)]
    with scripted(in_turn(*acts)) as upstream:
        run(runner, upstream.url, play)
    cut = [part for place in range(1, len(OK)) for part in (OK[:place], OK[place:])]
    assert reads == [OK, *cut]


@pytest.mark.parametrize("more", [b"x", b"\r\nx", OK, EMPTY[:20], b"\0"])
def test_more_than_a_known_answer_costs_the_connection(
    runner: asyncio.Runner, reads: Reads, more: bytes
) -> None:
    """In the same read it is parsed; the next exchange has a connection of its own."""

    async def play(sender: Sender) -> None:
        for turn in range(1, 4):
            assert statuses(await exchanges(sender, 3)) == [200] * 3
            assert upstream.connections == turn + 1
        assert sender.upstream.known.keys() == {OK}

    acts = itertools.cycle([whole(OK), whole(OK + more), whole(OK)])
    with scripted(lambda connection: next(acts)(connection)) as upstream:
        run(runner, upstream.url, play)
    assert reads == [OK, *[OK + more] * 3]


@pytest.mark.parametrize("more", [b"x", OK, EMPTY, b"\r\n", b"HTTP/1.1 500 No\r\n\r\n"])
def test_what_comes_unasked_is_nobodys_answer(
    runner: asyncio.Runner, reads: Reads, more: bytes
) -> None:
    """Behind a known answer, in a read of its own: the connection is closed, unparsed."""

    async def play(sender: Sender) -> None:
        for turn in range(1, 5):
            assert statuses(await exchanges(sender, 1)) == [200]
            await lost(sender)
            assert upstream.connections == turn
        assert len(sender.results) == 4

    with scripted(apart(reads, OK, more)) as upstream:
        run(runner, upstream.url, play)
    assert reads == [OK]


def test_an_answer_to_head_is_not_taken_for_another(runner: asyncio.Runner, reads: Reads) -> None:
    """It has no body, whatever length it names; the same bytes elsewhere are but a beginning."""
    start, rest = OK[:-2], OK[-2:]

    async def head(sender: Sender) -> Result:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        request = HEAD.replace(b"POST", b"HEAD").replace(b": 2", b": 0")
        sender.upstream.send(request, Handler(future.set_result))
        return await future

    async def play(sender: Sender) -> None:
        for turn in (1, 2, 3):
            assert statuses([await head(sender)]) == [200]
            assert upstream.connections == turn
        assert sender.upstream.known == {}
        for _ in range(3):
            assert statuses([await sender.begin()]) == [200]
            await rested(sender)
            assert upstream.connections == 4
        assert statuses([await sender.begin()]) == [200]
        assert sender.upstream.known.keys() == {OK}
        # The answer to a POST, to HEAD: two bytes too many, as they would be of any.
        assert statuses([await head(sender)]) == [200]
        await lost(sender)

    acts = in_turn(*[whole(start)] * 3, *[apart(reads, start, rest)] * 3, whole(OK))
    with scripted(acts) as upstream:
        run(runner, upstream.url, play)
    assert reads == [*[start] * 3, *[start, rest] * 3, OK, OK]


def test_a_known_answer_behind_a_100_is_parsed(runner: asyncio.Runner, reads: Reads) -> None:
    """The read before it belongs to the same answer."""

    async def play(sender: Sender) -> None:
        assert statuses(await exchanges(sender, 6)) == [200] * 6
        assert upstream.connections == 1

    acts = [whole(OK), apart(reads, CONTINUE, OK), whole(OK), whole(CONTINUE + OK)]
    with scripted(in_turn(*acts)) as upstream:
        run(runner, upstream.url, play)
    assert reads == [OK, CONTINUE, OK, CONTINUE + OK]


def test_so_many_answers_are_known_at_most(runner: asyncio.Runner, reads: Reads) -> None:
    """One more, and they are learnt anew; each of them means what it meant."""
    first, *others = [
        answer_head(b"200 OK", b"Content-Length: 0", b"A: %d" % number)
        for number in range(MOST + 1)
    ]
    script = [first, *others, *others, *others, first, *others]

    async def play(sender: Sender) -> None:
        for answer in script:
            result = await sender.begin()
            assert isinstance(result, Response)
            assert result.fields[1][1] == answer.rpartition(b" ")[2].strip()
            assert len(sender.upstream.known) <= MOST
        assert upstream.connections == 1

    with scripted(in_turn(*map(whole, script))) as upstream:
        run(runner, upstream.url, play)
    # The last one had driven out the others; and so had the first when it came again.
    assert reads == [first, *others, *others[:-1], first, *others]


def test_other_answers_between_known_ones_are_their_own(
    runner: asyncio.Runner, reads: Reads
) -> None:
    """A refusal has its fields and its body, however many successes were not parsed before it."""
    refused = answer_head(b"409 Conflict", b"A: 1", b"Content-Length: 2") + b"no"
    expected = Response(409, [(b"A", b"1"), (b"Content-Length", b"2")], b"no")

    async def play(sender: Sender) -> None:
        for _ in range(3):
            assert statuses(await exchanges(sender, 3)) == [200] * 3
            assert await sender.begin() == expected
        assert upstream.connections == 1

    acts = itertools.cycle([*[whole(OK)] * 3, whole(refused)])
    with scripted(lambda connection: next(acts)(connection)) as upstream:
        run(runner, upstream.url, play)
    assert reads == [OK, *[refused] * 3]


@pytest.mark.parametrize(
    "late",
    [answering(stay=True), answering(OK[:12], stay=True), slowly(OK, 0.05), whole(CONTINUE)],
    ids=["silent", "stops", "drips", "goes on for ever"],
)
def test_the_deadline_holds_behind_known_answers(runner: asyncio.Runner, late: Act) -> None:
    """Time runs for each exchange anew, and a late one takes its connection with it."""

    async def play(sender: Sender) -> None:
        assert statuses(await exchanges(sender, 3)) == [200] * 3
        with timed(DEADLINE - 0.05, DEADLINE + SLACK):
            assert await sender.begin() is Reason.UPSTREAM_TIMEOUT
        assert not sender.upstream.busy
        assert statuses(await exchanges(sender, 3)) == [200] * 3
        assert upstream.connections == 2

    with scripted(in_turn(*[whole(OK)] * 3, late, whole(OK))) as upstream:
        run(runner, upstream.url, play, HURRIED)


def test_a_known_answer_ends_its_deadline(runner: asyncio.Runner) -> None:
    """A connection that rests between known answers is not cut by the time of the last."""

    async def play(sender: Sender) -> None:
        for _ in range(4):
            assert statuses(await exchanges(sender, 2)) == [200] * 2
            await asyncio.sleep(0.55)
        assert upstream.connections == 1

    with scripted(whole(OK)) as upstream:
        run(runner, upstream.url, play, replace(SETTINGS, timeout=0.5))


def test_a_known_answer_that_drips_is_read_to_its_end(runner: asyncio.Runner, reads: Reads) -> None:
    """Byte by byte and in time it is an answer like any, and its connection stays."""

    async def play(sender: Sender) -> None:
        for _ in range(3):
            assert statuses(await exchanges(sender, 1)) == [200]
            await rested(sender)
        assert upstream.connections == 1

    with scripted(in_turn(whole(OK), slowly(OK, 0.002), whole(OK))) as upstream:
        run(runner, upstream.url, play)
    assert b"".join(reads) == OK * 2
    assert len(reads) > 3


def test_a_known_answer_before_all_is_sent_costs_the_connection(
    runner: asyncio.Runner, reads: Reads
) -> None:
    """It was not read whole, and what was not written would be taken for the next request."""

    def early(connection: socket.socket) -> bool:
        connection.recv(1000)
        connection.sendall(OK)
        connection.settimeout(1)
        while connection.recv(1 << 20):
            pass
        return False

    async def play(sender: Sender) -> None:
        assert statuses(await exchanges(sender, 2)) == [200] * 2
        assert statuses([await sender.begin(bytes(32 << 20))]) == ["upstream_invalid"]
        assert statuses(await exchanges(sender, 2)) == [200] * 2
        assert upstream.connections == 2

    with scripted(in_turn(*[whole(OK)] * 2, early, whole(OK))) as upstream:
        run(runner, upstream.url, play, replace(SETTINGS, timeout=5.0))
    assert reads == [OK]


def test_each_upstream_knows_its_own_answers(runner: asyncio.Runner, reads: Reads) -> None:
    """Another one, as after a reload, begins with none."""

    async def play(sender: Sender) -> None:
        assert statuses(await exchanges(sender, 2)) == [200] * 2

    with scripted(whole(OK)) as upstream:
        run(runner, upstream.url, play)
        run(runner, upstream.url, play)
    assert reads == [OK, OK]


ANSWERS = [
    *LEARNT.values(),
    OK,
    OK,
    NEVER_LEARNT["close"],
    NEVER_LEARNT["longer"],
    NEVER_LEARNT["a refusal"],
    NEVER_LEARNT["a fault"],
    NEVER_LEARNT["one byte too many"],
    NEVER_LEARNT["a second answer"],
    CONTINUE * 3 + EMPTY,
    answer_head(b"101 Switching Protocols", b"Upgrade: x", b"Connection: upgrade"),
    b"garbage\r\n\r\n",
    answer_head(b"200 OK", b"Content-Length: 2", b"Content-Length: 3") + b"ok",
    OK.replace(b"\r\n", b"\n"),
    OK.replace(b"200", b"099"),
    answer_head(b"409 Conflict", b"Transfer-Encoding: chunked") + b"2\r\nno\r\n0\r\n\r\n",
]


# Without it, the length of an example would be told instead of what went wrong with it.
@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
@given(
    script=st.lists(
        st.tuples(st.sampled_from(ANSWERS), st.lists(st.integers(1, 1100), max_size=2)),
        min_size=1,
        max_size=8,
    )
)
@settings(
    max_examples=many(20, fewest=10),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_an_upstream_means_the_same_however_much_of_it_is_known(
    runner: asyncio.Runner, reads: Reads, script: list[tuple[bytes, list[int]]]
) -> None:
    """Results, connections and what is left of them: with nothing known and with all."""

    async def play(sender: Sender) -> list[tuple[Result, int, int]]:
        seen: list[tuple[Result, int, int]] = []
        for _ in acts:
            result = await sender.begin(BODY)
            await until(lambda: len(sent) == len(seen) + 1)
            await rested(sender)
            await asyncio.sleep(0.002)  # for what came unasked
            seen.append((result, upstream.connections, sender.upstream._open))
            assert len(sender.results) == len(seen)
        return seen

    async def forgetting(sender: Sender) -> list[tuple[Result, int, int]]:
        sender.upstream.known.remember = lambda *_: None  # type: ignore[method-assign]  # as if never seen
        return await play(sender)

    acts = []
    for answer, cuts in script * 2:
        edges = sorted({0, len(answer), *(place % len(answer) for place in cuts)})
        acts.append(apart(reads, *(answer[a:b] for a, b in itertools.pairwise(edges))))
    told = []
    for way in (play, forgetting):
        sent: list[None] = []
        turns = in_turn(*acts)

        def act(connection: socket.socket) -> bool | None:
            try:
                return turns(connection)  # noqa: B023  # called while this turn lasts
            finally:
                sent.append(None)  # noqa: B023

        with scripted(act) as upstream:
            told.append(run(runner, upstream.url, way))
    assert told[0] == told[1]
