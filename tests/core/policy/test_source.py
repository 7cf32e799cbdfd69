"""Who really sent a request, by the peer's address and X-Forwarded-For or X-Real-IP."""

import pytest
from netaddr import IPNetwork

from hookgate.policy import Reason, Standing
from hookgate.policy.source import Origin, SourcePolicy
from support.policy import ALLOW, ALLOWED, FOREIGN, PROXY, TRUSTED, request

ALLOWED_V6, FOREIGN_V6, PROXY_V6 = "2001:db8:a::5", "2001:db8:f::7", "2001:db8:b::1"


def resolve(peer: str, *lines: bytes, header: str = "x-forwarded-for") -> Origin:
    """The origin of a request with these lines of the chosen field."""
    policy = SourcePolicy(
        [IPNetwork(ALLOW), IPNetwork("2001:db8:a::/48")],
        [IPNetwork(TRUSTED), IPNetwork("2001:db8:b::/48")],
        header,
    )
    fields = [(b"Host", b"gate"), *((header.title().encode(), line) for line in lines)]
    return policy.origin(request(*fields, peer=peer))


def assert_client(origin: Origin, client: str | None) -> None:
    """The client is this one, judged by the allowlist; None is unresolved."""
    if client is None:
        assert origin.client == ""
        assert origin.chain == ()
        assert origin.finding is not None
        assert origin.finding.reason is Reason.SOURCE_UNRESOLVED
        return
    assert origin.client == client
    if client in (ALLOWED, ALLOWED_V6):
        assert origin.finding is None
    else:
        assert origin.finding is not None
        assert origin.finding.reason is Reason.SOURCE_NOT_ALLOWED


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        (ALLOWED, ALLOWED),
        (FOREIGN, FOREIGN),
        (ALLOWED_V6, ALLOWED_V6),
        ("2001:0DB8:000A:0:0:0:0:5", ALLOWED_V6),
        (f"::ffff:{ALLOWED}", ALLOWED),
        ("::ffff:cb00:7105", ALLOWED),
        (f"::FFFF:{FOREIGN}", FOREIGN),
        (f"::{ALLOWED}", "::cb00:7105"),
        (f"64:ff9b::{ALLOWED}", "64:ff9b::cb00:7105"),
        ("203.0.113.0", "203.0.113.0"),
    ],
)
def test_an_untrusted_peer_is_the_client(peer: str, client: str) -> None:
    """The client is the peer, IPv4-mapped IPv6 unwrapped and no other form."""
    origin = resolve(peer)
    assert origin.client == origin.peer == client
    assert origin.chain == ()
    allowed = client in (ALLOWED, ALLOWED_V6, "203.0.113.0")
    assert (origin.finding is None) is allowed


@pytest.mark.parametrize(
    "peer",
    [
        "",
        "unix:",
        "localhost",
        "203.0.113",
        "203.0.113.05",
        "0313.0.113.5",
        "0xcb.0.113.5",
        "3405803781",
        "203.0.113.5:80",
        "203.0.113.5 ",
        "203.0.113.5/32",
        "[2001:db8:a::5]",
        "fe80::1%eth0",
        "2001:db8:a::5%1",
        f"::ffff:{ALLOWED}%lo",
        "2001:db8:a:::5",
        "\u0662\u0660\u0663.\u0660.\u0661\u0661\u0663.\u0665",
    ],
)
def test_a_peer_without_a_plain_address_is_unresolved(peer: str) -> None:
    """Anything but an address written in full is refused, whatever the field says."""
    origin = resolve(peer, ALLOWED.encode())
    assert_client(origin, None)
    assert origin.peer == peer


@pytest.mark.parametrize("header", ["x-forwarded-for", "x-real-ip", "forwarded"])
@pytest.mark.parametrize("peer", [FOREIGN, ALLOWED, FOREIGN_V6, f"::ffff:{FOREIGN}"])
@pytest.mark.parametrize("address", [ALLOWED, FOREIGN, PROXY, "unknown", "", "127.0.0.1"])
def test_the_field_of_an_untrusted_peer_is_ignored(header: str, peer: str, address: str) -> None:
    """Neither an allowed nor a foreign nor a broken entry of such a peer changes anything."""
    value = f"for={address}" if header == "forwarded" else address
    assert resolve(peer, value.encode(), header=header) == resolve(peer, header=header)


THROUGH_A_PROXY: dict[str, tuple[list[bytes], str | None]] = {
    "one allowed": ([b"203.0.113.5"], ALLOWED),
    "one foreign": ([b"198.51.100.7"], FOREIGN),
    "IPv6": ([b"2001:db8:a::5"], ALLOWED_V6),
    "IPv6 in capitals and in full": ([b"2001:0DB8:A:0:0:0:0:5"], ALLOWED_V6),
    "IPv4-mapped": ([b"::ffff:203.0.113.5"], ALLOWED),
    "IPv4-mapped in brackets with a port": ([b"[::ffff:203.0.113.5]:443"], ALLOWED),
    "with a port": ([b"203.0.113.5:567"], ALLOWED),
    "IPv6 in brackets": ([b"[2001:db8:a::5]"], ALLOWED_V6),
    "IPv6 in brackets with a port": ([b"[2001:db8:a::5]:567"], ALLOWED_V6),
    "a forged entry before": ([b"203.0.113.5, 198.51.100.7"], FOREIGN),
    "many forged entries before": ([b"203.0.113.5, " * 9 + b"198.51.100.7"], FOREIGN),
    "a forged proxy before": ([b"203.0.113.5, 192.0.2.9, 198.51.100.7"], FOREIGN),
    "a forged mapped entry before": ([b"::ffff:203.0.113.5,198.51.100.7"], FOREIGN),
    "rubbish before": ([b"<script>, 203.0.113.5"], ALLOWED),
    "nothing before the comma": ([b", 203.0.113.5"], ALLOWED),
    "a second proxy": ([b"203.0.113.5, 192.0.2.9"], ALLOWED),
    "proxies of both families": ([b"203.0.113.5, 2001:db8:b::2, 192.0.2.9"], ALLOWED),
    "a mapped proxy": ([b"203.0.113.5, ::ffff:192.0.2.9"], ALLOWED),
    "white space": ([b" \t203.0.113.5 \t,\t 192.0.2.9 "], ALLOWED),
    "two lines, the later one nearer": ([b"203.0.113.5", b"198.51.100.7"], FOREIGN),
    "two lines in the other order": ([b"198.51.100.7", b"203.0.113.5"], ALLOWED),
    "a forged first line": ([b"203.0.113.5, 192.0.2.9", b"198.51.100.7, 192.0.2.8"], FOREIGN),
    "proxies in the last of three lines": (
        [b"198.51.100.7", b"203.0.113.5", b"192.0.2.9, 192.0.2.8"],
        ALLOWED,
    ),
    "missing": ([], None),
    "empty": ([b""], None),
    "a comma": ([b","], None),
    "an empty entry last": ([b"203.0.113.5,"], None),
    "an empty entry in the middle": ([b"203.0.113.5,, 192.0.2.9"], None),
    "an empty last line": ([b"203.0.113.5", b""], None),
    "only a proxy": ([b"192.0.2.9"], None),
    "only proxies": ([b"192.0.2.9, 192.0.2.8", b"2001:db8:b::2"], None),
    "unknown last": ([b"203.0.113.5, unknown"], None),
    "unknown between proxies": ([b"203.0.113.5, unknown, 192.0.2.9"], None),
    "a name": ([b"localhost"], None),
    "quotes": ([b'"203.0.113.5"'], None),
    "single quotes": ([b"'203.0.113.5'"], None),
    "half a quote": ([b'203.0.113.5"'], None),
    "an open bracket": ([b"[2001:db8:a::5"], None),
    "a closing bracket": ([b"2001:db8:a::5]"], None),
    "IPv4 in brackets": ([b"[203.0.113.5]"], None),
    "empty brackets": ([b"[]"], None),
    "no port after the colon": ([b"203.0.113.5:"], None),
    "a port that is no number": ([b"203.0.113.5:http"], None),
    "two ports": ([b"203.0.113.5:80:80"], None),
    "the last port": ([b"203.0.113.5:65535"], ALLOWED),
    "a port beyond the last": ([b"203.0.113.5:65536"], None),
    "a port beyond the last after IPv6": ([b"[2001:db8:a::5]:99999"], None),
    "a port of six digits": ([b"203.0.113.5:123456"], None),
    "octal": ([b"0313.0.0161.5"], None),
    "leading zero": ([b"203.0.113.05"], None),
    "hexadecimal": ([b"0xcb.0.113.5"], None),
    "shorthand": ([b"203.113.5"], None),
    "one number": ([b"3405803781"], None),
    "a scope id": ([b"fe80::1%eth0"], None),
    "a scope id in brackets": ([b"[2001:db8:a::5%25eth0]"], None),
    "a prefix": ([b"203.0.113.0/24"], None),
    "an octet too large": ([b"203.0.113.256"], None),
    "five octets": ([b"203.0.113.5.6"], None),
    "separated by spaces": ([b"203.0.113.5 192.0.2.9"], None),
    "separated by a semicolon": ([b"203.0.113.5;192.0.2.9"], None),
    "a no-break space": ([b"\xa0203.0.113.5"], None),
    "a NUL": ([b"203.0.113.5\0"], None),
    "a line feed": ([b"198.51.100.7\n203.0.113.5"], None),
    "a vertical tab": ([b"\x0b203.0.113.5"], None),
    "digits of another script": ([b"203.0.113.\xb2"], None),
    "bytes that are no text": ([b"\xff\xfe"], None),
    "the syntax of Forwarded": ([b"for=203.0.113.5"], None),
}


@pytest.mark.parametrize("header", ["x-forwarded-for", "x-real-ip"])
@pytest.mark.parametrize("peer", [PROXY, PROXY_V6, f"::ffff:{PROXY}"])
@pytest.mark.parametrize(("lines", "client"), THROUGH_A_PROXY.values(), ids=THROUGH_A_PROXY.keys())
def test_a_trusted_proxys_field_is_read_from_the_right(
    header: str, peer: str, lines: list[bytes], client: str | None
) -> None:
    """All lines joined, the first address from the right that is no trusted proxy's."""
    assert_client(resolve(peer, *lines, header=header), client)


def test_the_chain_is_what_was_verified_and_no_more() -> None:
    """The client and the proxies behind it, nearest last, without what was prepended."""
    origin = resolve(f"::ffff:{PROXY}", b"9.9.9.9, [203.0.113.5]:1, 203.0.113.5:9", b"192.0.2.9")
    assert origin.peer == PROXY
    assert origin.chain == (ALLOWED, "192.0.2.9")


def test_another_field_than_the_chosen_one_is_not_read() -> None:
    """With x-real-ip chosen, X-Forwarded-For and Forwarded say nothing."""
    policy = SourcePolicy([IPNetwork(ALLOW)], [IPNetwork(TRUSTED)], "x-real-ip")
    fields = ((b"X-Forwarded-For", b"203.0.113.5"), (b"Forwarded", b"for=203.0.113.5"))
    assert_client(policy.origin(request(*fields, peer=PROXY)), None)


@pytest.mark.parametrize("name", [b"X-FORWARDED-FOR", b"x-forwarded-for", b"X-Forwarded-For"])
def test_the_fields_name_has_no_case(name: bytes) -> None:
    """Field names are compared without case (RFC 9110 5.1)."""
    policy = SourcePolicy([IPNetwork(ALLOW)], [IPNetwork(TRUSTED)], "x-forwarded-for")
    assert_client(policy.origin(request((name, ALLOWED.encode()), peer=PROXY)), ALLOWED)


@pytest.mark.parametrize("name", [b"X_Forwarded_For", b"X-Forwarded-For ", b"Forwarded-For"])
def test_a_field_named_nearly_alike_is_not_read(name: bytes) -> None:
    """What WSGI or CGI would take for the field is another one here."""
    policy = SourcePolicy([IPNetwork(ALLOW)], [IPNetwork(TRUSTED)], "x-forwarded-for")
    assert_client(policy.origin(request((name, ALLOWED.encode()), peer=PROXY)), None)


@pytest.mark.parametrize(
    ("peer", "standing"),
    [
        (ALLOWED, Standing.ALLOWED),
        (PROXY, Standing.TRUSTED),
        (FOREIGN, Standing.FOREIGN),
        (f"::ffff:{ALLOWED}", Standing.ALLOWED),
        (f"::ffff:{PROXY}", Standing.TRUSTED),
        (ALLOWED_V6, Standing.ALLOWED),
        ("fe80::1%eth0", Standing.FOREIGN),
        ("", Standing.FOREIGN),
        ("nowhere", Standing.FOREIGN),
    ],
)
def test_a_peer_has_one_standing(peer: str, standing: Standing) -> None:
    """Allowed, trusted or foreign is told from the address alone."""
    allow = [IPNetwork(ALLOW), IPNetwork("2001:db8:a::/48")]
    assert SourcePolicy(allow, [IPNetwork(TRUSTED)], "forwarded").standing(peer) is standing
