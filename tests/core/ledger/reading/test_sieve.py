"""What is left out by its bytes is a record, and holds nothing of what is asked for."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.ledger.members import USUAL
from hookgate.ledger.reading.parsing import parse
from hookgate.ledger.reading.reader import Line
from hookgate.ledger.reading.sieve import Sieve
from support.lines import delivery, forward, start
from support.trials import as_written

WHOLE = as_written(delivery(1, reference="r-1", sha256="a" * 64), 1)
OTHER = as_written(forward(2, reference="r-2", sha256="b" * 64), 2)
START = json.dumps(start(), separators=(",", ":")).encode() + b"\n"


def seen(data: bytes, *texts: str) -> list[int]:
    """The numbers of the lines that are to be seen."""
    sieve = Sieve(texts, USUAL)
    found = sieve.sift(data).lines
    lines = [line + b"\n" for line in data.split(b"\n")]
    assert all(lines[number - 1].startswith(line[:-1]) for number, line in found)
    return [number for number, _ in found]


def test_the_first_line_of_a_piece_and_those_with_a_text_are_seen() -> None:
    assert seen(WHOLE + OTHER * 3 + WHOLE + OTHER, "r-1") == [1, 5]
    assert seen(WHOLE + OTHER * 3 + WHOLE + OTHER, "r-2") == [1, 2, 3, 4, 6]
    assert seen(WHOLE + OTHER * 5, "r-3") == [1]


@pytest.mark.parametrize(
    ("odd", "what"),
    [
        (START, "another kind"),
        (b"{}\n", "no record"),
        (b"\n", "empty"),
        (WHOLE.replace(b'"r-1"', b'"\\u0072-1"'), "an escape"),
        (WHOLE.replace(b"r-1", "ü".encode()), "beyond ASCII"),
        (WHOLE.replace(b"r-1", b"\x02"), "a control character"),
        (WHOLE.replace(b'"r-1"', b"\x02r-1" + b'"'), "a quotation mark that became one"),
        (WHOLE.replace(b'"r-1"', b'["r-1"]'), "another type"),
        (WHOLE.replace(b":1,", b":01,", 1), "a number that is none of JSON's"),
        (WHOLE.replace(b"}\n", b"}\r\n"), "a CR"),
        (WHOLE[:-40] + OTHER, "two in one"),
        (WHOLE[:100] + b"\n", "torn"),
        (json.dumps(json.loads(WHOLE)).encode() + b"\n", "written by another"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_is_odd_is_seen_with_the_line_after_it(odd: bytes, what: str) -> None:
    assert seen(OTHER * 3 + odd + OTHER * 3) == [1, 4, 5], what
    assert seen(OTHER * 3 + odd * 2 + OTHER * 3) == [1, 4, 5, 6], what
    assert seen(odd + OTHER * 3) == [1, 2], what
    assert seen(OTHER * 3 + odd) == [1, 4], what


def test_a_line_in_two_parts_is_seen() -> None:
    assert seen(OTHER * 2 + WHOLE.replace(b"r-1", b"r-\n1") + OTHER * 2) == [1, 3, 4, 5]


@given(st.text(max_size=8), st.text(max_size=8))
def test_no_spelling_of_a_text_is_left_out(name: str, written: str) -> None:
    """However a writer of JSON spells it, the line that holds what is asked for is seen."""
    sieve = Sieve([name], USUAL)
    for text in (name, written):
        for ascii_only in (True, False):
            record = delivery(1, reference=text, sha256="a" * 64)
            raw = json.dumps(record, ensure_ascii=ascii_only, separators=(",", ":"))
            for each in (raw.encode("utf-8", "surrogatepass"), as_written(record, 1)[:-1]):
                assert not (text == name and sieve.leaves_out(each))


@given(st.data())
def test_what_is_left_out_is_a_record(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(WHOLE) - 2))
    size = data.draw(st.sampled_from([0, 1, 1, 3]))
    piece = data.draw(st.binary(max_size=2) | st.sampled_from([b'"', b",", b"null", b"1", b"[]"]))
    raw = WHOLE[:at] + piece + WHOLE[at + size : -1]
    if Sieve((), USUAL).leaves_out(raw):
        record = parse(raw)
        assert record is not None
        assert Line("log", 1, raw, record, "").checked().record is not None
        assert re.search(rb"[^ -~]", raw) is None


def test_only_what_is_wanted_is_seen_of_the_lines_with_a_text() -> None:
    """Or of all lines, where no text is told. A filter is asked of records of any form."""

    def seen_of(*texts: str) -> list[int]:
        sieve = Sieve(texts, USUAL, wanted=lambda record: record.get("seq") == 2)
        odd = b'{"event":"later","seq":[2]}\n'
        piece = WHOLE + OTHER + WHOLE + OTHER + odd + b"no record\n" + OTHER * 2 + WHOLE
        return [number for number, _ in sieve.sift(piece, is_first=False).lines]

    assert seen_of() == [2, 4, 5, 6, 7, 8]
    assert seen_of("r-1") == [5, 6, 7]
    assert seen_of("r-2") == [2, 4, 5, 6, 7, 8]
