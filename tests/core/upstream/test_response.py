"""An upstream's answer means the same however its bytes are cut, and only a whole head is one."""

import itertools
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.upstream.response import InvalidResponseError, Response, ResponseReader
from support.examples import many
from support.faulty import answer_head

KIB = 1 << 10
MOST = 4 * KIB
LARGEST_HEAD = 64 * KIB
EMPTY = b"Content-Length: 0"
CODED = b"Transfer-Encoding: chunked"

# What decides, the status of a 2xx head or all that came; and whether the connection stays.
Meaning = tuple[int | Response | str, bool]


def meaning(pieces: Iterable[bytes], *, wanted: bool = False) -> Meaning:
    """What comes of an answer in these reads, as the connection that reads them takes it."""
    reader = ResponseReader(MOST)
    reader.wanted = wanted
    decided: int | Response | str | None = None
    stays = True
    for piece in pieces:
        if reader.complete:
            stays = False
            break
        broken = False
        try:
            stays = reader.feed(piece) and stays
        except InvalidResponseError:
            broken = True
        if reader.head_complete and reader.status < 300 and not wanted:
            decided = reader.status
        if broken:
            return decided or "invalid", False
    if reader.complete:
        return decided or reader.response(), stays and reader.keep_alive
    if reader.ends_with_connection():
        return decided or reader.response(), False
    return decided or "unfinished", False


def by(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def plain(line: bytes, *fields: bytes) -> bytes:
    """A head of this status line with an empty body."""
    return b"\r\n".join((line, *fields, EMPTY)) + b"\r\n\r\n"


WELL_FORMED = {
    "1.1": plain(b"HTTP/1.1 200 OK"),
    "1.0": plain(b"HTTP/1.0 200 OK"),
    "no phrase": plain(b"HTTP/1.1 200 "),
    "nor the space before it": plain(b"HTTP/1.1 200"),
    "a phrase of more words": plain(b"HTTP/1.1 200 All is\twell"),
    "a phrase beyond ASCII": plain(b"HTTP/1.1 200 Tr\xc3\xa8s bien"),
    "white space around a value": plain(b"HTTP/1.1 200 OK", b"A: \t b \t"),
    "100 before": answer_head(b"100 Continue") + plain(b"HTTP/1.1 200 OK"),
    "many 103s before": answer_head(b"103 Early Hints", b"Link: x") * 99
    + plain(b"HTTP/1.1 200 OK"),
}
BROKEN = {
    "RTSP": plain(b"RTSP/1.0 200 OK"),
    "ICE": plain(b"ICE/1.0 200 OK"),
    "ICY": plain(b"ICY 200 OK"),
    "2.0": plain(b"HTTP/2.0 200 OK"),
    "2": plain(b"HTTP/2 200 OK"),
    "0.9": plain(b"HTTP/0.9 200 OK"),
    "1.2": plain(b"HTTP/1.2 200 OK"),
    "1.10": plain(b"HTTP/1.10 200 OK"),
    "01.1": plain(b"HTTP/01.1 200 OK"),
    "lower case": plain(b"http/1.1 200 OK"),
    "no version": plain(b"HTTP 200 OK"),
    "two digits": plain(b"HTTP/1.1 20 OK"),
    "four digits": plain(b"HTTP/1.1 2000 OK"),
    "a zero first": plain(b"HTTP/1.1 020 OK"),
    "099": plain(b"HTTP/1.1 099 OK"),
    "a sign": plain(b"HTTP/1.1 +20 OK"),
    "two spaces": plain(b"HTTP/1.1  200 OK"),
    "a tab": plain(b"HTTP/1.1\t200 OK"),
    "no space behind the status": plain(b"HTTP/1.1 200OK"),
    "a control character in the phrase": plain(b"HTTP/1.1 200 O\x1bK"),
    "a control character in a value": plain(b"HTTP/1.1 200 OK", b"A: \x1b"),
    "a line feed before": b"\n" + plain(b"HTTP/1.1 200 OK"),
    "an empty line before": b"\r\n" + plain(b"HTTP/1.1 200 OK"),
    "two before": b"\r\n\r\n" + plain(b"HTTP/1.1 200 OK"),
    "a space before": b" " + plain(b"HTTP/1.1 200 OK"),
    "an empty line behind a 100": answer_head(b"100 Continue")
    + b"\r\n"
    + plain(b"HTTP/1.1 200 OK"),
    "a broken 100 before": plain(b"HTTP/2.0 100 Go") + plain(b"HTTP/1.1 200 OK"),
    "line feeds alone": plain(b"HTTP/1.1 200 OK").replace(b"\r\n", b"\n"),
    "one alone": plain(b"HTTP/1.1 200 OK", b"A: b").replace(b"b\r\n", b"b\n"),
    "a folded line": plain(b"HTTP/1.1 200 OK", b"A: b\r\n c"),
    "no colon": plain(b"HTTP/1.1 200 OK", b"A"),
    "a space before the colon": plain(b"HTTP/1.1 200 OK", b"A : b"),
    "two lengths": plain(b"HTTP/1.1 200 OK", b"Content-Length: 1"),
    "a length with a sign": answer_head(b"200 OK", b"Content-Length: +2"),
    "a length and chunks": plain(b"HTTP/1.1 200 OK", CODED),
    "101": answer_head(b"101 Switching Protocols", b"Upgrade: x", b"Connection: upgrade"),
    "two heads in a row that are too large": answer_head(b"103 Hints", b"A: " + b"a" * 40 * KIB)
    + plain(b"HTTP/1.1 200 OK", b"A: " + b"a" * 40 * KIB),
    "103s without end": answer_head(b"103 Early Hints", b"Link: x") * 3000,
}
CUTS = [1, 2, 3, 7, 1000, 1 << 20]


@pytest.mark.parametrize("answer", WELL_FORMED.values(), ids=WELL_FORMED.keys())
def test_a_well_formed_2xx_head_delivers(answer: bytes) -> None:
    """In one read or in many; HTTP/1.0 ends the connection."""
    for size in CUTS:
        assert meaning(by(answer, size)) == (200, b"HTTP/1.0" not in answer), size


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN.keys())
def test_another_head_delivers_nothing(answer: bytes) -> None:
    """However much it looks like success, and however it is cut."""
    for size in CUTS:
        assert meaning(by(answer, size)) == ("invalid", False), size


def test_a_phrase_that_is_left_out_is_none_in_other_answers_too() -> None:
    """The status is relayed."""
    head = plain(b"HTTP/1.1 503", b"Retry-After: 1")
    fields = [(b"Retry-After", b"1"), (b"Content-Length", b"0")]
    assert meaning([head]) == (Response(503, fields, b""), True)


@pytest.mark.parametrize("size", [LARGEST_HEAD, LARGEST_HEAD + 1])
def test_the_bound_of_a_head_is_exact(size: int) -> None:
    """A field as long as the bound allows, whole or in pieces."""
    bare = plain(b"HTTP/1.1 200 OK", b"A: ")
    head = bare.replace(b"A: ", b"A: " + b"a" * (size - len(bare)))
    expected = (200, True) if size == LARGEST_HEAD else ("invalid", False)
    for cut in (1000, LARGEST_HEAD, 1 << 20):
        assert meaning(by(head, cut)) == expected
        assert meaning(by(head + b"x", cut))[0] == expected[0]


NO = b"500 No"
ANSWERS = {
    "empty": answer_head(b"301 There", b"Location: /x", EMPTY),
    "a length": answer_head(NO, b"Content-Length: 5") + b"abc\r\n",
    "a length of empty lines": answer_head(NO, b"Content-Length: 8") + b"\r\n\r\n\r\n\r\n",
    "at the bound": answer_head(NO, b"Content-Length: 4096") + bytes(MOST),
    "beyond the bound": answer_head(NO, b"Content-Length: 4097") + bytes(MOST + 1),
    "far beyond the bound": answer_head(NO, b"Content-Length: 90000") + bytes(MOST * 3),
    "chunks": answer_head(NO, CODED) + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
    "chunks of empty lines": answer_head(NO, CODED) + b"8\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n",
    "trailers": answer_head(NO, CODED) + b"1\r\na\r\n0\r\nA: b\r\nC: d\r\n\r\n",
    "a broken chunk": answer_head(NO, CODED) + b"1\r\na\r\nzz\r\n",
    "a chunk that ends in LF": answer_head(NO, CODED) + b"1\r\na\n0\r\n\r\n",
    "no length": answer_head(NO) + b"abc\r\n\r\ndef",
    "HTTP/1.0": b"HTTP/1.0 500 No\r\n\r\nabc",
    "closing": answer_head(NO, b"Connection: close", EMPTY),
    "200 and a length": answer_head(b"200 OK", b"Content-Length: 2") + b"ok",
    "200 and chunks": answer_head(b"200 OK", CODED) + b"2\r\nok\r\n0\r\n\r\n",
    "200 and no length": answer_head(b"200 OK") + b"ok",
    "200 and a broken chunk": answer_head(b"200 OK", CODED) + b"zz\r\n",
    "204 with a length": answer_head(b"204 None", b"Content-Length: 2"),
    "304 with a length": answer_head(b"304 Same", b"Content-Length: 2"),
    "204 with chunks": answer_head(b"204 None", CODED),
    "103 before": answer_head(b"103 Hints", b"Link: x") + answer_head(NO, EMPTY),
    "half a head": b"HTTP/1.1 200 OK\r\nA: b\r\n",
    **{name: WELL_FORMED[name] for name in ("1.0", "no phrase", "100 before")},
    **{name: BROKEN[name] for name in ("RTSP", "2.0", "an empty line before", "101", "one alone")},
}
BEHIND = [
    b"",
    b"x",
    b"\r\n",
    b"\r\n\r\n",
    answer_head(b"200 OK", EMPTY),
    b"HTTP/1.1 2",
    b"\0" * 20,
]


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_means_the_same_in_two_reads_as_in_one(name: str) -> None:
    """Wherever the cut is, and whatever comes behind it; so it does byte by byte."""
    for behind in BEHIND:
        data = ANSWERS[name] + behind
        whole = meaning([data])
        assert meaning(by(data, 1)) == whole
        places = range(1, len(data)) if len(data) < KIB else range(1, 200)
        for place in places:
            assert meaning([data[:place], data[place:]]) == whole, (behind, place)


@pytest.mark.parametrize("name", [name for name in ANSWERS if NO in ANSWERS[name]])
def test_a_2xx_whose_body_is_wanted_means_what_a_rejection_does(name: str) -> None:
    """The same body, bounds and faults, wherever it is cut, whatever comes behind."""
    for behind in BEHIND:
        rejected, stays = meaning([ANSWERS[name] + behind])
        if isinstance(rejected, Response):
            rejected = replace(rejected, status=200)
        data = ANSWERS[name].replace(NO, b"200 No") + behind
        for pieces in ([data], by(data, 1), by(data, 7)):
            assert meaning(pieces, wanted=True) == (rejected, stays), behind


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"chunked, chunked", b"x, Chunked"])
def test_a_body_that_is_coded_for_the_connection_is_wanted_by_nobody(coding: bytes) -> None:
    """What tells its coding is not relayed. Who wants no body has a 2xx."""
    data = answer_head(b"200 OK", b"Transfer-Encoding: " + coding) + b"1\r\na\r\n0\r\n\r\n"
    assert meaning([data], wanted=True)[0] == meaning(by(data, 1), wanted=True)[0] == "invalid"
    decided = meaning([data])[0]
    assert decided in (200, "invalid")  # as llhttp takes it
    plain_coding = data.replace(coding, b"CHUNKED")
    assert meaning([plain_coding], wanted=True)[0] != "invalid"


@pytest.mark.parametrize("status", [b"204 None", b"304 Same"])
@pytest.mark.parametrize("wanted", [False, True])
def test_a_body_that_is_announced_where_none_can_be_costs_the_connection(
    status: bytes, wanted: bool
) -> None:
    """It may come in a later read, as the start of what answers the next request."""
    for field in (b"Content-Length: 2", b"content-length: 2", CODED):
        name, value = field.split(b": ")
        head = answer_head(status, field)
        for pieces in ([head], by(head, 1)):
            decided, stays = meaning(pieces, wanted=wanted)
            assert not stays
            assert decided in (int(status[:3]), Response(int(status[:3]), [(name, value)], b""))
    for fields in ((), (EMPTY,)):
        assert meaning([answer_head(status, *fields)], wanted=wanted)[1]


SPLITTING = [b"a\rX: y", b"a\nX: y", b"a\0b", b"a\r\n\0: y", b"a\x0bb", b"a\x7f"]


@pytest.mark.parametrize("value", SPLITTING)
@pytest.mark.parametrize("wanted", [False, True])
def test_no_value_can_begin_another_line(value: bytes, wanted: bool) -> None:
    """Bare CR, LF or NUL in a field is no answer, whether a 2xx is wanted whole or not."""
    for status in (b"200 OK", NO):
        assert meaning([answer_head(status, EMPTY, b"A: " + value)], wanted=wanted)[0] == "invalid"


def test_what_comes_behind_a_whole_answer_costs_its_connection_alone() -> None:
    """The answer counts, since it does where the rest comes later."""
    for behind in BEHIND[1:]:
        result, stays = meaning([ANSWERS["empty"] + behind])
        assert isinstance(result, Response)
        assert (result.status, stays) == (301, False)


PARTS = [
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 404 No\r\n", b"HTTP/1.0 500 No\r\n", b"HTTP/1.1 100 Go\r\n",
    b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", CODED + b"\r\n", b"Connection: close\r\n",
    b"A: b\r\n", b"\r\n", b"abc", b"3\r\nabc\r\n", b"0\r\n", b"\n", b"\r", b"x" * 3000,
    b"RTSP/1.0 200",
]  # fmt: skip


@given(
    data=st.lists(st.sampled_from(PARTS), min_size=2, max_size=12).map(b"".join),
    places=st.lists(st.integers(1, 5000), max_size=6),
)
@settings(max_examples=many(400), deadline=None)
def test_any_bytes_mean_the_same_however_they_are_cut(data: bytes, places: list[int]) -> None:
    """Result and connection, of what may be answers and of what are none."""
    edges = sorted({0, len(data), *(place % len(data) for place in places)})
    pieces = [data[start:end] for start, end in itertools.pairwise(edges)]
    assert meaning(pieces) == meaning([data]) == meaning(by(data, 1))
