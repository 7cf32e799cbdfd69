"""HTTP that two readers could take differently, as far as the head shows it."""

import pytest

from hookgate.policy import Fields, Head, Reason
from hookgate.policy.framing import declared_length, find_malformed
from support.effort import at_most
from support.policy import JSON, request

Field = tuple[bytes, bytes]
HOST: Field = (b"Host", b"gate")
LENGTH: Field = (b"Content-Length", b"7")


def with_fields(*fields: Field, version: str = "1.1") -> Head:
    """A head that is fine but for what these fields break."""
    return request(*JSON, *fields, version=version)


def with_host(*values: bytes) -> Head:
    """A head with these Host lines."""
    return request((b"Content-Type", b"application/json"), *((b"Host", value) for value in values))


def assert_malformed(head: Head) -> None:
    found = find_malformed(head)
    assert found is not None
    assert found.reason is Reason.MALFORMED_HTTP


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (LENGTH,),
        ((b"content-length", b"0"),),
        ((b"CONTENT-LENGTH", b"9223372036854775807"),),
        ((b"Transfer-Encoding", b"chunked"),),
        ((b"transfer-encoding", b"CHUNKED"),),
        ((b"Connection", b"keep-alive"),),
        ((b"Connection", b"close"),),
        ((b"Expect", b"100-continue"), LENGTH),
        ((b"Expect", b"100-Continue"), LENGTH),
        ((b"X-Empty", b""),),
        ((b"X-Latin", b"caf\xe9"),),
        ((b"X-Tab", b"a\tb"),),
        ((b"X-Twice", b"1"), (b"X-Twice", b"2")),
        ((b"!#$%&'*+-.^_`|~09azAZ", b"every character of a token"),),
        ((b"TE", b"trailers"),),
        ((b"Trailer", b"X-Sum"),),
    ],
    ids=repr,
)
def test_plain_heads_pass(fields: Fields) -> None:
    """What only one reading has is no business of this check."""
    assert find_malformed(with_fields(*fields)) is None


@pytest.mark.parametrize(
    "fields",
    [
        (LENGTH, (b"Transfer-Encoding", b"chunked")),
        ((b"Transfer-Encoding", b"chunked"), LENGTH),
        (LENGTH, (b"Transfer-Encoding", b"identity")),
        (LENGTH, (b"transfer-ENCODING", b"")),
    ],
    ids=repr,
)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_length_and_a_coding_together_are_malformed(fields: Fields, version: str) -> None:
    """Both Content-Length and Transfer-Encoding, in any order and version."""
    assert_malformed(with_fields(*fields, version=version))


@pytest.mark.parametrize(
    "values",
    [
        *([b"7", b"7"], [b"7", b"8"], [b"7", b""]),
        *([value] for value in (b"007", b"00", b"7, 7", b"7,7", b"7, 8", b"+7", b"-7", b"-0")),
        *(
            [value]
            for value in (b"", b" ", b"7 ", b" 7", b"7 7", b"7.0", b"7e0", b"0x7", b"7;", b"a")
        ),
        *([value] for value in (b"\xb2", b"1_0", b"7\x00", b"7\r\n 7", b"9" * 20, b"9" * 5000)),
    ],
    ids=lambda values: repr(values)[:40],
)
def test_an_odd_content_length_is_malformed(values: list[bytes]) -> None:
    """Only the shortest spelling of one number, once, is a length."""
    assert_malformed(with_fields(*((b"Content-Length", value) for value in values)))


@pytest.mark.parametrize(
    "values",
    [
        *([b"chunked", b"chunked"], [b"gzip", b"chunked"], [b"chunked", b"identity"]),
        *([v] for v in (b"gzip, chunked", b"chunked, gzip", b"chunked, chunked", b"chunked,")),
        *([v] for v in (b",chunked", b"gzip", b"identity", b"", b"chunked;q=1", b"xchunked")),
        *([v] for v in (b"chunkedx", b'"chunked"', b"\x0bchunked", b"chunked\x00", b"chunked ")),
        *([v] for v in (b"chun\xe4ked", b"chun\xc5\xbfed", b"chunked\r\n ")),
    ],
    ids=repr,
)
def test_any_transfer_encoding_but_chunked_is_malformed(values: list[bytes]) -> None:
    """A coding that some reader ignores or undoes differently is not taken."""
    assert_malformed(with_fields(*((b"Transfer-Encoding", value) for value in values)))


@pytest.mark.parametrize("coding", [b"chunked", b"identity", b"gzip"])
def test_transfer_encoding_in_http_1_0_is_malformed(coding: bytes) -> None:
    """HTTP/1.0 has no codings; some readers ignore them and some do not."""
    assert_malformed(with_fields((b"Transfer-Encoding", coding), version="1.0"))


@pytest.mark.parametrize("version", ["0.9", "1.2", "2.0", "3", "", "1.10"])
def test_any_other_version_is_malformed(version: str) -> None:
    """Only HTTP/1.1 and 1.0 are spoken."""
    assert_malformed(with_fields(version=version))


@pytest.mark.parametrize(
    "value",
    [
        *(b"gate", b"gate.example.com", b"GATE.example:8443", b"203.0.113.5", b"203.0.113.5:80"),
        *(b"[2001:db8::1]", b"[2001:db8::1]:8443", b"xn--bcher-kva.example", b"a_b", b"gate."),
        b"gate:",
    ],
)
def test_a_host_is_a_name_or_an_address(value: bytes) -> None:
    """With or without a port (RFC 9110 7.2)."""
    assert find_malformed(with_host(value)) is None


@pytest.mark.parametrize(
    "values",
    [
        *([], [b"gate", b"gate"], [b"gate", b"evil"], [b"gate", b""]),
        *([v] for v in (b"", b" ", b"gate evil", b"gate, evil", b"user@gate", b"gate/evil")),
        *([v] for v in (b"http://gate", b"gate#x", b"gate?x", b"gate\\x", b"gate:80:80", b":80")),
        *([v] for v in (b"gate:http", b"gate:-1", b"[::1", b"::1", b"[::1]x", b"[]", b"[gate]")),
        *([v] for v in (b"g%61te", b"g\xe4te", b'"gate"', b"gate\x00", b"gate\r\n x", b"<x>")),
        *([v] for v in (b"gate:123456", b"[fe80::1%25eth0]", b"gate\t")),
    ],
    ids=repr,
)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_no_two_or_an_invalid_host_is_malformed(values: list[bytes], version: str) -> None:
    """Exactly one Host that is a host, in either version."""
    assert_malformed(with_host(*values)._replace(version=version))


@pytest.mark.parametrize(
    "fields",
    [
        ((b"Upgrade", b"h2c"), (b"Connection", b"Upgrade, HTTP2-Settings")),
        ((b"UPGRADE", b"H2C"),),
        ((b"Upgrade", b"h2c"), (b"upgrade", b"TLS/1.0")),
        ((b"upgrade", b"TLS/1.2, HTTP/2.0"), (b"Connection", b"Upgrade")),
        ((b"Upgrade", b""),),
    ],
    ids=repr,
)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_an_offer_of_another_protocol_is_passed_over(fields: Fields, version: str) -> None:
    """RFC 9110 7.8: a server may ignore it, and must in HTTP/1.0."""
    assert find_malformed(with_fields(*fields)._replace(version=version)) is None


@pytest.mark.parametrize(
    "fields",
    [
        ((b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")),
        ((b"UPGRADE", b"WebSocket"),),
        ((b"Upgrade", b"h2c, websocket"),),
        ((b"Upgrade", b"h2c"), (b"Upgrade", b"websocket/13")),
    ],
    ids=repr,
)
def test_a_websocket_is_malformed(fields: Fields) -> None:
    """In any case, among other offers, and with or without `Connection: upgrade`."""
    assert_malformed(with_fields(*fields))


@pytest.mark.parametrize(
    "values",
    [
        [b"200-ok"],
        [b""],
        [b"100-continue, x"],
        [b"100-continue;x=1"],
        [b"100-continue"] * 2,
        [b"101-continue"],
        [b'"100-continue"'],
        [b"100-continue", b"x"],
    ],
    ids=repr,
)
def test_another_expectation_fails(values: list[bytes]) -> None:
    """Anything but one `100-continue` is answered 417."""
    found = find_malformed(with_fields(LENGTH, *((b"Expect", value) for value in values)))
    assert found is not None
    assert found.reason is Reason.EXPECTATION_FAILED


@pytest.mark.parametrize("value", [b"100-continue", b"200-ok", b""])
def test_an_expectation_in_http_1_0_is_ignored(value: bytes) -> None:
    """RFC 9110 10.1.1."""
    assert find_malformed(with_fields(LENGTH, (b"Expect", value), version="1.0")) is None


def test_what_is_malformed_is_said_before_an_expectation_fails() -> None:
    """A head that cannot be framed is no head to answer 417."""
    assert_malformed(with_fields((b"Expect", b"x"), (b"Content-Length", b"007")))


@pytest.mark.parametrize(
    ("fields", "length"),
    [((), None), ((LENGTH,), 7), (((b"content-length", b"0"),), 0)],
)
def test_the_declared_length_is_the_fields(fields: Fields, length: int | None) -> None:
    """A head without Content-Length declares none."""
    assert declared_length(with_fields(*fields)) == length


@pytest.mark.parametrize("host", [b"a" * 16_000 + b"@", b"[" + b":" * 16_000, b"a:" * 8000])
def test_a_long_host_is_read_at_once(host: bytes) -> None:
    """No value makes the grammar try its alternatives over and over."""
    with at_most(0.2):
        assert_malformed(with_host(host))
