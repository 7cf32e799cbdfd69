"""The field that names the client, by name."""

from typing import Any

import pytest

from hookgate.config.client_field import client_field
from hookgate.policy import HEADERS

SINGLE = [
    *("cf-connecting-ip", "true-client-ip", "fastly-client-ip", "x-client-ip", "x-azure-clientip"),
    *("x-cluster-client-ip", "fly-client-ip", "do-connecting-ip", "x-envoy-external-address"),
    *("x-appengine-user-ip", "cf-connecting-ipv6", "x-original-forwarded-for"),
]


@pytest.mark.parametrize("name", [*HEADERS, *SINGLE])
def test_a_name_is_taken_in_any_case(name: str) -> None:
    """As field names are (RFC 9110 5.1)."""
    assert client_field(name) == client_field(name.title()) == client_field(name.upper()) == name


@pytest.mark.parametrize(
    "value",
    [
        *("", "-", "a", "cf_connecting_ip", "cf connecting ip", "cf-connecting-ip:", " x-real-ip"),
        *("x-real-ip\n", "cf-connecting-ip, x-real-ip", "x-caf\u00e9", "x-\u017freal-ip"),
        *("Host", "content-length", "content-type", "transfer-encoding", "connection", "upgrade"),
        *("x-forwarded-host", "x-forwarded-proto", "x-forwarded-fro", "x-forwarded-client-ip"),
        *("x-request-id", "authorization", "cookie", "via", "from", "proxy-authorization", "te"),
        *(5, None, True, [], ["x-real-ip"]),
    ],
)
def test_what_names_no_client_is_refused_with_what_does(value: Any) -> None:
    """Also what a proxy would drop, and what says something else."""
    with pytest.raises(
        ValueError, match=r"^is no field .*; write x-forwarded-for, .*cf-connecting"
    ):
        client_field(value)


def test_a_field_with_a_port_is_refused_with_the_one_to_take() -> None:
    """CloudFront writes 2001:db8::1:443, and nobody can tell where the port begins."""
    with pytest.raises(
        ValueError, match=r'^holds a port behind the address; write "x-forwarded-for"'
    ):
        client_field("CloudFront-Viewer-Address")
