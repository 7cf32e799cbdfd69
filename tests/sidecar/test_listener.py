"""Where the sidecar listens."""

import socket
from pathlib import Path

import pytest

from hookgate_sidecar.errors import ListenError
from hookgate_sidecar.listener import listen
from support.events import CLEAN
from support.pair import paired
from support.raw import post


@pytest.mark.parametrize(
    ("host", "family"),
    [
        ("127.0.0.1", socket.AF_INET),
        ("0.0.0.0", socket.AF_INET),
        ("localhost", socket.AF_INET),
        ("::1", socket.AF_INET6),
        ("::", socket.AF_INET6),
    ],
)
def test_addresses_and_names_are_listened_on(host: str, family: int) -> None:
    """IPv4 where a name has both; the socket never blocks, and its port is the system's choice."""
    with listen(host, 0) as sock:
        assert sock.family == family
        assert not sock.getblocking()
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        assert sock.getsockname()[1] > 0


def test_a_port_in_use_is_named_once() -> None:
    """The message has the key, the address and the reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError) as caught:
            listen("127.0.0.1", port)
    assert str(caught.value).count(str(port)) == 1
    assert str(caught.value) == (
        f"sidecar.listen = 127.0.0.1:{port} cannot be had: Address already in use"
    )


def test_senders_come_over_ipv6(tmp_path: Path) -> None:
    """An event from ::1 is delivered and recorded under its address."""
    keys = {"sidecar.listen": "[::1]:0", "source.allow": "::1"}
    with paired(tmp_path, **keys) as pair:
        with socket.create_connection(("::1", pair.port), 10) as client:
            client.sendall(post(CLEAN))
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        (record,) = pair.gate.wait_for_deliveries(1)
        assert (record["client"], record["peer"]) == ("::1", "::1")
