"""Who really sent a request, by the Forwarded field of RFC 7239."""

import pytest
from netaddr import IPNetwork

from hookgate.policy import Reason
from hookgate.policy.source import SourcePolicy
from support.policy import ALLOW, ALLOWED, FOREIGN, PROXY, TRUSTED, request

ALLOWED_V6 = "2001:db8:a::5"

FORMS: dict[str, tuple[list[bytes], str | None]] = {
    "a token": ([b"for=203.0.113.5"], ALLOWED),
    "a quoted string": ([b'for="203.0.113.5"'], ALLOWED),
    "a port, which needs quotes": ([b'for="203.0.113.5:4711"'], ALLOWED),
    "a port beyond the last": ([b'for="203.0.113.5:65536"'], None),
    "an obfuscated port": ([b'for="203.0.113.5:_p"'], ALLOWED),
    "IPv6": ([b'for="[2001:db8:a::5]"'], ALLOWED_V6),
    "IPv6 with a port": ([b'for="[2001:db8:a::5]:4711"'], ALLOWED_V6),
    "IPv4-mapped": ([b'for="[::ffff:203.0.113.5]"'], ALLOWED),
    "a name in capitals": ([b"FOR=203.0.113.5"], ALLOWED),
    "a name in mixed case": ([b"For=203.0.113.5"], ALLOWED),
    "every parameter": (
        [b'for=203.0.113.5;by=192.0.2.1;host="gate.example:8443";proto=https'],
        ALLOWED,
    ),
    "for last": ([b"proto=https;by=192.0.2.1;for=203.0.113.5"], ALLOWED),
    "an extension": ([b'secret="a, b; for=198.51.100.7";for=203.0.113.5'], ALLOWED),
    "an escape in quotes": ([b'for="203\\.0.113.5"'], ALLOWED),
    "an escaped quote in another parameter": (
        [b'host="\\", for=198.51.100.7";for=203.0.113.5'],
        ALLOWED,
    ),
    "a forged element before": ([b"for=203.0.113.5, for=198.51.100.7"], FOREIGN),
    "a forged element in quotes before": ([b'for="203.0.113.5", for=198.51.100.7'], FOREIGN),
    "rubbish in the element before": ([b"for=_hidden, for=203.0.113.5"], ALLOWED),
    "a second proxy": ([b"for=203.0.113.5, for=192.0.2.9;proto=http"], ALLOWED),
    "two lines": ([b"for=203.0.113.5", b"for=198.51.100.7"], FOREIGN),
    "two lines in the other order": ([b"for=198.51.100.7", b"for=203.0.113.5"], ALLOWED),
    "white space at commas": ([b"for=198.51.100.7 \t,\t for=203.0.113.5"], ALLOWED),
    "missing": ([], None),
    "empty": ([b""], None),
    "unknown": ([b"for=unknown"], None),
    "unknown last": ([b"for=203.0.113.5, for=unknown"], None),
    "an obfuscated identifier": ([b"for=_gazonk"], None),
    "an obfuscated identifier last": ([b'for=203.0.113.5, for="_gazonk"'], None),
    "only proxies": ([b"for=192.0.2.9, for=192.0.2.8"], None),
    "no for in the last element": ([b"for=203.0.113.5, by=192.0.2.9"], None),
    "no for at all": ([b"proto=https"], None),
    "for twice in an element": ([b"for=203.0.113.5;for=203.0.113.5"], None),
    "for twice, once empty": ([b'for="";for=203.0.113.5'], None),
    "an empty for": ([b"for="], None),
    "an empty quoted for": ([b'for=""'], None),
    "IPv6 without quotes": ([b"for=[2001:db8:a::5]"], None),
    "IPv6 without brackets": ([b'for="2001:db8:a::5"'], None),
    "IPv6 bare": ([b"for=2001:db8:a::5"], None),
    "IPv4 in brackets": ([b'for="[203.0.113.5]"'], None),
    "a port without quotes": ([b"for=203.0.113.5:4711"], None),
    "an open quote": ([b'for="203.0.113.5'], None),
    "an open quote before a proxy's element": ([b'for="x, for=203.0.113.5'], None),
    "text after the quote": ([b'for="203.0.113.5"x'], None),
    "an open quote that the proxy's quotes close": (
        [b'for="198.51.100.7, for="[2001:db8:a::5]"'],
        None,
    ),
    "an escape at the end": ([b'for="203.0.113.5\\"'], None),
    "single quotes": ([b"for='203.0.113.5'"], None),
    "white space around the equals sign": ([b"for = 203.0.113.5"], None),
    "white space inside quotes": ([b'for=" 203.0.113.5"'], None),
    "no equals sign": ([b"203.0.113.5"], None),
    "an empty last element": ([b"for=203.0.113.5,"], None),
    "an empty last line": ([b"for=203.0.113.5", b""], None),
    "a parameter that is no pair": ([b"for=203.0.113.5;secure"], None),
    "separated by a space": ([b"for=203.0.113.5 for=198.51.100.7"], None),
    "octal": ([b"for=0313.0.113.5"], None),
    "shorthand": ([b"for=203.113.5"], None),
    "a scope id": ([b'for="[fe80::1%25eth0]"'], None),
    "a NUL": ([b'for="203.0.113.5\0"'], None),
    "bytes that are no ASCII": ([b"f\xf6r=203.0.113.5"], None),
    "the syntax of X-Forwarded-For": ([b"203.0.113.5, 198.51.100.7"], None),
}


@pytest.mark.parametrize(("lines", "client"), FORMS.values(), ids=FORMS.keys())
def test_forwarded_is_read_as_rfc_7239_writes_it(lines: list[bytes], client: str | None) -> None:
    """Every form of an element; what breaks the grammar or hides its node is unresolved."""
    policy = SourcePolicy(
        [IPNetwork(ALLOW), IPNetwork("2001:db8:a::/48")], [IPNetwork(TRUSTED)], "forwarded"
    )
    origin = policy.origin(request(*((b"Forwarded", line) for line in lines), peer=PROXY))
    assert origin.client == (client or "")
    if client is None:
        assert origin.finding is not None
        assert origin.finding.reason is Reason.SOURCE_UNRESOLVED
    elif client == FOREIGN:
        assert origin.finding is not None
        assert origin.finding.reason is Reason.SOURCE_NOT_ALLOWED
    else:
        assert origin.finding is None
