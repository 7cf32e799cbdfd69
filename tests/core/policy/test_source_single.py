"""A field that holds one address: exactly one line, exactly one plain address."""

import pytest
from netaddr import IPNetwork

from hookgate.policy import Reason
from hookgate.policy.source import Origin, SourcePolicy
from support.policy import ALLOW, ALLOWED, FOREIGN, PROXY, TRUSTED, request

FIELD = "cf-connecting-ip"
POLICY = SourcePolicy([IPNetwork(ALLOW), IPNetwork("2001:db8::/32")], [IPNetwork(TRUSTED)], FIELD)


def resolve(*lines: bytes, peer: str = PROXY, name: bytes = b"CF-Connecting-IP") -> Origin:
    return POLICY.origin(request((b"Host", b"gate"), *((name, line) for line in lines), peer=peer))


@pytest.mark.parametrize(
    ("line", "client"),
    [
        (ALLOWED, ALLOWED),
        (FOREIGN, FOREIGN),
        (f"::ffff:{ALLOWED}", ALLOWED),
        ("2001:DB8:0::5", "2001:db8::5"),
        ("2001:db8::1:443", "2001:db8::1:443"),
    ],
)
@pytest.mark.parametrize("name", [b"CF-Connecting-IP", b"cf-connecting-ip"])
def test_the_one_address_is_the_client(line: str, client: str, name: bytes) -> None:
    """From a trusted proxy; it is judged by the allowlist."""
    origin = resolve(line.encode(), name=name)
    assert (origin.peer, origin.client, origin.chain) == (PROXY, client, (client,))
    assert (origin.finding is None) is (client != FOREIGN)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b""],
        [ALLOWED.encode()] * 2,
        [FOREIGN.encode(), ALLOWED.encode()],
        [ALLOWED.encode(), b""],
        [f"{FOREIGN}, {ALLOWED}".encode()],
        [f"{ALLOWED},".encode()],
        [f"{ALLOWED} {FOREIGN}".encode()],
        [f"{ALLOWED}:443".encode()],
        [f"[{ALLOWED}]".encode()],
        [b"[2001:db8::5]"],
        [b"[2001:db8::5]:443"],
        [f'"{ALLOWED}"'.encode()],
        [f"for={ALLOWED}".encode()],
        [f"0{ALLOWED}".encode()],
        [f"{ALLOWED}/32".encode()],
        [b"fe80::1%eth0"],
        [b"unknown"],
        [b"\xb2" + ALLOWED.encode()],
        [PROXY.encode()],
    ],
    ids=repr,
)
def test_anything_else_leaves_the_source_unresolved(lines: list[bytes]) -> None:
    """Not there, twice, a list, a port, a proxy's own address, or no plain address."""
    origin = resolve(*lines)
    assert (origin.client, origin.chain) == ("", ())
    assert origin.finding is not None
    assert origin.finding.reason is Reason.SOURCE_UNRESOLVED
    assert ALLOWED not in " ".join(origin.finding.details)


def test_nobody_but_a_trusted_proxy_is_believed() -> None:
    """Whoever else sends it is the client himself."""
    assert resolve(ALLOWED.encode(), peer=FOREIGN).client == FOREIGN
    assert resolve(FOREIGN.encode(), peer=ALLOWED).finding is None


def test_no_other_field_is_read() -> None:
    """X-Forwarded-For beside it changes nothing."""
    fields = ((b"X-Forwarded-For", ALLOWED.encode()), (b"CF-Connecting-IP", FOREIGN.encode()))
    assert POLICY.origin(request(*fields, peer=PROXY)).client == FOREIGN
    assert POLICY.origin(request(fields[0], peer=PROXY)).client == ""
