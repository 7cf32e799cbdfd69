"""PROXY protocol headers, versions 1 and 2, as haproxy's proxy-protocol.txt defines them. Pure."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

# 2.1: the longest line of version 1, CRLF included.
LONGEST_V1 = 107
# 2.2 allows 64 KiB. Addresses take 52 bytes; the rest is for TLVs, a client's certificate at most.
LONGEST_V2 = 4096

_SIGNATURE_V1 = b"PROXY "
_SIGNATURE_V2 = b"\r\n\r\n\x00\r\nQUIT\n"
_FIXED_V2 = 16
_TLV = 3

_ADDRESS = rb"[0-9A-Fa-f.:]{2,39}"
_PORT = rb"(?:0|[1-9][0-9]{0,4})"
_LINE = re.compile(
    rb"PROXY (?:UNKNOWN(?: [^\r\n]*)?"
    rb"|(?P<family>TCP[46]) (?P<source>%b) (?P<destination>%b) (?P<ports>%b %b))\r\n"
    % (_ADDRESS, _ADDRESS, _PORT, _PORT)
)

_LOCAL, _PROXY = 0x20, 0x21
# Family and transport, and how long a source address is; those that name no IP address over a
# stream are 0: unspecified, datagrams, and the UNIX family.
_SOURCE_LENGTHS = {0x00: 0, 0x11: 4, 0x12: 0, 0x21: 16, 0x22: 0, 0x31: 0, 0x32: 0}
_ADDRESSES_LENGTHS = {0x00: 0, 0x11: 12, 0x12: 12, 0x21: 36, 0x22: 36, 0x31: 216, 0x32: 216}


class ProxyHeaderError(ValueError):
    """No PROXY header; the message says why, and never holds a byte of what came."""


def header_length(data: bytes) -> int | None:
    """How long the header is that `data` begins with; None while that is not known.

    As long as it is None, all of `data` belongs to the header. Raises `ProxyHeaderError`.
    """
    if _SIGNATURE_V2.startswith(data[: len(_SIGNATURE_V2)]):
        if len(data) < _FIXED_V2:
            return None
        length = _FIXED_V2 + int.from_bytes(data[14:16])
        if length > LONGEST_V2:
            raise ProxyHeaderError(f"the PROXY header is longer than {LONGEST_V2} bytes")
        return length
    if not _SIGNATURE_V1.startswith(data[: len(_SIGNATURE_V1)]):
        raise ProxyHeaderError("the PROXY header is missing")
    length = data.find(b"\n") + 1
    if (length or len(data)) > LONGEST_V1:
        raise ProxyHeaderError(f"the PROXY line is longer than {LONGEST_V1} bytes")
    return length or None


def read_header(header: bytes) -> str:
    """The source address that a whole header names, "" where it names none.

    Raises `ProxyHeaderError`.
    """
    return _read_v1(header) if header.startswith(_SIGNATURE_V1) else _read_v2(header)


def _read_v1(line: bytes) -> str:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ProxyHeaderError("the PROXY line is malformed")
    if match["family"] is None:
        return ""
    family = IPv4Address if match["family"] == b"TCP4" else IPv6Address
    try:
        source = family(match["source"].decode())
        family(match["destination"].decode())
    except AddressValueError:
        raise ProxyHeaderError("the PROXY line holds no address of its family") from None
    if any(int(port) > 65535 for port in match["ports"].split()):
        raise ProxyHeaderError("the PROXY line holds a port beyond 65535")
    return str(source)


def _read_v2(header: bytes) -> str:
    command, family, rest = header[12], header[13], header[_FIXED_V2:]
    if command not in (_LOCAL, _PROXY):
        raise ProxyHeaderError("the PROXY header has an unknown version or command")
    if command == _LOCAL:
        return ""
    if family not in _ADDRESSES_LENGTHS:
        raise ProxyHeaderError("the PROXY header has an unknown address family")
    if len(rest) < _ADDRESSES_LENGTHS[family]:
        raise ProxyHeaderError("the PROXY header is too short for its addresses")
    _check_tlvs(rest[_ADDRESSES_LENGTHS[family] :])
    source = rest[: _SOURCE_LENGTHS[family]]
    match len(source):
        case 4:
            return str(IPv4Address(source))
        case 16:
            return str(IPv6Address(source))
        case _:
            return ""


def _check_tlvs(data: bytes) -> None:
    """2.2.: a type, two bytes of length, a value; they fill the header exactly."""
    while data:
        length = _TLV + int.from_bytes(data[1:_TLV])
        if len(data) < max(length, _TLV):
            raise ProxyHeaderError("the PROXY header's TLVs do not fit into it")
        data = data[length:]
