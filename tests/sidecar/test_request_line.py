"""The first line of a head, held to RFC 9112 by its bytes."""

import pytest

from hookgate_sidecar.request_line import line_fault, skip_line_ends

REST = b"Host: a\r\n\r\n"
SPACES = "the request line is not a method, a target and an HTTP version, with one space between"
BEFORE = "a bare CR or LF before the request line"


@pytest.mark.parametrize("before", [b"", b"\r\n", b"\r\n" * 500])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_plain_line_passes(before: bytes, version: str) -> None:
    """Empty lines may come before it (RFC 9112 2.2)."""
    head = before + b"POST /a?b HTTP/" + version.encode() + b"\r\n" + REST
    assert line_fault(head, b"POST", b"/a?b", version) is None


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"POST  / HTTP/1.1\r\n", SPACES),
        (b"POST /  HTTP/1.1\r\n", SPACES),
        (b"POST / HTTP/1.1 \r\n", SPACES),
        (b"POST\t/ HTTP/1.1\r\n", SPACES),
        (b"POST / RTSP/1.1\r\n", SPACES),
        (b"POST / ICE/1.1\r\n", SPACES),
        (b"POST / http/1.1\r\n", SPACES),
        (b"POST / HTTP/1.1\n", SPACES),
        (b"POST / HTTP/1.1\r", SPACES),
        (b"\nPOST / HTTP/1.1\r\n", BEFORE),
        (b"\rPOST / HTTP/1.1\r\n", BEFORE),
        (b"\r\n\rPOST / HTTP/1.1\r\n", BEFORE),
        (b"\n\r\nPOST / HTTP/1.1\r\n", BEFORE),
        (b"\r\nPOST  / HTTP/1.1\r\n", SPACES),
    ],
)
def test_another_is_told_without_what_was_sent(line: bytes, fault: str) -> None:
    """Whatever llhttp made of it."""
    assert line_fault(line + REST, b"POST", b"/", "1.1") == fault


@pytest.mark.parametrize(
    ("data", "start", "end"),
    [
        (b"", 0, 0),
        (b"a", 0, 0),
        (b"\r\na", 0, 2),
        (b"\n\r\r", 0, 3),
        (b"\r\na\n", 2, 2),
        (b"a\n", 1, 2),
    ],
)
def test_line_ends_are_skipped_from_there(data: bytes, start: int, end: int) -> None:
    """In any order."""
    assert skip_line_ends(data, start) == end
