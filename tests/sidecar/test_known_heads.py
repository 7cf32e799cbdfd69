"""A head that passed before is not parsed again, and nobody can tell."""

import time
from collections.abc import Iterator

import pytest

from support.events import CLEAN, event
from support.raw import chunked, connected, post
from support.sidecar import FOREIGN
from support.twins import Step, Twins, twins

KNOWN = post(CLEAN)
HEAD = KNOWN.removesuffix(CLEAN)
SIZE = len(CLEAN)
LONGEST = 2048
OTHER = "127.0.0.11"

assert len(HEAD) + SIZE == len(KNOWN)


def filled(body: bytes) -> bytes:
    """As long as the clean event."""
    assert len(body) <= SIZE
    return body.ljust(SIZE)


def headed(length: int) -> bytes:
    """A clean event whose head is as long."""
    filler = length - len(post(CLEAN, b"/", b"X-A: ")) + SIZE
    return post(CLEAN, b"/", b"X-A: " + b"a" * filler)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    keys = {"source.allow": f"127.0.0.10,{OTHER}", "request.max_body": "2KiB"}
    with twins(tmp_path_factory.mktemp("twins"), **keys) as both:
        both.learn(KNOWN)
        yield both


def version_1_0(request: bytes) -> bytes:
    return request.replace(b"HTTP/1.1", b"HTTP/1.0", 1)


CLOSING = post(CLEAN, b"/", b"Connection: close")
ALIVE = b"Connection: keep-alive"
LEARNT = {
    "plain": post(CLEAN, b"/plain"),
    "body refused": post(b"[1,", b"/refused"),
    "HTTP/1.0 that stays": version_1_0(post(CLEAN, b"/", ALIVE)),
    "keep-alive said": post(CLEAN, b"/said", ALIVE),
    "nothing for a body": post(b"", b"/nothing"),
    "an expectation, its body with it": post(CLEAN, b"/", b"Expect: 100-continue"),
    "an empty line before": b"\r\n" + post(CLEAN, b"/line"),
    "the longest": headed(LONGEST),
    "obsolete text": post(CLEAN, b"/", b"X-A: \xe9\xff"),
    "the largest body": post(CLEAN.ljust(2048), b"/largest"),
}
NEVER_LEARNT = {
    "HTTP/1.0": version_1_0(post(CLEAN)),
    "close": CLOSING,
    "chunked": chunked(CLEAN),
    "no length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\r\n",
    "no length, no body": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "an expectation, no body": post(b"", b"/", b"Expect: 100-continue"),
    "an empty line behind": post(CLEAN, b"/behind") + b"\r\n",
    "two empty lines before": b"\r\n\r\n" + post(CLEAN, b"/lines"),
    "longer": headed(LONGEST + 1),
    "head refused": post(CLEAN).replace(b"json", b"xml!"),
    "method refused": post(CLEAN).replace(b"POST", b"PUT"),
    "a body too large": post(CLEAN.ljust(2049), b"/larger"),
    "a length twice": post(CLEAN, b"/", b"Content-Length: %d" % SIZE),
    "garbage": b"\xff\xfe\r\n\r\n",
    "a line feed before": b"\n" + post(CLEAN, b"/feed"),
    "two spaces": post(CLEAN, b" /spaces"),
    "a signature": post(CLEAN, b"/", b"Webhook-Signature: v1,a"),
    "another protocol": post(CLEAN, b"/protocol").replace(b"HTTP/1.1", b"RTSP/1.0"),
    "a bare line feed": post(CLEAN).replace(b"Host: gate\r", b"Host: gate"),
}


@pytest.mark.parametrize("request_", LEARNT.values(), ids=LEARNT.keys())
def test_a_head_that_passed_is_known_the_second_time(pair: Twins, request_: bytes) -> None:
    """Neither parsed nor screened, on any connection, and seen by nobody."""
    before = pair.knowing.work, pair.forgetful.work
    first = pair.play(([request_], 1))
    assert pair.knowing.work > before[0]
    before = pair.knowing.work, pair.forgetful.work
    assert pair.play(([request_], 1), ([request_], 1)).answers == first.answers * 2
    assert pair.knowing.work == before[0]
    assert pair.forgetful.work > before[1]


@pytest.mark.parametrize("request_", NEVER_LEARNT.values(), ids=NEVER_LEARNT.keys())
def test_another_is_parsed_each_time(pair: Twins, request_: bytes) -> None:
    """What did not pass, ends its connection, is framed in another way or is too long."""
    first = pair.play(([request_], 1))
    for _ in range(2):
        before = pair.knowing.work
        assert pair.play(([request_], 1)) == first
        assert pair.knowing.work > before


BEHIND = {
    "itself": (KNOWN, 1),
    "chunks": (chunked(CLEAN), 1),
    "a refused one": (KNOWN.replace(b"json", b"xml!"), 1),
    "a refused body": (post(b"[1"), 1),
    "two at once": (KNOWN * 2, 2),
    "HTTP/1.0": (version_1_0(post(CLEAN, b"/", ALIVE)), 1),
    "nothing for a body": (post(b""), 1),
}
BODIES = {
    "broken": (CLEAN[:-1] + b"]", "malformed_json"),
    "another event": (filled(event(groupings=...)), "clean"),
    "against the contract": (filled(event(timeUtc="yesterday")), "contract_violation"),
    "empty lines": ((b"\r\n" * SIZE)[:SIZE], "malformed_json"),
    "an empty line first": (b"\r\n\r\n" + CLEAN[4:], "malformed_json"),
    "an empty line last": (filled(b"{}")[:-4] + b"\r\n\r\n", "contract_violation"),
    "a whole request": (filled(post(b"{}")), "malformed_json"),
    "the known head": (filled(HEAD), "malformed_json"),
    "no UTF-8": (b"\xff" * SIZE, "not_utf8"),
    "a name twice": (filled(b'{"a":1,"a":1}'), "duplicate_key"),
    "zeros": (bytes(SIZE), "malformed_json"),
}


@pytest.mark.parametrize(("data", "answers"), BEHIND.values(), ids=BEHIND.keys())
def test_a_known_one_may_come_behind_another(pair: Twins, data: bytes, answers: int) -> None:
    """Wherever the parser stands between two messages; and others may come behind it."""
    first: Step = [data], answers
    known: Step = [KNOWN], 1
    pair.play(first)
    before = pair.knowing.work
    pair.play(first)
    alone = pair.knowing.work - before
    assert pair.play(first, known, first, known).statuses[-1] == 200
    assert pair.knowing.work - before == 3 * alone


@pytest.mark.parametrize("line", [b"\r\n", b"\r\n\r\n"], ids=["one line", "two"])
def test_a_known_one_behind_an_empty_line_is_parsed(pair: Twins, line: bytes) -> None:
    """Whichever read the line came with, it belongs to the head behind it."""
    trace = pair.play(([line], 0), ([KNOWN], 1), ([KNOWN + line], 1), ([KNOWN], 1), ([KNOWN], 1))
    assert trace.statuses == [200] * 4


@pytest.mark.parametrize("behind", [b"", KNOWN], ids=["first", "second"])
@pytest.mark.parametrize("junk", [b"\r", b"\n", b"\r\n\r", b"\r\n\n", b"\n\r\n"])
def test_a_known_one_behind_half_a_line_end_is_broken(
    pair: Twins, behind: bytes, junk: bytes
) -> None:
    """The bytes before it, in a read of their own, are read with it."""
    before = [([behind], 1)] if behind else []
    trace = pair.play(*before, ([junk], 0), ([KNOWN], 1))
    assert trace.statuses == [200] * len(before) + [400]
    assert trace.reasons[-1] == "malformed_http"


@pytest.mark.parametrize(("body", "reason"), BODIES.values(), ids=BODIES.keys())
def test_every_body_behind_a_known_head_is_judged(pair: Twins, body: bytes, reason: str) -> None:
    """It is as long as declared, and that is all that is known of it."""
    before = pair.knowing.work
    trace = pair.play(([HEAD + body], 1), ([KNOWN], 1))
    assert pair.knowing.work == before
    assert trace.reasons == [reason, "clean"]
    assert [sent for _, sent in trace.upstream] == [body, CLEAN][reason != "clean" :]


APART = {
    "two in one read": ([KNOWN + KNOWN], 2),
    "three in one read": ([KNOWN * 3], 3),
    "one and a half": ([KNOWN + KNOWN[:50], KNOWN[50:]], 2),
    "half and one": ([KNOWN[:-9], KNOWN[-9:] + KNOWN], 2),
    "its rest later": ([KNOWN[:-1], KNOWN[-1:]], 1),
    "its body later": ([HEAD, CLEAN], 1),
    "its body byte by byte": ([HEAD, *(CLEAN[i : i + 1] for i in range(SIZE))], 1),
    "one byte too few": ([KNOWN[:-1]], 0),
    "its head alone": ([HEAD], 0),
    "one byte too many": ([KNOWN + b"P"], 1),
    "an empty line too many": ([KNOWN + b"\r\n"], 1),
    "garbage behind": ([KNOWN + b"\xff\xfe\r\n\r\n"], 2),
    "garbage behind, then another": ([KNOWN + b"\xff\r\n\r\n" + KNOWN], 2),
    "an empty line before": ([b"\r\n" + KNOWN], 1),
    "two empty lines before": ([b"\r\n\r\n" + KNOWN], 1),
    "an empty line before and as much less behind": ([b"\r\n" + KNOWN[:-2]], 0),
    "one that closes behind": ([KNOWN + CLOSING], 2),
    "behind one that closes": ([CLOSING + KNOWN], 1),
    "behind a refused one": ([KNOWN.replace(b"json", b"xml!") + KNOWN], 2),
    "another length": ([HEAD.replace(b"%d" % SIZE, b"%d" % (SIZE - 1)) + CLEAN], 2),
    "another host": ([KNOWN.replace(b"gate", b"gaTe")], 1),
    "a space more": ([HEAD.replace(b": gate", b":  gate") + CLEAN], 1),
    "bare line feeds": ([HEAD.replace(b"\r\n", b"\n") + CLEAN], 1),
}


@pytest.mark.parametrize("step", APART.values(), ids=APART.keys())
def test_what_is_not_one_whole_known_request_is_parsed(pair: Twins, step: Step) -> None:
    """More or less than one in a read, or other bytes."""
    before = pair.knowing.work
    assert len(pair.play(step).answers) == step[1]
    assert pair.knowing.work > before
    assert pair.knowing.is_short(KNOWN)


def test_a_known_request_may_be_cut_anywhere(pair: Twins) -> None:
    """In its head, between head and body, in its body."""
    for place in range(1, len(KNOWN)):
        trace = pair.knowing.play(([KNOWN[:place], KNOWN[place:]], 1))
        assert trace.reasons == ["clean"], place
        assert [body for _, body in trace.upstream] == [CLEAN]


def test_an_empty_line_belongs_to_the_head_that_is_learnt(pair: Twins) -> None:
    """With it and without it are two heads."""
    request = post(CLEAN, b"/own")
    assert not pair.knowing.is_short(b"\r\n" + request)
    assert not pair.knowing.is_short(request)
    assert pair.knowing.is_short(b"\r\n" + request)
    assert pair.knowing.is_short(request)
    assert not pair.knowing.is_short(b"\r\n\r\n" + request)


def test_a_stranger_is_refused_by_a_head_that_passes(pair: Twins) -> None:
    """The same bytes from two addresses, in turn: neither learns from the other."""
    for _ in range(3):
        trace = pair.play(([KNOWN], 1), source=FOREIGN)
        assert (trace.statuses, trace.answers[0][2]) == ([403], b"")
        assert trace.reasons == ["source_not_allowed"]
        assert pair.play(([KNOWN], 1)).reasons == ["clean"]
    assert pair.knowing.is_short(KNOWN, FOREIGN)
    assert pair.knowing.is_short(KNOWN)


STRANGE = {
    "clean": KNOWN,
    "a broken body": HEAD + CLEAN[:-1] + b"]",
    "no body": post(b"", b"/"),
    "an expectation of nothing": post(b"", b"/", b"Expect: 100-continue"),
    "an expectation, its body with it": post(CLEAN, b"/", b"Expect: 100-continue"),
    "HTTP/1.0 that stays": version_1_0(post(CLEAN, b"/", ALIVE)),
    "a body too large": post(CLEAN.ljust(3000), b"/"),
    "a method refused to others": post(CLEAN).replace(b"POST", b"PUT"),
    "an answer without a body anyway": b"HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    "an empty line before": b"\r\n" + KNOWN,
}


@pytest.mark.parametrize("request_", STRANGE.values(), ids=STRANGE.keys())
def test_a_stranger_is_told_the_same_each_time(pair: Twins, request_: bytes) -> None:
    """Nothing but the status, whether its head is known or not; and what follows is read."""
    time.sleep(0.3)  # those beyond fifty in a second have no record of their own
    first = pair.play(([request_], 1), source=FOREIGN)
    assert first.statuses == [403]
    before = pair.knowing.work
    again = pair.play(([request_], 1), ([request_], 1), source=FOREIGN)
    assert pair.knowing.work == before
    assert again.answers == first.answers * 2
    assert again.records == first.records * 2
    pair.play(([request_ + KNOWN], 2), ([request_[:-1], request_[-1:]], 0), source=FOREIGN)


def test_a_stranger_that_counts_in_chunks_is_parsed_each_time(pair: Twins) -> None:
    """A head without a length says nothing of where its body ends; its connection ends."""
    whole, short = chunked(CLEAN), chunked(CLEAN[:100])
    ends_sooner = short + KNOWN[: len(whole) - len(short)]
    ends_later = chunked(CLEAN * 2)[: len(whole)]
    time.sleep(0.3)
    for data in (whole, ends_sooner, ends_later, whole):
        assert len(data) == len(whole)
        before = pair.knowing.work
        trace = pair.play(([data], 1), source=FOREIGN)
        assert trace.statuses == [403]  # and nothing is read behind it
        assert pair.knowing.work > before


def test_each_sender_has_heads_of_its_own(pair: Twins) -> None:
    """What is recorded and sent upstream of a known head names who sent it."""
    request = post(CLEAN, b"/own/heads")
    pair.learn(request)
    before = pair.knowing.work
    first = pair.play(([request], 1), source=OTHER)
    assert pair.knowing.work > before
    second = pair.play(([request], 1), source=OTHER)
    assert first == second
    assert b"X-Forwarded-For: " + OTHER.encode() in second.upstream[0][0]
    assert {record["client"] for record in second.records[1:]} == {OTHER}
    assert pair.play(([request], 1)).records[-1]["client"] == "127.0.0.10"


def test_a_known_expectation_is_met_alike(pair: Twins) -> None:
    """A sender that waits for its 100 gets it; one that sent its body needs none."""
    request = post(CLEAN, b"/", b"Expect: 100-continue")
    head = request.removesuffix(CLEAN)
    for gate in (pair.knowing, pair.forgetful):
        for _ in range(2):
            with connected(gate.pair.port) as client:
                client.send(request)
                assert client.read().status == 200
                client.send(head)
                assert client.read().status == 100
                client.send(CLEAN)
                assert client.read().status == 200


def test_an_expectation_of_nothing_is_answered_alike(pair: Twins) -> None:
    """Without a body there is nothing to go on with, whether the head is known or not."""
    request = post(b"", b"/", b"Expect: 100-continue")
    statuses = []
    for _ in range(2):
        with connected(pair.knowing.pair.port) as client:
            client.send(request)
            statuses.append(client.read().status)
    assert statuses[0] == statuses[1]
