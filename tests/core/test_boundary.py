"""Where a message may end: behind the first empty line, however the bytes before it were read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.boundary import end_of_section


@pytest.mark.parametrize(
    ("before", "data", "end"),
    [
        (b"", b"a\r\n\r\nb", 5),
        (b"", b"\r\n\r\n", 4),
        (b"", b"a\r\n\r", 4),
        (b"", b"", 0),
        (b"", b"\n\n\r\r", 4),
        (b"a\r", b"\n\r\nb", 3),
        (b"a\r\n", b"\r\nb", 2),
        (b"a\r\n\r", b"\nb", 1),
        (b"\r\n\r", b"\n", 1),
        (b"\r\n\r", b"b", 1),
        (b"a\r\n", b"b\r\n\r\n", 5),
        (b"\r\n\r\n", b"b", 1),  # that one has ended before
        (b"\n", b"\r\n\r\n", 4),
    ],
)
def test_the_empty_line_may_have_begun_before(before: bytes, data: bytes, end: int) -> None:
    """Its end is counted from where the data begins."""
    assert end_of_section(data, 0, before) == end
    assert end_of_section(b"xyz" + data, 3, before) == 3 + end
    assert end_of_section(data, 0, bytearray(before)) == end


@given(st.lists(st.sampled_from([b"\r", b"\n", b"a"]), max_size=30), st.data())
def test_no_cut_hides_an_empty_line(parts: list[bytes], data: st.DataObject) -> None:
    """The end is where it is in one piece, wherever the reads before it ended."""
    whole = b"".join(parts)
    end = end_of_section(whole, 0, b"")
    place = data.draw(st.integers(0, max(0, end - 1)))
    assert place + end_of_section(whole[place:], 0, whole[:place]) == end
