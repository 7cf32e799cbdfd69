"""The policy's grammars as PCRE patterns for nginx.

Quotes and backslashes are written in hexadecimal, which passes nginx's own quoting untouched.
Repetitions are possessive wherever two of them could share characters out between them, so that
no value is matched in more than linear time.
"""

import netaddr

_NAME = r"[!#$%&\x27*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r"\x22(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\x5c[\t \x21-\x7e\x80-\xff])*+\x22"
_VALUE = rf"(?:{_NAME}|{_QUOTED})"
_PARAMETER = rf"[ \t]*+;[ \t]*+(?:{_NAME}={_VALUE})?+"
_OTHER_PARAMETER = rf"[ \t]*+;[ \t]*+(?!charset=)(?:{_NAME}={_VALUE})?+"
# In a quoted string any character may stand behind a backslash (RFC 9110 5.6.4).
_UTF_8 = r"(?:utf-?8|\x22\x5c?u\x5c?t\x5c?f(?:\x5c?-)?\x5c?8\x22)"
_CHARSET = rf"[ \t]*+;[ \t]*+charset={_UTF_8}(?=[ \t;]|$)"

JSON_MEDIA_TYPE = rf"~*^[ \t]*+application/json(?:{_OTHER_PARAMETER}|{_CHARSET})*+[ \t]*+$"
JSON_WITH_ODD_CHARSET = rf"~*^[ \t]*+application/json(?:{_PARAMETER})*+[ \t]*+$"
OTHER_MEDIA_TYPE = rf"~^[ \t]*+{_NAME}/{_NAME}(?:{_PARAMETER})*+[ \t]*+$"
NO_CODING = r"~*^[ \t,]*+(?:identity[ \t]*+(?:,[ \t,]*+|$))*+$"
LIST_OF_MEDIA_TYPES = rf"~^{_NAME}/{_NAME}.*,"

# RFC 9110 7.2, as in policy/framing.py.
HOST = r"~^(?:[A-Za-z0-9._~!$&\x27()*+,;=-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?$"
LENGTH = r"~^(?:0|[1-9][0-9]{0,18})$"
ORIGIN_FORM = r"~^(?!CONNECT )[^ ]+ /"

# An entry spelt as nginx prints addresses: nginx reads 031.0.0.1 as 31.0.0.1.
_OCTET = r"(?:0|[1-9][0-9]{0,2})"
_PORT = r"(?::[0-9]{1,5})?"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_ENTRY = rf"(?:{_IPV4}{_PORT}|\[[0-9A-Fa-f:.]+\]{_PORT}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)"
_NO_LEADING_ZEROS = r"(?!.*[.:]0[0-9]+\.|.*\.0[0-9])"
# "1 CLIENT FIELD": the peer is trusted, and this is who nginx made the client by that field.
_CLIENT_OF_A_LIST = (
    rf"~^1 ([0-9.]+) (?:.*,)?[ \t]*\1{_PORT}"
    rf"(?<hookgate_proxies>(?:[ \t]*,[ \t]*{_ENTRY})*+)[ \t]*$"
)
_IPV6_CLIENT_OF_A_LIST = (
    rf"~^1 [0-9a-f.]*:[0-9a-f:.]* {_NO_LEADING_ZEROS}.*[0-9A-Fa-f\]]{_PORT}[ \t]*$"
)
AS_PRINTED = r"~^1 ([0-9a-f.:]+) \1$"
ONE_ADDRESS = (
    r"~^1 ([0-9.]+) \1$",
    rf"~^1 [0-9a-f.]*:[0-9a-f:.]* {_NO_LEADING_ZEROS}[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*$",
)
PLAIN_FIELDS = {
    "forwarded": (),
    "x-forwarded-for": (_CLIENT_OF_A_LIST, _IPV6_CLIENT_OF_A_LIST),
    "x-real-ip": (
        rf"~^1 ([0-9.]+) \1{_PORT}$",
        rf"~^1 [0-9a-f.]*:[0-9a-f:.]* {_NO_LEADING_ZEROS}\[?[0-9A-Fa-f:.]+\]?{_PORT}$",
    ),
}


def literally(text: str) -> str:
    """Return a pattern for the text itself."""
    safe = "/_~-"
    return "".join(c if c.isalnum() or c in safe else f"\\x{ord(c):02x}" for c in text)


def exactly(path: str) -> str:
    """Return a pattern for a target whose bytes before `?` are `path`."""
    return rf"~^{literally(path)}(?:\?|$)"


def within(network: netaddr.IPNetwork) -> str:
    """Return a pattern for $binary_remote_addr, of IPv4 also as IPv6 maps it (RFC 4291 2.5.5.2)."""
    packed = network.network.packed
    whole, bits = divmod(network.prefixlen, 8)
    parts = [f"\\x{byte:02x}" for byte in packed[:whole]]
    if bits:
        low = packed[whole]
        parts.append(f"[\\x{low:02x}-\\x{low | (0xFF >> bits):02x}]")
        whole += 1
    if whole < len(packed):
        parts.append("." * (len(packed) - whole))
    mapped = r"(?:\x00{10}\xff\xff)?" if network.version == 4 else ""
    return f"(?s:^{mapped}{''.join(parts)}$)"
