"""PROXY protocol headers as a proxy would write them."""

import socket

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
V6_CLIENT = "2001:db8::7"


def v1(client: str) -> bytes:
    """A line that names an IPv4 client."""
    return b"PROXY TCP4 %b 127.0.0.1 56324 443\r\n" % client.encode()


def v2(command: int, family: int, rest: bytes) -> bytes:
    """A binary header with any version and command, and any family and transport."""
    return SIGNATURE + bytes((command, family)) + len(rest).to_bytes(2) + rest


def v2_tcp4(client: str, tlvs: bytes = b"") -> bytes:
    """A binary header that names an IPv4 client."""
    addresses = socket.inet_aton(client) + socket.inet_aton("127.0.0.1")
    return v2(0x21, 0x11, addresses + b"\xdc\x04\x01\xbb" + tlvs)


def v2_tcp6(client: str, tlvs: bytes = b"") -> bytes:
    """A binary header that names an IPv6 client."""
    addresses = socket.inet_pton(socket.AF_INET6, client) + bytes(15) + b"\x01"
    return v2(0x21, 0x21, addresses + b"\xdc\x04\x01\xbb" + tlvs)
