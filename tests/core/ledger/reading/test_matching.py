"""Lines of a pattern: PCRE2 finds what `re` finds, and where it is not there, `re` does."""

import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.ledger.members import USUAL
from hookgate.ledger.reading import matching
from support.lines import delivery, forward
from support.trials import as_written

WHOLE = as_written(delivery(1, reference="r-1", sha256="a" * 64, retry="3 tries", unusual=["x"]), 1)
OTHER = as_written(forward(2, reference="r-2", sha256="b" * 64), 2)
LINES = WHOLE * 2 + OTHER + WHOLE

_lines_of = matching.lines_of.__wrapped__


def by_re() -> matching.End:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "_load", lambda: None)
        return _lines_of(USUAL)


@pytest.fixture(scope="module")
def both() -> tuple[matching.End, matching.End]:
    library = matching._load()
    if library is None:
        pytest.skip("PCRE2 is not here")

    def refused(data: bytes, begin: int, end: int) -> int:
        pytest.fail("PCRE2 did not answer")

    compiled = matching._compile(library, matching.repeated(USUAL), refused)
    assert compiled is not None
    return by_re(), compiled


@given(st.data())
def test_both_find_the_same(both: tuple[matching.End, matching.End], data: st.DataObject) -> None:
    """Whatever a line is changed to, from any place to any other."""
    at = data.draw(st.integers(0, len(LINES)))
    size = data.draw(st.sampled_from([0, 1, 1, 3, 400]))
    piece = data.draw(
        st.binary(max_size=2)
        | st.sampled_from(
            [b'"', b",", b"null", b"1", b"[]", b"\n", b'","', b',"mac":"x"', b"0", b"}\n"]
        )
    )
    changed = LINES[:at] + piece + LINES[at + size :]
    begin = data.draw(st.sampled_from([0, len(WHOLE), 2 * len(WHOLE), at]))
    end = data.draw(st.sampled_from([len(changed), max(begin, at)]))
    begin = min(begin, end)
    assert both[0](changed, begin, end) == both[1](changed, begin, end)


def test_many_lines_are_matched_at_once(both: tuple[matching.End, matching.End]) -> None:
    """A megabyte needs no more stack than a line."""
    data = LINES * 500
    assert [end(data, 0, len(data)) for end in both] == [len(data)] * 2
    assert [end(data + b"x\n", 0, len(data) + 2) for end in both] == [len(data)] * 2


def test_without_the_library_re_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_PCRE2", "libno-such-library.so.0")
    monkeypatch.setattr(matching, "_load", matching._load.__wrapped__)
    assert _lines_of(USUAL)(LINES + b"x", 0, len(LINES)) == len(LINES)


@pytest.mark.parametrize(
    "function", ["pcre2_compile_8", "pcre2_jit_compile_8", "pcre2_match_data_create_8"]
)
def test_where_it_makes_no_machine_code_re_answers(
    function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a process may not write code and run it."""
    library = matching._load()
    if library is None:
        pytest.skip("PCRE2 is not here")
    answer = -48 if function == "pcre2_jit_compile_8" else None
    kind = ctypes.CFUNCTYPE(ctypes.c_int if answer else ctypes.c_void_p)
    monkeypatch.setattr(library, function, kind(lambda: answer))
    assert matching._compile(library, matching.repeated(USUAL), by_re()) is None
    assert _lines_of(USUAL)(LINES, 0, len(LINES)) == len(LINES)
