"""`parse` against an independent reader, for generated and mutated bodies."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookgate.policy.document import parse
from support.events import CLEAN
from support.examples import many
from support.strict_json import is_strict

SPACES = [b""] * 12 + [b" ", b"\n", b"\t", b"\r\n  "]

CLEAN_PIECES = [
    *(b"a", b"b", b"\\u0061", b"\\u0062", b"A", b"\\u0041", b"/", b"\\/", b"\\u002f", b"\\u002F"),
    *(b"\\n", b"\\u000a", b"\\u000A", b'\\"', b"\\u0022", b"\\\\", b"\\u005c", b"\x7f"),
    *("é".encode(), b"\\u00e9", b"\\u00E9", "€".encode(), "😀".encode(), b"\\ud83d\\ude00"),
    *(b"\\uD83D\\uDE00", b"u0000", b"\\u0001", b"0", b"000000000000000000000", b"e999", b"[{"),
]
DIRTY_PIECES = [
    *(b"\\u0000", b"\0", b"\x1f", b"\n", b"\\ud800", b"\\udc00", b"\\ude00\\ud83d", b"\xff"),
    *(b"\xed\xa0\x80", b"\xc0\xaf", b"\x80", b"\\x", b"\\u12g4", b'"', b"\\", b"\xef\xbb\xbf"),
]
INTEGERS = [
    *(b"0", b"1", b"9", b"120", b"9007199254740993", b"9223372036854775807"),
    *(b"9223372036854775808", b"9223372036854775809", b"18446744073709551615"),
    *(b"18446744073709551616", b"1" * 19, b"9" * 20, b"1" * 40, b"9" * 309),
]
FRACTIONS = [b"", b"", b"", b".0", b".5", b".10", b"." + b"9" * 30]
EXPONENTS = [
    *([b""] * 6),
    *(b"e1", b"E+2", b"e-3", b"e0", b"e-400", b"e289", b"E308", b"e+308", b"e309", b"e999"),
    *(b"e+0999", b"E-0999", b"e00001"),
]
ODD_VALUES = [
    *(b"01", b"-", b"+1", b".5", b"1.", b"1e", b"1e+", b"--1", b"-01", b"0x1", b"1_0", b"NaN"),
    *(b"Infinity", b"-Infinity", b"1.e5", b"00", b"1e1.5", b"", b"True", b"nul", b"'a'", b"}"),
]


class Tape:
    """Spells JSON by drawn bytes, one a choice; a tape that is over chooses what comes first."""

    def __init__(self, choices: bytes, dirty: bool) -> None:
        self._choices = iter(choices)
        self._pieces = CLEAN_PIECES * 6 + DIRTY_PIECES if dirty else CLEAN_PIECES
        self._values = [self.number] * 5 + [self.string] * 4 + [self.word] * 2
        if dirty:
            self._values.append(self.odd_value)

    def next(self) -> int:
        return next(self._choices, 0)

    def pick(self, options: list[bytes]) -> bytes:
        return options[self.next() % len(options)]

    def spaced(self, token: bytes) -> bytes:
        return self.pick(SPACES) + token + self.pick(SPACES)

    def string(self) -> bytes:
        return b'"' + b"".join(self.pick(self._pieces) for _ in range(self.next() % 4)) + b'"'

    def number(self) -> bytes:
        sign = self.pick([b"", b"-"])
        return sign + self.pick(INTEGERS) + self.pick(FRACTIONS) + self.pick(EXPONENTS)

    def word(self) -> bytes:
        return self.pick([b"null", b"true", b"false"])

    def odd_value(self) -> bytes:
        return self.pick(ODD_VALUES)

    def value(self, room: int) -> bytes:
        kind = self.next() % 16
        if room and kind > 12:
            return self.object(room - 1)
        if room and kind > 10:
            items = (self.spaced(self.value(room - 1)) for _ in range(self.next() % 4))
            return b"[" + b",".join(items) + b"]"
        return self._values[self.next() % len(self._values)]()

    def object(self, room: int) -> bytes:
        members = (
            self.spaced(self.string()) + b":" + self.spaced(self.value(room))
            for _ in range(self.next() % 5)
        )
        return b"{" + b",".join(members) + b"}"


TAPES = st.binary(max_size=200)
CLEAN_DOCUMENTS = TAPES.map(lambda tape: Tape(tape, dirty=False).object(5))
DIRTY_DOCUMENTS = TAPES.map(lambda tape: Tape(tape, dirty=True).object(5))
DIRTY_VALUES = TAPES.map(lambda tape: Tape(tape, dirty=True).value(5))

FRAGMENTS = st.one_of(
    st.binary(min_size=1, max_size=3),
    st.sampled_from(
        [
            b"{",
            b"}",
            b"[",
            b"]",
            b",",
            b":",
            b'"',
            b"\\",
            b" ",
            b"\x00",
            b"0",
            b"e9",
            b"-",
            b".",
            b"//",
            b"/**/",
            b"\xef\xbb\xbf",
            b'"a":1,',
            b"{}",
            b"[]",
            b"NaN",
            b"\\u0000",
            b"1e999",
            *DIRTY_PIECES,
        ]
    ),
)
MUTATIONS = st.lists(
    st.tuples(st.sampled_from(["insert", "delete", "replace"]), st.floats(0, 1), FRAGMENTS),
    min_size=1,
    max_size=3,
)


def mutate(body: bytes, mutations: list[tuple[str, float, bytes]]) -> bytes:
    for kind, place, fragment in mutations:
        start = int(place * len(body))
        end = start if kind == "insert" else start + len(fragment)
        body = body[:start] + (b"" if kind == "delete" else fragment) + body[end:]
    return body


def assert_judged_alike(body: bytes, max_depth: int = 64) -> None:
    document = parse(body, max_depth, 10_000)
    assert isinstance(document, dict) is is_strict(body, max_depth), (body, document)
    if isinstance(document, dict):
        assert document == json.loads(body)


@settings(max_examples=many(1000), deadline=None)
@given(CLEAN_DOCUMENTS)
def test_spelled_documents_are_judged_like_the_independent_reader_does(body: bytes) -> None:
    """Escapes, exponents and white space of every kind: both take a body or both refuse it."""
    assert_judged_alike(body)


@settings(max_examples=many(1000), deadline=None)
@given(DIRTY_DOCUMENTS | DIRTY_VALUES)
def test_dirty_documents_are_judged_like_the_independent_reader_does(body: bytes) -> None:
    """The same with bad escapes, bad UTF-8, bad numbers and top levels of every type."""
    assert_judged_alike(body)


@settings(max_examples=many(700), deadline=None)
@given(st.just(CLEAN) | CLEAN_DOCUMENTS, MUTATIONS)
def test_mutated_documents_are_judged_like_the_independent_reader_does(
    body: bytes, mutations: list[tuple[str, float, bytes]]
) -> None:
    """Bytes put in, taken out or overwritten anywhere: both take a body or both refuse it."""
    assert_judged_alike(mutate(body, mutations))


@settings(max_examples=many(500), deadline=None)
@given(CLEAN_DOCUMENTS, st.integers(1, 5))
def test_a_small_depth_is_judged_like_the_independent_reader_does(body: bytes, depth: int) -> None:
    """Whatever shape the nesting has, both count its levels alike."""
    assert_judged_alike(body, depth)


@settings(max_examples=many(300), deadline=None)
@given(st.binary(max_size=40))
def test_arbitrary_bytes_never_raise(body: bytes) -> None:
    """Any bytes end in a document or a finding, as the independent reader says."""
    assert_judged_alike(body)


@pytest.mark.parametrize("fragment", DIRTY_PIECES, ids=repr)
def test_a_dirty_piece_is_judged_alike_wherever_it_stands(fragment: bytes) -> None:
    """Each hostile fragment is put at every place of a real event."""
    for place in range(len(CLEAN) + 1):
        assert_judged_alike(CLEAN[:place] + fragment + CLEAN[place:])
