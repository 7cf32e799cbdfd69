"""PROXY protocol headers: the grammar of both versions, and everything near it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from netaddr import IPNetwork

from hookgate.policy import Reason, make_head
from hookgate.policy.source import SourcePolicy
from hookgate_sidecar.proxy_protocol import (
    LONGEST_V1,
    LONGEST_V2,
    ProxyHeaderError,
    header_length,
    read_header,
)
from support.examples import many
from support.proxy_header import SIGNATURE, V6_CLIENT, v2, v2_tcp4, v2_tcp6

NAMED = {
    "v1 tcp4": (b"PROXY TCP4 192.0.2.1 192.0.2.9 56324 443\r\n", "192.0.2.1"),
    "v1 tcp6": (b"PROXY TCP6 2001:db8::1 2001:db8::9 56324 443\r\n", "2001:db8::1"),
    "v1 tcp6 in full": (
        b"PROXY TCP6 2001:0DB8:0000:0000:0000:0000:0000:0001 ::1 65535 65535\r\n",
        "2001:db8::1",
    ),
    "v1 tcp6, mapped": (b"PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.9 1 2\r\n", "192.0.2.1"),
    "v1 port 0": (b"PROXY TCP4 192.0.2.1 192.0.2.9 0 0\r\n", "192.0.2.1"),
    "v1 unknown": (b"PROXY UNKNOWN\r\n", ""),
    "v1 unknown with more": (b"PROXY UNKNOWN ff::1 whatever \xff 0\r\n", ""),
    "v2 tcp4": (v2_tcp4("192.0.2.1"), "192.0.2.1"),
    "v2 tcp6": (v2_tcp6(V6_CLIENT), V6_CLIENT),
    "v2 tcp6, mapped": (v2_tcp6("::ffff:192.0.2.1"), "192.0.2.1"),
    "v2 tcp4 with tlvs": (v2_tcp4("192.0.2.1", b"\x04\x00\x03abc\x20\x00\x00"), "192.0.2.1"),
    "v2 local": (v2(0x20, 0x00, b""), ""),
    "v2 local with an address": (v2_tcp4("192.0.2.1").replace(b"\x21\x11", b"\x20\x11"), ""),
    "v2 unspecified": (v2(0x21, 0x00, b""), ""),
    "v2 udp4": (v2(0x21, 0x12, bytes(12)), ""),
    "v2 udp6": (v2(0x21, 0x22, bytes(36)), ""),
    "v2 unix": (v2(0x21, 0x31, bytes(216)), ""),
    "v2 unix datagram": (v2(0x21, 0x32, bytes(216)), ""),
}

MALFORMED = {
    "nothing of it": b"POST / HTTP/1.1\r\n",
    "lower case": b"proxy TCP4 192.0.2.1 192.0.2.9 1 2\r\n",
    "a space before": b" PROXY TCP4 192.0.2.1 192.0.2.9 1 2\r\n",
    "two spaces": b"PROXY  TCP4 192.0.2.1 192.0.2.9 1 2\r\n",
    "a tab": b"PROXY\tTCP4 192.0.2.1 192.0.2.9 1 2\r\n",
    "a space at the end": b"PROXY TCP4 192.0.2.1 192.0.2.9 1 2 \r\n",
    "LF alone": b"PROXY TCP4 192.0.2.1 192.0.2.9 1 2\n",
    "LF alone, unknown": b"PROXY UNKNOWN\n",
    "a CR within": b"PROXY UNKNOWN a\rb\r\n",
    "unknown and glued": b"PROXY UNKNOWNS\r\n",
    "no family": b"PROXY 192.0.2.1 192.0.2.9 1 2\r\n",
    "another family": b"PROXY TCP5 192.0.2.1 192.0.2.9 1 2\r\n",
    "udp": b"PROXY UDP4 192.0.2.1 192.0.2.9 1 2\r\n",
    "a port missing": b"PROXY TCP4 192.0.2.1 192.0.2.9 1\r\n",
    "a port too many": b"PROXY TCP4 192.0.2.1 192.0.2.9 1 2 3\r\n",
    "a leading zero in a port": b"PROXY TCP4 192.0.2.1 192.0.2.9 01 2\r\n",
    "a port with a sign": b"PROXY TCP4 192.0.2.1 192.0.2.9 +1 2\r\n",
    "a port beyond": b"PROXY TCP4 192.0.2.1 192.0.2.9 1 65536\r\n",
    "a leading zero in an address": b"PROXY TCP4 192.0.02.1 192.0.2.9 1 2\r\n",
    "a short address": b"PROXY TCP4 192.0.2 192.0.2.9 1 2\r\n",
    "an octet beyond": b"PROXY TCP4 192.0.2.256 192.0.2.9 1 2\r\n",
    "a bad destination": b"PROXY TCP4 192.0.2.1 192.0.2.999 1 2\r\n",
    "v6 as tcp4": b"PROXY TCP4 2001:db8::1 2001:db8::9 1 2\r\n",
    "v4 as tcp6": b"PROXY TCP6 192.0.2.1 192.0.2.9 1 2\r\n",
    "a scope": b"PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n",
    "brackets": b"PROXY TCP6 [2001:db8::1] [2001:db8::9] 1 2\r\n",
    "a name": b"PROXY TCP4 localhost 192.0.2.9 1 2\r\n",
    "digits that are no ASCII": "PROXY TCP4 ١٩٢.0.2.1 192.0.2.9 1 2\r\n".encode(),
    "a byte too long": b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n",
    "no end": b"PROXY TCP4 " + b"1" * 97,
    "v2, signature bent": SIGNATURE.replace(b"QUIT", b"QUIT"[::-1]) + b"\x20\x00\x00\x00",
    "v2, version 1": v2(0x11, 0x11, bytes(12)),
    "v2, version 3": v2(0x31, 0x11, bytes(12)),
    "v2, command 2": v2(0x22, 0x11, bytes(12)),
    "v2, family 4": v2(0x21, 0x41, bytes(12)),
    "v2, transport 3": v2(0x21, 0x13, bytes(12)),
    "v2, too short for tcp4": v2(0x21, 0x11, bytes(11)),
    "v2, too short for tcp6": v2(0x21, 0x21, bytes(35)),
    "v2, no addresses": v2(0x21, 0x11, b""),
    "v2, a tlv cut in its length": v2_tcp4("192.0.2.1", b"\x04\x00"),
    "v2, a tlv beyond the end": v2_tcp4("192.0.2.1", b"\x04\x00\x04abc"),
    "v2, too long": SIGNATURE + b"\x21\x11" + (LONGEST_V2 - 15).to_bytes(2),
}


def read(data: bytes) -> str:
    """As a connection does: byte by byte until the header is whole."""
    for end in range(1, len(data) + 1):
        if header_length(data[:end]) == end:
            assert header_length(data) == end, "more bytes make another header"
            return read_header(data[:end])
    raise AssertionError("still not whole")


@pytest.mark.parametrize(("header", "address"), NAMED.values(), ids=NAMED.keys())
@pytest.mark.parametrize("after", [b"", b"POST / HTTP/1.1\r\n"], ids=["alone", "request behind"])
def test_a_header_names_its_source_or_nobody(header: bytes, address: str, after: bytes) -> None:
    """Exactly the header is read; unknown and local ones, and other families, name nobody."""
    policy = SourcePolicy([IPNetwork("0.0.0.0/0")], [IPNetwork("198.51.100.1")], "forwarded", True)
    assert header_length(header + after) == len(header)
    head = make_head("198.51.100.1", b"POST", b"/", [], "1.1", read(header))
    assert policy.origin(head).client == address


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_anything_else_is_no_header(data: bytes) -> None:
    """Refused as soon as it can be, in words that hold none of it."""
    with pytest.raises(ProxyHeaderError) as caught:
        read(data)
    assert not {"192", "db8", "localhost"} & set(str(caught.value).split())


def test_the_longest_line_is_taken() -> None:
    """107 bytes with their CRLF, as the specification computes it."""
    line = b"PROXY UNKNOWN " + b"f" * (LONGEST_V1 - 16) + b"\r\n"
    assert len(line) == LONGEST_V1
    assert read(line) == ""


def test_the_longest_binary_header_is_taken() -> None:
    """With TLVs up to the bound."""
    value = LONGEST_V2 - 16 - 12 - 3
    header = v2_tcp4("192.0.2.1", b"\x05" + value.to_bytes(2) + bytes(value))
    assert len(header) == LONGEST_V2
    assert header_length(header) == LONGEST_V2
    assert read_header(header) == "192.0.2.1"


@settings(max_examples=many(300), deadline=None)
@given(st.binary(max_size=120), st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE]))
def test_no_bytes_do_more_than_be_refused(data: bytes, start: bytes) -> None:
    """Whatever comes is a header, no header, or not yet known; nothing else is raised."""
    try:
        length = header_length(start + data)
        if length is not None and length <= len(start + data):
            read_header((start + data)[:length])
    except ProxyHeaderError:
        pass


POLICY = SourcePolicy(
    [IPNetwork("192.0.2.0/24"), IPNetwork("2001:db8::/32")],
    [IPNetwork("198.51.100.0/24")],
    "x-forwarded-for",
    proxy_protocol=True,
)
FIELD = [(b"X-Forwarded-For", b"192.0.2.77")]


@pytest.mark.parametrize(
    ("proxied_for", "client", "reason"),
    [
        pytest.param("192.0.2.1", "192.0.2.1", None, id="allowed"),
        pytest.param(V6_CLIENT, V6_CLIENT, None, id="allowed, v6"),
        pytest.param("::ffff:192.0.2.1", "192.0.2.1", None, id="allowed, mapped"),
        pytest.param("203.0.113.1", "203.0.113.1", Reason.SOURCE_NOT_ALLOWED, id="foreign"),
        pytest.param("198.51.100.7", "", Reason.SOURCE_UNRESOLVED, id="a trusted proxy"),
        pytest.param("::ffff:198.51.100.7", "", Reason.SOURCE_UNRESOLVED, id="mapped proxy"),
        pytest.param("", "", Reason.SOURCE_UNRESOLVED, id="nobody"),
        pytest.param(None, "", Reason.SOURCE_UNRESOLVED, id="no header"),
    ],
)
def test_the_header_alone_says_who_the_client_is(
    proxied_for: str | None, client: str, reason: Reason | None
) -> None:
    """Fields are not read behind a proxy that speaks the protocol."""
    head = make_head("198.51.100.1", b"POST", b"/", FIELD, "1.1", proxied_for)
    origin = POLICY.origin(head)
    assert (origin.peer, origin.client) == ("198.51.100.1", client)
    assert origin.chain == ((client,) if client else ())
    assert (origin.finding.reason if origin.finding else None) is reason


def test_a_connection_that_began_with_a_header_is_judged_by_it_to_its_end() -> None:
    """Where the protocol was turned off meanwhile, fields are no better proof than before."""
    policy = SourcePolicy(
        [IPNetwork("192.0.2.0/24")], [IPNetwork("198.51.100.0/24")], "x-forwarded-for"
    )
    head = make_head("198.51.100.1", b"POST", b"/", FIELD, "1.1", "203.0.113.1")
    assert policy.origin(head).client == "203.0.113.1"


def test_a_peer_that_is_no_trusted_proxy_is_its_own_client() -> None:
    """The protocol changes nothing for who connects directly."""
    origin = POLICY.origin(make_head("192.0.2.1", b"POST", b"/", FIELD))
    assert (origin.peer, origin.client, origin.chain) == ("192.0.2.1", "192.0.2.1", ())
