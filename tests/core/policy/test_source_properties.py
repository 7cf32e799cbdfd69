"""What no sender can do to the client that is resolved."""

import netaddr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hookgate.policy.source import Origin, SourcePolicy
from support.examples import many
from support.policy import ALLOW, ALLOWED, FOREIGN, PROXY, TRUSTED, request

# What may stand in a field value: RFC 9110 5.5, with obs-text.
VALUES = st.one_of(
    st.binary(max_size=30).map(
        lambda raw: bytes(b for b in raw if (b >= 32 and b != 127) or b == 9)
    ),
    st.lists(
        st.sampled_from(
            [
                b"203.0.113.5",
                b"198.51.100.7",
                b"192.0.2.9",
                b"for=",
                b'"',
                b",",
                b";",
                b"\\",
                b" ",
                b"[",
                b"]",
                b":80",
                b"=",
                b"by=",
                b"host=",
                b"unknown",
                b"_x",
                b"2001:db8:a::5",
            ]
        ),
        max_size=10,
    ).map(b"".join),
)
# Elements as RFC 7239 allows them, which close all that they open.
ELEMENTS = st.lists(
    st.sampled_from(
        [
            b"for=203.0.113.5",
            b'for="[2001:db8:a::5]:80"',
            b"for=unknown",
            b"for=_x;by=_y",
            b'host="\\", for=203.0.113.5";proto=http',
            b"by=203.0.113.5",
            b'for="";for=""',
        ]
    ),
    min_size=1,
    max_size=4,
).map(b", ".join)
CLIENTS = st.sampled_from([ALLOWED, FOREIGN])
BEHIND = st.lists(st.sampled_from(["192.0.2.9", "192.0.2.200"]), max_size=2)

POLICIES = {
    header: SourcePolicy([netaddr.IPNetwork(ALLOW)], [netaddr.IPNetwork(TRUSTED)], header)
    for header in ("x-forwarded-for", "x-real-ip", "forwarded")
}


def resolve(header: str, prefix: list[bytes], joined: bool, added: list[str]) -> Origin:
    """The origin where proxies added these addresses to what the sender wrote before."""
    template = b'for="%s"' if header == "forwarded" else b"%s"
    tail = b", ".join(template % address.encode() for address in added)
    lines = [*prefix[:-1], prefix[-1] + b", " + tail] if joined and prefix else [*prefix, tail]
    fields = ((header.encode(), line) for line in lines)
    return POLICIES[header].origin(request(*fields, peer=PROXY))


@settings(max_examples=many(200), deadline=None)
@given(
    st.sampled_from(["x-forwarded-for", "x-real-ip"]),
    st.lists(VALUES, max_size=3),
    st.booleans(),
    CLIENTS,
    BEHIND,
)
def test_whatever_is_prepended_to_a_list_the_client_is_the_same(
    header: str, prefix: list[bytes], joined: bool, client: str, behind: list[str]
) -> None:
    """What stands left of the entry that a trusted proxy made is never read."""
    added = [client, *behind]
    assert resolve(header, prefix, joined, added) == resolve(header, [], False, added)


@settings(max_examples=many(200), deadline=None)
@given(st.lists(ELEMENTS, max_size=3), st.booleans(), CLIENTS, BEHIND)
def test_elements_prepended_to_forwarded_leave_the_client_the_same(
    prefix: list[bytes], joined: bool, client: str, behind: list[str]
) -> None:
    """Whole elements of RFC 7239 before the proxy's own are never read."""
    added = [client, *behind]
    assert resolve("forwarded", prefix, joined, added) == resolve("forwarded", [], False, added)


@settings(max_examples=many(300), deadline=None)
@given(st.lists(VALUES, max_size=3), st.booleans(), CLIENTS, BEHIND)
@example([b'for="'], True, FOREIGN, [])
@example([b'for=203.0.113.5;x="'], False, FOREIGN, ["192.0.2.9"])
@example([b'for=203.0.113.5;x="\\'], True, FOREIGN, [])
def test_nothing_prepended_to_forwarded_makes_another_client(
    prefix: list[bytes], joined: bool, client: str, behind: list[str]
) -> None:
    """A quote left open can make the source unresolved, never somebody else."""
    origin = resolve("forwarded", prefix, joined, [client, *behind])
    assert origin.client in (client, "")
    if client == FOREIGN:
        assert origin.finding is not None
